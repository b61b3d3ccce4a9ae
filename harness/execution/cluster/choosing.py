"""From the text of ``--on`` to an executor whose units are carried by Dask."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.errors import UsageError
from harness.execution.cluster.settings import DASK, ClusterSettings, read_settings, root_of
from harness.execution.executor import EXECUTORS, SUBPROCESS, Executor

JOBS = ("slurm", "pbs")
_ADDRESS = re.compile(r"(dask|tcp|tls)://[^\s/]+:\d+")

HOW = "subprocess, in-process, dask, dask://HOST:PORT, a scheduler file (.json), slurm or pbs"


def is_known(on: str) -> bool:
    """Whether a text says where algorithms run."""
    known = (*EXECUTORS, DASK, *JOBS)
    return on in known or on.endswith(".json") or _ADDRESS.fullmatch(on) is not None


@contextmanager
def opened(
    on: str,
    *,
    file: Path | None,
    data_roots: tuple[str, ...],
    workers: int,
    threads: int,
    device: str,
    out: Path,
) -> Iterator[Executor]:
    """Give the executor that ``--on`` names, for as long as the block takes.

    Parameters
    ----------
    on
        ``dask`` for worker processes on this machine, ``dask://HOST:PORT`` or a scheduler file for
        a cluster that is there, ``slurm`` or ``pbs`` for one of jobs.
    file
        Settings of a cluster.
    data_roots
        Texts of ``--data-root``.
    workers, threads, device
        As in `harness.execution.pool.Limits`.
    out
        Where run folders go.

    Raises
    ------
    UsageError
        If there is no such executor or cluster.
    """
    if on in EXECUTORS:
        _check_here(on, file, data_roots)
        yield EXECUTORS[on]
        return
    # What a run without a cluster need not wait for.
    from harness.execution.cluster.carrying import Carrier
    from harness.execution.cluster.connecting import connected

    settings = _settings(on, file, data_roots)
    with connected(on, settings, workers=workers, threads=threads, out=out) as connection:
        carrier = Carrier(connection, settings, device)
        connection.wait()
        yield replace(
            SUBPROCESS,
            name=DASK,
            ask=carrier.ask,
            forks=False,
            elsewhere=carrier,
            here=connection.is_local,
        )


@contextmanager
def matching_on(
    on: str,
    *,
    file: Path | None,
    data_roots: tuple[str, ...],
    workers: int,
    out: Path,
    progress: Callable[[str, int, int], None],
) -> Iterator[Callable[[str, Sequence[Path]], None]]:
    """Give what does units of a matching where ``--on`` says, for as long as the block takes.

    Parameters
    ----------
    on, file, data_roots, workers, out
        As for `opened`; ``subprocess`` stands for processes of this machine.
    progress
        Called as ``progress(what, units done, units in all)``.

    Raises
    ------
    UsageError
        If there is no such executor or cluster.
    """
    if not is_known(on):
        raise UsageError(f"--on {on!r}: expected {HOW}")
    if on in EXECUTORS:
        from harness.execution.matched import do_claimed
        from harness.matching.pool import Here

        _check_here(on, file, data_roots)
        here = Here(EXECUTORS[on].most_units or workers, progress, do_claimed)
        try:
            yield here
        finally:
            here.close()
        return
    from harness.execution.cluster.connecting import connected
    from harness.execution.cluster.matching import CarriedUnits

    settings = _settings(on, file, data_roots)
    with connected(on, settings, workers=workers, threads=1, out=out) as connection:
        connection.wait()
        yield CarriedUnits(connection, settings, progress)


def _check_here(on: str, file: Path | None, data_roots: tuple[str, ...]) -> None:
    """Refuse settings of a cluster where there is none."""
    if file is not None or data_roots:
        raise UsageError(f"--cluster and --data-root are for clusters, and --on {on} is none")


def _settings(on: str, file: Path | None, data_roots: tuple[str, ...]) -> ClusterSettings:
    settings = ClusterSettings() if file is None else read_settings(file)
    if data_roots:
        roots = {**settings.data_root, **dict(root_of(text) for text in data_roots)}
        settings = settings.model_copy(update={"data_root": roots})
    if on in JOBS and file is None:
        raise UsageError(f"--on {on} needs --cluster FILE.toml, which says what jobs to ask for")
    return settings
