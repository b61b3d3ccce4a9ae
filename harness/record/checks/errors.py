"""The check on the rule of 30: do figures rest on enough errors?"""

from __future__ import annotations

from harness.errors import some
from harness.record.checks.check import Check, Verdict, issue, named, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun
from harness.statistics.estimate import FEW_ERRORS, Estimate
from harness.statistics.intervals import few_errors

__all__ = ["FewErrors"]

WRONG = {"hit-rate": False, "accuracy": False, "top-k-accuracy": False, "eer": True, "fnmr": True}
"""Metrics that are shares of trials, and whether they are shares of the wrong ones."""


class FewErrors(Check):
    """An error rate that rests on fewer than 30 errors is uncertain by more than 30 %.

    The rule of 30 (Doddington 2000): with 30 errors the true rate lies within 30 % of the observed
    one with 90 % confidence. It fires as an issue for the headline, and as a tip for other figures.
    A rate without any error is no perfect one: with n independent trials rates up to 3 / n are not
    excluded.
    """

    code = "few-errors"
    title = "Do figures rest on 30 errors or more?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where the headline breaks the rule, a tip where others do."""
        errors = {name: errors_of(name, one) for name, one in run.metrics.pooled.items()}
        few = [
            name
            for name, one in run.metrics.pooled.items()
            if one.value is not None
            and (
                any(flag.startswith(FEW_ERRORS) for flag in one.flags)
                or few_errors(30 if (count := errors[name]) is None else count)
            )
        ]
        asked = [
            name
            for name, one in run.metrics.pooled.items()
            if one.value is not None and (errors[name] is not None or name in few)
        ]
        if not asked:
            return not_applicable("no figure of this run is a share of errors")
        headline = run.metrics.headline
        evidence: dict[str, float | int | str | None] = {
            f"errors behind {name}": errors[name] for name in asked if errors[name] is not None
        }
        if headline in few:
            count = errors[headline]
            rests = (
                f"rests on {some(count, 'error')}"
                if count is not None and few_errors(count)
                else "is read at a threshold that rests on fewer than 30 errors"
            )
            return issue(
                f"the {named(headline)} {rests}: the true rate may differ by more than 30 % of "
                "itself; judge more identities",
                evidence,
            )
        if few:
            return tip(f"fewer than 30 errors are behind {', '.join(map(named, few))}", evidence)
        return passed(f"{some(len(asked), 'figure')} with 30 errors or more", evidence)


def errors_of(metric: str, estimate: Estimate) -> int | None:
    """Return how many trials went wrong behind a share of trials; None for any other metric.

    >>> errors_of("hit-rate@rank=1", Estimate(0.75, n=40)), errors_of("map", Estimate(0.75, n=40))
    (10, None)
    """
    wrong = WRONG.get(metric.partition("@")[0])
    if wrong is None or estimate.value is None or not estimate.n:
        return None
    return round((estimate.value if wrong else 1 - estimate.value) * estimate.n)
