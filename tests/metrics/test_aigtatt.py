"""The result columns of AIGTatt: their names, what they mean, and where theirs differ."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.metrics.aigtatt import (
    COLUMNS,
    closed_set_columns,
    open_set_columns,
    verification_columns,
)
from harness.metrics.identification import MISS, NO_MATE
from harness.metrics.open_set import Searches


def test_the_columns_have_the_names_and_order_of_the_published_table() -> None:
    searches = Searches.of(np.array([[0.9], [0.1]]), np.array([[True], [False]]))
    row = verification_columns(np.array([0.9]), np.array([0.1]))
    row |= open_set_columns(searches) | closed_set_columns([np.array([1])])
    assert " ".join(row) == (
        "EER_Ver FMR10 FMR20 FMR100 EER_Ident FNIR10 FNIR20 FNIR100 Rank-1 Rank-10 Rank-20"
    )
    assert tuple(row) == COLUMNS
    assert list(row.values()) == [0.0] * 8 + [1.0] * 3


def test_fmr_columns_are_the_lowest_fnmr_at_10_5_and_1_percent() -> None:
    rng = np.random.default_rng(0)
    mated, nonmated = rng.integers(3, 40, 60) / 10, rng.integers(0, 30, 200) / 10
    row = verification_columns(mated, nonmated)
    for name, most in (("FMR10", 0.1), ("FMR20", 0.05), ("FMR100", 0.01)):
        rates = [
            (float(np.mean(nonmated >= t)), float(np.mean(mated < t)))
            for t in np.arange(0, 5, 0.05)
        ]
        assert row[name] == min(fnmr for fmr, fnmr in rates if fmr <= most)


def test_pyeer_agrees_within_one_comparison_where_no_scores_are_tied() -> None:
    eer_info = pytest.importorskip("pyeer.eer_info", exc_type=ImportError)
    rng = np.random.default_rng(1)
    mated, nonmated = rng.normal(2, 1, 500), rng.normal(0, 1, 2000)
    theirs = eer_info.get_eer_stats(mated.tolist(), nonmated.tolist())
    row = verification_columns(mated, nonmated)
    assert row["EER_Ver"] == pytest.approx(theirs.eer, abs=1 / 500)
    for name, value in (
        ("FMR10", theirs.fmr10),
        ("FMR20", theirs.fmr20),
        ("FMR100", theirs.fmr100),
    ):
        assert row[name] == pytest.approx(value, abs=1 / 500)


def test_the_published_open_set_counts_whoever_is_on_top_and_so_understates_fnir() -> None:
    scores = np.array([[0.9, 0.8], [0.2, 0.7], [0.3, 0.1]])
    mated = np.array([[False, True], [False, True], [False, False]])
    searches = Searches.of(scores, mated)
    assert open_set_columns(searches)["FNIR10"] == 0.5
    published = open_set_columns(searches, identity_checked=False)
    assert published == {"EER_Ident": 0.0, "FNIR10": 0.0, "FNIR20": 0.0, "FNIR100": 0.0}


def test_an_unchecked_open_set_never_looks_worse() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        mated = rng.random((20, 6)) < 0.1
        mated[0, 0], mated[1] = True, False
        searches = Searches.of(rng.integers(0, 6, (20, 6)).astype(float), mated)
        checked = open_set_columns(searches)
        unchecked = open_set_columns(searches, identity_checked=False)
        assert all(unchecked[name] <= checked[name] + 1e-15 for name in checked)


def test_repeats_weigh_the_same_whatever_their_size() -> None:
    row = closed_set_columns([np.array([1, 1, 1, 1]), np.array([11, MISS])])
    assert row == {"Rank-1": 0.5, "Rank-10": 0.5, "Rank-20": 0.75}


def test_a_repeat_without_a_mated_search_is_left_out_and_no_repeat_at_all_is_nan() -> None:
    row = closed_set_columns([np.array([1]), np.array([NO_MATE]), np.array([], np.int64)])
    assert row["Rank-1"] == 1.0
    assert all(math.isnan(value) for value in closed_set_columns([]).values())


def test_failures_are_misses_in_every_column() -> None:
    failed = np.array([-np.inf, -np.inf])
    assert set(verification_columns(failed, np.array([0.1, 0.2])).values()) == {1.0}
    searches = Searches.of(np.array([[-np.inf], [0.1]]), np.array([[True], [False]]))
    for checked in (True, False):
        assert set(open_set_columns(searches, identity_checked=checked).values()) == {1.0}
    assert set(closed_set_columns([np.array([MISS])]).values()) == {0.0}


def test_a_constant_scorer_is_at_chance_and_never_looks_good() -> None:
    same = np.full(10, 0.5)
    row = verification_columns(same, same)
    assert row == {"EER_Ver": 0.5, "FMR10": 1.0, "FMR20": 1.0, "FMR100": 1.0}
    mated = np.array([[True, False], [False, False]])
    searches = Searches.of(np.full((2, 2), 0.5), mated)
    assert set(open_set_columns(searches).values()) == {1.0}


def test_no_data_is_nan_and_nan_is_refused() -> None:
    nothing = np.array([])
    assert all(math.isnan(v) for v in verification_columns(nothing, nothing).values())
    assert all(math.isnan(v) for v in open_set_columns(Searches.joined([])).values())
    with pytest.raises(ValueError, match="NaN"):
        verification_columns(np.array([np.nan]), np.array([0.1]))
