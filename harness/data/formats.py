"""Which files are images that the harness decodes, told from their first bytes.

Opening is where hostile files are stopped: only the formats named here are tried, and the size
that a header claims is judged before anything is decoded.
"""

from __future__ import annotations

import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeAlias

from harness.data.further_formats import SUFFIXES as FURTHER
from harness.data.further_formats import advice, format_of, readable_suffixes, reader_of
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "MAX_PIXELS",
    "MEGAPIXELS",
    "Box",
    "UnreadableImage",
    "brief",
    "ends_early",
    "header_fault",
    "is_picture",
    "most_pixels",
    "opened",
    "suffixes",
]

Box: TypeAlias = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels of the upright image; x2 and y2 exclusive."""

MAX_PIXELS = 64_000_000
"""Largest image decoded, width times height, unless `MEGAPIXELS` says otherwise."""

MEGAPIXELS = "HARNESS_MEGAPIXELS"
"""Variable of the environment with another limit, in millions of pixels: `most_pixels`."""

_MOST_MEGAPIXELS = 1000

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "PPM")
"""Pillow's names of the formats always read; MPO, of cameras with two lenses, comes with JPEG.

Vector, document and camera raw formats are left out: they are interpreters more than formats, and
one file can look different from one machine to the next.
"""

_SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".gif", ".tif"),
        *(".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    )
)

_KNOWN = "JPEG, PNG, BMP, GIF, TIFF, WebP, PNM"
_OPENING = threading.Lock()
_END, _SCAN, _TAIL = b"\xff\xd9", b"\xda", 4096
"""Markers of JPEG for the end and, behind its FF, for pixels; bytes in which the end mostly is."""


class UnreadableImage(HarnessError):
    """A file that is not an image the harness decodes; the message says which file and why.

    Parameters
    ----------
    path
        Of the file.
    reason
        Continues a sentence that starts with the path.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(path, reason)  # both, so that it survives pickling between processes

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


def suffixes() -> frozenset[str]:
    """Return the file name endings (lower case) taken for images where a folder is searched."""
    return _SUFFIXES | readable_suffixes()


def is_picture(name: str) -> bool:
    """Say whether a file is a picture by its ending, also where it could not be read here."""
    suffix = PurePath(name).suffix.lower()
    return suffix in _SUFFIXES or suffix in FURTHER


def most_pixels() -> int:
    """Return the pixels of the largest image that is decoded.

    Raises
    ------
    UsageError
        If the environment names a limit that is none.
    """
    text = os.environ.get(MEGAPIXELS)
    if text is None:
        return MAX_PIXELS
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number <= _MOST_MEGAPIXELS:
        raise UsageError(
            f"{MEGAPIXELS}={text!r}: expected millions of pixels, from 1 to {_MOST_MEGAPIXELS:,}"
        )
    return int(number * 10**6)


def header_fault(path: Path) -> str | None:
    """Return why a file cannot be an image the harness decodes, by its header only; None if it may.

    The answer continues a sentence that starts with the file's name. Reads a few hundred bytes.
    """
    try:
        with opened(path):
            return None
    except UnreadableImage as fault:
        return fault.reason


def opened(path: Path) -> PIL.Image.Image:
    """Open a file and read its header, nothing else; the caller closes it.

    Raises
    ------
    UnreadableImage
        If that already shows that it is not an image to be decoded.
    """
    import PIL.Image

    # What Pillow remarks about EXIF data is found by `harness.data.decoding`, in our own words.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")
    # Importing these few spares `open` from importing all of Pillow's fifty.
    from PIL import (  # noqa: F401
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        PpmImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    limit = most_pixels()
    try:
        # `open` on a pipe would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableImage(path, "is not a file")
        image = _open(path, FORMATS)
    except FileNotFoundError:
        raise UnreadableImage(path, "does not exist") from None
    except PIL.UnidentifiedImageError:
        image = _otherwise_opened(path)
    except (MemoryError, UnreadableImage):
        raise
    except Exception as fault:  # a damaged header makes Pillow raise almost anything
        raise UnreadableImage(path, f"cannot be opened ({brief(fault)})") from fault
    if image.width * image.height > limit:
        image.close()
        needed = -(-image.width * image.height // 10**6)
        more = (
            f"; --megapixels {needed} (or {MEGAPIXELS}={needed}) decodes it, in about "
            f"{max(1, needed // 80)} GB of memory"
            if needed <= _MOST_MEGAPIXELS
            else ""
        )
        raise UnreadableImage(
            path,
            f"has more than {limit / 10**6:g} megapixels and is not decoded ({image.width} x "
            f"{image.height} pixels){more}",
        )
    return image


def _open(path: Path, formats: tuple[str, ...]) -> PIL.Image.Image:
    import PIL.Image
    from PIL import PngImagePlugin

    # Profiles and texts of more than the megabyte that Pillow grants are those of sound pictures.
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
    # What Pillow does about large images is one for all threads, hence the lock; how large an
    # image may be is asked of every one of them after this.
    with _OPENING, _pillow_lets_pass():
        image = PIL.Image.open(path, formats=formats)
    # By its name Pillow maps a file into memory, and shows a TIFF that lies on its side scrambled.
    image.filename = ""
    return image


@contextmanager
def _pillow_lets_pass() -> Iterator[None]:
    import PIL.Image

    before = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = before


def ends_early(path: Path) -> bool:
    """Say whether a JPEG file never says that it ends, as where its rest is zeros.

    Its decoder takes zeros for a picture, and reports nothing.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        if _END in file.read():
            return False
        file.seek(0)
        content = file.read()
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != _SCAN:
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return _END not in content[place:]


def _otherwise_opened(path: Path) -> PIL.Image.Image:
    """Open a picture in a format that not every machine reads, or say what the file is."""
    with path.open("rb") as file:
        form = format_of(file.read(64))
    reader = None if form is None else reader_of(form)
    if reader is None:
        raise UnreadableImage(path, _what_else(path))
    try:
        return _open(path, (reader,))
    except MemoryError:
        raise
    except Exception as fault:  # as above
        raise UnreadableImage(path, f"is {form}, and its header is damaged") from fault


def _what_else(path: Path) -> str:
    """Say what a file is that is no image read here; people hand over all sorts of things."""
    with path.open("rb") as file:
        start = file.read(1024)
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "is empty"
    if lowered.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the image: run `git lfs pull`"
    if lowered.startswith((b"<svg", b"<?xml")) and b"<svg" in lowered:
        return f"is an SVG drawing, not a raster image ({_KNOWN})"
    form = format_of(start)
    if form is not None:
        return f"is {form}: {advice(form)}, or convert it to one of {_KNOWN}"
    if start[4:8] == b"ftyp":
        return f"is a video, not an image ({_KNOWN})"
    if start[:12] == b"\x00\x00\x00\x0cjP  \r\n\x87\n" or start[:4] == b"\xff\x4f\xff\x51":
        return f"is JPEG 2000: convert it to one of {_KNOWN}"
    if start.startswith((b"%PDF", b"%!PS")):
        return f"is a document, not a raster image ({_KNOWN})"
    if not set(start) & (set(range(32)) - set(b"\t\n\f\r\x1b")):
        return "is text, not an image"
    return f"is not an image in a format read here ({_KNOWN}), or its header is damaged"


def brief(fault: Exception) -> str:
    """Return the first line of what an exception says, or its type."""
    return (str(fault) or type(fault).__name__).splitlines()[0][:200]
