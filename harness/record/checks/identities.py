"""The check on identities: are there enough of them for what is claimed?"""

from __future__ import annotations

import math

from harness.errors import some
from harness.record.checks.check import Check, Verdict, issue, named, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun
from harness.statistics.estimate import UNSUPPORTED

__all__ = ["FEWEST", "FewIdentities"]

FEWEST = 10
"""Identities below which resampling them says little of what others would give."""


class FewIdentities(Check):
    """Data of few identities carry no claim about small rates, nor about small changes.

    It fires as an issue where the headline is read at an error rate for which there are too few
    trials (fewer than one false match is allowed), or fewer than 10 identities are judged, so that
    resampling them says little; as a tip where other figures are read so, or where the interval of
    the headline is wider than the loss that the protocol's gate accepts. Then it says how many
    identities would do, as the width falls with the root of their number.
    """

    code = "few-identities"
    title = "Are there enough identities for the claim?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where the headline is not supported, a tip where other claims are not."""
        count = run.metrics.counts.get("identities")
        headline, found = run.metrics.headline, run.headline
        beyond = [
            name
            for name, one in run.metrics.pooled.items()
            if any(flag.startswith(UNSUPPORTED) for flag in one.flags)
        ]
        evidence: dict[str, float | int | str | None] = {"identities": count}
        if beyond:
            evidence[UNSUPPORTED] = ", ".join(beyond)
        if headline in beyond:
            return issue(
                f"the {named(headline)} is read where these data do not reach: there are too few "
                "trials for so small a rate",
                evidence,
            )
        if count is not None and count < FEWEST:
            return issue(
                f"{some(count, 'identity is', 'identities are')} judged: an interval that "
                f"resamples fewer than {FEWEST} says little of what others would give",
                evidence,
            )
        margin = run.protocol.gate.margin if run.protocol.gate is not None else 0.0
        half = None
        if found is not None and found.low is not None and found.high is not None:
            half = (found.high - found.low) / 2
        if count is None and not beyond and (half is None or not margin):
            return not_applicable("neither identities nor an interval are known")
        if half is not None and margin:
            evidence |= {"half of the interval": half, "margin of the gate": margin}
        if half is not None and margin and half > margin:
            needed = enough(count, half, margin) if count else None
            evidence["identities that would do"] = needed
            about = f"; about {needed:,} identities would do" if needed is not None else ""
            return tip(
                f"the {named(headline)} is known to ± {half:.3f}, and the protocol's gate asks for "
                f"{margin:g}: single runs cannot show so small a loss{about}",
                evidence,
            )
        if beyond:
            names = ", ".join(map(named, beyond))
            return tip(f"too few trials for so small a rate are behind {names}", evidence)
        return passed("what is claimed lies within what these data support", evidence)


def enough(identities: int, half: float, margin: float) -> int:
    """Return how many identities would make an interval as narrow as a margin.

    >>> enough(30, 0.1, 0.02)
    750
    """
    needed = identities * (half / margin) ** 2
    # No more figures than the guess is worth.
    digits = max(0, math.floor(math.log10(max(1.0, needed))) - 1)
    unit: int = 10**digits
    return math.ceil(round(needed / unit, 6)) * unit
