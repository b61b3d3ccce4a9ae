"""A page on this machine alone: who may ask, what is answered, and how a change gets to the table.

A web page of a stranger that the same browser has open can send requests to this machine. So the
address holds a random token, which such a page does not know; the `Host` must name this machine,
so that no stranger's name can be pointed at it (DNS rebinding); and a change must come from a page
of this very address. Images are asked for by number, never by name.
"""

from __future__ import annotations

import re
import secrets
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from harness.annotation.pictures import Pictures, found_in
from harness.annotation.table import BadChange, ChangedElsewhere, Mark, Table
from harness.data.formats import Box, UnreadableImage
from harness.errors import UsageError
from harness.places import bundled

__all__ = ["Desk", "open_desk"]

LARGEST_CHANGE = 4 << 20
"""Bytes of a request."""

PAGES = {
    "": ("annotate.html", "text/html; charset=utf-8"),
    "annotate.js": ("annotate.js", "text/javascript; charset=utf-8"),
    "annotate.css": ("annotate.css", "text/css; charset=utf-8"),
    "style.css": ("style.css", "text/css; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What a page asks to be written: marks by the number of their image."""

    revision: int
    images: dict[int, list[Mark]]


class Desk(ThreadingHTTPServer):
    """The images of a folder, its manifest, and the page that brings them together.

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

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        folder = folder.absolute()
        self.token = secrets.token_urlsafe(24)
        self.folder = folder
        self.changing = threading.Lock()
        self.table = Table(folder / "manifest.csv")
        self.load()
        if not self.images:
            raise UsageError(
                f"there is no image in {folder}" + "".join(f"\n  {n}" for n in self.notes)
            )
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as fault:
            raise UsageError(
                f"port {port} cannot be used: {fault.strerror}; leave out --port for a free one"
            ) from None

    def load(self) -> None:
        """Read the folder and its manifest."""
        table = Table(self.table.path)
        table.revision = self.table.revision + 1  # pages that know older states write no more
        found, self.notes = found_in(self.folder, without=table.companions)
        named = [image for image in table.images if image not in set(found)]
        self.table, self.images = table, [*found, *named]
        self.pictures = Pictures(self.folder / image for image in self.images)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up; print what else went wrong."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """What to open in a browser; whoever knows it may write the manifest."""
        return f"http://127.0.0.1:{self.server_address[1]}/{self.token}/"

    def state(self) -> dict[str, Any]:
        """Return everything a page starts from."""
        from harness.synthesis.styles import STYLES  # only now: drawing libraries start slowly

        return {
            "folder": self.folder.name,
            "styles": list(STYLES),
            "manifest": self.table.path.name,
            "revision": self.table.revision,
            "notes": self.notes,
            "images": [{"file": image, "marks": self.table.marks(image)} for image in self.images],
        }

    def change(self, asked: Change) -> dict[str, Any]:
        """Write a change; its answer names new lines."""
        with self.changing:
            if asked.revision != self.table.revision:
                raise ChangedElsewhere(
                    "another page has changed the manifest; load this page again"
                )
            if not all(0 <= number < len(self.images) for number in asked.images):
                raise BadChange("there is no image of that number; load the page again")
            marks = {self.images[number]: some for number, some in asked.images.items()}
            names = self.table.change(marks)
            return {"revision": self.table.revision, "names": names}


def open_desk(folder: Path, port: int = 0) -> Desk:
    """Return a desk for a folder, not yet answering: call its ``serve_forever``."""
    return Desk(folder, port)


class _Refused(Exception):
    """A request that is not answered; carries status and reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)


class _Handler(BaseHTTPRequestHandler):
    server: Desk
    server_version = "harness"
    sys_version = ""
    timeout = 60
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a page, the state, or a picture."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Write a change."""
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a line per picture would hide what matters."""

    def _answer(self, work: Callable[[str, str], tuple[str, bytes, dict[str, str]]]) -> None:
        try:
            kind, body, headers = work(*self._checked())
            status = HTTPStatus.OK
        except _Refused as reason:
            status, kind, body, headers = reason.status, "text/plain", reason.reason.encode(), {}
            self.close_connection = True  # what a refused request still sends is not read
        except (UnreadableImage, BadChange) as reason:
            status, kind, headers = HTTPStatus.UNPROCESSABLE_ENTITY, "text/plain", {}
            text = reason.reason if isinstance(reason, UnreadableImage) else str(reason)
            body = text.encode(errors="replace")
        except ChangedElsewhere as reason:
            status, kind, body, headers = (
                HTTPStatus.CONFLICT,
                "text/plain",
                str(reason).encode(),
                {},
            )
        except OSError as reason:
            status, kind, headers = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", {}
            body = f"the manifest cannot be written: {reason.strerror or reason}".encode()
        if kind == "text/plain":
            kind += "; charset=utf-8"
        self.send_response(status)
        for name, value in {**HEADERS, "Cache-Control": "no-store", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _checked(self) -> tuple[str, str]:
        """Return path below the token and query of a request that may be answered."""
        host = self.headers.get("Host", "")
        # The port is left open: a tunnel may end at another one.
        if not re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", host):
            raise _Refused(
                HTTPStatus.FORBIDDEN, "this page is only served under the name 127.0.0.1"
            )
        asked = urlsplit(self.path)
        _, token, *rest = [*asked.path.split("/", 2), ""]
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise _Refused(
                HTTPStatus.FORBIDDEN,
                "open the whole address that `harness annotate` printed; each start has a new one",
            )
        if self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise _Refused(HTTPStatus.FORBIDDEN, "asked for by a page from somewhere else")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise _Refused(HTTPStatus.FORBIDDEN, "asked for by a page from somewhere else")
        return rest[0], asked.query

    def _get(self, path: str, query: str) -> tuple[str, bytes, dict[str, str]]:
        desk = self.server
        if path in PAGES:
            file, kind = PAGES[path]
            return kind, (bundled("reports") / file).read_bytes(), {}
        if path == "state":
            with desk.changing:
                desk.load()
                return "application/json", msgspec.json.encode(desk.state()), {}
        found = re.fullmatch(r"(image|part)/(\d{1,9})", path)
        if found is None or int(found[2]) >= len(desk.pictures):
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such page")
        number = int(found[2])
        kept = {"Cache-Control": "private, max-age=300"}
        if found[1] == "part":
            return "image/jpeg", desk.pictures.part(number, _asked_box(query)), kept
        shown = desk.pictures.whole(number)
        size = {"X-Image-Width": str(shown.width), "X-Image-Height": str(shown.height)}
        return "image/jpeg", shown.jpeg, {**kept, **size}

    def _post(self, path: str, query: str) -> tuple[str, bytes, dict[str, str]]:
        if path != "change":
            raise _Refused(HTTPStatus.NOT_FOUND, "there is no such page")
        # Forms of other pages can send no JSON without asking first, and asking is not answered.
        if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a change is sent as JSON")
        if self.headers.get("Origin") is None:
            raise _Refused(HTTPStatus.FORBIDDEN, "a change says from which page it comes")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,9}", length) or int(length) > LARGEST_CHANGE:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the change is too large")
        try:
            asked = msgspec.json.decode(self.rfile.read(int(length)), type=Change)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise BadChange(f"the change is not one: {fault}") from None
        return "application/json", msgspec.json.encode(self.server.change(asked)), {}


def _asked_box(query: str) -> Box | None:
    text = parse_qs(query).get("box", [""])[0]
    if not re.fullmatch(r"(-?\d{1,9},){3}-?\d{1,9}", text):
        return None
    x1, y1, x2, y2 = map(int, text.split(","))
    return x1, y1, x2, y2
