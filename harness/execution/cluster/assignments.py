"""What a worker elsewhere is given: a unit with all that it takes, as a file of the run folder.

Nothing but the name of that file and a token travels by the scheduler.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.data.records import Picture
from harness.data.whole_files import write_whole
from harness.execution.bounds import SHARE, Bounds, machine_memory
from harness.execution.cluster.sameness import Expected
from harness.execution.cluster.settings import Roots, mapped
from harness.execution.pool import Limits
from harness.execution.unit import Unit
from harness.plugins.programs.command import moved
from harness.plugins.programs.driver import HEADER

FOLDER = "assignments"
"""Of a run folder; it is gone when the run is finished."""

T = TypeVar("T")


class Assignment(msgspec.Struct):
    """What a worker elsewhere is to do.

    Parameters
    ----------
    token
        Of this turn.
    units
        One that is to be done, or all of which answers are to be checked.
    hidden
        Folders of which no algorithm may read anything.
    threads, silence, time, memory
        That it may use; no memory stands for a share of the machine's.
    expected
        What its machine has to be like.
    journal
        Hashes of the steps that are stored, by ``unit/step``.
    pictures
        SHA-256 of every file of a picture that the unit is about, by path.
    durable
        Whether results have to leave the memory of the worker's machine.
    device
        That a unit asks for, as torch names it; nothing for the CPU.
    check
        Whether answers are to be given again, of units that are done.
    """

    token: str
    units: list[Unit]
    hidden: list[str]
    threads: int
    silence: float
    time: float
    memory: int
    expected: list[Expected]
    journal: dict[str, str]
    pictures: dict[str, str]
    durable: bool
    device: str
    check: bool = False

    def bounds(self) -> Bounds:
        """Return what its processes may use."""
        return Bounds(silence=self.silence, time=self.time, memory=self.memory)


def memory_asked(limits: Limits) -> int:
    """Return the bytes that a worker may hold as far as a user said so; 0 where nobody did."""
    own = int(SHARE * machine_memory())
    return 0 if limits.bounds.memory == own else limits.bounds.memory


def write_assignment(run: Path, name: str, assignment: Assignment) -> None:
    """Keep it for a worker; nobody else may read it, since it holds the truth about a fold."""
    folder = run / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    content = msgspec.json.encode(assignment)
    write_whole(folder / f"{name}.json", content, durable=assignment.durable)


def read_assignment(run: Path, name: str, token: str, roots: Roots, patience: float) -> Assignment:
    """Read it on a worker, with the paths that its machine knows.

    Raises
    ------
    OSError, LookupError
        If it is not to be seen in `patience` seconds.
    """

    def read() -> Assignment:
        content = (run / FOLDER / f"{name}.json").read_bytes()
        found = msgspec.json.decode(content, type=Assignment)
        if found.token != token:
            raise LookupError(f"{run / FOLDER / name}.json is of another turn")
        return found

    found = patiently(read, patience)
    found.units = [relocated(unit, lambda path: mapped(path, roots)) for unit in found.units]
    found.hidden = [mapped(folder, roots) for folder in found.hidden]
    found.pictures = {mapped(path, roots): one for path, one in found.pictures.items()}
    return found


def remove_assignments(run: Path) -> None:
    """Take all of them away."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)


def patiently(read: Callable[[], T], patience: float) -> T:
    """Call what reads a file of another machine until that is there; raise its last error."""
    until, pause = time.monotonic() + patience, 0.01
    while True:
        try:
            return read()
        except (OSError, LookupError, msgspec.DecodeError):
            if time.monotonic() + pause > until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 2.0)


def pictures_of(unit: Unit) -> Iterator[Picture]:
    """Yield every picture and mask that a unit is about."""
    training = unit.training
    lists: list[Any] = [unit.pictures.values(), unit.masks]
    if training is not None:
        lists += [training.masks or (), training.clean or ()]
    for pictures in lists:
        yield from (one for one in pictures if one is not None)


def relocated(unit: Unit, renamed: Callable[[str], str]) -> Unit:
    """Return a unit whose files are called otherwise.

    Parameters
    ----------
    unit
        It stays as it is.
    renamed
        Returns what a path is to be called.
    """
    unit = msgspec.json.decode(msgspec.json.encode(unit), type=Unit)
    for picture in pictures_of(unit):
        picture.path = renamed(picture.path)
    values = {
        name: renamed(value) if isinstance(value, str) and Path(value).is_absolute() else value
        for name, value in unit.parameters.items()
    }
    command = unit.command and moved(unit.command, renamed, str(values.get(HEADER, "")))
    return msgspec.structs.replace(
        unit, file=renamed(unit.file), command=command, parameters=values
    )
