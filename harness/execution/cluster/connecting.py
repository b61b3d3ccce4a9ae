"""A Dask cluster: started here, started as jobs of Slurm or PBS, or one that is there."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import RunFailed, UsageError, absent
from harness.execution.cluster import there
from harness.execution.cluster.settings import DASK, ClusterSettings
from harness.execution.devices import visible_devices
from harness.execution.variables import variables

LOCAL_WAIT, LOCAL_UNSEEN = 60.0, 2.0
"""As `ClusterSettings.wait` and `.unseen`, where all of a cluster is on this machine."""

CONNECT = 30.0
"""Seconds that a scheduler may take to answer."""

GRACE = 10.0
"""Seconds without a word of the scheduler after which it is taken for gone."""

SAY_AFTER = 10.0
"""Seconds after which it is said that there is no worker yet."""

COUNT_EVERY, REPLACE_EVERY = 5.0, 30.0
"""Seconds between two counts of workers, and between two times that jobs are filled up."""

CONFIGURED = {
    # An algorithm may start processes of its own.
    "distributed.worker.daemon": False,
    # The harness counts who died of what: see `carrying`.
    "distributed.scheduler.allowed-failures": 0,
    # Units wait at the scheduler, so that a worker that comes late finds some.
    "distributed.scheduler.worker-saturation": 1.0,
    # A worker that is started again where it was needs this long at most; then its job is over.
    "distributed.deploy.lost-worker-timeout": "2 minutes",
    # No pages: whoever reaches them would read what is at work.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "logging": {"distributed": "critical", "distributed.client": "critical"},
}
_GPUS = Path("/proc/driver/nvidia/gpus")


class Connection:
    """A cluster that units can be given to.

    Parameters
    ----------
    client
        Of Dask.
    where
        It is, for people.
    wait, unseen
        As in `ClusterSettings`.
    is_local
        Whether all of it is on this machine.
    fill
        Submits the jobs that are missing.
    """

    def __init__(
        self,
        client: Any,
        where: str,
        *,
        wait: float,
        unseen: float,
        is_local: bool = False,
        fill: Callable[[], None] | None = None,
    ) -> None:
        self._client, self._where, self._wait, self._fill = client, where, wait, fill
        self.is_local, self.unseen = is_local, unseen
        self._heard = self._manned = self._counted = self._filled = time.monotonic()
        self._resources = False
        self.at_a_time = 0
        """Units that its workers can do at a time, as last counted."""

    def wait(self) -> None:
        """Wait for a first worker, and say so where that takes long."""
        said, started = False, time.monotonic()
        while not self._workers():
            if not said and time.monotonic() - started > SAY_AFTER:
                said = True
                sys.stderr.write(f"waiting for a first worker of {self._where}\n")
                sys.stderr.flush()
            time.sleep(0.1)
            self.watch()

    def on_each(
        self, function: Callable[..., bytes], *words: Any, gpu: bool = False
    ) -> list[bytes]:
        """Call a function on every worker that is there, and return the answers.

        Parameters
        ----------
        function, words
            What is called.
        gpu
            Whether only workers matter that say that they have a GPU, if any says so.
        """
        self.wait()
        with self._told():
            futures = {
                address: self._client.submit(
                    function,
                    *words,
                    workers=[address],
                    pure=False,
                    key=f"harness_look-{secrets.token_hex(16)}",
                )
                for address in self._workers(gpu)
            }
        answers = []
        for address, future in futures.items():
            while not future.done() and address in self._workers():
                with suppress(Exception):
                    future.result(timeout=0.5)
                self.watch()
            answer = self.result(future) if future.done() else None
            answers += [answer] if answer is not None else []
        return answers or self.on_each(function, *words, gpu=gpu)

    def submit(self, function: Callable[..., bytes], *words: Any, gpu: bool = False) -> Any:
        """Have a function called on some worker, and return the future of its answer."""
        with self._told():
            return self._client.submit(
                function,
                *words,
                pure=False,
                key=f"harness_unit-{secrets.token_hex(16)}",
                resources={"GPU": 1} if gpu and self._resources else None,
            )

    def result(self, future: Any) -> bytes | None:
        """Return an answer, waiting for it; None where the worker died.

        Raises
        ------
        RunFailed
            If the scheduler is gone, or workers cannot do what they are asked.
        """
        distributed = importlib.import_module("distributed")
        while not future.done():
            with suppress(Exception):  # what it raises is asked for below
                future.result(timeout=0.5)
            self.watch()
        if future.status in ("cancelled", "lost"):
            raise self._gone()
        if future.status != "error":
            with self._told():
                answer: bytes = future.result(timeout=CONNECT)
                return answer
        reason = future.exception(timeout=CONNECT)
        if isinstance(reason, distributed.scheduler.KilledWorker):
            return None
        if isinstance(reason, ImportError | AttributeError | RuntimeError):
            raise RunFailed(
                f"a worker of {self._where} cannot do what this harness asks ({reason}): install "
                "the same version of it, and of Dask, on every machine"
            )
        raise reason

    def cancel(self, futures: Iterable[Any]) -> None:
        """Take back what was submitted; what has begun goes on."""
        with suppress(Exception):
            self._client.cancel(list(futures), force=True)

    def watch(self) -> None:
        """See whether scheduler and workers are there.

        Raises
        ------
        RunFailed
            If there is no scheduler, or was no worker for as long as may be waited.
        """
        now = time.monotonic()
        if self._client.status == "running":
            self._heard = now
        elif self._client.status == "closed" or now - self._heard > GRACE:
            raise self._gone()
        if now - self._counted < COUNT_EVERY:
            return
        self._counted = now
        if self._workers():
            self._manned = now
        elif now - self._manned > self._wait:
            raise RunFailed(
                f"{self._where} had no worker for {self._wait:.0f} s; what is done is kept. Start "
                "some, and give the same command again"
            )
        if self._fill is not None and now - self._filled > REPLACE_EVERY:
            self._filled = now
            self._fill()

    def _workers(self, gpu: bool = False) -> list[str]:
        with self._told():
            found = self._client.scheduler_info(n_workers=-1)["workers"]
            self.at_a_time = sum(one["nthreads"] for one in found.values())
            able = {name for name, one in found.items() if "GPU" in one.get("resources", {})}
            self._resources = bool(able)
            if gpu and able:
                return sorted(able)
            return sorted(found)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one sentence that the scheduler is gone, however Dask does."""
        try:
            yield
        except RunFailed:
            raise
        except Exception as reason:
            if self._client.status == "running" and not isinstance(reason, OSError | TimeoutError):
                raise
            raise self._gone() from None

    def _gone(self) -> RunFailed:
        return RunFailed(
            f"the Dask scheduler of {self._where} is gone; what is done is kept, and the same "
            "command goes on from there"
        )


