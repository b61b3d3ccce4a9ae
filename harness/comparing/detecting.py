"""How large a loss the gate detects, from two runs and from data alone.

The gate says regressed where the lower bound of the loss lies above the margin. The bound lies
about 1.645 standard errors (*t* for few identities) below the loss seen, and the loss seen is as
often above the true one as below it. So a true loss is called regressed with a probability of 90 %
when it exceeds the margin by 1.645 + 1.282 standard errors. A loss brings a variance of its own:
whoever is lost was found before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from harness.comparing.differences import Difference

CONFIDENCE = 0.95
"""Of a bound of the loss, one-sided."""

POWER = 0.9
"""Probability with which a loss that is declared detectable is called regressed."""

TURNOVER = 0.1
"""Planning: share of the identities that come out differently though nothing got worse."""

_WANTED = NormalDist().inv_cdf(POWER)


def detectable(difference: Difference, margin: float) -> float | None:
    """Return the smallest true loss that two such runs would show with probability `POWER`.

    The standard error is that of the change seen. To it comes the variance of the identities that
    the loss itself would take beyond those seen to change.

    Parameters
    ----------
    difference
        Change of a metric in [0, 1], its interval one-sided at `CONFIDENCE` at either end.
    margin
        Acceptable loss.

    Returns
    -------
    float or None
        None where there is no interval, or not even a loss of everything would be seen.

    Examples
    --------
    >>> seen = Difference(0.7, 0.7, 0.0, -0.0329, 0.0329, 0.9, "", 600, 300, 20)
    >>> round(detectable(seen, 0.02), 3)
    0.097
    """
    if not math.isfinite(difference.low + difference.high) or difference.identities < 2:
        return None
    people = difference.identities
    seen = ((difference.high - difference.low) / 2 / _sure(people)) ** 2
    if not difference.changed:
        seen = 0.0  # the bound of no change is no standard error
    return _smallest(
        lambda loss: seen + max(0.0, loss - abs(difference.change)) * (1 - loss) / people,
        people,
        margin,
    )


def planned(identities: int, margin: float) -> float | None:
    """Return the loss that data can show, before anything was run: what a protocol declares.

    `TURNOVER` of the identities are taken to come out differently in either way besides the loss,
    as they do when an algorithm that does not learn is changed, or when one that learns is fitted
    five times on either side.

    Parameters
    ----------
    identities
        Behind the metric, each as one trial: several trials of one are taken to agree.
    margin
        Acceptable loss.

    Examples
    --------
    >>> [round(planned(n, 0.02), 2) for n in (31, 135, 1000)]
    [0.36, 0.14, 0.06]
    """
    if identities < 2:
        return None
    # The two identities that are imagined along with a difference, one that gains and one that
    # loses, draw the loss that is seen towards 0 as well.
    everybody = identities + 2
    share = identities / everybody

    def variance(loss: float) -> float:
        return (TURNOVER + loss * (1 - loss) + 2 / identities) * identities / everybody**2

    return _smallest(variance, identities, margin, share)


def _smallest(
    variance: Callable[[float], float], identities: int, margin: float, share: float = 1.0
) -> float | None:
    errors = _sure(identities) + _WANTED

    def shown(loss: float) -> bool:
        return share * loss - margin >= errors * math.sqrt(variance(loss))

    if not shown(1.0):
        return None
    # Once a loss is shown, so is a larger one: its own variance grows more slowly than it does.
    low, high = margin, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _sure(identities: int) -> float:
    """Return how many standard errors lie between a loss and its bound."""
    from scipy.special import stdtrit

    return float(stdtrit(identities - 1, CONFIDENCE))
