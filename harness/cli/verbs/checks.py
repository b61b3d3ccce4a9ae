"""The verb `checks`: what makes the numbers of runs mean less than they seem to?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs, runs_in
from harness.cli.options import JSON, PLUGINS
from harness.errors import UsageError, visible

FIRED = 1
"""Exit code where a check fires that the caller asked to be stopped by: as of a gate that fails."""


@commands.command(name="checks")
@click.argument("folders", metavar="RUNS", type=RUN, nargs=-1, required=True)
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    metavar="CODE|issue|tip",
    help="Exit with 1 where this check finds an issue or a tip; `issue` for any issue, `tip` for "
    "any of both. Repeatable.",
)
@click.option(
    "--silence",
    "silence",
    multiple=True,
    metavar="CODE",
    help="Show a check as silenced, with the reason of --because. Repeatable.",
)
@click.option("--because", metavar="TEXT", default="", help="Why what --silence names is silenced.")
@PLUGINS
@JSON
@of_runs
def checks_of(
    folders: tuple[Path, ...],
    fail_on: tuple[str, ...],
    silence: tuple[str, ...],
    because: str,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Examine finished runs: what makes their numbers mean less than they seem to?

    RUNS are run folders, folders that hold some, `latest`, or PROTOCOL/ALGORITHM for the latest run
    of the two. Each check has a code, which `harness describe CODE` explains. Exit codes: 0
    examined, 1 something fired that --fail-on names, 2 usage, 3 a run is damaged.
    """
    import msgspec

    from harness.record.checks.examining import examine_folder, firing
    from harness.record.checks.registry import checks, find_check
    from harness.reporting.examined import every_line
    from harness.reporting.text import plain

    if bool(silence) != bool(because.strip()):
        raise UsageError("--silence CODE and --because TEXT belong together: say what, and why")
    named = [code for code in fail_on if code not in ("issue", "tip")]
    known = checks(plugins) if named else []
    for code in named:
        find_check(code, known)
    silenced = dict.fromkeys(silence, because.strip())
    found = {one: examine_folder(one, plugins, silenced) for one in runs_in(folders)}
    fired = {folder: firing(own, fail_on) for folder, own in found.items()}
    if as_json:
        facts = [
            {
                "folder": str(folder),
                "checks": msgspec.to_builtins(own),
                "fired": [one.code for one in fired[folder]],
            }
            for folder, own in found.items()
        ]
        click.echo(json.dumps({"runs": facts}, indent=1, ensure_ascii=False))
    else:
        for folder, own in found.items():
            for line in every_line(folder, own):
                click.echo(visible(plain(line)))
    if any(fired.values()):
        codes = sorted({one.code for own in fired.values() for one in own})
        click.echo(f"--fail-on: {', '.join(codes)}", err=True)
        sys.exit(FIRED)
