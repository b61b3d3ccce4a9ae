"""Who is at work on a unit, and how far: a small file in its folder, there for as long as that.

Whoever sees the run folder can read it: `harness status`, and the process that leads a run whose
units are done elsewhere. The file is written anew every few seconds, so one that is not was left by
a process that died. A unit that is given to somebody else is claimed anew: who finds another's
claim in the place of its own, or none, has lost the unit and stops.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import HarnessError
from harness.execution.doing import Event, Listener, Stopped

CLAIM = "claim.json"

BEAT = 5.0
"""Seconds between two times that a claim is written."""

SILENT = 12 * BEAT
"""Seconds after which whoever wrote a claim is taken for dead."""


class Claim(msgspec.Struct, omit_defaults=True):
    """Who is at work on a unit.

    Parameters
    ----------
    host, process
        Where, and its number there.
    since, at
        When it was begun, and when this was written: seconds since 1970 by that machine's clock.
    token
        Of this turn; empty where nobody else is given the unit.
    step, done, total
        How far it is.
    failed
        Why it failed; empty while it is at work.
    """

    host: str
    process: int
    since: float
    at: float = 0.0
    token: str = ""
    step: str = ""
    done: int = 0
    total: int = 0
    failed: str = ""


class Held:
    """A claim that this process holds.

    Parameters
    ----------
    folder
        Of the unit.
    token
        Of this turn.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self._file = folder / CLAIM
        self.claim = Claim(socket.gethostname(), os.getpid(), time.time(), token=token)

    def passing(self, listen: Listener) -> Listener:
        """Return what takes note of how far the unit is, and passes it on."""

        def heard(event: Event) -> None:
            claim = self.claim
            claim.step, claim.done, claim.total = event.step, event.done, event.total
            listen(event)

        return heard

    def write(self) -> None:
        """Say how far it is."""
        self.claim.at = time.time()
        write_whole(self._file, msgspec.json.encode(self.claim))

    def is_lost(self) -> bool:
        """Return whether the unit is somebody else's by now."""
        found = read_claim(self._file.parent)
        return found is None or found.token != self.claim.token

    def end(self) -> None:
        """Take the file away, unless it is another's."""
        if not self.is_lost():
            self._file.unlink(missing_ok=True)


@contextmanager
def claimed(
    folder: Path, token: str = "", lost: Callable[[], None] | None = None
) -> Iterator[Held]:
    """Say that this process is at work on a unit, until the block ends.

    Parameters
    ----------
    folder
        Of the unit; it is made.
    token
        Of this turn, where the unit can be given to somebody else.
    lost
        Called, in another thread, once that has happened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = Held(folder, token)
    held.write()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            with suppress(OSError):  # a disk that is full is told of by whoever stores something
                if lost is not None and held.is_lost():
                    lost()
                    return
                held.write()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield held
    except Stopped:
        raise
    except (HarnessError, OSError) as reason:
        over.set()
        thread.join()
        held.claim.failed = str(reason)
        with suppress(OSError):
            if lost is None or not held.is_lost():
                held.write()
        raise
    finally:
        over.set()
        thread.join()
        if not held.claim.failed:
            held.end()


def read_claim(folder: Path) -> Claim | None:
    """Return who is, or was, at work on the unit of a folder, if anybody is known to be."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder / CLAIM).read_bytes(), type=Claim)
    return None


def remove_claim(folder: Path) -> None:
    """Take a unit from whoever is at work on it, or failed at it."""
    (folder / CLAIM).unlink(missing_ok=True)