@contextmanager
def connected(
    on: str, settings: ClusterSettings, *, workers: int, threads: int, out: Path
) -> Iterator[Connection]:
    """Start or find a cluster, for as long as the block takes.

    Parameters
    ----------
    on
        As for `harness.execution.cluster.choosing.opened`.
    settings
        Of the jobs and machines.
    workers
        Processes of a cluster on this machine.
    threads
        Of each process of an algorithm.
    out
        Folder that jobs can see, for their logs and the keys of the connection.

    Raises
    ------
    UsageError
        If Dask is not installed, or there is no such cluster.
    """
    _configure()
    distributed = _imported("distributed")
    if on == DASK:
        with _local(distributed, workers, threads) as cluster:
            client = distributed.Client(cluster, set_as_default=False)
            with _closing(client):
                yield Connection(
                    client,
                    "this machine",
                    wait=LOCAL_WAIT,
                    unseen=LOCAL_UNSEEN,
                    is_local=True,
                    fill=lambda: cluster.scale(workers),
                )
        return
    if on in ("slurm", "pbs"):
        with _jobs(on, settings, threads, out) as cluster:
            client = distributed.Client(cluster, set_as_default=False)
            with _closing(client):
                yield Connection(
                    client,
                    f"the jobs of {on}",
                    wait=settings.wait,
                    unseen=settings.unseen,
                    fill=lambda: cluster.scale(jobs=settings.jobs),
                )
        return
    client = _there(distributed, on)
    with _closing(client):
        yield Connection(client, on, wait=settings.wait, unseen=settings.unseen)


