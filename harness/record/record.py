"""The run folder: everything a run was made from and came to, checked by its own checksums.

::

    manifest.json     what was run, on what, with which versions, and how it went
    protocol.toml     the protocol, byte for byte
    truth.json        folds with probes, galleries and mates; facts about every image
    truth/            masks and clean captures of the probes, where the question is about them
    units/            each unit's model, templates, raw scores, failures and log
    journal.json      hash of every step of a unit, noted when it was stored
    candidates/       candidate lists, `probe|rank|gallery|score`
    metrics.json  curves.json  searches.npz
    forensic.json     likelihood ratios, where they were asked for
    preregistration.json  what was written down before the run, where `--preregistered` named it
    report.html
    checksums.sha256  of all the above; written last, so a folder without it is unfinished
    attestation.json  who signed the checksums, once somebody did
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from harness.data.records import Fold, Record
from harness.data.whole_files import write_whole
from harness.errors import BadFile, Damaged, HarnessError, UsageError, visible
from harness.execution.journal import JOURNAL
from harness.execution.storage import STEP_FILE
from harness.execution.unit import SCORES, UNIT_FILE
from harness.plugins.places import CHECKSUMS
from harness.record.files import (
    LARGEST_LIST,
    digest,
    files_below,
    is_inside,
    is_regular,
    read_bytes,
    read_json,
    sound,
)
from harness.record.kept_answers import as_damage, read_answer
from harness.record.manifest import Manifest, Origin
from harness.record.searches import AS_JSON, SEARCHES, encoded
from harness.record.truth import TRUTH, TRUTH_PICTURES, Truth, folds_in, records_in, write_truth
from harness.tasks.answers import Answer, Answered
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol
from harness.tasks.reading import parse_protocol
from harness.tasks.results import Judgement, Outcome

if TYPE_CHECKING:
    from harness.statistics.likelihood.assessment import Assessment

__all__ = [
    "AS_JSON",
    "ATTESTATION",
    "CANDIDATES",
    "CHECKSUMS",
    "CURVES",
    "FORENSIC",
    "FORMAT",
    "MANIFEST",
    "METRICS",
    "PREREGISTRATION",
    "PROTOCOL",
    "REPORT",
    "SEARCHES",
    "TRUTH",
    "Run",
    "assessed",
    "candidate_lines",
    "changed_files",
    "check_answers",
    "check_sources",
    "identity_of",
    "is_answer",
    "is_finished",
    "is_source",
    "read_assessment",
    "read_checksums",
    "read_manifest",
    "read_run",
    "result_hash",
    "seal",
    "withdraw",
    "write_assessment",
    "write_manifest",
    "write_outcome",
    "write_truth",
]

T = TypeVar("T")
FORMAT = 1
UNFINISHED = f"unfinished: it has no {CHECKSUMS}, which a run writes last"
MANIFEST, PROTOCOL = "manifest.json", "protocol.toml"
METRICS, CURVES = "metrics.json", "curves.json"
FORENSIC = "forensic.json"
LINE_ENDS = "its line ends are CR LF now, and were LF"
REPORT, CANDIDATES = "report.html", "candidates"
PREREGISTRATION, ATTESTATION = "preregistration.json", "attestation.json"
INDEPENDENT = "interval as if no two comparisons shared an identity, which the files do not say"
PLANNED = "environment.json"
"""In an unfinished run folder: the environment that its units are being done in."""
SIGNS = (MANIFEST, CHECKSUMS, PROTOCOL, "units", PLANNED)
"""What tells a run folder, finished or not, from others."""
DATASET = ("name", "layout", "path")
"""What a manifest says of every data set."""
LARGEST_PROTOCOL = 1 << 20
FITS = "fits"
"""Folder of runs inside a folder that joins them; each has a seal of its own."""


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

    @property
    def answered(self) -> Answered:
        """Its folds with their answers."""
        return Answered(self.folds, self.answers, self.records, self.protocol)

    def computed(self, compute: Callable[..., T], *parts: Any) -> T:
        """Return what a function computes from parts of this run.

        Raises
        ------
        Damaged
            If they contradict each other, or a picture in the folder cannot be read.
        """
        try:
            with sound(self.folder, "its numbers cannot be computed"):
                return compute(*parts)
        except HarnessError as reason:
            raise as_damage(reason, self.folder) or reason from None

    def judge(self) -> Outcome:
        """Compute every number from the raw scores.

        Raises
        ------
        Damaged
            If they contradict the truth, or each other.
        """
        judge = task_of(self.protocol).judge
        outcome = self.computed(judge, self.folds, self.answers, self.records, self.protocol)
        depth, mixed = self.manifest.list_length, self.manifest.mixed
        if depth is None and not mixed:
            return outcome
        from harness.scorefiles import withhold, withhold_mixed

        return withhold_mixed(withhold(outcome, depth), mixed)


def assessed(run: Run, method: str) -> Assessment:
    """Calibrate the scores of a run into likelihood ratios and judge those.

    Parameters
    ----------
    method
        A key of `harness.statistics.likelihood.calibration.CALIBRATORS`.

    Raises
    ------
    UsageError
        If the run has no comparisons, or too few folds or comparisons to calibrate on.
    """
    from harness.statistics.likelihood.assessment import assess

    task = task_of(run.protocol)
    if not task.compares:
        raise UsageError(
            f"likelihood ratios need comparisons, which protocol {run.manifest.origin.protocol!r} "
            "does not make"
        )
    if run.manifest.list_length is not None:
        raise UsageError(
            f"likelihood ratios are not available from lists of {run.manifest.list_length}: they "
            "need every score, and candidate lists end before that"
        )
    if run.manifest.mixed:
        raise UsageError(f"{run.folder}: no likelihood ratios: {run.manifest.mixed}")
    with sound(run.folder, "likelihood ratios cannot be computed"):
        try:
            found = assess(task.comparisons(run.folds, run.answers, run.records), method)
        except ValueError as reason:
            raise UsageError(f"{run.folder}: no likelihood ratios: {reason}") from None
    if not task.names_images and not run.records:
        # Every comparison was taken for an identity of its own.
        del found.counts["identities"]
        for estimate in found.estimates.values():
            if estimate.low is not None:
                estimate.flags.append(INDEPENDENT)
    return found


def read_assessment(folder: Path) -> Assessment | None:
    """Read the likelihood-ratio part of a run, if it has one."""
    from harness.statistics.likelihood.assessment import Assessment

    return read_json(folder, FORENSIC, Assessment) if (folder / FORENSIC).exists() else None


def write_assessment(folder: Path, assessment: Assessment) -> None:
    """Write the likelihood-ratio part of a run."""
    write_whole(folder / FORENSIC, text_of(assessment))


def identity_of(origin: Origin) -> str:
    """Hash what can change a number: SHA-256 over its JSON with sorted keys."""
    return hashlib.sha256(msgspec.json.encode(origin, order="deterministic")).hexdigest()


def result_hash(folder: Path) -> str:
    """Hash the stored answers of all folds: SHA-256 over the digests and names of their files."""
    names = [name for name in contents_of(folder) if is_answer(name)]
    lines = [f"{digest(folder, name)}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_finished(folder: Path, identity: str) -> bool:
    """Return whether a folder holds the finished run of this identity, with all its files."""
    try:
        manifest = read_manifest(folder)
        listed = read_checksums(folder)
    except HarnessError:
        return False
    return manifest.identity == identity and all(is_regular(folder, name) for name in listed)


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


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write metrics, curves, searches and candidate lists."""
    write_whole(folder / METRICS, text_of(outcome.metrics))
    write_whole(folder / CURVES, msgspec.json.encode(outcome.curves) + b"\n")
    write_whole(folder / SEARCHES, encoded(outcome.searches))
    (folder / AS_JSON).unlink(missing_ok=True)
    for name, text in candidate_files(outcome):
        (folder / CANDIDATES).mkdir(exist_ok=True)
        write_whole(folder / name, text)


