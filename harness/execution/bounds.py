"""What a process of an algorithm may use before it is stopped: time, memory, disk.

A process that asks for more memory than it may is refused it by the kernel, so that the line which
asked is named; what all that it started holds together is measured while it is waited for.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

SILENCE = 900.0
"""Seconds without a sign of life after which a process is stopped."""

IMPORT = 120.0
"""Seconds that the import of an algorithm may take at least, however short the silence is."""

TIME = 7 * 86400.0
"""Seconds that a unit of work may take in one go: a week."""

SHARE = 0.8
"""Of the memory of machine or container, what workers may use without ``--memory-limit``."""

DISK_LEFT = 256 << 20
"""Bytes of a disk that workers leave free."""

_UNKNOWN = 1 << 62
_MOST_DESCRIPTORS = 4096
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Account:
    """What the processes of several workers hold together.

    Parameters
    ----------
    most
        Bytes that they may hold.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[object, int] = {}
        self._lock = threading.Lock()

    def note(self, worker: object, held: int) -> int:
        """Note what a worker holds; return the sum where it is too much, and this one's largest."""
        with self._lock:
            self._held[worker] = held
            total = sum(self._held.values())
            return total if total > self.most and held >= max(self._held.values()) else 0

    def leave(self, worker: object) -> None:
        """Forget a worker that has ended."""
        with self._lock:
            self._held.pop(worker, None)


@dataclass(frozen=True)
class Bounds:
    """What each worker may use.

    Parameters
    ----------
    silence
        Seconds without a sign of life.
    time
        Seconds from the start of a unit of work.
    memory
        Bytes that its processes may hold together; 0 for the share `SHARE` of what there is.
    """

    silence: float = SILENCE
    time: float = TIME
    memory: int = 0
    account: Account = field(init=False, compare=False)

    def __post_init__(self) -> None:
        most = int(SHARE * machine_memory())
        if not self.memory:
            object.__setattr__(self, "memory", most)
        object.__setattr__(self, "account", Account(max(most, self.memory)))


@dataclass(frozen=True)
class Started:
    """The bounds of one unit that has been begun.

    Parameters
    ----------
    until
        Time (monotonic) at which it has taken as long as it may.
    """

    bounds: Bounds
    until: float

    @classmethod
    def now(cls, bounds: Bounds) -> Started:
        """Begin now."""
        return cls(bounds, time.monotonic() + bounds.time)

    @property
    def is_over(self) -> bool:
        """Whether it has taken as long as it may."""
        return time.monotonic() > self.until

    def overdue(self, where: str) -> str:
        """Say that it took too long."""
        return (
            f"it has taken {self.bounds.time:,.0f} s, all that --time-limit allows for a unit of "
            f"work, and was stopped {where}. If it needs longer, raise --time-limit; the same "
            "command goes on with what is done, and with a fit that kept checkpoints"
        )


