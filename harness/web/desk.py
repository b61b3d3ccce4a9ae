"""The annotation of a folder: its images, its manifest, and what its pages ask and change.

Images are asked for by number, never by name, and the numbers hold until the folder is read anew.
Several pages may be open, of one person or of more: a change is taken where nobody else has changed
the same images since, and an answer brings what others have changed.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from harness.data.formats import Box, UnreadableImage
from harness.data.readers.layouts import described_by
from harness.data.readers.manifest import WORDS
from harness.errors import DataError, UsageError
from harness.plugins.places import bundled
from harness.synthesis.vocabulary import STYLES
from harness.web.loopback import Answer, LoopbackServer, Refused, Request, text_answer
from harness.web.pictures import SIDES, Pictures, found_in
from harness.web.table import BadChange, ChangedElsewhere, Mark, Table, discard_parts

__all__ = ["AnnotationServer", "Change"]

MANIFEST = "manifest.csv"

PAGES = {
    "": ("annotate.html", "text/html; charset=utf-8"),
    "annotate.js": ("annotate.js", "text/javascript; charset=utf-8"),
    "annotate.css": ("annotate.css", "text/css; charset=utf-8"),
    "style.css": ("style.css", "text/css; charset=utf-8"),
}
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}
_LABELS = {
    "tattoo": ("Tattoo", "the same name: the same tattoo on the same person"),
    "style": ("Style", ""),
    "tags": ("Tags", "motifs, with commas or spaces between"),
    "subject": ("Person", ""),
    "group": ("Look-alikes", "the same name: alike, on whomever"),
    "media": ("Medium", ""),
    "role": ("Role", ""),
    "skin": ("Skin tone", "any word, such as fitzpatrick-4"),
    "site": ("Place on the body", "any word, such as forearm"),
    "taken": ("Date", "of the capture: 2024-05-17, 2024-05 or 2024"),
    "quality": ("Quality", "for comparing: a number from 0 to 1; higher is better"),
    "source": ("Capture", "the same name: the same photograph"),
    "fold": ("Fold", "in which it is judged"),
    "use_case": ("Use case", ""),
    "query": ("Text search", "that the image is a result of"),
    "text_score": ("Score of the text search", "a number; higher is better"),
}
"""What a page calls columns, in its order; a column that is not here is called by its name."""

_IN_SIGHT = ("tattoo", "style", "tags", "subject", "group")
_RARE = ("quality", "fold", "use_case", "query", "text_score")
"""Columns that a page offers only where the manifest has them."""


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What a page asks to be written.

    Parameters
    ----------
    load
        Which reading of the folder its numbers are of.
    revision
        Up to which change it knows the manifest.
    images
        Marks by the number of their image.
    """

    load: int
    revision: int
    images: dict[int, list[Mark]]


class _Conflict(Exception):
    """A change of images that somebody else has changed meanwhile; nothing was written."""

    def __init__(self, reason: str, images: Iterable[int] = ()) -> None:
        self.reason, self.images = reason, tuple(images)
        super().__init__(reason)


