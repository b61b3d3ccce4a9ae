"""What was written down before a run: its criteria, protocol and data, as one file with one digest.

The digest is part of the identity of every run that was asked for with the file, which lies in the
run folder. So a run cannot be given other criteria afterwards without becoming another run. When
the file was written it says by the clock of the machine that wrote it, which proves nothing alone:
who wants to show that it is older than the run publishes its digest, or gives it to a witness.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import BadFile, UsageError, visible
from harness.record.files import decoded, read_bytes
from harness.record.manifest import AttackOrigin, Origin

__all__ = [
    "FORMAT",
    "MOMENT",
    "Algorithm",
    "Criteria",
    "Named",
    "Preregistration",
    "Question",
    "bytes_of",
    "contradictions",
    "digest_of",
    "faults",
    "parameters_of",
    "read_preregistration",
    "refuse",
]

FORMAT = 1
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
"""How the harness writes a time."""

LARGEST = 4 << 20
"""Bytes of the largest preregistration that is read."""


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """A thing with the SHA-256 of all that it consists of."""

    name: str
    sha256: str


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """A protocol on a data set: who is compared with whom, and what is true of them.

    Parameters
    ----------
    protocol
        With the digest of its file.
    data
        Name of the data set, with the digest of its images and of all that is true of them, as
        `harness.record.manifest.Origin.data_hash`.
    layout_sha256
        Of the folds.
    images
        That the protocol uses.
    """

    protocol: Named
    data: Named
    layout_sha256: str
    images: int


class Criteria(msgspec.Struct, forbid_unknown_fields=True):
    """A file of criteria.

    Parameters
    ----------
    name, sha256
        Of the file.
    text
        All of it.
    """

    name: str
    sha256: str
    text: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every criterion as the file writes it."""
        try:
            found = tomllib.loads(self.text).get("criterion", [])
        except (tomllib.TOMLDecodeError, RecursionError):
            return []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def attacked_by(self, attack: AttackOrigin) -> bool:
        """Say whether a criterion is about an attack."""
        names = {str(row.get("attack", "")).partition(":")[0] for row in self.rows}
        return bool(names & {attack.algorithm, attack.protocol})


class Algorithm(msgspec.Struct, forbid_unknown_fields=True):
    """An algorithm, where the criteria are about one.

    Parameters
    ----------
    name
        Of the algorithm.
    source_sha256
        Of the code that makes its scores, as far as it is known before the work.
    parameters
        Every one with its value, but for the seed.
    weights
        SHA-256 of every weight file named by a parameter.
    training_sha256
        Of the data set that every fold learns from, where that is not the one that is judged.
    """

    name: str
    source_sha256: str
    parameters: dict[str, Any]
    weights: dict[str, str]
    training_sha256: str


class Preregistration(msgspec.Struct, forbid_unknown_fields=True):
    """What was written down before a run.

    Parameters
    ----------
    criteria, questions
        That are fixed by it.
    algorithm, seed
        The same; None where any will do.
    harness
        Version that wrote it.
    noted
        When, by the clock of the machine that wrote it: UTC, ISO 8601.
    """

    format: int
    criteria: Criteria
    questions: list[Question]
    algorithm: Algorithm | None
    seed: int | None
    harness: str
    noted: str


def bytes_of(preregistration: Preregistration) -> bytes:
    """Return what is written of a preregistration, byte for byte."""
    return msgspec.json.format(msgspec.json.encode(preregistration), indent=1) + b"\n"


def digest_of(content: bytes) -> str:
    """Return the digest that is published, and becomes part of a run's identity: 64 digits."""
    return hashlib.sha256(content).hexdigest()


def read_preregistration(folder: Path, name: str) -> tuple[Preregistration, bytes]:
    """Read a preregistration, which is untrusted.

    Returns
    -------
    tuple
        What it says, and its bytes.

    Raises
    ------
    BadFile
        If it cannot be read, is of another format, or its criteria are not those of its digest.
    """
    content = read_bytes(folder, name, LARGEST)
    place = folder / name
    found = decoded(place, content, Preregistration)
    if found.format != FORMAT:
        raise BadFile(place, f"has format {found.format}; this harness reads {FORMAT}", "$.format")
    if not re.fullmatch(MOMENT, found.noted):
        raise BadFile(place, "is no time; expected one in UTC, as ISO 8601 has it", "$.noted")
    if digest_of(found.criteria.text.encode("utf-8", "surrogatepass")) != found.criteria.sha256:
        raise BadFile(place, "does not hold the criteria of its own digest", "$.criteria.text")
    return found, content


