"""From names typed by a user to runs that are checked and not yet started."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from harness.api import Matcher, Remover, Searcher
from harness.data.boxes import look_at_boxes
from harness.data.decoding import (
    look_at_masks,
    say_masks,
    say_orientations,
    say_same_files,
    undecodable,
)
from harness.data.findings import Finding, Findings, once
from harness.data.formats import MEGAPIXELS
from harness.data.readers.layouts import open_dataset
from harness.data.records import Dataset, Fold
from harness.data.whole_files import digest_of
from harness.data.words import is_description
from harness.errors import DataError, UsageError, some
from harness.execution.bounds import Bounds
from harness.execution.configured import ConfiguredAlgorithm
from harness.execution.devices import CPU, device_asked, lacking
from harness.execution.environment import Environment
from harness.execution.executor import SUBPROCESS, Executor
from harness.execution.pool import MEMORY
from harness.plugins.places import bundled
from harness.plugins.programs.command import folder_digest, is_command, unknown
from harness.plugins.registry import (
    Plugin,
    find_algorithm,
    find_protocol,
    glance,
    plugin_files,
    protocols,
    source_hash,
    with_parameters,
)
from harness.plugins.requirements import check_installed
from harness.record import record
from harness.record.evidence.preregistration import digest_of as digest_of_text
from harness.record.evidence.preregistration import read_preregistration, refuse
from harness.record.manifest import Origin
from harness.runs.attacking import Attack, check_attackable
from harness.runs.composing import (
    assembled,
    check_question,
    origins_of,
    split_parameters,
)
from harness.runs.folders import already_there, belongs, folder_for
from harness.synthesis.drawn import PREFIX, drawing_of, is_recipe
from harness.tasks.consolidating import CONSOLIDATED, PARAMETER, consolidated, noted
from harness.tasks.copies import check_compared, copies_of, learned_and_judged
from harness.tasks.elsewhere import ExternalTrainingData, train_on, train_on_drawn
from harness.tasks.folds import restrict
from harness.tasks.kinds import task_of
from harness.tasks.look_alikes import asked_on
from harness.tasks.needs import look_at_galleries, look_at_mates, look_at_records
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol

LEARNED = "images learned from and judged"
REMOVAL = "removal"
"""The protocol whose images a remover learns from, where an attack does not name another."""

RULE = 3
"""Version of the rule by which a run's identity is made."""


@dataclass(frozen=True)
class Request:
    """What a user asks for, as typed.

    Parameters
    ----------
    algorithms, protocols
        Names or files; an algorithm may be a plugin that was found already.
    data
        Data set in the place of the protocols' own.
    table
        Text of a manifest that no file holds; its paths are relative to the folder `data`.
    call
        What makes the run again, where no command line does.
    layout
        Its layout, where it should not be detected.
    folds
        Names of folds; all unless given.
    fold_count
        Into how many folds data without lists of its own is dealt; the protocol's number unless
        given.
    parameters, preset, seed
        Of the algorithms.
    attack
        Who retouches the probes before they are seen: a remover of tattoos, ``NAME:PRESET``, or a
        removal protocol, which names one. Nobody unless given.
    plugins
        Further folders of algorithms and protocols.
    out
        Where run folders go.
    train_data, train_layout
        Data set that every fold learns from, in the place of the other folds, or ``recipe:NAME`` to
        have it drawn meanwhile; and its layout.
    threads, memory, device
        Of the workers, as in `harness.execution.pool.Limits`: other ones can give other bits.
    bounds
        How long the import of an algorithm may be silent, and how much memory it may hold.
    preregistered
        File in which criteria, protocol and data were written down before.
    """

    algorithms: tuple[str | Plugin, ...]
    protocols: tuple[str, ...]
    data: Path | None = None
    layout: str | None = None
    folds: tuple[str, ...] = ()
    fold_count: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    preset: str = ""
    seed: int | None = None
    attack: str = ""
    plugins: tuple[Path, ...] = ()
    out: Path = Path("runs")
    train_data: Path | None = None
    train_layout: str | None = None
    threads: int = 1
    memory: int = MEMORY
    device: str = CPU
    bounds: Bounds = field(default_factory=Bounds)
    executor: Executor = SUBPROCESS
    table: str = ""
    call: str = ""
    preregistered: Path | None = None

    @property
    def read_to_learn(self) -> Path | None:
        """`train_data` where it is a place on disk: None where it is a recipe, or not given."""
        return None if is_recipe(self.train_data) else self.train_data


