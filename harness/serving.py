"""The leaderboard and the reports of a folder of runs, on this machine's own address only.

Pages follow the runs: when a run starts, ends or goes away, pages that are open reload themselves.
Reports are files of runs, and runs may come from strangers: they are sent with a policy that lets
no script run but the harness's own, and nothing be loaded.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harness import record
from harness.errors import HarnessError, UsageError
from harness.leaderboard import exports
from harness.leaderboard.boards import Leaderboard
from harness.leaderboard.building import gather
from harness.leaderboard.reading import find_runs
from harness.leaderboard.site import OVERVIEW, render_site
from harness.reporting.pages import script_hash, script_of

LOOPBACK = "127.0.0.1"
LOOK_EVERY = 1.0
"""Seconds between looks at the run folders."""

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
}


class Watched:
    """A folder of runs, and the pages of what is in it now.

    Parameters
    ----------
    places
        Run folders, or folders that hold them.
    history
        As for `harness.leaderboard.building.build`.
    separate_seeds
        As there.
    """

    def __init__(
        self, places: Sequence[Path], history: bool = False, separate_seeds: bool = False
    ) -> None:
        self._places, self._history = places, history
        self._separate_seeds = separate_seeds
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self.state = ""
        self._files: dict[str, bytes] = {}
        self._reports: dict[str, Path] = {}
        self.look()

    def look(self) -> bool:
        """Look at the folders; build the pages again if a run came, went or changed."""
        with self._lock:
            state = self._seen()
            if state == self.state:
                return False
            leaderboard = gather(self._places, self._history, self._separate_seeds)
            self._files = _files(leaderboard)
            self._reports = {
                fit.id: Path(fit.folder) / record.REPORT
                for board in leaderboard.boards
                for place in board.all_places
                for fit in place.entry.fits or (place.entry,)
            }
        with self._changed:
            self.state = state
            self._changed.notify_all()
        return True

    def _seen(self) -> str:
        """Return a hash of which runs there are and when each was last sealed."""
        digest = hashlib.sha256()
        for folder in find_runs(self._places):
            try:
                sealed = str((folder / record.CHECKSUMS).stat().st_mtime_ns)
            except OSError:
                sealed = "unfinished"
            digest.update(f"{folder}\0{sealed}\0".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]

    def wait(self, known: str, seconds: float) -> str:
        """Return the state once it is another than `known`, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.state != known, seconds)
            return self.state

    def page(self, path: str) -> tuple[bytes, str, bool] | None:
        """Return content, kind and whether it is a run's own file; None for anything unknown."""
        name = path.lstrip("/") or OVERVIEW
        if name in self._files:
            return self._files[name], _KINDS[Path(name).suffix], False
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "runs" and parts[2] == record.REPORT:
            report = self._reports.get(parts[1])
            if report is not None and report.is_file() and not report.is_symlink():
                return report.read_bytes(), _KINDS[".html"], True
        return None


def _files(leaderboard: Leaderboard) -> dict[str, bytes]:
    pages = render_site(leaderboard, reports=True, live=True)
    return {
        **{name: text.encode("utf-8", "replace") for name, text in pages.items()},
        exports.JSON: exports.to_json(leaderboard),
        exports.CSV: exports.to_csv(leaderboard).encode("utf-8", "replace"),
        exports.MARKDOWN: exports.to_markdown(leaderboard).encode("utf-8", "replace"),
    }


def make_server(watched: Watched, port: int) -> ThreadingHTTPServer:
    """Return a server on the loopback address; port 0 takes a free one.

    Raises
    ------
    UsageError
        If the port cannot be had.
    """
    foreign = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src '{script_hash(script_of())}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "tattoo-harness", ""

        def do_GET(self) -> None:
            """Answer with a page; only requests by this machine's names are answered."""
            host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
            if host not in (LOOPBACK, "localhost"):
                # A page elsewhere whose name was made to lead here must not read runs.
                self._send(HTTPStatus.FORBIDDEN, b"only by 127.0.0.1 or localhost\n", "text/plain")
                return
            path = unquote(urlsplit(self.path).path)
            if path == "/changes":
                self._changes()
                return
            found = watched.page(path)
            if found is None:
                self._send(HTTPStatus.NOT_FOUND, b"there is no such page\n", "text/plain")
                return
            content, kind, of_run = found
            self._send(HTTPStatus.OK, content, kind, foreign if of_run else "")

        def do_HEAD(self) -> None:
            """Answer as to GET, without the content."""
            self.do_GET()

        def _send(self, status: HTTPStatus, content: bytes, kind: str, policy: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _changes(self) -> None:
            """Tell the state now and whenever it changes, until the reader goes."""
            self.close_connection = True
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            known = ""
            while True:
                state = watched.wait(known, 15.0)
                # A line for the reader to skip shows whether it is still there.
                text = f"data: {state}\n\n" if state != known else ":\n\n"
                self.wfile.write(text.encode())
                self.wfile.flush()
                known = state

        def log_message(self, format: str, *words: object) -> None:
            """Say nothing of single requests."""

        def handle(self) -> None:
            """Answer; a reader that goes away is nothing to report."""
            try:
                super().handle()
            except (BrokenPipeError, ConnectionError):
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    try:
        return Server((LOOPBACK, port), Handler)
    except OSError as reason:
        raise UsageError(
            f"port {port} of {LOOPBACK} cannot be had: {os.strerror(reason.errno or 0)}; choose "
            "another with --port, or 0 for a free one"
        ) from None


def keep_looking(watched: Watched, stop: threading.Event, every: float = LOOK_EVERY) -> None:
    """Look at the folders again and again until told to stop; a failed look is not the end."""
    while not stop.wait(every):
        try:
            watched.look()
        except (HarnessError, OSError):
            # A run folder may vanish or be half written while it is read: the next look tells.
            time.sleep(every)
