"""The check on results that are too good: is a run above all that anybody published?"""

from __future__ import annotations

from harness.data.marker import stated_in
from harness.record.checks.check import Check, Verdict, named, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun
from harness.record.published import published_beside
from harness.tasks.standing import direction

__all__ = ["TooGood"]


class TooGood(Check):
    """A result above everything published on a use case is more often a fault than a discovery.

    It fires where the worse end of an interval is better than every published figure of the same
    metric, on data that are not synthetic. Look for pictures that were learned from, for copies,
    and whether the data are the ones that were published on: other selections of them are easier.
    """

    code = "too-good"
    title = "Is it above everything that was published?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return a tip where a figure of the run is above every published one."""
        if run.manifest.control:
            return not_applicable("a control may be shown the truth")
        if stated_in(run.manifest.dataset) == "yes":
            return not_applicable("nobody published figures on these synthetic data")
        origin = run.manifest.origin
        rows = published_beside(
            origin.protocol,
            run.protocol.data.use_case,
            list(run.metrics.pooled),
            attacked=origin.attack is not None,
        )
        evidence: dict[str, float | int | str | None] = {}
        above, asked = [], 0
        for metric, found in run.metrics.pooled.items():
            others = [row for row in rows if row.metric == metric]
            lower = direction(metric) == "lower"
            end = found.high if lower else found.low
            if not others or found.value is None or end is None:
                continue
            asked += 1
            pick = min if lower else max
            best = pick(others, key=lambda row: row.value)
            if end < best.value if lower else end > best.value:
                above.append(metric)
                evidence[metric] = found.value
                evidence[f"best published {metric}"] = best.value
                evidence[f"{metric} by"] = f"{best.system}, on {best.data_set}"
        if not asked:
            return not_applicable("nothing was published of these metrics on this use case")
        if above:
            return tip(
                f"better than every published figure: {', '.join(map(named, above))}. Look for "
                "pictures that were learned from, for copies, and whether these are the same data",
                evidence,
            )
        return passed("within what others reached on the same use case", evidence)
