"""What commands print about a run: a table for people, JSON for machines."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.data.findings import Finding
from harness.errors import DataError, HarnessError, some, visible
from harness.record.manifest import Manifest
from harness.record.record import read_assessment
from harness.runs.executing import Finished
from harness.runs.preparing import Prepared
from harness.runs.repeats import Entry
from harness.statistics.estimate import Estimate
from harness.tasks.results import (
    Curves,
    Failure,
    Metrics,
    Outcome,
)

if TYPE_CHECKING:
    from harness.runs.dry_run import RunPlan
    from harness.statistics.likelihood.assessment import Assessment
    from harness.tasks.growth import Growth

LEVEL, MOST_DECIMALS = "95 %", 6

REFUSED = "data-that-cannot-be-evaluated"
"""Code of what is wrong with data and has no kind of its own."""


def say_what_was_done(finished: Finished, label: str = "") -> None:
    """Say on standard error what of a run was computed and what was kept."""
    label = label or finished.prepared.label
    if not finished.steps_done and finished.steps_kept == ("everything",):
        text = "already done; nothing was recomputed"
    else:
        text = f"done in {finished.seconds:.1f} s"
        if finished.steps_kept:
            text += f"; kept from before: {', '.join(finished.steps_kept)}"
        if finished.outcome.failures:
            text += f"; {unusable(finished.outcome.failures)}"
    _say(f"{label}: {text}", err=True)


def unusable(failures: Sequence[Failure]) -> str:
    """Say how many images could not be used: each once, though it failed in several folds.

    >>> unusable([Failure(fold, "a.png", "reference", "dark") for fold in "123"])
    '1 image (in 3 folds) could not be used'
    """
    names = {one.name for one in failures}
    folds = {one.fold for one in failures}
    where = f" (in {len(folds)} folds)" if len(failures) > len(names) else ""
    return f"{some(len(names), 'image')}{where} could not be used"


def say_findings(findings: Iterable[Finding], already_said: set[Finding]) -> None:
    """Say on standard error what is odd about data and runs, each thing once.

    Parameters
    ----------
    already_said
        What was said already; what is said now is added.
    """
    for one in findings:
        if one not in already_said:
            already_said.add(one)
            _say(f"note: {one.text}", err=True)


def print_table(finished: Sequence[Finished], entries: Sequence[Entry] = ()) -> None:
    """Print the metrics of each run and where its report lies; those of joined runs once."""
    joined = {fit.prepared.folder for entry in entries for fit in entry.fits}
    for one in finished:
        if one.prepared.folder not in joined:
            print_run(one)
    for entry in entries:
        print_entry(entry.folder)


def print_run(run: Finished) -> None:
    """Print the metrics of a run and where its report lies."""
    print_judged(run.prepared.folder, run.manifest, run.outcome)
    click.echo()


def print_judged(folder: Path, manifest: Manifest, outcome: Outcome) -> None:
    """Print what a run's scores come to and where its report lies; one fit of a learner is one."""
    name = manifest.origin.algorithm
    name = f"{name}, one fit" if manifest.learns else name
    print_metrics(manifest.origin.protocol, name, outcome, manifest.mated_by)
    for other in manifest.opinions if manifest.imported is not None else ():
        figure = f"{other.metric} {other.value:.4f}" if other.value is not None else other.reason
        _say(f"   {other.program}: {figure}")
    assessment = read_assessment(folder)
    if assessment is not None:
        print_assessment(assessment)
    _say(f"report  {folder / 'report.html'}")


def print_entry(folder: Path) -> None:
    """Print the metrics of joined fits, where they vary, and each fit."""
    from harness.record.joined import manifest_of, read_joined, read_metrics
    from harness.reporting.joined_fits import component_lines

    entry, metrics = read_joined(folder), read_metrics(folder)
    outcome = Outcome(metrics, Curves(), [], [])
    name = f"{entry.algorithm}, {len(entry.fits)} fits"
    print_metrics(entry.protocol, name, outcome, manifest_of(folder).mated_by)
    headline = metrics.pooled[metrics.headline]
    rows = component_lines(headline)
    if rows:
        _say(f"   {metrics.headline} varies by (sd)  one fit  mean of {len(entry.fits)}")
        width = max(len(name) for name, _, _ in rows)
        for name, one, every in rows:
            _say(f"     {name:<{width}}  {one}   {every}")
    values = ", ".join(
        f"seed {fit.seed}: {'no data' if fit.value is None else f'{fit.value:.3f}'}"
        for fit in entry.fits
    )
    _say(f"   fits  {values}")
    _say(f"report  {folder / 'report.html'}")
    click.echo()


