"""Where a verdict is kept: gate.json, gate.md and junit.xml, and the summary of a GitHub job."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec

from harness.comparing import announcing
from harness.comparing.gate import Gate
from harness.errors import Unwritable, sentence_of
from harness.execution.storage import write_whole

__all__ = ["FILES", "clear", "publish", "publish_refusal"]

SUMMARY = "GITHUB_STEP_SUMMARY"
FILES = ("gate.json", "gate.md", "junit.xml")


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
        for name in FILES:
            (out / name).unlink(missing_ok=True)
    except OSError as reason:
        raise Unwritable(f"--out {out} cannot be written: {sentence_of(reason)}") from None


def publish(out: Path | None, found: Gate, *, allow_inconclusive: bool) -> None:
    """Write a verdict into the folder, and into the summary of the job.

    Raises
    ------
    Unwritable
        If one of them cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
    junit = announcing.junit(found, allow_inconclusive=allow_inconclusive)
    _write(out, (text + "\n", announcing.markdown(found), junit))


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
        (text + "\n", announcing.markdown_refusal(reason), announcing.junit_refusal(reason)),
    )


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
