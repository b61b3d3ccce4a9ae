"""The fence around a worker: it reads what it needs, writes its scratch folder, and reaches nobody.

``python -m harness.execution.fence`` puts up what the system offers without root, before anything
of an algorithm is imported, and says what held (`harness.execution.fenced` starts it). What does
not hold is said too; nothing here fails because a system is old or strict.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from harness.execution import processes, readable

LARGEST_FILE = 1 << 34
"""Bytes that one file which a worker writes may have: 16 GiB."""

MOST_PROCESSES = 4096
"""Processes and threads of a worker, where they can be counted by themselves."""

_READ_OTHERS = (1 << 1) | (1 << 2)
"""Capabilities that root keeps: to read files that belong to others."""


INSIDE = "inside the harness"
"""Of a fence: there was no process that could have had one."""


@dataclass(frozen=True)
class Fence:
    """What protected a run from what its algorithm might do.

    Parameters
    ----------
    landlock
        ABI of the kernel's Landlock that held; 0 for none, when files could be read and written.
    network
        ``namespace`` (there is none), ``sockets refused``, ``tcp refused`` or ``open``.
    processes
        How what a worker starts is ended with it: ``pid namespace``, ``subreaper``, or
        ``process group``, from which a process can withdraw; or `INSIDE`.
    missing
        What was not to be had here, each as a clause with its reason.
    """

    landlock: int = 0
    network: str = "open"
    processes: str = "process group"
    missing: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What held and what did not, for people."""
        if self.processes == INSIDE:
            return (
                "The algorithm ran inside the harness (--on in-process): nothing kept it from "
                "files, from the network or from the truth."
            )
        files = "read only what it needs and write only its scratch folder"
        nets = {
            "namespace": "had no network",
            "sockets refused": "could open no network connection",
            "tcp refused": "could open no TCP connection",
        }
        held = [f"could {files} (Landlock {self.landlock})"] if self.landlock else []
        held += [nets[self.network]] if self.network in nets else []
        held.append(f"was ended with all that it started ({self.processes})")
        text = "A worker " + ", ".join(held[:-1]) + " and " * (len(held) > 1) + held[-1] + "."
        return text + (f" Missing: {'; '.join(self.missing)}." if self.missing else "")


@dataclass(frozen=True)
class Rules:
    """What a worker may read and write.

    Parameters
    ----------
    scratch
        Existing folder in which it may do what it wants; also for temporary files and caches.
    readable
        Files and folders that it may read, besides Python and the system.
    named
        Files that the user named, which may be read even where they lie in a hidden folder.
    hidden
        Folders and files of which nothing may be read, even inside a readable folder.
    writable
        Further folders in which it may do what it wants, even where they lie in a hidden one.
    memory
        Bytes that each of its processes may ask for; 0 for no limit.
    """

    scratch: str
    readable: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    memory: int = 0


def main(arguments: list[str]) -> None:
    """Put up the fence and run a module in it; the arguments are a descriptor, it, and its own."""
    line = socket.socket(fileno=int(arguments[0]))
    with line.makefile("rb") as words:
        facts = json.loads(words.readline())
    lists = {name: tuple(facts[name]) for name in ("readable", "named", "hidden", "writable")}
    rules = Rules(str(facts["scratch"]), **lists, memory=int(facts["memory"]))
    _enclose(line, rules)
    del facts, lists, rules, line, words
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)


def _enclose(line: socket.socket, rules: Rules) -> None:
    """Return in a fenced grandchild; this process waits for it outside and ends as it ended."""
    from harness.execution import namespaces

    missing: list[str] = []
    refusal = namespaces.offered()
    if not refusal:
        with suppress(OSError):
            namespaces.enter()
    adopts = processes.adopt_orphans()
    if refusal:
        missing.append(f"namespaces ({refusal})")
        child = os.fork()
        if child:
            _stand_by(child, line, adopts=adopts)
        processes.end_with_parent()
        how = "subreaper" if adopts else "process group"
    else:
        status_read, status_write = os.pipe()
        init = os.fork()
        if init:
            os.close(status_write)
            _stand_by(init, line, status_read, adopts=adopts)
        processes.end_with_parent()
        os.close(status_read)
        how = "pid namespace"
    allowed, above, veils = _places(rules)
    own = (False, False, len(veils))
    if not refusal:
        own = namespaces.mount_own(veils)
        child = os.fork()
        if child:
            # The first process of its namespace: all others end with it.
            line.close()
            processes.keep_only(status_write)
            os.write(status_write, str(processes.wait(child)).encode())
            os._exit(0)
        os.close(status_write)
    fence = _shut(rules, allowed, above, own, how, missing)
    with suppress(OSError):
        line.sendall(json.dumps(asdict(fence)).encode() + b"\n")
    line.close()


