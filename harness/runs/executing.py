"""Doing a run: its units of work, as far as they are missing, and all that follows from them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from harness.api import Searcher
from harness.conformance.examination import Examined, examined, remarks_on
from harness.data.findings import Finding
from harness.data.records import Fold
from harness.data.whole_files import write_whole
from harness.execution.claims import remove_claim
from harness.execution.configured import ConfiguredAlgorithm
from harness.execution.conversation import remove_leftovers
from harness.execution.costs import Cost, Levels, costs_of
from harness.execution.doing import DONE, Event
from harness.execution.environment import Environment, hash_of, together
from harness.execution.keeping import Workplace, is_done
from harness.execution.nursery import Nursery
from harness.execution.plan import plan
from harness.execution.pool import Limits, check_all, do_all
from harness.execution.storage import (
    STEP_FILE,
    discard_parts,
    load_answer,
)
from harness.execution.unit import MODEL, RETOUCHING, SCORES, TEMPLATES, Unit, write_unit
from harness.execution.variables import variables
from harness.plugins.registry import Plugin, home_of, own_files
from harness.plugins.sources import libraries
from harness.record import record
from harness.record.kept_answers import scores_of
from harness.record.manifest import (
    Composition,
    Examination,
    Manifest,
    Retouched,
    Step,
    Surroundings,
    now,
)
from harness.record.protection import protection_of, remark_on
from harness.record.renewing import alone
from harness.runs.attacking import attacked, retouched, retouching_units, take_over
from harness.runs.composing import Composing
from harness.runs.finishing import (
    checkout_of,
    cross_checks,
    finish,
    manifest_of,
)
from harness.runs.folders import begin, end, folder_for, is_stale, loaded_by, settled
from harness.runs.judging_memory import judged_in
from harness.runs.preparing import (
    Prepared,
    command,
)
from harness.runs.sharing import Sharing
from harness.runs.shortcuts.evidence import shortcuts
from harness.runs.status import remove_plan, write_plan
from harness.scorefiles import withhold, withhold_mixed
from harness.tasks.answers import Answer, ListsOfDraws
from harness.tasks.drawing import each_draw
from harness.tasks.kinds import task_of
from harness.tasks.odd_scores import look_at_scores
from harness.tasks.results import Outcome

ONE_FIT = "one-fit"
"""Code of the finding that a run is one of the fits that could have been."""

SEVERAL_MACHINES = "several-environments"
"""Code of the finding that not all units of a run were done in one environment."""


@dataclass(frozen=True)
class Finished:
    """A run whose folder is whole."""

    prepared: Prepared
    outcome: Outcome
    manifest: Manifest
    seconds: float
    steps_done: tuple[str, ...]
    steps_kept: tuple[str, ...]


def execute(run: Prepared, limits: Limits, listen: Callable[[Event], None]) -> Finished:
    """Do what is missing of a run and return its outcome.

    Raises
    ------
    RunFailed
        If its algorithm fails, or another process is at work in the same folder.
    """
    started = time.perf_counter()
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    with alone(run.folder):
        if run.is_finished:
            finished = record.read_run(run.folder)
            outcome = finished.judge()
            seconds = time.perf_counter() - started
            return Finished(run, outcome, finished.manifest, seconds, (), ("everything",))
        forking = (run.entry.parts.values() or [run.entry]) if run.request.executor.forks else ()
        nurseries = tuple(_nursery(entry, limits) for entry in forking)
        try:
            return _execute(run, limits, listen, started, nurseries)
        finally:
            for nursery in nurseries:
                nursery.close()


def _nursery(entry: ConfiguredAlgorithm, limits: Limits) -> Nursery:
    plugin = entry.plugin
    python = [home_of(plugin) / name for name in entry.files if name.endswith(".py")]
    return Nursery(plugin.file, libraries(python), variables(limits.threads))


def _execute(
    run: Prepared,
    limits: Limits,
    listen: Callable[[Event], None],
    started: float,
    nurseries: tuple[Nursery, ...],
) -> Finished:
    judged, folder = run.judged, run.folder
    begun = now()
    folder.mkdir(parents=True, exist_ok=True)
    # While an algorithm is at work, nothing in the run folder tells the truth.
    record.withdraw(folder)
    discard_parts(folder)
    remove_leftovers()
    begin(folder, run.environment)
    place = Workplace(folder, _hidden(run), nurseries, run.request.executor)
    examination, remarks = _examined(run, place, limits, listen)
    composing = Composing(run.entry, judged, place, limits) if run.entry.parts else None
    waves = plan(run.entry, judged, limits) if composing is None else composing.planned
    makers = {f"{part}.": one for part, one in run.entry.parts.items()} or {"": run.entry}
    sharing = Sharing(place, run.origin, makers) if run.attack is None else None
    done: list[str] = []
    kept: list[str] = []

    renewed = False

    def do(wave: Sequence[Unit]) -> None:
        nonlocal renewed
        left = []
        stale = {u.name for u in wave if is_stale(folder / "units" / u.name, _plugin_of(u, run))}
        for unit in wave:
            # What follows from a unit that is done again has to be, too.
            if renewed or unit.name in stale:
                shutil.rmtree(place.folder(unit), ignore_errors=True)
            place.journal.take_over(unit.name)
            if sharing is not None and not renewed:
                sharing.take_over([unit])
            if is_done(unit, place):
                kept.append(unit.name)
                remove_claim(place.folder(unit))
            else:
                left.append(unit)
        renewed = renewed or bool(stale)
        do_all(left, place, limits, listen)
        for unit in left:
            listen(Event(unit.name, DONE, 1, 1))
        done.extend(unit.name for unit in left)

    before: list[list[Unit]] = []
    shown: Retouched | None = None
    if run.attack is not None:
        # What the others are to see is known only when it is there.
        retouching = retouching_units(run.attack, judged.dataset, judged.folds, judged.protocol)
        take_over(place, retouching, run.origin)
        before = [[unit for unit, _ in retouching]]
        do(before[0])
        pictures, shown = retouched(folder, retouching, judged.folds)
        waves = attacked(waves, judged.folds, pictures)
    write_plan(folder, [*before, *waves], limits.workers)
    units = [unit for wave in before for unit in wave]
    for wave in waves if composing is None else composing.waves():
        do(wave)
        units += wave
    checked = None if run.entry.description.shown_truth else check_all(units, place, limits, listen)
    joined, composition = ([], None) if composing is None else composing.join()
    units += joined
    place.journal.check()
    write_whole(folder / record.PROTOCOL, judged.file.read_bytes())
    if run.preregistration:
        write_whole(folder / record.PREREGISTRATION, run.preregistration)
    record.write_truth(
        folder,
        judged.folds,
        dict(judged.dataset.records),
        judged.dataset.root,
        task_of(judged.protocol).truth_files,
        measured=task_of(judged.protocol).compares,
    )
    for unit in units:
        write_unit(place.folder(unit), unit)
    answers = [_answer(folder, fold) for fold in judged.folds]
    kept_scores = sum(answer.scores.size for answer in answers)
    with judged_in(limits.memory, kept_scores) as within:
        depth = _list_length(run, answers)
        mixed = "" if composition is None else composition.mixed
        outcome = withhold_mixed(withhold(judged.judge(answers), depth), mixed)
    places = [(unit, place.folder(unit)) for unit in units]
    manifest, run = _manifest(run, outcome, places, begun, shown, composition)
    if composition is not None and sharing is not None:
        for part, one in composition.stages.items():
            one.taken_over = sharing.taken.get(f"{part}.", {})
    manifest.lists = depth
    manifest.protection = protection_of([folder for _, folder in places], checked)
    manifest.examination = examination
    odd = look_at_scores(judged.folds, answers, judged.protocol)
    manifest.findings = [*manifest.findings, *remarks, *odd, *within]
    remark = remark_on(manifest.protection)
    if remark is not None:
        manifest.findings = [*manifest.findings, remark]
    if depth is None and not mixed:
        manifest.opinions = cross_checks(judged.protocol, judged.folds, answers)
    del answers  # the report reads them once more
    end(folder)
    remove_plan(folder)
    discard_parts(folder)  # of workers elsewhere that were killed
    finish(folder, manifest, outcome, judged.dataset)
    if run.folder != folder:
        folder.rename(run.folder)
    seconds = time.perf_counter() - started
    return Finished(run, outcome, manifest, seconds, tuple(done), tuple(kept))


def _answer(folder: Path, fold: Fold) -> Answer:
    """Load the raw answer of a fold, or those of its draws where each was a unit."""
    place = folder / scores_of(fold.name)
    if fold.draws and not place.is_dir():
        return ListsOfDraws([load_answer(folder / scores_of(one.name)) for one in each_draw(fold)])
    return load_answer(place)


def _list_length(run: Prepared, answers: Sequence[Answer]) -> int | None:
    """Return how long a searcher's lists are, where one of them ends before its gallery."""
    asked = task_of(run.judged.protocol).asked_of(run.entry.description.abilities)
    if asked != Searcher.__name__ or not any(np.isneginf(one.scores).any() for one in answers):
        return None
    return int(run.origin.parameters["candidates"])


