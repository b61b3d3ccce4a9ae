"""The verb `export`: scores for other programs, or a model as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import PATH, PLUGINS
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.tasks.protocol import Protocol


@commands.command()
@click.argument("folders", type=RUN, nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    required=True,
    help="tatt-c, nist, csv, parquet, bob-4, ...; onnx; or aigtatt, of several runs.",
)
@click.option(
    "--out", type=PATH, required=True, help="Folder to write to; of onnx and aigtatt the file."
)
@click.option("--fold", help="With onnx: whose model, where a run has several.")
@PLUGINS
@of_runs
def export(
    folders: tuple[Path, ...], form: str, out: Path, fold: str | None, plugins: tuple[Path, ...]
) -> None:
    """Write the scores of a run in a format that other programs read, or its model as ONNX.

    With aigtatt, runs of verification, open-set and closed-set become a table of 14 columns.
    """
    from harness.record.joined import refuse_joined

    for folder in folders:
        refuse_joined(folder, f"--format {form} is")
    if form == "aigtatt":
        _export_table(folders, out)
        return
    if len(folders) > 1:
        raise UsageError(f"--format {form} takes one run; {len(folders)} were named")
    (folder,) = folders
    if form == "onnx":
        from harness.runs.exporting import export_onnx

        click.echo(export_onnx(folder, out, fold=fold, plugins=plugins))
        return
    if fold is not None or plugins:
        raise UsageError("--fold and --plugins belong to --format onnx; scores are of all folds")
    from harness.record import record
    from harness.scorefiles.export import export_lists, export_scores
    from harness.scorefiles.independent import rank_of, scores_behind
    from harness.tasks.answers import StreamedAnswer

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
    else:
        written = export_scores(out, finished.folds, finished.answers, form)
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


def _export_table(folders: tuple[Path, ...], out: Path) -> None:
    from harness.boards.aigtatt import aigtatt_table
    from harness.data.whole_files import write_whole
    from harness.record import record

    for folder in folders:
        record.check_sources(folder)
    text = aigtatt_table([record.read_run(folder) for folder in folders])
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name the file to write, such as {out / 'table.csv'}")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text)
    click.echo(out)