def contradictions(
    preregistration: Preregistration, origin: Origin, *, source_hash: str = ""
) -> Iterator[str]:
    """Yield how a run differs from what was written down before it, each to end a sentence.

    Parameters
    ----------
    origin
        Of the run.
    source_hash
        Of the algorithm as far as it is known before the work; not held against anything if empty,
        since files that an algorithm loads while it works are in a run's own hash as well.
    """
    said = preregistration
    asked = [one for one in said.questions if one.protocol.sha256 == origin.protocol_hash]
    same = [one for one in asked if one.data.sha256 == origin.data_hash]
    if not asked:
        known = ", ".join(_quoted(one.protocol.name) for one in said.questions)
        yield f"protocol {visible(origin.protocol)!r} is not, to the byte, {known}"
    elif not same:
        yield f"the images, or what is true of them, are not those of {_quoted(asked[0].data.name)}"
    elif origin.layout_hash not in [one.layout_sha256 for one in same]:
        yield "the images are dealt into other folds, or other folds of them are run"
    if origin.attack is not None and not said.criteria.attacked_by(origin.attack):
        yield f"no criterion is about probes that {visible(origin.attack.algorithm)!r} retouches"
    if said.algorithm is not None:
        yield from _other_algorithm(said.algorithm, origin, source_hash)
    seed = origin.parameters.get("seed")
    if said.seed is not None and seed != said.seed:
        yield f"the seed is {seed}, not {said.seed}"


def _other_algorithm(said: Algorithm, origin: Origin, source_hash: str) -> Iterator[str]:
    if said.name != origin.algorithm:
        yield f"the algorithm is {visible(origin.algorithm)!r}, not {_quoted(said.name)}"
        return
    if source_hash and said.source_sha256 != source_hash:
        yield (
            f"the source of {_quoted(said.name)}, or of what decodes and matches for it, is another"
        )
    own, wanted = parameters_of(origin), said.parameters
    for name in sorted(own.keys() | wanted.keys()):
        if name not in own or name not in wanted or own[name] != wanted[name]:
            yield f"parameter {visible(name)} is {own.get(name)!r}, not {wanted.get(name)!r}"
    for name in sorted(origin.weight_hashes.keys() | said.weights.keys()):
        if origin.weight_hashes.get(name) != said.weights.get(name):
            yield f"the file that parameter {visible(name)} names holds other weights"
    if origin.training_hash != said.training_sha256:
        yield "it learns from other data"


def faults(folder: Path, name: str, origin: Origin) -> list[str]:
    """Return what contradicts what was written down before a run, in sentences.

    Parameters
    ----------
    folder, name
        Of the run, and of the file in it.
    origin
        Of the run.
    """
    there = os.path.lexists(folder / name)
    if not origin.preregistration:
        return [f"{name}: the identity of the run does not know of it"] if there else []
    if not there:
        return [f"{name}: is missing, and is part of the run's identity"]
    try:
        said, content = read_preregistration(folder, name)
    except BadFile as reason:
        return [str(reason)]
    if digest_of(content) != origin.preregistration:
        return [f"{name}: is not the one that is part of the run's identity"]
    return [f"{name}: is about another run: {one}" for one in contradictions(said, origin)]


def parameters_of(origin: Origin) -> dict[str, Any]:
    """Return every parameter but the seed, as a file of JSON has it."""
    own = {name: value for name, value in origin.parameters.items() if name != "seed"}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(own))
    return found


def refuse(preregistration: Preregistration, place: Path, origin: Origin, source_hash: str) -> None:
    """Refuse a run that is not the one that was written down.

    Parameters
    ----------
    place
        Of the file, for the message.
    origin, source_hash
        As for `contradictions`.

    Raises
    ------
    UsageError
        With every difference.
    """
    found = list(contradictions(preregistration, origin, source_hash=source_hash))
    if found:
        listed = "".join(f"\n  - {one}" for one in found)
        raise UsageError(
            f"--preregistered {visible(str(place))} is about another run than "
            f"{visible(origin.protocol)} / {visible(origin.algorithm)}:{listed}\n"
            "Ask for the run that it names, or write down another: harness preregister CRITERIA"
        )


def _quoted(name: str) -> str:
    return repr(visible(name))