def amount(size: int) -> str:
    """Write a number of bytes for people.

    >>> amount(2_500_000_000), amount(3 << 20), amount(80)
    ('2.3 GB', '3.0 MB', '1 kB')
    """
    for unit, step in (("GB", 1 << 30), ("MB", 1 << 20)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{math.ceil(size / 1024)} kB"


def out_of_memory(most: int) -> str:
    """Say, on a line of its own, what an algorithm may hold that found no memory."""
    return (
        f"\n  A worker may hold {amount(most)} with all that it starts; harness run --memory-limit "
        "sets another limit"
    )


@cache
def machine_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory of this machine, or of the container that this process is in.

    Parameters
    ----------
    root
        Below which ``proc`` and ``sys`` lie.
    """
    found = [_UNKNOWN]
    with suppress(OSError, ValueError, IndexError):
        lines = (root / "proc/meminfo").read_text().splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    if len(found) == 1 and hasattr(os, "sysconf"):
        with suppress(OSError, ValueError):
            found.append(os.sysconf("SC_PHYS_PAGES") * _PAGE)
    for file in (*_group_files(root, "memory.max"), *_group_files(root, "memory.limit_in_bytes")):
        with suppress(OSError, ValueError):  # "max" is no number
            found.append(int(file.read_text()))
    return min(size for size in found if size > 0)


def killed_for_memory(root: Path = Path("/")) -> int:
    """Return how many processes of this one's control group were ended for want of memory."""
    for file in (*_group_files(root, "memory.events"), *_group_files(root, "memory.oom_control")):
        with suppress(OSError, ValueError, IndexError):
            for line in file.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0


def _group_files(root: Path, name: str) -> Iterator[Path]:
    """Yield the files of that name of this process's control group and of those above it."""
    mounted = root / "sys/fs/cgroup"
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            if line.count(":") < 2:
                continue
            _, kinds, place = line.split(":", 2)
            top = mounted / "memory" if "memory" in kinds.split(",") else mounted
            if kinds and top == mounted:
                continue
            here = top / place.lstrip("/")
            while here != top and here.is_relative_to(top):
                yield here / name
                here = here.parent
            yield top / name


def memory_of(process: int) -> int:
    """Return the bytes that a process and all below it hold, as far as they are no files'.

    Pages that several of them share count once, and those shared with others by their part.
    """
    found = shared = 0
    tree = _with_descendants(process)
    for one in tree:
        with suppress(OSError, ValueError, IndexError):
            facts: dict[str, int] = {}
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()[1:]:
                name, _, rest = line.partition(":")
                facts[name] = int(rest.split()[0]) * 1024
            shared += facts.get("Pss_Shmem", 0)
            found += facts["Pss"] - facts.get("Pss_File", 0) - facts.get("Pss_Shmem", 0)
    # What is mapped of the files that lie in memory is in both.
    return found + max(shared, _in_files(process, tree))


def at_most(process: int) -> int:
    """Return what `memory_of` cannot exceed, for less work."""
    tree = _with_descendants(process)
    found = 0
    for one in tree:
        with suppress(OSError, ValueError, IndexError):
            found += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE
    return found + _in_files(process, tree)


def left_on(folder: Path) -> int:
    """Return the bytes that are free on the disk of a folder; very many where that is unknown."""
    with suppress(OSError, AttributeError):
        space = os.statvfs(folder)
        return space.f_bavail * space.f_frsize
    return _UNKNOWN


def size_below(folder: Path) -> int:
    """Return the bytes that the files below a folder take on its disk."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found += (Path(place) / name).lstat().st_blocks * 512
    return found


def _with_descendants(process: int) -> list[int]:
    """List a process and all that it, and they, started."""
    found, seen = [process], {process}
    for one in found:
        with suppress(OSError, ValueError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                for child in map(int, (thread / "children").read_text().split()):
                    if child not in seen:
                        seen.add(child)
                        found.append(child)
    return found


def _in_files(process: int, tree: list[int]) -> int:
    """Return the bytes of files that lie in memory: of a worker's own /dev/shm, and without name.

    Parameters
    ----------
    process
        That stands outside of the fence, and in its namespaces.
    tree
        It and all below it.
    """
    found = 0
    with suppress(OSError):
        place = Path(f"/proc/{process}/root/dev/shm")
        if place.stat().st_dev != Path("/dev/shm").stat().st_dev:  # noqa: S108
            space = os.statvfs(place)
            found += (space.f_blocks - space.f_bfree) * space.f_frsize
    nameless: dict[tuple[int, int], int] = {}
    for one in tree:
        with suppress(OSError):
            for link in islice(Path(f"/proc/{one}/fd").iterdir(), _MOST_DESCRIPTORS):
                if str(link.readlink()).startswith("/memfd:"):
                    facts = link.stat()
                    nameless[facts.st_dev, facts.st_ino] = facts.st_blocks * 512
    return found + sum(nameless.values())
