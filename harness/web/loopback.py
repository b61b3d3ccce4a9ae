"""The one server of pages on this machine: who may ask, how long that may take, what is sent.

Any page that the same browser has open can send requests to this machine. So the ``Host`` must
name this machine, so that no other domain can be pointed at it (DNS rebinding); a request that
another page caused is refused by ``Sec-Fetch-Site`` and ``Origin``; and a change, where changes are
taken, must be JSON from a page of this very address. What a request asks for is a key among things
that are known, never a path on the disk.

A request has to be there within `REQUEST_TIME` however slowly it comes, so that nobody holds the
server by sending a byte now and then; and where `most_connections` are open, those that have said
nothing for longest make room.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness.errors import UsageError

__all__ = ["LOOPBACK", "Answer", "LoopbackServer", "Refused", "Request", "text_answer"]

LOOPBACK = "127.0.0.1"

REQUEST_TIME = 30.0
"""Seconds from the first byte of a request to its last."""

IDLE_TIME = 60.0
"""Seconds that a connection may say nothing between requests."""

ANSWER_TIME = 60.0
"""Seconds in which the reader has to take an answer, or a part of one that goes on."""

LARGEST_BODY = 4 << 20
"""Bytes of a change."""

_ROOM = 512
_SPARED = 1.0
"""Seconds of silence in which a new connection is not yet taken for an idle one."""
_DRAINED = 1 << 20
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# The port is left open: a tunnel may end at another one.
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Request:
    """A request that may be answered.

    Parameters
    ----------
    path
        As it was sent, below the token where there is one, without a slash in front.
    query
        What follows ``?``.
    body
        None for a question; for a change, its JSON.
    """

    path: str
    query: str = ""
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Parameters
    ----------
    content
        The bytes, or parts that are sent as they come.
    kind
        Its ``Content-Type``.
    headers
        Beside, or in the place of, those that every answer has.
    """

    content: bytes | Iterable[bytes]
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: HTTPStatus = HTTPStatus.OK


def text_answer(status: HTTPStatus, text: str) -> Answer:
    """Return an answer that says something in plain words."""
    return Answer(f"{text}\n".encode(errors="replace"), "text/plain; charset=utf-8", {}, status)


