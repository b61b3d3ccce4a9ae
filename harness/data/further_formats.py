"""HEIC and AVIF, in which phones and the web keep pictures: read where a library for them is there.

Which of the two a file is, is told from the brands in its first bytes. HEIC needs one of `HEIC`,
the extra ``heic``; AVIF comes with most builds of Pillow.
"""

from __future__ import annotations

import importlib
from functools import cache

from harness.errors.absent import how_to_install

__all__ = ["SUFFIXES", "advice", "format_of", "readable_suffixes", "reader_of"]

HEIC, AVIF = "HEIC", "AVIF"

SUFFIXES = {".heic": HEIC, ".heif": HEIC, ".hif": HEIC, ".avif": AVIF}
"""Formats by the endings of file names, in lower case."""

LIBRARIES = ("pi_heif", "pillow_heif")
"""Modules that teach Pillow to read HEIC; any one will do."""

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm"), HEIC),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1"), HEIC),
}
_ANY = (b"mif1", b"mif2", b"msf1")
"""Brands of the container, in which a picture may be coded in either way."""


def format_of(start: bytes) -> str | None:
    """Return `HEIC` or `AVIF` by the first bytes of a file; None for all others, videos too.

    >>> format_of(bytes.fromhex("0000001c") + b"ftypheic" + bytes(4) + b"mif1heic")
    'HEIC'
    """
    if start[4:8] != b"ftyp":
        return None
    brand = start[8:12]
    if brand in _ANY:
        end = min(int.from_bytes(start[:4], "big"), len(start))
        others = [start[place : place + 4] for place in range(16, end, 4)]
        if any(_BRANDS.get(other) == AVIF for other in others):
            return AVIF
    return _BRANDS.get(brand)


@cache
def reader_of(form: str) -> str | None:
    """Return the name under which Pillow reads a format, or None where it cannot.

    The answer is that of the first call: what is installed later is seen by the next process.

    Parameters
    ----------
    form
        `HEIC` or `AVIF`.
    """
    if form == AVIF:
        from PIL import features

        if not features.check("avif"):
            return None
        from PIL import AvifImagePlugin  # noqa: F401 - being imported, it is known to Pillow

        return AVIF
    for name in LIBRARIES:
        try:
            # Thumbnails, depth maps and later pictures of a file are not looked at.
            importlib.import_module(name).register_heif_opener(thumbnails=False, depth_images=False)
        except (ImportError, OSError):  # missing, or without a library of the system
            continue
        return "HEIF"
    return None


def readable_suffixes() -> frozenset[str]:
    """Return the endings of `SUFFIXES` whose formats are read here."""
    return frozenset(suffix for suffix, form in SUFFIXES.items() if reader_of(form) is not None)


def advice(form: str) -> str:
    """Return what to install for a format that is not read here; follows a colon."""
    how = how_to_install(LIBRARIES[:1]) if form == HEIC else "pip install 'pillow>=11.3'"
    return f"{how} reads it"
