"""The check on photographs: how far do copies of the probe's own photograph make the figures?"""

from __future__ import annotations

from harness.record.checks.check import Check, Verdict, issue, named, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun
from harness.tasks.results import OTHER_PHOTOGRAPH, SAME_PHOTOGRAPH

__all__ = ["SamePhotograph"]

COPIES = "the-same-picture-under-two-names"
"""Code of the finding on pictures that are compared with themselves."""


class SamePhotograph(Check):
    """A mate that is another file of the probe's own photograph is found by any picture search.

    Such mates say how well copies are found, not how well a tattoo is recognised on another day. It
    fires as an issue where the headline without them lies outside of the headline's interval, or
    nothing is left without them, and where pictures are compared with themselves; as a tip
    otherwise. Read the figure over other photographs, or leave such pairs out with the protocol's
    `same-source = "left-out"`.
    """

    code = "same-photograph"
    title = "Are mates copies of the probe's own photograph?"
    remarks = (COPIES,)

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where copies make the headline, a tip where there are some."""
        if run.remarks(COPIES):
            copies = sum(one.count for one in run.remarks(COPIES))
            return issue(
                "pictures are compared with themselves under another name: take one of each two "
                "out of the set",
                {"pairs": copies},
            )
        counts = run.metrics.counts
        same = counts.get("same_source_mated", 0)
        mated = counts.get("mated_comparisons", counts.get("mated_searches", counts.get("mated")))
        if not same:
            if not any(fold.mates for fold in run.folds):
                return not_applicable("nothing is known of mates here")
            if not any(record.source for record in run.records.values()):
                return not_applicable("no record says which photograph (source) it is of")
            return passed("no mate is of the probe's own photograph")
        headline = run.metrics.headline
        other = run.metrics.subsets.get(OTHER_PHOTOGRAPH, {}).get(headline)
        copied = run.metrics.subsets.get(SAME_PHOTOGRAPH, {}).get(headline)
        whole = run.headline
        evidence = {
            "mates of the same photograph": same,
            "mates": mated,
            headline: None if whole is None else whole.value,
            f"{headline} {SAME_PHOTOGRAPH}": None if copied is None else copied.value,
            f"{headline} {OTHER_PHOTOGRAPH}": None if other is None else other.value,
        }
        if other is not None and other.value is None:
            return issue("every trial has a mate that is the probe's own photograph", evidence)
        apart = (
            other is not None
            and whole is not None
            and other.value is not None
            and whole.low is not None
            and whole.high is not None
            and not whole.low <= other.value <= whole.high
        )
        if apart:
            return issue(
                f"copies of the probe's own photograph make the {named(headline)}: without them it "
                "lies outside of its interval, and is the figure to read",
                evidence,
            )
        return tip(
            f"some mates are the probe's own photograph; the {named(headline)} "
            + ("stands without them" if other is not None else "is not known without them"),
            evidence,
        )
