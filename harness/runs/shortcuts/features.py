"""Features of a picture that are none of a drawing: its size, file, border and mean colour.

Each is a short vector of floats in which equal steps mean about equal differences, so that
distances between vectors make sense before anything is scaled.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Image

__all__ = ["BORDER", "border_of", "file_of", "mean_colour_of", "noise_of", "size_of"]

Features = npt.NDArray[np.float64]

BORDER = 0.04
"""Width of the border as a share of the shorter side; at least one pixel."""

_HALF_NORMAL = 0.6745  # median of the size of a standard normal number


def size_of(width: int, height: int) -> Features:
    """Return logarithms of width and height: float64, shape (2,).

    >>> size_of(1, 1)
    array([0., 0.])
    """
    return np.log(np.array([width, height], np.float64))


def file_of(file: bytes | Path) -> Features:
    """Return what the bytes of an image file say before a pixel is decoded: float64, shape (6,).

    Parameters
    ----------
    file
        All bytes of it, or where it lies: then its header alone is read.

    Returns
    -------
    numpy.ndarray
        Logarithm of the length; of a JPEG the logarithms of the mean of the low and the high
        frequencies of its first quantisation table and of the mean of its last, how much it halves
        colours, and whether it is progressive. These are 0 for any other file.
    """
    import PIL.Image

    found = np.zeros(6)
    length = len(file) if isinstance(file, bytes) else file.stat().st_size
    found[0] = np.log(max(1, length))
    try:
        with PIL.Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            known: Any = image
            tables = getattr(known, "quantization", None) or {}
            layer = getattr(known, "layer", None) or []
            progressive = bool(image.info.get("progressive"))
    except Exception:  # the bytes are whatever a user has; without a header there is no table
        return found
    if tables:
        first, last = (np.array(tables[k], np.float64) for k in (min(tables), max(tables)))
        found[1:4] = np.log([first[:10].mean(), first[10:].mean(), last.mean()])
        found[4] = float(layer[0][1] * layer[0][2]) if layer else 0.0
        found[5] = float(progressive)
    return found


def border_of(image: Image) -> Features:
    """Return colour and noise of a picture's border: float64, shape (4,).

    Parameters
    ----------
    image
        uint8, shape (height, width, 3).

    Returns
    -------
    numpy.ndarray
        Mean of each channel along the border as a share of white, and its noise level as a share of
        25 grey levels.
    """
    height, width = image.shape[:2]
    deep = max(1, round(BORDER * min(height, width)))
    strips = (image[:deep], image[-deep:], image[:, :deep], image[:, -deep:])
    colours = np.concatenate([strip.reshape(-1, 3) for strip in strips]).mean(axis=0)
    return np.append(colours / 255, min(1.0, noise_of(strips) / 25))


def mean_colour_of(image: Image) -> Features:
    """Return the mean of each channel as a share of white: float64, shape (3,).

    Light, camera, skin and ink make it. Where the picture's parts lie changes nothing.

    Parameters
    ----------
    image
        uint8, shape (height, width, 3).

    >>> mean_colour_of(np.array([[[0, 0, 255], [255, 0, 255]]], np.uint8))
    array([0.5, 0. , 1. ])
    """
    colours: Features = image.mean(axis=(0, 1)) / 255
    return colours


def noise_of(parts: tuple[Image, ...]) -> float:
    """Return the noise level of parts of a picture in grey levels.

    It is estimated from the diagonal details of the Haar wavelet (median of their sizes, by Donoho
    and Johnstone), which edges hardly move; 0 where no part is two pixels wide and tall.
    """
    details = []
    for part in parts:
        tall, wide = (n - n % 2 for n in part.shape[:2])
        grey = part[:tall, :wide].astype(np.float64) @ (0.299, 0.587, 0.114)
        detail = grey[::2, ::2] - grey[1::2, ::2] - grey[::2, 1::2] + grey[1::2, 1::2]
        details.append(np.abs(detail).ravel() / 2)
    sizes = np.concatenate(details) if details else np.empty(0)
    return float(np.median(sizes)) / _HALF_NORMAL if len(sizes) else 0.0
