"""An estimate gets its interval, or the reason why there is none."""

from __future__ import annotations

from harness.statistics.estimate import Estimate
from harness.statistics.intervals import Interval, clopper_pearson
from harness.tasks.answers import finite

NONE = "no interval: "
"""Beginning of the reason, among an estimate's flags."""


def set_interval(
    estimate: Estimate, interval: Interval, identities: int, *, share: bool = True
) -> None:
    """Give an estimate its interval.

    Resamples of equals cannot vary. So a share that is 0 or 1 in all of them, an error rate among
    them, is bounded as the rate of as many independent trials as there are identities (Clopper and
    Pearson). For a mean of values in [0, 1] that is safe, since their mean is at least the rate of
    those that are 1. Where every draw of identities gives another value, or the metric is no share,
    there is no interval, and the estimate says why.

    Parameters
    ----------
    estimate
        With its value.
    interval
        As resampling gave it.
    identities
        Independent trials behind the value: where it takes two kinds of identities, such as those
        with and without a tattoo, the fewer.
    share
        Whether the metric lies in [0, 1], with nothing beyond.

    Examples
    --------
    >>> perfect = Estimate(1.0)
    >>> set_interval(perfect, Interval(1.0, 1.0, "bootstrap"), 10)
    >>> round(perfect.low, 4), perfect.high, perfect.method
    (0.6915, 1.0, 'Clopper-Pearson on 10 identities (all draws equal)')
    >>> constant = Estimate(0.5)
    >>> set_interval(constant, Interval(0.5, 0.5, "bootstrap"), 10)
    >>> constant.low, constant.flags
    (None, ['no interval: every draw of identities gives the same value'])
    """
    if estimate.value is None:
        return
    if interval.low == interval.high:
        if not (share and estimate.value in (0.0, 1.0) and identities):
            estimate.flags.append(f"{NONE}every draw of identities gives the same value")
            return
        exact = clopper_pearson(identities if estimate.value else 0, identities)
        method = f"{exact.method} on {identities} identities (all draws equal)"
        interval = Interval(exact.low, exact.high, method)
    estimate.low, estimate.high = finite(interval.low), finite(interval.high)
    if estimate.low is None or estimate.high is None:
        estimate.low = estimate.high = None
        estimate.flags.append(NONE + interval.method)
    else:
        estimate.method = interval.method
