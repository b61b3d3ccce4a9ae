"""The check on shortcuts: do pictures tell without a look at a tattoo what is asked about it?"""

from __future__ import annotations

from harness.record.checks.check import Check, Verdict, issue, not_applicable, passed
from harness.record.checks.examined import ExaminedRun
from harness.tasks.kinds import task_of

__all__ = ["ANSWERS", "BEGINS", "Shortcut"]

BEGINS = "shortcut-"
"""How the codes of findings begin that name such a feature."""

COLOUR = "mean-colour"
"""The feature that may be a rightful cue."""

ANSWERS = {"detection": "label", "segmentation": "label", "search": "label", "style": "style"}
"""Which column of the records answers the question of a task that searches in no gallery."""


class Shortcut(Check):
    """What a picture's size, file, border or mean colour finds, an algorithm may find by it, too.

    When a run is made the harness asks itself, of a bounded sample and without the algorithm,
    whether the nearest pictures by such a feature are mates more often than in all but one of a
    thousand random deals. It fires where one is. Run the control of that name (`size`, `file`,
    `border`, `mean-colour`) beside the algorithm: what it reaches needs no look at a drawing.
    Better data have mates and non-mates of the same sizes, files and surroundings. Mean colour may
    be a rightful cue, the skin's or the ink's, or that of one evening's light: an issue says that
    hits need no drawing, not which of these made them.
    """

    code = "shortcut"
    title = "Do size, file, border or mean colour tell the answer?"
    remarks = (BEGINS,)

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue for features that find what is asked."""
        found = run.remarks(BEGINS)
        if found:
            names = [one.code.removeprefix(BEGINS) for one in found]
            words = " and ".join(names).replace("-", " ")
            cause = " (light, camera, skin or ink may be why)" if COLOUR in names else ""
            return issue(
                f"{words} of the pictures alone find{'s' * (len(names) == 1)} what is asked"
                f"{cause}: run the control{'s' * (len(names) > 1)} {', '.join(names)} beside it",
                {one.code.removeprefix(BEGINS): one.text for one in found},
            )
        if run.manifest.imported is not None:
            return not_applicable("the pictures behind imported scores were not looked at")
        if task_of(run.protocol).of_words:
            return not_applicable("the probes are words, which have none of these")
        if run.protocol.task not in ANSWERS and not any(fold.gallery for fold in run.folds):
            return not_applicable("the question has no answer that such a feature could name")
        return passed("no such feature finds it more often than chance")
