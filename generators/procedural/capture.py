"""One photograph of one tattoo, with its exact truth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from harness.synthesis.encoding import Encoding
from harness.synthesis.streams import stream

from .body import PLACES, body_at
from .camera import shot_of
from .designs import Design, design_of
from .framing import Frame, Pixels, frame_of, framed
from .ink import EXTENT, Ink, aged
from .photograph import INK, Exposure, expose
from .skin import skinned, subject_of
from .styles import STYLES, inked

__all__ = [
    *("Capture", "Tattoo", "box_of", "exposure_of", "place_of", "render_capture", "tattoo_of"),
    "view_of",
]


@dataclass(frozen=True)
class Tattoo:
    """A design in a style on a subject.

    Attributes
    ----------
    name : str
        Name of the tattoo; key of its random streams.
    subject, group : str
        Who wears it, and the group of designs it belongs to.
    style : str
        One of the nine styles.
    place : str
        Where on the body.
    years : float
        Age of the ink at the first capture.
    design : Design
        The drawing.
    """

    name: str
    subject: str
    group: str
    style: str
    place: str
    years: float
    design: Design = field(repr=False)


@dataclass(frozen=True)
class Capture:
    """A photograph and its truth.

    Attributes
    ----------
    image, clean : ndarray
        uint8 RGB (h, w, 3): the photograph, and the same without the tattoo.
    mask : ndarray
        bool (h, w): pixels that show ink.
    box : tuple of int
        x1, y1, x2, y2 in pixels, x2 and y2 exclusive: bounds of the mask.
    tattoo : Tattoo
        What is shown.
    source : str
        Name of the capture: pictures of one source come from one photograph.
    encoding : Encoding
        Of the file.
    """

    image: Pixels
    clean: Pixels
    mask: npt.NDArray[np.bool_]
    box: tuple[int, int, int, int]
    tattoo: Tattoo
    source: str
    encoding: Encoding


def tattoo_of(
    seed: int,
    name: str,
    *,
    group: str,
    subject: str,
    style: str | None = None,
    looseness: float = 1.0,
) -> Tattoo:
    """Return the tattoo of that name.

    Parameters
    ----------
    seed : int
        Seed of the world.
    name, group, subject : str
        Names of the tattoo, its design group and its wearer.
    style : str, optional
        The style; the tattoo's own choice when left out.
    looseness : float
        How far designs of a group differ.
    """
    rng = stream(seed, "tattoo", name)
    own_style, place = _style_and_place(rng)
    return Tattoo(
        name=name,
        subject=subject,
        group=group,
        style=style or own_style,
        place=place,
        years=float(rng.gamma(1.2, 4.0)),
        design=design_of(seed, group, name, looseness=looseness),
    )


def place_of(seed: int, name: str) -> str:
    """Return where on the body the tattoo of that name is."""
    return _style_and_place(stream(seed, "tattoo", name))[1]


def _style_and_place(rng: np.random.Generator) -> tuple[str, str]:
    styles, places = tuple(STYLES), tuple(PLACES)
    style = styles[int(rng.integers(len(styles)))]
    return style, places[int(rng.integers(len(places)))]


def box_of(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return the bounds x1, y1, x2, y2 of a mask, in pixels; all 0 when it is empty.

    The mask has the shape (height, width); upper bounds are exclusive.
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def view_of(half_width: float, half_height: float, width: int, height: int) -> tuple[float, float]:
    """Return the half extents of the view that shows a design in a picture of any shape."""
    scale = max(half_width / width, half_height / height)
    return scale * width, scale * height


def exposure_of(
    seed: int,
    tattoo: Tattoo,
    take: str,
    width: int,
    height: int,
    *,
    later: float = 0.0,
    unrest: float = 1.0,
    wet: float = 0.0,
    hair: float = 1.0,
) -> Exposure:
    """Photograph a tattoo in a view of any size and shape, before it is framed.

    Parameters
    ----------
    seed, tattoo, take, later, unrest, wet, hair
        As in `render_capture`.
    width, height : int
        In pixels.
    """
    shot = shot_of(seed, "capture", tattoo.name, take, unrest=unrest, wet=wet)
    long_side = max(width, height)
    wide = max(tattoo.design.half_width, 0.55) * shot.margin
    tall = max(tattoo.design.half_height, 0.55) * shot.margin
    half_x, half_y = view_of(wide, tall, width, height)
    detail = 2.0 if long_side <= 200 else 1.3
    scale = long_side / (2 * max(half_x, half_y)) * (1.6 if long_side <= 200 else 1.15)
    ink_size = max(64, 8 * round(scale * 2 * EXTENT / 8))
    fresh = _fresh_ink(seed, tattoo.name, tattoo.design, tattoo.style, ink_size)
    ink = aged(fresh, tattoo.years + later, stream(seed, "age", tattoo.name))
    subject = subject_of(seed, tattoo.subject)
    subject = replace(subject, hairs=subject.hairs * hair)
    skin_size = int(256 * max(1.0, long_side / 160))
    skin = skinned(seed, subject, f"{tattoo.place}/{tattoo.name}", skin_size)
    body = body_at(stream(seed, "body", tattoo.name), tattoo.place)
    return expose(skin, ink, body, shot, width, height, half_x, half_y, detail)


@lru_cache(maxsize=16)
def _fresh_ink(seed: int, name: str, design: Design, style: str, size: int) -> Ink:
    """Return the ink of a tattoo; captures of one share it where it is wanted in one size."""
    return inked(design, style, size, stream(seed, "ink", name))


def render_capture(
    seed: int,
    tattoo: Tattoo,
    take: str,
    *,
    long_side: int = 128,
    later: float = 0.0,
    unrest: float = 1.0,
    wet: float = 0.0,
    hair: float = 1.0,
    frame: Frame | None = None,
) -> Capture:
    """Photograph a tattoo.

    Parameters
    ----------
    seed : int
        Seed of the world.
    tattoo : Tattoo
        What is photographed.
    take : str
        Name of the capture among those of this tattoo.
    long_side : int
        Longer side of the picture in pixels, on average.
    later : float
        Years after the first capture.
    unrest : float
        How far pose, framing and focus vary; 1 is usual.
    wet : float
        Water on the skin, 0 to 1.
    hair : float
        Hair of the subject, as a multiple of its own.
    frame : Frame, optional
        Size, mount and camera, instead of the capture's own.

    Returns
    -------
    Capture
        The photograph with its truth; the same for the same arguments.

    Examples
    --------
    >>> tattoo = tattoo_of(0, "t1", group="g1", subject="s1", style="traditional")
    >>> shot = render_capture(0, tattoo, "c1", long_side=64)
    >>> shot.image.dtype.name, shot.mask.shape == shot.image.shape[:2] == shot.clean.shape[:2]
    ('uint8', True)
    """
    how = frame or frame_of(seed, "capture", tattoo.name, take, long_side=long_side)
    taken = exposure_of(
        seed, tattoo, take, *how.inner, later=later, unrest=unrest, wet=wet, hair=hair
    )
    mask = taken.cover > INK
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    box = box_of(closed.astype(bool)) if closed.any() else box_of(mask)
    image, clean = framed([taken.image, taken.clean], how)
    return Capture(
        image,
        clean,
        how.placed(mask).astype(bool),
        how.moved(box),
        tattoo,
        f"{tattoo.name}-{take}",
        how.encoding,
    )
