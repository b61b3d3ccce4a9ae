"""What a run came to, in lines of plain text: for terminals, and for a notebook without HTML."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import some
from harness.record.joined import manifest_of, read_joined, read_metrics
from harness.record.manifest import Manifest
from harness.record.record import read_assessment
from harness.reporting.composition import composition_lines
from harness.reporting.headline import galleries, headline_of
from harness.reporting.joined_fits import component_lines
from harness.statistics.estimate import Estimate
from harness.tasks.results import Metrics, Outcome

if TYPE_CHECKING:
    from harness.statistics.likelihood.assessment import Assessment

LEVEL, MOST_DECIMALS = "95 %", 6
UNNAMED = "scores without names"


def judged_lines(folder: Path, manifest: Manifest, outcome: Outcome) -> list[str]:
    """Return what a run's scores come to and where its report lies; one fit of a learner is one."""
    name = manifest.origin.algorithm
    name = f"{name}, one fit" if manifest.learns else name
    lines = result_lines(manifest.origin.protocol, name, outcome.metrics, manifest.mated_by)
    for other in manifest.opinions if manifest.imported is not None else ():
        figure = f"{other.metric} {other.value:.4f}" if other.value is not None else other.reason
        lines.append(f"   {other.program}: {figure}")
    for line in composition_lines(manifest):
        lines += [f"   {part}" for part in textwrap.wrap(plain(line), 100, break_on_hyphens=False)]
    assessment = read_assessment(folder)
    if assessment is not None:
        lines += assessment_lines(assessment)
    return [*lines, f"report  {folder / 'report.html'}"]


def joined_lines(folder: Path) -> list[str]:
    """Return the metrics of joined fits, where they vary, and each fit."""
    entry, metrics = read_joined(folder), read_metrics(folder)
    name = f"{entry.algorithm}, {len(entry.fits)} fits"
    lines = result_lines(entry.protocol, name, metrics, manifest_of(folder).mated_by)
    headline = metrics.pooled[metrics.headline]
    rows = component_lines(headline)
    if rows:
        lines.append(f"   {metrics.headline} varies by (sd)  one fit  mean of {len(entry.fits)}")
        width = max(len(name) for name, _, _ in rows)
        lines += [f"     {name:<{width}}  {one}   {every}" for name, one, every in rows]
    values = ", ".join(
        f"seed {fit.seed}: {'no data' if fit.value is None else f'{fit.value:.3f}'}"
        for fit in entry.fits
    )
    return [*lines, f"   fits  {values}", f"report  {folder / 'report.html'}"]


def result_lines(protocol: str, algorithm: str, metrics: Metrics, mated_by: str = "") -> list[str]:
    """Return all metrics with interval, chance and flags, and the headline in words.

    Parameters
    ----------
    mated_by
        What mates have in common: with ``group`` they are look-alikes.
    """
    counted = plain(", ".join(_counted(metrics, mated_by)) or UNNAMED)
    lines = [f"{protocol} / {algorithm}: {counted}"]
    lines += metric_lines(metrics)
    for sentence in headline_of(metrics, algorithm, mated_by).sentences:
        lines += [f"   {line}" for line in textwrap.wrap(plain(sentence), 100)]
    return lines


def _counted(metrics: Metrics, mated_by: str) -> list[str]:
    """Return of how many searches, identities, images, comparisons and folds a result is."""
    counts = metrics.counts
    named = {"searches": "search", "identities": "identity"}
    shown = [
        f"{counts[many]} {one if counts[many] == 1 else many}"
        for many, one in named.items()
        if many in counts
    ]
    if "searches" not in counts and galleries(counts):
        shown.insert(0, f"searches {galleries(counts)}")
    if "searches" not in counts and "images" in counts:
        shown.insert(0, some(counts["images"], "image"))
    if "searches" not in counts and "mated_comparisons" in counts:
        kinds = [f"{counts[f'{kind}_comparisons']:,} {kind}" for kind in ("mated", "nonmated")]
        shown.append(f"{' and '.join(kinds)} comparisons".replace("nonmated", "non-mated"))
    if "folds" in counts:
        shown.append(some(counts["folds"], "fold"))
    # After the numbers that programs and eyes look for in their places.
    if "searches" in counts and galleries(counts):
        shown.append(galleries(counts))
    if without := counts.get("probes_without_a_mate", 0):
        shown.append(
            some(without, "probe without a mate is", "probes without a mate are") + " not judged"
        )
    if mated_by == "group":
        shown.append("mates are look-alikes")
    return shown


