"""Doing a run: its units of work, as far as they are missing, and all that follows from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from harness import record
from harness.attacking import attacked, retouched, retouching_units, take_over
from harness.errors import RunFailed
from harness.execution.environment import Environment, hash_of
from harness.execution.plan import plan
from harness.execution.pool import Event, Limits, do_all
from harness.execution.storage import STEP_FILE, discard_parts, load_answer, write_whole
from harness.execution.unit import MODEL, SCORES, TEMPLATES, Unit
from harness.finishing import checkout_of, finish, manifest_of, now, opinions
from harness.manifest import Manifest, Retouched, Step, Surroundings
from harness.preparing import Prepared, command
from harness.results import Outcome


@dataclass(frozen=True)
class Finished:
    """A run whose folder is whole."""

    prepared: Prepared
    outcome: Outcome
    manifest: Manifest
    seconds: float
    done: tuple[str, ...]
    kept: tuple[str, ...]


def execute(run: Prepared, limits: Limits, listen: Callable[[Event], None]) -> Finished:
    """Do what is missing of a run and return its outcome.

    Raises
    ------
    RunFailed
        If its algorithm fails, or another process is at work in the same folder.
    """
    started = time.perf_counter()
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run.folder.with_name(f".{run.folder.name}.lock"), timeout=0)
    try:
        with lock:
            if run.is_finished:
                finished = record.read_run(run.folder)
                outcome = finished.judge()
                seconds = time.perf_counter() - started
                return Finished(run, outcome, finished.manifest, seconds, (), ("everything",))
            return _execute(run, limits, listen, started)
    except Timeout:
        raise RunFailed(
            f"{run.label}: another harness is at work in {run.folder}; wait for it, or choose "
            "another --out"
        ) from None


def _execute(
    run: Prepared,
    limits: Limits,
    listen: Callable[[Event], None],
    started: float,
) -> Finished:
    judged, folder = run.judged, run.folder
    begun = now()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / record.CHECKSUMS).unlink(missing_ok=True)
    discard_parts(folder)
    write_whole(folder / record.PROTOCOL, judged.file.read_bytes())
    record.write_truth(
        folder,
        judged.folds,
        dict(judged.dataset.records),
        judged.dataset.root,
        getattr(judged.protocol.module(), "TRUTH_FILES", ()),
    )
    waves = plan(
        run.entry.plugin,
        run.entry.description,
        judged.protocol,
        judged.folds,
        judged.dataset.records,
        limits,
    )
    done: list[str] = []
    kept: list[str] = []

    def do(wave: Sequence[Unit]) -> None:
        left = []
        for unit in wave:
            place = folder / "units" / unit.name
            if _is_done(unit, place):
                kept.append(unit.name)
            else:
                left.append((unit, place))
        do_all(left, limits, listen)
        done.extend(unit.name for unit, _ in left)

    before: list[list[Unit]] = []
    shown: Retouched | None = None
    if run.attack is not None:
        # What the others are to see is known only when it is there.
        retouching = retouching_units(run.attack, judged.dataset, judged.folds, judged.protocol)
        take_over(folder, retouching, run.origin)
        before = [[unit for unit, _ in retouching]]
        do(before[0])
        pictures, shown = retouched(folder, retouching, judged.folds)
        waves = attacked(waves, judged.folds, pictures)
    for wave in waves:
        do(wave)
    waves = [*before, *waves]
    units = [(unit, folder / "units" / unit.name) for wave in waves for unit in wave]
    answers = [
        load_answer(folder / "units" / f"fold-{fold.name}" / SCORES) for fold in judged.folds
    ]
    outcome: Outcome = judged.protocol.module().judge(
        judged.folds, answers, judged.dataset.records, judged.protocol
    )
    manifest = _manifest(run, outcome, units, begun)
    manifest.retouched = shown
    manifest.opinions = opinions(judged.protocol, judged.folds, answers)
    finish(folder, manifest, outcome, judged.dataset)
    seconds = time.perf_counter() - started
    return Finished(run, outcome, manifest, seconds, tuple(done), tuple(kept))


def _is_done(unit: Unit, place: Path) -> bool:
    last = SCORES if unit.score else TEMPLATES if unit.extract else MODEL
    return (place / last).is_dir()


def _manifest(
    run: Prepared, outcome: Outcome, units: Sequence[tuple[Unit, Path]], begun: str
) -> Manifest:
    judged, description = run.judged, run.entry.description
    steps: list[Step] = []
    environments: dict[str, Environment] = {}
    loaded: dict[str, str] = {}
    for unit, place in units:
        for step in (MODEL, TEMPLATES, SCORES):
            path = place / step / STEP_FILE
            if path.exists():
                facts = msgspec.json.decode(path.read_bytes())
                if "environment" in facts:
                    environments[unit.name] = msgspec.convert(facts["environment"], Environment)
                loaded |= facts.get("loaded", {})
                seconds, items = float(facts["seconds"]), int(facts.get("items", 0))
                steps.append(Step(unit.name, step, seconds, items))
    manifest = manifest_of(judged, run.origin, outcome, begun)
    for environment in environments.values():
        manifest.versions |= {"python": environment.python, **environment.libraries}
    manifest.versions = dict(sorted(manifest.versions.items()))
    manifest.environments = _grouped(environments)
    manifest.environment_hash = hash_of(environments)
    manifest.learns = run.learns
    # What the algorithm's own file says is hashed as its source.
    loaded.pop(run.entry.plugin.file.name, None)
    manifest.loaded = dict(sorted(loaded.items()))
    manifest.abilities, manifest.control = description.abilities, description.control
    manifest.citation, manifest.about = description.citation, description.about
    manifest.git = checkout_of(run.entry.plugin.file.parent)
    manifest.command = command(run)
    manifest.steps = steps
    return manifest


def _grouped(environments: Mapping[str, Environment]) -> list[Surroundings]:
    """Return every distinct environment with the units that were done in it."""
    units: dict[str, Surroundings] = {}
    for name, environment in environments.items():
        units.setdefault(environment.hash, Surroundings(environment, [])).units.append(name)
    return list(units.values())
