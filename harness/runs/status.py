"""How far runs are, read from their files alone: from any terminal that sees their folders."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import BadFile, Damaged, visible
from harness.execution.claims import CLAIM, SILENT, Claim
from harness.execution.journal import JOURNAL
from harness.execution.storage import STEP_FILE
from harness.execution.unit import MODEL, SCORES, TEMPLATES, Unit
from harness.matching.units import PLAN as SHARDS
from harness.matching.units import UNIT, done_in
from harness.record import record
from harness.record.files import read_json

PLAN = "plan.json"
"""In an unfinished run folder: the names of its units, and the steps of each."""


MATCHING = ".unfinished"
"""How the folder of a matching ends until its run is there."""


class PlannedUnit(msgspec.Struct):
    """A unit by its name, and the steps that it consists of."""

    name: str
    steps: list[str]


class Plan(msgspec.Struct):
    """What a run consists of.

    Parameters
    ----------
    waves
        Units; those of one wave can be done at the same time.
    workers
        Units that are done at a time, as far as that is known before.
    """

    waves: list[list[PlannedUnit]]
    workers: int


class AtWork(msgspec.Struct):
    """A unit that somebody is at work on, or that failed.

    Parameters
    ----------
    unit, step, done, total
        Which, and how far.
    host, process
        Where.
    seconds
        Since it was begun there.
    silent
        Seconds since it was last heard of.
    failed
        Why it failed; empty while it is at work.
    """

    unit: str
    step: str
    done: int
    total: int
    host: str
    process: int
    seconds: float
    silent: float
    failed: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether whoever is at work on it was not heard of for too long."""
        return not self.failed and self.silent > SILENT


class Status(msgspec.Struct):
    """How far a run is.

    Parameters
    ----------
    folder
        Of the run.
    units, done, waiting
        All of them, those that are done, and those that nobody has begun.
    running, failed
        The others.
    hosts
        Units that are done, by the machine on which they were.
    seconds
        Until the last unit is done, by how long others took; None where none is done.
    note
        What is not among its units yet.
    """

    folder: str
    units: int
    done: int
    waiting: int
    running: list[AtWork]
    failed: list[AtWork]
    hosts: dict[str, int]
    seconds: float | None
    note: str = ""


class _Step(msgspec.Struct):
    seconds: float = 0.0
    host: str = ""


def write_plan(folder: Path, waves: Sequence[Sequence[Unit]], workers: int) -> None:
    """Say in a run folder what the run consists of; nothing that is true of an image is in it."""
    plan = Plan([[PlannedUnit(u.name, _steps(u)) for u in wave] for wave in waves], workers)
    write_whole(folder / PLAN, msgspec.json.encode(plan))


def remove_plan(folder: Path) -> None:
    """Take away what `write_plan` wrote."""
    (folder / PLAN).unlink(missing_ok=True)


