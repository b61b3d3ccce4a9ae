"""The server of pages on this machine: who is answered, and what nobody can do to it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest

from harness.web import loopback
from harness.web.loopback import LOOPBACK, Answer, LoopbackServer, Refused, Request

SECRET = b"what only this page may show"


def answer(request: Request) -> Answer:
    """Answer as a page would; one path is slow, one is at fault."""
    if request.body is not None:
        return Answer(request.body, "application/json")
    if request.path == "slow":
        time.sleep(0.3)
    if request.path == "fault":
        raise ValueError(f"of {request.path}")
    if request.path in ("", "slow"):
        return Answer(SECRET, "text/plain")
    raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    monkeypatch.setattr(loopback, "REQUEST_TIME", 1.0)
    monkeypatch.setattr(loopback, "IDLE_TIME", 3.0)
    monkeypatch.setattr(loopback, "_SPARED", 0.2)
    made = LoopbackServer(answer, 0, takes_changes=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def connected(server: LoopbackServer) -> socket.socket:
    return socket.create_connection((LOOPBACK, server.server_address[1]), timeout=20)


def said(server: LoopbackServer, sent: bytes) -> bytes:
    """Return all that is answered to some bytes."""
    with connected(server) as connection:
        connection.sendall(sent.replace(b"HERE", f"127.0.0.1:{server.server_address[1]}".encode()))
        return ended(connection)


def ended(connection: socket.socket) -> bytes:
    """Return what a connection says until its end; not ending fails."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def status(server: LoopbackServer, *headers: str, first: str = "GET / HTTP/1.1") -> int:
    lines = [first, *headers, "Connection: close", "", ""]
    return int(said(server, "\r\n".join(lines).encode())[9:12])


def is_well(server: LoopbackServer) -> bool:
    return status(server, "Host: HERE") == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1@evil.example"),
        *("localhost.evil.example", "localhost.", "0", "192.168.0.1", "[::]", "127.1"),
        *("127.0.0.1:80:80", "127.0.0.1:٨٠", "127.0.0.1/", "", " "),
    ],
)
def test_only_names_of_this_machine_are_answered(server: LoopbackServer, host: str) -> None:
    """A name elsewhere may have been made to lead to this machine (DNS rebinding)."""
    assert status(server, f"Host: {host}") == 403
    assert status(server, "Host: HERE", f"Host: {host}") == 403


@pytest.mark.parametrize("host", ["HERE", "localhost", "localhost:8080", "[::1]:9", "127.0.0.1"])
def test_names_of_this_machine_are_answered_at_any_port_of_a_tunnel(
    server: LoopbackServer, host: str
) -> None:
    assert status(server, f"Host: {host}") == 200


@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
        ("Sec-Fetch-Site: same-origin", "Origin: http://evil.example"),
        ("Origin: null",),
        ("Origin: https://HERE",),
        ("Origin: http://HERE.evil.example",),
        ("Origin: http://HERE", "Origin: http://evil.example"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"),
    ],
)
def test_nothing_is_said_to_pages_of_elsewhere(
    server: LoopbackServer, headers: tuple[str, ...]
) -> None:
    assert status(server, "Host: HERE", *headers) == 403


def test_a_link_elsewhere_may_open_a_page_but_no_form_may_send_one(server: LoopbackServer) -> None:
    opened = ("Host: HERE", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    document = (*opened, "Sec-Fetch-Dest: document")
    assert status(server, *document) == 200
    assert status(server, *document, "Content-Length: 0", first="POST / HTTP/1.1") == 403


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (("Content-Type: application/x-www-form-urlencoded", "Origin: http://HERE"), 415),
        (("Content-Type: multipart/form-data; boundary=a", "Origin: http://HERE"), 415),
        (("Content-Type: text/plain", "Origin: http://HERE"), 415),
        (("Origin: http://HERE",), 415),
        (("Content-Type: application/json",), 403),
        (("Content-Type: application/json", "Origin: null"), 403),
        (("Content-Type: application/json", "Origin: http://evil.example"), 403),
        (("Content-Type: application/json", "Origin: http://HERE", "Content-Length: 2"), 411),
        (("Content-Type: application/json", "Origin: http://HERE", "Transfer-Encoding: x"), 411),
    ],
)
def test_forms_of_other_sites_change_nothing(
    server: LoopbackServer, headers: tuple[str, ...], code: int
) -> None:
    sent = ("Host: HERE", "Content-Length: 2", *headers)
    assert status(server, *sent, first="POST / HTTP/1.1") == code


