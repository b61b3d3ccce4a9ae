"""Every command that reads run folders, carried out in this process within limits."""

from __future__ import annotations

import io
import random
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tests.strangers.mutations import copy_of

SECONDS, WAIT = 30, 180
"""Of the processor, and on the clock, that a command may take: a busy machine is no hang."""
CODES = {0, 2, 3, 4, 5}
"""Codes with which a command may end; 1 is that of a gate which found a regression."""
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class TooSlow(BaseException):
    """A command that had not ended in its time."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, with both streams as a terminal would get them."""

    words: list[str]
    code: int
    out: str
    err: str

    @property
    def fault(self) -> str:
        """What is wrong with how it ended; empty if nothing is."""
        said = self.out + self.err
        if "Traceback" in said:
            return said[said.index("Traceback") :]
        if self.code == 1 and (self.words[0] != "gate" or "regressed" not in self.out.lower()):
            return "ended with 1"
        if self.code not in CODES | {1}:
            return f"ended with {self.code}: {said[-2000:]}"
        if self.code and not said.strip():
            return f"ended with {self.code} without a word"
        if found := STEERING.search(said):
            return f"wrote {found[0]!r}: {said[max(0, found.start() - 80) : found.end() + 80]!r}"
        return ""


class _Kept(io.BytesIO):
    """Outlives the stream over it."""

    def close(self) -> None:
        """Stay open."""


def carry_out(*words: str | Path) -> Ended:
    """Carry out a command line as `python -m harness` does, but here."""
    from harness.cli.ending import carried_out

    given = [str(word) for word in words]
    kept = _Kept(), _Kept()
    streams = [io.TextIOWrapper(one, encoding="utf-8") for one in kept]
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = streams
    try:
        with _limited():
            code = carried_out(given)
    except TooSlow:
        code = 124
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before
    out, err = (one.getvalue().decode("utf-8", "replace") for one in kept)
    return Ended(given, code, out, err)


def _serve(strange: Path, good: Path, place: Path) -> Iterator[Ended]:
    """Show runs as `harness serve` does, and ask for every page."""
    from harness.cli.ending import carried_out  # noqa: F401 - the same imports as the command
    from harness.errors import HarnessError
    from harness.web.runs import RunWatcher

    words = ["serve", str(strange), str(good)]
    try:
        with _limited():
            watched = RunWatcher([strange, good])
            index = watched.page("")
            for link in re.findall(r'href="([^"#:]+)"', index[0].decode() if index else ""):
                watched.page(link)
    except HarnessError as reason:
        yield Ended(words, reason.exit_code, "", str(reason))
    except TooSlow:
        yield Ended(words, 124, "", "")
    except Exception as reason:
        yield Ended(words, 70, "", f"{type(reason).__name__}: {reason}")
    else:
        shown = index is not None and good.name.encode() in index[0] + b"".join(
            watched._files.values()
        )
        yield Ended(words, 0 if shown else 70, "", "shown" if shown else "a good run is not shown")


Attempt = Callable[[Path, Path, Path], Iterator[Ended]]


def _words(*parts: Any) -> Attempt:
    """Return an attempt; ``M`` is the strange folder, ``G`` a good one, ``O`` a free place."""

    def attempt(strange: Path, good: Path, place: Path) -> Iterator[Ended]:
        known = {"M": strange, "G": good, "O": place}
        yield carry_out(*(known.get(part, part) for part in parts))

    return attempt


def _on_a_copy(*parts: Any) -> Attempt:
    """Return an attempt of a command that writes into the folder it reads."""

    def attempt(strange: Path, good: Path, place: Path) -> Iterator[Ended]:
        copy = strange.with_name("copy")
        try:
            copy_of(strange, copy)
        except (shutil.Error, OSError):
            return
        yield from _words(*parts)(copy, good, place)
        shutil.rmtree(copy, ignore_errors=True)

    return attempt


ATTEMPTS: dict[str, Attempt] = {
    "verify": _words("verify", "M"),
    "verify both": _words("verify", "G", "M"),
    "status": _words("status", "M", "G", "--json"),
    "score": _on_a_copy("score", "M"),
    "score json": _on_a_copy("score", "M", "--json"),
    "score forensic": _on_a_copy("score", "M", "--forensic", "pav"),
    "report": _on_a_copy("report", "M"),
    "compare": _words("compare", "G", "M", "--out", "O"),
    "compare json": _words("compare", "M", "G", "--json"),
    "gate": _words("gate", "--baseline", "G", "--candidate", "M", "--out", "O"),
    "gate by it": _words("gate", "--baseline", "M", "--candidate", "G", "--json"),
    "export": _words("export", "M", "--format", "csv", "--out", "O"),
    "export croissant": _words("export", "M", "--format", "croissant", "--out", "O"),
    "export pyeer": _words("export", "M", "--format", "pyeer", "--out", "O"),
    "export tatt-c": _words("export", "M", "--format", "tatt-c", "--out", "O"),
    "export onnx": _words("export", "M", "--format", "onnx", "--fold", "1", "--out", "O"),
    "export aigtatt": _words("export", "M", "--format", "aigtatt", "--out", "O"),
    "leaderboard": _words("leaderboard", "M", "G", "--out", "O"),
    "leaderboard json": _words("leaderboard", "M", "--out", "O", "--json"),
    "compare --attack": _words("compare", "--attack", "M", "G"),
    "baseline": _words("baseline", "set", "M", "--name", "x", "--why", "y", "--folder", "O"),
    "serve": _serve,
}


def try_all(
    strange: Path, good: Path, place: Path, rng: random.Random, number: int | None = None
) -> Iterator[Ended]:
    """Carry out commands on a strange folder: all, or some of them."""
    names = list(ATTEMPTS)
    for name in names if number is None else rng.sample(names, number):
        shutil.rmtree(place, ignore_errors=True)
        place.unlink(missing_ok=True)
        yield from ATTEMPTS[name](strange, good, place)


@contextmanager
def _limited() -> Iterator[None]:
    def late(_: int, __: FrameType | None) -> None:
        raise TooSlow

    kinds = (signal.SIGALRM, signal.SIGPROF)
    before = [signal.signal(kind, late) for kind in kinds]
    signal.alarm(WAIT)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
