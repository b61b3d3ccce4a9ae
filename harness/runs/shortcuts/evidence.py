"""Do pictures tell by size, file, border or mean colour what a protocol asks about tattoos?

For every run the harness asks this itself, of a bounded sample and without any plugin: would the
nearest picture by such a feature be the mate more often than pictures dealt at random? Would a
regression on it, fitted to the other folds, name the answer? Where yes, an algorithm may have done
the same without looking at a tattoo, and the run says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.findings import Finding
from harness.data.formats import Box, UnreadableImage, opened
from harness.data.images import decode
from harness.data.images import size_of as header_size
from harness.data.records import Fold, Record
from harness.metrics.ids import Metric
from harness.runs.shortcuts.features import border_of, file_of, mean_colour_of, size_of
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol

__all__ = ["FEATURES", "Evidence", "answered_by", "found_by", "shortcuts"]

Vectors = npt.NDArray[np.float64]
"""Features of one picture: float64, shape (features,)."""

PROBES, REFERENCES = 200, 300
"""Pictures that are looked at, at most; of larger sets a seeded sample is."""

ANSWERS = {"detection": "label", "segmentation": "label", "search": "label", "style": "style"}
"""Which column of the records answers the question of a task that searches in no gallery."""

DEALS = 999
"""Random deals of the pictures from which the band of chance is taken."""

LOOKED_AT = 400_000_000
"""Pixels of the pictures that are decoded, at most: of large photographs fewer are."""

THUMBNAIL = 160
"""Longer side in pixels from which a picture is made smaller for its colours to be looked at."""


@dataclass(frozen=True)
class Evidence:
    """What one feature finds.

    Parameters
    ----------
    value
        Share of the searches in which a mate is within the rank, or of the right answers.
    chance
        Mean share when pictures are dealt at random.
    high
        Largest share of all deals but one in a thousand.
    number
        Searches, or answers.
    """

    value: float
    chance: float
    high: float
    number: int

    @property
    def above(self) -> bool:
        """Whether chance does not explain it."""
        return self.value > self.high


def shortcuts(
    folds: Sequence[Fold], records: Mapping[str, Record], protocol: Protocol
) -> list[Finding]:
    """Return a warning for each feature that finds what the protocol asks for.

    Parameters
    ----------
    folds, records
        Of the run.
    protocol
        Its headline says within which rank a mate counts as found; 1 where it says none.
    """
    asked = ANSWERS.get(protocol.task, "")
    if task_of(protocol).of_words or not (asked or any(fold.gallery for fold in folds)):
        return []
    records = {n: records[n] for fold in folds for n in (*fold.probes, *fold.gallery)}
    crop = protocol.data.crop
    findings = []
    for feature, look in FEATURES.items():
        sample = _sampled(folds, 1.0)
        if feature in DECODED:
            pixels = sum(_pixels(records[name].path) for name in _names(sample))
            sample = _sampled(folds, min(1.0, LOOKED_AT / max(1, pixels)))
        try:
            vectors = {
                name: look(records[name].path, records[name].box if crop else None)
                for name in _names(sample)
            }
        except Exception:  # damaged bytes make Pillow raise almost anything
            return []  # the run itself says which picture cannot be read
        if any(fold.gallery for fold in sample):
            rank = int(dict(Metric.parse(protocol.headline).options).get("rank", 1))
            found = found_by(sample, vectors, rank)
            text = f"finds a mate within rank {rank}" if rank > 1 else "finds the mate first"
            what = f"{text} in {{}} of the searches"
        else:
            answers = {name: getattr(records[name], asked) or "" for name in _names(sample)}
            found = answered_by(
                sample, vectors, {n: value for n, value in answers.items() if value}
            )
            what = "names the right answer for {} of the pictures"
        if found is not None and found.above:
            findings.append(_finding(feature, what.format(_percent(found.value)), found))
    return findings


def found_by(folds: Sequence[Fold], vectors: Mapping[str, Vectors], rank: int) -> Evidence | None:
    """Return how often the nearest pictures by a feature hold a mate; None without a search.

    Parameters
    ----------
    folds
        With probes, gallery and mates; a probe does not meet itself.
    vectors
        Of every picture.
    rank
        How many of the nearest references count. Ties are broken by lot.
    """
    scale = _scale(np.array(list(vectors.values())))
    rng = np.random.default_rng(0)
    hits: list[float] = []
    dealt = np.zeros(DEALS)
    for fold in folds:
        column = {name: j for j, name in enumerate(fold.gallery)}
        mates: dict[str, list[int]] = {}
        # Where images are compared with one another each pair is named once and counts for both.
        for probe, reference in {*fold.mates, *((b, a) for a, b in fold.mates)}:
            if reference in column:
                mates.setdefault(probe, []).append(column[reference])
        searched = [name for name in fold.probes if name in mates]
        if not searched:
            continue
        left = np.array([vectors[name] for name in searched]) / scale
        right = np.array([vectors[name] for name in fold.gallery]) / scale
        distance = np.linalg.norm(left[:, None] - right[None], axis=2)
        for i, name in enumerate(searched):
            if name in column:
                distance[i, column[name]] = np.inf
        order = np.lexsort((rng.random(distance.shape), distance), axis=1)
        places = np.empty_like(order)
        np.put_along_axis(places, order, np.arange(order.shape[1])[None], axis=1)
        near = places < rank
        width = max(map(len, (mates[name] for name in searched)))
        which = np.full((len(searched), width), -1)  # where a probe has fewer mates
        for row, name in zip(which, searched, strict=True):
            row[: len(mates[name])] = sorted(mates[name])
        rows = np.arange(len(searched))[:, None]
        there = which >= 0
        hits += (near[rows, which] & there).any(axis=1).astype(float).tolist()
        deals = rng.permuted(np.tile(np.arange(near.shape[1]), (DEALS, 1)), axis=1)
        dealt += (near[rows, deals[:, which]] & there).any(axis=2).sum(axis=1)
    return _evidence(np.array(hits), dealt)


def answered_by(
    folds: Sequence[Fold], vectors: Mapping[str, Vectors], labels: Mapping[str, str]
) -> Evidence | None:
    """Return how often a regression on a feature names the answer.

    None where there is one answer alone, or one fold, which leaves nothing to learn from.

    Every fold's probes are answered by a least-squares regression on the standard features, their
    products and a constant, fitted to the probes of the other folds.
    """
    names = [name for fold in folds for name in fold.probes if name in labels]
    words = sorted({labels[name] for name in names})
    if len(words) < 2:
        return None
    part = np.array([f for f, fold in enumerate(folds) for n in fold.probes if n in labels])
    if len(set(part.tolist())) < 2:
        return None
    seen = np.array([vectors[name] for name in names])
    middle, scale = seen.mean(axis=0), _scale(seen)
    inputs = np.clip((seen - middle) / scale, -4, 4)
    first, second = np.triu_indices(inputs.shape[1])
    inputs = np.hstack([inputs, inputs[:, first] * inputs[:, second], np.ones((len(seen), 1))])
    truth = np.array([words.index(labels[name]) for name in names])
    rng = np.random.default_rng(0)
    deals = np.stack([truth, *(rng.permutation(truth) for _ in range(DEALS))], axis=1)
    right = np.zeros((len(names), deals.shape[1]), bool)
    for f in set(part.tolist()):
        learned, judged = inputs[part != f], inputs[part == f]
        ridge = 0.01 * len(learned) * np.eye(inputs.shape[1])
        ridge[-1, -1] = 1e-9
        weights = judged @ np.linalg.solve(learned.T @ learned + ridge, learned.T)
        answers = np.stack(
            [weights @ (deals[part != f] == k).astype(np.float64) for k in range(len(words))]
        )
        right[part == f] = answers.argmax(axis=0) == deals[part == f]
    return _evidence(right[:, 0].astype(float), right[:, 1:].sum(axis=0).astype(float))


def _evidence(hits: Vectors, dealt: Vectors) -> Evidence | None:
    if not len(hits):
        return None
    shares = np.sort(dealt) / len(hits)
    return Evidence(float(hits.mean()), float(shares.mean()), float(shares[-1]), len(hits))


def _finding(feature: str, what: str, found: Evidence) -> Finding:
    names = {
        "size": "width and height of the pictures alone",
        "file": "length and JPEG tables of the files alone",
        "border": "colour and noise of the pictures' borders alone",
        "mean-colour": "mean colour of the pictures alone",
    }
    # Colour may be the tattoo's own, or the skin's: it is evidence against the drawing alone.
    meaning = (
        "light, camera, skin and ink all make it, and an algorithm may do as well without looking "
        "at a drawing"
        if feature == "mean-colour"
        else "an algorithm may do as well without looking at a tattoo"
    )
    return Finding(
        f"shortcut-{feature}",
        "warning",
        f"a search by {names[feature]} {what} ({found.number:,} looked at; chance "
        f"{_percent(found.chance)}, at most {_percent(found.high)} by luck): {meaning}; run the "
        f"control {feature!r} beside it",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _scale(seen: Vectors) -> Vectors:
    spread = seen.std(axis=0)
    return np.where(spread > 1e-9, spread, 1.0)


def _sampled(folds: Sequence[Fold], share: float) -> list[Fold]:
    """Return folds with a share of as many pictures as are looked at, mates among them."""
    found = []
    for number, fold in enumerate(folds):
        rng = np.random.default_rng(number)
        probes = _some(sorted(fold.probes), round(share * PROBES / len(folds)), rng)
        chosen = set(probes)
        mates = {pair for pair in fold.mates if pair[0] in chosen}
        mated = sorted({reference for _, reference in mates})
        others = sorted(set(fold.gallery) - set(mated))
        most = round(share * REFERENCES / len(folds)) - len(mated)
        gallery = [*mated, *_some(others, max(0, most), rng)]
        found.append(Fold(fold.name, (), tuple(probes), tuple(gallery), mates=frozenset(mates)))
    return found


def _some(names: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    if len(names) <= most:
        return list(names)
    return [names[i] for i in sorted(rng.permutation(len(names))[:most].tolist())]


def _names(folds: Sequence[Fold]) -> list[str]:
    return sorted({name for fold in folds for name in (*fold.probes, *fold.gallery)})


@lru_cache(maxsize=20_000)
@lru_cache(maxsize=20_000)
def _pixels(path: Path) -> int:
    width, height = header_size(path) or (0, 0)
    return width * height


@lru_cache(maxsize=20_000)
def _size(path: Path, box: Box | None) -> Vectors:
    size = header_size(path) if box is None else (box[2] - box[0], box[3] - box[1])
    if size is None:
        raise UnreadableImage(path, "has no header that says its size")
    return size_of(*size)


@lru_cache(maxsize=20_000)
def _file(path: Path, _: Box | None) -> Vectors:
    return file_of(path)


@lru_cache(maxsize=20_000)
def _coloured(path: Path, box: Box | None) -> tuple[Vectors, Vectors]:
    """Return border and mean colour, for which a picture is decoded once."""
    if box is not None:
        pixels = decode(path, box=box)
    else:
        with opened(path) as image:
            # A JPEG is decoded at a half, quarter or eighth of its size where that will do.
            image.draft("RGB", (THUMBNAIL, THUMBNAIL))
            pixels = np.asarray(image.convert("RGB"))
    return border_of(pixels), mean_colour_of(pixels)


def _border(path: Path, box: Box | None) -> Vectors:
    return _coloured(path, box)[0]


def _mean_colour(path: Path, box: Box | None) -> Vectors:
    return _coloured(path, box)[1]


FEATURES: dict[str, Callable[[Path, Box | None], Vectors]] = {
    "size": _size,
    "file": _file,
    "border": _border,
    "mean-colour": _mean_colour,
}
"""What is looked at; the controls have the same names."""

DECODED = ("border", "mean-colour")
"""Those for which pictures are decoded; the others read headers."""
