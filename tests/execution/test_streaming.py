"""Folds with too many comparisons to keep: the same numbers, without the matrix of scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.errors import RunFailed, UsageError
from harness.execution import plan, unaided
from harness.execution.pool import Limits
from harness.execution.storage import load_answer
from harness.execution.unaided import compare
from harness.execution.unit import UNIT_FILE, Unit
from harness.matching import pool, units
from harness.record import record
from harness.record.growing import growth_in
from harness.record.verifying import verify_run
from harness.runs.executing import Finished, execute
from harness.runs.preparing import Request, prepare
from harness.tasks.answers import StreamedAnswer
from tests.conftest import run_harness

WriteFile = Callable[[str, str], Path]

LEARNER = '''
@dataclass
class Learner(Matcher):
    """Subtracts the mean picture; gives up on a few."""

    def fit(self, train):
        self.mean_ = np.mean([image.astype(float) for image in train.images], axis=0)

    def extract(self, image):
        if image[0, 0, 0] % 7 == 0:
            raise FailureToEnroll("unlucky")
        return (image - self.mean_).reshape(-1)
'''


def run(
    algorithm: str, data: Path, out: Path, folds: tuple[str, ...] = (), device: str = "cpu"
) -> Finished:
    request = Request((algorithm,), ("similarity",), data=data, out=out, folds=folds)
    (prepared,) = prepare(request)
    return execute(prepared, Limits(memory=256 << 20, device=device), lambda event: None)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["colours", "learner"])
def test_streamed_and_kept_scores_give_the_same_numbers(
    plugin: WriteFile,
    small_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: str,
) -> None:
    name = algorithm if algorithm == "colours" else str(plugin("learner", LEARNER))
    whole = run(name, small_set, tmp_path / "kept", ("1",))
    kept = whole.outcome
    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    streamed = run(name, small_set, tmp_path / "streamed", ("1",))
    folder = streamed.prepared.folder
    assert not list(folder.rglob("scores.npy"))
    assert not list(folder.rglob("*.part-*"))
    compared = ["hit-rate@rank=1", "hit-rate@rank=10", "map", "eer", "fnmr@fmr=0.1"]
    for metric in compared:
        value = kept.metrics.pooled[metric].value
        assert streamed.outcome.metrics.pooled[metric].value == pytest.approx(value), metric
        ends = [
            (found.low, found.value, found.high)
            for found in (part.pooled[metric] for part in (streamed.outcome.metrics, kept.metrics))
        ]
        (low, middle, high), (other_low, _, other_high) = np.array(ends, dtype=np.float64)
        assert low <= middle <= high, metric
        assert high - low == pytest.approx(other_high - other_low, rel=0.25, abs=0.02)
    assert streamed.outcome.metrics.counts == kept.metrics.counts
    folders = [one.prepared.folder for one in (whole, streamed)]
    grown = [growth_in(record.read_run(place)) for place in folders]
    assert grown[0] == grown[1]
    for one, other in zip(streamed.outcome.searches, kept.searches, strict=True):
        assert (one.probe, one.rank, one.mates, one.failed) == (
            other.probe,
            other.rank,
            other.mates,
            other.failed,
        )
        assert [c.reference for c in one.candidates] == [c.reference for c in other.candidates]
        assert [c.mated for c in one.candidates] == [c.mated for c in other.candidates]
    assert streamed.outcome.failures == kept.failures
    assert verify_run(folder) == []
    assert (folder / "report.html").exists()


@pytest.mark.slow
def test_matching_through_torch_gives_the_same_ranks_and_is_recorded(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    ours = run("colours", small_set, tmp_path / "cpu", ("1",)).outcome
    finished = run("colours", small_set, tmp_path / "torch", ("1",), device="cpu:0")
    assert [s.rank for s in finished.outcome.searches] == [s.rank for s in ours.searches]
    assert "cpu:0" in {one.environment.device for one in finished.manifest.environments}
    with pytest.raises(RunFailed, match="see --memory and --device"):
        run("colours", small_set, tmp_path / "none", ("1",), device="quantum")


@pytest.mark.slow
def test_what_needs_every_score_is_told_fold_by_fold_only(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = run("colours", small_set, tmp_path / "kept").outcome.metrics
    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    finished = run("colours", small_set, tmp_path / "streamed")
    metrics = finished.outcome.metrics
    assert metrics.pooled["hit-rate@rank=10"].value == kept.pooled["hit-rate@rank=10"].value
    assert metrics.pooled["eer"].value is None
    assert "not kept" in metrics.pooled["eer"].flags[0]
    for one, other in zip(metrics.folds, kept.folds, strict=True):
        assert one.values["eer"] == pytest.approx(other.values["eer"])
    folder = finished.prepared.folder
    with pytest.raises(UsageError, match="summed up, not kept"):
        record.assessed(record.read_run(folder), "pav")
    exported = run_harness("export", folder, "--format", "npy", "--out", tmp_path / "x")
    assert exported.code == 2
    assert "summed up, not kept" in exported.err
    exported = run_harness("export", folder, "--format", "csv", "--out", tmp_path / "tables")
    assert exported.code == 0
    assert "no scores.csv" in exported.err
    assert (tmp_path / "tables" / "candidates.csv").is_file()


def test_no_unit_that_holds_the_mates_runs_an_algorithm(
    plugin: WriteFile, small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    path = plugin("learner", LEARNER)
    folder = run(str(path), small_set, tmp_path / "runs", ("1",)).prepared.folder
    units = {
        place.name: msgspec.json.decode((place / UNIT_FILE).read_bytes(), type=Unit)
        for place in (folder / "units").iterdir()
    }
    assert set(units) == {"templates-fold-1", "fold-1"}
    assert units["templates-fold-1"].matching is None
    matching = units["fold-1"].matching
    assert matching is not None
    assert len(matching.pairs) == 16
    # The plugin's file is gone: comparing does not need it.
    path.unlink()
    part = tmp_path / "again"
    part.mkdir()
    compare(units["fold-1"], folder, part, lambda done, total: None)
    scores = folder / "units" / "fold-1" / "scores"
    assert (part / "matching.json").read_bytes() == (scores / "matching.json").read_bytes()


def test_a_fold_of_many_templates_is_matched_by_units_that_a_next_attempt_keeps(
    plugin: WriteFile, small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    path = plugin("learner", LEARNER)
    folder = run(str(path), small_set, tmp_path / "runs", ("1",)).prepared.folder
    unit = msgspec.json.decode((folder / "units" / "fold-1" / UNIT_FILE).read_bytes(), type=Unit)
    whole = load_answer(folder / "units" / "fold-1" / "scores")
    assert isinstance(whole, StreamedAnswer)
    monkeypatch.setattr(unaided, "SHARDED_ABOVE", 0)
    place = tmp_path / "fold-1"
    real, begun = units.do_one, list[str]()

    def do_one(unit_folder: Path) -> None:
        begun.append(unit_folder.name)
        if begun.count("count-0-00000-00000") == 1 and unit_folder.name.startswith("count"):
            raise OSError("the power fails")
        real(unit_folder)

    monkeypatch.setattr(pool, "do_one", do_one)
    assert unit.matching is not None
    unit.matching.threads, unit.matching.memory = 1, 1 << 30
    for attempt in ("one.part-1", "two.part-2"):
        (place / attempt).mkdir(parents=True)
        if attempt.startswith("one"):
            with pytest.raises(OSError, match="the power fails"):
                compare(unit, folder, place / attempt, lambda done, total: None)
        else:
            compare(unit, folder, place / attempt, lambda done, total: None)
    assert begun.count("begin-00000") == 1
    assert sorted(path.name for path in place.iterdir()) == ["one.part-1", "two.part-2"]
    assert not list((place / "two.part-2").glob("*.npy"))
    cut = load_answer(place / "two.part-2")
    assert isinstance(cut, StreamedAnswer)
    ours, theirs = cut.matching, whole.matching
    assert cut.failures == whole.failures
    for name in ("ranks", "mates", "best_mate_reference", "candidate_references"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    np.testing.assert_allclose(ours.mated_scores, theirs.mated_scores, atol=1e-6)
    assert ours.eer == pytest.approx(theirs.eer, abs=1e-6)
    assert ours.margins is not None
    assert theirs.margins is not None
    compared = theirs.margins.compared_references
    assert np.array_equal(ours.margins.compared_references, compared)
    assert (compared == 0).any()  # who has no template is in its own place


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 500 << 20), ("1.5 GB", 3 << 29), ("2097152", 1 << 21)]
)
def test_memory_is_read_with_units(text: str, size: int) -> None:
    from harness.cli.options import MEMORY

    assert MEMORY.convert(text, None, None) == size


@pytest.mark.parametrize("text", ["lots", "1kB", "-1GB", "1.2.3GB"])
def test_what_is_no_amount_of_memory_is_said(text: str) -> None:
    ran: Any = run_harness("run", "--protocol", "x", "--algo", "y", "--memory", text)
    assert ran.code == 2
    assert "is not an amount of memory" in ran.err


def test_the_summary_of_a_streamed_fold_is_checked_when_it_is_read(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.errors import Damaged

    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    folder = run("colours", small_set, tmp_path / "runs", ("1",)).prepared.folder
    plain = folder / "units" / "fold-1" / "scores" / "matching.json"
    content = json.loads(plain.read_text())
    del content["eer"]
    plain.write_text(json.dumps(content))
    with pytest.raises(Damaged, match="matching"):
        record.read_run(folder)