def _hidden(run: Prepared) -> tuple[Path, ...]:
    """Return data sets and runs, of which no worker may read anything."""
    judged = run.judged
    data = [judged.dataset.root]
    if run.request.read_to_learn is not None:
        data.append(run.request.read_to_learn)
    if run.attack is not None:
        data.append(run.attack.learnt.dataset.root)
    runs = run.folder.parent.parent
    # Not all of the folder: an algorithm may lie in it, too.
    kept = {path.parent.parent for path in runs.glob(f"*/*/{record.MANIFEST}")}
    return (*data, run.folder.parent, *sorted(kept))


def _examined(
    run: Prepared, place: Workplace, limits: Limits, listen: Callable[[Event], None]
) -> tuple[Examination, list[Finding]]:
    """Return what the conformance kit finds about the algorithm, and remarks on all that run."""
    description = run.entry.description
    chosen = {*run.request.parameters, *description.presets.get(run.request.preset, {})}
    entries = [(run.entry, chosen, run.origin.weight_hashes)]
    if run.entry.parts:
        entries = [
            (
                one,
                {p.name for p in one.description.parameters if p.value != p.default},
                run.origin.parts[part].weight_hashes,
            )
            for part, one in run.entry.parts.items()
        ]
    if run.attack is not None and run.origin.attack is not None:
        attack = run.attack
        own = set(attack.entry.description.presets.get(attack.preset, {}))
        entries.append((attack.entry, own, run.origin.attack.weight_hashes))
    found, remarks = [], list[Finding]()
    for entry, wanted, weights in entries:
        name = entry.plugin.name
        values = entry.description.values()
        one = examined(
            Examined(
                entry.plugin,
                entry.description,
                entry.source_hash,
                {parameter: values[parameter] for parameter in values if parameter in wanted},
                weights,
            ),
            hidden=(*place.hidden, place.run),
            threads=limits.threads,
            bounds=limits.bounds,
            report=partial(_say, listen, f"check of {name}"),
        )
        found.append(one)
        remarks += remarks_on(one, name)
    return _together(found, run.entry), remarks


