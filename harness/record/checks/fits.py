"""The check on fits: is a learner judged by one fit alone?"""

from __future__ import annotations

from harness.record.checks.check import Check, Verdict, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun

__all__ = ["OneFit"]

ONE_FIT = "one-fit"
"""Code of the finding, too, with which such a run begins its record."""


class OneFit(Check):
    """Another fit of a learner gives other numbers, and the interval of one fit does not hold that.

    It fires for a run of an algorithm (or an attack) that is fitted. `harness run --repeats 5` fits
    it again with other seeds, and gives the mean with an interval that holds what fits change.
    """

    code = ONE_FIT
    title = "Is a learner judged over several fits?"
    remarks = (ONE_FIT,)

    def look(self, run: ExaminedRun) -> Verdict:
        """Return a tip where a learner was fitted once."""
        if run.manifest.imported is not None:
            return not_applicable("the scores were imported: how they were made is not on record")
        if not run.manifest.learns:
            return not_applicable("nothing is fitted")
        if run.fits > 1:
            return passed(f"{run.fits} fits are judged together", {"fits": run.fits})
        said = [one.text for one in run.remarks(ONE_FIT)] or ["this is one fit of a learner"]
        return tip(said[0], {"fits": 1})
