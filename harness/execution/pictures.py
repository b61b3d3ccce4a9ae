"""Pictures for a worker: read, decoded and cut out here, since it knows no file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from harness.data.images import decode, file_bytes
from harness.data.masks import read_mask
from harness.data.records import Picture
from harness.data.words import is_description, read_words
from harness.errors import UsageError
from harness.execution.unit import Training
from harness.execution.wire import Array

_AHEAD = 4
"""Pictures that are decoded before they are asked for, at most."""


def pixels(picture: Picture) -> Array:
    """Return the pixels of a picture: uint8, shape (height, width, 3)."""
    return decode(Path(picture.path), box=picture.box)


def as_seen(picture: Picture, sees: str) -> Array:
    """Return a picture as an algorithm sees it: its pixels, or the bytes of its file.

    Pixels are uint8 RGB, shape (height, width, 3); a file is uint8, shape (bytes,), and so are the
    words of a description, in UTF-8.
    """
    if is_description(picture.path):
        return np.frombuffer(read_words(Path(picture.path)).encode(), np.uint8)
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

    Images that are asked for one after the other are decoded ahead, by several threads, while what
    came before is learned from. To be used as a context, which ends the threads.
    """

    def __init__(self, training: Training, images: Sequence[Picture], sees: str) -> None:
        self._training, self._images, self._sees = training, images, sees
        self._threads = ThreadPoolExecutor(min(_AHEAD, os.cpu_count() or 1), "decoding")
        self._coming: dict[int, Future[Array]] = {}
        self._expected = 0

    def __enter__(self) -> Lessons:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

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
            return self._image(index)
        if kind == "mask" and self._training.masks is not None:
            return mask(self._training.masks[index], pixels(image))
        if kind == "clean" and self._training.clean is not None:
            clean = self._training.clean[index]
            # An image that shows no tattoo is clean as it is.
            return pixels(image) if clean is None else decode(Path(clean.path))
        raise LookupError(kind)

    def _image(self, index: int) -> Array:
        """Return an image; from the second in order on, see to the next ones."""
        came = self._coming.pop(index, None)
        if index == self._expected and index:
            for place in range(index + 1, min(index + 1 + _AHEAD, len(self._images))):
                if place not in self._coming:
                    image = self._images[place]
                    self._coming[place] = self._threads.submit(as_seen, image, self._sees)
        elif came is None:
            # In another order nothing is known of what comes, and nothing is kept for it.
            self._coming.clear()
        self._expected = index + 1
        return came.result() if came else as_seen(self._images[index], self._sees)
