"""Runs whose scores somebody else produced: read, judged and kept like any other."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.findings import Finding
from harness.data.whole_files import write_whole
from harness.errors import UsageError
from harness.execution.storage import (
    discard_parts,
    record_step,
    save_matching,
    save_scores,
    whole,
)
from harness.execution.unit import SCORES
from harness.record import record
from harness.record.manifest import Import, Manifest, Origin, now
from harness.runs.finishing import (
    cross_checks,
    finish,
    manifest_of,
)
from harness.runs.preparing import (
    RULE,
    Request,
    judged_by,
)
from harness.scorefiles import (
    Imported,
    read_candidates,
    read_detections,
    read_scores,
    withhold,
)
from harness.tasks.answers import StreamedAnswer
from harness.tasks.kinds import task_of
from harness.tasks.odd_scores import look_at_scores
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.results import Outcome

READERS = {
    "candidates": read_candidates,
    "scores": read_scores,
    "detections": read_detections,
}
"""By the option of ``harness score`` that names the file."""


@dataclass(frozen=True)
class ImportedRun:
    """A run made from files, whole in its folder."""

    folder: Path
    manifest: Manifest
    outcome: Outcome
    imported: Imported


def import_scores(
    request: Request, kind: str, path: Path, *, form: str | None = None, name: str | None = None
) -> ImportedRun:
    """Judge scores of somebody else's and write their run folder.

    Parameters
    ----------
    request
        Names one protocol; its algorithms are not looked at.
    kind
        A key of `READERS`.
    path
        A file for all folds, or a folder with one file per fold.
    form
        Format; None to recognise it from the content.
    name
        Under which the run is listed; that of the file unless given.

    Raises
    ------
    UsageError
        If the protocol or the format is unknown.
    DataError
        With every fault of the data set, or of the files.
    """
    listed = listed_as(name, path)
    judged = judged_by(request.protocols[0], request)
    found = READERS[kind](path, judged.folds, judged.dataset.records, form=form)
    outcome = withhold(judged.judge(found.answers), found.depth)
    return keep(
        judged,
        found,
        outcome,
        judged.file.read_bytes(),
        about=f"Scores from {path.name}, computed elsewhere.",
        imported_as=Import(
            files=path.name,
            forms=list(found.forms),
            depth=found.depth,
            missing=list(found.missing),
            notes=list(found.notes),
        ),
        command=request.call or _command(request, kind, path, form, name),
        out=request.out,
        listed=listed,
        fold_count=request.fold_count or 0,
        findings=[
            *(Finding("score-files", "warning", note) for note in found.notes),
            *look_at_scores(judged.folds, found.answers, judged.protocol),
        ],
    )


_NOBODY = "unnamed-system"
_ABOVE = 3
"""Folders above a file whose names are looked at."""

_ANYBODY = re.compile(
    "(candidate|score|detection|result|list|file|output|impostor|mate|match|run|fold|unit|name)s?"
    "|matches|matrix|similarity|similarities|distances?|scored|mated|non|nonmated|genuine|data|csv"
    "|txt|json|out|exported|export|tmp|temp|home|work|new|old|final|my|copy|of|the"
)
"""Words that name any file of scores, and nobody who made them."""


def listed_as(name: str | None, path: Path) -> str:
    """Return the name under which scores are listed: the one asked for, or that of the file.

    Of a file whose name says nothing of whose scores they are, such as ``1.csv`` or
    ``candidates.txt``, it is the name of the nearest folder above it that does.

    Raises
    ------
    UsageError
        If it could not be the name of a folder everywhere, or says nothing of whose scores they
        are.
    """
    if name is None:
        places = (path.stem, *(place.name for place in path.resolve().parents[:_ABOVE]))
        names = [re.sub(r"[^\w.-]+", "-", place).strip(".-") for place in places]
        return next(filter(_speaks, names), _NOBODY)
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UsageError(f"--name {name!r} should be letters, digits, '-', '_' and '.'")
    if not _speaks(name):
        raise UsageError(
            f"--name {name!r} says nothing of whose scores they are, and boards list them by it; "
            "name the system that made them, such as vendor-2"
        )
    return name


def _speaks(name: str) -> bool:
    """Say whether a name tells one system from others: more than digits and words for any file."""
    words = [word for word in re.split(r"[\W_\d]+", name.lower()) if word]
    return not all(_ANYBODY.fullmatch(word) for word in words)


def keep(
    judged: ProtocolOnData,
    imported: Imported,
    outcome: Outcome,
    protocol: bytes,
    *,
    about: str,
    imported_as: Import,
    command: str,
    out: Path,
    listed: str,
    findings: Sequence[Finding],
    fold_count: int = 0,
) -> ImportedRun:
    """Write the run folder of scores that were read and judged.

    Parameters
    ----------
    judged, imported, outcome
        The question, the answers to it, and what they come to.
    protocol
        Bytes of the protocol's file.
    about, imported_as, command, findings
        For the manifest; `findings` beside those of the data.
    out, listed
        Where the folder goes, and under which name.
    fold_count
        Asked for on the command line; 0 unless it was.
    """
    begun = now()
    origin = Origin(
        rule=RULE,
        protocol=judged.name,
        protocol_hash=judged.protocol_hash,
        data_hash=judged.data_hash,
        algorithm=listed,
        source_hash=imported.sha256,
        parameters={},
        weight_hashes={},
        failure_policy=task_of(judged.protocol).failure_policy,
        folds=[fold.name for fold in judged.folds],
        fold_count=fold_count,
    )
    manifest = manifest_of(judged, origin, outcome, begun)
    folder = out / judged.name / f"{origin.algorithm}-{manifest.identity[:10]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / record.CHECKSUMS).unlink(missing_ok=True)
    discard_parts(folder)
    write_whole(folder / record.PROTOCOL, protocol)
    record.write_truth(
        folder,
        judged.folds,
        dict(judged.dataset.records),
        judged.dataset.root,
        measured=task_of(judged.protocol).compares,
    )
    for fold, answer in zip(judged.folds, imported.answers, strict=True):
        place = folder / "units" / f"fold-{fold.name}" / SCORES
        shutil.rmtree(place, ignore_errors=True)
        with whole(place) as part:
            if isinstance(answer, StreamedAnswer):
                save_matching(part, answer.matching, answer.failures)
            else:
                save_scores(part, answer.scores, answer.failures)
            record_step(part, items=answer.scores.size)
    manifest.about = about
    manifest.imported = imported_as
    manifest.command = command
    manifest.findings = [*manifest.findings, *findings]
    if imported.depth is None:
        manifest.opinions = cross_checks(judged.protocol, judged.folds, imported.answers)
    finish(folder, manifest, outcome, judged.dataset)
    return ImportedRun(folder, manifest, outcome, imported)


def _command(request: Request, kind: str, path: Path, form: str | None, name: str | None) -> str:
    words = ["harness", "score", f"--{kind}", str(path), "--protocol", request.protocols[0]]
    words += ["--data", str(request.data)] if request.data is not None else []
    words += ["--layout", request.layout] if request.layout else []
    words += ["--folds", str(request.fold_count)] if request.fold_count is not None else []
    for fold in request.folds:
        words += ["--fold", fold]
    words += ["--format", form] if form else []
    words += ["--name", name] if name else []
    return shlex.join(words)
