"""What the stored scores of a run say beside what is known of its images: nothing is run again.

Look-alikes among the non-mates, the size of tattoos, the quality of images, and what an examiner
has to view. All comparisons are judged at one threshold; what cannot be had has a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.execution.storage import REMARKS_FILE
from harness.execution.unit import TEMPLATES
from harness.metrics.ids import Metric
from harness.record.qualities import fold_qualities
from harness.record.record import Run
from harness.tasks.binned import AREA, MASK, BinRates, bins_by, rates_in
from harness.tasks.discarding import Discarding, discarding, pair_qualities
from harness.tasks.kinds import task_of
from harness.tasks.pairs import Pairs, Threshold, owners
from harness.tasks.same_design import COLUMNS, SameDesign, same_design
from harness.tasks.searches import FoldSearches
from harness.tasks.workload import Workload, workload_of

__all__ = ["COLUMN", "OWN", "ToldApart"]

COLUMN, OWN = "the column quality of the data set", "the quality that the algorithm gives"
"""Sources of a quality."""

STREAMED = (
    "so many comparisons were made that their scores are summed up, not kept, and no threshold of "
    "all of them is known"
)
LISTED = "candidate lists end before their gallery does, and no score beyond them is known"


@dataclass(frozen=True, eq=False)
class ToldApart:
    """The stored scores of a run, told apart by what is known of its images.

    Parameters
    ----------
    run
        Read from its folder.
    """

    run: Run

    @cached_property
    def parts(self) -> list[FoldSearches]:
        """The searches of folds or draws; none where nothing is searched."""
        if not task_of(self.run.protocol).compares:
            return []
        found = self.run.computed(task_of(self.run.protocol).parts, self.run.answered)
        return [part for part in found if isinstance(part, FoldSearches)]

    @cached_property
    def pairs(self) -> Pairs | None:
        """All comparisons with their images; None where none are compared, or have names."""
        task = task_of(self.run.protocol)
        if not (task.compares and task.names_images):
            return None
        return self.run.computed(task.pairs, self.run.answered)

    @property
    def without_threshold(self) -> str:
        """Why there is no threshold of all comparisons; empty where there is one, or none made."""
        if self.pairs is None:
            return ""
        if self.run.manifest.list_length is not None:
            return LISTED
        if self.run.manifest.mixed:
            return self.run.manifest.mixed
        return "" if self.pairs.kept else STREAMED

    @cached_property
    def threshold(self) -> Threshold | None:
        """The one threshold of all comparisons, as of `harness.tasks.pairs.threshold_of`."""
        return None if self.pairs is None or self.without_threshold else self.pairs.threshold()

    @cached_property
    def design_columns(self) -> tuple[str, ...]:
        """Columns that may tell look-alikes from others: asked of images, not of comparisons.

        Those that say two words, and one of them of two identities.
        """
        names = list(self.run.records)
        identities = owners(names, self.run.answered).tolist()
        found = []
        for column in COLUMNS:
            said: dict[str, set[int]] = {}
            for name, identity in zip(names, identities, strict=True):
                word = getattr(self.run.records[name], column)
                if word:
                    said.setdefault(word, set()).add(identity)
            if len(said) > 1 and any(len(whose) > 1 for whose in said.values()):
                found.append(column)
        return tuple(found)

    @property
    def rank(self) -> int:
        """Within which a mate is a hit: the headline's rank, or 1."""
        rank = dict(Metric.parse(self.run.protocol.headline_id).options).get("rank", 1)
        return int(rank)

    def same_design(self) -> list[SameDesign]:
        """Return look-alikes apart from other non-mates, by each column that tells them apart."""
        columns = self.design_columns
        if not columns or self.pairs is None or self.threshold is None:
            return []
        own = self.pairs, self.threshold, self.run.records, self.parts, self.rank
        found = (self.run.computed(same_design, column, *own) for column in columns)
        return [one for one in found if one is not None]

    def sizes(self) -> dict[str, list[BinRates]]:
        """Return error rates by the size of the probe's tattoo.

        Under `AREA` by the share of the image that its box takes, under `MASK` by the share of its
        pixels; those of which nothing is known are left out.
        """
        bins_of = {what: bins_by(what, self.run.records) for what in (AREA, MASK)}
        if not any(bins.of for bins in bins_of.values()) or self.pairs is None:
            return {}
        found = {}
        depth = self.run.manifest.list_length
        parts = self.parts if depth is None or self.rank <= depth else []
        for what, bins in bins_of.items():
            own = bins, self.pairs, self.threshold, parts, self.rank
            rates = self.run.computed(rates_in, *own)
            if rates:
                found[what] = rates
        return found

    def qualities(self) -> dict[str, tuple[list[Mapping[str, float]], list[Mapping[str, float]]]]:
        """Return, by source, the qualities of images in each fold: as probes, and as references."""
        column = {
            name: record.quality
            for name, record in self.run.records.items()
            if record.quality is not None
        }
        folds = self.run.folds
        found: dict[str, tuple[list[Mapping[str, float]], list[Mapping[str, float]]]] = {}
        if any(self.run.folder.glob(f"units/*/{TEMPLATES}/{REMARKS_FILE}")):
            own = [fold_qualities(self.run.folder, fold) for fold in folds]
            if any(one.probes for one in own):
                found[OWN] = [one.probes for one in own], [one.references for one in own]
        if column:
            found[COLUMN] = [column] * len(folds), [column] * len(folds)
        return found

    def discarding(self) -> list[Discarding]:
        """Return what discarding the worst images gains, for each source of a quality."""
        qualities = self.qualities()
        if not qualities or self.pairs is None or self.threshold is None:
            return []
        found = []
        for source, (probes, references) in qualities.items():
            values = pair_qualities(self.pairs, probes, references)
            one = self.run.computed(discarding, self.pairs, self.threshold, values, source)
            if one is not None:
                found.append(one)
        return found

    def workload(self, *lengths: int) -> Workload | None:
        """Return what an examiner views; None where no search has a mate.

        Parameters
        ----------
        *lengths
            Of lists; round ones unless given.
        """
        if not self.parts:
            return None
        points = task_of(self.run.protocol).operating_points(self.run.answered)
        depth = self.run.manifest.list_length
        found: Workload | None = self.run.computed(
            lambda: workload_of(self.parts, points, depth=depth, lengths=lengths)
        )
        return found
