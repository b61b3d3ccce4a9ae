"""The fence around a worker: it reads what it needs, writes its scratch folder, and reaches nobody.

`start` starts a module of the harness in it: ``python -m harness.execution.fence`` puts up what the
system offers without root before anything of an algorithm is imported, and says what held. What
does not hold is said too; nothing here fails because a system is old or strict.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO

from harness.execution import processes, readable
from harness.execution.nursery import Born, Nursery

LARGEST_FILE = 1 << 34
"""Bytes that one file which a worker writes may have: 16 GiB."""

MOST_PROCESSES = 4096
"""Processes and threads of a worker, where they can be counted by themselves."""

_READ_OTHERS = (1 << 1) | (1 << 2)
"""Capabilities that root keeps: to read files that belong to others."""


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
        ``process group``, from which a process can withdraw.
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


@dataclass
class Fenced:
    """A process in its fence, and the line to those who stand outside beside it."""

    process: subprocess.Popen[bytes] | Born
    _line: socket.socket | None
    _fence: Fence | None = field(default=None)

    @property
    def fence(self) -> Fence:
        """What held; waits for the process to have put it up."""
        if self._fence is None:
            self._fence = self._heard(60)
        return self._fence

    def end(self) -> None:
        """End the process and all that it started; may be called again."""
        if self._fence is None:
            self._fence = self._heard(0)
        if self._line is not None:
            self._line.close()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        if self.process.returncode is None:
            if isinstance(self.process, Born):
                self.process.kill_group()
            else:
                # Not waited for, so that its number is still its own.
                with suppress(OSError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _heard(self, patience: float) -> Fence:
        if self._line is None:
            return Fence(missing=(f"a fence (none is known here for {sys.platform})",))
        text = b""
        with suppress(OSError):
            self._line.settimeout(patience)
            while not text.endswith(b"\n"):
                part = self._line.recv(4096)
                if not part:
                    break
                text += part
        try:
            facts = json.loads(text)
        except ValueError:
            return Fence(missing=("a fence (its process ended before it stood)",))
        return Fence(**{**facts, "missing": tuple(facts["missing"])})


def start(
    module: str,
    arguments: Sequence[str],
    rules: Rules,
    *,
    environment: Mapping[str, str],
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    pass_fds: Sequence[int] = (),
    nursery: Nursery | None = None,
) -> Fenced:
    """Start a module as ``python -m`` would, in a fence.

    Parameters
    ----------
    module, arguments
        What is started.
    environment
        Of the process; see `surroundings`.
    stdin, stdout, stderr, pass_fds
        As for `subprocess.Popen`.
    nursery
        That forks it, where that can be done; it reads nothing then.

    Returns
    -------
    Fenced
        Its process ends with the exit code or by the signal of the module's. It ends, with all that
        it started, when `Fenced.end` is called and when this process ends, in whatever way.
    """
    python = [sys.executable, "-P", "-m"]
    if sys.platform != "linux":
        process = subprocess.Popen(
            [*python, module, *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment),
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        return Fenced(process, None)
    ours, theirs = socket.socketpair()
    born = None
    with theirs:
        words = [str(theirs.fileno()), module, *arguments]
        if nursery is not None and isinstance(stdout, int) and isinstance(stderr, int):
            given = (*pass_fds, theirs.fileno())
            born = nursery.start(words, environment, (stdout, stderr), given)
        process = born or subprocess.Popen(
            [*python, __name__, *words],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment),
            pass_fds=(*pass_fds, theirs.fileno()),
            # Ctrl-C reaches the harness alone, which then ends its workers in order.
            start_new_session=True,
        )
    with suppress(OSError):
        ours.sendall(json.dumps(asdict(rules)).encode() + b"\n")
    return Fenced(process, ours)


def surroundings(scratch: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables that make programs keep their own files in a scratch folder.

    Parameters
    ----------
    scratch
        Existing folder.
    known
        The environment as it is.
    """
    home = known.get("HOME", "")
    cache = known.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")  # noqa: PTH118
    places = {
        "HOME": "",
        "TMPDIR": "tmp",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "MPLCONFIGDIR": "matplotlib",
        "NUMBA_CACHE_DIR": "numba",
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
        "TRITON_CACHE_DIR": "triton",
        "CUDA_CACHE_PATH": "cuda",
        "KERAS_HOME": "keras",
        "JOBLIB_TEMP_FOLDER": "tmp",
    }
    # What libraries keep there already, weights above all, stays where it is and can be read.
    drawn = known.get("MPLCONFIGDIR") or os.path.join(cache, "matplotlib")  # noqa: PTH118
    if os.path.isdir(drawn):  # noqa: PTH112
        del places["MPLCONFIGDIR"]  # a list of fonts takes seconds to make
    kept = {
        "MPLCONFIGDIR": drawn,
        "TORCH_HOME": os.path.join(cache, "torch"),  # noqa: PTH118
        "HF_HOME": os.path.join(cache, "huggingface"),  # noqa: PTH118
        "PYTHONUSERBASE": os.path.join(home, ".local"),  # noqa: PTH118
    }
    for folder in places.values():
        os.makedirs(os.path.join(scratch, folder), exist_ok=True)  # noqa: PTH103, PTH118
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    own = {
        name: os.path.join(scratch, folder).rstrip("/")  # noqa: PTH118
        for name, folder in places.items()
    }
    return {**known, **offline, **{n: known.get(n) or p for n, p in kept.items()}, **own}


def weights_places(environment: Mapping[str, str]) -> list[str]:
    """Return the folders from which libraries load weights, and lists of fonts, by themselves."""
    names = ("TORCH_HOME", "HF_HOME", "MPLCONFIGDIR")
    return [environment[name] for name in names if environment.get(name)]


def narrow(writable: Sequence[str]) -> bool:
    """Let this process write to these folders alone, of those that it may write to.

    For the child of a fenced process that does one step; it must have one thread.

    Returns
    -------
    bool
        Whether it holds.
    """
    from harness.execution import landlock

    places = [*writable, "/dev/shm"]  # noqa: S108 - the worker's own
    devices, graphics = readable.devices()
    rules = [(path, landlock.WRITE) for path in places]
    rules += [(path, landlock.USE) for path in (*devices, *graphics)]
    try:
        landlock.restrict(rules, only=landlock.WRITE)
    except OSError:
        return False
    return True


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
        told, tells = os.pipe()
        init = os.fork()
        if init:
            os.close(tells)
            _stand_by(init, line, told, adopts=adopts)
        processes.end_with_parent()
        os.close(told)
        how = "pid namespace"
    allowed, above, veils = _places(rules)
    own = (False, False, len(veils))
    if not refusal:
        own = namespaces.mount_own(veils)
        child = os.fork()
        if child:
            # The first process of its namespace: all others end with it.
            line.close()
            processes.keep_only(tells)
            os.write(tells, str(processes.wait(child)).encode())
            os._exit(0)
        os.close(tells)
    fence = _shut(rules, allowed, above, own, how, missing)
    with suppress(OSError):
        line.sendall(json.dumps(asdict(fence)).encode() + b"\n")
    line.close()


def _stand_by(child: int, line: socket.socket, told: int | None = None, *, adopts: bool) -> None:
    """Wait for the fenced process, end what it left behind, and end in the same way."""
    try:
        kept = [line.fileno()] if told is None else [line.fileno(), told]
        processes.keep_only(*kept)
        status = processes.wait(child, line.fileno())
        if told is not None:
            words = os.read(told, 100)
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