def metric_lines(metrics: Metrics) -> list[str]:
    """Return a table of all metrics, under a line that says what its columns are.

    Metrics that this data gives no value stand below the table, once for each reason.
    """
    named, unvalued = [], dict[str, list[str]]()
    for name, estimate in metrics.pooled.items():
        if estimate.value is None and name != metrics.headline:
            unvalued.setdefault("; ".join(estimate.flags) or "no data", []).append(name)
        else:
            named.append((f" {'*' if name == metrics.headline else ' '} {name}", estimate))
    missing = "; ".join(f"{', '.join(names)} ({why})" for why, names in unvalued.items())
    lines = estimate_lines(" * = headline", named)
    if missing:
        note = textwrap.wrap(f"without a value: {missing}", 100, break_on_hyphens=False)
        lines += [f"   {line}" for line in note]
    return lines


def estimate_lines(heading: str, named: Iterable[tuple[str, Estimate]]) -> list[str]:
    """Return a table of estimates by name, under a line with a heading of the names."""
    rows = []
    for name, estimate in named:
        places = decimals(estimate)
        rows.append(
            (
                name,
                "no data" if estimate.value is None else f"{estimate.value:.{places}f}",
                _range(estimate, places),
                "" if estimate.chance is None else f"{estimate.chance:.{places}f}",
                f"({'; '.join(estimate.flags)})" if estimate.flags else "",
            )
        )
    head = (heading, "value", f"{LEVEL} interval", "chance", "")
    widths = [*(max(len(row[i]) for row in (head, *rows)) for i in range(4)), 0]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def decimals(estimate: Estimate) -> int:
    """Return how many decimals a value is worth: three, or more where more is known.

    Two figures of a small value are shown, and an interval to a third of its half; not more than 6.

    >>> decimals(Estimate(0.6389, 0.5235, 0.7402)), decimals(Estimate(0.00123, 0.0011, 0.0014))
    (3, 5)
    """
    found = 3
    if estimate.value and abs(estimate.value) < 0.01:
        found = max(found, 1 - math.floor(math.log10(abs(estimate.value))))
    if estimate.low is not None and estimate.high is not None and estimate.high > estimate.low:
        found = max(found, math.ceil(-math.log10((estimate.high - estimate.low) / 6)))
    return min(found, MOST_DECIMALS)


def plain(text: str) -> str:
    """Return a text of a page for a terminal, without spaces and joiners that it may not have."""
    return text.translate({0x202F: " ", 0xA0: " ", 0x2060: None, 0x2013: "-", 0x2212: "-"})


def assessment_lines(assessment: Assessment) -> list[str]:
    """Return how valid likelihood ratios are, and how far this data supports them."""
    found = assessment.estimates
    counts = assessment.counts
    lines = [
        f"   likelihood ratios ({assessment.method}, {counts['mated']:,} mated and "
        f"{counts['nonmated']:,} non-mated comparisons; [ ] is the {LEVEL} interval)"
    ]
    for name, label in (("cllr", "Cllr"), ("cllr-min", "Cllr-min")):
        estimate = found[name]
        places = decimals(estimate)
        value = "no data" if estimate.value is None else f"{estimate.value:.{places}f}"
        flags = f"  ({'; '.join(estimate.flags)})" if estimate.flags else ""
        range_ = _range(estimate, places)
        lines.append(f"   {label:<9} {value:<7}  {range_:<17} 1 is no information{flags}")
    low, high = (found[name].value for name in ("elub-low", "elub-high"))
    if low is None or high is None:
        lines.append("   ELUB      no range: too little data for any ratio but 1")
    else:
        lines.append(
            f"   ELUB      ratios from {_ratio(low)} to {_ratio(high)} are supported by this data; "
            "stronger ones should not be stated"
        )
    return lines


def _range(estimate: Estimate, places: int) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{estimate.low:.{places}f}, {estimate.high:.{places}f}]"


def _ratio(llr: float) -> str:
    """Return a likelihood ratio by its natural logarithm; one below 1 as a fraction.

    >>> _ratio(0.0), _ratio(math.log(250)), _ratio(-math.log(40))
    ('1', '250', '1/40')
    """
    size = f"{float(f'{math.exp(abs(llr)):.3g}'):,g}"
    return size if llr >= 0 or size == "1" else f"1/{size}"
