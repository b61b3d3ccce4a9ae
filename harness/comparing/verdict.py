"""The three verdicts, and how many identities it would take to leave the one in the middle."""

from __future__ import annotations

import math
from statistics import NormalDist

import msgspec

from harness.comparing.detecting import CONFIDENCE, detectable
from harness.comparing.differences import Difference

PASSED, REGRESSED, INCONCLUSIVE = "passed", "regressed", "inconclusive"

LEVEL = 2 * CONFIDENCE - 1
"""Two bounds of the loss, each one-sided at `CONFIDENCE`, are an interval of 90 %."""

SETTLING = 0.8
"""Probability with which the number of identities named would settle an open question."""

LARGEST_NUMBER = 10_000_000
"""More identities than this are no advice."""


class Trial(msgspec.Struct):
    """What one quantity lost from baseline to candidate, and what that means.

    Parameters
    ----------
    subject
        Id of the metric, or ``failure-rate``.
    baseline, candidate
        Its values.
    loss
        How much worse the candidate is; negative where it is better.
    low, high
        Bounds of the loss, each one-sided at `CONFIDENCE`; None where the data cannot give them.
    margin
        Loss that is still acceptable.
    verdict
        ``passed``, ``regressed`` or ``inconclusive``.
    reason
        The same in a sentence.
    trials, identities, changed
        Behind the values, and identities whose own trials came out differently.
    settled_by
        Identities that would most probably settle an inconclusive trial; None where that cannot be
        said, or there is nothing to settle.
    detectable
        The smallest true loss that these two would show with a probability of 90 %; None where not
        even a loss of everything would be shown, or that cannot be said.
    method
        How the bounds were made.
    """

    subject: str
    baseline: float
    candidate: float
    loss: float
    low: float | None
    high: float | None
    margin: float
    verdict: str
    reason: str
    trials: int
    identities: int
    changed: int
    settled_by: int | None
    detectable: float | None
    method: str


def judge(
    subject: str,
    difference: Difference,
    margin: float,
    *,
    lower_is_better: bool,
    span: float = math.inf,
    unsure: str = "",
) -> Trial:
    """Return the verdict on a difference whose interval has the confidence `LEVEL`.

    * ``regressed``: the lower bound of the loss is above the margin. Where the true loss is no more
      than the margin this happens in at most 5 of 100 comparisons.
    * ``passed``: the upper bound of the loss is at most the margin.
    * ``inconclusive``: neither; the data cannot tell.

    Parameters
    ----------
    subject
        Name of the quantity.
    difference
        Candidate less baseline.
    margin
        From 0.
    lower_is_better
        Whether a rise is a loss.
    span
        How far two values of the quantity can be apart.
    unsure
        Why the bounds leave something out that may change everything: then it is inconclusive.
    """
    sign = 1.0 if lower_is_better else -1.0
    low, high = sorted(sign * end + 0.0 for end in difference.ends(span))
    loss = sign * difference.change + 0.0
    if unsure:
        verdict = INCONCLUSIVE
        reason = f"{_moved(loss)}; {unsure}"
    elif low > margin:
        verdict = REGRESSED
        reason = (
            f"worse by {_number(loss)}, and with 95 % confidence by at least {_number(low)}, more "
            f"than the margin of {_number(margin)}"
        )
    elif high <= margin:
        verdict = PASSED
        reason = (
            f"{_moved(loss)}; with 95 % confidence it is worse by no more than "
            f"{_number(max(high, 0.0))}, within the margin of {_number(margin)}"
        )
    else:
        verdict, reason = INCONCLUSIVE, _open(loss, low, high, margin)
    settled = None if unsure or verdict != INCONCLUSIVE else settled_by(difference, loss, margin)
    if settled is not None:
        reason += f"; about {settled:,} identities would settle it, and there are "
        reason += f"{difference.identities:,}"
    return Trial(
        subject,
        difference.first,
        difference.second,
        loss,
        _finite(low),
        _finite(high),
        margin,
        verdict,
        reason,
        difference.trials,
        difference.identities,
        difference.changed,
        settled,
        None if unsure else detectable(difference, margin),
        difference.method,
    )


def settled_by(difference: Difference, loss: float, margin: float) -> int | None:
    """Return how many identities would settle an open verdict with probability `SETTLING`.

    The loss is taken to be what it seems and its standard error to shrink with the root of the
    number of identities.

    Parameters
    ----------
    difference
        With an interval of confidence `LEVEL`.
    loss
        Of the candidate.
    margin
        From 0.

    Returns
    -------
    int or None
        None where the loss lies just at the margin, or there is no interval.

    Examples
    --------
    >>> seen = Difference(0.1, 0.12, 0.02, -0.0129, 0.0529, 0.9, "", 300, 300, 20)
    >>> settled_by(seen, 0.02, 0.01)  # 300 ((1.645 + 0.842) 0.02 / 0.01) ** 2
    7421
    """
    if not math.isfinite(difference.low + difference.high) or not difference.identities:
        return None
    gap = abs(loss - margin)
    if gap <= 0:
        return None
    if not difference.changed and difference.change == 0:
        # Without a change the bound falls as the rule of three has it: (1 - margin) ** n = 5 %.
        number = math.log(1 - CONFIDENCE) / math.log1p(-min(margin, 0.999))
        return advised(number, difference.identities)
    half = (difference.high - difference.low) / 2
    return advised(settling(difference.identities, half, gap, CONFIDENCE), difference.identities)


def settling(identities: int, half: float, gap: float, confidence: float) -> float:
    """Return how many identities would most probably (`SETTLING`) bring a bound across a limit.

    The standard error is taken to shrink with the root of their number.

    Parameters
    ----------
    identities
        Behind the interval.
    half
        Half its length, above 0.
    gap
        Distance of the value from the limit, above 0.
    confidence
        Of either bound, one-sided.

    Examples
    --------
    >>> round(settling(300, 0.0329, 0.01, 0.95))  # 300 ((1.645 + 0.842) 0.02 / 0.01) ** 2
    7420
    """
    sure, wanted = NormalDist().inv_cdf(confidence), NormalDist().inv_cdf(SETTLING)
    error = half / sure
    return identities * ((sure + wanted) * error / gap) ** 2


def advised(number: float, identities: int) -> int | None:
    """Return a number of identities as advice: whole, and more than there are; None for too many.

    >>> advised(10.2, 31), advised(1e9, 31)
    (32, None)
    """
    return None if number > LARGEST_NUMBER else max(math.ceil(number), identities + 1)


def worst(verdicts: list[str]) -> str:
    """Return the verdict over several trials: what regressed is not made good by what passed."""
    return next((v for v in (REGRESSED, INCONCLUSIVE) if v in verdicts), PASSED)


def _open(loss: float, low: float, high: float, margin: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return "fewer than two identities cannot say how sure a difference is"
    if low > 0:
        return (
            f"worse (by {_number(loss)}, with 95 % confidence by at least {_number(low)}), but "
            f"perhaps by no more than the margin of {_number(margin)}"
        )
    return (
        f"{_moved(loss)}; the truth lies between a loss of {_number(low)} and one of "
        f"{_number(high)} (95 % confidence in each bound), so it may be no loss at all, or one "
        f"above the margin of {_number(margin)}"
    )


def _moved(loss: float) -> str:
    if loss == 0:
        return "as good as before"
    return f"{'worse' if loss > 0 else 'better'} by {_number(abs(loss))}"


def _number(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
