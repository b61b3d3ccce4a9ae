"""Run folders in, entries out; what cannot be trusted or compared is left out with its reason.

A run folder is untrusted: nothing in it is executed, every file that is read is held
against the folder's checksums first, and all words of it are treated as words.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from harness.errors import BadFile, HarnessError, UsageError, visible
from harness.record import record
from harness.record.files import decoded, is_regular, open_file, read_sealed
from harness.record.manifest import Manifest
from harness.record.searches import read_searches
from harness.tasks.results import Curves, Metrics

if TYPE_CHECKING:
    from harness.statistics.likelihood.assessment import Assessment

LARGEST_FILE = 1 << 28
"""Bytes of the largest file that is read of a run."""

T = TypeVar("T")


_FAILURES = re.compile(r"units/[^/]+/scores/failures\.json")


class EvidenceNote(msgspec.Struct):
    """What of a search tells one entry from another; the rest is skipped."""

    fold: str
    probe: str
    identity: str = ""
    rank: int | None = None
    mates: int = 0
    average_precision: float | None = None
    correct: bool | None = None
    values: dict[str, float | None] = {}


@dataclass(frozen=True)
class LeftOut:
    """A run that is on no board, and why."""

    folder: str
    reason: str


@dataclass(frozen=True, eq=False)
class Entry:
    """A run that may stand on a board.

    Parameters
    ----------
    folder
        Where it lies, as the user wrote it.
    searches
        Its searches; only while boards are made.
    template_bytes
        Mean size of a template on disk; None where none were kept.
    protocol_text
        The protocol, byte for byte.
    fits
        Runs that are replicates of this entry, itself among them; empty where there is but one.
        `metrics` are of all of them, and everything else is of the first.
    seeds_apart
        Whether runs with other seeds are entries of their own.
    failed
        Names of the images that the algorithm gave up on; in each fold anew, in
        `manifest.failures`.
    """

    folder: str
    manifest: Manifest
    metrics: Metrics
    curves: Curves
    searches: Sequence[EvidenceNote]
    assessment: Assessment | None
    template_bytes: float | None
    protocol_text: bytes = field(repr=False)
    fits: tuple[Entry, ...] = ()
    seeds_apart: bool = False
    failed: frozenset[str] = frozenset()

    @property
    def identity(self) -> str:
        """Hash of all that can change a number."""
        return self.manifest.identity

    @property
    def id(self) -> str:
        """Short name for pages: hexadecimal digits only."""
        return self.manifest.identity[:12]

    @property
    def algorithm(self) -> str:
        """Name of the algorithm."""
        return self.manifest.origin.algorithm

    @property
    def board_key(self) -> tuple[Any, ...]:
        """What two runs must share to stand in one table."""
        origin = self.manifest.origin
        return (
            origin.protocol,
            origin.protocol_hash,
            origin.data_hash,
            tuple(origin.folds),
            origin.fold_count,
            origin.layout_hash,
            origin.failure_policy,
            self.metrics.headline,
        )

    @property
    def settings(self) -> str:
        """What was run, apart from the version of its source: algorithm, parameters, weights.

        The seed is part of it only where seeds are entries of their own.
        """
        origin = self.manifest.origin
        parameters = {k: v for k, v in origin.parameters.items() if self.seeds_apart or k != "seed"}
        parts = (origin.algorithm, parameters, origin.weight_hashes)
        text: str = msgspec.json.encode(parts, order="deterministic").decode()
        return text

    @property
    def results(self) -> list[Entry]:
        """Its fits with results of their own: equal ones, of several environments, tell it once."""
        found: dict[str, Entry] = {}
        for fit in self.fits or (self,):
            found.setdefault(fit.manifest.result_hash or fit.folder, fit)
        return list(found.values())

    @property
    def one_fit(self) -> bool:
        """Whether an algorithm that learns has but one result here: another may be better."""
        return self.manifest.learns and len(self.results) < 2


def find_runs(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the run folders at or below some places, sorted; links are not followed.

    Raises
    ------
    UsageError
        If a place is not a folder.
    """
    seen = set()
    for place in places:
        if not place.is_dir():
            raise UsageError(f"{place} is no folder; name run folders, or folders that hold them")
        for path, folders, files in os.walk(place):
            if not any(sign in files or sign in folders for sign in record.SIGNS):
                folders.sort()
                continue
            folders.clear()
            folder = Path(path)
            if folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield folder


def read_entry(folder: Path) -> Entry | LeftOut:
    """Read what a leaderboard needs of a run, or say why the run cannot be on one."""
    try:
        return _read_entry(folder)
    except BadFile as reason:
        return LeftOut(visible(str(folder)), f"cannot be read: {reason}")
    except HarnessError as reason:
        return LeftOut(visible(str(folder)), str(reason))