def _configure() -> None:
    dask = _imported("dask")
    dask.config.set(CONFIGURED)
    for name in ("distributed", "distributed.client", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _imported(name: str) -> Any:
    try:
        return absent.imported(name, "--on")
    except ImportError as reason:
        raise UsageError(f"--on needs {name}, which cannot be imported: {reason}") from None


def _security(distributed: Any) -> Any:
    """Return keys for this cluster alone: whoever reaches a scheduler could have code run."""
    _imported("cryptography")
    return distributed.Security.temporary()


@contextmanager
def _local(distributed: Any, workers: int, threads: int) -> Iterator[Any]:
    """Start worker processes on this machine, with a device each where there are some."""
    place = tempfile.mkdtemp(prefix=f"harness-{os.getpid()}-dask-")
    devices = _devices()
    security = _security(distributed)
    common = {
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard": False,
        "local_directory": place,
        "preload": [there.__name__],
        "silence_logs": logging.CRITICAL,
        "security": security,
        "protocol": "tls://",
        "host": "127.0.0.1",
    }
    spec = {}
    for i in range(workers):
        env = {"OMP_NUM_THREADS": variables(threads)["OMP_NUM_THREADS"]}
        if devices:
            env["CUDA_VISIBLE_DEVICES"] = devices[i % len(devices)]
        spec[i] = {"cls": distributed.Nanny, "options": {**common, "env": env}}
    scheduler = {
        "cls": distributed.Scheduler,
        "options": {
            "host": "127.0.0.1",
            "port": 0,
            "protocol": "tls://",
            "dashboard": False,
            "dashboard_address": "127.0.0.1:0",
            "security": security,
        },
    }
    try:
        cluster = distributed.SpecCluster(
            workers=spec, scheduler=scheduler, security=security, silence_logs=logging.CRITICAL
        )
        try:
            yield cluster
        finally:
            with suppress(Exception):
                cluster.close(timeout=10)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _jobs(on: str, settings: ClusterSettings, threads: int, out: Path) -> Iterator[Any]:
    """Submit jobs, each of which starts workers."""
    jobqueue = _imported("dask_jobqueue")
    distributed = _imported("distributed")
    place = (out / ".cluster").absolute()
    place.mkdir(parents=True, exist_ok=True)
    workers = 1 if settings.gpus else max(1, settings.cores // threads)
    directives = list(settings.directives)
    options: dict[str, Any] = {
        "cores": workers,
        "processes": workers,
        "memory": settings.memory,
        "queue": settings.queue,
        "account": settings.account,
        "walltime": settings.walltime,
        "python": settings.python,
        "interface": settings.interface,
        "job_script_prologue": list(settings.setup),
        "log_directory": str(place),
        # The job has its limit, and so have the processes of an algorithm.
        "worker_extra_args": ["--memory-limit", "0", "--no-dashboard"],
        "job_name": "harness",
        "security": _security(distributed),
        "shared_temp_directory": str(place),
        "scheduler_options": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        "silence_logs": "critical",
    }
    if on == "slurm":
        kind = jobqueue.SLURMCluster
        options["job_cpu"] = settings.cores
        directives += [f"--gres=gpu:{settings.gpus}"] if settings.gpus else []
    else:
        kind = jobqueue.PBSCluster
        chosen = f"select=1:ncpus={settings.cores}:mem={settings.memory}"
        options["resource_spec"] = chosen + (f":ngpus={settings.gpus}" if settings.gpus else "")
    options["job_extra_directives"] = directives
    try:
        cluster = kind(**options)
    except ValueError as reason:
        raise UsageError(f"--on {on}: no job can be made of --cluster: {reason}") from None

    async def submitted() -> None:
        await cluster

    try:
        while len(cluster.worker_spec) < settings.jobs:
            cluster.worker_spec.update(cluster.new_worker_spec())
        try:
            cluster.sync(submitted)
        except (OSError, RuntimeError) as reason:
            words = str(reason).rpartition("stderr:")[2].strip()
            raise UsageError(f"--on {on}: no job can be submitted: {words}") from None
        yield cluster
    finally:
        with suppress(Exception):
            cluster.close(timeout=30)


def _there(distributed: Any, on: str) -> Any:
    """Connect with a cluster that somebody else started."""
    words: dict[str, Any] = {"timeout": CONNECT, "set_as_default": False}
    if on.endswith(".json"):
        if not Path(on).is_file():
            raise UsageError(f"--on {on}: there is no such scheduler file")
        words["scheduler_file"] = on
    else:
        words["address"] = on.replace("dask://", "tcp://", 1)
    try:
        return distributed.Client(**words)
    except (OSError, TimeoutError, ValueError, KeyError) as reason:
        raise UsageError(
            f"--on {on}: no Dask scheduler answers there ({reason or type(reason).__name__}); "
            "start one with: dask scheduler"
        ) from None


@contextmanager
def _closing(client: Any) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(Exception):
            client.close(timeout=5)


def _devices() -> list[str]:
    """Return the NVIDIA devices of this machine that may be used."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return visible_devices(named)
    return [str(i) for i in range(len(list(_GPUS.iterdir())) if _GPUS.is_dir() else 0)]
