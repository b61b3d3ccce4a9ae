"""The verb for embeddings that somebody else made: `match`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.options import DATA_ROOT, JSON, MEMORY, PATH

EVERY = 10.0
"""Seconds between lines about how far it is."""


@commands.command()
@click.option("--probes", type=PATH, required=True, help="A .npy file: one vector a row.")
@click.option(
    "--references",
    type=PATH,
    multiple=True,
    required=True,
    help="A .npy file, or a folder of them. Repeatable.",
)
@click.option(
    "--pairs",
    type=PATH,
    required=True,
    help="CSV file of the mated pairs, with the columns probe and reference.",
)
@click.option("--probe-names", type=PATH, help="One name a line, by which --pairs calls probes.")
@click.option(
    "--reference-names", type=PATH, help="One name a line, by which --pairs calls references."
)
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    help="Parts that the references are cut into; the numbers are the same for any.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes."
)
@click.option(
    "--on",
    default="subprocess",
    show_default=True,
    envvar="HARNESS_ON",
    show_envvar=True,
    metavar="WHERE",
    help="Where it is computed: processes of this machine, or workers of a cluster: dask (here), "
    "dask://HOST:PORT, a scheduler file, slurm, pbs.",
)
@click.option(
    "--cluster", "cluster_file", type=PATH, metavar="FILE.toml", help="Jobs to ask for: see run."
)
@DATA_ROOT
@click.option(
    "--memory",
    type=MEMORY,
    default="1GB",
    show_default=True,
    help="That each worker may hold, e.g. 500MB or 4GB.",
)
@click.option("--name", help="Of the system that made them; else that of the references' file.")
@click.option("--out", type=PATH, default=Path("runs"), show_default=True)
@JSON
def match(
    probes: Path,
    references: tuple[Path, ...],
    pairs: Path,
    probe_names: Path | None,
    reference_names: Path | None,
    shards: int | None,
    workers: int,
    on: str,
    cluster_file: Path | None,
    data_roots: tuple[str, ...],
    memory: int,
    name: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Judge embeddings made elsewhere: exact ranks, lists and error rates at any size.

    Every probe is compared with every reference by the cosine of their vectors; what stands in
    --pairs is mated, and nothing else is. No score is kept but those that numbers follow from. The
    same command goes on from where an interrupted one stopped.
    """
    from harness.cli.printing import print_judged, scored_json
    from harness.execution.cluster.choosing import matching_on
    from harness.runs.embeddings import Embeddings, match_embeddings
    from harness.verbs.saying import say_findings

    given = Embeddings(
        probes,
        references,
        pairs,
        probe_names,
        reference_names,
        shards or 0,
        workers,
        memory,
        out,
        name,
    )
    place = matching_on(
        on,
        file=cluster_file,
        data_roots=data_roots,
        workers=workers,
        out=out,
        progress=_Progress(),
    )
    with place as execute:
        run = match_embeddings(
            given, execute=execute, say=lambda text: click.echo(f"note: {text}", err=True)
        )
    say_findings(run.manifest.findings, set())
    if as_json:
        facts = scored_json(run.folder, run.manifest, run.outcome, None)
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    print_judged(run.folder, run.manifest, run.outcome)


class _Progress:
    """A line on standard error every now and then; what is quick passes in silence."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said >= EVERY and done < total:
            self._said = now
            sys.stderr.write(f"{what}: {done:,} of {total:,} units\n")
            sys.stderr.flush()
