"""Results of text searches, drawn: the ten rows of Tattoodo's talk, and queries like it.

Written with ``python -m generators.procedural.searches FOLDER``.
"""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.synthesis.encoding import encoded
from harness.synthesis.streams import stream
from harness.synthesis.whole_sets import write_checksums

from .capture import Tattoo, box_of, exposure_of, tattoo_of
from .dataset import write_marker
from .framing import Frame, frame_of, framed
from .known import Known, known_of
from .negatives import NEGATIVES
from .photograph import INK, Exposure
from .picture import Picture, picture_of
from .styles import STYLES
from .world import Item

__all__ = ["QUERIES", "RESULTS", "TALK", "talk_results", "write_searches"]

TALK = (
    ("Ami James", 1299.6564, 0.0),
    ("Ami James", 1173.0101, 0.0),
    ("Ami James", 1161.6285, 0.2853),
    ("Ami James", 1128.7357, 0.0610),
    ("Ami James", 936.4263, 0.0066),
    ("Ami James", 790.2487, 0.3868),
    ("Ami James", 541.61005, 0.2988),
    ("Ami James", 460.51703, 0.5276),
    ("Ami James", 439.44492, 0.2742),
)
"""Query, text score and concentration of the talk's rows; one of its ten stands in both lists."""

QUERIES, RESULTS = 14, 8
"""Queries beside the talk's, and results of each."""

_LONG_SIDE = 128
_CLOSE = 5e-4  # how near a picture's concentration comes to the one wanted
_COLUMNS = (
    *("image", "tattoo", "subject", "source", "style", "role", "box", "label"),
    *(*Known._fields, "mask", "query", "text_score", "use_case"),
)
_README = """# Results of text searches, synthetic

Drawn by the generator `procedural`; no person, no photograph and no other data set is in it. Made
with

    python -m generators.procedural.searches FOLDER

{images} results of {queries} queries, with text scores, labels and ink masks. The query `Ami James`
has the text scores of the ten rows of Tattoodo's talk (one stands in both of its lists, so there
are nine results), and pictures whose share of ink is that of the talk to .05 %; what they show is
not. The other queries have eight results each: pictures without a tattoo, which come out too high,
and tattoos, of which every second is cut so that its share of ink varies. Names of queries say
nothing about the pictures.

`checksums.sha256` is in the format of `sha256sum --check`. Another machine may draw pixels that
differ a little, as `fixtures/mini/README.md` says.

Licence: Apache-2.0, as the project.
"""


@dataclass(frozen=True)
class _Result:
    """One result: its picture, and what its line of the manifest says."""

    query: str
    score: float
    item: Item
    picture: Picture


def talk_results(seed: int = 0) -> list[_Result]:
    """Draw the talk's results: pictures with its concentrations.

    Raises
    ------
    LookupError
        If no picture of the world can be cut to a concentration.
    """
    return [
        _Result(query, score, *_with_concentration(seed, f"talk{k}", share))
        for k, (query, score, share) in enumerate(TALK)
    ]


