"""A process that has imported the libraries of an algorithm, and forks its workers.

Every step of a unit has a process of its own, and torch takes seconds to import. So the libraries
that stand in the imports of an algorithm are imported once for a run, in a process that never sees
the algorithm, a picture or a truth; workers are forked from it, and put up their fence before they
import the algorithm. What one of them does is seen by none of the others.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from harness.execution import fence

SAFE = ("numpy", "PIL", "cv2", "sklearn", "onnxruntime", "torch")
"""Modules that may be imported before a fork: importing them starts no work and reads no folder
that differs from worker to worker. TensorFlow and Keras are not among them."""

COMMON = ("harness.execution.steps", "harness.execution.environment", "harness.execution.fence")
"""What every worker imports before its algorithm."""

PATIENCE = 300.0
"""Seconds that it may take to import its libraries; workers start without it then."""

_LARGEST = 1 << 17  # bytes of a message
_MOST_FDS = 8


class Nursery:
    """The process, seen from the harness: it starts workers, and reports those that ended.

    It is started with the first worker, and where it cannot be, a worker starts without it.

    Parameters
    ----------
    plugin
        File of the algorithm whose workers it forks.
    libraries
        Modules to import; those that are not in `SAFE` are left to the workers.
    environment
        Of the process; a worker has its own.
    """

    def __init__(
        self, plugin: Path, libraries: Iterable[str], environment: Mapping[str, str]
    ) -> None:
        wanted = set(libraries)
        self.plugin = plugin
        self._modules = [name for name in SAFE if name in wanted]
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._life = -1
        self._told = threading.Condition()
        self._asking = threading.Lock()
        self._born: list[int] = []
        self._ended: dict[int, int] = {}
        self._gone = sys.platform != "linux"

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: tuple[int, int],
        pass_fds: Sequence[int],
    ) -> Born | None:
        """Fork a worker, or return None where that cannot be done.

        Parameters
        ----------
        arguments
            Of `harness.execution.fence`; numbers of `pass_fds` in them become those of the worker.
        environment
            Of the worker, whole.
        output
            Descriptors of its standard output and error.
        pass_fds
            Further descriptors that it gets.
        """
        with self._asking:
            line = self._ready()
            if line is None:
                return None
            places = {str(number): f"#{i}" for i, number in enumerate(pass_fds)}
            words = [places.get(word, word) for word in arguments]
            text = json.dumps({"arguments": words, "environment": dict(environment)}).encode()
            known = len(self._born)
            try:
                socket.send_fds(line, [text], [*output, *pass_fds])
            except OSError:  # too long for one message, or nobody there
                return None
            with self._told:
                self._told.wait_for(lambda: self._gone or len(self._born) > known, PATIENCE)
                if len(self._born) > known:
                    return Born(self, self._born[known])
            self.close()  # what it forks too late ends when its line does
            return None

    def close(self) -> None:
        """End the process; its workers end when their own lines do."""
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
            self._line.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def code_of(self, number: int, timeout: float | None) -> int | None:
        """Return the exit code of a worker as `subprocess` writes it; None while it is there."""
        with self._told:
            self._told.wait_for(lambda: self._gone or number in self._ended, timeout)
            return self._ended.get(number, -signal.SIGKILL if self._gone else None)

    def kill(self, number: int) -> None:
        """Have a worker killed with its process group, if it is still there."""
        if self._line is not None:
            with suppress(OSError):
                self._line.send(json.dumps({"kill": number}).encode())

    def _ready(self) -> socket.socket | None:
        if self._gone or self._line is not None:
            return None if self._gone else self._line
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        life, self._life = os.pipe()
        with theirs, os.fdopen(life, "rb"):
            numbers = [theirs.fileno(), life]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, *map(str, numbers), *self._modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._environment,
                pass_fds=numbers,
                start_new_session=True,
            )
        self._line = ours
        threading.Thread(target=self._listen, args=(ours,), daemon=True).start()
        return ours

    def _listen(self, line: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while words := line.recv(_LARGEST):
                said = json.loads(words)
                with self._told:
                    if "born" in said:
                        self._born.append(said["born"])
                    else:
                        self._ended[said["ended"]] = said["code"]
                    self._told.notify_all()
        with self._told:
            self._gone = True
            self._told.notify_all()


class Born:
    """A worker that a nursery forked, with what the harness uses of `subprocess.Popen`."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None

    def __init__(self, nursery: Nursery, number: int) -> None:
        self._nursery, self.pid = nursery, number
        self.returncode: int | Any = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it is there."""
        if self.returncode is None:
            self.returncode = self._nursery.code_of(self.pid, 0)
        return None if self.returncode is None else int(self.returncode)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it is still there after so many seconds.
        """
        if self.returncode is None:
            self.returncode = self._nursery.code_of(self.pid, timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        return int(self.returncode)

    def kill_group(self) -> None:
        """Have it killed with its process group."""
        self._nursery.kill(self.pid)


def main(arguments: Sequence[str]) -> None:
    """Import modules and fork workers until the harness closes the line.

    Parameters
    ----------
    arguments
        Numbers of the line's descriptor and of a pipe's that the harness holds open as long as it
        lives, and the modules.
    """
    line, life = socket.socket(fileno=int(arguments[0])), int(arguments[1])
    _end_with(life)
    for name in (*COMMON, *arguments[2:]):
        with suppress(ImportError):  # a worker will say so where it matters
            importlib.import_module(name)
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    alive: set[int] = set()
    while True:
        ready = select.select([line.fileno(), woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
        _reap(line, alive)
        if line.fileno() not in ready:
            continue
        text, given, _, _ = socket.recv_fds(line, _LARGEST, _MOST_FDS)
        if not text:
            os._exit(0)
        wish = json.loads(text)
        if "kill" in wish:
            # Reaped here alone, so that the number is still its own.
            if wish["kill"] in alive:
                for kill in (os.killpg, os.kill):  # it may not lead a group yet
                    with suppress(OSError):
                        kill(wish["kill"], signal.SIGKILL)
            continue
        number = os.fork()
        if number == 0:
            line.close()
            for descriptor in (life, woken, wakes):
                os.close(descriptor)
            _live(wish, given)
        for descriptor in given:
            os.close(descriptor)
        alive.add(number)
        line.send(json.dumps({"born": number}).encode())


def _end_with(life: int) -> None:
    """Have the kernel end this process when the other end of a pipe closes.

    Whatever it does then: loading a library is one long call, during which Python sees nothing.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([life], [], [], 0)[0]:  # closed before that
        os._exit(0)


def _reap(line: socket.socket, alive: set[int]) -> None:
    """Say which workers have ended, and how."""
    for number in list(alive):
        ended, status = os.waitpid(number, os.WNOHANG)
        if ended:
            alive.discard(number)
            code = os.waitstatus_to_exitcode(status)
            line.send(json.dumps({"ended": number, "code": code}).encode())


def _live(wish: dict[str, Any], given: Sequence[int]) -> NoReturn:
    """Be a worker: what `python -m harness.execution.fence` does, in this forked process."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.dup2(given[0], 1)
        os.dup2(given[1], 2)
        for descriptor in given[:2]:
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(wish["environment"])
        tempfile.tempdir = None  # it follows from the environment
        numbers = {f"#{i}": str(descriptor) for i, descriptor in enumerate(given[2:])}
        fence.main([numbers.get(word, word) for word in wish["arguments"]])
        code = 0
    except SystemExit as end:  # as the interpreter does at its end
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
