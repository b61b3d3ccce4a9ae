"""What a data set is, as one hash: the bytes of its images and all that is said to be true of them.

The hash is part of a run's identity: a result may be used again only where it is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.data.findings import Findings
from harness.data.marker import NOT_STATED
from harness.data.records import Dataset, Fold, Record
from harness.data.whole_files import digest_of
from harness.errors import DataError

__all__ = ["content_hashes", "fingerprint"]

RULE = "data-1"
"""Version of what `fingerprint` covers; to be changed with it."""

THREADS = 8
"""Reading overlaps even on two cores; hashing lets other threads run."""


def content_hashes(dataset: Dataset, names: Iterable[str] | None = None) -> dict[str, str]:
    """Return the SHA-256 of every image file, in hexadecimal, by record name.

    Parameters
    ----------
    dataset
        Read before.
    names
        Of the records to hash; all unless given.

    Raises
    ------
    DataError
        If files cannot be read; it names them.
    KeyError
        If a name is not in the data set.
    """
    wanted = dict.fromkeys(dataset.records if names is None else names)
    return _hashes(dataset, {name: dataset.records[name].path for name in wanted})


def _hashes(dataset: Dataset, files: Mapping[str, Path]) -> dict[str, str]:
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(_hash, files.values()))
    findings = Findings()
    hashes: dict[str, str] = {}
    for name, answer in zip(files, found, strict=True):
        if isinstance(answer, OSError):
            findings.problem(
                "unreadable files", f"{name!r} cannot be read: {answer.strerror or answer}"
            )
        else:
            hashes[name] = answer
    if findings.problems:
        raise DataError(f"Images of {dataset.name} cannot be read.", findings.all)
    return hashes


def fingerprint(
    dataset: Dataset,
    names: Iterable[str] | None = None,
    *,
    hashes: Mapping[str, str] | None = None,
    truth_files: Sequence[str] = (),
) -> str:
    """Return the SHA-256, in hexadecimal, of everything in a data set that can change a number.

    Covered are, for the records named: name, bytes of the image, and every truth, the files of mask
    and clean image as far as `truth_files` names them; the data set's folds as far as they speak of
    those records, in their order; and whether it states that it is synthetic. Not covered: where
    the data set lies, its layout, the order of its records, and what tells results apart afterwards
    and changes no score: skin tone, date and place on the body.

    Parameters
    ----------
    dataset
        Read before.
    names
        Of the records that a protocol uses; all unless given.
    hashes
        What `content_hashes` returned, where it was called before.
    truth_files
        ``mask`` and ``clean``, where the question is about them; ``path`` is the image itself,
        which is always covered.

    Raises
    ------
    DataError
        If files cannot be read.
    KeyError
        If a name is not in the data set or not in `hashes`.
    """
    used = sorted(set(dataset.records if names is None else names))
    if hashes is None:
        hashes = content_hashes(dataset, used)
    digest = hashlib.sha256()
    for name in used:
        digest.update(_line("record", name, hashes[name], _truth(dataset.records[name])))
    for kind in truth_files:
        named = {name: getattr(dataset.records[name], kind) for name in used}
        files = {name: path for name, path in named.items() if path is not None}
        for name, content in _hashes(dataset, files).items():
            digest.update(_line(kind, name, content))
    known = frozenset(used)
    for fold in dataset.folds:
        digest.update(_line("fold", _speaking_of(fold, known)))
    if dataset.synthetic != NOT_STATED:  # data sets without a marker keep their hash
        digest.update(_line("synthetic", dataset.synthetic))
    return digest.hexdigest()


def _line(*parts: object) -> bytes:
    # JSON keeps neighbours apart: ("ab", "c") and ("a", "bc") must not become one string.
    return json.dumps([RULE, *parts], separators=(",", ":")).encode() + b"\n"


def _truth(record: Record) -> list[object]:
    facts: list[object] = [
        record.tattoo,
        record.subject,
        record.group,
        record.source,
        record.style,
        record.media,
        record.role,
        record.fold,
        record.box,
        record.label,
        record.tags,
    ]
    # Only where they are known, so that other data sets keep the hash they had before these came.
    if record.query is not None or record.text_score is not None:
        facts.append(["search", record.query, record.text_score])
    return facts


def _speaking_of(fold: Fold, known: frozenset[str]) -> list[object]:
    lists = [[n for n in part if n in known] for part in (fold.train, fold.probes, fold.gallery)]
    pairs = [
        sorted(pair for pair in part if known.issuperset(pair))
        for part in (fold.mates, fold.train_mates)
    ]
    return [fold.name, lists, pairs]


def _hash(path: Path) -> str | OSError:
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return FileNotFoundError(2, "no such file")
        return digest_of(path)
    except OSError as fault:
        return fault