def print_metrics(protocol: str, algorithm: str, outcome: Outcome, mated_by: str = "") -> None:
    """Print all metrics with interval, chance and flags, and the headline in words.

    Parameters
    ----------
    mated_by
        What mates have in common: with ``group`` they are look-alikes.
    """
    from harness.reporting.headline import galleries, headline_of

    metrics = outcome.metrics
    counts = metrics.counts
    shown = [f"{counts[what]} {what}" for what in ("searches", "identities") if what in counts]
    if "searches" not in counts and galleries(counts):
        shown.insert(0, f"searches {galleries(counts)}")
    if "searches" not in counts and "images" in counts:
        shown.insert(0, f"{counts['images']} {'image' if counts['images'] == 1 else 'images'}")
    if "searches" not in counts and "mated_comparisons" in counts:
        kinds = [f"{counts[f'{kind}_comparisons']:,} {kind}" for kind in ("mated", "nonmated")]
        shown.append(f"{' and '.join(kinds)} comparisons".replace("nonmated", "non-mated"))
    if "folds" in counts:
        shown.append(f"{counts['folds']} {'fold' if counts['folds'] == 1 else 'folds'}")
    # After the numbers that programs and eyes look for in their places.
    if "searches" in counts and galleries(counts):
        shown.append(galleries(counts))
    if without := counts.get("probes_without_a_mate", 0):
        shown.append(
            some(without, "probe without a mate is", "probes without a mate are") + " not judged"
        )
    if mated_by == "group":
        shown.append("mates are look-alikes")
    _say(plain(f"{protocol} / {algorithm}: {', '.join(shown) or 'scores without names'}"))
    for line in metric_lines(metrics):
        _say(line)
    for sentence in headline_of(metrics, algorithm, mated_by).sentences:
        for line in textwrap.wrap(plain(sentence), 100):
            _say(f"   {line}")


def metric_lines(metrics: Metrics) -> list[str]:
    """Return a table of all metrics, under a line that says what its columns are."""
    named = [
        (f" {'*' if name == metrics.headline else ' '} {name}", estimate)
        for name, estimate in metrics.pooled.items()
    ]
    return estimate_lines(" * = headline", named)


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


def print_growth(title: str, growth: Growth) -> None:
    """Print the rates of a run by the size of the gallery.

    Parameters
    ----------
    title
        Protocol and algorithm.
    growth
        Of the run.
    """
    from harness.reporting.drawing.growth import label, searches_in, size_text

    _say(f"{title}: {searches_in(growth)}")
    for curve in growth.curves:
        _say(f"{label(curve)}, among n references")
        named = [(f"   {size_text(point, growth)}", point.estimate) for point in curve.points]
        for line in estimate_lines("   n", named):
            _say(line)
    for note in growth.notes:
        _say(f"note: {note}")