class AnnotationServer(LoopbackServer):
    """The images of a folder, its manifest, and the pages that bring them together.

    Parameters
    ----------
    folder
        With the images; the manifest is ``manifest.csv`` in it.
    port
        Of 127.0.0.1; 0 takes a free one.

    Raises
    ------
    UsageError
        If there is no image, or the port is taken.
    DataError
        If the manifest is not sound.
    """

    table: Table
    images: list[str]
    notes: list[str]
    pictures: Pictures

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder.absolute()
        self.load, self.revision = 0, 0
        self._changing = threading.Lock()
        self._changed: dict[int, int] = {}
        other = described_by(self.folder)
        if other is not None and other.name != MANIFEST:
            raise UsageError(
                f"{self.folder} is described by {other.name}, which is not written to: save it as "
                f"{MANIFEST} ('CSV UTF-8') first"
            )
        discard_parts(self.folder)
        self._read()
        if not self.images:
            raise UsageError(
                f"there is no image in {self.folder}" + "".join(f"\n  {n}" for n in self.notes)
            )
        super().__init__(self._answer, port, token=secrets.token_urlsafe(24), takes_changes=True)

    def _read(self) -> None:
        """Read the folder and its manifest."""
        kept = self.load > 0 and self.table.looks_untouched()
        table = self.table if kept else Table(self.folder / MANIFEST)
        found, notes = found_in(self.folder, without=table.companions)
        known = set(found)
        images = [*found, *(image for image in table.images if image not in known)]
        self.notes = [*table.notes, *notes]
        if kept and images == self.images:
            return
        self.table, self.images = table, images
        self.pictures = Pictures(self.folder / image for image in images)
        self.load += 1
        self.revision += 1
        self._changed = {}

    def state(self) -> dict[str, Any]:
        """Return everything a page starts from."""
        with self._changing:
            self._read()
            return {
                "folder": self.folder.name,
                "manifest": self.table.path.name,
                "load": self.load,
                "revision": self.revision,
                "notes": self.notes,
                "fields": _fields(self.table),
                "images": [
                    {"file": image, "marks": self.table.marks(image)} for image in self.images
                ],
            }

    def news(self, load: int, revision: int) -> dict[str, Any]:
        """Return what has changed since a page last knew the manifest."""
        with self._changing:
            self._check(load)
            if not self.table.looks_untouched():
                raise _Conflict(
                    f"{self.table.path.name} was changed by another program; load the page again "
                    "to work on what it says now"
                )
            return {"revision": self.revision, "images": self._since(revision)}

    def change(self, change: Change) -> dict[str, Any]:
        """Write a change; its answer names new lines, and brings what others have changed."""
        with self._changing:
            self._check(change.load)
            if not all(0 <= number < len(self.images) for number in change.images):
                raise BadChange("there is no image of that number; load the page again")
            others = [n for n in change.images if self._changed.get(n, 0) > change.revision]
            if others:
                raise _Conflict(
                    f"{self.images[others[0]]!r} was changed on another page meanwhile", others
                )
            names = self.table.change({self.images[n]: some for n, some in change.images.items()})
            since = self._since(change.revision)
            self.revision += 1
            self._changed.update(dict.fromkeys(change.images, self.revision))
            for number, sent in change.images.items():
                kept = self.table.marks(self.images[number])
                if len(kept) != len(sent):  # what is known of a picture without its boxes
                    since[number] = kept
            return {"revision": self.revision, "names": names, "images": since}

    def _check(self, load: int) -> None:
        if load != self.load:
            raise _Conflict("the folder was read anew; load this page again")

    def _since(self, revision: int) -> dict[int, list[Mark]]:
        return {
            number: self.table.marks(self.images[number])
            for number, changed in self._changed.items()
            if changed > revision
        }

    def _answer(self, request: Request) -> Answer:
        try:
            return self._answered(request)
        except _Conflict as reason:
            content = msgspec.json.encode({"reason": reason.reason, "images": reason.images})
            return Answer(content, "application/json", POLICY, HTTPStatus.CONFLICT)
        except ChangedElsewhere as reason:
            content = msgspec.json.encode({"reason": str(reason), "images": ()})
            return Answer(content, "application/json", POLICY, HTTPStatus.CONFLICT)
        except UnreadableImage as reason:
            return text_answer(HTTPStatus.UNPROCESSABLE_ENTITY, reason.reason)
        except (BadChange, DataError, UsageError) as reason:
            return text_answer(HTTPStatus.UNPROCESSABLE_ENTITY, str(reason))
        except MemoryError:
            return text_answer(
                HTTPStatus.SERVICE_UNAVAILABLE, "this machine has too little memory for that"
            )
        except OSError as reason:
            return text_answer(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the folder cannot be read or written: {reason.strerror or reason}",
            )

    def _answered(self, request: Request) -> Answer:
        if request.body is not None:
            if request.path != "change":
                raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")
            try:
                asked = msgspec.json.decode(request.body, type=Change)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
                raise BadChange(f"the change is not one: {fault}") from None
            return _json(self.change(asked))
        if request.path in PAGES:
            file, kind = PAGES[request.path]
            return Answer((bundled("reports") / file).read_bytes(), kind, POLICY)
        if request.path == "state":
            return _json(self.state())
        try:
            query = parse_qs(request.query, max_num_fields=8)
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "that is no question") from None
        if request.path == "news":
            return _json(self.news(_number(query, "v", -1), _number(query, "since", 0)))
        return self._picture(request.path, query)

    def _picture(self, path: str, query: dict[str, list[str]]) -> Answer:
        found = re.fullmatch(r"(image|part)/([0-9]{1,9})", path)
        with self._changing:
            pictures = self.pictures
            if found is None or int(found[2]) >= len(pictures):
                raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")
            self._check(_number(query, "v", self.load))
        kept = {**POLICY, "Cache-Control": "private, max-age=3600"}
        if found[1] == "part":
            side = _number(query, "side", SIDES[0])
            if side not in SIDES:
                raise BadChange(f"pictures are {', '.join(map(str, SIDES))} pixels large")
            part = pictures.part(int(found[2]), _asked_box(query), side)
            return Answer(part, "image/jpeg", kept)
        shown = pictures.whole(int(found[2]))
        size = {"X-Image-Width": str(shown.width), "X-Image-Height": str(shown.height)}
        return Answer(shown.jpeg, "image/jpeg", {**kept, **size})


def _json(value: Any) -> Answer:
    return Answer(msgspec.json.encode(value), "application/json", POLICY)


def _fields(table: Table) -> list[dict[str, Any]]:
    """Return what a page has to know of the columns that a person fills in, in its order."""
    columns = [
        column
        for column in table.columns
        if column != "label" and (column not in _RARE or table.has(column))
    ]
    ordered = [c for c in _LABELS if c in columns] + [c for c in columns if c not in _LABELS]
    fields = []
    for column in ordered:
        label, hint = _LABELS.get(column, (column.removeprefix("x_").replace("_", " "), ""))
        fields.append(
            {
                "name": column,
                "label": label,
                "hint": hint,
                "words": WORDS.get(column, ()),
                "known": list(STYLES) if column == "style" else (),
                "in_sight": column in _IN_SIGHT,
            }
        )
    return fields


def _number(query: dict[str, list[str]], name: str, default: int) -> int:
    text = query.get(name, [""])[0]
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else default


def _asked_box(query: dict[str, list[str]]) -> Box | None:
    text = query.get("box", [""])[0]
    if not re.fullmatch(r"(-?[0-9]{1,9},){3}-?[0-9]{1,9}", text):
        return None
    x1, y1, x2, y2 = map(int, text.split(","))
    return x1, y1, x2, y2
