"""What six programs return for three score sets: README.md says which differ, and why."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.metrics.verification import (
    auc,
    d_prime,
    eer,
    eer_convex_hull,
    error_curve,
    fnmr_at_fmr,
)
from harness.statistics.likelihood.evidence import dev_pav
from harness.statistics.likelihood.validity import cllr, cllr_cal, cllr_min, ece
from tests.oracles.reading import at, numbers
from tests.statistics.likelihood.score_sets import NONSEP, TIED, UNTIED

ANSWERS = numbers("forensic")
SETS = {"untied": UNTIED, "tied": TIED, "nonsep": NONSEP}
EVERY = pytest.mark.parametrize("name", SETS)
FMRS = ("0.1", "0.05", "0.01", "0.001")

# The set and FMR at which a program gives another FNMR than the enumeration of all thresholds does.
NEAREST_FMR_EXCEEDS = {("nonsep", "0.05"): 0.06, ("nonsep", "0.01"): 0.02}
THRESHOLD_TOO_HIGH = {("untied", "0.001")}


@EVERY
def test_the_sets_have_their_sizes(name: str) -> None:
    scores, told = SETS[name], ANSWERS[name]
    assert (len(scores.mated), len(scores.nonmated)) == (told["n_gen"], told["n_imp"])


@EVERY
@pytest.mark.parametrize("x", FMRS)
def test_fnmr_at_fmr_is_that_of_the_enumeration(name: str, x: str) -> None:
    scores = SETS[name]
    threshold, fmr, fnmr = ANSWERS[name][f"enumeration.FNMR@FMR<={x}"]
    assert fnmr_at_fmr(*scores, float(x)) == fnmr
    assert at(error_curve(*scores), threshold) == (fmr, fnmr)


@EVERY
@pytest.mark.parametrize("x", FMRS)
def test_pyeer_agrees_except_where_the_nearest_fmr_exceeds_the_one_asked_for(
    name: str, x: str
) -> None:
    curve, told = error_curve(*SETS[name]), ANSWERS[name][f"pyeer.fnmr@fmr<={x}"]
    if (name, x) not in NEAREST_FMR_EXCEEDS:
        assert fnmr_at_fmr(*SETS[name], float(x)) == told
        return
    exceeding = NEAREST_FMR_EXCEEDS[name, x]
    assert exceeding > float(x)
    assert (exceeding, told) in zip(curve.fmr, curve.fnmr, strict=True)
    assert np.abs(curve.fmr - float(x)).min() == pytest.approx(exceeding - float(x))
    assert fnmr_at_fmr(*SETS[name], float(x)) > told


@EVERY
@pytest.mark.parametrize("x", FMRS)
def test_bob_agrees_except_where_its_threshold_is_not_the_best(name: str, x: str) -> None:
    threshold, fmr, fnmr = ANSWERS[name][f"bob.frr@far<={x}"]
    assert at(error_curve(*SETS[name]), threshold) == (fmr, fnmr)
    ours = fnmr_at_fmr(*SETS[name], float(x))
    assert ours < fnmr if (name, x) in THRESHOLD_TOO_HIGH else ours == fnmr


@EVERY
def test_equal_error_rates_follow_from_one_curve_by_each_definition(name: str) -> None:
    """Ours is the interpolation, the convex hull beside it; midpoints are those of others."""
    scores, told = SETS[name], ANSWERS[name]
    curve = error_curve(*scores)
    assert eer(*scores) == pytest.approx(told["enumeration.EER linear-interp"], abs=1e-15)
    assert eer_convex_hull(*scores) == pytest.approx(told["llreval.eer_rocch"], abs=1e-11)

    threshold, fmr, fnmr, midpoint = told["enumeration.EER mid (a+b)/2 at min|a-b|"]
    nearest = int(np.argmin(np.abs(curve.fmr - curve.fnmr)))
    assert curve.threshold[nearest] == threshold
    assert (curve.fmr[nearest], curve.fnmr[nearest]) == (fmr, fnmr)
    assert (fmr + fnmr) / 2 == pytest.approx(midpoint, abs=1e-15)

    assert at(curve, told["bob.eer_thr"]) == (told["bob.far"], told["bob.frr"])
    assert (told["bob.far"] + told["bob.frr"]) / 2 == pytest.approx(told["bob.eer"], abs=1e-15)

    # FVC2000, as PyEER: of the two points around the crossing, the one with the smaller sum.
    last = int(np.flatnonzero(curve.fnmr <= curve.fmr)[-1])
    first = int(np.flatnonzero(curve.fnmr >= curve.fmr)[0])
    around = [sorted((float(curve.fmr[i]), float(curve.fnmr[i]))) for i in (last, first)]
    low, high = min(around, key=sum)
    assert (low, high) == (told["pyeer.eer_low"], told["pyeer.eer_high"])
    assert (low + high) / 2 == pytest.approx(told["pyeer.eer"], abs=1e-15)


@EVERY
def test_area_and_d_prime_are_those_of_scikit_learn_and_pyeer(name: str) -> None:
    scores, told = SETS[name], ANSWERS[name]
    assert auc(*scores) == pytest.approx(told["sklearn.auc"], abs=1e-14)
    assert d_prime(*scores) == pytest.approx(told["pyeer.dprime"], abs=1e-13)
    # bob.measure adds up 2,000 points of the curve.
    assert auc(*scores) == pytest.approx(told["bob.auc"], abs=1e-4)


@EVERY
def test_costs_are_those_of_lir_llreval_and_bob(name: str) -> None:
    scores, told = SETS[name], ANSWERS[name]
    for program in ("lir.cllr(log10 in)", "llreval.cllr_ln", "bob.cllr"):
        assert cllr(*scores) == pytest.approx(told[program], abs=1e-14)
    for program in ("lir.cllr_min", "llreval.min_cllr"):
        assert cllr_min(*scores) == pytest.approx(told[program], abs=1e-14)
    assert cllr_cal(*scores) == pytest.approx(told["lir.cllr_cal"], abs=1e-14)
    assert dev_pav(*scores) == pytest.approx(told["lir.devpav"], abs=1e-13)
    odds = np.arange(-2, 3) * math.log(10)
    entropies = told["lir.ece@prior_odds_log10(-2,-1,0,1,2)"]
    assert ece(*scores, odds) == pytest.approx(entropies, abs=1e-13)
