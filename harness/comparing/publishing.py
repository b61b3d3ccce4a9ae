"""Where a verdict is kept: gate.json, gate.md and junit.xml, and the summary of a GitHub job.

In a job of GitHub or GitLab the Markdown links to it, since its reports are among its artifacts.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import msgspec

from harness.comparing import announcing
from harness.comparing.announcing import Place
from harness.comparing.gate import Gate
from harness.data.whole_files import write_whole
from harness.errors import Unwritable, sentence_of
from harness.record.record import REPORT

__all__ = ["FILES", "PAGE", "clear", "publish", "publish_refusal"]

SUMMARY = "GITHUB_STEP_SUMMARY"
FILES = ("gate.json", "gate.md", "junit.xml")
PAGE = "compare.html"
"""The page of the comparison, where it is asked for."""

_JOB = re.compile(r"https://[\w.:-]+(/[\w.~-]+)+", re.ASCII)


def clear(out: Path | None) -> None:
    """Make the folder, and remove an earlier verdict: whatever happens, none is taken for this one.

    Raises
    ------
    Unwritable
        If that cannot be done.
    """
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (*FILES, PAGE):
            (out / name).unlink(missing_ok=True)
    except OSError as reason:
        raise Unwritable(f"--out {out} cannot be written: {sentence_of(reason)}") from None


def publish(out: Path | None, gate: Gate, *, allow_inconclusive: bool, page: bool = False) -> None:
    """Write a verdict into the folder, and into the summary of the job.

    Parameters
    ----------
    page
        Whether the page of the comparison lies in the folder, too.

    Raises
    ------
    Unwritable
        If one of them cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(gate), indent=1).decode()
    junit = announcing.junit(gate, allow_inconclusive=allow_inconclusive)
    places = _places(out, gate, page)
    _write(out, (text + "\n", announcing.markdown(gate, places, _job()), junit))


def publish_refusal(out: Path | None, reason: str) -> None:
    """Write why there is no verdict where it would stand.

    Raises
    ------
    Unwritable
        If one of them cannot be written.
    """
    said = {"verdict": announcing.REFUSED, "reason": reason}
    text = json.dumps(said, ensure_ascii=False, indent=1)
    _write(
        out,
        (
            text + "\n",
            announcing.markdown_refusal(reason, _job()),
            announcing.junit_refusal(reason),
        ),
    )


def _places(out: Path | None, found: Gate, page: bool) -> list[Place]:
    """Return where more is to be read: only what there is."""
    reports = [
        (f"report of the {side}", Path(party.folder) / REPORT)
        for side, party in (("candidate", found.candidate), ("baseline", found.baseline))
    ]
    places = [Place(what, str(path)) for what, path in reports if path.is_file()]
    if page and out is not None:
        places.insert(0, Place("what changed, search by search", str(out / PAGE)))
    return places


def _job() -> str:
    """Return the address of the CI job that this is part of; empty where it is none."""
    said = os.environ.get
    address = said("CI_JOB_URL", "")
    if said("GITHUB_RUN_ID"):
        address = (
            f"{said('GITHUB_SERVER_URL', '')}/{said('GITHUB_REPOSITORY', '')}/actions/runs/"
            f"{said('GITHUB_RUN_ID')}"
        )
    return address if _JOB.fullmatch(address) else ""


def _write(out: Path | None, contents: tuple[str, str, str]) -> None:
    try:
        if out is not None:
            for name, content in zip(FILES, contents, strict=True):
                write_whole(out / name, content)
        if summary := os.environ.get(SUMMARY):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(contents[1] + "\n")
    except OSError as reason:
        raise Unwritable(f"the verdict cannot be written: {sentence_of(reason)}") from None
