"""What a run would do, before anything of it is done: behind ``harness run --dry-run``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from harness.data.records import Fold
from harness.execution.keeping import Workplace, is_done
from harness.execution.plan import compared_in, plan
from harness.execution.pool import Limits
from harness.execution.unit import Unit
from harness.record import record
from harness.record.manifest import Step
from harness.runs.attacking import retouching_units
from harness.runs.composing import Composing
from harness.runs.preparing import Prepared

__all__ = ["Earlier", "FoldPlan", "RunPlan", "planned"]


class FoldPlan(msgspec.Struct):
    """One fold: pictures learned from, judged and searched, and comparisons to be made."""

    name: str
    learned: int
    probes: int
    gallery: int
    comparisons: int


class Earlier(msgspec.Struct):
    """A finished run that tells how long this one may take.

    Parameters
    ----------
    folder
        Where it lies.
    work
        Seconds of all its workers together.
    same
        Whether it had the same parameters, apart from the seed.
    """

    folder: str
    work: float
    same: bool


class RunPlan(msgspec.Struct):
    """What one run would do.

    Parameters
    ----------
    protocol, algorithm, seed
        What would be run.
    folder, state
        Where, and whether it is ``new``, ``begun`` or ``finished`` there.
    learns
        Whether the algorithm is fitted.
    images
        Different pictures that are touched.
    folds
        What each asks.
    units, done
        Parts that the work is done in, and how many of them are done already.
    kept
        What would be in the folder afterwards, beside numbers and report.
    attack
        Who retouches the probes first.
    seconds
        About how long, by an earlier run and the number of workers; None where there is none.
    earlier
        That run.
    """

    protocol: str
    algorithm: str
    seed: int
    folder: str
    state: str
    learns: bool
    images: int
    folds: list[FoldPlan]
    units: int
    done: int
    kept: list[str]
    attack: str = ""
    seconds: float | None = None
    earlier: Earlier | None = None


class _Origin(msgspec.Struct):
    data_hash: str
    folds: list[str]
    parameters: dict[str, Any]


class _EarlierManifest(msgspec.Struct):
    origin: _Origin
    steps: list[Step]


def planned(run: Prepared, limits: Limits) -> RunPlan:
    """Return what a run would do with workers under these limits; nothing is started or written."""
    judged = run.judged
    waves = (
        Composing(run.entry, judged, Workplace(run.folder), limits).planned
        if run.entry.parts
        else plan(run.entry, judged, limits)
    )
    if run.attack is not None:
        asked = retouching_units(run.attack, judged.dataset, judged.folds, judged.protocol)
        waves = [[unit for unit, _ in asked], *waves]
    units = [unit for wave in waves for unit in wave]
    finished = run.is_finished
    done = len(units) if finished else _done(run.folder, units)
    begun = any((run.folder / sign).exists() for sign in record.SIGNS)
    earlier = None if finished else _earlier(run)
    return RunPlan(
        judged.name,
        run.entry.plugin.name,
        run.seed,
        str(run.folder),
        "finished" if finished else "begun" if begun else "new",
        run.entry.description.learns,
        len(judged.names),
        [_of_fold(fold) for fold in judged.folds],
        len(units),
        done,
        _kept(units),
        "" if run.attack is None else run.attack.label,
        _about(earlier, waves, limits, len(units) - done),
        earlier,
    )


def _done(folder: Path, units: list[Unit]) -> int:
    if not folder.is_dir():
        return 0
    place = Workplace(folder)
    return sum(is_done(unit, place) for unit in units)


def _of_fold(fold: Fold) -> FoldPlan:
    listed = compared_in(fold)
    pairs = sum(map(len, listed)) if listed else len(fold.probes) * len(fold.gallery)
    return FoldPlan(fold.name, len(fold.train), len(fold.probes), len(fold.gallery), pairs)


def _kept(units: list[Unit]) -> list[str]:
    found = []
    if any(unit.training is not None for unit in units):
        found.append("what each fit learned")
    if any(unit.extract for unit in units):
        found.append("templates")
    if any(unit.matching is not None for unit in units):
        found.append("ranks, candidate lists and error rates (so many scores are not kept)")
    elif any(unit.score for unit in units):
        found.append("all raw scores" if any(unit.gallery for unit in units) else "all raw answers")
    return found


def _about(
    earlier: Earlier | None, waves: list[list[Unit]], limits: Limits, left: int
) -> float | None:
    """Return seconds: the work of an earlier run, shared by the workers that have something."""
    if earlier is None or not waves:
        return None
    units = sum(map(len, waves))
    at_once = min(limits.workers, max(map(len, waves)))
    return earlier.work / at_once * left / units


def _earlier(run: Prepared) -> Earlier | None:
    """Return the finished run of the algorithm on these data that is most like this one."""
    found = list(_finished(run))
    # The last of those with the same parameters, or the last of all.
    best = max(found, key=lambda pair: (pair[1].same, pair[0]), default=None)
    return None if best is None else best[1]


def _finished(run: Prepared) -> Iterator[tuple[float, Earlier]]:
    parent, origin = run.folder.parent, run.origin
    wanted = {k: v for k, v in origin.parameters.items() if k != "seed"}
    for seal in parent.glob(f"{run.entry.plugin.name}-*/{record.CHECKSUMS}"):
        with suppress(OSError, msgspec.DecodeError):
            folder = seal.parent
            manifest = msgspec.json.decode(
                (folder / record.MANIFEST).read_bytes(), type=_EarlierManifest
            )
            if (manifest.origin.data_hash, manifest.origin.folds) != (
                origin.data_hash,
                origin.folds,
            ):
                continue
            same = {k: v for k, v in manifest.origin.parameters.items() if k != "seed"} == wanted
            work = sum(step.seconds for step in manifest.steps)
            yield seal.stat().st_mtime, Earlier(str(folder), work, same)
