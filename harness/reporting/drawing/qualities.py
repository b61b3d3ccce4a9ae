"""The figure of the quality that an algorithm gave to its templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.errors import some
from harness.record.qualities import TemplateQuality
from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import Figure
from harness.reporting.tables import Table
from harness.reporting.wording import count, number, percent

__all__ = ["quality_figure", "quality_table"]

BINS = 20
EDGES = [i / BINS for i in range(BINS + 1)]
"""Of equally wide bins of [0, 1]; a value on an edge is in the bin above it, 1 in the last."""


@dataclass(frozen=True)
class _Group:
    """Templates of one kind.

    Parameters
    ----------
    name
        What they are of.
    asked
        Pictures that a template was asked for.
    failed
        Of these, without one.
    values
        float64, shape (templates with a quality,), rising.
    """

    name: str
    asked: int
    failed: int
    values: npt.NDArray[np.float64]

    @property
    def shares(self) -> list[float]:
        """Share of the values in each bin: `BINS` of them, together 1."""
        found: list[float] = (np.histogram(self.values, EDGES)[0] / len(self.values)).tolist()
        return found

    def level(self, share: float) -> str:
        """Return the least value that such a share does not exceed."""
        return number(float(np.quantile(self.values, share, method="inverted_cdf")))

    @property
    def row(self) -> tuple[str, ...]:
        """Its numbers."""
        levels = [self.level(share) for share in (0.0, 0.1, 0.5, 0.9, 1.0)]
        silent = self.asked - self.failed - len(self.values)
        return (self.name.capitalize(), *map(count, (self.asked, self.failed, silent)), *levels)


def quality_table(templates: Sequence[TemplateQuality]) -> Table | None:
    """Return how qualities are spread, with the pictures beside that have none.

    Parameters
    ----------
    templates
        Every picture that a template was asked for.

    Returns
    -------
    Table or None
        None where no template has a quality.
    """
    known = [group for group in _groups(templates) if len(group.values)]
    if not known:
        return None
    columns = ("Of", "Asked for", "No template", "No quality", "Least", "10 % at most", "Median")
    rows = tuple(group.row for group in known)
    return Table(
        "How the quality of templates is spread", (*columns, "90 % at most", "Greatest"), rows
    )


def quality_figure(templates: Sequence[TemplateQuality]) -> Figure | None:
    """Return the figure of how qualities are distributed.

    Parameters
    ----------
    templates
        Every picture that a template was asked for.

    Returns
    -------
    Figure or None
        None where no template has a quality.
    """
    groups = _groups(templates)
    known = [group for group in groups if len(group.values)]
    if not known:
        return None
    medians = " and ".join(f"{group.level(0.5)} of {group.name}" for group in known)
    failed = sum(group.failed for group in groups)
    lost = f"; {some(failed, 'template')} could not be made" if failed else ""
    summary = f"The median quality of templates is {medians}{lost}."
    low, high = EDGES[:-1], EDGES[1:]
    styles = ("s0", "s1")
    svg = plots.histogram_plot(
        "qualities",
        "Quality of templates",
        summary,
        plots.number_axis("Quality (higher is better)", 0.0, 1.0),
        "Share of templates",
        (low, high),
        [(g.name, style, g.shares) for g, style in zip(known, styles, strict=False)],
    )
    table = Table(
        "Share of templates by quality",
        ("Quality from", "to", *(group.name for group in known)),
        tuple(
            (f"{low[i]:.2f}", f"{high[i]:.2f}", *(percent(group.shares[i]) for group in known))
            for i in range(BINS)
            if any(group.shares[i] for group in known)
        ),
    )
    return Figure(
        "qualities",
        "Quality of templates",
        summary,
        svg,
        tuple((style, "line", g.name) for g, style in zip(known, styles, strict=False)),
        (
            "The algorithm itself said them when it made the templates: what a quality means is "
            "its vendor's, and those of two algorithms cannot be compared. A picture without a "
            "template has none and is not drawn. Each outline adds up to 100 %.",
        ),
        table,
        {"low": low, "high": high, **{group.name: group.shares for group in known}},
    )


def _groups(templates: Sequence[TemplateQuality]) -> list[_Group]:
    apart = any(one.is_reference for one in templates)
    kinds = {"probes": False, "references": True} if apart else {"pictures": False}
    return [
        _group(name, [one for one in templates if one.is_reference == kind])
        for name, kind in kinds.items()
    ]


def _group(name: str, found: Sequence[TemplateQuality]) -> _Group:
    values = sorted(one.value for one in found if one.value is not None)
    failed = sum(bool(one.failure) for one in found)
    return _Group(name, len(found), failed, np.array(values, np.float64))
