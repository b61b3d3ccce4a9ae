"""Runs: from names typed by a user to finished run folders, doing only what is missing."""

from __future__ import annotations

import hashlib
import platform
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from harness import record
from harness.data.fingerprints import fingerprint
from harness.data.layouts import open_dataset
from harness.data.records import Dataset, Fold
from harness.description import Description
from harness.errors import DataError, HarnessError, RunFailed, UsageError
from harness.execution.asking import ask
from harness.execution.plan import plan
from harness.execution.pool import Event, Limits, do_all
from harness.execution.storage import STEP_FILE, discard_parts, load_scores, write_whole
from harness.execution.unit import MODEL, SCORES, TEMPLATES, Unit
from harness.manifest import Manifest, Opinion, Origin, Step
from harness.places import bundled
from harness.protocol import Protocol, read_protocol
from harness.registry import Plugin, find_algorithm, find_protocol, source_hash
from harness.results import Outcome
from harness.tasks.answers import Answer
from harness.tasks.folds import restrict

RULE = 1
"""Version of the rule by which a run's identity is made."""


@dataclass(frozen=True)
class Request:
    """What a user asks for, as typed.

    Parameters
    ----------
    algorithms, protocols
        Names or files.
    data
        Data set in the place of the protocols' own.
    layout
        Its layout, where it should not be detected.
    folds
        Names of folds; all unless given.
    parameters, preset, seed
        Of the algorithms.
    plugins
        Further folders of algorithms and protocols.
    out
        Where run folders go.
    """

    algorithms: tuple[str, ...]
    protocols: tuple[str, ...]
    data: Path | None = None
    layout: str | None = None
    folds: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    preset: str = ""
    seed: int | None = None
    plugins: tuple[Path, ...] = ()
    out: Path = Path("runs")


@dataclass(frozen=True)
class Judged:
    """A protocol with the data set it is asked on."""

    name: str
    file: Path
    protocol: Protocol
    protocol_hash: str
    dataset: Dataset
    folds: tuple[Fold, ...]
    given: str

    @cached_property
    def names(self) -> list[str]:
        """Every record that the folds touch, sorted."""
        return sorted(
            {name for fold in self.folds for name in (*fold.train, *fold.probes, *fold.gallery)}
        )

    @cached_property
    def data_hash(self) -> str:
        """Hash of the images and the truth that the folds touch."""
        return fingerprint(self.dataset, self.names)


@dataclass(frozen=True)
class Entry:
    """An algorithm with the parameters it runs with."""

    plugin: Plugin
    description: Description
    source_hash: str
    preset: str


