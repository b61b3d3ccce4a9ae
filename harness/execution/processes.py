"""Ending a process with all that it started, however it hid: sessions, daemons, twenty children."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PATIENCE = 5.0
"""Seconds in which killed processes must have gone; one in the kernel's hands may take longer."""


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends; return whether that worked."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> bool:
    """Be killed when the thread that started this process ends; return whether that worked."""
    return _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def end_descendants() -> bool:
    """Kill and reap every descendant of a process that has called `adopt_orphans`.

    Returns
    -------
    bool
        Whether none is left.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        for child in _children():
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            # A killed child hands its own children to us; so on until there is nobody to wait for.
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        time.sleep(0.001)
    return False


def wait(child: int, life: int | None = None) -> int:
    """Wait for a child, reaping orphans, and return its wait status.

    Parameters
    ----------
    life
        Reading end of a pipe. When its other end closes, because the harness has closed it or has
        been killed, the child is killed.
    """
    if life is not None:
        _until_ended(child, life)
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            return status


def end_like(status: int) -> None:
    """End this process with the exit code, or by the signal, of a wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        with suppress(OSError):
            os.kill(os.getpid(), number)
            time.sleep(0.1)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


def keep_only(*descriptors: int) -> None:
    """Close every descriptor but these, so that the ends of pipes are seen by who reads them."""
    low = 0
    for kept in (*sorted(set(descriptors)), os.sysconf("SC_OPEN_MAX")):
        os.closerange(low, kept)
        low = kept + 1


def _until_ended(child: int, life: int) -> None:
    """Return when the child has ended; kill it when the pipe closes."""
    poll = select.poll()
    poll.register(life, select.POLLIN | select.POLLHUP)
    step: int | None = 50
    with suppress(OSError, AttributeError):
        poll.register(os.pidfd_open(child), select.POLLIN)
        step = None
    while True:
        for place, _ in poll.poll(step):
            if place == life:
                with suppress(OSError):
                    os.kill(child, signal.SIGKILL)
            return
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return


def _children() -> list[int]:
    """List the children of this process, by their numbers in its own namespace."""
    own = _in_proc()
    found = []
    for folder in Path("/proc").iterdir() if own else ():
        if folder.name.isdecimal():
            with suppress(OSError, ValueError):
                lines = (folder / "status").read_text(errors="replace").splitlines()
                facts = dict(line.split(":", 1) for line in lines if ":" in line)
                if int(facts["PPid"]) == own:
                    numbers = facts.get("NSpid", facts["Pid"]).split()
                    found.append(int(numbers[-1]))
    return found


def _in_proc() -> int:
    """Return this process's number as /proc, which may be of another namespace, shows it."""
    with suppress(OSError, ValueError):
        return int(str(Path("/proc/self").readlink()))
    return 0


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    answer: Callable[..., int] = ctypes.CDLL(None).prctl
    return answer(option, value, 0, 0, 0) == 0