@pytest.mark.parametrize("length", ["4194305", "99999999999999", "-1", "0x10", "1e3", "٣", "2, 2"])
def test_a_body_too_large_or_of_no_sound_length_is_refused_before_it_is_read(
    server: LoopbackServer, length: str
) -> None:
    head = f"POST / HTTP/1.1\r\nHost: HERE\r\nOrigin: http://HERE\r\nContent-Length: {length}\r\n"
    begun = time.monotonic()
    got = said(server, f"{head}Content-Type: application/json\r\n\r\n".encode() + b"x" * 100_000)
    assert got[9:12] == b"413"
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    "sent",
    [
        b"GET http://[ HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"GET //[::1/x HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"<script>alert(1)</script> / HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: HERE\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(300)) + b"\r\n",
        b"GET /\xff\xfe%00 HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: HERE\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\r\n\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_in_plain_text_and_without_a_traceback(
    server: LoopbackServer, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with connected(server) as connection:
        here = f"127.0.0.1:{server.server_address[1]}".encode()
        connection.sendall(sent.replace(b"HERE", here))
        connection.shutdown(socket.SHUT_WR)
        got = ended(connection)
    assert SECRET not in got
    assert b"<" not in got
    if got.startswith(b"HTTP/1.1"):
        assert got[9:10] in b"45"
        assert b"text/plain" in got
    assert is_well(server)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: HERE\r\nX-Long: ",
        b"POST / HTTP/1.1\r\nHost: HERE\r\nOrigin: http://HERE\r\n"
        b"Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n[",
    ],
)
def test_a_request_that_comes_byte_by_byte_is_ended_and_holds_nobody_up(
    server: LoopbackServer, begun: bytes
) -> None:
    here = f"127.0.0.1:{server.server_address[1]}".encode()
    slow = [connected(server) for _ in range(100)]
    for connection in slow:
        connection.sendall(begun.replace(b"HERE", here))
    started = time.monotonic()
    assert is_well(server)
    assert time.monotonic() - started < 4
    left = slow
    while left and time.monotonic() - started < 30:
        time.sleep(0.2)
        left = [one for one in left if trickles(one, b"x" if begun else b"")]
    for connection in slow:
        connection.close()
    assert left == []


def trickles(connection: socket.socket, byte: bytes) -> bool:
    """Send a byte more; return whether the other side is still there."""
    connection.settimeout(0.001)
    try:
        connection.sendall(byte)
        return connection.recv(1000) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_where_all_places_are_taken_by_who_says_nothing_others_are_still_answered(
    server: LoopbackServer,
) -> None:
    server.most_connections = 20
    idle = [connected(server) for _ in range(60)]
    started = time.monotonic()
    for _ in range(5):
        assert is_well(server)
    assert time.monotonic() - started < 20
    for connection in idle:
        connection.close()


@pytest.mark.parametrize(("path", "room"), [("/", 512), ("/slow", 512), ("/slow", 30)])
def test_two_hundred_requests_at_once_are_all_answered(
    server: LoopbackServer, path: str, room: int
) -> None:
    server.most_connections = room
    together = threading.Barrier(200)

    def ask(_: int) -> int:
        connection = http.client.HTTPConnection(LOOPBACK, server.server_address[1], timeout=30)
        together.wait()
        connection.request("GET", path)
        found = connection.getresponse()
        assert found.read() == SECRET
        connection.close()
        return found.status

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(ask, range(200))) == {200}


def test_a_connection_is_used_again_and_ends_when_nothing_more_comes(
    server: LoopbackServer,
) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, server.server_address[1], timeout=20)
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read() == SECRET
    assert connection.sock is not None
    assert ended(connection.sock) == b""


def test_a_fault_of_the_harness_is_said_on_both_sides(
    server: LoopbackServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert status(server, "Host: HERE", first="GET /fault HTTP/1.1") == 500
    assert "ValueError: of fault" in capfd.readouterr().err
    assert is_well(server)


def test_every_answer_forbids_frames_guessing_of_kinds_and_copies(server: LoopbackServer) -> None:
    for first in ("GET / HTTP/1.1", "GET /nothing HTTP/1.1", "PUT / HTTP/1.1", "nonsense"):
        got = said(server, f"{first}\r\nHost: HERE\r\nConnection: close\r\n\r\n".encode())
        for header in (
            *(b"X-Frame-Options: DENY", b"X-Content-Type-Options: nosniff"),
            *(b"Cache-Control: no-store", b"Cross-Origin-Resource-Policy: same-origin"),
        ):
            assert header in got, (first, header)


def test_nothing_is_changed_where_changes_are_not_taken() -> None:
    server = LoopbackServer(answer, 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    sent = ("Host: HERE", "Origin: http://HERE", "Content-Type: application/json")
    assert status(server, *sent, "Content-Length: 2", first="POST / HTTP/1.1") == 405
    server.shutdown()
    server.server_close()
