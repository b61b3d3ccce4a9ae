"""Output that any console can show, and that ends well where its reader or its disk is gone."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

from harness.errors import Unwritable, sentence_of

__all__ = ["Said", "guard", "plain", "steering"]

HANDLER = "harness-plain"
"""Name of the error handler for what an encoding lacks."""

_PLAIN = {
    **dict.fromkeys("−–—‐‑", "-"),
    **dict.fromkeys("‘’", "'"),
    "…": "...",
    "×": "x",
    "±": "+-",
    "≤": "<=",
    "≥": ">=",
    "→": "->",
    "·": ".",
}

_STEERING = {
    code: f"\\u{code:04x}"
    for code in (
        *(c for c in range(0x20) if chr(c) not in "\n\t"),
        *range(0x7F, 0xA0),
        *(0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    )
}
"""Signs that no line of ours has, and a name from somebody's file may have: as JSON writes them."""


def plain(reason: UnicodeError) -> tuple[str, int]:
    r"""Write what an encoding lacks: a plain sign where there is one, otherwise ``\uXXXX``.

    A codecs error handler. The escape is JSON's own, so that JSON stays JSON.

    >>> codecs.register_error("doctest-plain", plain)
    >>> "−0.5 Łódź 🌹".encode("ascii", "doctest-plain").decode()
    '-0.5 \\u0141\\u00f3d\\u017a \\ud83c\\udf39'
    """
    if not isinstance(reason, UnicodeEncodeError):
        raise reason
    lacking = reason.object[reason.start : reason.end]
    return "".join(_PLAIN.get(letter) or _escaped(letter) for letter in lacking), reason.end


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


class Said(io.TextIOWrapper):
    """A stream to a console, a pipe or a file.

    Where the reader has gone, nothing more is said and nothing is wrong: the command goes on to its
    own exit code. Any other fault of writing ends it with a sentence, except where the stream is
    for talk alone.

    Parameters
    ----------
    stream
        Standard output or standard error.
    name
        For the sentence.
    talk
        Whether what cannot be written is of no consequence.
    """

    def __init__(self, stream: io.TextIOWrapper, name: str, *, talk: bool) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors=HANDLER,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._said_as, self._talk = name, talk
        # Who is let go closes the buffer behind it.
        self._stream = stream
        self._fault: Unwritable | None = None

    def write(self, text: str) -> int:
        """Write a text; what the encoding lacks is replaced, what steers a terminal written out."""
        self.pass_on(text.translate(_STEERING))
        return len(text)

    def pass_on(self, text: str) -> None:
        """Write a text of our own that may steer the terminal."""
        self._say_again()
        try:
            super().write(text)
        except OSError as reason:
            self._gone(reason)

    def flush(self) -> None:
        """Pass on what was written."""
        self._say_again()
        try:
            super().flush()
        except OSError as reason:
            self._gone(reason)

    def settle(self) -> Unwritable | None:
        """Pass on what is left, and return what went wrong, which is then over."""
        with suppress(Unwritable):
            self.flush()
        fault, self._fault = self._fault, None
        return fault

    def _gone(self, reason: OSError) -> None:
        # What is still kept back goes nowhere, or Python would try again at its end and fail.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        if not (self._talk or isinstance(reason, BrokenPipeError)):
            self._fault = Unwritable(f"{self._said_as} cannot be written: {sentence_of(reason)}")
            raise self._fault from None

    def _say_again(self) -> None:
        # Whoever tried the stream out may have kept the fault to itself, as click does.
        if self._fault is not None:
            raise self._fault


class Steering:
    """A stream for bars that move: what they write is ours, and reaches the terminal as it is."""

    def __init__(self, stream: Said) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as it is."""
        self._stream.pass_on(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def steering(stream: TextIO) -> TextIO:
    """Return a stream through which a terminal can be steered."""
    return cast("TextIO", Steering(stream)) if isinstance(stream, Said) else stream


def guard() -> None:
    """Let this process talk through `Said`."""
    codecs.register_error(HANDLER, plain)
    if type(sys.stdout) is io.TextIOWrapper:
        sys.stdout = Said(sys.stdout, "standard output", talk=False)
    if type(sys.stderr) is io.TextIOWrapper:
        sys.stderr = Said(sys.stderr, "standard error", talk=True)
