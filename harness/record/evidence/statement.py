"""What is signed of a folder: an in-toto statement of its checksums, its numbers and its searches.

Everything in it but the time, the key and the hashes of pictures follows from the folder, so that
whoever has the folder can make it again and compare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import BadFile, visible
from harness.execution.environment import harness_version
from harness.record import record
from harness.record.evidence.changes import changes
from harness.record.evidence.leaves import PICTURE, SEARCH, of_pictures, of_searches
from harness.record.evidence.merkle import root
from harness.record.evidence.preregistration import (
    MOMENT,
    Named,
    digest_of,
    read_preregistration,
)
from harness.record.evidence.validated import ValidationFacts, validation_in
from harness.record.files import LARGEST_LIST, digest, is_regular, read_bytes, read_json
from harness.record.joined import ENTRY, read_joined
from harness.record.searches import AS_JSON, SEARCHES, read_searches
from harness.tasks.results import Judgement, Metrics

__all__ = [
    "PREDICATE",
    "STATEMENT",
    "Predicate",
    "Statement",
    "Tree",
    "again",
    "differences",
    "payload_of",
    "read_statement",
    "searches_of",
    "statement_of",
]

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:tattoo-harness:attestation:1"
RFC6962 = "rfc6962Sha256"
"""Kind of digest: hash of a Merkle tree by RFC 6962 with SHA-256."""


class Subject(msgspec.Struct, forbid_unknown_fields=True):
    """A thing that a statement is about, with its digest by the name of the method."""

    name: str
    digest: dict[str, str]


class Tree(msgspec.Struct, forbid_unknown_fields=True):
    """A Merkle tree, whose hash stands among the subjects.

    Parameters
    ----------
    rule
        By which its entries are made.
    count
        Entries.
    """

    rule: str
    count: int


class Result(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A number: a metric over all folds, with its 95 % interval and the trials behind it."""

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


