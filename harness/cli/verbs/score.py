"""The verb for scores: `score`, of a run again or of somebody else's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import PROTOCOLS
from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import FOLD_COUNT, FORENSIC, JSON, LAYOUT, PATH, PLUGINS
from harness.errors import DataError, UsageError, visible

if TYPE_CHECKING:
    from harness.runs.importing import ImportedRun
    from harness.runs.preparing import Request

MISSING_SHOWN = 10


@commands.command()
@click.argument("run_folder", metavar="[RUN]", required=False, type=RUN)
@click.option("--candidates", type=PATH, help="Candidate lists: Tatt-C's, or a NIST 1:N log.")
@click.option(
    "--scores",
    type=PATH,
    help="Scores of all comparisons: CSV, Parquet, bob, .npy, NIST 1:1; or scores with labels.",
)
@click.option("--detections", type=PATH, help="Scores of images: image|score, or CSV.")
@click.option("--mated", type=PATH, help="Scores of mated comparisons, one a line.")
@click.option("--nonmated", type=PATH, help="Scores of non-mated comparisons, one a line.")
@click.option("--format", "form", help="Of the file; else told from the content.")
@click.option("--name", help="Of the system that made the scores; else that of the file.")
@click.option(
    "--protocol",
    shell_complete=PROTOCOLS,
    help="Name or file: what scores without a truth of their own answer.",
)
@click.option("--data", type=PATH, help="Data set: a folder or a CSV file.")
@LAYOUT
@click.option("--fold", "folds", multiple=True, help="Only this fold: 1 or fold-1. Repeatable.")
@FOLD_COUNT
@click.option("--out", type=PATH, default=Path("runs"), show_default=True)
@FORENSIC
@PLUGINS
@JSON
def score(
    run_folder: Path | None,
    mated: Path | None,
    nonmated: Path | None,
    form: str | None,
    name: str | None,
    protocol: str | None,
    data: Path | None,
    layout: str | None,
    folds: tuple[str, ...],
    fold_count: int | None,
    out: Path,
    forensic: str,
    plugins: tuple[Path, ...],
    as_json: bool,
    **files: Path | None,
) -> None:
    """Compute every number from scores: those of a RUN again, or those of somebody else's files.

    With a file, its scores are judged by a protocol and kept as a run of their own. Scores that say
    themselves what is mated (labels, bob's ids, --mated with --nonmated) need no protocol.
    """
    given = {kind: path for kind, path in files.items() if path is not None}
    lists = mated is not None or nonmated is not None
    if (run_folder is not None) + len(given) + lists != 1:
        raise UsageError(
            "name one thing to score: a run folder, --candidates, --scores, --detections, or "
            "--mated with --nonmated"
        )
    if run_folder is not None:
        _score_again(run_folder, forensic, as_json)
        return
    from harness.runs.preparing import Request

    asked = () if protocol is None else (protocol,)
    request = Request(
        (), asked, data, layout, folds, fold_count=fold_count, plugins=plugins, out=out
    )
    try:
        imported_run = _imported_run(given, mated, nonmated, form, name, request)
    except DataError as reason:
        if as_json:
            from harness.cli.printing import findings_json

            click.echo(json.dumps(findings_json(reason), indent=1, ensure_ascii=False))
        raise
    _show(imported_run, forensic, as_json)


def _imported_run(
    given: dict[str, Path],
    mated: Path | None,
    nonmated: Path | None,
    form: str | None,
    name: str | None,
    request: Request,
) -> ImportedRun:
    """Read and judge the files that a command names."""
    if mated is not None or nonmated is not None:
        _refuse_question(request)
        return _score_pair(mated, nonmated, form, name, request.out)
    ((kind, path),) = given.items()
    if not request.protocols:
        _refuse_question(request)
    from harness.verbs.scoring import judged_file

    return judged_file(path, request, kind=kind, form=form, name=name)


def _refuse_question(request: Request) -> None:
    """Refuse options that would have no effect on scores with a truth of their own."""
    named = {
        "--protocol": request.protocols or None,
        "--data": request.data,
        "--layout": request.layout,
        "--fold": request.folds or None,
        "--folds": request.fold_count,
    }
    idle = [option for option, value in named.items() if value is not None]
    if idle:
        raise UsageError(
            f"{', '.join(idle)}: belongs to scores that a protocol judges; "
            + (
                "these say themselves what is mated"
                if request.protocols
                else "say with --protocol which"
            )
        )


def _score_pair(
    mated: Path | None, nonmated: Path | None, form: str | None, name: str | None, out: Path
) -> ImportedRun:
    from harness.runs.score_lists import import_score_lists
    from harness.scorefiles.pairs import read_pair

    if mated is None or nonmated is None:
        raise UsageError("--mated and --nonmated belong together")
    words = ["--mated", str(mated), "--nonmated", str(nonmated), *_named(form, name)]
    return import_score_lists(read_pair(mated, nonmated, form), mated, words, out=out, name=name)


def _named(form: str | None, name: str | None) -> list[str]:
    return [*(["--format", form] if form else []), *(["--name", name] if name else [])]


def _show(imported_run: ImportedRun, forensic: str, as_json: bool) -> None:
    """Print what scores of files came to, after adding likelihood ratios where asked for."""
    from harness.cli.printing import print_judged, scored_json
    from harness.record.record import read_assessment
    from harness.runs.finishing import add_likelihood_ratios
    from harness.verbs.saying import say_findings

    manifest = imported_run.manifest
    say_findings(manifest.findings, set())
    if forensic:
        add_likelihood_ratios(imported_run.folder, forensic)
    for fold, probe in imported_run.imported.missing[:MISSING_SHOWN]:
        click.echo(f"missing: {visible(probe)} (fold {visible(fold)}) counts as a miss", err=True)
    more = len(imported_run.imported.missing) - MISSING_SHOWN
    if more > 0:
        click.echo(f"missing: and {more} more; all are in the manifest", err=True)
    if as_json:
        assessment = read_assessment(imported_run.folder)
        facts = scored_json(imported_run.folder, manifest, imported_run.outcome, assessment)
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    print_judged(imported_run.folder, manifest, imported_run.outcome)


@of_runs
def _score_again(folder: Path, forensic: str, as_json: bool) -> None:
    from harness.record.joined import is_joined

    if is_joined(folder):
        _join_again(folder, forensic, as_json)
        return
    from harness.cli.printing import print_judged, scored_json
    from harness.record.record import read_assessment
    from harness.runs.finishing import score_again

    run, outcome, same = score_again(folder, forensic)
    click.echo(f"the metrics {'are the same as before' if same else 'have changed'}", err=True)
    if as_json:
        facts = scored_json(folder, run.manifest, outcome, read_assessment(folder))
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    print_judged(folder, run.manifest, outcome)


def _join_again(folder: Path, forensic: str, as_json: bool) -> None:
    from harness.cli.printing import entry_json, print_entry
    from harness.record.joined import fits_of
    from harness.runs.finishing import score_again
    from harness.runs.joining import join_again

    for place in fits_of(folder):
        score_again(place, forensic)
    join_again(folder)
    if as_json:
        click.echo(json.dumps(entry_json(folder), indent=1, ensure_ascii=False))
    else:
        print_entry(folder)
