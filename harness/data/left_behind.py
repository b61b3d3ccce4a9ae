"""Folders that devices and programs leave beside photographs: copies and previews."""

from __future__ import annotations

import re

__all__ = ["is_left_behind"]

_NAMES = frozenset(
    (
        # network storage: Synology, QNAP, and snapshots of both
        *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "@sharesnap", "@sharebin"),
        *("#recycle", "#snapshot", "@__thumb", "@syno", "@database", "@upload_cache"),
        *("@transcode", "network trash folder", "temporary items"),
        # Windows, macOS, Linux
        *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000"),
        *("__macosx", "lost+found", "__pycache__"),
        # cameras and phones: an index of the card, no pictures of their own
        *("thumbdata", "misc_thumb"),
    )
)

_PREVIEWS = re.compile(
    r"[_@~]*(thumb|thumbs|thumbnail|thumbnails|preview|previews|thumb_?cache|image_?cache)[_@~]*"
    r"|.*\.(lrdata|lrcat-data|photoslibrary|photolibrary|aplibrary|cocatalogdb)"
)


def is_left_behind(folder: str) -> bool:
    """Say whether a folder, by its name, holds what nobody put there as a picture of the set.

    >>> [is_left_behind(name) for name in ("@eaDir", "_Thumbs", "Catalog Previews.lrdata", "t01")]
    [True, True, True, False]
    """
    name = folder.casefold()
    return name in _NAMES or _PREVIEWS.fullmatch(name) is not None
