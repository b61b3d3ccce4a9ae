"""Reports of runs that go along with a leaderboard: where they lie, and copies that do no harm.

A report is untrusted, and a site may be put where others open it. So a report is copied
only if it is what its run sealed, sends nobody elsewhere and fits into a policy under which nothing
but the harness's own script runs; the copy states that policy first, before any byte of the report.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from harness.boards.boards import Leaderboard
from harness.boards.reading import Entry, LeftOut
from harness.errors import BadFile, Damaged, HarnessError
from harness.record import record
from harness.record.files import read_bytes
from harness.reporting.pages import surroundings

__all__ = ["FOLDER", "copied", "harmless", "report_paths"]

FOLDER = "runs"
"""Of the site, below which reports lie."""

PLACE = re.compile(rf"{FOLDER}/[0-9a-f]{{12}}(-[0-9]+)?/{re.escape(record.REPORT)}")
"""What the place of a report in a site looks like."""

LARGEST_REPORT = 32 << 20
"""Bytes."""

_INERT = frozenset({"iframe", "frame", "object", "embed", "form", "base", "link", "portal"})
_LINKS = frozenset({"href", "src", "action", "formaction", "ping", "srcset", "data", "poster"})


def report_paths(leaderboard: Leaderboard) -> dict[str, str]:
    """Return where in a site the report of every run lies, by the folder of the run.

    Returns
    -------
    dict
        Paths such as ``runs/0123456789ab/report.html``, each for one run: letters and digits of an
        identity, and a number where one recipe was run in several environments.
    """
    found: dict[str, str] = {}
    taken: dict[str, int] = {}
    for fit in _runs(leaderboard):
        if fit.folder not in found:
            taken[fit.id] = taken.get(fit.id, 0) + 1
            name = fit.id if taken[fit.id] == 1 else f"{fit.id}-{taken[fit.id]}"
            found[fit.folder] = f"{FOLDER}/{name}/{record.REPORT}"
    return found


def _runs(leaderboard: Leaderboard) -> Iterator[Entry]:
    for board in leaderboard.boards:
        for place in board.all_places:
            yield from place.entry.fits or (place.entry,)


def copied(leaderboard: Leaderboard) -> tuple[dict[str, str], dict[str, bytes], list[LeftOut]]:
    """Return the reports that may go along.

    Returns
    -------
    tuple
        Paths in the site by run folder, contents by path, and the runs whose report stays where it
        is, with the reason.
    """
    paths, contents, left = {}, {}, []
    for folder, path in report_paths(leaderboard).items():
        try:
            contents[path] = harmless(_sealed(Path(folder)))
            paths[folder] = path
        except HarnessError as reason:
            left.append(LeftOut(folder, str(reason)))
    return paths, contents, left


def _sealed(folder: Path) -> bytes:
    """Read a report, and hold it against the checksum that its run sealed."""
    try:
        content = read_bytes(folder, record.REPORT, LARGEST_REPORT)
    except BadFile as reason:
        if not (folder / record.REPORT).exists():
            raise Damaged("it has no report; `harness report RUN` writes one") from None
        raise Damaged(f"its report {reason.fault}") from None
    if record.read_checksums(folder).get(record.REPORT) != hashlib.sha256(content).hexdigest():
        raise Damaged(
            "its report is not the one that the run sealed; `harness report RUN` renews it"
        )
    return content


def harmless(report: bytes) -> bytes:
    """Return a report as it may be put on a site: behind a policy that only our script fits.

    Raises
    ------
    Damaged
        If it holds anything that a report of this harness does not: a frame, a form, another
        script, a link that leads out of it, or words that would send its reader elsewhere.
    """
    try:
        text = report.decode("utf-8")
    except UnicodeDecodeError:
        raise Damaged("its report is not UTF-8") from None
    read = _Read(text)
    if read.fault:
        raise Damaged(f"its report {read.fault}; `harness report RUN` writes it anew")
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src '{surroundings()['script_hash']}'; base-uri 'none'; form-action 'none'"
    )
    head = (
        '<!DOCTYPE html>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    )
    return head.encode() + report


class _Read(HTMLParser):
    """Reads a report for anything that could act.

    A browser may read broken markup otherwise than this does, so that every opening of an element
    that could redirect has to be one that was read here.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fault = ""
        self._metas = 0
        self.feed(text)
        self.close()
        if text.lower().count("<meta") != self._metas:
            self.fault = self.fault or "hides an element"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        values = [(name, (value or "").strip()) for name, value in attrs]
        if tag == "link":
            # The icon of the page is data; whatever else is linked to would have to be fetched.
            if any(
                name == "href" and not value.startswith("data:image/") for name, value in values
            ):
                self.fault = self.fault or "loads something"
            return
        if tag in _INERT:
            self.fault = self.fault or f"holds an element {tag}"
        if tag == "meta":
            self._metas += 1
            kinds = [value.lower() for name, value in values if name == "http-equiv"]
            if any(kind != "content-security-policy" for kind in kinds):
                self.fault = self.fault or "sends its reader elsewhere"
        for name, value in values:
            if name.startswith("on"):
                self.fault = self.fault or "holds a script that is not the harness's"
            inside = value.startswith(("#", "data:image/", "data:text/csv"))
            if name.rpartition(":")[2] in _LINKS and value and not inside:
                self.fault = self.fault or "links out of itself"