def print_operations(manifest: Manifest, gallery: int) -> None:
    """Print what operations of an algorithm take, where it was measured."""
    from harness.reporting.operations import operation_table

    table = operation_table(manifest, gallery)
    if table is None:
        return
    _say(table.caption)
    rows = [("   " + first, *rest) for first, *rest in (table.columns, *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        _say("  ".join(f"{cell:<{wide}}" for cell, wide in zip(row, widths, strict=True)).rstrip())


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


def plan_lines(plan: RunPlan, workers: int) -> list[str]:
    """Return what a run would do, as lines for a terminal.

    Parameters
    ----------
    workers
        At a time.
    """
    from harness.reporting.wording import duration

    state = {
        "new": "new",
        "begun": f"begun: {plan.done} of {plan.units} parts of the work are done",
        "finished": "finished: nothing would be done",
    }[plan.state]
    lines = [
        f"{plan.protocol} / {plan.algorithm}, seed {plan.seed}",
        f"   folder  {plan.folder}, {state}",
    ]
    learned = [fold.learned for fold in plan.folds] if plan.learns else [0]
    what = [_span([fold.probes for fold in plan.folds], "probes" if _searched(plan) else "images")]
    if _searched(plan):
        what.append(_span([fold.gallery for fold in plan.folds], "references"))
        what.append(f"{sum(fold.comparisons for fold in plan.folds):,} comparisons in all")
    if max(learned):
        what.insert(0, f"learned from {_span(learned, 'images')}")
    if plan.attack:
        lines.append(f"   first   {plan.attack} retouches the probes")
    lines += [
        f"   asks    {some(plan.images, 'image')}, {some(len(plan.folds), 'fold')}, each: "
        f"{', '.join(what)}",
        f"   work    {plan.units} parts, {workers} at a time",
        f"   keeps   {', '.join(plan.kept) or 'nothing'}, numbers and report",
    ]
    if plan.state == "finished":
        return lines
    if plan.earlier is None or plan.seconds is None:
        lines.append("   time    not known: no finished run of it on these data lies beside")
    else:
        other = "" if plan.earlier.same else ", with other parameters"
        lines.append(
            f"   time    about {duration(plan.seconds)}: {plan.earlier.folder}{other} took "
            f"{duration(plan.earlier.work)} of work"
        )
    return lines


def _searched(one: RunPlan) -> bool:
    return any(fold.gallery for fold in one.folds)


def _span(counts: Sequence[int], what: str) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,} {what}" if low == high else f"{low:,}-{high:,} {what}"


def plain(text: str) -> str:
    """Return a text of a page for a terminal, without spaces and joiners that it may not have."""
    return text.translate({0x202F: " ", 0xA0: " ", 0x2060: None, 0x2013: "-", 0x2212: "-"})


def _words(outcome: Outcome, algorithm: str, mated_by: str) -> dict[str, Any]:
    """Return what JSON says of a headline in words."""
    from harness.reporting.headline import headline_of

    headline = headline_of(outcome.metrics, algorithm, mated_by)
    return {
        "sentences": [plain(sentence) for sentence in headline.sentences],
        "answerable": not headline.unanswerable,
    }


def print_assessment(assessment: Assessment) -> None:
    """Print how valid likelihood ratios are, and how far this data supports them."""
    found = assessment.estimates
    counts = assessment.counts
    _say(
        f"   likelihood ratios ({assessment.method}, {counts['mated']:,} mated and "
        f"{counts['nonmated']:,} non-mated comparisons; [ ] is the {LEVEL} interval)"
    )
    for name, label in (("cllr", "Cllr"), ("cllr-min", "Cllr-min")):
        estimate = found[name]
        places = decimals(estimate)
        value = "no data" if estimate.value is None else f"{estimate.value:.{places}f}"
        flags = f"  ({'; '.join(estimate.flags)})" if estimate.flags else ""
        range_ = _range(estimate, places)
        _say(f"   {label:<9} {value:<7}  {range_:<17} 1 is no information{flags}")
    low, high = (found[name].value for name in ("elub-low", "elub-high"))
    if low is None or high is None:
        _say("   ELUB      no range: too little data for any ratio but 1")
    else:
        _say(
            f"   ELUB      ratios from {_ratio(low)} to {_ratio(high)} are supported by this data; "
            "stronger ones should not be stated"
        )


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


def scored_json(
    folder: Path, manifest: Manifest, outcome: Outcome, assessment: Assessment | None
) -> dict[str, Any]:
    """Return what `harness score --json` prints."""
    import msgspec

    facts = {
        "protocol": manifest.origin.protocol,
        "algorithm": manifest.origin.algorithm,
        "identity": manifest.identity,
        "folder": str(folder),
        "metrics": msgspec.to_builtins(outcome.metrics),
        "verdict": _words(outcome, manifest.origin.algorithm, manifest.mated_by),
        "findings": msgspec.to_builtins(manifest.findings),
        "opinions": msgspec.to_builtins(manifest.opinions),
    }
    if manifest.imported is not None:
        facts["imported"] = msgspec.to_builtins(manifest.imported)
    return {**facts, **_forensic(assessment)}


def _forensic(assessment: Assessment | None) -> dict[str, Any]:
    """Return what JSON says of likelihood ratios: nothing where there are none."""
    import msgspec

    if assessment is None:
        return {}
    facts = {
        "method": assessment.method,
        "counts": assessment.counts,
        "estimates": msgspec.to_builtins(assessment.estimates),
    }
    return {"forensic": facts}


def entry_json(folder: Path) -> dict[str, Any]:
    """Return what JSON says of a folder that joins several fits."""
    import msgspec

    from harness.record.joined import fits_of, read_joined, read_metrics

    entry = read_joined(folder)
    return {
        "protocol": entry.protocol,
        "algorithm": entry.algorithm,
        "identity": entry.identity,
        "folder": str(folder),
        "fits": [str(place) for place in fits_of(folder)],
        "metrics": msgspec.to_builtins(read_metrics(folder)),
    }


def run_json(
    finished: Sequence[Finished],
    failed: Sequence[tuple[Prepared, HarnessError]],
    entries: Sequence[Entry] = (),
) -> dict[str, Any]:
    """Return what `harness run --json` prints."""
    import msgspec

    return {
        "runs": [
            {
                "protocol": one.prepared.judged.name,
                "algorithm": one.prepared.entry.plugin.name,
                "identity": one.prepared.identity,
                "environment_hash": one.manifest.environment_hash,
                "result_hash": one.manifest.result_hash,
                "learns": one.manifest.learns,
                "folder": str(one.prepared.folder),
                "seconds": round(one.seconds, 3),
                "done": list(one.steps_done),
                "kept": list(one.steps_kept),
                "metrics": msgspec.to_builtins(one.outcome.metrics),
                "verdict": _words(
                    one.outcome, one.prepared.entry.plugin.name, one.manifest.mated_by
                ),
                "findings": msgspec.to_builtins(one.manifest.findings),
            }
            for one in finished
        ],
        "entries": [entry_json(entry.folder) for entry in entries],
        "failed": [
            {
                "protocol": one.judged.name,
                "algorithm": one.entry.plugin.name,
                "error": str(reason),
            }
            for one, reason in failed
        ],
    }


def refused_json(reason: DataError) -> dict[str, Any]:
    """Return what `harness run --json` prints where data are refused before anything runs."""
    return {**run_json([], []), **findings_json(reason)}


def findings_json(reason: DataError) -> dict[str, Any]:
    """Return why data or score files are refused, as findings with codes."""
    import msgspec

    findings = [
        Finding(REFUSED, "problem", one) if isinstance(one, str) else one
        for one in reason.found or (str(reason),)
    ]
    return {"findings": msgspec.to_builtins(findings)}


def _say(line: str, err: bool = False) -> None:
    """Print one line; names in it are untrusted."""
    click.echo(visible(plain(line)), err=err)
