"""One search of a signed run in a folder of its own: its scores, its pictures, and the proofs.

::

    disclosure.json   the search, its place among the others, the hashes that lead to the signed one
    attestation.json  the envelope of the run, as it is there
    pictures/000.jpg  of the probe, 001 and so on of candidates, as they lie in the data set

Nothing in it stands for itself: the search and the pictures lead to hashes that are signed, and
what is not proved has no room in it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import BadFile, UsageError, nearest, some, visible
from harness.record import record
from harness.record.evidence.leaves import (
    of_picture,
    of_pictures,
    of_search,
    of_searches,
)
from harness.record.evidence.merkle import follows, leaf_hash, path
from harness.record.evidence.pictures import Pictures
from harness.record.evidence.statement import Statement
from harness.record.files import decoded, files_below, read_bytes
from harness.tasks.results import Judgement

__all__ = [
    "DISCLOSURE",
    "Disclosure",
    "Shown",
    "chosen",
    "faults",
    "is_disclosure",
    "read_disclosure",
    "write_disclosure",
]

FORMAT = 1
DISCLOSURE = "disclosure.json"
PICTURES = "pictures"
LARGEST, LARGEST_PICTURE = 16 << 20, 256 << 20
"""Bytes of the largest disclosure, and of the largest picture in one, that are read."""

_FILE = re.compile(rf"{PICTURES}/\d{{3}}(\.[a-z0-9]{{1,8}})?")


class Shown(msgspec.Struct, forbid_unknown_fields=True):
    """A picture that is disclosed.

    Parameters
    ----------
    name
        Of its record.
    file
        In the folder.
    sha256
        Of the file.
    place, proof
        Among the pictures of the run, in the order of their names, and hashes in hexadecimal.
    """

    name: str
    file: str
    sha256: str
    place: int
    proof: list[str]


class Disclosure(msgspec.Struct, forbid_unknown_fields=True):
    """A search that is disclosed.

    Parameters
    ----------
    search
        All that is kept of it.
    place, proof
        Among the searches of the run, from 0, and hashes in hexadecimal.
    pictures
        The probe's first.
    """

    format: int
    search: Judgement
    place: int
    proof: list[str]
    pictures: list[Shown]


def is_disclosure(folder: Path) -> bool:
    """Say whether a folder holds a search that was disclosed."""
    return (folder / DISCLOSURE).exists() or (folder / DISCLOSURE).is_symlink()


def chosen(searches: Sequence[Judgement], name: str, fold: str = "") -> int:
    """Return the place of the search of a probe.

    Parameters
    ----------
    name, fold
        Of the probe, and of the fold that it is searched in; any fold if empty.

    Raises
    ------
    UsageError
        If there is none, or it is searched in several folds.
    """
    found = [i for i, one in enumerate(searches) if one.probe == name and fold in ("", one.fold)]
    if not found:
        where = f" in fold {visible(fold)}" if fold else ""
        close = nearest(name, [one.probe for one in searches])
        raise UsageError(f"there is no search of {visible(name)!r}{where}.{visible(close)}")
    if len(found) > 1:
        folds = ", ".join(visible(searches[i].fold) for i in found)
        raise UsageError(
            f"{visible(name)!r} is searched in several folds: {folds}; name one with --fold"
        )
    return found[0]


def write_disclosure(
    folder: Path,
    searches: Sequence[Judgement],
    place: int,
    envelope: bytes,
    pictures: Pictures,
    count: int,
) -> Disclosure:
    """Write a search into a new folder.

    Parameters
    ----------
    folder
        That is not there yet.
    searches, place
        All searches of the run, and which of them is disclosed.
    envelope
        Of the run, byte for byte.
    pictures
        Of the run, if they are at hand.
    count
        Pictures to be copied at most: the probe's, then those of candidates from the first on.

    Raises
    ------
    UsageError
        If the folder is there.
    """
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{visible(str(folder))} is there already; name a new folder with --out")
    search = searches[place]
    names = [search.probe, *(one.reference for one in search.candidates)]
    wanted = [name for name in dict.fromkeys(names) if name in pictures.files][:count]
    leaves, order = of_pictures(pictures.digests), sorted(pictures.digests)
    shown = []
    folder.mkdir(parents=True)
    for number, name in enumerate(wanted):
        (folder / PICTURES).mkdir(exist_ok=True)
        at = order.index(name)
        source = pictures.files[name]
        file = f"{PICTURES}/{number:03d}{_ending(source)}"
        shutil.copyfile(source, folder / file)
        proof = [one.hex() for one in path(leaves, at)]
        shown.append(Shown(name, file, pictures.digests[name], at, proof))
    proof = [one.hex() for one in path(of_searches(searches), place)]
    made = Disclosure(FORMAT, search, place, proof, shown)
    write_whole(folder / record.ATTESTATION, envelope)
    write_whole(folder / DISCLOSURE, bytes_of(made))
    return made


def bytes_of(disclosure: Disclosure) -> bytes:
    """Return what is written of a disclosure, byte for byte."""
    return record.text_of(disclosure)


def read_disclosure(folder: Path) -> Disclosure:
    """Read a disclosure, which is untrusted.

    Raises
    ------
    BadFile
        If it cannot be read, names files elsewhere, or is not written as `bytes_of` writes it.
    """
    place, content = folder / DISCLOSURE, read_bytes(folder, DISCLOSURE, LARGEST)
    found = decoded(place, content, Disclosure)
    if found.format != FORMAT:
        raise BadFile(place, f"has format {found.format}; this harness reads {FORMAT}", "$.format")
    for i, one in enumerate(found.pictures):
        if not _FILE.fullmatch(one.file) or not one.file.startswith(f"{PICTURES}/{i:03d}"):
            fault = f"{one.file!r} is not the name of picture {i} in the folder"
            raise BadFile(place, fault, f"$.pictures[{i}].file")
    if bytes_of(found) != content:
        raise BadFile(place, "says what it says in other bytes than `harness disclose` writes")
    return found


def faults(folder: Path, disclosed: Disclosure, statement: Statement) -> Iterator[str]:
    """Yield what of a disclosure does not follow from a statement, in sentences.

    Parameters
    ----------
    folder
        Of the disclosure.
    disclosed, statement
        Read before.
    """
    about = statement.predicate
    search, count = disclosed.search, about.searches.count if about.searches else 0
    leaf = leaf_hash(of_search(search))
    root, proof = statement.root_of("searches"), _proof(disclosed.proof)
    if proof is None or not follows(leaf, disclosed.place, count, proof, root):
        yield (
            f"{DISCLOSURE}: the search of {visible(search.probe)!r} is not number "
            f"{disclosed.place + 1:,} of the {some(count, 'search', 'searches')} that were signed"
        )
    named = {search.probe, *(one.reference for one in search.candidates)}
    known = {DISCLOSURE, record.ATTESTATION}
    number, root = about.pictures.count if about.pictures else 0, statement.root_of("pictures")
    for one in disclosed.pictures:
        known.add(one.file)
        if one.name not in named:
            yield f"{DISCLOSURE}: {visible(one.name)!r} is neither probe nor candidate"
        leaf, proof = leaf_hash(of_picture(one.name, one.sha256)), _proof(one.proof)
        if proof is None or not follows(leaf, one.place, number, proof, root):
            yield f"{DISCLOSURE}: the hash of {visible(one.name)!r} is not one that was signed"
        try:
            content = read_bytes(folder, one.file, LARGEST_PICTURE)
            if hashlib.sha256(content).hexdigest() != one.sha256:
                yield f"{one.file}: is not the picture of {visible(one.name)!r} that was signed"
        except BadFile as reason:
            yield str(reason)
    for name, kind in files_below(folder):
        if name not in known or kind:
            yield f"{visible(name)}: was added later" if name not in known else f"{name}: is {kind}"


def _proof(texts: Sequence[str]) -> list[bytes] | None:
    """Return hashes, each 32 bytes; None where one is not."""
    if any(not re.fullmatch("[0-9a-f]{64}", text) for text in texts):
        return None
    return [bytes.fromhex(text) for text in texts]


def _ending(file: Path) -> str:
    """Return the ending of a file's name, where it is a plain one."""
    ending = file.suffix.lower()
    return ending if re.fullmatch(r"\.[a-z0-9]{1,8}", ending) else ""
