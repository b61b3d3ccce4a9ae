"""Pictures for a worker: read, decoded and cut out here, since it knows no file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.data.images import decode, file_bytes
from harness.data.masks import read_mask
from harness.data.records import Picture
from harness.errors import UsageError
from harness.execution.unit import Training
from harness.execution.wire import Array


def pixels(picture: Picture) -> Array:
    """Return the pixels of a picture: uint8, shape (height, width, 3)."""
    return decode(Path(picture.path), box=picture.box)


def as_seen(picture: Picture, sees: str) -> Array:
    """Return a picture as an algorithm sees it: its pixels, or the bytes of its file.

    Pixels are uint8 RGB, shape (height, width, 3); a file is uint8, shape (bytes,).
    """
    return file_bytes(Path(picture.path)) if sees == "file" else pixels(picture)


def mask(picture: Picture | None, image: Array) -> Array:
    """Return which pixels of an image a mask marks: bool, shape (height, width).

    Parameters
    ----------
    picture
        None marks nothing.
    image
        The image's pixels.

    Raises
    ------
    UsageError
        If the mask has another size than the image.
    """
    if picture is None:
        return np.zeros(image.shape[:2], dtype=bool)
    marked = read_mask(Path(picture.path))
    if marked.shape != image.shape[:2]:
        raise UsageError(
            f"mask {picture.path} has {marked.shape[1]} x {marked.shape[0]} pixels, its image "
            f"{image.shape[1]} x {image.shape[0]}; give masks the size of their images"
        )
    return marked


class Lessons:
    """The pictures of a training set, by kind and number.

    Parameters
    ----------
    training
        What is learned from, in the order in which it is numbered.
    images
        Of it, in that order.
    sees
        What the algorithm sees of an image.
    """

    def __init__(self, training: Training, images: Sequence[Picture], sees: str) -> None:
        self._training, self._images, self._sees = training, images, sees

    def __call__(self, kind: str, index: int) -> Array:
        """Return an image, its mask, or the same capture without its tattoo.

        Raises
        ------
        LookupError
            If there is none of this kind and number.
        """
        if not 0 <= index < len(self._images):
            raise LookupError(index)
        image = self._images[index]
        if kind == "image":
            return as_seen(image, self._sees)
        if kind == "mask" and self._training.masks is not None:
            return mask(self._training.masks[index], pixels(image))
        if kind == "clean" and self._training.clean is not None:
            clean = self._training.clean[index]
            # An image that shows no tattoo is clean as it is.
            return pixels(image) if clean is None else decode(Path(clean.path))
        raise LookupError(kind)
