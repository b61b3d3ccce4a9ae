"""The card holds what follows from raw scores, and says of the rest why it is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from harness.comparing.baselines import run_of
from harness.data.records import Fold, Record
from harness.plugins.places import bundled
from harness.record.record import Run, read_run
from harness.reporting.attempts import attempt_table, attempts_by_role, searches_tried
from harness.reporting.misses import RANKS, miss_table, missed_at
from harness.reporting.sections import card
from harness.reporting.sections.decisions import decision_table
from harness.reporting.sections.section import SectionInput
from harness.reporting.thresholds import read_at, reading, readings
from harness.statistics.estimate import Estimate
from harness.tasks import identification
from harness.tasks.answers import Answer
from harness.tasks.kinds import task_of
from harness.tasks.open_set import OpenSet
from harness.tasks.reading import read_protocol
from harness.tasks.results import Curves, Judgement, Metrics, Outcome
from harness.tasks.trade_off import COMPARISONS
from tests.cli.test_match import run_of as folder_of
from tests.cli.test_match import write
from tests.conftest import run_here
from tests.matching.worlds import identities, scores_of
from tests.reporting.conftest import make_detection, make_manifest, make_outcome, section_input

Scores = npt.NDArray[np.float64]
PROTOCOL, _ = read_protocol(bundled("protocols") / "identification.toml")


def golden(name: str) -> Run:
    return read_run(run_of(name, bundled("fixtures") / "golden"))


def ranks(run: Run) -> list[int]:
    """Return the rank of each search's best mate, counted one by one, ties against it."""
    found = []
    for fold, answer in zip(run.folds, run.answers, strict=True):
        column = {name: j for j, name in enumerate(fold.gallery)}
        for i, probe in enumerate(fold.probes):
            mates = {column[reference] for name, reference in fold.mates if name == probe}
            best = max(answer.scores[i, j] for j in mates)
            others = [answer.scores[i, j] for j in range(len(fold.gallery)) if j not in mates]
            found.append(1 + sum(bool(score >= best) for score in others))
    return found


def searched(scores: Scores, failures: dict[str, str] | None = None) -> tuple[Run, Outcome]:
    """Return a run whose i-th probe has the i-th reference as its mate."""
    probes = tuple(f"p{i}" for i in range(scores.shape[0]))
    gallery = tuple(f"r{j}" for j in range(scores.shape[1]))
    mates = frozenset(zip(probes, gallery, strict=False))
    fold = Fold("1", (), probes, gallery, mates)
    records = {name: Record(name, Path("gone"), tattoo=name[1:]) for name in probes + gallery}
    answer = Answer(scores, failures or {})
    run = Run(Path("nowhere"), make_manifest(), PROTOCOL, [fold], records, [answer])
    return run, identification.TASK.judge([fold], [answer], records, PROTOCOL)


def absent(run: SectionInput) -> str:
    section = card.section(run)
    assert section is not None
    return section.content.replace("\u202f", " ")


def test_miss_rates_are_those_counted_from_the_raw_scores() -> None:
    run = golden("similarity-colours")
    outcome = run.judge()
    places = np.array(ranks(run))
    table = miss_table(outcome)
    assert table is not None
    largest = max(len(fold.gallery) for fold in run.folds)
    for rank, row in zip(RANKS, table.rows, strict=True):
        if rank >= largest:
            assert row[1:] == (f"beyond a gallery of {largest}", "")
            continue
        missed = int((places > rank).sum())
        assert row[1].replace("\u202f", " ") == f"{100 * missed / len(places):.1f} % ({missed})"
        assert missed_at(outcome, rank).value == pytest.approx(missed / len(places), abs=1e-12)


@pytest.mark.parametrize("rank", [1, 10])
def test_a_miss_rate_of_no_metric_has_the_value_and_interval_of_one(rank: int) -> None:
    outcome = golden("similarity-colours").judge()
    asked = missed_at(outcome, rank)
    del outcome.metrics.pooled[f"hit-rate@rank={rank}"]
    found = missed_at(outcome, rank)
    assert (found.value, found.low, found.high) == pytest.approx(
        (asked.value, asked.low, asked.high), abs=1e-12
    )
    assert found.n == asked.n