def _together(found: Sequence[Examination], entry: ConfiguredAlgorithm) -> Examination:
    """Return the examination of an algorithm; of a composite those of its parts as one."""
    if not entry.parts:
        return found[0]
    named = list(zip(entry.parts, found, strict=True))
    # From what says least on.
    how = next(
        h for h in ("off", "session", "now", "before", "release") if h in {f.how for f in found}
    )
    return Examination(
        found[0].harness,
        how,
        [f"{part}: {name}" for part, one in named for name in one.passed],
        {f"{part}: {name}": why for part, one in named for name, why in one.failed.items()},
    )


def _say(listen: Callable[[Event], None], what: str, done: int, total: int, note: str) -> None:
    listen(Event(what, "check", done, total, note))


def _plugin_of(unit: Unit, run: Prepared) -> Plugin:
    attack = run.attack
    part = run.entry.parts.get(unit.name.partition(".")[0])
    if part is not None:
        return part.plugin
    return run.entry.plugin if attack is None or _is_own(unit) else attack.entry.plugin


def _is_own(unit: Unit) -> bool:
    """Whether a unit is the algorithm's under test: one program may be that and the remover."""
    return not unit.name.startswith(RETOUCHING)


def _settled(
    run: Prepared,
    places: Sequence[Path],
    attacking: Sequence[Path],
    composition: Composition | None,
) -> tuple[Prepared, dict[str, str], dict[str, str]]:
    """Return the run as what it proved to be by the files that its workers loaded, and those."""
    entry, origin = run.entry, run.origin
    loaded: dict[str, str] = {}
    if not entry.parts:
        loaded = loaded_by(places, entry.plugin)
        hashed = settled(entry.plugin, entry.files, loaded)
        if hashed is not None:
            origin = msgspec.structs.replace(origin, source_hash=hashed)
    for part, one in entry.parts.items():
        of_part = loaded_by([p for p in places if p.name.startswith(f"{part}.")], one.plugin)
        hashed = settled(one.plugin, one.files, of_part)
        if hashed is not None:
            known = msgspec.structs.replace(origin.parts[part], source_hash=hashed)
            origin = msgspec.structs.replace(origin, parts=origin.parts | {part: known})
        if composition is not None:
            composition.stages[part].loaded = _beside(one, of_part)
    more: dict[str, str] = {}
    if run.attack is not None and origin.attack is not None:
        attacker = run.attack.entry
        more = loaded_by(attacking, attacker.plugin)
        hashed = settled(attacker.plugin, attacker.files, more)
        if hashed is not None:
            changed = msgspec.structs.replace(origin.attack, source_hash=hashed)
            origin = msgspec.structs.replace(origin, attack=changed)
        more = _beside(attacker, more)
    if origin != run.origin:
        identity = record.identity_of(origin)
        place = folder_for(run.folder.parent, entry.plugin.name, identity, run.environment)
        run = replace(run, origin=origin, identity=identity, folder=place)
    return run, _beside(entry, loaded), more


