"""What `harness verify` asks of the steps behind the scores: are they those that were stored?

Numbers that follow from the scores say nothing of where the scores came from. The journal holds the
hash of every step as it was stored; templates have to be whole, cosine scores have to follow from
them, and the manifest must not claim a better fence than its steps had.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from harness.data.records import Fold
from harness.errors import BadFile, Damaged, visible
from harness.execution.fence import Fence
from harness.execution.journal import JOURNAL, digest_of_folder
from harness.execution.storage import STEP_FILE, gather_vectors
from harness.execution.unit import MODEL, SCORES, TEMPLATES, UNIT_FILE
from harness.record.evidence.preregistration import faults as preregistration_faults
from harness.record.files import (
    LARGEST_LIST,
    digest,
    is_regular,
    open_file,
    read_bytes,
    read_json,
    read_unit,
    sound,
)
from harness.record.kept_answers import scores_of
from harness.record.protection import weakest_of
from harness.record.record import (
    CANDIDATES,
    CURVES,
    FORENSIC,
    MANIFEST,
    METRICS,
    PREREGISTRATION,
    PROTOCOL,
    TRUTH,
    Run,
    assessed,
    candidate_files,
    changed_files,
    contents_of,
    identity_of,
    read_assessment,
    read_run,
    result_hash,
    text_of,
)
from harness.record.remarks import read_index, read_remarks
from harness.record.searches import AS_JSON, SEARCHES, encoded
from harness.statistics.bootstrap import as_of_before
from harness.statistics.estimate import Estimate
from harness.tasks.answers import ListsOfDraws, StreamedAnswer
from harness.tasks.drawing import each_draw
from harness.tasks.intervals import NONE
from harness.tasks.results import Metrics, Outcome

__all__ = ["work_faults"]

STEPS = (MODEL, TEMPLATES, SCORES)
ROWS = 64
"""Probes of a fold, evenly chosen, whose scores are computed again from templates."""
BLOCK = 1 << 24
"""Numbers of a file of templates that are looked at together."""
TOLERANCE = 1e-4
"""Between scores of one machine and those of another, from templates of length 1."""


class _Step(msgspec.Struct):
    fence: Fence | None = None


def work_faults(run: Run) -> list[str]:
    """Return what contradicts the steps of a run, in sentences; empty for imported scores."""
    if run.manifest.imported is not None:
        return []
    units = sorted(path.name for path in (run.folder / "units").iterdir() if path.is_dir())
    found: list[str] = []
    for part in (_journal_faults, _unit_faults, _template_faults, _fence_faults):
        try:
            with sound(run.folder, "its steps cannot be checked"):
                found += part(run, units)
        except Damaged as reason:
            found.append(str(reason))
    if not found:
        with sound(run.folder, "its scores cannot be computed again"):
            found += _cosine_faults(run, units)
    return found


def _journal_faults(run: Run, units: Sequence[str]) -> Iterator[str]:
    """Hold what is stored against what was noted when it was stored."""
    noted = read_json(run.folder, JOURNAL, dict[str, str], LARGEST_LIST)
    for unit in units:
        for step in STEPS:
            name, place = f"{unit}/{step}", run.folder / "units" / unit / step
            if place.is_dir() and name not in noted:
                yield f"{JOURNAL}: does not note {visible(name)}, which is stored"
            elif place.is_dir() and digest_of_folder(place) != noted[name]:
                yield f"units/{visible(name)}: is not what {JOURNAL} noted when it was stored"
            elif not place.is_dir() and name in noted:
                yield f"units/{visible(name)}: is noted in {JOURNAL} and missing"


def _unit_faults(run: Run, units: Sequence[str]) -> Iterator[str]:
    """Hold what units were asked against the truth that they are judged by."""
    for fold in _asked(run):
        name = f"fold-{fold.name}"
        unit = read_unit(run.folder, name) if name in units else None
        if unit is None:
            yield f"units/{name}/{UNIT_FILE}: is missing"
        elif unit.name != name:
            yield f"units/{name}/{UNIT_FILE}: names another unit, {unit.name!r}"
        elif (unit.probes, unit.gallery) != (list(fold.probes), list(fold.gallery)):
            yield f"units/{name}/{UNIT_FILE}: asked for other images than the truth names"


def _asked(run: Run) -> Iterator[Fold]:
    """Yield what was a unit of its own: folds, and the draws of those that have lists of each."""
    for fold, answer in zip(run.folds, run.answers, strict=True):
        yield from each_draw(fold) if isinstance(answer, ListsOfDraws) else [fold]


def _template_faults(run: Run, units: Sequence[str]) -> Iterator[str]:
    """Refuse templates that cannot be read, or are not those that their index names."""
    for unit in units:
        place = f"units/{unit}/{TEMPLATES}"
        if (run.folder / place).is_dir():
            try:
                _check_templates(run.folder, place)
            except BadFile as reason:
                yield str(reason)


def _check_templates(folder: Path, place: str) -> None:
    from safetensors import safe_open

    index = read_index(folder, place)
    read_remarks(folder, place, set(index.names), boxes=False)
    path = folder / place / "templates.safetensors"
    open_file(folder, f"{place}/{path.name}").close()
    try:
        with safe_open(path, framework="numpy") as file:
            made = {}
            for key in file.keys():  # noqa: SIM118 - it is no dict
                part = file.get_slice(key)
                shape = tuple(part.get_shape())
                made[key] = shape
                step = max(1, BLOCK // max(1, int(np.prod(shape[1:], dtype=np.float64))))
                for start in range(0, shape[0], step) if shape else ():
                    rows = np.asarray(part[start : min(start + step, shape[0])])
                    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
                        raise BadFile(path, "holds NaN or infinity", key)
    except (BadFile, MemoryError):
        raise
    except Exception as reason:  # its errors, and NumPy's about what it promises
        raise BadFile(path, f"is no whole safetensors file: {reason}") from None
    if index.stacked:
        if set(made) != {"vectors"} or made["vectors"][:1] != (len(index.names),):
            raise BadFile(path, f"does not hold one vector for each of {len(index.names):,} names")
        return
    numbers = {key.partition("/")[0] for key in made}
    if numbers != {str(i) for i in range(len(index.names))}:
        raise BadFile(path, f"does not hold a template for each of {len(index.names):,} names")


def _fence_faults(run: Run, units: Sequence[str]) -> Iterator[str]:
    """Hold what the manifest says of a fence against what its steps noted."""
    claimed = run.manifest.protection
    if claimed is None:
        yield f"{MANIFEST}: does not say what kept the algorithm from the truth"
        return
    fences = []
    for unit in units:
        for step in STEPS:
            name = f"units/{unit}/{step}/{STEP_FILE}"
            if (run.folder / name).exists():
                fence = read_json(run.folder, name, _Step, partly=True).fence
                fences += [] if fence is None else [fence]
    had = weakest_of(fences)
    said = Fence(claimed.landlock, claimed.network, claimed.processes, tuple(claimed.missing))
    if had is not None and (_strength(said) != _strength(had) or claimed.words != said.sentence):
        yield f"{MANIFEST}: its protection is not that of the steps, which is: {had.sentence}"
    if had is None and claimed.fenced:
        yield f"{MANIFEST}: claims a fence that no step noted"


def _strength(fence: Fence) -> tuple[object, ...]:
    return fence.landlock, fence.network, fence.processes, set(fence.missing)


def _cosine_faults(run: Run, units: Sequence[str]) -> Iterator[str]:
    """Compute scores again from templates, where the harness itself compared them."""
    for fold, answer in zip(run.folds, run.answers, strict=True):
        unit = read_unit(run.folder, f"fold-{fold.name}")
        if unit is None or not unit.cosine or isinstance(answer, StreamedAnswer):
            continue
        if not unit.templates:
            continue
        places = []
        for name in unit.templates:
            unit_name = name.removeprefix("units/").removesuffix(f"/{TEMPLATES}")
            if unit_name not in units or name != f"units/{unit_name}/{TEMPLATES}":
                yield f"units/{unit.name}/{UNIT_FILE}: names templates that are not in the folder"
                return
            places.append(run.folder / name)
        chosen = np.unique(np.linspace(0, len(fold.probes) - 1, ROWS).astype(int)).tolist()
        with tempfile.TemporaryDirectory() as scratch:
            one, other = Path(scratch) / "probes.npy", Path(scratch) / "references.npy"
            probes, lost = gather_vectors(places, [fold.probes[i] for i in chosen], one)
            references, gone = gather_vectors(places, fold.gallery, other)
            if lost.all() or gone.all():
                continue
            again = probes.astype(np.float64) @ references.astype(np.float64).T
            there = ~lost[:, None] & ~gone[None, :] & np.isfinite(answer.scores[chosen])
            if np.abs(np.where(there, answer.scores[chosen] - again, 0)).max() > TOLERANCE:
                yield f"{scores_of(fold.name)}: do not follow from the templates"


def verify_run(folder: Path) -> list[str]:
    """Return everything that is wrong with a run folder: changed, missing, added or untrue.

    The checksums say whether a byte changed; that the numbers follow from the scores is shown by
    computing them again; that the steps before them are those that were stored, by the journal.
    """
    found = changed_files(folder)
    if found:
        return found
    run = read_run(folder)
    origin = run.manifest.origin
    if identity_of(origin) != run.manifest.identity:
        found.append(f"{MANIFEST}: the identity does not follow from what went into the run")
    if run.manifest.result_hash != result_hash(folder):
        found.append(f"{MANIFEST}: the hash of the result does not follow from the raw answers")
    if digest(folder, PROTOCOL) != origin.protocol_hash:
        found.append(f"{PROTOCOL}: is not the protocol that the manifest names")
    if [fold.name for fold in run.folds] != origin.folds:
        found.append(f"{TRUTH}: its folds are not those that the manifest names")
    found += preregistration_faults(folder, PREREGISTRATION, origin)
    outcome = run.judge()
    kept_searches = [name for name in (SEARCHES, AS_JSON) if is_regular(folder, name)]
    kept = {
        name: read_bytes(folder, name, LARGEST_LIST)
        for name in (METRICS, CURVES, *(kept_searches or [SEARCHES]))
    }
    follow = _written(outcome, kept)
    if kept[METRICS] != follow[METRICS]:
        before = _as_of_before(run, outcome, kept[METRICS])
        follow = follow if before is None else _written(before, kept)
    found += [
        f"{name}: does not follow from the raw scores"
        for name in kept
        if kept[name] != follow[name]
    ]
    listed = {name for name in contents_of(folder) if name.startswith(f"{CANDIDATES}/")}
    amiss = set()
    for name, text in candidate_files(outcome):
        if name in listed and read_bytes(folder, name, LARGEST_LIST) == text.encode():
            listed.remove(name)
        elif name in listed or text:
            amiss.add(name)
    for name in sorted(listed | amiss):
        if name in amiss or read_bytes(folder, name, LARGEST_LIST):
            found.append(f"{visible(name)}: does not follow from the raw scores")
    with sound(folder, "the opinions of other programs cannot be checked"):
        found += _contradictions(run, outcome)
    ratios = read_assessment(folder)
    if ratios is not None and text_of(assessed(run, ratios.method)) != read_bytes(folder, FORENSIC):
        found.append(f"{FORENSIC}: does not follow from the raw scores")
    return [*found, *work_faults(run)]


def _written(outcome: Outcome, names: Iterable[str]) -> dict[str, bytes]:
    """Return what files of an outcome hold."""
    made = {
        METRICS: text_of(outcome.metrics),
        CURVES: msgspec.json.encode(outcome.curves) + b"\n",
    }
    return made | {name: encoded(outcome.searches, name) for name in names if name not in made}


def _as_of_before(run: Run, outcome: Outcome, content: bytes) -> Outcome | None:
    """Return the outcome by intervals drawn as once, where metrics are those of such a time."""
    try:
        kept = msgspec.json.decode(content, type=Metrics)
    except msgspec.DecodeError:
        return None
    if text_of(_without_intervals(kept)) != text_of(_without_intervals(outcome.metrics)):
        return None
    with as_of_before():
        before = run.judge()
    return before if text_of(before.metrics) == content else None


def _without_intervals(metrics: Metrics) -> Metrics:
    def bare(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
        return {
            name: msgspec.structs.replace(
                one,
                low=None,
                high=None,
                method="",
                flags=[flag for flag in one.flags if not flag.startswith(NONE)],
            )
            for name, one in estimates.items()
        }

    subsets = {name: bare(estimates) for name, estimates in metrics.subsets.items()}
    return msgspec.structs.replace(metrics, pooled=bare(metrics.pooled), subsets=subsets)


def _contradictions(run: Run, outcome: Outcome) -> list[str]:
    """Return where another program computed another figure than steps of a curve can explain."""
    from harness.scorefiles.independent import scores_behind

    found = []
    for opinion in run.manifest.opinions:
        estimate = outcome.metrics.pooled.get(opinion.metric)
        if opinion.value is None or estimate is None or estimate.value is None:
            continue
        lists = scores_behind(run.protocol, run.folds, run.answers)
        # From the scores, not from what the manifest says, and for manifests that do not say it.
        if msgspec.structs.replace(opinion, tolerance=lists.step).contradicts(estimate.value):
            found.append(
                f"{MANIFEST}: {opinion.program} computes {opinion.metric} {opinion.value:.4f}, the "
                f"run has {estimate.value:.4f}; of the same scores they differ by at most "
                f"{lists.step:.4f}"
            )
    return found
