"""JPEG files as several cameras write them: tables, quality, subsampling and length of the file.

All of these are drawn for a picture whatever it shows. That holds for the length, too, although
some pictures take more bytes than others: a comment fills a file up to what a test chart taken by
the same camera would need, as previews and makers' notes fill real ones.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.synthesis.streams import stream

__all__ = ["Encoding", "encoded", "encoding_of"]

# The tables that T.81 gives as examples in its Annex K, row by row.
_LIGHT = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_COLOUR = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *([99] * 32),
)  # fmt: skip
_FLATNESS = (1.0, 0.85, 0.7)
_SUBSAMPLING = (2, 2, 2, 1)  # in Pillow's words: three in four halve colours in both directions
_FULL = 65_533  # bytes that one comment holds


@dataclass(frozen=True)
class Encoding:
    """How a picture is written to a file.

    Attributes
    ----------
    quality : int
        1 to 100, as in libjpeg.
    flatness : float
        Power of the example tables: below 1 high frequencies are kept better.
    subsampling : int
        1 halves the resolution of colours across, 2 across and down.
    fill : float
        Length of the file, as a share of what the test chart needs; 0 leaves it as it comes. One
        picture in a hundred needs more than .6 of it.
    """

    quality: int = 80
    flatness: float = 1.0
    subsampling: int = 2
    fill: float = 0.0


def encoding_of(*key: str | int) -> Encoding:
    """Return the encoding of that name."""
    rng = stream(*key, "file")
    return Encoding(
        quality=int(rng.integers(56, 77)),
        flatness=_FLATNESS[int(rng.integers(len(_FLATNESS)))],
        subsampling=_SUBSAMPLING[int(rng.integers(len(_SUBSAMPLING)))],
        fill=float(rng.uniform(0.58, 0.68)),
    )


def encoded(pixels: npt.NDArray[np.uint8], encoding: Encoding) -> bytes:
    """Return the picture as a baseline JPEG file.

    Parameters
    ----------
    pixels : ndarray
        uint8 RGB, shape (height, width, 3).
    how : Encoding
        Tables, subsampling and length; a picture that takes more bytes than that has its own.
    """
    data = _jpeg(pixels, encoding)
    if not encoding.fill:
        return data
    missing = round(
        encoding.fill * _chart_length(pixels.shape[1], pixels.shape[0], encoding)
    ) - len(data)
    comments = b""
    while missing >= 4:
        size = min(missing - 2, _FULL)
        comments += b"\xff\xfe" + size.to_bytes(2, "big") + bytes(size - 2)
        missing -= size + 2
    # Behind the start of the image and its header, where readers expect them.
    start = 4 + int.from_bytes(data[4:6], "big")
    return data[:start] + comments + data[start:]


def _jpeg(pixels: npt.NDArray[np.uint8], how: Encoding) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(
        file,
        "JPEG",
        qtables=_tables(how.quality, how.flatness),
        subsampling=how.subsampling,
        optimize=True,
    )
    return file.getvalue()


@functools.cache
def _tables(quality: int, flatness: float) -> list[list[int]]:
    scale = 50 / quality if quality < 50 else 2 - quality / 50
    tables = []
    for table in (_LIGHT, _COLOUR):
        steps = np.array(table, np.float64)
        # A flatter table of the same geometric mean.
        flat = np.exp(np.log(steps).mean() * (1 - flatness)) * steps**flatness
        tables.append(np.clip(np.rint(flat * scale), 1, 255).astype(int).tolist())
    return tables


def _chart_length(width: int, height: int, how: Encoding) -> int:
    chart = cv2.resize(_chart(), (width, height), interpolation=cv2.INTER_AREA)
    return len(_jpeg(np.asarray(chart, np.uint8), how))


@functools.cache
def _chart() -> npt.NDArray[np.uint8]:
    """Return the test chart: more detail than nearly any picture has."""
    size = 512
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)) + 1 / size
    rng = stream("test chart")
    planes = []
    for _ in range(3):
        noise = np.fft.rfft2(rng.standard_normal((size, size)))
        plane = np.fft.irfft2(noise / frequency**1.2, s=(size, size))
        planes.append(plane / plane.std())
    grey, a, b = planes
    chart = 128 + 52 * grey[..., None] + 10 * np.stack([a, 0 * a, b], axis=2)
    return np.asarray(np.clip(chart, 0, 255), np.uint8)
