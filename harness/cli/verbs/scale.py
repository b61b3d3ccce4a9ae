"""The verb `scale`: what a run's rates would be in smaller galleries."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON, SCORE


@commands.command()
@click.argument("folders", metavar="RUNS", nargs=-1, required=True, type=RUN)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="References in the gallery; else 1, 2, 5, 10 and so on. Repeatable.",
)
@click.option(
    "--rank",
    "ranks",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="R",
    help="Else those of the protocol's metrics. Repeatable.",
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    type=SCORE,
    metavar="T",
    help="Score from which a reference is a candidate: FNIR and FPIR. Repeatable.",
)
@JSON
@of_runs
def scale(
    folders: tuple[Path, ...],
    sizes: tuple[int, ...],
    ranks: tuple[int, ...],
    thresholds: tuple[float, ...],
    as_json: bool,
) -> None:
    """Say how rates of RUNS depend on the size of the gallery, up to their own.

    Exact from the ranks and scores of a run, for galleries drawn at random from its own: nothing is
    searched again. Larger galleries than its own are refused. Times and sizes of templates stand
    beside, where the run has them.
    """
    import msgspec

    from harness.cli.printing import print_growth, print_operations
    from harness.record import record
    from harness.record.growing import growth_in
    from harness.record.joined import refuse_joined

    said = []
    for folder in folders:
        refuse_joined(folder, "galleries of other sizes are")
        record.check_answers(folder)
        run = record.read_run(folder)
        found = growth_in(run, sizes=sizes, ranks=ranks, thresholds=thresholds)
        origin = run.manifest.origin
        if as_json:
            named = {"run": str(folder), "protocol": origin.protocol, "algorithm": origin.algorithm}
            costs = {"costs": msgspec.to_builtins(run.manifest.costs)}
            said.append(named | msgspec.to_builtins(found) | costs)
        else:
            print_growth(f"{origin.protocol} / {origin.algorithm}", found)
            print_operations(run.manifest, found.largest)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(said), indent=1).decode())
