"""Units of a matching carried by Dask: what workers are held to, and what each is given.

A unit is a folder that workers see; what travels are its name and, back, what went wrong. Whether
one was done is read from its folder by whoever asked for it (`harness.matching.sharded`).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from harness.errors import HarnessError, RunFailed, UsageError, sentence_of
from harness.execution.cluster import there
from harness.execution.cluster.connecting import Connection
from harness.execution.cluster.sameness import (
    Expected,
    Question,
    Report,
    differences,
    refusal,
)
from harness.execution.cluster.settings import ClusterSettings, Roots, mapped
from harness.execution.environment import environment_of_process, harness_version
from harness.execution.matched import do_claimed
from harness.matching.units import DONE
from harness.plugins.sources import score_makers


class Fault(msgspec.Struct, omit_defaults=True):
    """What went wrong with a unit; nothing if it was done."""

    text: str = ""
    code: int = 0


class CarriedUnits:
    """Has units of a matching done by the workers of a cluster.

    Parameters
    ----------
    connection
        To the cluster.
    settings
        What the user says about it.
    progress
        Called as ``progress(what, units done, units in all)``.
    """

    def __init__(
        self,
        connection: Connection,
        settings: ClusterSettings,
        progress: Callable[[str, int, int], None],
    ) -> None:
        self._connection, self._settings, self._progress = connection, settings, progress
        self._roots: Roots = (*there.bundled_roots(), *settings.roots)
        self._alike = False

    def __call__(self, what: str, folders: Sequence[Path]) -> None:
        """Have the units in some folders done; what a worker dies of is left undone.

        Raises
        ------
        UsageError
            If a worker differs from this machine, or from the others, in what can change a number.
        HarnessError
            What a unit says is wrong.
        """
        if not self._alike:
            self._look_alike()
        futures = [
            (self._connection.submit(do_there, str(folder.absolute()), self._roots), folder)
            for folder in folders
        ]
        self._progress(what, 0, len(folders))
        try:
            for done, (future, folder) in enumerate(futures, start=1):
                answer = self._connection.result(future)
                if answer is not None:
                    fault = msgspec.json.decode(answer, type=Fault)
                    if fault.text:
                        raise _raised(fault)
                    self._wait_for(folder / DONE)
                self._progress(what, done, len(folders))
        finally:
            self._connection.cancel(future for future, _ in futures)

    def _look_alike(self) -> None:
        """Refuse workers that would not give the same bits."""
        answers = self._connection.on_each(tell)
        reports = [msgspec.json.decode(answer, type=Report) for answer in answers]
        reports.sort(key=lambda one: (one.host, one.worker))
        nothing = Question("", "", "", "", "", {}, None, (), 0.0, 0)
        expected = Expected(
            nothing,
            harness_version(),
            score_makers(),
            {},
            reports[0].environment,
            self._settings.mixed,
        )
        rows = [row for one in reports for row in differences(expected, one)]
        if rows:
            raise refusal(rows)
        self._alike = True

    def _wait_for(self, path: Path) -> None:
        """Wait until a file that another machine wrote is seen on this one."""
        end = time.monotonic() + self._connection.unseen
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.1)


def tell() -> bytes:
    """Say what this worker is; a `Report` as JSON."""
    environment = environment_of_process()
    # What else a worker has loaded for other work makes no score.
    libraries = {k: v for k, v in environment.libraries.items() if k == "numpy"}
    return msgspec.json.encode(
        Report(
            socket.gethostname(),
            str(os.getpid()),
            harness_version(),
            score_makers(),
            environment=msgspec.structs.replace(environment, libraries=libraries),
        )
    )


def do_there(folder: str, roots: Roots) -> bytes:
    """Do a unit, and return a `Fault` as JSON.

    Parameters
    ----------
    folder
        Of the unit, as the machine that leads the matching calls it.
    roots
        What its folders are called here.
    """
    try:
        do_claimed(Path(mapped(folder, roots)), called=lambda path: mapped(path, roots))
    except HarnessError as reason:
        fault = Fault(f"{reason}\n  on {socket.gethostname()}", reason.exit_code)
    except OSError as reason:
        fault = Fault(f"{sentence_of(reason)}\n  on {socket.gethostname()}", 3)
    except MemoryError:
        fault = Fault(f"{folder}: there is not enough memory\n  on {socket.gethostname()}", 3)
    else:
        fault = Fault()
    return msgspec.json.encode(fault)


def _raised(fault: Fault) -> HarnessError:
    kind = UsageError if fault.code == UsageError.exit_code else RunFailed
    return kind(fault.text)