class RunFacts(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a run is.

    Parameters
    ----------
    identity, result, environment
        Hashes, as the manifest has them.
    protocol, data, algorithm
        Names, with the digests of the file, of images and truth, and of the source.
    parameters
        Of the algorithm.
    imported
        Whether the scores were made elsewhere.
    """

    identity: str
    result: str
    environment: str
    protocol: Named
    data: Named
    algorithm: Named
    parameters: dict[str, Any]
    imported: bool = False


class Fixed(msgspec.Struct, forbid_unknown_fields=True):
    """What was written down before the run: digests of the file and of its criteria, and those."""

    sha256: str
    criteria_sha256: str
    criteria: list[dict[str, Any]]


class Predicate(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is said of the subjects.

    Parameters
    ----------
    kind
        ``run``, ``entry`` of several fits, ``validation``, or any other ``folder`` with checksums.
    harness
        Version that made the statement.
    key
        Public key of the signer: 32 bytes in hexadecimal. Whose it is nobody can tell from it.
    signed
        When, by the signer's clock: UTC, ISO 8601.
    assurance
        ``self_attested``: nobody but the signer stands behind it.
    run, results, preregistration
        Of a run; results of an entry, too.
    validation
        Of a validation.
    searches, pictures
        Trees, where there are any.
    no_pictures
        Why there is no tree of pictures.
    """

    kind: str
    harness: str
    key: str
    signed: str
    assurance: str
    run: RunFacts | None = None
    results: list[Result] = []
    preregistration: Fixed | None = None
    validation: ValidationFacts | None = None
    searches: Tree | None = None
    pictures: Tree | None = None
    no_pictures: str = ""


class Statement(msgspec.Struct, forbid_unknown_fields=True):
    """An in-toto statement."""

    kind: str = msgspec.field(name="_type")
    subject: list[Subject]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: Predicate

    def root_of(self, name: str) -> bytes:
        """Return the hash of a tree, ``searches`` or ``pictures``; empty without one."""
        found = [one.digest.get(RFC6962, "") for one in self.subject if one.name == name]
        try:
            return bytes.fromhex(found[0]) if found else b""
        except ValueError:
            return b""

    @property
    def checksums(self) -> str:
        """SHA-256 of the folder's checksums."""
        found = [o.digest.get("sha256", "") for o in self.subject if o.name == record.CHECKSUMS]
        return found[0] if found else ""


def statement_of(
    folder: Path,
    *,
    key: str,
    signed: str,
    pictures: Mapping[str, str] | Subject | None = None,
    no_pictures: str = "",
    harness: str = "",
    picture_count: int = 0,
) -> Statement:
    """Return what is to be signed of a sealed folder, or was.

    Parameters
    ----------
    key, signed, harness, no_pictures
        Of `Predicate`; the version of this harness unless given.
    pictures
        SHA-256 of every probe and reference by name; or, to make a statement again where the
        pictures are not at hand, what it says of them.
    picture_count
        In the latter case, how many there were.

    Raises
    ------
    HarnessError
        If the folder cannot be read.
    """
    subjects = [Subject(record.CHECKSUMS, {"sha256": digest(folder, record.CHECKSUMS)})]
    about = Predicate(
        kind="folder",
        harness=harness or harness_version(),
        key=key,
        signed=signed,
        assurance="self_attested",
        no_pictures=no_pictures,
    )
    if (folder / ENTRY).exists():
        about.kind = "entry"
        read_joined(folder)
        about.results = _results(folder)
    elif (folder / record.MANIFEST).exists():
        about.kind = "run"
        about.run, about.results = _run(folder), _results(folder)
        about.preregistration = _fixed(folder)
        leaves = of_searches(searches_of(folder))
        about.searches = Tree(SEARCH, len(leaves))
        subjects.append(Subject("searches", {RFC6962: root(leaves).hex()}))
    else:
        about.validation = validation_in(folder)
        about.kind = "folder" if about.validation is None else "validation"
    if isinstance(pictures, Subject):
        about.pictures = Tree(PICTURE, picture_count)
        subjects.append(pictures)
    elif pictures is not None:
        about.pictures = Tree(PICTURE, len(pictures))
        subjects.append(Subject("pictures", {RFC6962: root(of_pictures(pictures)).hex()}))
    return Statement(STATEMENT, subjects, PREDICATE, about)


def payload_of(statement: Statement) -> bytes:
    """Return the bytes that are signed: JSON in one line."""
    return msgspec.json.encode(statement)


def read_statement(place: Path, payload: bytes) -> Statement:
    """Read what an envelope holds, which is untrusted.

    Parameters
    ----------
    place
        Of the envelope, for messages.

    Raises
    ------
    BadFile
        If it is no statement of this harness.
    """
    try:
        kind = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadFile(place, "holds no statement", "$.payload") from None
    for name, expected in (("_type", STATEMENT), ("predicateType", PREDICATE)):
        if kind.get(name) != expected:
            fault = f"is {visible(str(kind.get(name)))[:200]!r}; expected {expected!r}"
            raise BadFile(place, fault, f"$.payload.{name}")
    try:
        found = msgspec.json.decode(payload, type=Statement)
    except msgspec.DecodeError as reason:
        fault, _, where = str(reason).partition(" - at ")
        raise BadFile(place, f"holds no statement: {fault}", f"$.payload {where}") from None
    for name, shape in (("key", "[0-9a-f]{64}"), ("signed", MOMENT)):
        if not re.fullmatch(shape, getattr(found.predicate, name)):
            raise BadFile(place, "is not written as it should be", f"$.payload.predicate.{name}")
    if payload_of(found) != payload:
        raise BadFile(place, "holds a statement that is not written as the harness does")
    return found


def again(folder: Path, statement: Statement) -> Statement:
    """Return the statement of a folder as it is now, with what only its signer knew."""
    said = statement.predicate
    known = next((one for one in statement.subject if one.name == "pictures"), None)
    return statement_of(
        folder,
        key=said.key,
        signed=said.signed,
        pictures=known if said.pictures is not None else None,
        picture_count=said.pictures.count if said.pictures is not None else 0,
        no_pictures=said.no_pictures,
        harness=said.harness,
    )


def differences(signed: Statement, now: Statement) -> Iterator[str]:
    """Yield what two statements do not both say, each with the name of what changed."""
    return changes(msgspec.to_builtins(signed), msgspec.to_builtins(now), "signed")


def searches_of(folder: Path) -> list[Judgement]:
    """Return every search of a run in the order in which they are kept.

    Raises
    ------
    BadFile
        If they cannot be read.
    """
    name = SEARCHES if is_regular(folder, SEARCHES) else AS_JSON
    if name == AS_JSON:
        return read_json(folder, name, list[Judgement], LARGEST_LIST)
    try:
        return read_searches(read_bytes(folder, name, LARGEST_LIST))
    except ValueError as reason:
        raise BadFile(folder / name, str(reason)) from None


def _run(folder: Path) -> RunFacts:
    manifest = record.read_manifest(folder)
    origin = manifest.origin
    return RunFacts(
        identity=manifest.identity,
        result=manifest.result_hash,
        environment=manifest.environment_hash,
        protocol=Named(origin.protocol, origin.protocol_hash),
        data=Named(manifest.dataset["name"], origin.data_hash),
        algorithm=Named(origin.algorithm, origin.source_hash),
        parameters=origin.parameters,
        imported=manifest.imported is not None,
    )


def _results(folder: Path) -> list[Result]:
    found = read_json(folder, record.METRICS, Metrics)
    return [Result(name, one.value, one.low, one.high, one.n) for name, one in found.pooled.items()]


def _fixed(folder: Path) -> Fixed | None:
    if not (folder / record.PREREGISTRATION).exists():
        return None
    said, content = read_preregistration(folder, record.PREREGISTRATION)
    rows: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(said.criteria.rows))
    return Fixed(digest_of(content), said.criteria.sha256, rows)
