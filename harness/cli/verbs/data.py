"""The verb that looks at a data set: `data`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import LAYOUTS
from harness.cli.group import commands
from harness.cli.options import JSON, MEGAPIXELS, PATH, PLUGINS, LayoutOption
from harness.errors import some

if TYPE_CHECKING:
    from harness.runs.survey import Answer, Survey

PLURALS = {
    "tattoo": "tattoos",
    "subject": "persons",
    "group": "groups of look-alikes",
    "source": "photographs they came from",
    "style": "styles",
    "media": "media",
    "role": "roles",
    "label": "labels",
    "skin": "skin tones",
    "site": "places on the body",
}
GIVEN = {
    "tags": "tags",
    "box": "a box",
    "mask": "a mask",
    "clean": "a clean capture",
    "taken": "a date",
    "quality": "a quality",
}


@commands.command()
@click.argument("place", metavar="DIR|TABLE", type=PATH)
@click.option("--layout", cls=LayoutOption, shell_complete=LAYOUTS, help="")
@MEGAPIXELS
@PLUGINS
@JSON
def data(place: Path, layout: str | None, plugins: tuple[Path, ...], as_json: bool) -> None:
    """Show what is in a data set, what is odd about it, and which protocols it can answer.

    Nothing is run and nothing is written. The exit code is 2 where something is to be mended before
    a run, or no protocol can be asked.
    """
    import sys

    import msgspec

    from harness.runs.survey import survey

    found = survey(place, layout=layout, plugins=plugins)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _print(found)
    mend = any(one.severity == "problem" for one in found.findings)
    if mend or not any(answer.can for answer in found.answers):
        sys.exit(2)


def _print(found: Survey) -> None:
    said = f" and {some(found.descriptions, 'description')}" if found.descriptions else ""
    what = some(found.pictures, "picture") + said
    click.echo(f"{found.place}: {what}, read as {found.layout!r}")
    for field, (different, having) in found.values.items():
        without = found.pictures - having
        rest = f" ({some(without, 'picture has', 'pictures have')} none)" if without else ""
        click.echo(f"  {different:>7,} {PLURALS[field]}{rest}")
    for field, count in found.given.items():
        click.echo(
            f"  {count:>7,} {'picture has' if count == 1 else 'pictures have'} {GIVEN[field]}"
        )
    click.echo(f"  synthetic: {found.synthetic}")
    for severity, heading in (("problem", "Problems: mend these first"), ("warning", "Remarks")):
        shown = [one for one in found.findings if one.severity == severity]
        if shown:
            click.echo(f"\n{heading}")
        for one in shown:
            click.echo(f"  - {one.text}  [{one.code}]")
    able = [answer for answer in found.answers if answer.can]
    if able:
        click.echo("\nProtocols that it can answer")
        width = max(len(answer.protocol) for answer in able)
        for answer in able:
            click.echo(f"  {answer.protocol:<{width}}  {_sizes(answer)}")
    if any(one.severity == "problem" for one in found.findings):
        click.echo("\nnext: mend the problems, and give the same command again")
        return  # why every protocol refuses it stands above
    if able:
        named = ",".join(able[0].algorithms) or "NAME"
        words = ("harness", "run", "--protocol", able[0].protocol, "--algo", named)
        small = any(one.code == "small-galleries" for one in found.findings)
        one_fold = small and able[0].folds > 1 and not able[0].learns
        line = shlex.join([*words, "--data", found.place, *(["--folds", "1"] if one_fold else [])])
        click.echo(f"\nnext: {line}    (`harness list` shows other algorithms)")
    refused = [answer for answer in found.answers if not answer.can]
    if refused:
        click.echo("\nProtocols that it cannot answer, and why")
    for answer in refused:
        more = f" (and {len(answer.reasons) - 1} more)" if answer.reasons[1:] else ""
        click.echo(f"  {answer.protocol}: {answer.reasons[0]}{more}")


def _sizes(answer: Answer) -> str:
    text = f"{answer.trials:,} {answer.kind} in {some(answer.folds, 'fold')}"
    if answer.galleries:
        low, high = answer.galleries
        text += f", galleries of {low:,}" + (f" to {high:,}" if low != high else "")
    return text
