"""Safe decoding: whatever raster file comes in, RGB pixels or a clear refusal come out.

What the harness does to a file before an algorithm sees it is part of what is measured, so it is
the same for every algorithm and is written down here:

* formats: JPEG (and MPO), PNG, BMP, GIF, TIFF, WebP and the PNM family; the first frame of several;
* an image of more than `MAX_PIXELS` by its header is refused before anything is decoded;
* a truncated or damaged file is refused, never half shown;
* the EXIF orientation is applied, so boxes are in the coordinates of the upright image;
* transparency is composited on white, in straight sRGB values;
* 16-bit gray keeps its scale (65535 is white); `gray_levels` says what happens to other depths;
* colour profiles are ignored: pixel values are taken as sRGB, and CMYK by Pillow's plain formula.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from harness.api import Image
from harness.data.formats import MAX_PIXELS, Box, UnreadableImage, brief, opened
from harness.data.records import Record

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "MAX_PIXELS",
    "Box",
    "LazyImages",
    "UnreadableImage",
    "decode",
    "decode_raw",
    "encode_thumbnail",
    "file_bytes",
    "gray_levels",
    "size_of",
]

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
    with opened(path) as image:
        try:
            image.load()
            pixels = _rgb(image)
            turned = _UPRIGHT.get(_orientation(image))
            if turned is not None:
                pixels = turned(pixels)
        except MemoryError:
            raise  # says something about this machine, not about the image
        except Exception as fault:  # damaged bytes make Pillow raise almost anything
            raise UnreadableImage(path, f"is damaged or truncated ({brief(fault)})") from fault
    if box is not None:
        pixels = _cropped(path, pixels, box)
    pixels = np.ascontiguousarray(pixels)
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
    with opened(path) as image:
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


def gray_levels(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Bring gray values of more than 8 bits to 8, without clipping.

    Parameters
    ----------
    values
        Any shape; integers or floating point.

    Returns
    -------
    numpy.ndarray
        uint8, same shape. Integers within 0..65535 are taken as 16-bit and floating point within
        0..1 as a share of white, both rounded to the nearest level; floating point within 0..255
        as 8-bit. Anything else has no nominal white, so its own range is stretched over 0..255.

    Raises
    ------
    ValueError
        If a value is not finite.

    Examples
    --------
    >>> gray_levels(np.array([0, 257, 32896, 65535], dtype=np.uint16)).tolist()
    [0, 1, 128, 255]
    >>> gray_levels(np.array([0.0, 0.5, 1.0], dtype=np.float32)).tolist()
    [0, 128, 255]
    """
    if values.dtype == np.bool_:
        return np.where(values, np.uint8(255), np.uint8(0))
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("gray values that are not finite")
    whole = values.dtype.kind in "iu"
    if whole and low >= 0 and high <= 65535:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if whole or low < 0 or high > 255:
        values, scale = values.astype(np.float64) - low, 255 / max(high - low, 1e-300)
    else:
        values, scale = values.astype(np.float64), 255.0 if high <= 1 else 1.0
    return np.floor(values * scale + 0.5).astype(np.uint8)


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


class LazyImages(Sequence[Image]):
    """Image files as a sequence of pictures, each decoded every time it is asked for.

    Parameters
    ----------
    paths
        Of the files.
    boxes
        Part of each to show, or None for the whole image; without it all are shown whole.

    Raises
    ------
    ValueError
        If there are not as many boxes as paths.
    """

    def __init__(self, paths: Iterable[Path], boxes: Iterable[Box | None] | None = None) -> None:
        self.paths = tuple(paths)
        self.boxes = (None,) * len(self.paths) if boxes is None else tuple(boxes)
        if len(self.boxes) != len(self.paths):
            raise ValueError(f"{len(self.paths)} paths but {len(self.boxes)} boxes")

    @classmethod
    def of(cls, records: Iterable[Record], *, crop: bool = False) -> LazyImages:
        """Return the pictures of records; with `crop`, only what lies in their boxes."""
        chosen = list(records)
        return cls([r.path for r in chosen], [r.box if crop else None for r in chosen])

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Image: ...
    @overload
    def __getitem__(self, index: slice) -> LazyImages: ...
    def __getitem__(self, index: int | slice) -> Image | LazyImages:
        if isinstance(index, slice):
            return LazyImages(self.paths[index], self.boxes[index])
        return decode(self.paths[index], box=self.boxes[index])


def size_of(path: Path) -> tuple[int, int] | None:
    """Return width and height of the upright image, from its header alone; None if unreadable."""
    try:
        with opened(path) as image:
            width, height = image.size
            return (height, width) if _orientation(image) > 4 else (width, height)
    except UnreadableImage:
        return None


def _orientation(image: PIL.Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; damaged EXIF counts as none, the pixels being sound."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # the reader of EXIF raises almost anything on damaged bytes
        return 1
    return value if isinstance(value, int) else 1


def _rgb(image: PIL.Image.Image) -> npt.NDArray[np.uint8]:
    """Return a loaded image as uint8 RGB, in the orientation it is stored in."""
    import PIL.Image

    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        gray = gray_levels(values)
        see_through = image.info.get("transparency")
        if isinstance(see_through, int):
            gray = np.where(values == see_through, np.uint8(255), gray)
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    if image.mode == "La":
        image = image.convert("LA")
    if "A" in image.mode.upper().replace("LAB", "") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = PIL.Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.asarray(image.convert("RGB"))


def _cropped(path: Path, pixels: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    if x1 >= x2 or y1 >= y2:
        shown = " ".join(map(str, box))
        raise UnreadableImage(
            path, f"has {width} x {height} pixels, of which the box {shown} shows nothing"
        )
    return pixels[y1:y2, x1:x2].copy()  # a view would keep the whole image in memory
