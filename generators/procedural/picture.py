"""An item of the census to its picture: the one place that knows how each kind is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from harness.synthesis.encoding import Encoding
from harness.synthesis.streams import stream

from .capture import Tattoo, box_of, exposure_of, render_capture, tattoo_of
from .framing import Pixels, frame_of, framed
from .media import render_medium
from .negatives import render_negative
from .photograph import INK
from .world import Item

__all__ = ["Picture", "picture_of", "region_of"]

Box = tuple[int, int, int, int]
Mask = npt.NDArray[np.bool_]
"""What shows ink: bool, shape (height, width)."""


@dataclass(frozen=True)
class Picture:
    """A finished picture; `mask`, `clean` and `box` are None where no photographed ink is shown."""

    image: Pixels
    encoding: Encoding
    mask: Mask | None
    clean: Pixels | None
    box: Box | None
    tags: tuple[str, ...]


# Later photographs are taken in other conditions; without this, matching them is too easy.
_UNREST = {
    ("tattoo_identification", "probe"): 2.4,
    ("region_of_interest", "probe"): 1.3,
    ("tattoo_verification", "probe"): 2.0,
    ("tattoo_verification", "reference"): 2.0,
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


def region_of(mask: Mask, box: Box, aspect: float, rng: np.random.Generator) -> Box:
    """Return a sub-region of a tattoo: an area of 25 to 60 % of its box, where there is ink.

    Parameters
    ----------
    mask : ndarray
        bool, shape (height, width): pixels that show ink.
    box : tuple of int
        Of the tattoo.
    aspect : float
        Width over height of the region: of the picture that shows it, not of the tattoo. A region
        wider or taller than the box shows some of what is beside it.
    rng : numpy.random.Generator
        Where to cut.

    Returns
    -------
    tuple of int
        x1, y1, x2, y2 in pixels, upper ones exclusive.
    """
    x1, y1, x2, y2 = box
    tall, wide = mask.shape
    area = rng.uniform(0.25, 0.6) * (x2 - x1) * (y2 - y1)
    height = max(4.0, min((area / aspect) ** 0.5, tall, wide / aspect))
    width, height = max(4, int(height * aspect)), int(height)
    best, most = (0, 0, width, height), -1.0
    # Of some random places the one that shows most ink, as an examiner would cut.
    for _ in range(6):
        x = _between(rng, x1, x2 - width, wide - width)
        y = _between(rng, y1, y2 - height, tall - height)
        ink = float(mask[y : y + height, x : x + width].mean())
        if ink > most:
            best, most = (x, y, x + width, y + height), ink
    return best


def _between(rng: np.random.Generator, one: int, other: int, last: int) -> int:
    low, high = sorted((one, other))
    return min(max(int(rng.integers(low, high + 1)), 0), last)


def _region(seed: int, item: Item, tattoo: Tattoo, long_side: int, unrest: float) -> Picture:
    """Draw a photograph, cut a region out of it, and take that as a picture of its own."""
    how = frame_of(seed, "region", item.tattoo, item.take, long_side=round(long_side * 0.75))
    width, height = how.inner
    side = 2 * long_side
    whole = exposure_of(seed, tattoo, item.take, side, side, later=item.later, unrest=unrest)
    mask = whole.cover > INK
    rng = stream(seed, "region", item.tattoo, item.take)
    x1, y1, x2, y2 = region_of(mask, box_of(mask), width / height, rng)
    cut = (slice(y1, y2), slice(x1, x2))
    image, clean = framed([whole.image[cut], whole.clean[cut]], how)
    cover = cv2.resize(whole.cover[cut], (width, height), interpolation=cv2.INTER_LINEAR)
    seen = how.placed(cover > INK).astype(bool)
    return Picture(image, how.encoding, seen, clean, box_of(seen), tattoo.design.tags)


def picture_of(seed: int, item: Item, long_side: int) -> Picture:
    """Draw one item of the census.

    Parameters
    ----------
    seed : int
        Seed of the world.
    item : Item
        What to draw.
    long_side : int
        Longer side in pixels, on average; a region is smaller.
    """
    if item.kind == "negative":
        image, encoding = render_negative(seed, item.media, item.take, long_side=long_side)
        return Picture(image, encoding, None, None, None, (item.media,))
    tattoo = _tattoo(seed, item)
    unrest = _UNREST.get((item.use_case, item.role), 1.0)
    if item.kind == "medium":
        name = f"{item.tattoo}/{item.take}"
        image, encoding = render_medium(seed, tattoo.design, item.media, name, long_side=long_side)
        return Picture(image, encoding, None, None, None, tattoo.design.tags)
    if item.kind == "region":
        return _region(seed, item, tattoo, long_side, unrest)
    shot = render_capture(
        seed,
        tattoo,
        item.take,
        long_side=long_side,
        later=item.later,
        unrest=unrest,
    )
    return Picture(shot.image, shot.encoding, shot.mask, shot.clean, shot.box, tattoo.design.tags)