def _several_machines(count: int) -> Finding:
    return Finding(
        SEVERAL_MACHINES,
        "warning",
        f"units were done in {count} different environments (processors, libraries or devices; the "
        "list of environments says which), so the last digits of scores may differ between them",
    )


def _one_fit(algorithm: bool) -> Finding:
    return Finding(
        ONE_FIT,
        "warning",
        "this is one fit of an algorithm that learns: another seed, or the same in another "
        "environment, may give other numbers, and the intervals do not hold that; --repeats 5 "
        "measures it"
        if algorithm
        else "this is one fit of the remover that the probes were retouched by: another may give "
        "other numbers, and the intervals do not hold that",
    )


def _over_limits(costs: Mapping[str, Cost]) -> Iterator[Finding]:
    """Yield what took longer than the protocol allows."""
    for name, cost in sorted(costs.items()):
        if cost.over:
            text = (
                f"{cost.over:,} of {cost.count:,} operations '{name}' took longer than the "
                f"{cost.limit:g} s that the protocol allows for one; their answers are counted as "
                "all others"
            )
            yield Finding("over-the-limit", "warning", text, cost.over)


def _beside(entry: ConfiguredAlgorithm, loaded: Mapping[str, str]) -> dict[str, str]:
    """Return the files of an algorithm that are not its source, known before or loaded late."""
    home = home_of(entry.plugin).resolve()
    own = {file.resolve() for file in own_files(entry.plugin)}
    every = {**entry.files, **loaded}
    return {name: every[name] for name in sorted(every) if home / name not in own}


def _manifest(
    run: Prepared,
    outcome: Outcome,
    units: Sequence[tuple[Unit, Path]],
    begun: str,
    shown: Retouched | None,
    composition: Composition | None,
) -> tuple[Manifest, Prepared]:
    judged, description = run.judged, run.entry.description
    steps: list[Step] = []
    costs: list[dict[str, Levels]] = []
    of_parts: dict[str, list[dict[str, Levels]]] = {part: [] for part in run.entry.parts}
    environments: dict[str, Environment] = {}
    for unit, place in units:
        for step in (MODEL, TEMPLATES, SCORES):
            path = place / step / STEP_FILE
            if path.exists():
                facts = msgspec.json.decode(path.read_bytes())
                if "environment" in facts:
                    found = msgspec.convert(facts["environment"], Environment)
                    environments[f"{unit.name}/{step}"] = found
                seconds, items = float(facts["seconds"]), int(facts.get("items", 0))
                host = str(facts.get("host", ""))
                drawn = facts.get("drawn", msgspec.UNSET)
                steps.append(Step(unit.name, step, seconds, items, host, drawn))
                if _is_own(unit):
                    found_costs = msgspec.convert(facts.get("costs", {}), dict[str, Levels])
                    of_parts.get(unit.name.partition(".")[0], costs).append(found_costs)
    shortcut_findings = shortcuts(judged.folds, judged.dataset.records, judged.protocol)
    own = [place for unit, place in units if _is_own(unit)]
    others = [place for _, place in units if place not in own]
    run, loaded, more = _settled(run, own, others, composition)
    manifest = manifest_of(judged, run.origin, outcome, begun)
    for environment in environments.values():
        manifest.versions |= {"python": environment.python, **environment.libraries}
    manifest.versions = dict(sorted(manifest.versions.items()))
    joined = together(environments)
    limits = judged.protocol.limits
    allowed = limits.by_operation() if limits else None
    manifest.costs = costs_of(costs, allowed)
    manifest.findings = [*manifest.findings, *_over_limits(manifest.costs)]
    manifest.composition = composition
    if composition is not None:
        for part, stage in composition.stages.items():
            stage.costs = costs_of(of_parts[part], allowed)
            manifest.findings = [*manifest.findings, *_over_limits(stage.costs)]
    manifest.environments = [Surroundings(one, where) for one, where in joined]
    manifest.environment_hash = hash_of(joined)
    if len(joined) > 1:
        manifest.findings = [*manifest.findings, _several_machines(len(joined))]
    manifest.learns = run.learns
    if run.learns:
        manifest.findings = [*manifest.findings, _one_fit(description.learns)]
    manifest.findings = [*manifest.findings, *shortcut_findings]
    manifest.loaded = loaded
    if shown is not None:
        shown.loaded = more
    manifest.retouched = shown
    manifest.abilities, manifest.control = description.abilities, description.control
    manifest.citation, manifest.about = description.citation, description.about
    manifest.git = checkout_of(run.entry.plugin.file.parent)
    manifest.command = command(run)
    manifest.steps = steps
    return manifest, run
