"""The verb `compare`: runs side by side, search by search; how far attacks make them fall."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON, PATH
from harness.errors import UsageError


@commands.command()
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option("--metric", help="That searches and groups are judged by; else the headline.")
@click.option(
    "--attack", is_flag=True, help="Pair runs under `run --attack` with the same without."
)
@click.option("--markdown", is_flag=True, help="With --attack: print the table in Markdown.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=PATH, help="HTML page to write.")
@JSON
@of_runs
def compare(
    runs: tuple[Path, ...],
    metric: str | None,
    attack: bool,
    markdown: bool,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Put RUNS beside the first: every metric, every group, and the searches that changed most.

    With --attack, say how far each algorithm falls when tattoos are removed from its probes: RUNS
    are then runs made with `harness run --attack` and the same without.
    """
    import msgspec

    if attack:
        if metric is not None or out is not None:
            raise UsageError("--attack prints a table of headlines; leave out --metric and --out")
        _show_attacks(runs, markdown, as_json)
        return
    if markdown:
        raise UsageError("--markdown is for --attack; a verdict in Markdown is `harness gate`'s")

    from harness.verbs.comparing import compare as side_by_side

    found = side_by_side(*runs, metric=metric, seed=seed)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found.facts), indent=1).decode())
    else:
        click.echo(str(found))
    if out is not None:
        click.echo(f"page  {found.to_html(out)}", err=as_json)


def _show_attacks(runs: tuple[Path, ...], markdown: bool, as_json: bool) -> None:
    import msgspec

    from harness.comparing.attacks import attack_effects, listing, table

    found = attack_effects(runs)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        click.echo(table(found) if markdown else listing(found))
