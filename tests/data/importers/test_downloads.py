"""Downloads from a server on this machine: polite, bounded, and never anything but http."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.data.importers.downloads import Downloads, NotFetchedError


@dataclass
class Served:
    """What a server of the test was asked, and what it answers."""

    address: str = ""
    asked: list[tuple[str, str, float]] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)


@pytest.fixture
def served() -> Iterator[Served]:
    facts = Served()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            agent = self.headers["User-Agent"]
            facts.asked.append((self.path, agent, time.monotonic()))
            answers = facts.answers.get(self.path, [(404, {}, b"")])
            status, headers, content = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    facts.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield facts
    server.shutdown()
    server.server_close()
    thread.join()


def downloads(**settings: Any) -> Downloads:
    return Downloads(("127.0.0.1",), **{"rate": 1000, "backoff": 0.001, "timeout": 5, **settings})


def test_a_file_is_written_and_the_server_is_told_who_asks(tmp_path: Path, served: Served) -> None:
    served.answers["/a.jpg"] = [(200, {}, b"picture")]
    downloads().fetch(f"{served.address}/a.jpg", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"picture"
    assert served.asked[0][1].startswith("tattoo-harness")


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(
    tmp_path: Path, served: Served
) -> None:
    served.answers["/busy"] = [(503, {}, b""), (429, {"Retry-After": "0"}, b""), (200, {}, b"x")]
    downloads().fetch(f"{served.address}/busy", tmp_path / "busy")
    assert len(served.asked) == 3
    with pytest.raises(NotFetchedError, match="answered 404") as told:
        downloads().fetch(f"{served.address}/gone", tmp_path / "gone")
    assert told.value.permanent
    assert len(served.asked) == 4
    served.answers["/always"] = [(503, {}, b"")]
    with pytest.raises(NotFetchedError, match="answered 503") as told:
        downloads(retries=2).fetch(f"{served.address}/always", tmp_path / "always")
    assert not told.value.permanent
    assert len(served.asked) == 4 + 3


def test_requests_keep_their_distance(tmp_path: Path, served: Served) -> None:
    served.answers["/a"] = [(200, {}, b"x")]
    polite = downloads(rate=20)
    for _ in range(4):
        polite.fetch(f"{served.address}/a", tmp_path / "a")
    assert served.asked[-1][2] - served.asked[0][2] >= 3 / 20 - 0.03


def test_a_file_over_the_limit_leaves_nothing_behind(tmp_path: Path, served: Served) -> None:
    served.answers["/big"] = [(200, {}, b"x" * 1001)]
    with pytest.raises(NotFetchedError, match="with more than 1000 bytes"):
        downloads(largest=1000).fetch(f"{served.address}/big", tmp_path / "big")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "neither http nor https"),
        ("ftp://127.0.0.1/a", "neither http nor https"),
        ("/etc/passwd", "neither http nor https"),
        ("", "neither http nor https"),
        ("http://localhost/a", "host 'localhost' is not among --host"),
        ("http://127.0.0.1.evil.example/a", "is not among --host"),
        ("//evil.example/a", "is not among --host"),
        ("http://[bad/a", "address is not one"),
    ],
)
def test_addresses_that_are_not_of_a_known_host_are_never_asked(
    url: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(NotFetchedError, match=reason) as told:
        downloads().fetch(url, tmp_path / "a")
    assert told.value.permanent


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://localhost/a", "ftp://127.0.0.1/"])
def test_a_redirect_leads_to_no_file_and_to_no_other_host(
    target: str, tmp_path: Path, served: Served
) -> None:
    served.answers["/a"] = [(302, {"Location": target}, b"")]
    with pytest.raises(NotFetchedError):
        downloads().fetch(f"{served.address}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    assert len(served.asked) == 1


def test_a_redirect_on_the_same_host_is_followed_but_not_for_ever(
    tmp_path: Path, served: Served
) -> None:
    served.answers["/old"] = [(301, {"Location": "/new"}, b"")]
    served.answers["/new"] = [(200, {}, b"moved")]
    downloads().fetch(f"{served.address}/old", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"moved"
    served.answers["/round"] = [(302, {"Location": "/round"}, b"")]
    with pytest.raises(NotFetchedError, match="more than 3 redirects"):
        downloads().fetch(f"{served.address}/round", tmp_path / "b")
