"""The verb that makes runs: `run`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import ALGORITHMS, LAYOUTS, PROTOCOLS
from harness.cli.group import commands
from harness.cli.options import (
    DATA_ROOT,
    FOLD_COUNT,
    FORENSIC,
    JSON,
    LAYOUT,
    MEGAPIXELS,
    MEMORY,
    PARAM,
    PATH,
    PLUGINS,
    PRESET,
    FiniteRange,
    assignments,
)
from harness.errors import DataError, HarnessError, UsageError

if TYPE_CHECKING:
    from harness.data.findings import Finding
    from harness.execution.pool import Limits
    from harness.runs.executing import Finished
    from harness.runs.preparing import Prepared
    from harness.verbs.progress import Progress

ALL = "all"


@commands.command()
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    required=True,
    shell_complete=PROTOCOLS,
    help="Name, file or 'all'; several with commas.",
)
@click.option(
    "--algo",
    "algorithms",
    multiple=True,
    required=True,
    shell_complete=ALGORITHMS,
    help="Name, file, folder or 'all'; several with commas.",
)
@click.option("--data", type=PATH, help="Data set: a folder or a CSV file.")
@LAYOUT
@click.option(
    "--train-data", type=PATH, help="Every fold learns from this data set, or recipe:NAME."
)
@click.option(
    "--train-layout", shell_complete=LAYOUTS, help="Its layout, where it is not detected."
)
@click.option("--fold", "folds", multiple=True, help="Only this fold: 1 or fold-1. Repeatable.")
@FOLD_COUNT
@PARAM
@PRESET
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Of everything random in the algorithm."
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Fits of an algorithm that learns, with seeds from --seed on, joined as one entry.",
)
@click.option(
    "--attack",
    default="",
    metavar="REMOVER[:PRESET]",
    help="Show probes from which this algorithm removed the tattoo (a program: exec:COMMAND); "
    "'removal' for the usual one.",
)
@click.option(
    "--preregistered",
    type=PATH,
    metavar="FILE",
    help="What `harness preregister` wrote: refuse to run anything else, and be known by it.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes at a time.")
@click.option(
    "--on",
    default="subprocess",
    show_default=True,
    envvar="HARNESS_ON",
    show_envvar=True,
    metavar="WHERE",
    help="Where algorithms run: subprocess (fenced), in-process (inside the harness, trusted), or "
    "workers of a cluster: dask (here), dask://HOST:PORT, a scheduler file, slurm, pbs.",
)
@click.option(
    "--cluster",
    "cluster_file",
    type=PATH,
    metavar="FILE.toml",
    help="Jobs to ask for, and what is what on the machines of a cluster.",
)
@DATA_ROOT
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Of each worker. Trained bits differ between thread numbers.",
)
@click.option(
    "--timeout",
    type=FiniteRange(min=0, min_open=True),
    default=900.0,
    show_default=True,
    help="Seconds without a sign of life after which a worker is stopped.",
)
@click.option(
    "--time-limit",
    type=FiniteRange(min=0, min_open=True),
    default=7 * 86400.0,
    show_default="604800, a week",
    help="Seconds that a unit of work (a fold) may take in one go.",
)
@click.option(
    "--memory-limit",
    type=MEMORY,
    show_default="80 % of the machine's memory",
    help="That a worker may hold with all that it starts, e.g. 4GB.",
)
@click.option(
    "--memory",
    type=MEMORY,
    default="1GB",
    show_default=True,
    help="That matching may use beside the templates, e.g. 500MB or 4GB.",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="Where matching runs whose scores are not kept: cpu, or a torch device such as cuda.",
)
@MEGAPIXELS
@click.option("--out", type=PATH, default=Path("runs"), show_default=True)
@click.option(
    "--dry-run", is_flag=True, help="Check everything, say what would be done, and do nothing."
)
@FORENSIC
@PLUGINS
@JSON
def run(
    protocols: tuple[str, ...],
    algorithms: tuple[str, ...],
    data: Path | None,
    layout: str | None,
    train_data: Path | None,
    train_layout: str | None,
    folds: tuple[str, ...],
    fold_count: int | None,
    parameters: tuple[str, ...],
    preset: str,
    seed: int | None,
    repeats: int,
    attack: str,
    preregistered: Path | None,
    workers: int | None,
    on: str,
    cluster_file: Path | None,
    data_roots: tuple[str, ...],
    threads: int,
    timeout: float,
    time_limit: float,
    memory_limit: int | None,
    memory: int,
    device: str,
    out: Path,
    dry_run: bool,
    forensic: str,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run algorithms over protocols, and write a report for each.

    The same command again does only what is missing.
    """
    from dataclasses import replace

    from harness.cli.printing import print_table, refused_json, run_json
    from harness.runs.preparing import Request
    from harness.verbs.running import carry_out, fits_asked_for, requested

    request = Request(
        algorithms=algorithms,
        protocols=_every_protocol(plugins, data) if ALL in protocols else protocols,
        data=data,
        layout=layout,
        folds=folds,
        fold_count=fold_count,
        parameters=assignments(parameters),
        preset=preset,
        seed=seed,
        attack=attack,
        plugins=plugins,
        out=out,
        train_data=train_data,
        train_layout=train_layout,
        threads=threads,
        memory=memory,
        device=device,
        preregistered=preregistered,
    )
    watch = _Terminal()
    with requested(
        request,
        workers=workers,
        on=on,
        cluster=cluster_file,
        data_roots=data_roots,
        timeout=timeout,
        time_limit=time_limit,
        memory_limit=memory_limit,
        dry_run=dry_run,
    ) as (whole, limits):
        if ALL in algorithms:
            whole = replace(whole, algorithms=_every_algorithm(plugins, whole.executor.here))
        try:
            groups = fits_asked_for(whole, repeats, watch)
        except DataError as reason:
            if as_json:
                click.echo(json.dumps(refused_json(reason), indent=1, ensure_ascii=False))
            raise
        if dry_run:
            _say_plans([one for group in groups for one in group], limits, as_json)
            return
        carried = carry_out(
            groups, limits, repeats=repeats, likelihood_ratios=forensic, watch=watch
        )
    if as_json:
        facts = run_json(carried.finished, carried.failed, carried.entries)
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        print_table(carried.finished, carried.entries)
    if carried.failed:
        sys.exit(max(reason.exit_code for _, reason in carried.failed))