def _stand_by(
    child: int, line: socket.socket, status_read: int | None = None, *, adopts: bool
) -> None:
    """Wait for the fenced process, end what it left behind, and end in the same way."""
    try:
        kept = [line.fileno()] if status_read is None else [line.fileno(), status_read]
        processes.keep_only(*kept)
        status = processes.wait(child, line.fileno())
        if status_read is not None:
            words = os.read(status_read, 100)
            # Without words the first process of the namespace has been killed from outside.
            status = int(words) if words else 9
        if adopts:
            processes.end_descendants()
        processes.end_like(status)
    finally:
        os._exit(255)


def _places(rules: Rules) -> tuple[list[str], list[str], list[str]]:
    """Return what may be read, folders that hold hidden ones, and those that can be covered."""
    needed, above = readable.without(
        [*readable.SYSTEM, *readable.python_places()], rules.hidden, needed=True
    )
    asked, _ = readable.without(rules.readable, rules.hidden)
    inner = [os.path.realpath(path) for path in (*rules.named, *rules.writable, rules.scratch)]
    allowed = [*needed, *asked, *rules.named]
    veils = readable.apart(rules.hidden, [*needed, *inner])
    return allowed, above, veils


def _shut(
    rules: Rules,
    allowed: Sequence[str],
    above: Sequence[str],
    own: tuple[bool, bool, int],
    how: str,
    missing: list[str],
) -> Fence:
    """Give up everything that the rules do not allow, and say what held."""
    from harness.execution import landlock, namespaces

    alone = how == "pid namespace"
    own_proc, own_memory, visible = own
    if not own_proc:
        missing.append("a /proc of its own: it could see which other programs run")
    if not own_memory:
        missing.append("shared memory of its own, so it had none")
    if visible and above:
        missing.append("covers on hidden folders: it could list the names of the files in some")
    _limit(rules.memory, alone=alone)
    places = [(path, landlock.READ) for path in allowed]
    places += [(path, landlock.READ_DIR) for path in above]
    places += [(p, landlock.READ | landlock.WRITE) for p in (rules.scratch, *rules.writable)]
    if own_memory:
        places.append(("/dev/shm", landlock.READ | landlock.WRITE))  # noqa: S108
    common, graphics = readable.devices()
    places += [(path, landlock.USE) for path in (*common, *graphics)]
    network = "namespace" if alone else "open"
    namespaces.drop_capabilities(0 if alone else _READ_OTHERS)
    abi = 0
    try:
        abi = landlock.restrict(places)
    except OSError as reason:
        missing.append(f"Landlock ({reason}): it could read and write files")
    if network == "open":
        try:
            landlock.forgo_privileges()
            namespaces.refuse_sockets()
            network = "sockets refused"
        except OSError as reason:
            missing.append(f"a filter of system calls ({reason})")
            network = "tcp refused" if abi >= 4 else "open"
    if 0 < abi < 3:
        missing.append(f"Landlock 3 (here {abi}): it could empty files")
    if 0 < abi < 6 and not alone:
        missing.append(f"Landlock 6 (here {abi}): it could send signals to the harness")
    return Fence(abi, network, how, tuple(missing))


def _limit(memory: int, *, alone: bool) -> None:
    import resource

    for what, most in (
        # What a process asks for itself; files that it only reads do not count.
        *([(resource.RLIMIT_DATA, memory)] if memory else []),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        # Elsewhere all processes of a user are counted together.
        *([(resource.RLIMIT_NPROC, MOST_PROCESSES)] if alone else []),
    ):
        _, hard = resource.getrlimit(what)
        if hard == resource.RLIM_INFINITY or hard > most:
            with suppress(OSError, ValueError):
                resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main(sys.argv[1:])
