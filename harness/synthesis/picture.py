"""An item of the census to its picture: the one place that knows how each kind is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.synthesis.camera import Pixels
from harness.synthesis.capture import Capture, Tattoo, box_of, render_capture, tattoo_of
from harness.synthesis.media import render_medium
from harness.synthesis.negatives import render_negative
from harness.synthesis.streams import stream
from harness.synthesis.world import Item

__all__ = ["Picture", "picture_of", "region_of"]


@dataclass(frozen=True)
class Picture:
    """A finished picture; `mask`, `clean` and `box` are None where no photographed ink is shown."""

    image: Pixels
    quality: int
    mask: npt.NDArray[np.bool_] | None
    clean: Pixels | None
    box: tuple[int, int, int, int] | None
    tags: tuple[str, ...]


# Later photographs are taken in other conditions; without this, matching them is too easy.
_UNREST = {
    ("tattoo_identification", "probe"): 2.4,
    ("region_of_interest", "probe"): 1.3,
    ("tattoo_similarity", "probe"): 1.1,
    ("tattoo_similarity", "reference"): 1.1,
}
# Similar tattoos are one idea drawn by different people.
_LOOSENESS = {"tattoo_similarity": 1.7}


def _tattoo(seed: int, item: Item) -> Tattoo:
    return tattoo_of(
        seed,
        item.tattoo,
        group=item.group,
        subject=item.subject,
        style=item.style,
        looseness=_LOOSENESS.get(item.use_case, 1.0),
    )


def region_of(capture: Capture, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return a sub-region of a tattoo: 25 to 60 % of its box's area, where there is ink.

    Parameters
    ----------
    capture : Capture
        The photograph to cut from.
    rng : numpy.random.Generator
        Where to cut.

    Returns
    -------
    tuple of int
        x1, y1, x2, y2 in pixels, upper ones exclusive.
    """
    x1, y1, x2, y2 = capture.box
    share = rng.uniform(0.25, 0.6)
    stretch = np.exp(rng.uniform(-0.25, 0.25))
    width = round(min(1.0, np.sqrt(share) * stretch) * (x2 - x1))
    height = round(min(1.0, np.sqrt(share) / stretch) * (y2 - y1))
    best, most = (x1, y1, x1 + width, y1 + height), -1.0
    # Of some random places the one that shows most ink, as an examiner would cut.
    for _ in range(6):
        x = x1 + int(rng.integers(0, max(1, x2 - x1 - width + 1)))
        y = y1 + int(rng.integers(0, max(1, y2 - y1 - height + 1)))
        ink = float(capture.mask[y : y + height, x : x + width].mean())
        if ink > most:
            best, most = (x, y, x + width, y + height), ink
    return best


def picture_of(seed: int, item: Item, long_side: int) -> Picture:
    """Draw one item of the census.

    Parameters
    ----------
    seed : int
        Seed of the world.
    item : Item
        What to draw.
    long_side : int
        Longer side in pixels; a region is smaller.
    """
    if item.kind == "negative":
        image, quality = render_negative(seed, item.media, item.take, long_side=long_side)
        return Picture(image, quality, None, None, None, (item.media,))
    tattoo = _tattoo(seed, item)
    unrest = _UNREST.get((item.use_case, item.role), 1.0)
    if item.kind == "medium":
        name = f"{item.tattoo}/{item.take}"
        image, quality = render_medium(seed, tattoo.design, item.media, name, long_side=long_side)
        return Picture(image, quality, None, None, None, tattoo.design.tags)
    if item.kind == "region":
        large = render_capture(
            seed,
            tattoo,
            item.take,
            long_side=round(long_side * 1.5),
            later=item.later,
            unrest=unrest,
        )
        x1, y1, x2, y2 = region_of(large, stream(seed, "region", item.tattoo, item.take))
        mask = large.mask[y1:y2, x1:x2]
        return Picture(
            np.ascontiguousarray(large.image[y1:y2, x1:x2]),
            large.quality,
            mask,
            np.ascontiguousarray(large.clean[y1:y2, x1:x2]),
            box_of(mask),
            tattoo.design.tags,
        )
    shot = render_capture(
        seed,
        tattoo,
        item.take,
        long_side=long_side,
        later=item.later,
        unrest=unrest,
    )
    return Picture(shot.image, shot.quality, shot.mask, shot.clean, shot.box, tattoo.design.tags)
