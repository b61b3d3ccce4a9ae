"""Every point of a curve has its score, and the bins of a report show where scores lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from harness.comparing.baselines import run_of
from harness.metrics.verification import error_curve
from harness.plugins.places import bundled
from harness.record.kept_run import MOST, kept_run
from harness.record.record import read_run
from harness.reporting.drawing.figures import score_distributions
from harness.reporting.operating import (
    Operating,
    bins_that_show,
    operating_of,
    quantile_bins,
    with_thresholds,
)
from harness.statistics.estimate import Estimate
from harness.tasks.answers import histogram, thin_curve
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


def drawn(mated: Scores, nonmated: Scores) -> str:
    counts = {"mated_comparisons": len(mated), "nonmated_comparisons": len(nonmated)}
    metrics = Metrics("identification", "eer", counts, {"eer": Estimate(0.3)}, [])
    curves = Curves(
        det=thin_curve(error_curve(mated, nonmated)), distribution=histogram(mated, nonmated)
    )
    scores = Operating.of(mated, nonmated)
    bins = score_distributions(curves, metrics, COMPARISONS, scores)
    assert bins is not None
    return " ".join(bins.notes)


def test_the_page_says_which_bins_it_draws() -> None:
    assert "bins are equally wide" in drawn(*SETS["cosines"])
    notes = drawn(np.append(NUMBERS.random(99), [500.0]), NUMBERS.random(900))
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


@pytest.mark.parametrize("name", ["similarity-colours", "detection-hog-svm"])
def test_the_scores_of_a_run_folder_give_the_curve_that_the_run_recorded(name: str) -> None:
    folder = run_of(name, bundled("fixtures") / "golden")
    outcome = read_run(folder).judge()
    scores = operating_of(kept_run(folder, outcome.metrics), outcome.metrics, outcome.curves)
    assert scores is not None
    assert "threshold" in with_thresholds(outcome.curves.det, scores)
