"""Two lists of scores without names, and PyEER's own EER of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.errors import DataError
from harness.metrics.verification import eer
from harness.scorefiles import (
    ScoreLists,
    pyeer_eer,
    read_score_lists,
    split_scores,
)
from harness.tasks.answers import Answer
from tests.scorefiles.questions import ONE, written


def test_scores_are_the_last_word_of_each_line(tmp_path: Path) -> None:
    lists = read_score_lists(
        written(tmp_path, "genuine.txt", "0.5", "1e0", "", "a b 2"),
        written(tmp_path, "impostor.txt", "-1"),
    )
    assert (lists.mated.tolist(), lists.nonmated.tolist()) == ([0.5, 1, 2], [-1])
    assert len(lists.sha256) == 64


def test_lines_that_are_no_numbers_are_named_in_both_files(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read_score_lists(
            written(tmp_path, "genuine.txt", "0.5", "nan"), written(tmp_path, "impostor.txt", "x")
        )
    assert "genuine.txt:2: the score 'nan' is not finite" in str(refused.value)
    assert "impostor.txt:1: the score 'x' is not a number" in str(refused.value)


def test_failures_are_non_matches_of_mates_and_no_chance_of_a_false_match() -> None:
    scores = np.array([[9.0, 1.0, 2.0], [np.nan, np.nan, np.nan]])
    lists = split_scores(ONE, [Answer(scores, {"p2.png": "dark"})])
    assert sorted(lists.mated.tolist()) == [-np.inf, 9.0]
    assert lists.nonmated.tolist() == [1.0, 2.0]


def test_pyeer_agrees_with_ours_on_many_scores() -> None:
    rng = np.random.default_rng(3)
    lists = ScoreLists(rng.normal(1.5, 1, 2000), rng.normal(0, 1, 20_000))
    found = pyeer_eer(lists)
    if found.value is None and "imported" in found.reason:
        pytest.skip(found.reason)
    assert found.program.startswith("PyEER 0.")
    assert found.value == pytest.approx(eer(lists.mated, lists.nonmated), abs=1e-3)


def test_pyeer_counts_failures_as_ours_does() -> None:
    rng = np.random.default_rng(4)
    mated = np.concatenate([rng.normal(3, 1, 900), np.full(100, -np.inf)])
    lists = ScoreLists(mated, rng.normal(0, 1, 5000))
    found = pyeer_eer(lists)
    if found.value is None and "imported" in found.reason:
        pytest.skip(found.reason)
    assert found.value == pytest.approx(eer(lists.mated, lists.nonmated), abs=1e-3)


LISTS = ScoreLists(np.array([1.0, 2.0]), np.array([0.0]))


def test_a_missing_pyeer_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyeer.eer_stats", None)
    found = pyeer_eer(LISTS)
    assert found.value is None
    assert "it cannot be imported" in found.reason


@pytest.mark.parametrize("tied", [False, True])
def test_what_is_asked_of_pyeer_is_its_own_eer(tied: bool) -> None:
    theirs = pytest.importorskip("pyeer.eer_info", exc_type=ImportError)
    rng = np.random.default_rng(6)
    mated, nonmated = rng.normal(2, 1, 70), rng.normal(0, 1, 400)
    lists = ScoreLists(mated.round(1), nonmated.round(1)) if tied else ScoreLists(mated, nonmated)
    assert pyeer_eer(lists).value == theirs.get_eer_stats(lists.mated, lists.nonmated).eer


@pytest.mark.parametrize("fault", [AttributeError("gone"), ZeroDivisionError("0"), None])
def test_a_broken_pyeer_is_a_reason_and_no_crash(
    fault: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ModuleType("pyeer.eer_stats")

    def roc(mated: object, nonmated: object, rates: bool) -> object:
        if fault:
            raise fault
        return np.ones(1), np.ones(1), np.ones(1)

    broken.calculate_roc = roc  # type: ignore[attr-defined]
    broken.get_eer_values = lambda fmr, fnmr: (0, 1, 1, float("nan"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyeer", ModuleType("pyeer"))
    monkeypatch.setitem(sys.modules, "pyeer.eer_stats", broken)
    found = pyeer_eer(LISTS)
    assert found.value is None
    assert ("it failed" if fault else "it returned nan") in found.reason


def test_pyeer_is_not_run_where_it_would_take_too_long_or_has_nothing_to_do() -> None:
    assert "more than 2 comparisons, these are 3" in pyeer_eer(LISTS, most=2).reason
    empty = ScoreLists(np.array([]), np.array([1.0]))
    assert pyeer_eer(empty).reason == "there are no mated scores"
