"""Which of several runs is validated, and which one a row takes; where two could be, it is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from harness.errors import Damaged, NotComparable, UsageError
from harness.record.record import read_run
from harness.runs.validation.attacked import of_attack
from harness.runs.validation.criteria import parse_criteria
from harness.runs.validation.deciding import UNSUPPORTED
from harness.runs.validation.judged import JudgedRun, judged_run
from harness.runs.validation.listing import listing
from harness.runs.validation.subject import Subject
from tests.runs.validation.conftest import Others, Runs, held, row

pytestmark = pytest.mark.xdist_group("validation")

GENERAL = ("generalisation", "cllr", 'calibrated-on = "others"\nat-most = 9')


def test_the_run_of_the_experiments_protocol_is_validated_wherever_it_is_named(runs: Runs) -> None:
    head = '[experiment]\nprotocol = "verification"\n'
    found = held([runs.identification, runs.verification], row("accuracy", "cllr"), head=head)
    assert [one.protocol for one in found.runs] == ["verification", "identification"]


def test_a_run_that_is_not_the_experiment_is_refused_with_every_difference(runs: Runs) -> None:
    head = (
        '[experiment]\nprotocol = "identification"\nalgorithm = "sift"\ndata = "mine"\nseed = 3\n'
        "[experiment.parameters]\ncells = 5\n"
    )
    with pytest.raises(NotComparable) as caught:
        held([runs.verification], row("accuracy", "cllr"), head=head)
    for said in ("'identification' by", "'sift' by", "'mine' by", "'cells': 5", "'seed': 3"):
        assert said in str(caught.value)
    head = '[experiment]\nalgorithm = "colours"\n[experiment.parameters]\ncells = 4\n'
    assert held([runs.verification], row("accuracy", "cllr"), head=head).runs[0].data == "pictures"


def test_of_two_runs_that_a_row_could_take_it_says_what_tells_them_apart(
    runs: Runs, others: Others
) -> None:
    asked = row("accuracy", "cllr", 'protocol = "identification"\nat-most = 9')
    plain, elsewhere = runs.identification, others.elsewhere
    (found,) = held([runs.verification, plain, elsewhere], asked).rows
    assert (found.verdict, found.value) == (UNSUPPORTED, None)
    names = [f"{p.name.rpartition('-')[2]} with data set" for p in (plain, elsewhere)]
    assert found.why == (
        "2 of the runs are of protocol 'identification', and a row takes one: name one of "
        f"{names[0]} pictures, {names[1]} others, and validate the others by themselves"
    )


def test_a_row_on_another_protocol_takes_the_run_of_the_validated_method(
    runs: Runs, others: Others
) -> None:
    asked = row("accuracy", "cllr", 'protocol = "identification"\nat-most = 9')
    found = held([runs.verification, others.finer, runs.identification], asked)
    assert found.rows[0].run == read_run(runs.identification).manifest.identity
    (alone,) = held([runs.verification, others.finer], asked).rows
    assert alone.verdict == UNSUPPORTED
    assert "is of another algorithm, other parameters or another source" in alone.why


def test_the_run_that_fits_the_experiment_is_validated_and_the_idle_one_is_named(
    runs: Runs, others: Others
) -> None:
    head = '[experiment]\nprotocol = "identification"\nparameters = { cells = 6 }\n'
    asked = row("accuracy", "cllr", "at-most = 9")
    found = held([runs.identification, others.finer], asked, head=head)
    first, idle = found.runs
    assert first.parameters["cells"] == 6
    assert (first.rows, idle.rows) == (1, 0)
    assert f"no row is of run {idle.identity[:10]} (identification / colours" in listing(found)
    used = held([runs.verification, runs.elsewhere], row(*GENERAL))
    assert [one.rows for one in used.runs] == [1, 1]
    assert "no row is of" not in listing(used)


def test_two_attacks_of_one_remover_are_told_apart_by_their_preset(runs: Runs) -> None:
    attacked = judged_run(runs.attacked, [], "logistic")
    plain = judged_run(runs.identification, [], "logistic")
    origin = attacked.manifest.origin
    assert origin.attack is not None
    by = origin.attack

    def labelled(label: str, **more: object) -> JudgedRun:
        manifest = structs.replace(
            attacked.manifest,
            identity=label * 5,
            origin=structs.replace(
                origin,
                protocol=f"identification+{label}",
                attack=structs.replace(by, **more),
            ),
        )
        return replace(attacked, run=replace(attacked.run, manifest=manifest))

    quick, slow = labelled("unchanged-quick"), labelled("unchanged-slow")

    def of(attack: str, *named: JudgedRun) -> Subject:
        asked = row("robustness", "cllr", f'attack = "{attack}"\nat-most = 9')
        text = f'title = "T"\n[[criterion]]\n{asked}\n'
        (criterion,) = parse_criteria(text.encode(), "t.toml").criterion
        (found,) = of_attack(criterion, plain, [plain, *named])
        return found

    assert of("unchanged:slow", quick, slow).judged is slow
    assert of("unchanged", quick, attacked, slow).judged is attacked
    assert "--attack unchanged:other`" in of("unchanged:other", quick, slow).lacking
    again = of("unchanged", attacked, labelled("unchanged", source_hash="0" * 64))
    assert "2 of the runs are this one with its probes retouched by 'unchanged'" in again.lacking


def test_runs_that_say_nothing_together_are_refused(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are one run"):
        held([runs.verification, runs.verification], row("accuracy", "cllr"))
    with pytest.raises(UsageError, match="retouched probes"):
        held([runs.attacked], row("accuracy", "cllr"))
    with pytest.raises((UsageError, Damaged)):
        held([tmp_path], row("accuracy", "cllr"))


def test_a_run_that_a_row_asked_for_is_not_idle_though_no_calibrator_could_be_fitted_on_it(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unfit(*_: object) -> None:
        raise ValueError("too few")

    monkeypatch.setattr("harness.runs.validation.generalisation.CALIBRATORS", {"logistic": unfit})
    found = held([runs.verification, runs.elsewhere], row(*GENERAL))
    assert found.rows[0].why == "the calibrator cannot be fitted on the other run: too few"
    assert [one.rows for one in found.runs] == [1, 1]
