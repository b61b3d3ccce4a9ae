"""The check on chance: can the headline be told from answers that say nothing?"""

from __future__ import annotations

from harness.record.checks.check import Check, Verdict, issue, named, not_applicable, passed
from harness.record.checks.examined import ExaminedRun
from harness.tasks.standing import standing

__all__ = ["AtChance"]


class AtChance(Check):
    """The headline is held against chance, by its interval and by the band of random answers.

    It fires where either holds the other: then nothing says that the algorithm looks at the images.
    More identities make both narrower. What is worse than chance has mostly its sign the wrong way.
    """

    code = "at-chance"
    title = "Can the headline be told from chance?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where it cannot, or where it is worse."""
        if run.manifest.control:
            return not_applicable("a control is there to show what chance, or the truth, gets")
        found = run.headline
        where = standing(run.metrics.headline, found)
        if found is None or not where:
            return not_applicable(
                "the headline has no value, or nothing says what chance gets of it"
            )
        evidence = {
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "chance": found.chance,
            "chance_low": found.chance_low,
            "chance_high": found.chance_high,
        }
        what = named(run.metrics.headline)
        if where == "level":
            return issue(
                f"the {what} cannot be told from chance: judge more identities before anything "
                "is concluded from it",
                evidence,
            )
        if where == "worse":
            return issue(
                f"the {what} is worse than chance: if scores are distances, change their sign",
                evidence,
            )
        return passed(f"the {what} is better than chance", evidence)