class _Terminal:
    """Tells a terminal: bars while runs are made, and each remark once, on standard error."""

    def __init__(self) -> None:
        self._said: set[Finding] = set()

    def found(self, findings: Iterable[Finding]) -> None:
        from harness.verbs.saying import say_findings

        say_findings(findings, self._said)

    def note(self, sentence: str) -> None:
        click.echo(sentence, err=True)

    def at_work(self, label: str) -> AbstractContextManager[Progress]:
        from harness.cli.streams import steering
        from harness.verbs.progress import progress_for

        return progress_for(label, steering(sys.stderr))

    def done(self, finished: Finished, label: str) -> None:
        from harness.cli.printing import say_what_was_done

        say_what_was_done(finished, label)

    def failed(self, run: Prepared, label: str, reason: HarnessError) -> None:
        click.echo(f"error: {label}: {reason}", err=True)


def _say_plans(runs: list[Prepared], limits: Limits, as_json: bool) -> None:
    """Print what would be done."""
    import msgspec

    from harness.cli.printing import plan_lines
    from harness.runs.dry_run import planned

    found = [planned(one, limits) for one in runs]
    if as_json:
        facts = {"dry_run": True, "plans": msgspec.to_builtins(found)}
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    for one in found:
        click.echo("\n".join(plan_lines(one, limits.workers)) + "\n")


def _every_algorithm(plugins: tuple[Path, ...], here: bool) -> tuple[str, ...]:
    """Name all algorithms, but for those that need a file of the user's or a package."""
    from harness.errors.absent import lacking
    from harness.plugins import registry
    from harness.plugins.requirements import missing_of

    seen = registry.describe_sources(registry.algorithms(plugins))
    left_out = {plugin.name: glance.needs for plugin, glance in seen if glance.needs}
    for name, needs in left_out.items():
        click.echo(f"left out: {name}, since it needs --param {needs[0]}=...", err=True)
    made = [plugin.name for plugin, glance in seen if glance.composite]
    if made:
        click.echo(f"left out: {', '.join(made)}, since they are made of the others", err=True)
    unable: dict[tuple[str, ...], list[str]] = {}
    for plugin, _ in seen if here else ():
        if plugin.name not in left_out and (absent := missing_of(plugin)):
            unable.setdefault(absent, []).append(plugin.name)
    for absent, names in unable.items():
        click.echo(f"left out: {', '.join(names)}, for want of {lacking(absent)}", err=True)
    apart = {*left_out, *made, *chain.from_iterable(unable.values())}
    found = tuple(dict.fromkeys(plugin.name for plugin, _ in seen if plugin.name not in apart))
    if not found:
        raise UsageError("there is no algorithm that can run here")
    return found


def _every_protocol(plugins: tuple[Path, ...], data: Path | None) -> tuple[str, ...]:
    """Name all protocols, but for those whose images are not on this machine."""
    from harness.plugins.registry import protocols
    from harness.tasks.reading import read_protocol

    files = protocols(plugins)
    left_out = [
        name
        for name, file in files.items()
        if data is None and not read_protocol(file)[0].data.default
    ]
    if left_out:
        click.echo(f"left out, since they need --data: {', '.join(left_out)}", err=True)
    return tuple(name for name in files if name not in left_out)
