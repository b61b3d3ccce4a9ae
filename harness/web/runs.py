"""The leaderboard and the reports of a folder of runs, on this machine's own address only.

Pages follow the runs: when a run starts, ends or goes away, pages that are open reload themselves.
Reports are files of runs, and runs may come from anybody: they are sent with a policy that lets
no script run but the harness's own, and nothing be loaded.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

from harness.boards import exports
from harness.boards.boards import Leaderboard
from harness.boards.building import assembled
from harness.boards.evidence import report_paths
from harness.boards.reading import find_runs
from harness.boards.site import OVERVIEW, render_site
from harness.errors import Damaged, HarnessError
from harness.record import record
from harness.record.files import read_bytes
from harness.reporting.pages import script_hash, script_of
from harness.web.loopback import Answer, LoopbackServer, Refused, Request

__all__ = ["LOOK_EVERY", "RunWatcher", "keep_looking", "make_server"]

LOOK_EVERY = 1.0
"""Seconds between looks at the run folders."""

LARGEST_REPORT = 1 << 26
"""Bytes of a report that is sent."""

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
}


class RunWatcher:
    """A folder of runs, and the pages of what is in it now.

    Parameters
    ----------
    places
        Run folders, or folders that hold them.
    history
        As for `harness.boards.building.build`.
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
            leaderboard, self._files = assembled(
                self._places, _files, self._history, self._separate_seeds
            )
            self._reports = {
                path: Path(folder) / record.REPORT
                for folder, path in report_paths(leaderboard).items()
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

    def wait(self, last_seen: str, seconds: float) -> str:
        """Return the state once it is another than `last_seen`, or after some seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.state != last_seen, seconds)
            return self.state

    def page(self, path: str) -> tuple[bytes, str, bool] | None:
        """Return content, kind and whether it is a run's own file; None for anything unknown."""
        name = path or OVERVIEW
        if name in self._files:
            return self._files[name], _KINDS[Path(name).suffix], False
        report = self._reports.get(name)
        with suppress(Damaged):
            if report is not None:
                content = read_bytes(report.parent, report.name, LARGEST_REPORT)
                return content, _KINDS[".html"], True
        return None


def _files(leaderboard: Leaderboard) -> dict[str, bytes]:
    pages = render_site(leaderboard, reports=report_paths(leaderboard), live=True)
    return {
        **{name: text.encode("utf-8", "replace") for name, text in pages.items()},
        exports.JSON: exports.to_json(leaderboard),
        exports.CSV: exports.to_csv(leaderboard).encode("utf-8", "replace"),
        exports.MARKDOWN: exports.to_markdown(leaderboard).encode("utf-8", "replace"),
    }


def make_server(watcher: RunWatcher, port: int) -> LoopbackServer:
    """Return a server of a watcher's pages; port 0 takes a free one.

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

    def answer(request: Request) -> Answer:
        path = unquote(request.path)
        if path == "changes":
            return Answer(_changes(watcher), "text/event-stream")
        found = watcher.page(path)
        if found is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")
        content, kind, of_run = found
        return Answer(content, kind, {"Content-Security-Policy": foreign} if of_run else {})

    return LoopbackServer(answer, port)


def _changes(watcher: RunWatcher) -> Iterator[bytes]:
    """Tell the state now and whenever it changes, until the reader goes."""
    known = ""
    while True:
        state = watcher.wait(known, 15.0)
        # A line for the reader to skip shows whether it is still there.
        yield (f"data: {state}\n\n" if state != known else ":\n\n").encode()
        known = state


def keep_looking(watcher: RunWatcher, stop: threading.Event, every: float = LOOK_EVERY) -> None:
    """Look at the folders again and again until `stop` is set; a failed look is not the end."""
    reported = ""
    while not stop.wait(every):
        try:
            watcher.look()
        except (HarnessError, OSError):
            # A run folder may vanish or be half written while it is read: the next look tells.
            stop.wait(every)
        except Exception:  # whatever is in a folder, the pages of before stay
            reason = traceback.format_exc()
            if reason != reported:
                sys.stderr.write(f"the pages stay as they are: {reason}")
            reported = reason
            stop.wait(every)
