"""Likelihood-ratio figures against answers that other packages give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.statistics.likelihood.evidence import dev_pav
from harness.statistics.likelihood.limits import elub
from harness.statistics.likelihood.validity import cllr, cllr_cal, cllr_min, ece
from tests.statistics.likelihood.score_sets import NONSEP, TIED, UNTIED, Pair

INF = math.inf


@pytest.mark.parametrize(
    ("scores", "total", "least", "loss", "distance", "entropies"),
    [
        (
            UNTIED,
            0.43424783598777816,
            0.24561366244583968,
            0.18863417354193848,
            0.8048006278600393,
            [0.0486854947203, 0.2082040000471, 0.434247835987, 0.239291202411, 0.0544565944055],
        ),
        (
            TIED,
            0.6885492023235178,
            0.5987005126591155,
            0.08984868966440229,
            0.3019730143751889,
            [0.0644659859817, 0.319530585066, 0.688549202323, 0.331177884394, 0.0666719384744],
        ),
        (
            NONSEP,
            3.618334575741368,
            0.40306201053558705,
            3.215272565205781,
            2.514260733685298,
            [1.32912209194, 3.63924987425, 3.61833457574, 0.959037458012, 0.137330871244],
        ),
    ],
    ids=["untied", "tied", "nonsep"],
)
def test_three_score_sets_have_the_answers_of_llreval_and_lir(
    scores: Pair, total: float, least: float, loss: float, distance: float, entropies: list[float]
) -> None:
    assert cllr(*scores) == pytest.approx(total, abs=1e-13)
    assert cllr_min(*scores) == pytest.approx(least, abs=1e-13)
    assert cllr_cal(*scores) == pytest.approx(loss, abs=1e-13)
    assert dev_pav(*scores) == pytest.approx(distance, abs=1e-12)
    odds = np.arange(-2, 3) * math.log(10)
    assert ece(*scores, odds) == pytest.approx(entropies, abs=1e-11)


# lir searches its bounds on a grid of hundredths in log10 and gives the last inner point; ours are
# exact, so they lie up to one step further out.
GRID = 0.01


@pytest.mark.parametrize(
    ("mated", "nonmated", "low", "high"),
    [
        (*UNTIED, -1.22, 1.54),
        (*TIED, -0.86, 1.21),
        (*NONSEP, 0.0, 0.0),
        # lir 1.7.1 (Apache-2.0), tests/algorithms/test_bayeserror.py, as likelihood ratios there.
        ([INF] * 3, [-INF] * 3, math.log10(0.3388442), math.log10(2.9512092)),
        (np.log([1, 10, 100]), np.log([0.01, 0.1]), math.log10(0.3801894), math.log10(1.4791084)),
        (np.log([10, 100]), np.log([0.01, 0.1, 1]), math.log10(0.676083), math.log10(2.630268)),
        (np.log([0.01, 0.1, 1]), np.log([10, 100]), 0.0, 0.0),
    ],
)
def test_elub_lies_within_one_step_outside_the_grid_bounds_of_lir(
    mated: list[float], nonmated: list[float], low: float, high: float
) -> None:
    bounds = elub(np.array(mated), np.array(nonmated))
    assert low - GRID - 1e-6 <= bounds.low / math.log(10) <= low + 1e-6
    assert high - 1e-6 <= bounds.high / math.log(10) <= high + GRID + 1e-6


# lir 1.7.1 (Apache-2.0), tests/test_metrics.py: likelihood ratios of the non-mated, then of the
# mated. Upstream compares them without an assert; the values were checked by the formula.
@pytest.mark.parametrize(
    ("nonmated", "mated", "expected"),
    [
        ([1, 1], [1, 1], 1.0),
        ([3, 3], [1 / 3, 1 / 3], 2.0),
        ([3] * 20, [1 / 3] * 20, 2.0),
        ([1 / 3, 1 / 3], [3, 3], 0.4150374992788437),
        ([1 / 3, 1 / 3], [1], 0.7075187496394219),
        ([0.01] * 100, [1], 0.507177646488535),
        ([0.01] * 100 + [100], [1], 0.5400680236656377),
        ([0.01] * 100 + [100] * 2, [1], 0.5723134914863265),
        ([0.01] * 100 + [100] * 6, [1], 0.6952113122368764),
        ([1], [1], 1.0),
        ([2], [2, 2], 1.0849625007211563),
        ([8], [8] * 8, 1.6699250014423126),
    ],
)
def test_cllr_has_the_answers_of_lir(
    nonmated: list[float], mated: list[float], expected: float
) -> None:
    assert cllr(np.log(mated), np.log(nonmated)) == pytest.approx(expected, abs=1e-14)


def test_cllr_min_of_equal_ratios_is_one_as_in_lir() -> None:
    assert cllr_min(np.zeros(2), np.zeros(2)) == 1.0
