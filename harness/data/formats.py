"""Which files are images that the harness decodes, told from their first bytes.

Opening is where hostile files are stopped: only the formats named here are tried, and the size
that a header claims is judged before anything is decoded.
"""

from __future__ import annotations

import stat
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import HarnessError

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["MAX_PIXELS", "SUFFIXES", "Box", "UnreadableImage", "brief", "header_fault", "opened"]

Box: TypeAlias = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels of the upright image; x2 and y2 exclusive."""

MAX_PIXELS = 64_000_000
"""Largest image decoded, width times height; Pillow's own limit is almost three times that."""

FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "PPM")
"""Pillow's names of the formats read; MPO, of cameras with two lenses, comes with JPEG.

Vector, document and camera raw formats are left out: they are interpreters more than formats, and
one file can look different from one machine to the next.
"""

SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".gif", ".tif"),
        *(".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    )
)
"""File name endings (lower case) taken for images where a folder is searched for them."""

_KNOWN = "JPEG, PNG, BMP, GIF, TIFF, WebP, PNM"
_OPENING = threading.Lock()


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

    too_large = f"has more than {MAX_PIXELS // 10**6} megapixels and is not decoded"
    try:
        # `open` on a pipe would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableImage(path, "is not a file")
        # The warning filter is one for all threads, hence the lock.
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            image = PIL.Image.open(path, formats=FORMATS)
    except FileNotFoundError:
        raise UnreadableImage(path, "does not exist") from None
    except (PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError):
        raise UnreadableImage(path, too_large) from None
    except PIL.UnidentifiedImageError:
        raise UnreadableImage(path, _what_else(path)) from None
    except (MemoryError, UnreadableImage):
        raise
    except Exception as fault:  # a damaged header makes Pillow raise almost anything
        raise UnreadableImage(path, f"cannot be opened ({brief(fault)})") from fault
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise UnreadableImage(path, f"{too_large} ({image.width} x {image.height} pixels)")
    return image


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
    if start[4:8] == b"ftyp":
        return f"is HEIC, AVIF or a video: convert it to one of {_KNOWN}"
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
