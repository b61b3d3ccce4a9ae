"""The section on masks: pictures with the truth, the answer, and where the two differ."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.images import decode, encode_thumbnail
from harness.errors import HarnessError
from harness.execution.storage import load_answer
from harness.execution.unit import SCORES
from harness.metrics.regions import boxes_of
from harness.reporting.drawing.thumbnails import SIDE, data_address
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.wording import percent
from harness.tasks.answers import PictureAnswer
from harness.tasks.images import TATTOO
from harness.tasks.results import Judgement
from harness.tasks.segmentation import truth_of

EXAMPLES = 3

RULES = (
    "A pixel is tattoo when the algorithm's share for it is at or above the threshold.",
    "IoU and Dice are means over the images with a tattoo; false marking is over those without.",
    "Boxes lie around pieces of the mask nearer to each other than a sixteenth of the longer side, "
    "and count as NISTIR 8232 (section 3.3) says.",
    "Chance is what the best answer gets that is the same for every image: all of it is tattoo, or "
    "none of it.",
)

Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Example:
    """One image and what was made of it; addresses are ``data:`` pictures.

    Parameters
    ----------
    panels
        Caption, address, and words for those who do not see it.
    measured
        Figures of this image, in words.
    """

    search: Judgement
    panels: tuple[tuple[str, str | None, str], ...]
    measured: str


def section(run: SectionInput) -> Section | None:
    """Return the section on masks, or None where there is no picture to show."""
    scored = [s for s in run.outcome.searches if not s.failed and "iou" in s.values]
    tattooed = sorted(
        (s for s in scored if s.truth == TATTOO),
        key=lambda s: (s.score or 0.0, s.fold, s.probe),
    )
    bare = sorted(
        (s for s in scored if s.truth != TATTOO),
        key=lambda s: (-(s.values.get("false-marking") or 0.0), s.fold, s.probe),
    )
    middle = max(0, len(tattooed) // 2 - EXAMPLES // 2)
    groups = [
        ("Least overlap", tattooed[:EXAMPLES]),
        ("In the middle", tattooed[middle : middle + EXAMPLES]),
        ("Most overlap", tattooed[-EXAMPLES:][::-1]),
        ("Without a tattoo, marked most", bare[:EXAMPLES]),
    ]
    shown = [(title, _examples(run, searches)) for title, searches in groups]
    shown = [(title, examples) for title, examples in shown if examples]
    if not shown:
        return None
    return Section("masks", "Masks", filled_from("masks", groups=shown), RULES)


def _examples(run: SectionInput, searches: Sequence[Judgement]) -> list[Example]:
    found = []
    for search in searches:
        try:
            place = run.folder / "units" / f"fold-{search.fold}" / SCORES
            answer = load_answer(place)
            record = run.records[search.probe]
            index = _place(run, search)
            mask = answer.mask(index) if isinstance(answer, PictureAnswer) else None
            if mask is None:
                continue
            image = decode(record.path)
            truth = truth_of(record, mask.shape)
        except (HarnessError, OSError, ValueError, KeyError):
            continue  # the data set is no longer at hand
        if truth is None or image.shape[:2] != mask.shape:
            continue
        found.append(_example(search, image, mask >= run.protocol.threshold, truth))
    return found


def _place(run: SectionInput, search: Judgement) -> int:
    """Return which of its fold's probes a search is: they are recorded in the same order."""
    own = [s.probe for s in run.outcome.searches if s.fold == search.fold]
    return own.index(search.probe)


def _example(search: Judgement, image: Pixels, marked: Mask, truth: Mask) -> Example:
    panels = [
        ("picture", image, "The picture"),
        ("truth", _drawn(truth), "The true mask, in black"),
        ("answer, boxes", _boxed(_drawn(marked), marked), "The answer's mask in black, with boxes"),
        ("difference", _difference(marked, truth), "Both grey, missed striped, false dotted"),
    ]
    values = search.values
    if search.truth == TATTOO:
        words = (
            f"IoU {values['iou'] or 0:.2f}, concentration "
            f"{percent(float(marked.mean()))} (truth {percent(float(truth.mean()))})"
        )
    else:
        words = f"{percent(values['false-marking'])} marked, nothing to find"
    return Example(
        search,
        tuple(
            (caption, _address(pixels), f"{words_of}: {search.probe}")
            for caption, pixels, words_of in panels
        ),
        words,
    )


def _drawn(mask: Mask) -> Pixels:
    """Draw a mask in black on white."""
    return np.repeat(np.where(mask, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _boxed(pixels: Pixels, mask: Mask) -> Pixels:
    """Draw the boxes of a mask into its picture, white within black so that they show anywhere."""
    for x1, y1, x2, y2 in boxes_of(mask).tolist():
        for inset, level in ((0, 0), (1, 255)):
            a, b, c, d = x1 + inset, y1 + inset, x2 - 1 - inset, y2 - 1 - inset
            if a < c and b < d:
                pixels[b, a : c + 1] = pixels[d, a : c + 1] = level
                pixels[b : d + 1, a] = pixels[b : d + 1, c] = level
    return pixels


def _difference(marked: Mask, truth: Mask) -> Pixels:
    """Draw what both mark in grey, what is missed in stripes, what is false in dots."""
    rows, columns = np.indices(truth.shape)
    pixels = np.full((*truth.shape, 3), 255, np.uint8)
    pixels[marked & truth] = 170
    pixels[truth & ~marked & ((rows + columns) % 4 < 2)] = 0
    pixels[marked & ~truth & (rows % 3 == 0) & (columns % 3 == 0)] = 0
    return pixels


def _address(pixels: Pixels) -> str | None:
    import PIL.Image

    if len(np.unique(pixels)) > 8:
        return data_address(encode_thumbnail(pixels, SIDE))
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((SIDE, SIDE))
    data = io.BytesIO()
    picture.convert("L").save(data, "PNG", optimize=True)
    return data_address(data.getvalue(), "png")
