"""Pictures without a tattoo that a detector may take for one: the hard negatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.synthesis.encoding import Encoding
from harness.synthesis.streams import stream

from .bare import bare_photograph
from .body import PLACES
from .faces import render_face
from .framing import Frame, Pixels, frame_of, framed
from .jewellery import render_jewellery
from .painted import render_cloth, render_wall
from .skin import skinned, subject_of
from .textures import Picture

__all__ = ["NEGATIVES", "bare_place", "render_negative"]


def bare_place(rng: np.random.Generator) -> str:
    """Return which part of the body is shown: the first that is drawn of bare skin."""
    places = tuple(PLACES)
    return places[int(rng.integers(len(places)))]


def _skin_only(seed: int, name: str, width: int, height: int) -> Picture:
    """Draw bare skin with moles, veins, scars and hair."""
    rng = stream(seed, "bare", name)
    subject = subject_of(seed, f"bare/{name}")
    place = bare_place(rng)
    veins, scars = int(rng.integers(0, 4)), int(rng.integers(0, 3))
    size = int(max(256, max(width, height) * 1.2))
    skin = skinned(seed, subject, place, size, veins=veins, scars=scars)
    return bare_photograph(rng, seed, name, skin, place, width, height)


NEGATIVES: dict[str, tuple[float, Callable[[int, str, int, int], Picture]]] = {
    "face": (0.4, render_face),
    "bare-skin": (0.2, _skin_only),
    "jewellery": (0.12, render_jewellery),
    "cloth": (0.15, render_cloth),
    "wall": (0.13, render_wall),
}


def render_negative(
    seed: int, kind: str, name: str, *, long_side: int = 128, frame: Frame | None = None
) -> tuple[Pixels, Encoding]:
    """Render a picture without a tattoo.

    Parameters
    ----------
    seed : int
        Seed of the world.
    kind : str
        One of `NEGATIVES`.
    name : str
        Name of the picture; key of its random streams.
    long_side : int
        Longer side in pixels, on average.
    frame : Frame, optional
        Size, mount and camera, instead of the picture's own.

    Returns
    -------
    ndarray
        uint8 RGB, shape (height, width, 3).
    Encoding
        Of the file.
    """
    how = frame or frame_of(seed, "negative", name, long_side=long_side)
    return framed([NEGATIVES[kind][1](seed, name, *how.inner)], how)[0], how.encoding
