"""The verb that makes runs: `run`."""

from __future__ import annotations

import json
import sys
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
from harness.errors import DataError, HarnessError, Unwritable, UsageError, sentence_of

if TYPE_CHECKING:
    from harness.data.findings import Finding
    from harness.execution.pool import Limits
    from harness.runs.executing import Finished
    from harness.runs.preparing import Prepared
    from harness.runs.repeats import Entry

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
@click.option("--train-data", type=PATH, help="Learn from this data set, in every fold.")
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
    help="Show probes from which this algorithm removed the tattoo; 'removal' for the usual one.",
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

    from harness.cli.printing import (
        print_table,
        refused_json,
        run_json,
        say_findings,
        say_what_was_done,
    )
    from harness.cli.progress import progress_for
    from harness.execution.bounds import Bounds
    from harness.execution.cluster.choosing import HOW, is_known, opened
    from harness.execution.executor import EXECUTORS
    from harness.execution.pool import Limits
    from harness.runs.executing import ONE_FIT, execute
    from harness.runs.finishing import add_likelihood_ratios
    from harness.runs.preparing import Request, prepare
    from harness.runs.repeats import joined, repeated

    if not is_known(on):
        raise UsageError(f"--on {on!r} is no place for algorithms; there is {HOW}")
    bounds = Bounds(silence=timeout, time=time_limit, memory=memory_limit or 0)
    limits = Limits(threads=threads, bounds=bounds, memory=memory, device=device)
    if workers is not None:
        limits = replace(limits, workers=workers)
    executor = click.get_current_context().with_resource(
        opened(
            # A cluster is not started to say what would be done there.
            "subprocess" if dry_run and on not in EXECUTORS else on,
            file=None if dry_run else cluster_file,
            data_roots=() if dry_run else data_roots,
            workers=limits.workers,
            threads=threads,
            device=device,
            out=out,
        )
    )
    request = Request(
        algorithms=_every_algorithm(plugins, executor.here) if ALL in algorithms else algorithms,
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
        bounds=bounds,
        executor=executor,
    )
    said: set[Finding] = set()
    try:
        groups = repeated(prepare(request), repeats)
    except DataError as reason:
        if as_json:
            click.echo(json.dumps(refused_json(reason), indent=1, ensure_ascii=False))
        raise
    for group in groups:
        say_findings(group[0].judged.findings, said)
        if repeats > 1 and len(group) == 1:
            click.echo(f"{group[0].label}: it does not learn, so it is run once", err=True)
    if dry_run:
        _say_plans([one for group in groups for one in group], limits, as_json)
        return
    finished: list[Finished] = []
    entries: list[Entry] = []
    failed: list[tuple[Prepared, HarnessError]] = []
    for group in groups:
        fits = []
        for one in group:
            label = one.label if len(group) == 1 else f"{one.label}, seed {one.seed}"
            try:
                with progress_for(label) as progress:
                    done = execute(one, limits, progress)
                if forensic:
                    add_likelihood_ratios(done.prepared.folder, forensic)
            except (HarnessError, OSError) as reason:
                fault = Unwritable(sentence_of(reason)) if isinstance(reason, OSError) else reason
                failed.append((one, fault))
                click.echo(f"error: {label}: {fault}", err=True)
                continue
            fits.append(done)
            say_what_was_done(done, label)
            found = done.manifest.findings
            say_findings([f for f in found if len(group) == 1 or f.code != ONE_FIT], said)
        finished += fits
        if len(group) > 1 and len(fits) == len(group):
            entries.append(joined(fits, repeats))
    if as_json:
        click.echo(json.dumps(run_json(finished, failed, entries), indent=1, ensure_ascii=False))
    else:
        print_table(finished, entries)
    if failed:
        sys.exit(max(reason.exit_code for _, reason in failed))


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
    unable: dict[tuple[str, ...], list[str]] = {}
    for plugin, _ in seen if here else ():
        if plugin.name not in left_out and (absent := missing_of(plugin)):
            unable.setdefault(absent, []).append(plugin.name)
    for absent, names in unable.items():
        click.echo(f"left out: {', '.join(names)}, for want of {lacking(absent)}", err=True)
    apart = {*left_out, *chain.from_iterable(unable.values())}
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