def candidate_files(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Hand out the candidate lists of a run: the name of a file and its text, one at a time."""
    folds = dict.fromkeys(search.fold for search in outcome.searches if search.gallery)
    for fold in folds:
        listed = (s for s in outcome.searches if s.fold == fold and s.gallery)
        lines = [line for search in listed for line in candidate_lines(search)]
        yield f"{CANDIDATES}/{fold}.txt", "".join(f"{line}\n" for line in lines)


def candidate_lines(search: Judgement) -> list[str]:
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
    write_whole(folder / MANIFEST, text_of(manifest))


def seal(folder: Path) -> None:
    """Write the checksums of everything in the folder; the run is finished with that."""
    lines = [f"{digest(folder, name)}  {name}\n" for name in contents_of(folder)]
    write_whole(folder / CHECKSUMS, "".join(lines))


def read_manifest(folder: Path) -> Manifest:
    """Read what a run folder says about itself.

    Raises
    ------
    UsageError
        If the folder is not a run.
    BadFile
        If the manifest cannot be read, is of another format, or lacks what every one has.
    """
    path = folder / MANIFEST
    if not path.exists() and not path.is_symlink():
        raise not_finished(folder)
    manifest = read_json(folder, MANIFEST, Manifest)
    if manifest.format != FORMAT:
        raise BadFile(
            path, f"has format {manifest.format}, this harness reads {FORMAT}", "$.format"
        )
    lacking = [name for name in DATASET if name not in manifest.dataset]
    if lacking:
        raise BadFile(path, f"does not say the {lacking[0]} of the data set", "$.dataset")
    return manifest


def read_run(folder: Path) -> Run:
    """Read a finished run.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If a file is missing or cannot be read, or files contradict each other.
    """
    manifest = read_manifest(folder)
    truth = read_json(folder, TRUTH, Truth, LARGEST_LIST)
    try:
        protocol = parse_protocol(read_bytes(folder, PROTOCOL, LARGEST_PROTOCOL), PROTOCOL)
    except UsageError as reason:
        raise BadFile(folder / PROTOCOL, " ".join(str(reason).split())) from None
    imported = manifest.imported is not None
    listed = manifest.lists is not None
    # Scores that carry their own truth are of lines in a file, of which nothing need be known.
    folds = folds_in(folder, truth, need_records=task_of(protocol).names_images)
    records = records_in(folder, truth, Path(manifest.dataset["path"]))
    with sound(folder, "its raw answers cannot be read"):
        task = task_of(protocol)
        width = len(task.vocabulary(records, protocol)) if task.has_vocabulary else None
        images = {name for fold in folds for name in (*fold.probes, *fold.gallery)}
        answers = [
            read_answer(
                folder, fold, task.ability, width, images=images, imported=imported, listed=listed
            )
            for fold in folds
        ]
    return Run(folder, manifest, protocol, folds, records, answers)


def check_sources(folder: Path) -> None:
    """Refuse to compute from raw scores, truth or protocol that changed since the run.

    Raises
    ------
    Damaged
        With every change.
    """
    derived = {METRICS, CURVES, SEARCHES, AS_JSON, REPORT, FORENSIC}
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
    read_manifest(folder)
    listed = read_checksums(folder)
    needed = {name: digest for name, digest in listed.items() if is_source(name)}
    changed = [f for name, known in needed.items() if (f := _difference(folder, name, known))]
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
    """Return which files of a sealed folder changed, are missing or were added, in sentences.

    What is no regular file, such as a link, is among them: a run folder holds none.
    """
    listed = read_checksums(folder)
    present = dict(_entries(folder))
    skipped = set(apart_from or ())
    found = [f"{visible(name)}: is missing" for name in sorted(listed.keys() - present - skipped)]
    found += [f"{name}: is a folder" for name in sorted(skipped) if (folder / name).is_dir()]
    for name in sorted(present):
        if present[name]:
            found.append(f"{visible(name)}: is {present[name]}; a run folder holds files alone")
        elif name in skipped:
            continue
        elif name not in listed:
            found.append(f"{visible(name)}: was added later")
        elif fault := _difference(folder, name, listed[name]):
            found.append(fault)
    return found


def _difference(folder: Path, name: str, known: str) -> str:
    """Say how a file differs from the one that had this digest; empty if it is that one."""
    try:
        if digest(folder, name) == known:
            return ""
        # What was text here is small; arrays and pictures have no line ends to lose.
        content = read_bytes(folder, name)
    except BadFile as reason:
        large = reason.fault.startswith("has ")
        return f"{visible(name)}: {'its bytes changed' if large else reason.fault}"
    unix = hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
    return f"{visible(name)}: {LINE_ENDS if unix == known else 'its bytes changed'}"


def _damaged(folder: Path, verify_run: Sequence[str]) -> Damaged:
    text = f"{visible(str(folder))} changed since it was written:\n" + "\n".join(
        f"  - {f}" for f in verify_run
    )
    if all(fault.endswith(LINE_ENDS) for fault in verify_run):
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
        text = read_bytes(folder, CHECKSUMS).decode("utf-8")
    except BadFile as reason:
        if not path.exists() and not path.is_symlink():
            raise not_finished(folder) from None
        raise BadFile(folder, f"is not a finished run: {CHECKSUMS} {reason.fault}") from None
    except UnicodeDecodeError as reason:
        raise BadFile(path, f"is not UTF-8: {reason.reason}") from None
    listed: dict[str, str] = {}
    # Not splitlines, which also parts at signs that may stand in a name.
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        known, _, name = line.removesuffix("\r").partition("  ")
        if not re.fullmatch("[0-9a-f]{64}", known) or not is_inside(name):
            raise BadFile(path, "is not a checksum line: 64 digits and a file", f"line {number}")
        if name in listed:
            raise BadFile(path, f"lists {name!r} a second time", f"line {number}")
        listed[name] = known
    return listed


def not_finished(folder: Path) -> HarnessError:
    """Return what is wrong with a folder without a seal: a run that was begun, or none at all."""
    if (folder / CHECKSUMS).is_file():
        return Damaged(f"{visible(str(folder))}: {MANIFEST} is missing")
    folder_name = visible(str(folder))
    if any((folder / sign).exists() for sign in SIGNS):
        return Damaged(
            f"{folder_name}: {UNFINISHED}. The command that began it goes on from there; a run "
            "that "
            "another is at work on has to be waited for."
        )
    return UsageError(
        f"{folder_name} is not a run folder: it has no {MANIFEST}. A run folder is what "
        "`harness run` names in its last lines."
    )


def _entries(folder: Path) -> list[tuple[str, str]]:
    """Return what a seal speaks of, as `files_below` does: all but seals and who signed them."""
    seals = {CHECKSUMS, ATTESTATION}
    found = []
    for name, kind in files_below(folder):
        parts = name.split("/")
        if name in seals or (len(parts) == 3 and parts[0] == FITS and parts[2] in seals):
            if kind:
                found.append((name, kind))
            continue
        found.append((name, kind))
    return found


def contents_of(folder: Path) -> list[str]:
    """Return the regular files that a seal speaks of, sorted."""
    return sorted(name for name, kind in _entries(folder) if not kind)


def text_of(value: Any) -> bytes:
    """Return a value as the bytes of its JSON file."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
