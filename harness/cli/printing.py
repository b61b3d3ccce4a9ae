"""What commands print about a run: a table for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.comparing.tables import aligned
from harness.data.findings import Finding
from harness.errors import DataError, HarnessError, some, visible
from harness.record.checks.examining import examine_folder
from harness.record.manifest import Manifest
from harness.reporting.examined import check_lines
from harness.reporting.text import estimate_lines, joined_lines, judged_lines, plain
from harness.runs.executing import Finished
from harness.runs.preparing import Prepared
from harness.runs.repeats import Entry
from harness.tasks.results import (
    Failure,
    Outcome,
)

if TYPE_CHECKING:
    from harness.reporting.tables import Table
    from harness.runs.dry_run import RunPlan
    from harness.statistics.likelihood.assessment import Assessment
    from harness.tasks.ageing import Ageing
    from harness.tasks.differentials import Differentials
    from harness.tasks.growth import Growth

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
    """Print what a run's scores come to and where its report lies."""
    _say_with_checks(judged_lines(folder, manifest, outcome), folder)


def print_entry(folder: Path) -> None:
    """Print the metrics of joined fits, where they vary, and each fit."""
    _say_with_checks(joined_lines(folder), folder)
    click.echo()


def _say_with_checks(lines: Sequence[str], folder: Path) -> None:
    # The report's place stays the last line, where eyes and programs look for it.
    for line in (*lines[:-1], *check_lines(examine_folder(folder)), lines[-1]):
        _say(line)


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
        named = [(f"   {plain(size_text(p, growth))}", p.estimate) for p in curve.points]
        for line in estimate_lines("   n", named):
            _say(line)
    for note in growth.notes:
        _say(f"note: {note}")


def print_differentials(title: str, compared: Sequence[Differentials], ageing: Ageing) -> None:
    """Print the errors of groups of people, and those by the time between captures.

    Parameters
    ----------
    title
        Protocol and algorithm.
    compared
        A column each.
    ageing
        Of the same run.
    """
    from harness.reporting import differing

    _say(title)
    if not compared:
        _say("Groups: no image has a skin tone or a place on the body (columns 'skin', 'site').")
    for line in dict.fromkeys(filter(None, map(differing.threshold_sentence, compared))):
        _say(line)
    for one in compared:
        tables = (
            [differing.group_table(one), differing.shift_table(one), differing.spread_table(one)]
            if one.rows
            else []
        )
        _say_tables(differing.group_sentences(one), tables, differing.group_notes(one))
    said = differing.age_sentences(ageing)
    said[0] = f"Time between captures: {said[0]}"
    _say_tables(said, [differing.age_table(ageing)], differing.age_notes(ageing))


def _say_tables(
    sentences: Sequence[str], tables: Sequence[Table | None], notes: Sequence[str]
) -> None:
    for sentence in sentences:
        _say(sentence)
    for table in filter(None, tables):
        _say(table.caption)
        for line in aligned(table.columns, table.rows, right=range(1, len(table.columns))):
            _say(line)
    for note in notes:
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


def _words(outcome: Outcome, algorithm: str, mated_by: str) -> dict[str, Any]:
    """Return what JSON says of a headline in words."""
    from harness.reporting.headline import headline_of

    headline = headline_of(outcome.metrics, algorithm, mated_by)
    return {
        "sentences": [plain(sentence) for sentence in headline.sentences],
        "answerable": not headline.unanswerable,
    }


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
        "checks": msgspec.to_builtins(examine_folder(folder)),
        "opinions": msgspec.to_builtins(manifest.opinions),
        "costs": msgspec.to_builtins(manifest.costs),
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
        "checks": msgspec.to_builtins(examine_folder(folder)),
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
                "costs": msgspec.to_builtins(one.manifest.costs),
                "composition": msgspec.to_builtins(one.manifest.composition),
                "checks": msgspec.to_builtins(examine_folder(one.prepared.folder)),
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