class Refused(Exception):
    """A request that is not answered; carries status and reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(reason)


class LoopbackServer(ThreadingHTTPServer):
    """A server that only this machine can ask, and no page but its own.

    Parameters
    ----------
    answer
        Answers a request, in a thread of its own; may raise `Refused`.
    port
        Of 127.0.0.1; 0 takes a free one.
    token
        What every path has to start with; empty where there is no secret.
    takes_changes
        Whether a page may send something to be written.

    Raises
    ------
    UsageError
        If the port cannot be had.
    """

    daemon_threads = True
    # Where connections come faster than they are taken, the system keeps as many waiting.
    request_queue_size = 1024

    def __init__(
        self,
        answer: Callable[[Request], Answer],
        port: int,
        *,
        token: str = "",
        takes_changes: bool = False,
    ) -> None:
        self.answer, self.token, self.takes_changes = answer, token, takes_changes
        self.most_connections = _room()
        self._open: dict[socket.socket, float | None] = {}
        self._left = threading.Condition()
        self._ending = False
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as reason:
            raise UsageError(
                f"port {port} of {LOOPBACK} cannot be had: {os.strerror(reason.errno or 0)}; "
                "choose another with --port, or 0 for a free one"
            ) from None

    @property
    def address(self) -> str:
        """What to open in a browser."""
        token = f"{self.token}/" if self.token else ""
        return f"http://{LOOPBACK}:{self.server_address[1]}/{token}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, once there is room for it."""
        with self._left:
            while len(self._open) >= self.most_connections and not self._ending:
                self._end_the_idlest()
                self._left.wait(0.1)
            self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        super().shutdown_request(request)
        with self._left:
            self._open.pop(request, None)
            self._left.notify_all()

    def shutdown(self) -> None:
        """Answer no more."""
        self._ending = True
        super().shutdown()

    def waits(self, connection: socket.socket, waiting: bool) -> None:
        """Note whether a connection has yet to say what it asks for."""
        with self._left:
            if connection in self._open:
                self._open[connection] = time.monotonic() if waiting else None

    def _end_the_idlest(self) -> None:
        since = {c: t for c, t in self._open.items() if t is not None}
        if not since:
            return
        connection = min(since, key=since.__getitem__)
        if time.monotonic() - since[connection] >= _SPARED:
            self._open[connection] = None
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has gone by itself

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up; print what else went wrong."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _room() -> int:
    """Return how many connections may be open: each takes a file, and answers open more."""
    try:
        import resource
    except ImportError:  # Windows counts sockets apart from files
        return _ROOM
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ROOM if soft == resource.RLIM_INFINITY else max(8, min(_ROOM, soft // 2))


class _Incoming(io.RawIOBase):
    """What a connection sends, until a moment that no trickle of bytes puts off."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self.until = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer
    server_version, sys_version = "tattoo-harness", ""
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._incoming = _Incoming(self.connection)
        self.rfile = self._buffered = io.BufferedReader(self._incoming)

    def handle(self) -> None:
        """Answer; a reader that goes away is nothing to report."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def handle_one_request(self) -> None:
        self.server.waits(self.connection, True)
        self._incoming.until = time.monotonic() + IDLE_TIME
        self.close_connection = True
        if not self._buffered.peek(1):
            return
        self._incoming.until = time.monotonic() + REQUEST_TIME
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer a question."""
        self._respond()

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self._respond()

    def do_POST(self) -> None:
        """Answer a change."""
        self._respond()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a line per request would hide what matters."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request, in plain text: it may hold anything."""
        self.request_version = self.protocol_version  # or no header is sent
        self.command = self.command or "GET"
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._refuse(status, status.phrase.lower())

    def _respond(self) -> None:
        try:
            request = self._checked()
            self.server.waits(self.connection, False)
            answer = self.server.answer(request)
        except Refused as reason:
            self._refuse(reason.status, reason.reason)
            return
        except (ConnectionError, TimeoutError):
            raise
        except Exception:  # a page must not wait for ever for an answer that went wrong
            traceback.print_exc()
            self._refuse(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "this is a fault of the harness; its terminal says more",
            )
            return
        self._send(answer)

    def _checked(self) -> Request:
        """Return what is asked, where it may be answered."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise Refused(
                HTTPStatus.FORBIDDEN, f"only asked for as {LOOPBACK} or localhost is this answered"
            )
        try:
            asked = urlsplit(self.path)
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "that is no address") from None
        path = asked.path.removeprefix("/")
        if self.server.token:
            token, _, path = path.partition("/")
            if not secrets.compare_digest(
                token.encode(errors="replace"), self.server.token.encode()
            ):
                raise Refused(
                    HTTPStatus.FORBIDDEN,
                    "open the whole address that the command printed; each start has a new one",
                )
        self._check_who_asks(hosts[0])
        return Request(path, asked.query, self._body() if self.command == "POST" else None)

    def _check_who_asks(self, host: str) -> None:
        site = self.headers.get("Sec-Fetch-Site", "none")
        origins = self.headers.get_all("Origin", [])
        # A link on another page may lead here: what it opens, that page cannot see.
        opened = (
            self.headers.get("Sec-Fetch-Mode") == "navigate"
            and self.headers.get("Sec-Fetch-Dest") == "document"
            and self.command == "GET"
        )
        if (site not in ("same-origin", "none") and not opened) or any(
            origin != f"http://{host}" for origin in origins
        ):
            raise Refused(HTTPStatus.FORBIDDEN, "asked for by a page from somewhere else")
        if self.command == "POST" and len(origins) != 1:
            raise Refused(HTTPStatus.FORBIDDEN, "a change says from which page it comes")

    def _body(self) -> bytes:
        if not self.server.takes_changes:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "nothing can be changed here")
        # Forms of other pages can send no JSON without asking first, and asking is not answered.
        if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a change is sent as JSON")
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "a change says how long it is")
        if not re.fullmatch(r"[0-9]{1,9}", lengths[0]) or int(lengths[0]) > LARGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the change is too large")
        body = self.rfile.read(int(lengths[0]))
        if len(body) != int(lengths[0]):
            raise ConnectionError
        return body

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        """Say why not, and end: what such a request still sends is no next request."""
        self.close_connection = True
        self._send(text_answer(status, reason))
        # An end with bytes unread would take the answer away from the reader.
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self._incoming.until = time.monotonic() + 1
            left = _DRAINED
            while left > 0 and (some := self._incoming.read(min(left, 1 << 16))):
                left -= len(some)
        except OSError:
            return

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(ANSWER_TIME)
        whole = answer.content if isinstance(answer.content, bytes) else None
        parts = answer.content if not isinstance(answer.content, bytes) else [answer.content]
        self.send_response(answer.status)
        for name, value in {**_HEADERS, **answer.headers, "Content-Type": answer.kind}.items():
            self.send_header(name, value)
        if whole is None:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(whole)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        for part in parts:
            self.wfile.write(part)
