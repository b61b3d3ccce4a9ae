"""ELUB bounds of lir 1.7.1 (Netherlands Forensic Institute, Apache-2.0), on its own grid.

Its Cllr and Cllr_min of likelihood ratios are in
tests/statistics/likelihood/test_known_answers.py, its answers for three score sets in
test_forensic.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.statistics.likelihood.limits import elub
from tests.oracles.reading import numbers
from tests.statistics.likelihood.score_sets import NONSEP, TIED, UNTIED, Pair

INF = math.inf
FORENSIC = numbers("forensic")


def on_the_grid(llr: float) -> float:
    """Last hundredth of log10 inside an exact bound: lir searches these and gives that one."""
    return math.trunc(round(100 * llr / math.log(10), 9)) / 100


@pytest.mark.parametrize(
    ("name", "scores"), [("untied", UNTIED), ("tied", TIED), ("nonsep", NONSEP)]
)
def test_bounds_of_the_score_sets_are_lirs_on_its_grid(name: str, scores: Pair) -> None:
    bounds = elub(*scores)
    found = [on_the_grid(bounds.low), on_the_grid(bounds.high)]
    assert found == pytest.approx(FORENSIC[name]["lir.elub_log10"], abs=1e-12)


# tests/algorithms/test_bayeserror.py of lir: likelihood ratios of the mated, of the non-mated,
# and the two bounds.
@pytest.mark.parametrize(
    ("mated", "nonmated", "low", "high"),
    [
        ([INF, INF, INF], [0, 0, 0], 0.3388442, 2.9512092),
        ([1, 10, 100], [0.01, 0.1], 0.3801894, 1.4791084),
        ([10, 100], [0.01, 0.1, 1], 0.676083, 2.630268),
        ([0.01, 0.1, 1], [10, 100], 1, 1),
    ],
)
def test_bounds_of_likelihood_ratios_are_lirs_on_its_grid(
    mated: list[float], nonmated: list[float], low: float, high: float
) -> None:
    with np.errstate(divide="ignore"):
        bounds = elub(np.log(mated), np.log(np.array(nonmated, np.float64)))
    found = (10 ** on_the_grid(bounds.low), 10 ** on_the_grid(bounds.high))
    assert found == pytest.approx((low, high), rel=1e-6)
