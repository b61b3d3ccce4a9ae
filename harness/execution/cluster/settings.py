"""What a user says about a cluster: the jobs to ask for, and where its machines have the data."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.data.toml_text import table_of
from harness.errors import UsageError, shortened

DASK = "dask"
"""What `--on` calls workers on this machine, and the executor whose units Dask carries."""

LARGEST_SETTINGS = 1 << 20
"""Bytes of a file of settings."""

Roots = tuple[tuple[str, str], ...]
"""Folders of this machine, each with what it is called on the machines of a cluster."""

_Word = Annotated[str, Field(pattern=r"^[^\s]+$", max_length=1000)]
_Line = Annotated[str, Field(pattern=r"^[^\n\r]+$", max_length=10_000)]


class ClusterSettings(BaseModel):
    """A file of settings, checked.

    Parameters
    ----------
    jobs
        To be submitted; each starts `cores` // threads workers, or one where it has a GPU.
    queue, account
        Of the jobs: partition and account of Slurm, queue and project of PBS.
    cores, memory, walltime, gpus
        Of each job.
    directives
        Further lines of a job's head, without ``#SBATCH`` or ``#PBS``.
    setup
        Lines of shell before a worker starts, such as ``module load cuda``.
    python
        That runs workers; this one unless given.
    interface
        Network by which workers reach this machine, such as ``ib0``.
    data_root
        Folders of this machine, each with its name on the workers, in which ``$NAME`` stands for a
        variable of the worker.
    mixed
        Whether machines with other processors may work on one run.
    wait
        Seconds to wait for a first worker, and for one after all have gone.
    unseen
        Seconds in which a file that another machine wrote has to be seen here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    jobs: Annotated[int, Field(ge=1, le=10_000)] = 1
    queue: _Word | None = None
    account: _Word | None = None
    cores: Annotated[int, Field(ge=1, le=4096)] = 1
    memory: Annotated[str, Field(pattern=r"^[1-9][0-9]*(MB|GB|TB)$")] = "4GB"
    walltime: Annotated[str, Field(pattern=r"^[0-9]+(-[0-9]+)?(:[0-9]{2}){0,2}$")] | None = None
    gpus: Annotated[int, Field(ge=0, le=1)] = 0
    directives: list[_Line] = []
    setup: list[_Line] = []
    python: _Line = sys.executable
    interface: _Word | None = None
    data_root: dict[str, str] = {}
    mixed: bool = False
    wait: Annotated[float, Field(gt=0, strict=False)] = 3600.0
    unseen: Annotated[float, Field(gt=0, strict=False)] = 60.0

    @property
    def roots(self) -> Roots:
        """What `mapped` takes."""
        return tuple(self.data_root.items())


def read_settings(file: Path) -> ClusterSettings:
    """Read and check a file of settings.

    Raises
    ------
    UsageError
        If it cannot be read, is not TOML, or with every fault in it at once.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_SETTINGS + 1)
    except OSError as reason:
        raise UsageError(f"--cluster {file}: {reason.strerror or reason}") from None
    if len(content) > LARGEST_SETTINGS:
        raise UsageError(f"--cluster {file} is larger than {LARGEST_SETTINGS:,} bytes")
    try:
        return ClusterSettings.model_validate(table_of(content))
    except ValidationError as reason:
        faults = [_fault(one["loc"], one["msg"], one["input"]) for one in reason.errors()]
        raise UsageError(
            "\n".join([f"--cluster {file} cannot be used:", *(f"  - {fault}" for fault in faults)])
        ) from None
    except ValueError as reason:
        raise UsageError(f"--cluster {file} is not TOML: {reason}") from None


def _fault(place: tuple[int | str, ...], words: str, given: object) -> str:
    key = ".".join(map(str, place))
    if words.startswith("Extra inputs"):
        known = ", ".join(ClusterSettings.model_fields)
        return f"{key}: no such key; there is {known}"
    return shortened(f"{key}: {words[:1].lower()}{words[1:]}, and is {given!r}")


def root_of(text: str) -> tuple[str, str]:
    """Split the text of ``--data-root LOCAL=REMOTE``.

    Raises
    ------
    UsageError
        If it is none.
    """
    local, sign, remote = text.partition("=")
    if not (sign and local and remote):
        raise UsageError(
            f"--data-root {text!r} should read LOCAL=REMOTE: a folder here, and what the same "
            "folder is called on the workers"
        )
    return str(Path(local).absolute()), remote


def mapped(path: str, roots: Roots) -> str:
    """Return what a path of the machine that leads a run is called on this one.

    >>> mapped("/data/set/a.png", (("/data", "/scratch"),))
    '/scratch/set/a.png'
    >>> mapped("/database/a.png", (("/data", "/scratch"),))
    '/database/a.png'
    """
    fitting = [one for one in roots if path == one[0] or path.startswith(f"{one[0].rstrip('/')}/")]
    if not fitting:
        return path
    local, remote = max(fitting, key=lambda one: len(one[0]))
    there = os.path.expandvars(remote).rstrip("/")
    return there + path[len(local.rstrip("/")) :]
