"""The verb `validate`: does a method keep to criteria that were written beforehand?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON, PATH

CHECKLIST = "19795-1"
FAILED, UNDECIDED = 1, 5


@commands.command()
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option("--criteria", type=PATH, required=True, help="File; `harness new criteria` has one.")
@click.option("--out", type=PATH, help="Folder for page, numbers and criteria.")
@click.option(
    "--checklist",
    type=click.Choice([CHECKLIST]),
    help="Say where a report answers what ISO/IEC 19795-1 asks for.",
)
@click.option(
    "--allow-inconclusive", is_flag=True, help="Exit with 0, not 5, where the data cannot tell."
)
@JSON
@of_runs
def validate(
    runs: tuple[Path, ...],
    criteria: Path,
    out: Path | None,
    checklist: str | None,
    allow_inconclusive: bool,
    as_json: bool,
) -> None:
    """Hold RUNS against criteria, as the validation matrix of a method.

    Every row passes, fails, or is not supported by this data. Validated is the first run
    that fits the criteria's experiment; rows may ask for others (other data, attacked probes).

    Exit codes: 0 all rows pass, 1 a row fails, 2 usage or criteria, 3 a run is damaged, 4 not the
    experiment of the criteria, 5 a row is not supported (0 with --allow-inconclusive).
    """
    import msgspec

    from harness.runs.validation.deciding import FAIL
    from harness.runs.validation.folder import PAGE
    from harness.verbs.validating import validate as hold

    found = hold(*runs, criteria=criteria, out=out, checklist=checklist is not None)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found.facts), indent=1).decode())
    else:
        click.echo(str(found))
    if out is not None:
        click.echo(f"page  {out / PAGE}", err=as_json)
    if found.verdict == FAIL:
        sys.exit(FAILED)
    if not found.passed and not allow_inconclusive:
        sys.exit(UNDECIDED)
