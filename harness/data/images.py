"""Safe decoding: whatever raster file comes in, RGB pixels or a clear refusal come out.

What the harness does to a file before an algorithm sees it is part of what is measured, so it is
the same for every algorithm and is written down here:

* formats: JPEG (and MPO), PNG, BMP, GIF, TIFF, WebP and the PNM family, and those of
  `harness.data.further_formats` where a library for them is there; the first frame of several;
* an image of more than `most_pixels` by its header is refused before anything is decoded;
* a truncated or damaged file is refused, never half shown;
* the EXIF orientation is applied, so boxes are in the coordinates of the upright image;
* transparency is composited on white, in straight sRGB values;
* 16-bit gray keeps its scale (65535 is white), as floating point within 0..1 does (1 is white),
  both rounded to the nearest level; within 0..255 it is 8-bit; anything else has no nominal white,
  so that its own range is stretched over 0..255;
* colour profiles are ignored: pixel values are taken as sRGB, and CMYK by Pillow's plain formula.

Large images of many megapixels fit into memory: only so many are decoded at a time as `AT_ONCE`
allows, and pixels are converted a few rows at a time, so that an image takes little more than its
pixels as the library decodes them (4 bytes each, or more where the format needs it) and the result.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from harness.api import Image
from harness.data.formats import (
    MAX_PIXELS,
    Box,
    UnreadableImage,
    brief,
    ends_early,
    opened,
)

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "MAX_PIXELS",
    "Box",
    "UnreadableImage",
    "decode",
    "decode_raw",
    "encode_thumbnail",
    "file_bytes",
    "lies_on_its_side",
    "orientation_is_lost",
    "room_for",
    "size_of",
]

AT_ONCE = 2 * MAX_PIXELS
"""Pixels of all images that are decoded at a time, by however many threads; one alone may have
more."""

_BAND = 1 << 20
"""Pixels that are converted at a time."""

# EXIF orientation -> what makes the stored pixels upright.
_UPRIGHT: dict[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def decode(path: Path, *, box: Box | None = None) -> Image:
    """Return the pixels of an image file.

    Parameters
    ----------
    path
        Of a regular file.
    box
        Part to return, in pixels of the upright image; what leaves the image is cut off.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), RGB, C-contiguous, read-only.

    Raises
    ------
    UnreadableImage
        If the file is missing, not an image, too large, damaged, or the box shows nothing of it.
    """
    from PIL import ImageFile

    # A library that an algorithm imports may have made Pillow fill truncated files with gray.
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    with opened(path) as image, room_for(image):
        try:
            image.load()
            pixels = _upright(image)
        except MemoryError:
            raise  # says something about this machine, not about the image
        except Exception as fault:  # damaged bytes make Pillow raise almost anything
            raise UnreadableImage(path, f"is damaged or truncated ({brief(fault)})") from fault
        if image.format in ("JPEG", "MPO") and ends_early(path):
            raise UnreadableImage(path, "is damaged or truncated (it has no end of image)")
    if box is not None:
        pixels = _cropped(path, pixels, box)
    pixels.setflags(write=False)
    return pixels


def decode_raw(
    path: Path,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8] | None, npt.NDArray[np.uint8] | None]:
    """Return the values of an image file as they are stored, upright.

    For files whose values mean something else than light, such as masks.

    Returns
    -------
    values : numpy.ndarray
        Shape (height, width) or (height, width, 3), of the file's own depth.
    alpha : numpy.ndarray or None
        uint8, shape (height, width).
    palette : numpy.ndarray or None
        uint8, shape (colours, 3), where `values` are places in it.

    Raises
    ------
    UnreadableImage
        As `decode`.
    """
    from PIL import ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with opened(path) as image, room_for(image):
        try:
            image.load()
            turned = _UPRIGHT.get(_orientation(image), np.asarray)
            alpha = palette = None
            if "transparency" in image.info and image.mode in ("1", "L", "RGB"):
                image = image.convert("RGBA" if image.mode == "RGB" else "LA")
            if image.mode in ("RGBA", "LA", "PA"):
                alpha = turned(np.asarray(image.getchannel("A")))
                image = image.convert("L" if image.mode == "LA" else "RGB")
            elif image.mode == "P":
                colours = np.array(image.getpalette() or [], dtype=np.uint8).reshape(-1, 3)
                palette = np.zeros((256, 3), np.uint8)
                palette[: len(colours)] = colours[:256]
            elif image.mode not in ("1", "L", "RGB", "F") and not image.mode.startswith("I"):
                image = image.convert("RGB")
            return turned(np.asarray(image)), alpha, palette
        except MemoryError:
            raise
        except Exception as fault:  # damaged bytes make Pillow raise almost anything
            raise UnreadableImage(path, f"is damaged or truncated ({brief(fault)})") from fault


def file_bytes(path: Path) -> npt.NDArray[np.uint8]:
    """Return the bytes of an image file: uint8, shape (bytes,), read-only.

    Raises
    ------
    UnreadableImage
        If the file is missing, not an image or too large, as for `decode`; it is not decoded.
    """
    with opened(path):
        return np.frombuffer(path.read_bytes(), dtype=np.uint8)


def _ends(values: npt.NDArray[Any]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _levels_between(
    low: float, high: float, kind: np.dtype[Any]
) -> Callable[[npt.NDArray[Any]], npt.NDArray[np.uint8]]:
    """Return what brings gray values of a kind that lie between two to 8 bits, without clipping."""
    if kind == np.bool_:
        return lambda values: np.where(values, np.uint8(255), np.uint8(0))
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("gray values that are not finite")
    whole = kind.kind in "iu"
    if whole and low >= 0 and high <= 65535:
        return lambda values: ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    stretched = whole or low < 0 or high > 255
    start = low if stretched else 0.0
    scale = 255 / max(high - low, 1e-300) if stretched else 255.0 if high <= 1 else 1.0

    def levels(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        return np.floor((values.astype(np.float64) - start) * scale + 0.5).astype(np.uint8)

    return levels


def encode_thumbnail(image: Image, side: int) -> bytes:
    """Return a small JPEG for a report: the whole image, its longer side at most `side` pixels.

    Parameters
    ----------
    image
        uint8, shape (height, width, 3), RGB.
    side
        In pixels; smaller images are not enlarged.
    """
    import PIL.Image

    small = PIL.Image.fromarray(np.ascontiguousarray(image))
    small.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()


def size_of(path: Path) -> tuple[int, int] | None:
    """Return width and height of the upright image, from its header if it can; None if unreadable.

    Pillow turns a TIFF itself, so whether its size is that of the turned one shows in decoding.
    """
    try:
        with opened(path) as image:
            on_its_side = _orientation(image) > 4
            if on_its_side and image.format == "TIFF":
                height, width = decode(path).shape[:2]
                return width, height
            width, height = image.size
            return (height, width) if on_its_side else (width, height)
    except UnreadableImage:
        return None


def lies_on_its_side(path: Path) -> bool:
    """Return whether an image is stored with its sides exchanged, as its EXIF orientation says."""
    try:
        with opened(path) as image:
            return _orientation(image) > 4
    except UnreadableImage:
        return False


def _orientation(image: PIL.Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; damaged EXIF counts as none, the pixels being sound."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # the reader of EXIF raises almost anything on damaged bytes
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def orientation_is_lost(path: Path) -> bool:
    """Say whether a picture has EXIF data that do not tell how it lies, where they should.

    Raises
    ------
    UnreadableImage
        If its header cannot be read.
    """
    with opened(path) as image:
        stored = image.info.get("exif")
        if isinstance(stored, bytes) and not _is_whole_exif(stored.removeprefix(b"Exif\0\0")):
            return True
        try:
            value = image.getexif().get(0x0112, 1)
        except Exception:  # as above
            return True
    return value != 0 and not (isinstance(value, int) and 1 <= value <= 8)


def _is_whole_exif(data: bytes) -> bool:
    """Say whether the first directory of EXIF data lies within them."""
    order: Literal["big", "little"] = "big" if data[:2] == b"MM" else "little"
    start = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[start : start + 2], order)
    return data[:2] in (b"MM", b"II") and start >= 8 and start + 2 + 12 * count <= len(data)


class _Room:
    """Lets threads decode at a time what has no more than so many pixels together."""

    def __init__(self, pixels: int) -> None:
        self._all, self._taken = pixels, 0
        self._turn = threading.Lock()  # who waits keeps it, so that a large image gets its turn
        self._left = threading.Condition()

    def take(self, pixels: int) -> None:
        with self._turn, self._left:
            self._left.wait_for(lambda: not self._taken or self._taken + pixels <= self._all)
            self._taken += pixels

    def leave(self, pixels: int) -> None:
        with self._left:
            self._taken -= pixels
            self._left.notify_all()


_ROOM = _Room(AT_ONCE)


@contextmanager
def room_for(image: PIL.Image.Image) -> Iterator[None]:
    """Wait until an image may be decoded beside those that other threads decode.

    Parameters
    ----------
    image
        As `opened` returned it.
    """
    pixels = image.width * image.height
    _ROOM.take(pixels)
    try:
        yield
    finally:
        _ROOM.leave(pixels)


def _upright(image: PIL.Image.Image) -> npt.NDArray[np.uint8]:
    """Return a loaded image as uint8 RGB, upright, C-contiguous."""
    orientation = _orientation(image)
    width, height = image.size
    pixels = np.empty((width, height, 3) if orientation > 4 else (height, width, 3), np.uint8)
    # Six and eight undo each other; the others undo themselves.
    back = _UPRIGHT.get({6: 8, 8: 6}.get(orientation, orientation))
    stored = pixels if back is None else back(pixels)
    rows = max(1, _BAND // width)

    def bands() -> Iterator[tuple[int, PIL.Image.Image]]:
        for top in range(0, height, rows):
            yield top, image.crop((0, top, width, min(top + rows, height)))

    if image.mode == "F" or image.mode.startswith("I"):
        ends = np.array([_ends(np.asarray(band)) for _, band in bands()])
        # NumPy's ends, among which what is not a number stays so.
        low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
        levels = _levels_between(low, high, np.asarray(image.crop((0, 0, 1, 1))).dtype)
        see_through = image.info.get("transparency")
        for top, band in bands():
            values = np.asarray(band)
            gray = levels(values)
            if isinstance(see_through, int):
                gray = np.where(values == see_through, np.uint8(255), gray)
            stored[top : top + rows] = gray[:, :, np.newaxis]
    else:
        for top, band in bands():
            stored[top : top + rows] = _rgb(band)
    return pixels


def _rgb(image: PIL.Image.Image) -> npt.NDArray[np.uint8]:
    """Return a loaded image that is no gray of many levels as uint8 RGB, as it is stored."""
    import PIL.Image

    if image.mode == "La":
        image = image.convert("LA")
    if "A" in image.mode.upper().replace("LAB", "") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = PIL.Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _cropped(path: Path, pixels: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    if x1 >= x2 or y1 >= y2:
        shown = " ".join(map(str, box))
        raise UnreadableImage(
            path, f"has {width} x {height} pixels, of which the box {shown} shows nothing"
        )
    return pixels[y1:y2, x1:x2].copy()  # a view would keep the whole image in memory
