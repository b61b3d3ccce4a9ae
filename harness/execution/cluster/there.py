"""What is called on a worker: a report of what it is, and the work of one assignment.

Only names travel here and back. The algorithm runs in a process of its own, in its fence and within
its limits, as it does without a cluster.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import HarnessError, UsageError, sentence_of
from harness.execution.bounds import Started
from harness.execution.claims import claimed, read_claim
from harness.execution.cluster.assignments import Assignment, read_assignment
from harness.execution.cluster.sameness import (
    Difference,
    Expected,
    Question,
    Report,
    differences,
    own_device,
    pictures_changed,
    report,
)
from harness.execution.cluster.settings import Roots, mapped
from harness.execution.conversation import remove_leftovers
from harness.execution.devices import lacking
from harness.execution.doing import Doing, Event, Stopped
from harness.execution.journal import Journal
from harness.execution.keeping import Workplace, do
from harness.execution.nursery import Nursery
from harness.execution.spot_checks import Checked, check_answers
from harness.execution.variables import variables
from harness.plugins.places import bundled
from harness.plugins.registry import Plugin, home_of
from harness.plugins.sources import libraries

BUNDLED = ("algorithms", "protocols", "fixtures")
"""Folders of the harness itself, which lie wherever it is installed."""

DONE, FAILED, FAULT, REFUSED, LOST, UNSEEN, STOPPED = (
    *("done", "failed", "fault", "refused", "lost", "unseen", "stopped"),
)
"""What can become of an assignment."""


class Outcome(msgspec.Struct, omit_defaults=True):
    """What became of an assignment; what was made lies in the run folder.

    Parameters
    ----------
    what
        One of the words above. ``lost`` says that another worker died of it before.
    host
        Where.
    text, code
        Why it failed.
    rows
        What is not the same there.
    steps
        Hashes of what was stored, by ``unit/step``.
    checked
        Of answers that were given again.
    """

    what: str
    host: str
    text: str = ""
    code: int = 3
    rows: list[Difference] = []
    steps: dict[str, str] = {}
    checked: Checked | None = None


def dask_setup(worker: Any) -> None:
    """Leave Ctrl+C to the process that leads the run; Dask calls this in workers started here."""
    # Not SIG_IGN, which the processes of an algorithm would inherit.
    signal.signal(signal.SIGINT, lambda number, frame: None)


def tell(question: bytes, roots: Roots) -> bytes:
    """Say what this worker is; a `Question` and a `Report` as JSON."""
    return msgspec.json.encode(_reported(question, _known_here(roots)))


def work(run: str, name: str, token: str, roots: Roots, patience: float) -> bytes:
    """Do an assignment, and return an `Outcome` as JSON.

    Parameters
    ----------
    run
        Its folder, as the machine that leads the run calls it.
    name, token
        Of the assignment, and of this turn.
    roots
        What its folders are called here.
    patience
        Seconds in which the assignment has to be seen here.
    """
    _clean_up()
    host = socket.gethostname()
    here = _known_here(roots)
    place = Path(mapped(run, here))
    try:
        assigned = read_assignment(place, name, token, here, patience)
    except (OSError, LookupError, msgspec.DecodeError) as reason:
        found = Outcome(UNSEEN, host, str(reason))
    except UsageError as reason:
        found = _unusable(name, host, reason)
    else:
        try:
            found = _worked(place, assigned, roots, host)
        except Stopped:
            found = Outcome(STOPPED, host)
        except HarnessError as reason:
            found = Outcome(FAILED, host, str(reason), reason.exit_code)
        except OSError as reason:
            found = Outcome(FAILED, host, sentence_of(reason))
        except Exception:
            # Whatever it is, it travels as words: not every exception can.
            found = Outcome(FAULT, host, traceback.format_exc(limit=-20))
    return msgspec.json.encode(found)


def look(run: str, name: str, token: str, roots: Roots, patience: float) -> bytes:
    """Say whether this worker is what an assignment needs; as `work`, but for the work."""
    host = socket.gethostname()
    here = _known_here(roots)
    try:
        assigned = read_assignment(Path(mapped(run, here)), name, token, here, patience)
    except (OSError, LookupError, msgspec.DecodeError) as reason:
        return msgspec.json.encode(Outcome(UNSEEN, host, str(reason)))
    except UsageError as reason:
        return msgspec.json.encode(_unusable(name, host, reason))
    return msgspec.json.encode(Outcome(REFUSED, host, rows=_odd(assigned, roots, host)))


def _unusable(name: str, host: str, reason: UsageError) -> Outcome:
    """Say that the program of an assignment cannot be started on this machine."""
    return Outcome(REFUSED, host, rows=[Difference(host, name, "can be used", str(reason))])


def _worked(run: Path, assigned: Assignment, roots: Roots, host: str) -> Outcome:
    rows = _odd(assigned, roots, host)
    if rows:
        return Outcome(REFUSED, host, rows=rows)
    hidden = tuple(Path(folder) for folder in assigned.hidden)
    with _nursery(assigned) as nursery, _own_turn(bool(assigned.device)):
        forking = () if nursery is None else (nursery,)
        if not assigned.check:
            return _done(
                run, assigned, Workplace(run, hidden, forking, durable=assigned.durable), host
            )
        place = Workplace(run, hidden, forking)
        place.journal = Journal.of(run, assigned.journal)
        doing = Doing(assigned.threads, Started.now(assigned.bounds()), threading.Event(), _nobody)
        return Outcome(DONE, host, checked=check_answers(assigned.units, place, lambda unit: doing))


def _done(run: Path, assigned: Assignment, place: Workplace, host: str) -> Outcome:
    (unit,) = assigned.units
    folder = place.folder(unit)
    before = read_claim(folder)
    if before is not None and before.token == assigned.token:
        return Outcome(LOST, host, f"{before.host}:{before.process}")
    stop = threading.Event()
    with claimed(folder, assigned.token, stop.set) as claim:
        hear = claim.passing(lambda event: None)
        place.journal = Journal(run, unit.name)
        place.journal.add(assigned.journal)
        doing = Doing(
            assigned.threads,
            Started.now(assigned.bounds()),
            stop,
            lambda step, done, total, note: hear(Event(unit.name, step, done, total, note)),
        )
        do(unit, place, doing)
        return Outcome(DONE, host, steps=place.journal.hashes())


def _odd(assigned: Assignment, roots: Roots, host: str) -> list[Difference]:
    """Return what of this worker is not what an assignment needs."""
    here = _known_here(roots)
    rows: list[Difference] = []
    for expected in assigned.expected:
        rows += _compared(msgspec.json.encode(expected), here)
    if why := lacking(assigned.device):
        rows.append(Difference(host, f"device {assigned.device}", "asked for", why))
    return rows or pictures_changed(assigned.pictures, host)


@cache
def _compared(expected: bytes, roots: Roots) -> list[Difference]:
    wanted = msgspec.json.decode(expected, type=Expected)
    return differences(wanted, _reported(wanted.question.key, roots))


@cache
def _reported(question: bytes, roots: Roots) -> Report:
    return report(msgspec.json.decode(question, type=Question), roots)


def bundled_roots() -> Roots:
    """Return the folders of the harness itself, to be called by their names wherever it is."""
    return tuple((str(bundled(name)), f"bundled:{name}") for name in BUNDLED)


def _known_here(roots: Roots) -> Roots:
    return tuple(
        (local, str(bundled(remote.removeprefix("bundled:"))))
        if remote.startswith("bundled:")
        else (local, remote)
        for local, remote in roots
    )


@cache
def _clean_up() -> None:
    """Remove what workers that were killed left, and keep to one device; once for a process."""
    remove_leftovers()
    if own_device():
        os.environ["CUDA_VISIBLE_DEVICES"] = own_device()


_TURN = threading.Lock()


@contextmanager
def _own_turn(gpu: bool) -> Iterator[None]:
    """Have one unit at a time on a worker's device, however many threads the worker has."""
    if not gpu:
        yield
        return
    with _TURN:
        yield


_nurseries: dict[tuple[str, int], Nursery] = {}
_busy: dict[tuple[str, int], int] = {}
_choosing = threading.Lock()


@contextmanager
def _nursery(assigned: Assignment) -> Iterator[Nursery | None]:
    """Give what forks the processes of an algorithm; it stays for the next unit of the same."""
    unit = assigned.units[0]
    key = (unit.file, assigned.threads)
    with _choosing:
        for other in [one for one in _nurseries if one != key and not _busy.get(one)]:
            _nurseries.pop(other).close()
        if key not in _nurseries:
            home = home_of(Plugin(unit.algorithm, Path(unit.file), unit.attribute, unit.module))
            names = {name for one in assigned.expected for name in one.files}
            python = [home / name for name in names if name.endswith(".py")]
            wanted = libraries([file for file in python if file.is_file()])
            _nurseries[key] = Nursery(Path(unit.file), wanted, variables(assigned.threads))
        _busy[key] = _busy.get(key, 0) + 1
        found = _nurseries[key]
    try:
        yield found
    finally:
        with _choosing:
            _busy[key] -= 1


def _nobody(step: str, done: int, total: int, note: str) -> None:
    """Hear of progress, and do nothing."""