def _read_entry(folder: Path) -> Entry | LeftOut:
    from harness.runs.preparing import RULE
    from harness.statistics.likelihood.assessment import Assessment

    folder_name = visible(str(folder))
    if any("\ud800" <= letter <= "\udfff" for letter in str(folder)):
        return LeftOut(folder_name, "its path is not valid Unicode; rename the folder")
    if not (folder / record.CHECKSUMS).is_file():
        return LeftOut(folder_name, record.UNFINISHED)
    listed = record.read_checksums(folder)
    odd = [name for name in listed if not is_regular(folder, name)]
    missing = [name for name in odd if not os.path.lexists(folder / name)]
    if missing:
        return LeftOut(folder_name, f"broken seal: {_some(missing)} missing")
    for name in odd:
        if name != record.REPORT:  # of which no page is made
            open_file(folder, name).close()  # says what it is

    def content(name: str) -> bytes:
        return read_sealed(folder, name, listed, LARGEST_FILE)

    def read_part(name: str, kind: type[T], *, partly: bool = False) -> T:
        return decoded(folder / name, content(name), kind, partly=partly)

    def notes() -> list[EvidenceNote]:
        if record.SEARCHES not in listed and record.AS_JSON in listed:
            return read_part(record.AS_JSON, list[EvidenceNote], partly=True)
        data = content(record.SEARCHES)
        try:
            searches = read_searches(data, candidates=False)
        except ValueError as reason:
            raise BadFile(folder / record.SEARCHES, str(reason)) from None
        return [
            EvidenceNote(
                *(s.fold, s.probe, s.identity, s.rank, s.mates, s.average_precision),
                correct=s.correct,
                values=s.values,
            )
            for s in searches
        ]

    manifest = read_part(record.MANIFEST, Manifest)
    origin = manifest.origin
    if manifest.format != record.FORMAT:
        return LeftOut(
            folder_name,
            f"its folder has format {manifest.format}, this harness reads {record.FORMAT}",
        )
    if origin.rule != RULE:
        return LeftOut(
            folder_name,
            f"its identity follows rule {origin.rule}, this harness uses {RULE}: run it again",
        )
    if manifest.identity != record.identity_of(origin):
        return LeftOut(folder_name, "its identity does not follow from what went into the run")
    protocol_text = content(record.PROTOCOL)
    if hashlib.sha256(protocol_text).hexdigest() != origin.protocol_hash:
        return LeftOut(folder_name, "its protocol is not the one that its manifest names")
    metrics = read_part(record.METRICS, Metrics)
    if metrics.headline not in metrics.pooled:
        return LeftOut(folder_name, f"it has no value for its headline {metrics.headline!r}")
    return Entry(
        str(folder),
        manifest,
        metrics,
        read_part(record.CURVES, Curves),
        notes(),
        read_part(record.FORENSIC, Assessment) if record.FORENSIC in listed else None,
        _template_bytes(folder, listed, manifest),
        protocol_text,
        failed=frozenset(
            image
            for name in (listed if manifest.failures else ())
            if _FAILURES.fullmatch(name)
            for image in read_part(name, dict[str, str])
        ),
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(visible, names[:3]))
    shown += f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def _template_bytes(folder: Path, listed: Iterable[str], manifest: Manifest) -> float | None:
    """Return how much is kept of an image on average, from the files of the templates."""
    kept = [
        name
        for name in listed
        if name.startswith("units/") and name.endswith("/templates.safetensors")
    ]
    items = sum(step.items for step in manifest.steps if step.step == "templates")
    if not kept or items <= 0:
        return None
    return sum((folder / name).stat().st_size for name in kept) / items


def without_superseded(
    entries: Sequence[Entry], history: bool = False
) -> tuple[list[Entry], list[LeftOut]]:
    """Keep the latest source of every algorithm and its parameters, and one of equal runs.

    The same recipe with another seed, in another environment or with another result is no
    duplicate: such runs are replicates of one entry.

    Parameters
    ----------
    history
        Whether to keep those of another source; copies of one run still count once.
    """
    left_out = []
    alone: dict[Any, Entry] = {}
    for entry in sorted(entries, key=lambda e: (e.manifest.finished, e.folder)):
        manifest = entry.manifest
        result = (manifest.environment_hash, manifest.result_hash)
        key = (entry.board_key, entry.identity, *result)
        copy = alone.pop(key, None)
        if copy is not None:
            reason = f"superseded duplicate: the same run also lies in {entry.folder}"
            left_out.append(LeftOut(copy.folder, reason))
        alone[key] = entry
    if history:
        return list(alone.values()), left_out
    latest = {(entry.board_key, entry.settings): entry for entry in alone.values()}
    kept = []
    for entry in alone.values():
        later = latest[entry.board_key, entry.settings]
        if later.manifest.origin.source_hash == entry.manifest.origin.source_hash:
            kept.append(entry)
            continue
        reason = (
            f"superseded: {later.folder} is a later run of the same algorithm with the same "
            "parameters, from changed source (--history shows both)"
        )
        left_out.append(LeftOut(entry.folder, reason))
    return kept, left_out
