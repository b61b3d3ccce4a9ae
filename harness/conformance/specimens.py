"""Pictures that the conformance kit draws for itself: small tattoos, bare skin, odd formats."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw

from harness.api import Capture, Image, TrainingSet

SKIN = (214, 176, 148)
VOCABULARY = ("dark", "light", "large")
QUERIES = ("a large dark tattoo", "something LIGHT, I think", "größer? \u2603 42", "q" * 300)
"""Descriptions: the first two name words of the vocabulary."""

"""Tags: the mean shade of the drawing, and whether it covers more of the picture than most."""


@dataclass(frozen=True)
class Specimens:
    """Seeded pictures with their truth.

    Parameters
    ----------
    images
        Read-only; several pictures of every drawing, then bare skin.
    identities
        int64, shape (n,): which drawing; bare skin has numbers of its own.
    tattoo
        bool, shape (n,).
    tags
        bool, shape (n, 3): which words of `VOCABULARY` apply; none to bare skin.
    masks
        bool, of the shape of each image: the pixels of its drawing.
    clean
        The same pictures without their drawings; read-only.
    """

    images: tuple[Image, ...]
    identities: npt.NDArray[np.int64]
    tattoo: npt.NDArray[np.bool_]
    tags: npt.NDArray[np.bool_]
    masks: tuple[npt.NDArray[np.bool_], ...]
    clean: tuple[Image, ...]

    def training_set(self, images: Sequence[Image] | None = None) -> TrainingSet:
        """Return these pictures as what `fit` learns from, with every truth a protocol can give.

        Parameters
        ----------
        images
            The same pictures as the algorithm sees them, where these are not their pixels.
        """
        same = self.identities[:, None] == self.identities
        return TrainingSet(
            self.images if images is None else images,
            identities=self.identities.copy(),
            mated=np.argwhere(np.triu(same, 1)),
            tattoo=self.tattoo.copy(),
            tags=self.tags.copy(),
            vocabulary=VOCABULARY,
            masks=tuple(mask.copy() for mask in self.masks),
            clean=tuple(read_only(image.copy()) for image in self.clean),
            drawn=_Again(self.images if images is None else images),
        )


@dataclass(frozen=True)
class _Again:
    """Captures without end, of few pictures."""

    images: Sequence[Image]
    identities: int = 6
    captures: int = 3

    def __call__(self, wanted: Sequence[Capture], coming: Sequence[Capture] = ()) -> list[Image]:
        """Return pictures of the set, each uint8 of shape (height, width, 3)."""
        places = (one.identity * self.captures + one.take + one.kin for one in wanted)
        return [self.images[place % len(self.images)] for place in places]


def ordinary(drawings: int = 6, pictures: int = 3, bare: int = 6, seed: int = 0) -> Specimens:
    """Draw pictures that any algorithm should be able to work with.

    Parameters
    ----------
    drawings
        Different tattoos.
    pictures
        Pictures of each, turned, shifted and lit differently; 90 to 140 pixels a side.
    bare
        Pictures of skin without a tattoo.
    """
    rng = np.random.default_rng(seed)
    shapes = [_strokes(rng) for _ in range(drawings)]
    made = [_picture(strokes, rng) for strokes in shapes for _ in range(pictures)]
    made += [_picture([], rng) for _ in range(bare)]
    images, clean, masks = (tuple(part) for part in zip(*made, strict=True))
    drawn = np.repeat(np.arange(drawings), pictures)
    tattoo = np.arange(len(images)) < len(drawn)
    shades = np.array([np.mean([shade for _, _, shade in strokes]) for strokes in shapes])
    dark = np.zeros(len(images), dtype=bool)
    dark[tattoo] = (shades <= np.median(shades))[drawn]
    cover = np.array([mask.mean() for mask in masks])
    return Specimens(
        images=images,
        identities=np.append(drawn, drawings + np.arange(bare)).astype(np.int64),
        tattoo=tattoo,
        tags=np.stack([dark, tattoo & ~dark, cover > np.median(cover[tattoo])], axis=1),
        masks=masks,
        clean=clean,
    )


def odd() -> dict[str, Image]:
    """Return pictures that occur in real collections and break careless code, by what they are."""
    rng = np.random.default_rng(1)
    gray = np.repeat(rng.integers(0, 256, (40, 50, 1), dtype=np.uint8), 3, axis=2)
    pictures = {
        "black": np.zeros((64, 64, 3), dtype=np.uint8),
        "white": np.full((64, 64, 3), 255, dtype=np.uint8),
        "one pixel (1 x 1)": np.full((1, 1, 3), 90, dtype=np.uint8),
        "tiny (2 x 3)": rng.integers(0, 256, (2, 3, 3), dtype=np.uint8),
        "one row (1 x 2000)": rng.integers(0, 256, (1, 2000, 3), dtype=np.uint8),
        "narrow (2000 x 3)": rng.integers(0, 256, (2000, 3, 3), dtype=np.uint8),
        "gray": gray,
    }
    return {name: read_only(image) for name, image in pictures.items()}


def as_file(image: Image) -> npt.NDArray[np.uint8]:
    """Return the bytes of a JPEG file of a picture: uint8, shape (bytes,), read-only."""
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=85)
    return np.frombuffer(file.getvalue(), dtype=np.uint8)


def from_file(data: npt.NDArray[np.uint8]) -> Image:
    """Return the pixels of a file, uint8, shape (bytes,), that `as_file` made."""
    return np.asarray(PIL.Image.open(io.BytesIO(data.tobytes())))


def read_only(image: Image) -> Image:
    """Forbid writing to an array, as the harness does with every image it hands out."""
    image.flags.writeable = False
    return image


def _strokes(rng: np.random.Generator) -> list[tuple[str, npt.NDArray[np.float64], int]]:
    """Invent a drawing: polygons and lines around the origin, about one unit wide, with shades."""
    strokes = []
    for kind in rng.permutation(["polygon", "polygon", "polygon", "line", "line", "line", "line"]):
        centre = rng.uniform(-0.25, 0.25, 2)
        turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        reach = rng.uniform(0.08, 0.25, len(turns))
        points = centre + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        strokes.append((str(kind), points, int(rng.integers(10, 110))))
    return strokes


def _picture(
    strokes: list[tuple[str, npt.NDArray[np.float64], int]], rng: np.random.Generator
) -> tuple[Image, Image, npt.NDArray[np.bool_]]:
    """Draw strokes on skin; return the picture, the same without them, and where they are."""
    width, height = (int(side) for side in rng.integers(90, 140, 2))
    canvas = PIL.Image.new("RGB", (width, height), SKIN)
    pen = PIL.ImageDraw.Draw(canvas)
    turn, scale = rng.uniform(-0.2, 0.2), rng.uniform(0.95, 1.1) * min(width, height)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = np.array([width, height]) / 2 + rng.uniform(-4, 4, 2)
    for kind, points, shade in strokes:
        corners = [(float(x), float(y)) for x, y in points @ rotation * scale + middle]
        colour = (shade, shade // 2, 110 - shade)
        if kind == "polygon":
            pen.polygon(corners, fill=colour)
        else:
            pen.line(corners, fill=colour, width=3)
    light = np.linspace(rng.uniform(0.8, 1), rng.uniform(0.8, 1), width)[None, :, None]
    noise = rng.normal(0, 4, (height, width, 3))
    drawn = np.asarray(canvas)
    picture, clean = (
        read_only(np.clip(pixels * light + noise, 0, 255).astype(np.uint8))
        for pixels in (drawn, np.broadcast_to(np.array(SKIN), drawn.shape))
    )
    return picture, clean, (drawn != np.array(SKIN)).any(axis=2)
