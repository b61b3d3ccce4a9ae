"""The decision on a row: what its interval says of its criterion, and what it does not."""

from __future__ import annotations

import math

import msgspec

from harness.comparing.verdict import advised, settling
from harness.errors import some
from harness.reporting.wording import amount, interval
from harness.runs.validation.criteria import Criterion
from harness.statistics.estimate import UNSUPPORTED as CANNOT
from harness.statistics.estimate import Estimate

PASS, FAIL, UNSUPPORTED = "pass", "fail", CANNOT
"""The last in the words in which an estimate says it itself."""

CONFIDENCE = 0.975
"""Of either end of an interval of 95 %, one-sided."""

FEWEST = 15
"""Identities with which intervals from draws of identities were tried
(`harness.statistics.bootstrap.cluster_bootstrap_mean`); with fewer they decide nothing."""

DRAWN = "bootstrap"
"""In the method of an interval that is one of these; exact ones hold with any number."""


class Decision(msgspec.Struct):
    """What is decided on a row.

    Parameters
    ----------
    verdict
        ``pass``: the whole interval satisfies the criterion; ``fail``: no value of it does;
        ``not supported by this data``: neither, or there is no interval to go by.
    reason
        The same in a sentence, without a full stop.
    settled_by
        Identities that would most probably settle what is open; None where that cannot be said.
    """

    verdict: str
    reason: str
    settled_by: int | None = None


def decide(criterion: Criterion, estimate: Estimate, identities: int) -> Decision:
    """Decide on a row by its 95 % interval.

    Parameters
    ----------
    criterion
        Of the row.
    estimate
        Of its metric.
    identities
        Behind it.

    Examples
    --------
    >>> asked = Criterion.model_validate(
    ...     {"characteristic": "accuracy", "metric": "cllr", "at-most": 0.5}
    ... )
    >>> found = [decide(asked, Estimate(0.4, low, 0.45), 100) for low in (0.3, 0.41)]
    >>> [one.verdict for one in found]
    ['pass', 'pass']
    >>> decide(asked, Estimate(0.4, 0.3, 0.6), 100).verdict
    'not supported by this data'
    """
    if estimate.value is None:
        why = "; ".join(estimate.flags) or "there is nothing to measure it by"
        return Decision(UNSUPPORTED, f"it has no value: {why}")
    unsupported = next((flag for flag in estimate.flags if flag.startswith(CANNOT)), "")
    if unsupported:
        return Decision(UNSUPPORTED, unsupported.removeprefix(f"{CANNOT}: "))
    if estimate.low is None or estimate.high is None:
        return Decision(UNSUPPORTED, _no_interval(estimate))
    if estimate.low == estimate.high and DRAWN in estimate.method:
        return Decision(
            UNSUPPORTED, "every draw of identities gives the same value, which is no interval"
        )
    if not identities:
        return Decision(UNSUPPORTED, "whose the comparisons are is not known, so no interval holds")
    if identities < FEWEST and DRAWN in estimate.method:
        return Decision(
            UNSUPPORTED,
            f"an interval from draws of {some(identities, 'identity', 'identities')} cannot be "
            f"relied on; {FEWEST} are the fewest",
        )
    within = interval(criterion.metric, estimate.low, estimate.high)
    limits = limits_of(criterion)
    if estimate.low >= criterion.low and estimate.high <= criterion.high:
        return Decision(PASS, f"the whole interval, {within}, is {limits}")
    if estimate.low > criterion.high or estimate.high < criterion.low:
        return Decision(FAIL, f"no value of the interval, {within}, is {limits}")
    settled = _settled_by(criterion, estimate, identities)
    reason = f"the interval, {within}, holds values that are {limits} and others that are not"
    if settled is not None:
        reason += (
            f"; about {settled:,} identities would most probably settle it, and there are "
            f"{identities:,}"
        )
    return Decision(UNSUPPORTED, reason, settled)


def limits_of(criterion: Criterion) -> str:
    """Return what a criterion asks, in words: ``at most 5.0 %``."""
    low, high = criterion.low, criterion.high
    if math.isinf(low):
        return f"at most {amount(criterion.metric, high)}"
    if math.isinf(high):
        return f"at least {amount(criterion.metric, low)}"
    return f"within {interval(criterion.metric, low, high)}"


def _no_interval(estimate: Estimate) -> str:
    why = next((flag for flag in estimate.flags if flag.startswith("no interval")), "")
    return why or estimate.method or "it has no interval"


def _settled_by(criterion: Criterion, estimate: Estimate, identities: int) -> int | None:
    """Return how many identities would bring the bound that is across a limit to its side."""
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return None
    numbers = []
    for limit in (criterion.low, criterion.high):
        if math.isfinite(limit) and low <= limit <= high:
            # The bound that has to cross it is the one on the other side of the value.
            half = value - low if value > limit else high - value
            if value == limit or half <= 0:
                return None
            numbers.append(settling(identities, half, abs(value - limit), CONFIDENCE))
    return advised(max(numbers), identities) if numbers else None
