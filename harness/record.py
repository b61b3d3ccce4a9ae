"""The run folder: everything a run was made from and came to, checked by its own checksums.

::

    manifest.json     what was run, on what, with which versions, and how it went
    protocol.toml     the protocol, byte for byte
    truth.json        folds with probes, galleries and mates; facts about every image
    truth/            masks and clean captures of the probes, where the question is about them
    units/            each unit's model, templates, raw scores, failures and log
    journal.json      hash of every step of a unit, noted when it was stored
    candidates/       candidate lists, `probe|rank|gallery|score`
    metrics.json  curves.json  searches.json
    forensic.json     likelihood ratios, where they were asked for
    report.html
    checksums.sha256  of all the above; written last, so a folder without it is unfinished
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from harness.data.records import Draw, Fold, Record
from harness.errors import Damaged, HarnessError, UsageError
from harness.execution.journal import JOURNAL
from harness.execution.storage import STEP_FILE, load_answer, write_whole
from harness.execution.unit import SCORES, UNIT_FILE
from harness.manifest import Manifest, Origin
from harness.places import CHECKSUMS as CHECKSUMS
from harness.protocol import Protocol, read_protocol
from harness.results import Outcome, Search
from harness.tasks.answers import Answer, PictureAnswer, StreamedAnswer

if TYPE_CHECKING:
    from harness.likelihood.assessment import Assessment

FORMAT = 1
UNFINISHED = f"unfinished: it has no {CHECKSUMS}, which a run writes last"
MANIFEST, PROTOCOL, TRUTH = "manifest.json", "protocol.toml", "truth.json"
TRUTH_PICTURES = "truth"
METRICS, CURVES, SEARCHES = "metrics.json", "curves.json", "searches.json"
FORENSIC = "forensic.json"
LINE_ENDS = "its line ends are CR LF now, and were LF"
REPORT, CANDIDATES = "report.html", "candidates"
INDEPENDENT = "interval as if no two comparisons shared an identity, which the files do not say"
PLANNED = "environment.json"
"""In an unfinished run folder: the environment that its units are being done in."""
SIGNS = (MANIFEST, CHECKSUMS, PROTOCOL, "units", PLANNED)
"""What tells a run folder, finished or not, from others."""
LARGEST_FILE = 4 << 30
LARGEST_TEXT = 64 << 20
"""Bytes of the largest JSON file read: a run folder may come from a stranger."""


class Facts(msgspec.Struct, omit_defaults=True):
    """What `truth.json` keeps of a record: all that metrics and reports need."""

    path: str
    tattoo: str | None = None
    subject: str | None = None
    group: str | None = None
    source: str | None = None
    style: str | None = None
    media: str | None = None
    label: str | None = None
    box: tuple[int, int, int, int] | None = None
    size: tuple[int, int] | None = None
    skin: str | None = None
    tags: list[str] = []
    mask: str | None = None
    clean: str | None = None
    kept: str | None = None
    query: str | None = None
    text_score: float | None = None


class FoldTruth(msgspec.Struct, omit_defaults=True):
    """A fold as `truth.json` keeps it."""

    name: str
    train: list[str]
    probes: list[str]
    gallery: list[str]
    mates: list[tuple[str, str]]
    nonmates: list[tuple[str, str]] = []
    excluded: list[tuple[str, str]] = []
    draws: list[tuple[list[str], list[str]]] = []
    unmated: list[str] = []


class Truth(msgspec.Struct):
    """Everything that metrics need beside the scores."""

    folds: list[FoldTruth]
    records: dict[str, Facts]


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder.

    Parameters
    ----------
    answers
        Raw scores and failures, one per fold.
    """

    folder: Path
    manifest: Manifest
    protocol: Protocol
    folds: Sequence[Fold]
    records: dict[str, Record]
    answers: Sequence[Answer]

    def judge(self) -> Outcome:
        """Compute every number from the raw scores."""
        outcome = self.protocol.kind().judge(self.folds, self.answers, self.records, self.protocol)
        brought = self.manifest.imported
        if brought is None or brought.depth is None:
            return outcome
        from harness.scorefiles import Imported, withhold

        return withhold(outcome, Imported((), tuple(brought.forms), "", depth=brought.depth))


