"""Answers of bob.measure 6.1.1 (Idiap, BSD-3-Clause): README.md says which differ, and why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.metrics.failures import failures, generalised_far, generalised_frr
from harness.metrics.identification import cmc, hit_rate
from harness.metrics.open_set import fnir, fpir
from harness.metrics.tagging import tag_rates
from harness.metrics.verification import (
    ErrorCurve,
    auc,
    eer,
    eer_convex_hull,
    error_curve,
    fnmr_at_fmr,
    score_to_exceed,
)
from harness.reporting.drawing.plots import probit_axis
from harness.statistics.intervals import clopper_pearson
from harness.statistics.likelihood.pav import pool
from harness.statistics.likelihood.validity import cllr, cllr_min
from tests.oracles.reading import Floats, Pair, at, counts, floats, numbers, searches

BOB = numbers("bob_measure")
SCORES = numbers("bob_measure_scores")
ASSERTED: dict[str, Any] = BOB["asserted"]
SETS = ("dev-1", "dev-2", "test-1", "test-2")


def of(scores: dict[str, list[float | None]]) -> tuple[Floats, Floats]:
    """Mated and non-mated scores, failures as -inf."""
    return floats(scores["positives"]), floats(scores["negatives"])


NONSEP, LINSEP = of(BOB["nonsep"]), of(BOB["linsep"])


def compared(name: str) -> tuple[Floats, Floats]:
    """Comparisons of a score file that took place: bob leaves the others out of FMR and FNMR."""
    mated, nonmated = of(SCORES[name])
    return mated[mated > -np.inf], nonmated[nonmated > -np.inf]


def lowest_half_sum(curve: ErrorCurve) -> float:
    """Lowest half total error rate, which is no figure of ours, from our error curve."""
    return float(np.min(curve.fmr + curve.fnmr)) / 2


# Curves of 100 points


def test_every_point_of_the_roc_lies_on_our_error_curve_in_its_order() -> None:
    curve = error_curve(*NONSEP)
    ours = list(zip(curve.fmr, curve.fnmr, strict=True))
    theirs = np.array(BOB["nonsep_curves"]["roc_fpr_fnr"])
    places = [ours.index((fpr, fnr)) for fpr, fnr in theirs.T]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, len(ours) - 1)


def test_the_det_is_the_roc_on_the_axes_that_reports_draw() -> None:
    roc, det = (
        np.array(BOB["nonsep_curves"][name]) for name in ("roc_fpr_fnr", "det_normal_deviates")
    )
    inside = (roc > 0) & (roc < 1)
    deviate = probit_axis("FMR", 0.001).warp
    assert [deviate(float(rate)) for rate in roc[inside]] == pytest.approx(det[inside], abs=1e-8)
    assert np.all(det[roc == 0] < -8)  # theirs ends there; on our axes 0 and 1 lie on the edge
    assert np.all(det[roc == 1] > 8)


def test_precision_and_recall_are_those_of_a_tag_at_the_same_operating_points() -> None:
    mated, nonmated = NONSEP
    scores = np.concatenate([mated, nonmated])[:, np.newaxis]
    truth = (np.arange(len(scores)) < len(mated))[:, np.newaxis]
    curve = error_curve(mated, nonmated)
    ours = list(zip(curve.fmr, curve.fnmr, strict=True))
    roc = np.array(BOB["nonsep_curves"]["roc_fpr_fnr"])
    pairs = zip(roc.T, np.array(BOB["nonsep_curves"]["precision_recall"]).T, strict=True)
    for (fpr, fnr), (precision, recall) in pairs:
        threshold = min(float(curve.threshold[ours.index((fpr, fnr))]), 1e9)
        rates = tag_rates(scores, truth, threshold)
        assert (rates.precision[0], rates.recall[0]) == pytest.approx((precision, recall))


def test_expected_performance_is_read_off_our_curves_of_the_two_halves() -> None:
    """Their EPC fixes thresholds on the first half of each set and judges them on the second."""
    mated, nonmated = NONSEP
    fixed, judged = (
        error_curve(mated[half], nonmated[half]) for half in (slice(0, 25), slice(25, 50))
    )
    for cost, half_sum, threshold in np.array(BOB["nonsep_curves"]["epc_cost_hter_threshold"]).T:
        assert sum(at(judged, threshold)) / 2 == pytest.approx(half_sum, abs=1e-15)
        fmr, fnmr = at(fixed, threshold)
        weighted = cost * fixed.fmr + (1 - cost) * fixed.fnmr
        assert cost * fmr + (1 - cost) * fnmr == pytest.approx(weighted.min(), abs=1e-15)


def test_the_corners_of_the_convex_hull_are_the_edges_of_our_pav_blocks() -> None:
    blocks = pool(*NONSEP)
    falsely_matched = np.append(0, np.cumsum(blocks.nonmated[::-1]))[::-1] / len(NONSEP[1])
    missed = np.append(0, np.cumsum(blocks.mated)) / len(NONSEP[0])
    assert [falsely_matched.tolist(), missed.tolist()] == BOB["nonsep_curves"]["rocch_pfa_pmiss"]


# Answers that its tests assert


def test_a_separable_set_has_no_error_at_their_thresholds() -> None:
    curve = error_curve(*LINSEP)
    thresholds = (ASSERTED["linsep eer_threshold"], ASSERTED["linsep min_hter_threshold"], 3.0)
    for threshold in thresholds:
        assert at(curve, threshold) == tuple(ASSERTED["linsep farfrr at 3.0"]) == (0.0, 0.0)
    assert eer(*LINSEP) == eer_convex_hull(*LINSEP) == ASSERTED["linsep rocch eer"] == 0.0
    assert auc(*LINSEP) == 1.0
    assert cllr(*LINSEP) == pytest.approx(ASSERTED["linsep cllr"], abs=1e-10)
    assert cllr_min(*LINSEP) == ASSERTED["linsep min_cllr"]


def test_f_scores_follow_from_precision_and_recall_when_everything_is_accepted() -> None:
    scores = np.concatenate(LINSEP)[:, np.newaxis]
    truth = (np.arange(len(scores)) < len(LINSEP[0]))[:, np.newaxis]
    rates = tag_rates(scores, truth, float(LINSEP[1].min()) - 0.1)
    assert rates.f1[0] == pytest.approx(ASSERTED["linsep f_score 1"], abs=1e-8)
    precision, recall = float(rates.precision[0]), float(rates.recall[0])
    twice_recall = 5 * precision * recall / (4 * precision + recall)
    assert twice_recall == pytest.approx(ASSERTED["linsep f_score 2"], abs=1e-8)


def test_fnmr_at_the_requested_fmr_is_theirs_where_the_fmr_is_reached() -> None:
    curve = error_curve(*NONSEP)
    for requested, far, frr in zip(*ASSERTED["nonsep roc_for_far"], strict=True):
        assert fnmr_at_fmr(*NONSEP, requested) == frr
        assert (far, frr) in zip(curve.fmr, curve.fnmr, strict=True)


def test_areas_and_costs_of_the_overlapping_set() -> None:
    assert auc(*NONSEP) == pytest.approx(ASSERTED["nonsep auc"], abs=1e-15)
    curve = error_curve(*NONSEP)
    some = curve.fmr > 0
    by_powers = np.trapezoid((1 - curve.fnmr[some])[::-1], np.log10(curve.fmr[some])[::-1])
    assert by_powers == pytest.approx(ASSERTED["nonsep auc log_scale"], abs=1e-12)
    assert eer_convex_hull(*NONSEP) == pytest.approx(ASSERTED["nonsep rocch eer"], abs=1e-14)
    assert cllr(*NONSEP) == pytest.approx(ASSERTED["nonsep cllr"], abs=5e-6)
    assert cllr_min(*NONSEP) == pytest.approx(ASSERTED["nonsep min_cllr, ties pooled"], abs=1e-15)


def test_the_lower_cllr_min_comes_of_telling_tied_scores_apart() -> None:
    """Contradicts our definition: a score that two comparisons share cannot set them apart."""
    mated, nonmated = NONSEP
    apart = cllr_min(mated + 1e-9, nonmated)  # every tie broken for the algorithm
    assert apart == pytest.approx(ASSERTED["nonsep min_cllr, ties ordered"], abs=5e-6)
    assert apart < cllr_min(mated, nonmated)


@pytest.mark.parametrize("case", ASSERTED["far_threshold"].values())
def test_the_threshold_of_a_far_lies_just_above_the_score_to_exceed(case: dict[str, Any]) -> None:
    scores = np.array(case["neg"], np.float64)
    above = np.sort(scores)[np.sort(scores) > score_to_exceed(scores, case["far"])]
    told = str(case["threshold"])
    if told.startswith("> "):
        assert not above.size
        assert score_to_exceed(scores, case["far"]) == float(told.removeprefix("> ").split()[0])
    elif told.startswith("<= "):
        assert above[0] >= float(told.removeprefix("<= "))
        assert above.size == scores.size
    else:
        assert above[0] == float(told)


def test_the_lowest_detection_cost_is_on_our_error_curve() -> None:
    case = ASSERTED["min_dcf"]
    curve = error_curve(*of(case))
    costs = case["cost"] * curve.fmr + (1 - case["cost"]) * curve.fnmr
    assert 100 * costs.min() == pytest.approx(case["percent"])


@pytest.mark.parametrize(("x", "n", "low", "high"), ASSERTED["clopper_pearson x n low high"])
def test_clopper_pearson_has_their_ends(x: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(x, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


# Identification


@pytest.mark.parametrize(
    ("scores", "answers"),
    [(BOB["cmc"], BOB["cmc"]), (SCORES["test-cmc"], BOB["test-cmc"])],
    ids=["four searches", "a hundred searches"],
)
def test_hit_rates_are_those_of_their_cmc(scores: dict[str, Any], answers: dict[str, Any]) -> None:
    ranks = searches(list(zip(scores["negatives"], scores["positives"], strict=True))).ranks
    assert hit_rate(ranks, 1) == answers["recognition_rate"]
    assert cmc(ranks, len(answers["cmc"])).tolist() == answers["cmc"]


@pytest.mark.parametrize("name", BOB["open-set"])
def test_open_set_rates_are_theirs_and_their_mixed_rates_follow_from_our_counts(name: str) -> None:
    """Their `rr` counts searches without a mate as misses: contradicts our hit rate.

    With a threshold it counts those of them that return a candidate, so it mixes FNIR and FPIR.
    """
    answers = BOB["open-set"][name]
    pairs: list[Pair] = answers["pairs"]
    found = searches(pairs)
    mated, without = counts(found)
    assert fnir(found, rank=1, threshold=0.5) == pytest.approx(1 - answers["dir"])
    assert fpir(found, threshold=0.5) == answers["far"]
    hits = hit_rate(found.ranks, 1) * mated
    assert answers["rr"] == pytest.approx(hits / (mated + without))
    assert answers["rr"] < hit_rate(found.ranks, 1)
    identified = (1 - fnir(found, rank=1, threshold=0.5)) * mated
    accused = fpir(found, threshold=0.5) * without
    assert answers["rr@thr"] == pytest.approx(identified / (mated + accused))


# What the library returned for its own score files


@pytest.mark.parametrize("name", SETS)
def test_counts_of_comparisons_and_failures_are_theirs(name: str) -> None:
    answers, (mated, nonmated) = BOB["computed"][name], of(SCORES[name])
    assert (len(nonmated), len(mated)) == (answers["n_neg"], answers["n_pos"])
    failed = failures(nonmated == -math.inf).failed, failures(mated == -math.inf).failed
    assert failed == (answers["nan_neg"], answers["nan_pos"])


@pytest.mark.parametrize("name", SETS)
def test_rates_at_their_thresholds_are_theirs(name: str) -> None:
    answers, curve = BOB["computed"][name], error_curve(*compared(name))
    at_eer = at(curve, answers["eer_threshold"])
    assert at_eer == (answers["far@eer_thr"], answers["frr@eer_thr"])
    assert sum(at_eer) / 2 == pytest.approx(answers["eer=(far+frr)/2"], abs=1e-15)
    assert sum(at(curve, answers["min_hter_threshold"])) / 2 == pytest.approx(answers["min_hter"])
    assert lowest_half_sum(curve) == pytest.approx(answers["min_hter"], abs=1e-15)
    for told in answers["far_at_most"].values():
        assert at(curve, told["thr"]) == (told["far"], told["frr"])


@pytest.mark.parametrize("name", SETS)
def test_their_eer_is_the_midpoint_at_the_nearest_point_and_ours_lies_within_its_gap(
    name: str,
) -> None:
    """Contradicts our definition, which is the crossing of the interpolated DET."""
    answers, (mated, nonmated) = BOB["computed"][name], compared(name)
    curve = error_curve(mated, nonmated)
    nearest = int(np.argmin(np.abs(curve.fmr - curve.fnmr)))
    midpoint = (curve.fmr[nearest] + curve.fnmr[nearest]) / 2
    assert midpoint == pytest.approx(answers["eer=(far+frr)/2"], abs=1e-15)
    far, frr = answers["far@eer_thr"], answers["frr@eer_thr"]
    assert min(far, frr) <= eer(mated, nonmated) <= max(far, frr)


@pytest.mark.parametrize("name", SETS)
def test_fnmr_at_fmr_is_never_above_theirs_and_below_it_where_their_threshold_is_not_the_best(
    name: str,
) -> None:
    """At 0.01 it contradicts our definition: a lower threshold has an FMR of at most x too."""
    mated, nonmated = compared(name)
    lowest = {"dev-1": 319 / 451, "dev-2": 390 / 446, "test-1": 433 / 473, "test-2": 346 / 471}
    for x, told in BOB["computed"][name]["far_at_most"].items():
        expected = lowest[name] if x == "0.01" else told["frr"]
        assert fnmr_at_fmr(mated, nonmated, float(x)) == expected <= told["frr"]


@pytest.mark.parametrize("name", SETS)
def test_auc_is_the_exact_one_and_their_sum_over_2000_points_is_near_it(name: str) -> None:
    answers, exact = BOB["computed"][name], auc(*compared(name))
    assert exact == pytest.approx(answers["auc_exact"], abs=1e-14)
    assert abs(exact - answers["auc_bob_2000pt_approx"]) < 1e-4


def test_what_the_library_returned_for_the_overlapping_set() -> None:
    answers, curve = BOB["computed"]["nonsep"], error_curve(*NONSEP)
    assert at(curve, answers["eer_threshold"]) == tuple(answers["farfrr"])
    assert sum(answers["farfrr"]) / 2 == answers["eer"]
    assert eer(*NONSEP) == pytest.approx(7 / 60)  # by interpolation; theirs is a midpoint, .11
    half_sum = sum(at(curve, answers["min_hter_thr"])) / 2
    assert half_sum == pytest.approx(lowest_half_sum(curve), abs=1e-15)
    assert auc(*NONSEP) == pytest.approx(answers["auc_exact"], abs=1e-15)
    assert auc(*NONSEP) == pytest.approx(answers["auc_bob_2000pt_approx"], abs=1e-12)


@pytest.mark.parametrize("name", BOB["reports"])
def test_generalised_rates_are_those_of_their_printed_reports(name: str) -> None:
    told = BOB["reports"][name]
    judged = name.split(" on ")[1]
    mated, nonmated = compared(judged)
    fmr, fnmr = at(error_curve(mated, nonmated), told["threshold"])
    for rate, trials, (percent, errors, of_trials) in (
        (fmr, len(nonmated), told["fmr"]),
        (fnmr, len(mated), told["fnmr"]),
    ):
        assert (round(rate * trials), trials) == (errors, of_trials)
        assert 100 * rate == pytest.approx(percent, abs=5.1e-4)
    fta = failures(np.concatenate(of(SCORES[judged])) == -math.inf).rate
    far, frr = generalised_far(fta, fmr), generalised_frr(fta, fnmr)
    found = (100 * far, 100 * frr, 50 * (far + frr))
    assert found == pytest.approx((told["far"], told["frr"], told["hter"]), abs=5.1e-4)
