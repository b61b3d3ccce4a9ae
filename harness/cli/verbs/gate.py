"""The verb `gate`: is a run worse than a baseline, beyond the margin?"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import BASELINES
from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import BASELINES_FOLDER, JSON, MARGIN, PATH
from harness.errors import Unwritable, UsageError

if TYPE_CHECKING:
    from harness.comparing.gate import Gate


REGRESSED, INCONCLUSIVE = 1, 5


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
@BASELINES_FOLDER
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

    from harness.comparing import publishing
    from harness.verbs.comparing import baseline_folder, compare
    from harness.verbs.comparing import gate as judge

    if strict and allow_inconclusive:
        raise UsageError(
            "--strict and --allow-inconclusive contradict each other; --strict is the rule now"
        )
    if page and out is None:
        raise UsageError("--page goes beside the verdict: say where with --out DIR")
    publishing.clear(out)
    try:
        before = baseline_folder(
            baseline if (place / baseline).exists() else named(baseline), place
        )
        after = named(candidate)
        verdict = judge(before, after, metric=metric, margin=margin, seed=seed)
    except Exception as reason:
        # Whatever stopped it: where a verdict is looked for, nothing older may be found.
        with suppress(Unwritable):
            publishing.publish_refusal(out, str(reason) or type(reason).__name__)
        raise
    found = verdict.facts
    click.echo(
        msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
        if as_json
        else str(verdict)
    )
    publishing.publish(out, found, allow_inconclusive=allow_inconclusive, page=page)
    if page and out is not None:
        compare(before, after, metric=metric, seed=seed).to_html(out / publishing.PAGE)
    sys.exit(_exit_code(found, allow_inconclusive))


def _exit_code(found: Gate, allow_inconclusive: bool) -> int:
    if found.verdict == "regressed":
        return REGRESSED
    return INCONCLUSIVE if found.verdict == "inconclusive" and not allow_inconclusive else 0


def named(text: str) -> Path:
    """Return the run folder that a text names, and say which one a short name stands for."""
    return RUN.convert(text, None, None)