@dataclass(frozen=True)
class Prepared:
    """One run, checked and not yet started.

    Parameters
    ----------
    environment
        In which it would be done now, as far as that is known before the work.
    preregistration
        What was written down before the run, byte for byte; empty where nothing was.
    """

    judged: ProtocolOnData
    entry: ConfiguredAlgorithm
    origin: Origin
    identity: str
    folder: Path
    request: Request
    environment: Environment
    attack: Attack | None = None
    preregistration: bytes = b""

    @property
    def label(self) -> str:
        """Protocol and algorithm, for people."""
        return f"{self.judged.name} / {self.entry.plugin.name}"

    @property
    def seed(self) -> int:
        """Of the algorithm."""
        return int(self.origin.parameters["seed"])

    @property
    def learns(self) -> bool:
        """Whether the algorithm, or the attack on its probes, is fitted in this run."""
        attack = self.attack
        return self.entry.description.learns or (
            attack is not None and attack.entry.description.learns
        )

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do."""
        return record.is_finished(self.folder, self.identity)


def prepare(request: Request) -> list[Prepared]:
    """Check everything that can be checked before anything slow.

    Raises
    ------
    UsageError
        If a name, parameter or protocol is wrong, or nothing asked for fits together.
    DataError
        With every problem of a data set.
    """
    _check_device("--device", request.device, request)
    entries = [
        configured(one, request)
        for given in request.algorithms
        for one in ([given] if isinstance(given, Plugin) else _named([given]))
    ]
    judged = [judged_by(name, request) for name in _named(request.protocols)]
    attack = _attack(request) if request.attack else None
    if attack is not None:
        for asked in judged:
            check_attackable(asked.name, asked.protocol, asked.folds)
        judged = [replace(asked, name=f"{asked.name}+{attack.label}") for asked in judged]
    runs = []
    for asked in judged:
        task = task_of(asked.protocol)
        ability = task.ability.__name__ + TAKES_WORDS * task.of_words
        able = [
            entry
            for entry in entries
            if (
                task.asked_of(entry.description.abilities)
                and (entry.description.describes or not task.of_words)
            )
            or (entry.description.shown_truth and task.truth_shown)
        ]
        if not able:
            raise UsageError(
                f"protocol {asked.name!r} needs a {ability}, which "
                + ", ".join(repr(e.plugin.name) for e in entries)
                + (" is" if len(entries) == 1 else " are")
                + " not. `harness list` shows who can do what."
            )
        runs += [_prepared(asked, entry, request, attack) for entry in able]
    used = {run.entry.plugin.name for run in runs}
    idle = [entry.plugin.name for entry in entries if entry.plugin.name not in used]
    if idle:
        raise UsageError(
            f"{', '.join(idle)}: none of the protocols {', '.join(j.name for j in judged)} needs "
            "what it can do. `harness list` shows who can do what."
        )
    return _looked_at(runs)


def _check_device(option: str, device: str, request: Request) -> None:
    """Refuse a device that is not there; on a cluster it is the workers that need it."""
    if request.executor.here and (why := lacking(device)):
        raise UsageError(f"{option} {device} cannot be used on this machine: {why}")


def _looked_at(runs: Sequence[Prepared]) -> list[Prepared]:
    """Decode every picture that is still to be used, so that what is damaged is known at once.

    Returns
    -------
    list of Prepared
        The runs, with what is odd about the masks of their data.

    Raises
    ------
    DataError
        With all that cannot be used.
    """
    seen: dict[tuple[str, str], tuple[Finding, ...]] = {}

    def look(judged: ProtocolOnData) -> tuple[Finding, ...]:
        key = (judged.file.stem, judged.data_path)
        if key not in seen:
            seen[key] = _odd_pictures(judged)
        return seen[key]

    found = []
    for run in runs:
        if run.is_finished:
            found.append(run)
            continue
        if run.attack is not None:
            look(run.attack.learnt)
        odd = look(run.judged)
        dataset = run.judged.dataset
        noted = replace(dataset, findings=tuple(once((*dataset.findings, *odd))))
        found.append(replace(run, judged=replace(run.judged, dataset=noted)))
    return found


def _odd_pictures(judged: ProtocolOnData) -> tuple[Finding, ...]:
    """Return what is said of the pictures and masks of a data set; refuse what cannot be used."""
    files = task_of(judged.protocol).truth_files
    records = judged.dataset.records
    crop = judged.protocol.data.crop
    faults = undecodable(records, judged.names, crop=crop, clean="clean" in files)
    findings = Findings()
    say_orientations(records, judged.names, findings)
    look_at_boxes(records, judged.names, findings, boxes_shown=crop)
    if files:
        say_same_files(records, judged.names, findings)
    faults += findings.problems
    if "mask" in files:
        more, taken = look_at_masks(records, judged.names)
        faults += more
        say_masks(taken, findings)
    if faults:
        raise DataError(
            f"{judged.data_path} cannot be evaluated by {judged.file.stem!r}: {len(faults):,} of "
            f"{len(judged.names):,} pictures cannot be used. Replace them, or take them out of the "
            "set.",
            [Finding("pictures-that-cannot-be-used", "problem", fault) for fault in faults],
        )
    return findings.all


DESCRIPTIONS = "descriptions"
"""Code of what is said of descriptions that are left out."""

TAKES_WORDS = " that takes a witness's words (method `describe_text`)"

Opened: TypeAlias = dict[tuple[object, ...], Dataset]
"""Data sets that were read already, by all that decides what is read."""


def judged_by(name: str, request: Request, opened: Opened | None = None) -> ProtocolOnData:
    """Open a protocol with the data set it is to be asked on, and check both.

    Parameters
    ----------
    opened
        Of earlier calls; a data set in it is not read again, and what is read is added.

    Raises
    ------
    UsageError
        If the protocol or the data set cannot be found, or the protocol is faulty.
    DataError
        With every problem of the data set.
    """
    file = find_protocol(name, request.plugins)
    protocol, protocol_hash = read_protocol(file)
    if request.data is None:
        if not protocol.data.default:
            raise UsageError(
                f"protocol {file.stem!r} brings no images of its own; name yours with --data"
            )
        place = bundled("fixtures") / protocol.data.default
        data_path = f"fixtures/{protocol.data.default}"
    else:
        place, data_path = request.data, str(request.data)
    parts = (protocol.data.use_case, protocol.data.background)
    key = (place, request.layout, request.table, *parts)
    dataset = None if opened is None else opened.get(key)
    if dataset is None:
        dataset = open_dataset(
            place,
            use_case=parts[0],
            background=parts[1],
            layout=request.layout,
            table=request.table,
        )
        if opened is not None:
            opened[key] = dataset
    if dataset.problems:
        raise DataError(f"{data_path} cannot be evaluated by {file.stem!r}:", dataset.findings)
    if not task_of(protocol).of_words:
        dataset = _without_descriptions(dataset)
    protocol = asked_on(_dealt(protocol, dataset, request), dataset)
    dataset = _meeting(look_at_records(dataset, protocol), dataset, data_path, file.stem, protocol)
    laid_out = task_of(protocol).lay_out(dataset, protocol)
    dataset = _meeting(
        look_at_mates(dataset, protocol, laid_out), dataset, data_path, file.stem, protocol
    )
    dataset = _meeting(
        look_at_galleries(dataset, protocol, laid_out), dataset, data_path, file.stem, protocol
    )
    folds = tuple(restrict(laid_out, request.folds))
    dataset, leaks = _without_copies(dataset, folds, data_path, file.stem)
    elsewhere = None
    if request.train_data is not None:
        dataset, folds, elsewhere = _learning_elsewhere(
            file.stem, protocol, dataset, folds, request
        )
        leaks = ()  # all of what was learned from is another set, which was compared with this one
    return ProtocolOnData(
        file.stem, file, protocol, protocol_hash, dataset, folds, data_path, elsewhere, leaks
    )


def _without_copies(
    dataset: Dataset, folds: tuple[Fold, ...], data_path: str, name: str
) -> tuple[Dataset, tuple[str, ...]]:
    """Refuse folds that compare pictures with themselves, and find those learned from and judged.

    Returns
    -------
    tuple
        The data set with what is odd about it, and a sentence for each picture that would be
        learned from and judged, if anybody learned.
    """
    copies = copies_of(
        dataset, (n for fold in folds for n in (*fold.train, *fold.probes, *fold.gallery))
    )
    findings = Findings()
    check_compared(dataset, folds, copies, findings)
    if findings.problems:
        raise DataError(f"{data_path} cannot be evaluated by {name!r}:", findings.all)
    leaks = learned_and_judged(folds, copies)
    for leak in leaks:
        findings.warning(LEARNED, leak)
    found = tuple(once((*dataset.findings, *findings.all)))
    return replace(dataset, findings=found), tuple(leaks)


def _without_descriptions(dataset: Dataset) -> Dataset:
    """Return a data set without its descriptions, which questions of pictures do not ask about."""
    shown = {n: r for n, r in dataset.records.items() if not is_description(r.path)}
    left = len(dataset.records) - len(shown)
    if not left or dataset.folds:
        return dataset
    note = f"{some(left, 'description is', 'descriptions are')} left out: only pictures are asked"
    finding = Finding(DESCRIPTIONS, "warning", note)
    return replace(dataset, records=shown, findings=(*dataset.findings, finding))


def _dealt(protocol: Protocol, dataset: Dataset, request: Request) -> Protocol:
    """Return the protocol with the number of folds that the user asks for."""
    count = request.fold_count
    if count is None:
        return protocol
    if dataset.folds or any(record.fold for record in dataset.records.values()):
        raise UsageError(
            f"--folds {count}: {dataset.name} brings folds of its own; --fold NAME picks some"
        )
    return protocol.model_copy(update={"folds": protocol.folds.model_copy(update={"count": count})})


def _meeting(
    found: Findings, dataset: Dataset, data_path: str, name: str, protocol: Protocol
) -> Dataset:
    """Refuse data that cannot answer a question; note on it what is only partly missing."""
    if found.problems:
        raise DataError(
            f"{data_path} cannot answer the question of {name!r} ({protocol.question}):",
            found.all,
        )
    return replace(dataset, findings=(*dataset.findings, *found.all))


def _learning_elsewhere(
    name: str, protocol: Protocol, dataset: Dataset, folds: tuple[Fold, ...], request: Request
) -> tuple[Dataset, tuple[Fold, ...], ExternalTrainingData]:
    """Open the data set of ``--train-data`` and let every fold learn from it."""
    if task_of(protocol).ability is not Matcher:
        raise UsageError(f"--train-data is for protocols of matchers, and {name!r} is none")
    if is_recipe(request.train_data):
        given = str(request.train_data)
        drawing = drawing_of(given.removeprefix(PREFIX), request.plugins)
        return dataset, *train_on_drawn(folds, drawing, path=given)
    place = Path(request.train_data or "")
    other = _without_descriptions(
        open_dataset(place, use_case=protocol.data.use_case, layout=request.train_layout)
    )
    if other.problems:
        raise DataError(f"{place} cannot be learned from:", other.findings)
    return train_on(dataset, folds, other, mated_by=protocol.data.mated_by, path=str(place))


def with_seed(run: Prepared, seed: int) -> Prepared:
    """Return the same run with another seed of its algorithm."""
    return _prepared(run.judged, _seeded(run.entry, seed), run.request, run.attack)


def _seeded(entry: ConfiguredAlgorithm, seed: int) -> ConfiguredAlgorithm:
    description = entry.description
    parameters = [
        msgspec.structs.replace(one, value=seed) if one.name == "seed" else one
        for one in description.parameters
    ]
    other = msgspec.structs.replace(description, parameters=parameters)
    parts = {part: _seeded(one, seed) for part, one in entry.parts.items()}
    return replace(entry, description=other, parts=parts)


def command(run: Prepared) -> str:
    """Return the one command that makes this run again, or the call where no command does."""
    if run.request.call:
        return run.request.call
    words = [f"{name}={value}" for name, value in run.environment.settings.items()]
    if MEGAPIXELS in os.environ:
        words += [f"{MEGAPIXELS}={os.environ[MEGAPIXELS]}"]
    words += ["harness", "run", "--protocol"]
    words += [run.judged.file.stem if _is_builtin(run.judged.file) else str(run.judged.file)]
    plugin = run.entry.plugin
    builtin = not plugin.command and (_is_builtin(plugin.file) or plugin.module)
    words += ["--algo", plugin.name if builtin else plugin.path]
    if run.request.data is not None:
        words += ["--data", str(run.request.data)]
    if run.request.layout:
        words += ["--layout", run.request.layout]
    if run.request.train_data is not None:
        words += ["--train-data", str(run.request.train_data)]
    if run.request.train_layout:
        words += ["--train-layout", run.request.train_layout]
    if run.attack is not None:
        remover = run.attack.entry.plugin
        words += ["--attack", remover.path if remover.command else run.request.attack]
    if run.request.preregistered is not None:
        words += ["--preregistered", str(run.request.preregistered)]
    if run.request.fold_count is not None:
        words += ["--folds", str(run.request.fold_count)]
    for fold in run.request.folds:
        words += ["--fold", fold]
    for parameter in run.entry.description.parameters:
        if parameter.name == "seed":
            words += ["--seed", str(parameter.value)]
        elif parameter.value != parameter.default:
            value = parameter.value
            text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            words += ["--param", f"{parameter.name}={text}"]
    # What follows can change the last bits of scores, and with them what is learned.
    if run.request.threads != 1:
        words += ["--threads", str(run.request.threads)]
    if run.request.memory != MEMORY:
        words += ["--memory", str(run.request.memory)]
    if run.request.device != CPU:
        words += ["--device", run.request.device]
    return shlex.join(words)


def configured(name: str | Plugin, request: Request) -> ConfiguredAlgorithm:
    """Find an algorithm, and give it the parameters of a request; a composite with its parts.

    Raises
    ------
    UsageError
        If there is no such algorithm, or a parameter does not fit.
    PluginError
        If it cannot be imported.
    """
    plugin = name if isinstance(name, Plugin) else find_algorithm(name, request.plugins)
    composite = glance(plugin).composite
    assignments, of_parts = (
        split_parameters(request.parameters) if composite else (request.parameters, {})
    )
    plugin = with_parameters(plugin, assignments)
    if request.executor.here:
        check_installed(plugin)
    given = (request.data, request.read_to_learn, request.out)
    asked = request.executor.ask(
        plugin,
        preset=request.preset,
        assignments=assignments,
        seed=request.seed,
        hidden=[place for place in given if place is not None],
        bounds=request.bounds,
    )
    asked.description.check_complete(plugin.name)
    own = device_asked("", asked.description.values())
    _check_device(f"{plugin.name}: --param device =", own, request)
    entry = ConfiguredAlgorithm(
        plugin,
        asked.description,
        source_hash(plugin, asked.loaded),
        asked.environment,
        plugin_files(plugin, asked.loaded),
    )
    if not composite:
        return entry

    def part(name: str, preset: str, given: Mapping[str, str], seed: int) -> ConfiguredAlgorithm:
        return configured(name, replace(request, preset=preset, parameters=given, seed=seed))

    return assembled(entry, of_parts, part)


def _attack(request: Request) -> Attack:
    """Find the remover that a text names, and the images that it learns from."""
    # The colon of a command is its own: a program has no presets.
    parts = (
        (request.attack, "", "") if is_command(request.attack) else request.attack.partition(":")
    )
    name, preset, protocol = parts[0], parts[2], REMOVAL
    if name in protocols(request.plugins):
        protocol = name
    asked = judged_by(protocol, Request((), (protocol,), plugins=request.plugins))
    if task_of(asked.protocol).ability is not Remover:
        raise UsageError(
            f"--attack {request.attack}: protocol {name!r} asks for no removal; name an algorithm "
            "that is a Remover, or a removal protocol"
        )
    if name == protocol:
        name = task_of(asked.protocol).attacker(asked.protocol)
        if not name:
            raise UsageError(
                f"--attack {request.attack}: protocol {protocol!r} does not say whose pictures; "
                "name an algorithm, or give the protocol a key 'attacker' in its table [removal]"
            )
    own = replace(request, algorithms=(), protocols=(), preset=preset, parameters={}, seed=None)
    entry = configured(name, own)
    if Remover.__name__ not in entry.description.abilities:
        raise UsageError(
            f"--attack {request.attack}: {name!r} is no {Remover.__name__}. "
            "`harness list` shows who can do what."
        )
    return Attack(request.attack, entry, asked, preset)


def _prepared(
    judged: ProtocolOnData,
    entry: ConfiguredAlgorithm,
    request: Request,
    attack: Attack | None = None,
) -> Prepared:
    if entry.parts:
        check_question(judged, entry, attacked=attack is not None)
    drawn = judged.elsewhere is not None and judged.elsewhere.drawing is not None
    if entry.description.learns and not drawn and not all(fold.train for fold in judged.folds):
        raise UsageError(
            f"{entry.plugin.name!r} learns, and protocol {judged.name!r} gives it no training "
            "image on this data; name a set to learn from with --train-data"
        )
    if entry.description.learns and judged.leaks:
        findings = Findings()
        for leak in judged.leaks:
            findings.problem(LEARNED, leak)
        raise DataError(
            f"{entry.plugin.name!r} learns, and would learn from the same picture that is judged:",
            findings.all,
        )
    parameters = entry.description.values()
    for one in entry.parts.values() or [entry]:
        judged = _not_learned(judged, one.plugin.name, one.description.values())
    asked = task_of(judged.protocol).asked_of(entry.description.abilities)
    if asked == Searcher.__name__ and parameters.get(PARAMETER) == CONSOLIDATED:
        judged = _consolidated(judged)
    plugins = [entry.plugin, *(one.plugin for one in entry.parts.values())]
    plugins += [] if attack is None else [attack.entry.plugin]
    noted = [
        Finding("program-dependencies", "warning", unknown(plugin.path))
        for plugin in plugins
        if plugin.command
    ]
    if noted:
        known = tuple(once((*judged.dataset.findings, *noted)))
        judged = replace(judged, dataset=replace(judged.dataset, findings=known))
    origin = Origin(
        rule=RULE,
        protocol=judged.name,
        protocol_hash=judged.protocol_hash,
        data_hash=judged.data_hash,
        algorithm=entry.plugin.name,
        source_hash=entry.source_hash,
        parameters=parameters,
        weight_hashes={} if entry.parts else _weights(entry),
        failure_policy=task_of(judged.protocol).failure_policy,
        folds=[fold.name for fold in judged.folds],
        fold_count=request.fold_count or 0,
        attack=None if attack is None else attack.origin(_weights(attack.entry)),
        training_hash="" if judged.elsewhere is None else judged.elsewhere.hash,
        layout_hash=judged.layout_hash,
        learning_hash=judged.learning_hash if entry.description.learns else "",
        version=entry.description.version,
        parts=origins_of(entry, _weights),
    )
    written = _written_before(request.preregistered, origin, entry.source_hash)
    if written:
        origin.preregistration = digest_of_text(written)
    environment = entry.environment
    if not environment.inside:  # the harness's own process has the threads that it has
        environment = msgspec.structs.replace(environment, threads=request.threads)
    parent = request.out / judged.name
    attacker = None if attack is None else attack.entry.plugin
    parts = {part: one.plugin for part, one in entry.parts.items()}
    for folder, whole in already_there(parent, origin, entry.plugin, attacker, parts):
        identity = record.identity_of(whole)
        if belongs(folder, identity, environment):
            return Prepared(
                judged, entry, whole, identity, folder, request, environment, attack, written
            )
    identity = record.identity_of(origin)
    folder = folder_for(parent, entry.plugin.name, identity, environment)
    return Prepared(judged, entry, origin, identity, folder, request, environment, attack, written)


def _written_before(file: Path | None, origin: Origin, source_hash: str) -> bytes:
    """Return the preregistration that a run is asked for with; refuse one of another run."""
    if file is None:
        return b""
    said, content = read_preregistration(file.parent, file.name)
    refuse(said, file, origin, source_hash)
    return content


def _consolidated(judged: ProtocolOnData) -> ProtocolOnData:
    """Return a question whose references of one identity have one template together."""
    records, mated_by = judged.dataset.records, judged.protocol.data.mated_by
    folds = consolidated(judged.folds, records, mated_by)
    if not any(fold.consolidated for fold in folds):
        return judged
    known = tuple(once((*judged.dataset.findings, noted(folds))))
    return replace(judged, folds=folds, dataset=replace(judged.dataset, findings=known))


def _not_learned(
    judged: ProtocolOnData, algorithm: str, parameters: Mapping[str, Any]
) -> ProtocolOnData:
    """Check that no ONNX model among the parameters learned from what is judged."""
    named = {name: Path(v) for name, v in parameters.items() if isinstance(v, str) and v}
    models = [
        file
        for name, file in named.items()
        if file.suffix.lower() == ".onnx" or (algorithm, name) == ("onnx", "model")
        if file.is_file()
    ]
    if not models:
        return judged
    from harness.data.learned_from import check_learned

    dataset = judged.dataset
    found = [
        one
        for m in models
        for one in check_learned(m, dataset, judged.folds, data_path=judged.data_path)
    ]
    noted = replace(dataset, findings=tuple(once((*dataset.findings, *found))))
    return replace(judged, dataset=noted)


def _weights(entry: ConfiguredAlgorithm) -> dict[str, str]:
    """Hash every file that a parameter names, or `assets`: other weights are another algorithm.

    Of a program, whose code nobody sees, folders are hashed, too.
    """
    hashes = dict(entry.description.files)
    for name, value in entry.description.values().items():
        if isinstance(value, str) and value:
            path = Path(value)
            with suppress(OSError):
                if path.is_file():
                    hashes[name] = digest_of(path)
                elif entry.plugin.command and path.is_dir():
                    hashes[name] = folder_digest(path)
    return hashes


def _is_builtin(file: Path) -> bool:
    return any(file.is_relative_to(bundled(place)) for place in ("algorithms", "protocols"))


def _named(names: Sequence[str]) -> list[str]:
    """Return single names: several may be joined by commas, which a command has of its own."""
    parts = ([name] if is_command(name) else name.split(",") for name in names)
    return list(dict.fromkeys(chain.from_iterable(parts)))
