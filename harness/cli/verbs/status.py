"""The verb `status`: how far runs are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.group import commands
from harness.cli.options import JSON, PATH
from harness.errors import UsageError, visible

if TYPE_CHECKING:
    from harness.runs.status import AtWork, Status


@commands.command()
@click.argument("places", metavar="RUNS", type=PATH, nargs=-1)
@JSON
def status(places: tuple[Path, ...], as_json: bool) -> None:
    """Say how far runs are: units done, at work and failed, by machine, and when they will end.

    RUNS are folders of `harness run` and `harness match`, or folders that hold some; runs/ unless
    given. Their files are read and nothing else, so that any machine that sees them can say it.
    """
    import msgspec

    from harness.errors import Damaged
    from harness.runs.status import (
        finished_runs,
        status_of,
        status_of_matching,
        unfinished_matchings,
        unfinished_runs,
    )

    chosen = places or (Path("runs"),)
    for place in chosen:
        if not place.is_dir():
            raise UsageError(f"there is no folder {visible(str(place))}")
    found: list[Status] = []
    for folder in dict.fromkeys(unfinished_runs(chosen)):
        try:
            found.append(status_of(folder))
        except Damaged as reason:
            if (folder / "plan.json").exists():  # else it was finished meanwhile
                click.echo(f"{reason}", err=True)
    found += [status_of_matching(folder) for folder in dict.fromkeys(unfinished_matchings(chosen))]
    finished = len(set(finished_runs(chosen)))
    if as_json:
        facts = {"finished": finished, "unfinished": msgspec.to_builtins(found)}
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    for one in found:
        click.echo("\n".join(_lines(one)) + "\n")
    click.echo(f"{finished} finished, {len(found)} unfinished")


def _lines(one: Status) -> list[str]:
    """Return a run's status, for a terminal."""
    from harness.reporting.wording import duration

    if one.note:
        end = one.note
    elif one.done == one.units:
        end = "its numbers are being made"
    elif one.seconds is None:
        end = "end not known yet"
    elif not one.running:
        end = f"nobody is at work; about {duration(one.seconds)} of work left"
    else:
        end = f"about {duration(one.seconds)} left"
    lines = [
        f"{visible(one.folder)}: {one.done} of {one.units} units done, {len(one.running)} at work, "
        f"{len(one.failed)} failed, {one.waiting} waiting; {end}"
    ]
    at_work: dict[str, int] = {}
    for each in one.running:
        at_work[each.host] = at_work.get(each.host, 0) + 1
    lines += [
        f"   {visible(host)}: {one.hosts.get(host, 0)} done, {at_work.get(host, 0)} at work"
        for host in sorted({*one.hosts, *at_work})
    ]
    lines += [f"   {visible(each.unit)}: {_how_far(each)}" for each in one.running]
    lines += [
        f"   {visible(each.unit)}: failed on {visible(each.host)}: {visible(each.failed)}"
        for each in one.failed
    ]
    return lines


def _how_far(each: AtWork) -> str:
    from harness.reporting.wording import duration

    share = f" {100 * each.done // each.total} %" if each.total else ""
    where = f"on {visible(each.host)}, process {each.process}"
    said = f"{visible(each.step) or 'begun'}{share} {where}, for {duration(each.seconds)}"
    if each.is_dead:
        said += f"; not heard of for {duration(each.silent)}, so it is probably dead"
    return said