@dataclass(frozen=True)
class Prepared:
    """One run, checked and not yet started."""

    judged: Judged
    entry: Entry
    origin: Origin
    identity: str
    folder: Path
    request: Request

    @property
    def label(self) -> str:
        """Protocol and algorithm, for people."""
        return f"{self.judged.name} / {self.entry.plugin.name}"

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do."""
        return record.is_finished(self.folder, self.identity)


@dataclass(frozen=True)
class Finished:
    """A run whose folder is whole."""

    prepared: Prepared
    outcome: Outcome
    manifest: Manifest
    seconds: float
    done: tuple[str, ...]
    kept: tuple[str, ...]


def prepare(request: Request) -> list[Prepared]:
    """Check everything that can be checked before anything slow.

    Raises
    ------
    UsageError
        If a name, parameter or protocol is wrong, or nothing asked for fits together.
    DataError
        With every problem of a data set.
    """
    entries = [_entry(name, request) for name in _named(request.algorithms)]
    judged = [judged_by(name, request) for name in _named(request.protocols)]
    runs = []
    for asked in judged:
        ability = asked.protocol.module().ABILITY.__name__
        able = [e for e in entries if e.description.control or ability in e.description.abilities]
        if not able:
            raise UsageError(
                f"protocol {asked.name!r} needs a {ability}, which "
                + ", ".join(repr(e.plugin.name) for e in entries)
                + (" is" if len(entries) == 1 else " are")
                + " not. `harness list` shows who can do what."
            )
        runs += [_prepared(asked, entry, request) for entry in able]
    used = {run.entry.plugin.name for run in runs}
    idle = [entry.plugin.name for entry in entries if entry.plugin.name not in used]
    if idle:
        raise UsageError(
            f"{', '.join(idle)}: none of the protocols {', '.join(j.name for j in judged)} needs "
            "what it can do. `harness list` shows who can do what."
        )
    return runs


def execute(
    run: Prepared, limits: Limits, listen: Callable[[Event], None], *, report: bool = True
) -> Finished:
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
            return _execute(run, limits, listen, started, report=report)
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
    *,
    report: bool,
) -> Finished:
    judged, folder = run.judged, run.folder
    begun = now()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / record.CHECKSUMS).unlink(missing_ok=True)
    discard_parts(folder)
    write_whole(folder / record.PROTOCOL, judged.file.read_bytes())
    record.write_truth(folder, judged.folds, dict(judged.dataset.records), judged.dataset.root)
    waves = plan(
        run.entry.plugin,
        run.entry.description,
        judged.protocol,
        judged.folds,
        judged.dataset.records,
    )
    done: list[str] = []
    kept: list[str] = []
    for wave in waves:
        places = [(unit, folder / "units" / unit.name) for unit in wave]
        left = [(unit, place) for unit, place in places if not _is_done(unit, place)]
        kept += [unit.name for unit, place in places if (unit, place) not in left]
        do_all(left, limits, listen)
        done += [unit.name for unit, _ in left]
    units = [(unit, folder / "units" / unit.name) for wave in waves for unit in wave]
    answers = [
        Answer(*load_scores(folder / "units" / f"fold-{fold.name}" / SCORES))
        for fold in judged.folds
    ]
    outcome: Outcome = judged.protocol.module().judge(
        judged.folds, answers, judged.dataset.records, judged.protocol
    )
    manifest = _manifest(run, outcome, units, begun)
    manifest.opinions = opinions(judged.protocol, judged.folds, answers)
    finish(folder, manifest, outcome, judged.dataset if report else None)
    seconds = time.perf_counter() - started
    return Finished(run, outcome, manifest, seconds, tuple(done), tuple(kept))


def finish(folder: Path, manifest: Manifest, outcome: Outcome, dataset: Dataset | None) -> None:
    """Write what follows from the scores of a run, and seal its folder.

    Parameters
    ----------
    dataset
        For the pictures of the report; no report is written without it.
    """
    record.write_outcome(folder, outcome)
    record.write_manifest(folder, manifest)
    if dataset is not None:
        write_report(folder, manifest, outcome, dataset)
    record.seal(folder)


def score_again(folder: Path, forensic: str = "") -> tuple[record.Run, Outcome, bool]:
    """Compute every number of a run again from its raw scores, and its report with them.

    Parameters
    ----------
    forensic
        Calibrator of likelihood ratios; empty for what the run has already.

    Returns
    -------
    tuple
        The run, its outcome, and whether the metrics are what they were before.

    Raises
    ------
    Damaged
        If the scores, the truth or the protocol changed since the run.
    """
    record.check_sources(folder)
    run = record.read_run(folder)
    outcome = run.judge()
    kept = record.read_assessment(folder)
    method = forensic or (kept.method if kept is not None else "")
    assessment = record.assessed(run, method) if method else None
    before = folder / record.METRICS
    content = before.read_bytes() if before.exists() else b""
    (folder / record.CHECKSUMS).unlink()
    if assessment is not None:
        record.write_assessment(folder, assessment)
    facts = run.manifest.dataset
    pictured = Dataset(facts["name"], Path(facts["path"]), facts["layout"], run.records)
    finish(folder, run.manifest, outcome, pictured)
    return run, outcome, before.read_bytes() == content


def add_likelihood_ratios(finished: Finished, calibrator: str) -> None:
    """Add likelihood ratios to a finished run and its report, unless it has them already."""
    kept = record.read_assessment(finished.prepared.folder)
    if kept is None or kept.method != calibrator:
        score_again(finished.prepared.folder, calibrator)


def opinions(protocol: Protocol, folds: Sequence[Fold], answers: Sequence[Answer]) -> list[Opinion]:
    """Let PyEER compute the equal error rate of the same scores, where the protocol reports one."""
    from harness.scorefiles import pyeer_eer, split_scores

    if "eer" not in protocol.metrics or not any(fold.gallery for fold in folds):
        return []
    found = pyeer_eer(split_scores(folds, answers))
    return [Opinion(found.program, "eer", found.value, found.reason)]


def write_report(
    folder: Path, manifest: Manifest, outcome: Outcome, dataset: Dataset | None
) -> None:
    """Render the report of a run, with thumbnails of the images that are at hand."""
    from harness.data.images import decode, encode_thumbnail
    from harness.reporting.report import render

    def picture(name: str) -> bytes | None:
        shown = dataset.records.get(name) if dataset is not None else None
        if shown is None:
            return None
        try:
            return encode_thumbnail(decode(shown.path), 112)
        except (HarnessError, OSError):
            return None

    section = None
    assessment = record.read_assessment(folder)
    if assessment is not None:
        from harness.reporting.forensic import PROPOSITIONS, forensic_section

        protocol, _ = read_protocol(folder / record.PROTOCOL)
        proposition = PROPOSITIONS[protocol.data.mated_by]
        section = forensic_section(assessment, proposition, manifest.origin.algorithm)
    write_whole(folder / record.REPORT, render(manifest, outcome, picture, section))


def _entry(name: str, request: Request) -> Entry:
    plugin = find_algorithm(name, request.plugins)
    description = ask(
        plugin, preset=request.preset, assignments=request.parameters, seed=request.seed
    )
    return Entry(plugin, description, source_hash(plugin), request.preset)


def judged_by(name: str, request: Request) -> Judged:
    """Open a protocol with the data set it is to be asked on, and check both.

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
        given = f"fixtures/{protocol.data.default}"
    else:
        place, given = request.data, str(request.data)
    dataset = open_dataset(
        place,
        use_case=protocol.data.use_case,
        background=protocol.data.background,
        layout=request.layout,
    )
    if dataset.problems:
        raise DataError(f"{given} cannot be evaluated by {file.stem!r}:", dataset.problems)
    folds = restrict(protocol.module().lay_out(dataset, protocol), request.folds)
    return Judged(file.stem, file, protocol, protocol_hash, dataset, tuple(folds), given)


