"""`run`: algorithms over protocols, and a report for each; what `harness run` calls as well."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.api import Algorithm
from harness.data.findings import Finding
from harness.errors import HarnessError, Unwritable, UsageError, sentence_of
from harness.execution.bounds import SILENCE, TIME, Bounds
from harness.execution.cluster.choosing import HOW, is_known, opened
from harness.execution.executor import EXECUTORS, IN_PROCESS, SUBPROCESS
from harness.execution.pool import MEMORY, Limits
from harness.runs.executing import ONE_FIT, Finished, execute
from harness.runs.finishing import add_likelihood_ratios
from harness.runs.naming import RUNS
from harness.runs.preparing import Prepared, Request, prepare
from harness.runs.repeats import Entry, joined, repeated
from harness.verbs.data_frames import place_and_table
from harness.verbs.live import live_plugin, parameters_of, text_of_value
from harness.verbs.progress import Progress, progress_for
from harness.verbs.result import Run, load
from harness.verbs.saying import say, say_findings

if TYPE_CHECKING:
    import pandas as pd


class Watch(Protocol):
    """What is told while runs are made."""

    def found(self, findings: Iterable[Finding]) -> None:
        """Be told what is odd about data and runs."""

    def note(self, sentence: str) -> None:
        """Be told anything else."""

    def at_work(self, label: str) -> AbstractContextManager[Progress]:
        """Return what is told how far a run is."""

    def done(self, finished: Finished, label: str) -> None:
        """Be told that a run is finished."""

    def failed(self, run: Prepared, label: str, reason: HarnessError) -> None:
        """Be told that a run failed."""


@dataclass
class Carried:
    """What was made of what was asked for.

    Parameters
    ----------
    finished
        Runs, those of every fit among them.
    entries
        What joins several fits.
    failed
        Runs that failed, and why.
    """

    finished: list[Finished] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    failed: list[tuple[Prepared, HarnessError]] = field(default_factory=list)


@contextmanager
def requested(
    request: Request,
    *,
    workers: int | None,
    on: str,
    cluster: Path | None,
    data_roots: tuple[str, ...],
    timeout: float,
    time_limit: float,
    memory_limit: int | None,
    dry_run: bool = False,
) -> Iterator[tuple[Request, Limits]]:
    """Give a request with what carries it out, for as long as the block takes.

    Parameters
    ----------
    request
        Without executor and bounds.
    workers
        Processes at a time; as many as there are cores unless given.
    on, cluster, data_roots
        As for `harness.execution.cluster.choosing.opened`.
    timeout, time_limit, memory_limit
        Of `harness.execution.bounds.Bounds`.
    dry_run
        Whether nothing is to be done, so that no cluster is started.

    Raises
    ------
    UsageError
        If there is no such executor or cluster.
    """
    if not is_known(on):
        raise UsageError(f"--on {on!r} is no place for algorithms; there is {HOW}")
    bounds = Bounds(silence=timeout, time=time_limit, memory=memory_limit or 0)
    limits = Limits(
        threads=request.threads, bounds=bounds, memory=request.memory, device=request.device
    )
    if workers is not None:
        limits = replace(limits, workers=workers)
    with opened(
        # A cluster is not started to say what would be done there.
        SUBPROCESS.name if dry_run and on not in EXECUTORS else on,
        file=None if dry_run else cluster,
        data_roots=() if dry_run else data_roots,
        workers=limits.workers,
        threads=request.threads,
        device=request.device,
        out=request.out,
    ) as executor:
        yield replace(request, bounds=bounds, executor=executor), limits


def fits_asked_for(request: Request, repeats: int, watch: Watch) -> list[list[Prepared]]:
    """Return the checked runs of a request, each with its fits; errors as for `prepare`."""
    groups = repeated(prepare(request), repeats)
    for group in groups:
        watch.found(group[0].judged.findings)
        if repeats > 1 and len(group) == 1:
            watch.note(f"{group[0].label}: it does not learn, so it is run once")
    return groups


def carry_out(
    groups: Iterable[Sequence[Prepared]],
    limits: Limits,
    *,
    repeats: int,
    likelihood_ratios: str,
    watch: Watch,
) -> Carried:
    """Carry out prepared runs, one after the other; one that fails does not stop the others.

    Parameters
    ----------
    groups
        Each the fits of one entry.
    repeats
        Fits that were asked for.
    likelihood_ratios
        Calibrator of those to be added; none if empty.
    """
    carried = Carried()
    for group in groups:
        fits = []
        for one in group:
            label = one.label if len(group) == 1 else f"{one.label}, seed {one.seed}"
            try:
                with watch.at_work(label) as progress:
                    done = execute(one, limits, progress)
                if likelihood_ratios:
                    add_likelihood_ratios(done.prepared.folder, likelihood_ratios)
            except (HarnessError, OSError) as reason:
                fault = Unwritable(sentence_of(reason)) if isinstance(reason, OSError) else reason
                carried.failed.append((one, fault))
                watch.failed(one, label, fault)
                continue
            fits.append(done)
            watch.done(done, label)
            watch.found(f for f in done.manifest.findings if len(group) == 1 or f.code != ONE_FIT)
        carried.finished += fits
        if len(group) > 1 and len(fits) == len(group):
            carried.entries.append(joined(fits, repeats))
    return carried


class _Session:
    """Tells a Python session: bars in a notebook, and each remark once, on standard error."""

    def __init__(self) -> None:
        self._said: set[Finding] = set()

    def found(self, findings: Iterable[Finding]) -> None:
        say_findings(findings, self._said)

    def note(self, sentence: str) -> None:
        say(sentence)

    def at_work(self, label: str) -> AbstractContextManager[Progress]:
        return progress_for(label)

    def done(self, finished: Finished, label: str) -> None:
        """Say nothing: what is done is returned."""

    def failed(self, run: Prepared, label: str, reason: HarnessError) -> None:
        """Say nothing: it is raised."""


def run(
    protocol: str | Path,
    algorithm: str | Path | type[Algorithm] | Algorithm,
    *,
    data: str | Path | pd.DataFrame | None = None,
    layout: str | None = None,
    train_data: str | Path | None = None,
    train_layout: str | None = None,
    folds: Sequence[str | int] = (),
    fold_count: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    preset: str = "",
    seed: int | None = None,
    repeats: int = 1,
    attack: str = "",
    preregistered: str | Path | None = None,
    workers: int | None = None,
    on: str = "",
    cluster: str | Path | None = None,
    data_roots: Sequence[str] = (),
    threads: int = 1,
    timeout: float = SILENCE,
    time_limit: float = TIME,
    memory_limit: int | None = None,
    memory: int = MEMORY,
    device: str = "cpu",
    out: str | Path = RUNS,
    likelihood_ratios: str = "",
    plugins: Sequence[str | Path] = (),
) -> Run:
    """Run an algorithm over a protocol, and return what it came to.

    The same call again does only what is missing: what was interrupted goes on, and what is
    finished is read. Remarks go to standard error, bars below the cell of a notebook.

    Parameters
    ----------
    protocol
        Name, or a TOML file.
    algorithm
        Name, file or folder; or a class of this session, or an object of one. A class runs inside
        this process, unfenced, which its record says.
    data
        Data set in the place of the protocol's own: a folder, a manifest, or a frame with a
        manifest's columns, whose paths are absolute or relative to the current folder.
    layout, train_data, train_layout, preset, attack
        As ``harness run`` takes them.
    folds
        Only these, by name or number; all unless given.
    fold_count
        Into how many folds data without lists of its own is dealt (``--folds``).
    parameters
        Of the algorithm, by name.
    seed
        Of everything random in the algorithm.
    repeats
        Fits of an algorithm that learns, with seeds from `seed` on, joined as one entry.
    preregistered
        What `preregister` wrote; anything else is refused.
    workers, on, cluster, data_roots, threads, device
        Where and by how many processes it is done; in processes of their own unless a class is
        given.
    timeout, time_limit
        Seconds, as ``harness run`` takes them.
    memory_limit, memory
        Bytes, as ``harness run`` takes them.
    out
        Where run folders go.
    likelihood_ratios
        Calibrator: ``logistic``, ``pav`` or ``kde``; none if empty.
    plugins
        Further folders of algorithms and protocols.

    Returns
    -------
    Run
        The run; with several fits what joins them.

    Raises
    ------
    UsageError
        If a name, parameter or protocol is wrong, or algorithm and protocol do not fit.
    DataError
        With every problem of the data set.
    RunFailed
        If the algorithm fails.

    Examples
    --------
    >>> import harness
    >>> run = harness.run("identification", "constant", folds=[1])
    >>> run.headline.value, run.headline.chance == run.headline.value
    (0.0, False)
    """
    plugin = None if isinstance(algorithm, (str, Path)) else live_plugin(algorithm, Path(out))
    if plugin is not None and on not in ("", IN_PROCESS.name):
        raise UsageError(
            f"on={on!r}: a class of this session runs inside this process alone; write it to a "
            "file and name that, and it runs anywhere"
        )
    place, table = place_and_table(data)
    given = parameters_of(algorithm) if isinstance(algorithm, Algorithm) else {}
    given |= {name: text_of_value(value) for name, value in (parameters or {}).items()}
    own_seed = given.pop("seed", None)
    request = Request(
        algorithms=(plugin or str(algorithm),),
        protocols=(str(protocol),),
        data=place,
        layout=layout,
        folds=tuple(map(str, folds)),
        fold_count=fold_count,
        parameters=given,
        preset=preset,
        seed=int(own_seed) if seed is None and own_seed is not None else seed,
        attack=attack,
        plugins=tuple(map(Path, plugins)),
        out=Path(out),
        train_data=None if train_data is None else Path(train_data),
        train_layout=train_layout,
        threads=threads,
        memory=memory,
        device=device,
        table=table,
        preregistered=None if preregistered is None else Path(preregistered),
        call=_call(protocol, algorithm, given, table) if plugin or table else "",
    )
    watch = _Session()
    with requested(
        request,
        workers=workers,
        on=on or (IN_PROCESS.name if plugin else os.environ.get("HARNESS_ON", SUBPROCESS.name)),
        cluster=None if cluster is None else Path(cluster),
        data_roots=tuple(data_roots),
        timeout=timeout,
        time_limit=time_limit,
        memory_limit=memory_limit,
    ) as (whole, limits):
        groups = fits_asked_for(whole, repeats, watch)
        if len(groups) != 1:
            raise UsageError(
                f"{protocol} and {algorithm} name {len(groups)} runs; harness.run makes one at a "
                "time, so loop over the names"
            )
        carried = carry_out(
            groups,
            limits,
            repeats=repeats,
            likelihood_ratios=likelihood_ratios,
            watch=watch,
        )
    for _, reason in carried.failed:
        raise reason
    if carried.entries:
        return load(carried.entries[0].folder)
    return load(carried.finished[0].prepared.folder)


def _call(protocol: str | Path, algorithm: Any, given: Mapping[str, str], table: str) -> str:
    """Return the call of this interface that makes a run again, where no command line does."""
    if isinstance(algorithm, (str, Path)):
        shown = repr(str(algorithm))
    else:
        kind = algorithm if isinstance(algorithm, type) else type(algorithm)
        shown = f"{kind.__name__}({', '.join(f'{name}={value}' for name, value in given.items())})"
    framed = ", data=frame" if table else ""
    return f"harness.run({str(protocol)!r}, {shown}{framed})  # in Python"