def test_ranks_beyond_a_gallery_or_a_list_say_so_and_ties_and_failures_miss() -> None:
    scores = np.zeros((120, 120))
    scores[np.arange(60), np.arange(60)] = 1.0
    _, outcome = searched(scores, {"p0": "too dark"})
    found = [missed_at(outcome, rank).value for rank in RANKS]
    # Half of the mates come first, but for one that failed; the others tie with all references.
    assert found == pytest.approx([61 / 120] * 3)
    table = miss_table(outcome, depth=50)
    assert table is not None
    assert [row[1] for row in table.rows][2] == "beyond lists of 50"


def test_a_hit_rate_without_a_value_gives_no_miss_rate_but_its_reason() -> None:
    _, outcome = searched(np.eye(30))
    outcome.metrics.pooled["hit-rate@rank=10"] = Estimate(None, flags=["not available"])
    table = miss_table(outcome)
    assert table is not None
    assert table.rows[1] == ("10", "not available", "")


def test_without_a_search_with_a_mate_there_is_no_miss_rate() -> None:
    alone = Judgement("1", "p", "", gallery=9)
    outcome = Outcome(Metrics("x", "x", {}, {}, []), Curves(), [alone], [])
    assert miss_table(outcome) is None
    assert missed_at(outcome, 1).value is None


def test_of_one_identity_and_of_equal_scores_there_is_a_bounded_or_no_interval() -> None:
    scores = np.eye(12)
    _, outcome = searched(scores)
    for search in outcome.searches:
        search.identity = "one"
    outcome.metrics.pooled.clear()
    found = missed_at(outcome, 1)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.975)  # one trial without an error
    _, tied = searched(np.ones((12, 12)))
    assert missed_at(tied, 1).value == 1.0


@pytest.mark.parametrize("name", ["similarity-colours", "detection-hog-svm"])
def test_the_second_error_of_the_card_is_the_metric_and_follows_from_raw_scores(name: str) -> None:
    run = golden(name)
    outcome = run.judge()
    names = task_of(run.protocol).trade_off
    folder = run.folder
    given = SectionInput(folder, run.protocol, run.manifest, outcome, run.records, lambda _: None)
    assert given.scores is not None
    told = read_at(outcome.metrics, names)
    assert len(told) == 2
    for allowed, estimate in told.items():
        found = reading(given.scores, allowed)
        assert estimate.value == pytest.approx(found.attained[1], abs=1e-12)
        bar = float(found.threshold.replace("−", "-"))
        mated, false = raw(run)
        assert found.missed == sum(score < bar for score in mated)
        assert found.false == sum(score >= bar for score in false)


def raw(run: Run) -> tuple[list[float], list[float]]:
    """Return mated and non-mated scores one by one, of pairs or of images."""
    mated: list[float] = []
    others: list[float] = []
    for fold, answer in zip(run.folds, run.answers, strict=True):
        for i, probe in enumerate(fold.probes):
            if not fold.gallery:
                kind = mated if run.records[probe].label == "tattoo" else others
                kind.append(float(answer.scores[i]))
            for j, reference in enumerate(fold.gallery):
                kind = mated if (probe, reference) in fold.mates else others
                kind.append(float(answer.scores[i, j]))
    return mated, others


def test_false_decisions_are_counted_from_the_raw_scores_at_the_protocols_threshold() -> None:
    run = golden("detection-hog-svm")
    outcome = run.judge()
    table = decision_table(task_of(run.protocol), outcome, run.protocol.threshold)
    assert table is not None
    tattoo, other = raw(run)
    bar = run.protocol.threshold
    missed, false = sum(s < bar for s in tattoo), sum(s >= bar for s in other)
    cells = [[cell.replace("\u202f", " ") for cell in row[:3]] for row in table.rows]
    assert cells[0] == [
        "False negatives",
        f"{100 * missed / len(tattoo):.1f} % ({missed})",
        f"{len(tattoo)}",
    ]
    assert cells[1] == [
        "False positives",
        f"{100 * false / len(other):.1f} % ({false})",
        f"{len(other)}",
    ]
    assert f"Decisions at the score {bar:g}" == table.caption
    assert decision_table(identification.TASK, outcome, bar) is None


