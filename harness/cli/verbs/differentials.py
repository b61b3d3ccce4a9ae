"""The verb `differentials`: errors of groups of people, and by the time between captures."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON, PATH
from harness.errors import UsageError


@commands.command()
@click.argument("folders", metavar="RUNS", nargs=-1, required=True, type=RUN)
@click.option(
    "--groups",
    "columns",
    multiple=True,
    metavar="COLUMN",
    help="Group by this column: skin, site, style or media, or one of --table; else by skin and "
    "site, where the data have them. Repeatable.",
)
@click.option(
    "--table",
    type=PATH,
    metavar="FILE",
    help="Groups by columns of this CSV file or spreadsheet instead, which names images, tattoos "
    "or subjects in its column image, tattoo or subject.",
)
@JSON
@of_runs
def differentials(
    folders: tuple[Path, ...], columns: tuple[str, ...], table: Path | None, as_json: bool
) -> None:
    """Say how errors of RUNS differ between groups of people, and with the years.

    All groups are judged at one threshold (ISO/IEC 19795-10): FMR, FNMR, failures to enrol and
    scores of each with intervals, Gini coefficient and highest rate over geometric mean, and what
    the same groups come to when they are dealt at random. Nothing is run again.
    """
    import msgspec

    from harness.cli.printing import print_differentials
    from harness.record.differing import ageing_in, columns_in, differentials_in, pairs_in
    from harness.record.joined import read_alone
    from harness.tasks.groups import SHOWN

    if table is not None and not columns:
        raise UsageError("--table needs --groups COLUMN: which of its columns says the groups?")
    said = []
    for folder in folders:
        run = read_alone(folder, "groups are compared")
        pairs = pairs_in(run)
        chosen = columns or columns_in(run, SHOWN)
        found = [
            differentials_in(run, column, pairs, table=table) for column in dict.fromkeys(chosen)
        ]
        ageing = ageing_in(run, pairs)
        origin = run.manifest.origin
        if as_json:
            named = {"run": str(folder), "protocol": origin.protocol, "algorithm": origin.algorithm}
            groups = msgspec.to_builtins(found)
            said.append({**named, "differentials": groups, "ageing": msgspec.to_builtins(ageing)})
        else:
            print_differentials(f"{origin.protocol} / {origin.algorithm}", found, ageing)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(said), indent=1).decode())
