"""The images of a folder that may be annotated, and small safe copies of them to look at."""

from __future__ import annotations

import io
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.data.formats import Box, suffixes
from harness.data.further_formats import SUFFIXES as FURTHER
from harness.data.left_behind import is_left_behind
from harness.data.paths import BadNameError, Root
from harness.data.readers.folders import PICTURES, skipped_pictures
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.api import Image

__all__ = ["LONG_SIDE", "SIDES", "Pictures", "Shown", "found_in"]

LONG_SIDE = 1800
"""Of the copies a page shows, in pixels; boxes are in pixels of the image itself."""


SIDES = (112, 360, 960)
"""Longer sides of small copies: in a list, among others, and beside one another."""


@dataclass(frozen=True)
class Shown:
    """A JPEG copy of an image, and the width and height of the upright image itself."""

    jpeg: bytes
    width: int
    height: int


def found_in(folder: Path, *, without: Iterable[Path] = ()) -> tuple[list[str], list[str]]:
    """Return the images below a folder that a manifest can name, and why others cannot.

    Parameters
    ----------
    folder
        Hidden files and folders in it, and links out of it, are left out.
    without
        Files that are no images of their own, such as masks.

    Returns
    -------
    names : list of str
        Paths relative to the folder with ``/`` between folders, in order.
    notes : list of str
        One sentence for each image left out, and for each format that is not read here.

    Raises
    ------
    UsageError
        If it is not a folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    root, left_out = Root(folder), {path.as_posix() for path in without}
    names, notes = [], []
    skipped: Counter[str] = Counter()
    for name in _files(folder, skipped):
        if f"{folder.as_posix()}/{name}" in left_out:
            continue
        try:
            name.encode()
            root.file(name, carried=False)
        except UnicodeEncodeError:
            notes.append(f"{name!r} is left out: its name is not valid Unicode")
        except BadNameError as fault:
            notes.append(f"{name!r} is left out: it {fault}")
        else:
            if name == name.strip():
                names.append(name)
            else:
                notes.append(f"{name!r} is left out: a manifest ignores space around a name")
    unread = sorted((PICTURES | FURTHER.keys()) & skipped.keys())
    notes += [skipped_pictures(suffix, skipped[suffix]) for suffix in unread]
    return sorted(names, key=lambda name: PurePosixPath(name).parts), notes


class Pictures:
    """Images by number, so that no request can name a file.

    Parameters
    ----------
    paths
        Of the images, in the order of their numbers.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._turn = _Turn()
        self._whole = lru_cache(maxsize=12)(self._encode_whole)
        self._small = lru_cache(maxsize=2000)(self._encode_part)
        self._large = lru_cache(maxsize=60)(self._encode_part)

    def __len__(self) -> int:
        return len(self._paths)

    def whole(self, number: int) -> Shown:
        """Return a copy of an image, its longer side at most `LONG_SIDE`.

        Raises
        ------
        UnreadableImage
            If the file is missing, damaged, no image or too large.
        """
        with self._turn.taken(first=True):
            return self._whole(number)

    def part(self, number: int, box: Box | None, side: int) -> bytes:
        """Return a small JPEG of what lies in a box, or of the whole image, at one of `SIDES`.

        Raises
        ------
        UnreadableImage
            As `whole`, or if the box shows nothing of the image.
        """
        with self._turn.taken(first=False):
            return (self._large if side == SIDES[-1] else self._small)(number, box, side)

    def _encode_whole(self, number: int) -> Shown:
        from harness.data.images import decode

        image = decode(self._paths[number])
        return Shown(_jpeg(image, LONG_SIDE), image.shape[1], image.shape[0])

    def _encode_part(self, number: int, box: Box | None, side: int) -> bytes:
        from harness.data.images import decode, encode_thumbnail

        return encode_thumbnail(decode(self._paths[number], box=box), side)


class _Turn:
    """Lets one picture be decoded at a time, and the one that a person waits for before others.

    A picture of 64 megapixels takes a gigabyte while it is decoded.
    """

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._busy, self._urgent = False, 0

    @contextmanager
    def taken(self, first: bool) -> Iterator[None]:
        """Wait, and let nobody else in until the end."""
        with self._free:
            self._urgent += first
            self._free.wait_for(lambda: not self._busy and (first or not self._urgent))
            self._urgent -= first
            self._busy = True
        try:
            yield
        finally:
            with self._free:
                self._busy = False
                self._free.notify_all()


def _jpeg(image: Image, side: int) -> bytes:
    import PIL.Image

    copy = PIL.Image.fromarray(image)
    copy.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=90)
    return out.getvalue()


def _files(folder: Path, skipped: Counter[str]) -> Iterator[str]:
    """Yield what may be images by their endings, by their path from the folder; count others'."""
    endings = suffixes()
    for place, inner, files in os.walk(folder):
        inner[:] = [n for n in inner if not (n.startswith(".") or is_left_behind(n))]
        here = Path(place).relative_to(folder).as_posix()
        start = "" if here == "." else f"{here}/"
        for name in files:
            if name.startswith("."):
                continue
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - of 20,000
            if suffix in endings:
                yield start + name
            else:
                skipped[suffix] += 1