def assessed(run: Run, method: str) -> Assessment:
    """Calibrate the scores of a run into likelihood ratios and judge those.

    Parameters
    ----------
    method
        A key of `harness.likelihood.calibration.CALIBRATORS`.

    Raises
    ------
    UsageError
        If the run has no comparisons, or too few folds or comparisons to calibrate on.
    """
    from harness.likelihood.assessment import assess

    task = run.protocol.kind()
    if not task.compares:
        raise UsageError(
            f"likelihood ratios need comparisons, which protocol {run.manifest.origin.protocol!r} "
            "does not make"
        )
    brought = run.manifest.imported
    if brought is not None and brought.depth is not None:
        raise UsageError("likelihood ratios need every score; candidate lists end before that")
    try:
        found = assess(task.comparisons(run.folds, run.answers, run.records), method)
    except ValueError as reason:
        raise UsageError(f"{run.folder}: no likelihood ratios: {reason}") from None
    if run.protocol.task == "score-lists" and not run.records:
        # Every comparison was taken for an identity of its own.
        del found.counts["identities"]
        for estimate in found.estimates.values():
            if estimate.low is not None:
                estimate.flags.append(INDEPENDENT)
    return found


def read_assessment(folder: Path) -> Assessment | None:
    """Read the likelihood-ratio part of a run, if it has one."""
    from harness.likelihood.assessment import Assessment

    found: Assessment | None = None
    if (folder / FORENSIC).is_file():
        found = _read(folder / FORENSIC, Assessment)
    return found


def write_assessment(folder: Path, assessment: Assessment) -> None:
    """Write the likelihood-ratio part of a run."""
    write_whole(folder / FORENSIC, _text(assessment))


def identity_of(origin: Origin) -> str:
    """Hash what can change a number: SHA-256 over its JSON with sorted keys."""
    return hashlib.sha256(msgspec.json.encode(origin, order="deterministic")).hexdigest()