def write_searches(out: Path, seed: int = 0) -> None:
    """Draw the data set into a folder.

    Parameters
    ----------
    out
        Folder to write; it must not exist or be empty.
    seed
        Of the world.

    Raises
    ------
    FileExistsError
        If `out` holds files already.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: name a new folder, or empty this one first")
    results = talk_results(seed)
    for query in range(1, QUERIES + 1):
        results += _query(seed, f"artist {query:02d}")
    for kind in ("images", "masks"):
        (out / kind).mkdir(parents=True)
    # Names that tell nothing about what is shown, or where it comes out.
    order = stream(seed, "search names").permutation(len(results))
    rows = sorted(
        (
            _write(seed, out, f"se{number + 1:04d}", result)
            for number, result in zip(order, results, strict=True)
        ),
        key=lambda row: row["image"],
    )
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (out / "manifest.csv").write_bytes(text.getvalue().encode("utf-8"))
    readme = _README.format(images=len(results), queries=QUERIES + 1)
    (out / "README.md").write_bytes(readme.encode("utf-8"))
    write_marker(out, f"python -m generators.procedural.searches FOLDER, seed {seed}")
    write_checksums(out)


def _write(seed: int, out: Path, stem: str, result: _Result) -> dict[str, str]:
    item, picture = result.item, result.picture
    (out / f"images/{stem}.jpg").write_bytes(encoded(picture.image, picture.encoding))
    mask = ""
    if picture.mask is not None:
        mask = f"masks/{stem}.png"
        data = io.BytesIO()
        Image.fromarray(picture.mask).convert("1").save(data, "PNG", optimize=True)
        (out / mask).write_bytes(data.getvalue())
    return {
        "image": f"images/{stem}.jpg",
        "tattoo": item.tattoo,
        "subject": item.subject,
        "source": item.source,
        "style": item.style,
        "role": "probe",
        "box": " ".join(map(str, picture.box)) if picture.box else "",
        "label": "tattoo" if item.tattoo else "non-tattoo",
        **known_of(seed, item)._asdict(),
        "mask": mask,
        "query": result.query,
        "text_score": repr(result.score),
        "use_case": "search",
    }


def _query(seed: int, query: str) -> list[_Result]:
    """Draw the results of a query: about two in five show no tattoo, and score higher."""
    rng = stream(seed, "search", query)
    results = []
    for k in range(RESULTS):
        name = f"{query.replace(' ', '')}-{k}"
        free = bool(rng.random() < 0.4)
        score = round(float(rng.gamma(3.0, 250.0)) * (1.5 if free else 1.0), 4)
        if free:
            item, picture = _without_tattoo(seed, name)
        else:
            item = _photographed(seed, name)
            if rng.random() < 0.5:
                picture = _anywhere(seed, item, rng)
            else:
                picture = picture_of(seed, item, _LONG_SIDE)
        results.append(_Result(query, score, item, picture))
    return results


def _photographed(seed: int, name: str) -> Item:
    styles = tuple(STYLES)
    style = styles[int(stream(seed, "search style", name).integers(len(styles)))]
    return Item(
        "search",
        "probe",
        0,
        "capture",
        "",
        name,
        f"s-{name}",
        f"g-{name}",
        style,
        "photo",
        "a",
        0.0,
    )


def _without_tattoo(seed: int, name: str) -> tuple[Item, Picture]:
    kinds = tuple(NEGATIVES)
    kind = kinds[int(stream(seed, "search kind", name).integers(len(kinds)))]
    item = Item("search", "probe", 0, "negative", "", "", "", "", "", kind, f"no-{name}", 0.0)
    return item, picture_of(seed, item, _LONG_SIDE)


def _taken(seed: int, item: Item) -> tuple[Tattoo, Exposure, Frame]:
    """Photograph a result's tattoo in a large square view, and draw the frame of its picture."""
    tattoo = tattoo_of(seed, item.tattoo, group=item.group, subject=item.subject, style=item.style)
    side = 2 * _LONG_SIDE
    frame = frame_of(seed, "search", item.tattoo, long_side=_LONG_SIDE)
    return tattoo, exposure_of(seed, tattoo, item.take, side, side), frame


def _with_concentration(seed: int, name: str, share: float) -> tuple[Item, Picture]:
    """Draw a picture with a share of ink: the largest cutting of one of several tattoos."""
    if share == 0:
        return _without_tattoo(seed, name)
    for attempt in range(60):
        item = _photographed(seed, f"{name}-{attempt}")
        found = _cut_to(*_taken(seed, item), share)
        if found is not None:
            return item, found
    raise LookupError(f"no picture of this world has a share of ink of {share}")


def _cut_to(tattoo: Tattoo, taken: Exposure, frame: Frame, share: float) -> Picture | None:
    """Cut a view so that its picture shows a share of ink, or return None where that cannot be."""
    width, height = frame.inner
    inside = share * frame.width * frame.height / (width * height)
    if inside > 0.95:
        return None
    ink = (taken.cover > INK).astype(np.int64)
    sums = np.pad(ink.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    whole = min(len(ink) / width, len(ink) / height)
    for scale in np.linspace(whole, 0.6, 16):
        w, h = int(scale * width), int(scale * height)
        seen = sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]
        off = np.abs(seen / (w * h) - inside)
        if off.min() > 0.003:
            continue
        for place in np.argsort(off, axis=None)[:24]:
            top, left = divmod(int(place), off.shape[1])
            cut = slice(top, top + h), slice(left, left + w)
            if abs(_mask(taken, cut, frame).mean() - share) <= _CLOSE:
                return _cut(tattoo, taken, cut, frame)
    return None


def _anywhere(seed: int, item: Item, rng: np.random.Generator) -> Picture:
    """Cut out a part of a random size and place that shows some ink."""
    tattoo, taken, frame = _taken(seed, item)
    width, height = frame.inner
    side = len(taken.cover)
    whole = min(side / width, side / height)
    while True:
        scale = whole * rng.uniform(0.5, 0.9)
        w, h = int(scale * width), int(scale * height)
        left, top = int(rng.integers(0, side - w + 1)), int(rng.integers(0, side - h + 1))
        cut = slice(top, top + h), slice(left, left + w)
        if _mask(taken, cut, frame).any():
            return _cut(tattoo, taken, cut, frame)


def _mask(taken: Exposure, cut: tuple[slice, slice], frame: Frame) -> npt.NDArray[np.bool_]:
    cover = cv2.resize(taken.cover[cut], frame.inner, interpolation=cv2.INTER_AREA)
    return frame.placed(cover > INK).astype(bool)


def _cut(tattoo: Tattoo, taken: Exposure, cut: tuple[slice, slice], frame: Frame) -> Picture:
    mask = _mask(taken, cut, frame)
    (image,) = framed([np.ascontiguousarray(taken.image[cut])], frame)
    return Picture(image, frame.encoding, mask, None, box_of(mask), tattoo.design.tags)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m generators.procedural.searches FOLDER")
    write_searches(Path(sys.argv[1]))