def _prepared(judged: Judged, entry: Entry, request: Request) -> Prepared:
    parameters = entry.description.values()
    origin = Origin(
        rule=RULE,
        protocol=judged.name,
        protocol_hash=judged.protocol_hash,
        data_hash=judged.data_hash,
        algorithm=entry.plugin.name,
        source_hash=entry.source_hash,
        parameters=parameters,
        weight_hashes=_weights(parameters),
        failure_policy=judged.protocol.module().FAILURE_POLICY,
        folds=[fold.name for fold in judged.folds],
    )
    identity = record.identity_of(origin)
    folder = request.out / judged.name / f"{entry.plugin.name}-{identity[:10]}"
    return Prepared(judged, entry, origin, identity, folder, request)


def _weights(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Hash every file that a parameter names: other weights are another algorithm."""
    hashes = {}
    for name, value in parameters.items():
        if isinstance(value, str) and value:
            path = Path(value)
            with suppress(OSError):
                if path.is_file():
                    with path.open("rb") as file:
                        hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _is_done(unit: Unit, place: Path) -> bool:
    return (place / (SCORES if unit.score else TEMPLATES)).is_dir()


def _manifest(
    run: Prepared, outcome: Outcome, units: Sequence[tuple[Unit, Path]], begun: str
) -> Manifest:
    judged, description = run.judged, run.entry.description
    steps: list[Step] = []
    versions: dict[str, str] = {}
    for unit, place in units:
        for step in (MODEL, TEMPLATES, SCORES):
            path = place / step / STEP_FILE
            if path.exists():
                facts = msgspec.json.decode(path.read_bytes())
                versions.update(facts.get("versions", {}))
                seconds, items = float(facts["seconds"]), int(facts.get("items", 0))
                steps.append(Step(unit.name, step, seconds, items))
    manifest = manifest_of(judged, run.origin, outcome, begun)
    manifest.versions = dict(sorted({**manifest.versions, **versions}.items()))
    manifest.abilities, manifest.control = description.abilities, description.control
    manifest.citation, manifest.about = description.citation, description.about
    manifest.git = _git(run.entry.plugin.file.parent)
    manifest.command = command(run)
    manifest.steps = steps
    return manifest


def manifest_of(judged: Judged, origin: Origin, outcome: Outcome, begun: str) -> Manifest:
    """Return a manifest with all that does not depend on how the scores were made."""
    return Manifest(
        format=record.FORMAT,
        identity=record.identity_of(origin),
        origin=origin,
        title=judged.protocol.title,
        question=judged.protocol.question,
        reference=judged.protocol.reference,
        task=judged.protocol.task,
        abilities=[],
        control=False,
        citation="",
        about="",
        dataset={
            "name": judged.dataset.name,
            "given": judged.given,
            "layout": judged.dataset.layout,
            "path": str(judged.dataset.root.resolve()),
            "synthetic": "true" if judged.given.startswith("fixtures/") else "false",
        },
        counts={"images": len(judged.names), **outcome.metrics.counts},
        versions={"python": platform.python_version(), "tattoo-harness": harness_version()},
        machine={
            "system": platform.platform(terse=True),
            "processor": platform.machine(),
        },
        git={},
        command="",
        started=begun,
        finished=now(),
        steps=[],
        failures=len(outcome.failures),
    )


def command(run: Prepared) -> str:
    """Return the one command that makes this run again."""
    words = ["harness", "run", "--protocol"]
    words += [run.judged.name if _is_builtin(run.judged.file) else str(run.judged.file)]
    builtin = _is_builtin(run.entry.plugin.file) or run.entry.plugin.module
    words += ["--algo", run.entry.plugin.name if builtin else str(run.entry.plugin.file)]
    if run.request.data is not None:
        words += ["--data", str(run.request.data)]
    if run.request.layout:
        words += ["--layout", run.request.layout]
    for fold in run.request.folds:
        words += ["--fold", fold]
    for parameter in run.entry.description.parameters:
        if parameter.name == "seed":
            words += ["--seed", str(parameter.value)]
        elif parameter.value != parameter.default:
            value = parameter.value
            text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            words += ["--param", f"{parameter.name}={text}"]
    return shlex.join(words)


def harness_version() -> str:
    """Return the installed version, or ``unknown`` in a checkout that was never installed."""
    try:
        return version("tattoo-harness")
    except PackageNotFoundError:
        return "unknown"


def _is_builtin(file: Path) -> bool:
    return any(file.is_relative_to(bundled(place)) for place in ("algorithms", "protocols"))


def _git(folder: Path) -> dict[str, Any]:
    """Return commit and dirty flag of the checkout that an algorithm lies in, if it lies in one."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 - found on PATH, as git is
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    with suppress(OSError, subprocess.TimeoutExpired):
        commit = git("rev-parse", "HEAD")
        if commit and re.fullmatch(r"[0-9a-f]{40,64}", commit):
            return {"commit": commit, "dirty": bool(git("status", "--porcelain"))}
    return {}


def _named(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(name.split(",") for name in names)))


def now() -> str:
    """Return the time as the manifest writes it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