def result_hash(folder: Path) -> str:
    """Hash the stored answers of all folds: SHA-256 over the digests and names of their files."""
    names = [name for name in _contents(folder) if is_answer(name)]
    lines = [f"{_digest(folder / name)}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_finished(folder: Path, identity: str) -> bool:
    """Return whether a folder holds the finished run of this identity, with all its files."""
    try:
        manifest = _read(folder / MANIFEST, Manifest)
        listed = read_checksums(folder)
    except (Damaged, OSError):
        return False
    return manifest.identity == identity and all((folder / name).is_file() for name in listed)


def withdraw(folder: Path) -> None:
    """Remove all that follows from the steps of a run, and all that says what they answer."""
    if not folder.is_dir():
        return
    # First the mark of a finished run: without it nothing else is believed.
    (folder / CHECKSUMS).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name == JOURNAL or path.name == "units":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in folder.glob(f"units/*/{UNIT_FILE}"):
        path.unlink()


def write_truth(
    folder: Path,
    folds: Sequence[Fold],
    records: dict[str, Record],
    root: Path,
    truth_files: Sequence[str] = (),
) -> None:
    """Keep the truth of the folds, and the facts of the records that they name.

    Parameters
    ----------
    truth_files
        ``mask``, ``clean``, and ``path`` for the picture itself: kept of every probe, since numbers
        follow from them.
    """
    used = dict.fromkeys(
        name for fold in folds for name in (*fold.train, *fold.probes, *fold.gallery)
    )
    # Lines of score files are no images, and mostly nothing is known of them.
    facts = {name: _facts(records[name], root) for name in sorted(used) if name in records}
    for i, name in enumerate(sorted({name for fold in folds for name in fold.probes})):
        for kind in truth_files:
            source: Path | None = getattr(records[name], kind)
            if source is None:
                continue
            kept = f"{TRUTH_PICTURES}/{i:06d}-{kind}{source.suffix.lower()}"
            (folder / TRUTH_PICTURES).mkdir(exist_ok=True)
            write_whole(folder / kept, source.read_bytes())
            setattr(facts[name], "kept" if kind == "path" else kind, kept)
    truth = Truth(
        folds=[
            FoldTruth(
                name=f.name,
                train=list(f.train),
                probes=list(f.probes),
                gallery=list(f.gallery),
                mates=sorted(f.mates),
                nonmates=sorted(f.nonmates),
                excluded=sorted(f.excluded),
                draws=[(list(draw.probes), list(draw.gallery)) for draw in f.draws],
                unmated=list(f.unmated),
            )
            for f in folds
        ],
        records=facts,
    )
    write_whole(folder / TRUTH, _text(truth))


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write metrics, curves, searches and candidate lists."""
    write_whole(folder / METRICS, _text(outcome.metrics))
    write_whole(folder / CURVES, msgspec.json.encode(outcome.curves) + b"\n")
    write_whole(folder / SEARCHES, msgspec.json.encode(outcome.searches) + b"\n")
    lists: dict[str, list[str]] = {}
    for search in outcome.searches:
        if search.gallery:
            lists.setdefault(search.fold, []).extend(candidate_lines(search))
    for fold, lines in lists.items():
        (folder / CANDIDATES).mkdir(exist_ok=True)
        write_whole(folder / CANDIDATES / f"{fold}.txt", "".join(f"{line}\n" for line in lines))


def candidate_lines(search: Search) -> list[str]:
    """Return a search in the Tatt-C form ``probe|rank|gallery|score``, rank from 1, best first.

    A failed search is a full list of null candidates, never dropped: their gallery name is empty
    and their score is 0. A reference that failed is listed last, with an empty score.
    """
    if search.failed:
        return [f"{search.probe}|{rank}||0" for rank in range(1, len(search.candidates) + 1)]
    return [
        f"{search.probe}|{rank}|{c.reference}|{'' if c.score is None else repr(c.score)}"
        for rank, c in enumerate(search.candidates, start=1)
    ]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest."""
    write_whole(folder / MANIFEST, _text(manifest))


def seal(folder: Path) -> None:
    """Write the checksums of everything in the folder; the run is finished with that."""
    lines = [f"{_digest(folder / name)}  {name}\n" for name in _contents(folder)]
    write_whole(folder / CHECKSUMS, "".join(lines))


def read_run(folder: Path) -> Run:
    """Read a finished run.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If a file is missing or cannot be read.
    """
    if not (folder / MANIFEST).is_file():
        raise not_finished(folder)
    manifest = _read(folder / MANIFEST, Manifest)
    truth = _read(folder / TRUTH, Truth)
    try:
        protocol, _ = read_protocol(folder / PROTOCOL)
    except (OSError, HarnessError) as reason:
        raise Damaged(f"{folder / PROTOCOL}: {reason}") from None
    root = Path(manifest.dataset.get("path", "."))
    folds = [
        Fold(
            name=_plain(fold.name),
            train=tuple(fold.train),
            probes=tuple(fold.probes),
            gallery=tuple(fold.gallery),
            mates=frozenset(fold.mates),
            nonmates=frozenset(fold.nonmates),
            excluded=frozenset(fold.excluded),
            draws=tuple(Draw(tuple(probes), tuple(gallery)) for probes, gallery in fold.draws),
            unmated=tuple(fold.unmated),
        )
        for fold in truth.folds
    ]
    answers = []
    for fold in folds:
        place = folder / "units" / f"fold-{fold.name}" / SCORES
        try:
            answer = load_answer(place)
        except FileNotFoundError as reason:
            raise Damaged(f"{reason.filename or place}: is missing") from None
        except (OSError, ValueError) as reason:
            raise Damaged(f"{place}: {reason}") from None
        shape = (len(fold.probes), len(fold.gallery)) if fold.gallery else (len(fold.probes),)
        if isinstance(answer, StreamedAnswer):
            shape, found = shape[:1], answer.matching.ranks.shape
        elif isinstance(answer, PictureAnswer):
            found = (len(answer.files),)
        else:
            found = answer.scores.shape if fold.gallery else answer.scores.shape[:1]
        if found != shape:
            raise Damaged(f"{place}: scores have shape {found}, the truth says {shape}")
        answers.append(answer)
    records = {name: _record(name, facts, root, folder) for name, facts in truth.records.items()}
    return Run(folder, manifest, protocol, folds, records, answers)


def faults(folder: Path) -> list[str]:
    """Return everything that is wrong with a run folder: changed, missing, added or untrue.

    The checksums say whether a byte changed; that the numbers follow from the scores is shown by
    computing them again.
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
    if _digest(folder / PROTOCOL) != origin.protocol_hash:
        found.append(f"{PROTOCOL}: is not the protocol that the manifest names")
    if [fold.name for fold in run.folds] != origin.folds:
        found.append(f"{TRUTH}: its folds are not those that the manifest names")
    outcome = run.judge()
    for name, content in (
        (METRICS, _text(outcome.metrics)),
        (CURVES, msgspec.json.encode(outcome.curves) + b"\n"),
        (SEARCHES, msgspec.json.encode(outcome.searches) + b"\n"),
    ):
        if (folder / name).read_bytes() != content:
            found.append(f"{name}: does not follow from the raw scores")
    found += _contradictions(run, outcome)
    kept = read_assessment(folder)
    if kept is not None and _text(assessed(run, kept.method)) != (folder / FORENSIC).read_bytes():
        found.append(f"{FORENSIC}: does not follow from the raw scores")
    return found


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


def check_sources(folder: Path) -> None:
    """Refuse to compute from raw scores, truth or protocol that changed since the run.

    Raises
    ------
    Damaged
        With every change.
    """
    derived = {METRICS, CURVES, SEARCHES, REPORT, FORENSIC}
    changed = [
        fault for fault in changed_files(folder, derived) if not fault.startswith(f"{CANDIDATES}/")
    ]
    if changed:
        raise _damaged(folder, changed)


def check_answers(folder: Path) -> dict[str, str]:
    """Refuse manifest, protocol, truth or raw answers that changed since the run was written.

    Nothing else in the folder is looked at, and nothing else is needed to judge a run.

    Returns
    -------
    dict
        SHA-256 of every file with raw answers: equal ones are equal answers.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If the run is not finished, or with every change.
    """
    if not (folder / MANIFEST).is_file():
        raise not_finished(folder)
    listed = read_checksums(folder)
    needed = {name: digest for name, digest in listed.items() if is_source(name)}
    changed = [f"{n}: is missing" for n in needed if not (folder / n).is_file()]
    changed += [
        f"{name}: {_change(folder / name, digest)}"
        for name, digest in needed.items()
        if (folder / name).is_file() and _digest(folder / name) != digest
    ]
    if changed or not {MANIFEST, PROTOCOL, TRUTH} <= needed.keys():
        raise _damaged(folder, changed or ["a file is not listed"])
    return {name: digest for name, digest in needed.items() if is_answer(name)}


def is_source(name: str) -> bool:
    """Say whether a file of a run folder, by its relative name, is needed to judge the run."""
    parts = PurePosixPath(name).parts
    if name in (MANIFEST, PROTOCOL, TRUTH) or parts[0] == TRUTH_PICTURES:
        return True
    return _is_of_scores(parts)


def is_answer(name: str) -> bool:
    """Say whether a file of a run folder, by its relative name, holds raw answers."""
    parts = PurePosixPath(name).parts
    return _is_of_scores(parts) and parts[-1] != STEP_FILE


def _is_of_scores(parts: Sequence[str]) -> bool:
    return parts[0] == "units" and len(parts) > 3 and parts[2] == SCORES


def changed_files(folder: Path, apart_from: Iterable[str] | None = None) -> list[str]:
    """Return which files of a sealed folder changed, are missing or were added, in sentences."""
    listed = read_checksums(folder)
    present = set(_contents(folder))
    skipped = set(apart_from or ())
    found = [f"{name}: is missing" for name in sorted(set(listed) - present - skipped)]
    found += [f"{name}: was added later" for name in sorted(present - set(listed) - skipped)]
    found += [
        f"{name}: {_change(folder / name, listed[name])}"
        for name in sorted(present & set(listed) - skipped)
        if _digest(folder / name) != listed[name]
    ]
    return found


def _change(path: Path, digest: str) -> str:
    """Say how a file differs from the one that had this digest."""
    with path.open("rb") as file:
        # What was text here is small; arrays and pictures have no line ends to lose.
        content = file.read() if path.stat().st_size <= LARGEST_TEXT else b""
    unix = content.replace(b"\r\n", b"\n")
    return LINE_ENDS if hashlib.sha256(unix).hexdigest() == digest else "its bytes changed"


def _damaged(folder: Path, faults: Sequence[str]) -> Damaged:
    text = f"{folder} changed since it was written:\n" + "\n".join(f"  - {f}" for f in faults)
    if all(fault.endswith(LINE_ENDS) for fault in faults):
        text += (
            "\nNothing else changed, so this is what git does with text files where "
            "core.autocrlf is set: put a file .gitattributes with the line '* -text' into "
            "the folder, and check it out again"
        )
    return Damaged(text)


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the digests by file name that a run folder was sealed with.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If the run is unfinished, or a line is not a checksum.
    """
    path = folder / CHECKSUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise not_finished(folder) from None
    except (OSError, UnicodeDecodeError) as reason:
        raise Damaged(f"{folder} is not a finished run: {reason}") from None
    listed = {}
    for number, line in enumerate(lines, start=1):
        digest, _, name = line.partition("  ")
        parts = PurePosixPath(name).parts
        if len(digest) != 64 or not parts or ".." in parts or name.startswith("/"):
            raise Damaged(f"{path}, line {number}: is not a checksum line")
        listed[name] = digest
    return listed


def not_finished(folder: Path) -> HarnessError:
    """Return what is wrong with a folder without a seal: a run that was begun, or none at all."""
    if (folder / CHECKSUMS).is_file():
        return Damaged(f"{folder}: {MANIFEST} is missing")
    if any((folder / sign).exists() for sign in SIGNS):
        return Damaged(
            f"{folder}: {UNFINISHED}. The command that began it goes on from there; a run that "
            "another is at work on has to be waited for."
        )
    return UsageError(
        f"{folder} is not a run folder: it has no {MANIFEST}. A run folder is what "
        "`harness run` names in its last lines."
    )


def _contents(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != CHECKSUMS
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(name: str) -> str:
    """Refuse a fold name that would lead out of the run folder."""
    if not name or PurePosixPath(name).name != name or name in (".", ".."):
        raise Damaged(f"{name!r} is not the name of a fold")
    return name


def _facts(record: Record, root: Path) -> Facts:
    from harness.data.images import size_of

    return Facts(
        path=record.path.relative_to(root).as_posix(),
        tattoo=record.tattoo,
        subject=record.subject,
        group=record.group,
        source=record.source,
        style=record.style,
        media=record.media,
        label=record.label,
        box=record.box,
        # Grouping results by the size of the tattoo takes that of the image.
        size=record.size or (size_of(record.path) if record.box is not None else None),
        skin=record.skin,
        tags=list(record.tags),
        query=record.query,
        text_score=record.text_score,
    )


def _record(name: str, facts: Facts, root: Path, folder: Path) -> Record:
    for path in (facts.path, facts.mask, facts.clean, facts.kept):
        if path and (".." in PurePosixPath(path).parts or path.startswith("/")):
            raise Damaged(f"{TRUTH}: {path!r} leads out of its folder")
    known: dict[str, Any] = {
        field: getattr(facts, field)
        for field in facts.__struct_fields__
        if field not in ("path", "kept")
    }
    known["tags"] = tuple(facts.tags)
    known["mask"], known["clean"] = (
        None if path is None else folder / path for path in (facts.mask, facts.clean)
    )
    place = root / facts.path if facts.kept is None else folder / facts.kept
    return Record(name=name, path=place, **known)


def _read(path: Path, kind: Any) -> Any:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise Damaged(f"{path} is larger than {LARGEST_FILE} bytes")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as reason:
        raise Damaged(f"{path}: {reason}") from None


def _text(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
