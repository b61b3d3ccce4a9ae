"""Thresholds that a report tells attain what it says, and its bins show where the scores lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from harness.comparing.baselines import run_of
from harness.metrics.verification import error_curve, fnmr_at_fmr
from harness.plugins.places import bundled
from harness.record.kept_run import MOST, kept_run
from harness.record.record import read_run
from harness.reporting.drawing.figures import error_trade_off, score_distributions
from harness.reporting.operating import (
    RATES,
    Operating,
    bins_that_show,
    operating_of,
    quantile_bins,
    shortest_between,
    threshold_table,
    with_thresholds,
)
from harness.statistics.estimate import Estimate
from harness.tasks.answers import histogram, thin_curve
from harness.tasks.kinds import task_of
from harness.tasks.open_set import OpenSet
from harness.tasks.results import Curves, Metrics
from harness.tasks.trade_off import COMPARISONS

NUMBERS = np.random.default_rng(3)
Scores = npt.NDArray[np.float64]
SETS = {
    "cosines": (NUMBERS.normal(0.5, 0.2, 300), NUMBERS.normal(0.2, 0.2, 4000)),
    "distances, all negative": (-NUMBERS.gamma(2, 1, 90), -NUMBERS.gamma(3, 2, 3000)),
    "keypoints, all whole numbers": (
        NUMBERS.poisson(6, 200).astype(float),
        NUMBERS.poisson(2, 2500).astype(float),
    ),
    "tiny": (NUMBERS.random(50) * 1e-7, NUMBERS.random(1500) * 1e-8),
    "single precision": (
        NUMBERS.random(80).astype(np.float32).astype(float),
        NUMBERS.random(1200).astype(np.float32).astype(float),
    ),
    "failures": (
        np.append(NUMBERS.random(40) + 0.4, [-np.inf] * 5),
        np.append(NUMBERS.random(2000), [np.inf] * 4),
    ),
    "a constant": (np.ones(30), np.ones(400)),
}


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("\u202f", "").replace("%", ""))


@pytest.mark.parametrize("kind", SETS)
def test_a_threshold_read_from_the_page_attains_the_rates_beside_it(kind: str) -> None:
    mated, nonmated = SETS[kind]
    table = threshold_table(Operating.of(mated, nonmated), COMPARISONS)
    assert len(table.rows) == len(RATES)
    for rate, (_, threshold, attained, missed) in zip(RATES, table.rows, strict=True):
        if threshold.startswith("none"):
            assert np.isinf(nonmated).sum() > rate * len(nonmated)
            continue
        at = number(threshold)
        false = int((nonmated >= at).sum())
        assert false / len(nonmated) <= rate
        assert attained.split("(")[1].startswith(f"{false:,}")
        assert ("fewer than 30" in attained) == (false < 30)
        fnmr = float((mated < at).mean())
        assert fnmr == pytest.approx(fnmr_at_fmr(mated, nonmated, rate), abs=1e-12)
        assert missed.split("(")[1] == f"{int((mated < at).sum()):,})"


def test_where_too_many_searches_failed_no_threshold_is_told() -> None:
    nonmated = np.append(np.zeros(50), [np.inf] * 50)
    table = threshold_table(Operating.of(np.ones(20), nonmated), OpenSet.trade_off)
    assert all(row[1].startswith("none") for row in table.rows)
    assert table.columns[0] == "FPIR allowed"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.1, 0.30000000000000004, "0.3"), (-1.0, 0.0, "0"), (0.0, 1e-9, "1e−09"), (7.2, 9.9, "9")],
)
def test_a_threshold_is_written_as_shortly_as_it_decides(
    low: float, high: float, text: str
) -> None:
    assert shortest_between(low, high) == text


@pytest.mark.parametrize("kind", SETS)
def test_quantile_bins_hold_every_finite_score_of_both_kinds(kind: str) -> None:
    mated, nonmated = SETS[kind]
    found = quantile_bins(mated, nonmated)
    if kind == "a constant":
        assert found == {}
        return
    assert sum(found["mated"]) == pytest.approx(1)
    assert sum(found["nonmated"]) == pytest.approx(1)
    assert found["low"][1:] == found["high"][:-1]
    assert all(a < b for a, b in zip(found["low"], found["high"], strict=True))


def test_bins_are_quantiles_only_where_even_ones_show_next_to_nothing() -> None:
    even = histogram(*SETS["cosines"])
    assert bins_that_show(even, Operating.of(*SETS["cosines"])) == (even, False)
    # Nearly all scores are small, and a few are very large.
    mated = np.append(NUMBERS.exponential(2.0, 200), [900.0])
    nonmated = NUMBERS.exponential(1.0, 5000)
    found, quantiles = bins_that_show(histogram(mated, nonmated), Operating.of(mated, nonmated))
    assert quantiles
    assert max(found["nonmated"]) < 0.2


@pytest.mark.parametrize("places", [(1.0, 0.0), (0.0, 1.0), (5.0, -3.0)])
def test_bins_of_two_different_scores_keep_the_kinds_apart(places: tuple[float, float]) -> None:
    mated, nonmated = np.full(30, places[0]), np.full(400, places[1])
    even = histogram(mated, nonmated)
    assert bins_that_show(even, Operating.of(mated, nonmated)) == (even, False)
    curves = Curves(distribution=even)
    metrics = Metrics("identification", "eer", {}, {"eer": Estimate(0.3)}, [])
    figure = score_distributions(curves, metrics, COMPARISONS, Operating.of(mated, nonmated))
    assert figure is not None
    assert "0\u202f% of the two distributions overlap" in figure.summary.replace("0.0", "0")


def drawn(mated: Scores, nonmated: Scores) -> tuple[str, list[str]]:
    counts = {"mated_comparisons": len(mated), "nonmated_comparisons": len(nonmated)}
    metrics = Metrics("identification", "eer", counts, {"eer": Estimate(0.3)}, [])
    curves = Curves(
        det=thin_curve(error_curve(mated, nonmated)), distribution=histogram(mated, nonmated)
    )
    scores = Operating.of(mated, nonmated)
    errors = error_trade_off(curves, metrics, "colours", COMPARISONS, scores)
    bins = score_distributions(curves, metrics, COMPARISONS, scores)
    assert errors is not None
    assert bins is not None
    return " ".join(bins.notes), [table.caption for table in errors.also]


def test_the_page_says_which_bins_it_draws_and_shows_the_thresholds() -> None:
    notes, tables = drawn(*SETS["cosines"])
    assert "bins are equally wide" in notes
    assert tables == ["Thresholds: scores of 300 mated comparisons and 4,000 non-mated comparisons"]
    notes, _ = drawn(np.append(NUMBERS.random(99), [500.0]), NUMBERS.random(900))
    assert "bins are quantiles" in notes


@pytest.mark.parametrize(
    ("mated", "nonmated", "words"),
    [
        ([0.5] * 5, [0.5] * 9, "Half of the mated comparisons score at least 0.5, half of the"),
        ([1.0, 2.0, 3.0, 9.0], [-np.inf, 0.25, 4.0], "at least 3, half of the non-mated ones at"),
        ([-np.inf] * 3, [0.1, 0.2], "None of the mated comparisons has a score, half of the"),
    ],
)
def test_what_half_of_the_scores_reach_is_one_of_them(
    mated: list[float], nonmated: list[float], words: str
) -> None:
    finite = [np.array(one)[np.isfinite(one)] for one in (mated, nonmated)]
    curves = Curves(distribution=histogram(*finite))
    metrics = Metrics("identification", "eer", {}, {}, [])
    scores = Operating.of(np.array(mated), np.array(nonmated))
    figure = score_distributions(curves, metrics, COMPARISONS, scores)
    assert figure is not None
    assert words in figure.summary
    about = score_distributions(curves, metrics, COMPARISONS)
    assert about is not None
    assert "at least about" in about.summary


def test_every_point_of_the_curve_has_the_score_that_gives_it() -> None:
    mated, nonmated = SETS["cosines"]
    det = thin_curve(error_curve(mated, nonmated))
    found = with_thresholds(det, Operating.of(mated, nonmated))
    for fmr, fnmr, at in zip(det["fmr"], det["fnmr"], found["threshold"], strict=True):
        assert (fmr, fnmr) == ((nonmated >= at).mean(), (mated < at).mean())
    other = with_thresholds(det, Operating.of(mated[1:], nonmated))
    assert "threshold" not in other


@pytest.mark.parametrize("name", ["similarity-colours", "detection-hog-svm"])
def test_the_scores_of_a_run_folder_give_the_rates_that_the_run_reports(name: str) -> None:
    folder = run_of(name, bundled("fixtures") / "golden")
    run = read_run(folder)
    outcome = run.judge()
    scores = operating_of(kept_run(folder, outcome.metrics), outcome.metrics, outcome.curves)
    assert scores is not None
    assert "threshold" in with_thresholds(outcome.curves.det, scores)
    told = {"fnmr@fmr=0.1": 0, "fnmr@fmr=0.01": 1, "tpdr@fpdr=0.1": 0, "tpdr@fpdr=0.01": 1}
    table = threshold_table(scores, task_of(run.protocol).trade_off)
    compared = 0
    for metric, estimate in outcome.metrics.pooled.items():
        if metric in told and estimate.value is not None:
            missed = number(table.rows[told[metric]][3].split("(")[0]) / 100
            own = estimate.value if metric.startswith("fnmr") else 1 - estimate.value
            assert missed == pytest.approx(own, abs=0.0006)
            compared += 1
    assert compared == 2


def test_without_a_trade_off_or_without_its_folder_there_are_no_scores(tmp_path: Path) -> None:
    metrics = Metrics("identification", "eer", {}, {"eer": Estimate(0.3)}, [])
    det = Curves(det={"fmr": [1.0, 0.0], "fnmr": [0.0, 1.0]})
    assert kept_run(tmp_path, metrics) is None
    assert operating_of(None, metrics, det) is None
    folder = run_of("similarity-colours", bundled("fixtures") / "golden")
    golden = kept_run(folder, metrics)
    assert golden is not None
    assert operating_of(golden, metrics, Curves()) is None
    many = Metrics("verification", "eer", {"mated_comparisons": MOST + 1}, metrics.pooled, [])
    assert kept_run(folder, many) is None
    other = Metrics("identification", "map", {}, {"map": Estimate(0.3)}, [])
    assert operating_of(golden, other, det) is None
