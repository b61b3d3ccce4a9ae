"""From criteria to a signed validation: whatever is changed on the way is noticed by its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import harness
from harness.errors.absent import NotInstalled
from harness.record import record
from harness.record.evidence.signing import new_key
from harness.runs.proving import proof_of
from tests.conftest import run_harness

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")

CRITERIA = """\
title = "Colours are enough"

[experiment]
protocol = "similarity"
algorithm = "colours"
parameters = { cells = 3 }
seed = 1

[[criterion]]
characteristic = "accuracy"
metric = "hit-rate@rank=10"
at-least = 0.2

[[criterion]]
characteristic = "discriminating-power"
metric = "eer"
at-most = 0.0001
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_set: Path) -> Path:
    """A folder with criteria, what was written down, a run of it, and its signed validation."""
    root = tmp_path_factory.mktemp("validated")
    (root / "criteria.toml").write_text(CRITERIA)
    harness.preregister(root / "criteria.toml", root / "before.json", data=small_set)
    run = harness.run(
        *("similarity", "colours"),
        data=small_set,
        parameters={"cells": 3},
        seed=1,
        preregistered=root / "before.json",
        on="in-process",
        out=root / "runs",
    )
    run.folder.rename(root / "run")
    harness.validate(root / "run", criteria=root / "criteria.toml", out=root / "validation")
    new_key(root / "key.pem")
    for name in ("run", "validation"):
        harness.attest(root / name, root / "key.pem")
    return root


@pytest.fixture
def copy(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place, tmp_path / "copy"))


def changed(copy: Path, name: str, before: str, now: str) -> str:
    """Change a text in a file of the validation, seal it again, and return what is found."""
    file = copy / "validation" / name
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, now, 1))
    assert proof_of(copy / "validation").faults == [f"{name}: its bytes changed"]
    record.seal(copy / "validation")
    return "\n".join(proof_of(copy / "validation", beside=[copy / "run"]).faults)


def test_a_signed_validation_follows_from_its_runs_and_from_what_was_written_down(
    place: Path,
) -> None:
    ran = run_harness(
        *("verify", place / "validation", place / "run", "--key", place / "key.pem.pub")
    )
    assert (ran.code, ran.err) == (0, "")
    assert "  proved: its 2 verdicts follow from 1 run named beside it" in ran.out
    digest = record.read_manifest(place / "run").origin.preregistration
    assert f"  proved: its criteria are those of preregistration {digest}" in ran.out
    alone = harness.verify(place / "validation", place / "key.pem.pub")
    assert alone.faults == []
    assert any("that its verdicts follow from its runs: name " in one for one in alone.open)


def test_a_verdict_that_is_changed_is_named(copy: Path) -> None:
    unsupported = "not supported by this data"
    said = changed(copy, "validation.json", f'"verdict": "{unsupported}"', '"verdict": "pass"')
    assert f"validation.json: verdict is '{unsupported}', written was 'pass'" in said
    assert f"predicate.validation.verdict is 'pass', signed was '{unsupported}'" in said


def test_a_value_that_is_changed_is_named_by_its_metric(copy: Path) -> None:
    said = changed(copy, "validation.json", '"high_limit": 0.0001', '"high_limit": 0.9')
    assert "validation.json: rows[eer].high_limit is 0.0001, written was 0.9" in said
    assert "predicate.validation.rows[eer].at_most is 0.9, signed was 0.0001" in said


def test_a_criterion_that_is_changed_is_noticed_before_and_after_the_validation(
    copy: Path,
) -> None:
    said = changed(copy, "criteria.toml", "at-most = 0.0001", "at-most = 0.9")
    assert "criteria.toml: is not the file of criteria that validation.json names" in said
    easier = copy / "easier.toml"
    easier.write_text(CRITERIA.replace("at-most = 0.0001", "at-most = 0.9"))
    ran = run_harness("validate", copy / "run", "--criteria", easier, "--out", copy / "other")
    assert ran.code == 4
    assert "at-most: 0.0001 was written down, and 0.9 stands in the file" in ran.err


def test_a_run_that_is_changed_no_longer_gives_its_verdicts(copy: Path) -> None:
    (copy / "run" / "truth.json").write_text("{}")
    (fault,) = proof_of(copy / "validation", beside=[copy / "run"]).faults
    assert fault.startswith("validation.json: cannot be made again from its runs: ")
    assert "truth.json" in fault


def test_a_validation_of_a_run_that_nobody_wrote_down_before_says_so(
    copy: Path, small_set: Path
) -> None:
    run = harness.run(
        *("similarity", "colours"),
        data=small_set,
        parameters={"cells": 3},
        seed=1,
        on="in-process",
        out=copy / "runs",
    )
    harness.validate(run, criteria=copy / "criteria.toml", out=copy / "late")
    proof = proof_of(copy / "late", beside=[run.folder])
    assert proof.faults == []
    assert any("criteria are older than" in one and "down before" in one for one in proof.open)


def test_a_signature_that_was_not_checked_covers_nothing_though_a_preregistration_is_proved(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object) -> bool:
        raise NotInstalled("a signature", ["securesystemslib"])

    assert any("signature covers" in one for one in proof_of(place / "run").proved)
    monkeypatch.setattr("harness.runs.proving.is_signed_by", absent)
    proof = proof_of(place / "run")
    assert "are those of preregistration" in " ".join(proof.proved)
    assert not any("signature covers" in one for one in proof.proved)
    assert any("signature, which was not checked" in one for one in proof.open)
