"""Folders that devices and programs make: copies and previews, and where new pictures go."""

from __future__ import annotations

import re

__all__ = ["is_device_s", "is_left_behind"]

_NAMES = frozenset(
    (
        # network storage: Synology, QNAP, and snapshots of both
        *("@eadir", "@recycle", "@recently-snapshot", "@tmp", "@sharesnap", "@sharebin"),
        *("#recycle", "#snapshot", "@__thumb", "@syno", "@database", "@upload_cache"),
        *("@transcode", "network trash folder", "temporary items", "#snapshots", "~snapshot"),
        *("@app", "@appdata", "@sharesync", "@synologydrive", "@synothumb", "@syno_thumb"),
        # Windows, macOS, Linux
        *("$recycle.bin", "recycler", "recycled", "system volume information"),
        *("windowsimagebackup", "papierkorb", "$windows.~bt", "__macosx", "lost+found"),
        *("__pycache__", "icloud photos cache", "lost.dir", "cache", "caches", "tmp", "temp"),
        # bins, in the languages of those who fill them
        *("trash", "trashed", "recycle bin", "recycle", "recyclebin", "deleted", "deleted items"),
        *("recently deleted", "deleted files", "gelöscht", "zuletzt gelöscht", "corbeille"),
        *("papelera", "papelera de reciclaje", "cestino", "lixeira", "reciclagem", "prullenbak"),
        *("papperskorg", "papirkurv", "roskakori", "kosz", "корзина", "ゴミ箱", "ごみ箱", "回收站"),
        # cameras and phones: an index of the card, no pictures of their own
        *("thumbdata", "misc_thumb", "miscthumb", "avf_info", "canonmsc", "nikonmsc"),
        # programs that sort photographs
        *("picasaoriginals", "lightroom settings", "captureone", "rawpreviews", "faststone"),
        *("xnviewthumbs", "smart previews", "smartpreviews", "albumart", "album art"),
    )
)

_PREVIEWS = re.compile(
    r"[_@~#.]*(small|large|image|photo|video|lightroom|smart|standard|xnview|picasa|acdsee|raw)?"
    r"[ _-]?(thumbs?|thumbnails?|previews?|(thumbs?|thumbnails?|web|image)[ _-]?cache"
    r"|vorschau|vorschaubilder|miniaturen|miniaturbilder|miniatures?|vignettes|miniaturas?"
    r"|anteprime|miniaturer|contact[ _-]?sheets?|kontaktabz(u|ü)ge?|thumbs\.db[ _-]?files)"
    r"([ _-]?(\d{1,4}(x\d{1,4})?|new|files|small|large|[a-z]))?[_@~]*"
    r"|.*\.(lrdata|lrcat-data|photoslibrary|photolibrary|aplibrary|cocatalogdb|migratedphotolibrary)"
    r"|found\.\d{3}"
)

_WHERE_NEW_ONES_GO = re.compile(
    r"camera( roll)?|camera uploads|kamera(-uploads)?|eigene aufnahmen|screenshots?"
    r"|bildschirmfotos|pictures|my pictures|photos|images|bilder|fotos|downloads?|whatsapp images"
    r"|telegram images|telegram|messenger|signal|instagram|recents|favou?rites"
    r"|new folder( ?\(\d+\))?|neuer ordner( ?\(\d+\))?|nouveau dossier( ?\(\d+\))?"
    r"|nueva carpeta( ?\(\d+\))?|nuova cartella( ?\(\d+\))?|untitled folder( \d+)?"
)
_CARD = re.compile(r"DCIM|[1-9]\d{2}(?=.*[A-Z].*[A-Z])[A-Z_0-9]{5}|20\d{4}_[_a-z]", re.ASCII)
"""Folders of memory cards and phones: three digits and five characters (DCF, ``100APPLE``)."""


def is_left_behind(folder: str) -> bool:
    """Say whether a folder, by its name, holds what nobody put there as a picture of the set.

    >>> [is_left_behind(name) for name in ("@eaDir", "_Thumbs", "Catalog Previews.lrdata", "t01")]
    [True, True, True, False]
    """
    name = folder.casefold()
    return name in _NAMES or _PREVIEWS.fullmatch(name) is not None


def is_device_s(folder: str) -> bool:
    """Say whether a folder is one in which a device or program puts pictures of all sorts.

    Parameters
    ----------
    folder
        Its path from the root of the set.

    Examples
    --------
    >>> [is_device_s(name) for name in ("DCIM/101_PANA", "Camera Roll", "anna/photos", "0012ANNA")]
    [True, True, False, False]
    """
    parts = folder.split("/")
    on_card = [_CARD.fullmatch(part) is not None for part in parts]
    return on_card[-1] or all(
        card or _WHERE_NEW_ONES_GO.fullmatch(part.casefold()) is not None
        for card, part in zip(on_card, parts, strict=True)
    )
