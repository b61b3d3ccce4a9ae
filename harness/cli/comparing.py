"""Verbs that put runs side by side: `compare`, `gate` and `baseline`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import BASELINES
from harness.cli.group import Verbs, commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON, MARGIN, PATH
from harness.errors import Unwritable, UsageError

if TYPE_CHECKING:
    from harness.comparing.gate import Gate

REGRESSED, INCONCLUSIVE = 1, 5
PLACE = click.option(
    "--folder",
    "place",
    type=PATH,
    default=Path("baselines"),
    show_default=True,
    help="Where baselines lie.",
)


@commands.command()
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option("--metric", help="That searches and groups are judged by; else the headline.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=PATH, help="HTML page to write.")
@JSON
@of_runs
def compare(
    runs: tuple[Path, ...], metric: str | None, seed: int, out: Path | None, as_json: bool
) -> None:
    """Put RUNS beside the first: every metric, every group, and the searches that changed most."""
    import msgspec

    from harness.comparing.comparison import compare as side_by_side
    from harness.comparing.listing import listing
    from harness.reporting.comparison import write_page

    found = side_by_side(runs, metric=metric, seed=seed)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found[0]), indent=1).decode())
    else:
        click.echo(listing(found[0]))
    if out is not None:
        write_page(*found, out)
        click.echo(f"page  {out}", err=as_json)


@commands.command()
@click.option(
    "--baseline",
    required=True,
    shell_complete=BASELINES,
    help="Run folder, or a baseline's folder or name.",
)
@click.option(
    "--candidate",
    required=True,
    shell_complete=RUN.shell_complete,
    help="Run folder, short name, or file of `run --json`.",
)
@click.option("--metric", help="The protocol's headline unless given.")
@click.option(
    "--margin",
    type=MARGIN,
    help="Loss that is acceptable; the protocol's unless given.",
)
@click.option(
    "--allow-inconclusive", is_flag=True, help="Exit with 0, not 5, where the data cannot tell."
)
@click.option("--strict", is_flag=True, hidden=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=PATH, help="Folder for gate.json, gate.md and junit.xml.")
@click.option("--page", is_flag=True, help="Write compare.html beside them: what changed, shown.")
@PLACE
@JSON
@of_runs
def gate(
    baseline: str,
    candidate: str,
    metric: str | None,
    margin: float | None,
    allow_inconclusive: bool,
    strict: bool,
    seed: int,
    out: Path | None,
    page: bool,
    place: Path,
    as_json: bool,
) -> None:
    """Judge whether a run is worse than a baseline, by more than the protocol accepts.

    Exit codes: 0 passed, 1 regressed, 2 usage, 3 a run failed or is damaged, 4 not comparable,
    5 inconclusive (0 with --allow-inconclusive).
    """
    import msgspec

    from harness.cli.printing import plain
    from harness.comparing import announcing, publishing
    from harness.comparing.baselines import run_of
    from harness.comparing.gate import gate as judge

    if strict and allow_inconclusive:
        raise UsageError(
            "--strict and --allow-inconclusive contradict each other; --strict is the rule now"
        )
    if page and out is None:
        raise UsageError("--page goes beside the verdict: say where with --out DIR")
    publishing.clear(out)
    try:
        before = run_of(_meant(baseline, place), place)
        after = RUN.convert(candidate, None, None)
        found = judge(before, after, metric=metric, margin=margin, seed=seed)
    except Exception as reason:
        # Whatever stopped it: where a verdict is looked for, nothing older may be found.
        with suppress(Unwritable):
            publishing.publish_refusal(out, str(reason) or type(reason).__name__)
        raise
    click.echo(
        msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
        if as_json
        else plain(announcing.terminal(found))
    )
    publishing.publish(out, found, allow_inconclusive=allow_inconclusive, page=page)
    if page and out is not None:
        from harness.comparing.comparison import compare as side_by_side
        from harness.reporting.comparison import write_page

        write_page(*side_by_side([before, after], metric=metric, seed=seed), out / publishing.PAGE)
    sys.exit(_exit_code(found, allow_inconclusive))


def _meant(text: str, place: Path) -> str:
    """Return the run folder that a short name stands for; other texts as they are."""
    return text if (place / text).exists() else str(RUN.convert(text, None, None))


def _exit_code(found: Gate, allow_inconclusive: bool) -> int:
    if found.verdict == "regressed":
        return REGRESSED
    return INCONCLUSIVE if found.verdict == "inconclusive" and not allow_inconclusive else 0


@commands.group(cls=Verbs)
def baseline() -> None:
    """Choose the runs that gates compare with, and see who chose them and why."""


@baseline.command(name="set")
@click.argument("run_folder", metavar="RUN", type=RUN)
@click.option("--name", required=True, help="Of the baseline, e.g. that of the protocol.")
@click.option("--why", required=True, help="The reason, kept in its history.")
@PLACE
@of_runs
def set_one(run_folder: Path, name: str, why: str, place: Path) -> None:
    """Make RUN the baseline of that name; what it was before stays in its history."""
    from harness.comparing.baselines import set_baseline
    from harness.errors import visible

    found = set_baseline(run_folder, name, why, place)
    if found.earlier:
        before = found.earlier[0]
        which = f"{before.algorithm} {before.identity[:10]} ({before.when})"
        click.echo(visible(f"was  {which}"))
    click.echo(visible(f"now  {found.current.algorithm} {found.current.identity[:10]}"))
    click.echo(f"in   {place / name}")


@baseline.command()
@click.argument("name", required=False, shell_complete=BASELINES)
@PLACE
@JSON
@of_runs
def show(name: str | None, place: Path, as_json: bool) -> None:
    """Show all baselines, or the history of one."""
    import msgspec

    from harness.comparing.baselines import known_baselines, read_baseline
    from harness.errors import UsageError, nearest, visible

    known = known_baselines(place)
    if name is not None and name not in known:
        raise UsageError(f"there is no baseline {name!r} in {place}.{nearest(name, known)}")
    found = [read_baseline(place / one) for one in ([name] if name is not None else known)]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    if not found:
        click.echo(f"no baselines in {place}", err=True)
    for one in found:
        choices = [one.current, *(one.earlier if name is not None else [])]
        for i, choice in enumerate(choices):
            value = "no value" if choice.value is None else f"{choice.value:.4f}"
            click.echo(
                f"{visible(one.name) if i == 0 else '  before'}  {visible(choice.protocol)} / "
                f"{visible(choice.algorithm)}  {visible(choice.identity)[:10]}  "
                f"{visible(choice.metric)} {value}\n"
                f"    {visible(choice.when)}  {visible(choice.who)}: {visible(choice.why)}"
            )


baseline.add_command(show, "list")
