"""What a section of a report is, and what it is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from harness.data.records import Record
from harness.record.checks.check import Checked
from harness.record.checks.examined import ExaminedRun
from harness.record.checks.examining import examine
from harness.record.kept_run import has_too_many, kept_run
from harness.record.manifest import Manifest
from harness.record.record import Run
from harness.record.told_apart import ToldApart
from harness.reporting.drawing.figures import Figure
from harness.reporting.drawing.thumbnails import PICTURE_BYTES
from harness.reporting.operating import Operating, operating_of
from harness.reporting.pages import environment
from harness.tasks.kinds import task_of
from harness.tasks.open_set import OpenSet
from harness.tasks.pairs import Pairs
from harness.tasks.protocol import Protocol
from harness.tasks.results import Curves, Metrics, Outcome
from harness.tasks.task import Task

if TYPE_CHECKING:
    import jinja2

__all__ = ["Section", "SectionInput", "figure_section", "filled", "filled_from"]


NOTHING = Markup()
"""Of a section that is not shown."""


@dataclass(frozen=True)
class SectionInput:
    """The run that a report is of.

    Parameters
    ----------
    folder
        Of the run, with its answers and models.
    protocol
        That it follows.
    manifest
        What was run.
    outcome
        What came out.
    records
        By name; their files may be gone.
    picture
        Returns a JPEG thumbnail of a record by its name, as the algorithm under test saw it; None
        where the image is not at hand.
    rules
        Those of the sections above, in the order of the page.
    """

    folder: Path
    protocol: Protocol
    manifest: Manifest
    outcome: Outcome
    records: Mapping[str, Record]
    picture: Callable[[str], bytes | None]
    rules: list[str] = field(default_factory=list)

    @property
    def task(self) -> Task[Any, Any]:
        """What kind of question was asked."""
        return task_of(self.protocol)

    @property
    def metrics(self) -> Metrics:
        """The numbers of the run."""
        return self.outcome.metrics

    @property
    def algorithm(self) -> str:
        """Name of the algorithm under test."""
        return self.manifest.origin.algorithm

    @property
    def kept_for_attack(self) -> int:
        """Bytes of pictures that go to what an attack made of the probes."""
        return 0 if self.manifest.origin.attack is None else PICTURE_BYTES // 3

    @property
    def searching(self) -> bool:
        """Whether probes were searched for in galleries."""
        return bool(self.outcome.curves.cmc) or any(s.gallery for s in self.outcome.searches)

    @property
    def trials(self) -> str:
        """What is counted, in the plural."""
        if self.searching:
            return "probes"
        compared = "mated_comparisons" in self.metrics.counts
        return "images" if "images" in self.metrics.counts and not compared else "trials"

    @cached_property
    def kept(self) -> Run | None:
        """The run with its raw scores; None where they are too many, or the folder is not sound."""
        return kept_run(self.folder, self.metrics)

    @cached_property
    def pairs(self) -> Pairs | None:
        """The comparisons of the run's named images; None where there are none, or not at hand.

        Nor are they where scores end with candidate lists, or are of several scales: one threshold
        for all would count what lies beyond as below it.
        """
        if self.manifest.list_length is not None or self.manifest.mixed:
            return None
        pairs = None if self.apart is None else self.apart.pairs
        return pairs if pairs is not None and pairs.names else None

    @property
    def has_too_many(self) -> bool:
        """Whether the run holds more scores than are read a second time for a report."""
        return self.kept is None and has_too_many(self.metrics)

    @cached_property
    def apart(self) -> ToldApart | None:
        """What the stored scores say beside what is known of images; None as of `kept`."""
        return None if self.kept is None else ToldApart(self.kept)

    @cached_property
    def checks(self) -> list[Checked]:
        """What every check says of the run."""
        return examine(
            ExaminedRun(
                self.folder,
                self.protocol,
                self.manifest,
                self.metrics,
                self.outcome.searches,
                self.records if self.kept is None else self.kept.records,
                self.kept,
            )
        )

    @cached_property
    def scores(self) -> Operating | None:
        """The scores behind the run's error rates; None where they were not kept."""
        return operating_of(self.kept, self.metrics, self.outcome.curves)

    @cached_property
    def open_scores(self) -> Operating | None:
        """The scores of searches without a mate where these stand beside comparisons."""
        curve = self.outcome.curves.open_set
        if not curve:
            return None
        det = Curves(det={"fmr": curve["fpir"], "fnmr": curve["fnir"]})
        return operating_of(self.kept, self.metrics, det, OpenSet.trade_off.equal)


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Parameters
    ----------
    name
        Id of the section, unique in the page.
    heading
        Its title.
    content
        Finished and escaped HTML, with headings from level 3 down; without any only the rules
        are shown.
    rules
        Sentences for "How it was counted".
    """

    name: str
    heading: str
    content: Markup = NOTHING
    rules: tuple[str, ...] = ()


@cache
def _engine() -> jinja2.Environment:
    """Return the template engine of all sections, so that macros are compiled once."""
    return environment()


@lru_cache(256)
def _template(text: str) -> jinja2.Template:
    return _engine().from_string(f'{{% import "macros.html.j2" as m %}}{text}')


def filled(template: str, **values: object) -> Markup:
    """Return a text of HTML with its ``{{ values }}`` filled in and escaped; macros are ``m``."""
    return Markup(_template(template).render(values))  # noqa: S704 - escaped by the template


def filled_from(name: str, **values: object) -> Markup:
    """Return a file of ``reports/sections`` with its values filled in and escaped."""
    whole = _engine().get_template(f"sections/{name}.html.j2")
    return Markup(whole.render(values))  # noqa: S704 - escaped by the template


def figure_section(figure: Figure | None) -> Section | None:
    """Return a section that is one figure; None without one."""
    if figure is None:
        return None
    content = filled("{{ m.figure(figure) }}", figure=figure)
    return Section(f"{figure.name}-section", figure.heading, content)