def unfinished_runs(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the unfinished run folders among, and below, some folders."""
    yield from _holding(places, PLAN)


def unfinished_matchings(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders of ``harness match`` that are not finished among, and below, some."""
    for folder in _holding(places, SHARDS):
        if folder.name.endswith(MATCHING):
            yield folder


def finished_runs(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the finished ones."""
    for folder in _holding(places, record.CHECKSUMS):
        if (folder / record.MANIFEST).is_file():
            yield folder


def _holding(places: Iterable[Path], name: str) -> Iterator[Path]:
    for place in places:
        for depth in ("", "*/", "*/*/"):
            yield from sorted(file.parent for file in place.glob(f"{depth}{name}"))


def status_of(folder: Path) -> Status:
    """Return how far an unfinished run is.

    Raises
    ------
    Damaged
        If its plan cannot be read, or the run was finished meanwhile.
    """
    plan = read_json(folder, PLAN, Plan)
    for name in {name for wave in plan.waves for one in wave for name in (one.name, *one.steps)}:
        if Path(name).name != name or name in ("", ".."):
            raise BadFile(folder / PLAN, f"names {visible(name)!r}, which is no unit or step")
    noted = set(_noted(folder))
    seconds: dict[int, list[float]] = defaultdict(list)
    hosts: Counter[str] = Counter()
    running, failed, left = list[AtWork](), list[AtWork](), list[tuple[int, float]]()
    units = [(i, unit) for i, wave in enumerate(plan.waves) for unit in wave]
    for i, unit in units:
        own = {f"{unit.name}/{step}" for step in unit.steps}
        if own <= noted or own <= noted | set(_noted(folder / "units" / unit.name)):
            steps = [_step(folder, unit.name, step) for step in unit.steps]
            seconds[i].append(sum(step.seconds for step in steps))
            hosts[next((step.host for step in steps if step.host), "unknown")] += 1
            continue
        claim = _at_work(folder, unit.name)
        if claim is None:
            left.append((i, 0.0))
        elif claim.failed:
            failed.append(claim)
            left.append((i, 0.0))
        else:
            running.append(claim)
            left.append((i, claim.seconds))
    return _summed(folder, seconds, hosts, running, failed, left, workers=plan.workers)


def status_of_matching(folder: Path) -> Status:
    """Return how far an unfinished matching is, by the units that are laid out.

    Parameters
    ----------
    folder
        As `unfinished_matchings` yields it.
    """
    seconds: dict[int, list[float]] = defaultdict(list)
    hosts: Counter[str] = Counter()
    running, failed, left = list[AtWork](), list[AtWork](), list[tuple[int, float]]()
    kinds: list[str] = []
    names = sorted(path.parent.name for path in folder.glob(f"units/*/{UNIT}"))
    for name in names:
        kind = name.rstrip("-0123456789")
        kinds += [] if kind in kinds else [kind]
        wave = kinds.index(kind)
        with suppress(OSError):  # it was finished meanwhile
            done = done_in(folder / "units" / name)
            if done is not None:
                seconds[wave].append(done.seconds)
                hosts[done.host] += 1
                continue
        claim = _at_work(folder, name)
        left.append((wave, claim.seconds if claim is not None and not claim.failed else 0.0))
        if claim is not None:
            (failed if claim.failed else running).append(claim)
    comparing = any(kind.startswith("count") for kind in kinds)
    found = _summed(folder, seconds, hosts, running, failed, left, workers=1)
    found.note = "" if comparing else "what compares is laid out once these are done"
    return found


def _summed(
    folder: Path,
    seconds: dict[int, list[float]],
    hosts: Mapping[str, int],
    running: list[AtWork],
    failed: list[AtWork],
    left: list[tuple[int, float]],
    *,
    workers: int,
) -> Status:
    """Return what units come to: seconds of those done and left by wave; `workers` if none is."""
    done = sum(map(len, seconds.values()))
    return Status(
        folder=str(folder),
        units=done + len(left),
        done=done,
        waiting=len(left) - len(running) - len(failed),
        running=running,
        failed=failed,
        hosts=dict(sorted(hosts.items())),
        seconds=_left(left, seconds, len(running) or workers),
    )


def _left(
    left: Sequence[tuple[int, float]], seconds: dict[int, list[float]], at_a_time: int
) -> float | None:
    """Return how long units take that are left, by those that are done.

    Parameters
    ----------
    left
        The wave of each, and the seconds that it has been at work.
    seconds
        Those of units that are done, by their wave.
    at_a_time
        Units that are done at a time.
    """
    known = [one for each in seconds.values() for one in each]
    if not known:
        return None
    found = 0.0
    for wave, spent in left:
        found += max(0.0, fmean(seconds[wave] if seconds.get(wave) else known) - spent)
    return found / max(1, min(at_a_time, len(left)))


def _steps(unit: Unit) -> list[str]:
    asked = {MODEL: unit.training is not None, TEMPLATES: bool(unit.extract), SCORES: unit.score}
    return [step for step, wanted in asked.items() if wanted]


def _noted(folder: Path) -> dict[str, str]:
    with suppress(Damaged):
        return read_json(folder, JOURNAL, dict[str, str])
    return {}


def _step(folder: Path, unit: str, step: str) -> _Step:
    with suppress(Damaged):
        return read_json(folder, f"units/{unit}/{step}/{STEP_FILE}", _Step, partly=True)
    return _Step()


def _at_work(folder: Path, unit: str) -> AtWork | None:
    name = f"units/{unit}/{CLAIM}"
    with suppress(Damaged, OSError):
        claim = read_json(folder, name, Claim)
        written = (folder / name).stat().st_mtime
        return AtWork(
            unit=unit,
            step=claim.step,
            done=claim.done,
            total=claim.total,
            host=claim.host,
            process=claim.process,
            seconds=max(0.0, claim.at - claim.since),
            silent=max(0.0, time.time() - written),
            failed=claim.failed,
        )
    return None