def test_templates_and_searches_fail_apart() -> None:
    run, outcome = searched(np.eye(20), {"p1": "dark", "p2": "dark", "r5": "blank"})
    assert attempts_by_role(run, {}) == {"probe": (2, 20), "reference": (1, 20)}
    assert searches_tried(outcome) == (2, 20)
    table = attempt_table(run, outcome, templates=True)
    assert table is not None
    assert [row[:3] for row in table.rows] == [
        ("Templates of probes", "2", "20"),
        ("Templates of references", "1", "20"),
        ("Lists of candidates", "2", "20"),
    ]
    imported = attempt_table(run, outcome, templates=False)
    assert imported is not None
    assert imported.rows[0][0] == "Answers to probes"
    # Without the answers the counts say the same.
    assert attempts_by_role(None, outcome.metrics.counts) == attempts_by_role(run, {})
    assert attempts_by_role(None, {}) == {}


def test_a_search_of_which_no_reference_has_a_score_gave_no_list() -> None:
    run, outcome = searched(np.eye(3), {f"r{j}": "blank" for j in range(3)})
    assert searches_tried(outcome) == (3, 3)
    assert attempts_by_role(run, {}) == {"probe": (0, 3), "reference": (3, 3)}


def test_an_image_that_failed_in_two_folds_failed_twice() -> None:
    run, _ = searched(np.eye(2), {"p0": "dark"})
    twice = Run(
        run.folder, run.manifest, run.protocol, [*run.folds] * 2, run.records, [*run.answers] * 2
    )
    assert attempts_by_role(twice, {})["probe"] == (2, 4)


def test_what_a_run_does_not_have_is_said() -> None:
    words = absent(section_input(make_manifest(), make_outcome()))
    assert "No FPIR, and no FNIR at one: every probe that is searched here has a mate." in words
    assert "Thresholds of comparisons are not known: the scores were not kept" in words
    assert "Nobody measured what an operation takes." in words
    detection = absent(section_input(make_manifest("detection"), make_detection()))
    assert "No FPIR" not in detection
    assert "False positives" in detection


def test_a_run_in_which_nothing_was_judged_has_no_card() -> None:
    outcome = Outcome(Metrics("identification", "x", {}, {}, []), Curves(), [], [])
    assert card.section(section_input(make_manifest(), outcome)) is None


@pytest.mark.slow
def test_searches_without_a_mate_have_thresholds_of_their_own_beside_comparisons(
    tmp_path: Path,
) -> None:
    world = identities(3, 60, 300, dimension=16, count=120, noise=0.8)
    done = run_here(*write(tmp_path, world))
    assert done.code == 0, done.err
    run = read_run(folder_of(tmp_path))
    outcome = run.judge()
    given = SectionInput(run.folder, run.protocol, run.manifest, outcome, {}, lambda _: None)
    scores = scores_of(world.probes, world.references)
    known = world.truth.any(axis=1)
    tops = [max(row) for row in scores[~known]]
    assert given.open_scores is not None
    told = read_at(outcome.metrics, OpenSet.trade_off)
    assert told
    for allowed, estimate in told.items():
        found = reading(given.open_scores, allowed)
        bar = float(found.threshold.replace("−", "-"))
        assert found.false == sum(top >= bar for top in tops) <= allowed * len(tops)
        first = [
            row[mates].max() >= bar and row[mates].max() > row[~mates].max()
            for row, mates in zip(scores[known], world.truth[known], strict=True)
        ]
        assert found.missed == len(first) - sum(first)
        assert estimate.value == pytest.approx(found.missed / len(first), abs=1e-12)
    # The scores of comparisons were summed up, and the highest of them are known.
    told = read_at(outcome.metrics, COMPARISONS)
    known_ones = readings(None, run, told)
    assert known_ones.keys() == told.keys()
    for allowed, found in known_ones.items():
        bar = float(found.threshold.replace("−", "-"))
        assert (found.false, found.nonmated) == (
            (scores[~world.truth] >= bar).sum(),
            (~world.truth).sum(),
        )
        assert found.missed == (scores[world.truth] < bar).sum()
        assert told[allowed].value == pytest.approx(found.attained[1], abs=1e-12)
    words = absent(given)
    assert "No FPIR" not in words
    assert "not known" not in words
    assert "FPIR allowed" in words
    assert f"{(~known).sum()} searches without" in words
    table = miss_table(outcome)
    assert table is not None
    places = 1 + np.array(
        [
            (row[~mates] >= row[mates].max()).sum()
            for row, mates in zip(scores[known], world.truth[known], strict=True)
        ]
    )
    for rank, row in zip(RANKS, table.rows, strict=True):
        assert f"({(places > rank).sum()})" in row[1]
