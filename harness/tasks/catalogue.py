"""Every metric by the name in its id; each entry stands beside the function that computes it.

A protocol may ask for those that its task computes; the others wait for tasks of their own and are
used as functions.
"""

from __future__ import annotations

from harness.errors import UsageError, nearest
from harness.metrics import (
    classification,
    detection,
    failures,
    identification,
    localisation,
    open_set,
    quality,
    removal,
    reranking,
    restoration,
    segmentation,
    tagging,
    verification,
    workload,
)
from harness.metrics.entry import Entry
from harness.metrics.ids import Metric
from harness.statistics.likelihood import evidence, validity

__all__ = ["CATALOGUE", "entry_of"]

_FAMILIES = (
    identification,  # searches
    workload,
    open_set,
    verification,  # comparisons
    quality,
    failures,
    validity,  # likelihood ratios
    evidence,
    detection,  # images with or without a tattoo
    localisation,  # boxes and masks
    segmentation,
    reranking,  # search results ranked again
    tagging,  # tags and classes
    classification,
    removal,  # retouched images
    restoration,
)

CATALOGUE: dict[str, Entry] = {
    name: entry for family in _FAMILIES for name, entry in family.ENTRIES.items()
}
"""By the name in front of the ``@`` of an id."""

if len(CATALOGUE) != sum(len(family.ENTRIES) for family in _FAMILIES):
    raise AssertionError("two metrics have one name")


def entry_of(text: str) -> tuple[Metric | None, Entry]:
    """Return the metric that a text names, and its entry.

    Parameters
    ----------
    text
        An id such as ``fnmr@fmr=0.01``, or only the name of a metric (then without a `Metric`).

    Raises
    ------
    UsageError
        If it is not known or its options are not those of the metric.

    Examples
    --------
    >>> metric, entry = entry_of("fnmr@fmr=1e-3")
    >>> str(metric), entry.better
    ('fnmr@fmr=0.001', 'lower')
    """
    name = text.partition("@")[0]
    if name not in CATALOGUE:
        raise UsageError(f"no metric is called {name!r}.{nearest(name, CATALOGUE)}")
    entry = CATALOGUE[name]
    if text == name:
        return (Metric(name, ()) if not entry.options else None), entry
    try:
        metric = Metric.parse(text)
    except ValueError as reason:
        raise UsageError(str(reason)) from None
    wanted = sorted(option for option, _ in entry.options)
    if [option for option, _ in metric.options] != wanted:
        example = ",".join(f"{option}={value:g}" for option, value in sorted(entry.options))
        raise UsageError(f"{text!r} should read {name + ('@' + example if example else '')!r}")
    return metric, entry
