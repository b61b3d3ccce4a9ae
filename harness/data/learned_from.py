"""Which pictures an ONNX model learned from, kept in the file itself, and whether they are judged.

The metadata of an exported model hold, under `KEY`, truncated hashes of its training pictures and
how they look (`harness.data.likeness`), so that re-encoded copies are found, too: some 800 bytes a
picture before compression, for `MOST` pictures at most.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.data.findings import Finding, Findings
from harness.data.fingerprints import content_hashes
from harness.data.likeness import SIDE, Looks, alike, looks_of
from harness.data.records import Dataset, Fold
from harness.errors import DataError, UsageError
from harness.errors.absent import imported

__all__ = ["KEY", "LearnedFrom", "check_learned", "learned_from", "read_learned", "stamp"]

KEY = "tattoo-harness-training"
MOST = 20_000
"""Pictures whose looks are kept; of more, a sample spread over all of them by their hashes."""

DIGITS = 16
"""Hexadecimal digits kept of a hash: two pictures in 10^9 share them by chance once in 40 times."""

LARGEST = 256 << 20
"""Bytes that looks may unpack to; the file is untrusted."""


class _Kept(msgspec.Struct):
    pictures: int
    hashes: list[str]
    looks: str


@dataclass(frozen=True)
class LearnedFrom:
    """The training pictures of a model.

    Parameters
    ----------
    hashes
        Of their bytes, truncated, sorted.
    looks
        Of as many as are kept, without names.
    """

    hashes: tuple[str, ...]
    looks: Looks


def learned_from(files: Mapping[str, Path], hashes: Mapping[str, str]) -> LearnedFrom:
    """Return what is kept of training pictures.

    Parameters
    ----------
    files
        By name.
    hashes
        SHA-256 of their bytes, by name.
    """
    chosen = sorted(files, key=lambda name: hashes[name])[:MOST]
    looks = looks_of({name: files[name] for name in chosen})
    kept = Looks(("",) * len(looks.cells), looks.cells)
    return LearnedFrom(tuple(sorted({hashes[name][:DIGITS] for name in files})), kept)


def stamp(file: Path, learned: LearnedFrom) -> None:
    """Write what a model learned from into its metadata.

    What an algorithm of one's own wrote may be no ONNX model; it is left as it is.

    Raises
    ------
    UsageError
        If the packages of the extra ``onnx`` are not installed.
    """
    onnx = _onnx()
    try:
        model = onnx.load_model(str(file), load_external_data=False)
    except Exception:  # protobuf's errors share no base class
        return
    packed = base64.b85encode(zlib.compress(learned.looks.cells.tobytes(), 6)).decode()
    kept = _Kept(len(learned.hashes), list(learned.hashes), packed)
    properties = {p.key: p.value for p in model.metadata_props}
    properties[KEY] = msgspec.json.encode(kept).decode()
    onnx.helper.set_model_props(model, properties)
    file.write_bytes(model.SerializeToString(deterministic=True))


def read_learned(file: Path) -> LearnedFrom | None:
    """Return what a model says it learned from; None where it says nothing, or is no sound model.

    Raises
    ------
    UsageError
        If it says something that cannot be read.
    """
    onnx = _onnx()
    try:
        model = onnx.load_model(str(file), load_external_data=False)
    except Exception:  # protobuf's errors share no base class; the algorithm itself complains
        return None
    text = next((p.value for p in model.metadata_props if p.key == KEY), None)
    if text is None:
        return None
    try:
        kept = msgspec.json.decode(text, type=_Kept)
        unpacking = zlib.decompressobj()
        cells = unpacking.decompress(base64.b85decode(kept.looks), LARGEST)
        if not unpacking.eof:
            raise ValueError("its looks end early, or are too many")
        shaped = np.frombuffer(cells, np.uint8).reshape(-1, SIDE, SIDE, 3)
    except (msgspec.DecodeError, ValueError, zlib.error) as reason:
        raise UsageError(f"{file}: its metadata {KEY!r} cannot be read: {reason}") from None
    return LearnedFrom(tuple(kept.hashes), Looks(("",) * len(shaped), shaped))


def check_learned(
    file: Path, dataset: Dataset, folds: Sequence[Fold], *, data_path: str
) -> list[Finding]:
    """Refuse to judge a model on pictures that it learned from.

    Returns
    -------
    list of Finding
        A warning where the model does not say what it learned from, or where pictures look much
        alike.

    Raises
    ------
    DataError
        If pictures that are judged, or copies of them, were learned from; folds that are free of
        them are named.
    """
    learned = read_learned(file)
    if learned is None:
        text = (
            f"what the model {file.name} learned from is not known: if it has seen pictures of "
            f"{data_path}, these figures are not those of new ones"
        )
        return [Finding("training-unknown", "warning", text)]
    names = sorted({name for fold in folds for name in (*fold.probes, *fold.gallery)})
    hashes, known = content_hashes(dataset, names), set(learned.hashes)
    same = {name for name in names if hashes[name][:DIGITS] in known}
    looks = looks_of({name: dataset.records[name].path for name in names if name not in same})
    close = {"copy": set[str](), "near": set[str]()}
    for pair in alike(looks, learned.looks):
        close[pair.kind].add(looks.names[pair.one])
    seen = same | close["copy"]
    findings = Findings()
    for name in sorted(close["near"] - seen):
        findings.warning(
            "pictures like those learned from",
            f"{name!r} looks much like a picture that the model {file.name} learned from",
        )
    if not seen:
        return list(findings.all)
    for name in sorted(seen):
        how = "byte for byte" if name in same else "re-encoded or resized"
        findings.problem("images learned from and judged", f"{name!r}, {how}")
    free = [f.name for f in folds if seen.isdisjoint((*f.probes, *f.gallery))]
    raise DataError(
        f"the model {file.name} learned from {len(seen):,} of the {len(names):,} pictures of "
        f"{data_path} that are judged: what it learned by heart would count as recognised. "
        + (
            "Judge it on folds without them: " + " ".join(f"--fold {name}" for name in free)
            if free
            else "Judge it on data that does not hold them."
        ),
        findings.all,
    )


def _onnx() -> Any:
    return imported("onnx", "reading an ONNX file")
