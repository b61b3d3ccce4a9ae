"""The verb `export`: tables, scores and models of runs for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem as Item

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import PATH, PLUGINS
from harness.errors import UsageError, nearest
from harness.runs.exchange.forms import FORMS

if TYPE_CHECKING:
    from harness.tasks.protocol import Protocol


class _Export(click.Command):
    """The verb, whose help ends with every format."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each format is."""
        with formatter.section("Formats"):
            formatter.write_dl([(name, form.about) for name, form in FORMS.items()])


def _formats(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Item]:
    return [Item(n, help=form.about) for n, form in FORMS.items() if n.startswith(incomplete)]


@commands.command(cls=_Export)
@click.argument("folders", type=RUN, nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    required=True,
    shell_complete=_formats,
    help=f"What to write: {', '.join(FORMS)}.",
)
@click.option(
    "--out",
    type=PATH,
    required=True,
    help="Folder to write: of csv, parquet and croissant a new or empty one, of mlflow also one "
    "that is its store already; of onnx and aigtatt the file.",
)
@click.option("--fold", help="With onnx: whose model, where a run has several.")
@PLUGINS
@of_runs
def export(
    folders: tuple[Path, ...], form: str, out: Path, fold: str | None, plugins: tuple[Path, ...]
) -> None:
    """Write a run in a format that other programs read: its tables, its scores or its model."""
    if form not in FORMS:
        raise UsageError(
            f"there is no format {form!r}.{nearest(form, FORMS)} Known: {', '.join(FORMS)}"
        )
    if len(folders) > 1 and not FORMS[form].several:
        raise UsageError(f"--format {form} takes one run; {len(folders)} were named")
    kind = FORMS[form].kind
    if kind != "model" and (fold is not None or plugins):
        raise UsageError(f"--fold and --plugins belong to --format onnx; {form} is of all folds")
    _BY_KIND[kind](folders, form, out, fold, plugins)


def _export_tables(folders: tuple[Path, ...], form: str, out: Path, *_: Any) -> None:
    from harness.runs.exchange.tables import write_tables

    written = write_tables(folders[0], out, form)
    for note in written.notes:
        click.echo(note, err=True)
    for path in written.files:
        click.echo(path)


def _export_tracking(folders: tuple[Path, ...], form: str, out: Path, *_: Any) -> None:
    from harness.runs.exchange.mlflow_store import log_runs, store_uri

    for line in log_runs(folders, out):
        click.echo(line)
    click.echo(
        f"look at them with: mlflow ui --backend-store-uri {store_uri(out)} (pip install mlflow)",
        err=True,
    )


def _export_model(
    folders: tuple[Path, ...], form: str, out: Path, fold: str | None, plugins: tuple[Path, ...]
) -> None:
    from harness.record.joined import refuse_joined
    from harness.runs.exporting import export_onnx

    refuse_joined(folders[0], f"--format {form} is")
    click.echo(export_onnx(folders[0], out, fold=fold, plugins=plugins))


def _export_scores(folders: tuple[Path, ...], form: str, out: Path, *_: Any) -> None:
    from harness.record import record
    from harness.record.joined import refuse_joined
    from harness.scorefiles.export import export_lists, export_scores
    from harness.scorefiles.independent import rank_of, scores_behind
    from harness.tasks.answers import ListsOfDraws, StreamedAnswer

    (folder,) = folders
    refuse_joined(folder, f"--format {form} is")
    record.check_sources(folder)
    finished = record.read_run(folder)
    if any(isinstance(answer, StreamedAnswer) for answer in finished.answers):
        raise UsageError(
            f"{folder}: the scores of so many comparisons were summed up, not kept; its candidate "
            "lists are in candidates/"
        )
    _check_exportable(folder, finished.protocol, form)
    if form == "pyeer":
        rank = rank_of(finished.protocol)
        if rank is not None:
            click.echo(
                "genuine.txt and impostor.txt hold the scores of searches, as FNIR and FPIR count "
                f"them at rank {rank}: of the mates, and the top ones of searches without a mate",
                err=True,
            )
        lists = scores_behind(finished.protocol, finished.folds, finished.answers)
        written = export_lists(out, lists)
    elif any(isinstance(answer, ListsOfDraws) for answer in finished.answers):
        raise UsageError(
            f"{folder}: every draw was searched in a gallery of its own, and files of scores have "
            "one list for each probe; export the scores behind its rates with --format pyeer"
        )
    else:
        depth = finished.manifest.list_length
        if any(fold.consolidated for fold in finished.folds):
            click.echo(
                "galleries are consolidated: a template of several pictures has the name of the "
                "first, and `harness score` takes it for a template of that picture alone",
                err=True,
            )
        written = export_scores(out, finished.folds, finished.answers, form, depth=depth)
        if form == "nist":
            from harness.runs.exchange.template_logs import template_logs

            written += template_logs(folder, out, finished.manifest.origin.algorithm)
    for path in written:
        click.echo(path)


def _check_exportable(folder: Path, protocol: Protocol, form: str) -> None:
    """Refuse runs that have no scores of comparisons, or of images, in a format."""
    from harness.api import Detector
    from harness.tasks.kinds import task_of

    task = task_of(protocol)
    if not task.names_images and form != "pyeer":
        raise UsageError(f"{folder}: score lists have no names; export them with --format pyeer")
    # PyEER's lists are of comparisons; other formats also have one for scores of images.
    if not task.compares and (task.ability is not Detector or form == "pyeer"):
        raise UsageError(
            f"{folder}: a run of {protocol.task!r} compares no images, so there are no scores in "
            f"the format {form}"
        )


def _export_board(folders: tuple[Path, ...], form: str, out: Path, *_: Any) -> None:
    from harness.boards.aigtatt import aigtatt_table
    from harness.data.whole_files import write_whole
    from harness.record import record
    from harness.record.joined import refuse_joined

    for folder in folders:
        refuse_joined(folder, f"--format {form} is")
        record.check_sources(folder)
    text = aigtatt_table([record.read_run(folder) for folder in folders])
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name the file to write, such as {out / 'table.csv'}")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text)
    click.echo(out)


_BY_KIND: dict[str, Callable[..., None]] = {
    "tables": _export_tables,
    "tracking": _export_tracking,
    "scores": _export_scores,
    "model": _export_model,
    "board": _export_board,
}
