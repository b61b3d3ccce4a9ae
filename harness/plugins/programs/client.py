"""A program and the line to it: asked, listened to within limits, and ended.

Whatever it does wrong has a name and a sentence of its own (`harness.plugins.programs.messages`),
in which the last lines of its standard error stand. It is a child of the algorithm's process, so
that fence, time and memory of that hold for it, too.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from harness.errors import PluginError, text_of
from harness.plugins.programs.messages import (
    FAULTS,
    LAST_LINES,
    LONGEST_LINE,
    MESSAGES,
    PARTING,
    VERSION,
    Failure,
    Goodbye,
    Hello,
    Welcome,
)

_PIPE = 1 << 20
"""Bytes that a pipe holds where the system lets it: a picture goes through in one piece."""

_SHOWN = 80
"""Bytes shown of what is no answer."""

_LONGEST_ERROR_LINE = 300
_PART = 1 << 16

T = TypeVar("T")


class ProgramFault(PluginError):
    """A program did not keep to the line protocol, or said that it cannot go on.

    Parameters
    ----------
    fault
        A key of `harness.plugins.programs.messages.FAULTS`.
    text
        What is said.
    """

    def __init__(self, fault: str, text: str) -> None:
        self.fault = fault
        super().__init__(text)


class Refused(Exception):
    """The program gives no answer to this one picture or search; the text says why."""


class Program:
    """A program that is started when it is first asked.

    Parameters
    ----------
    words
        Of its command.
    name
        For messages; that of the first word's file unless given.
    seconds
        That answers may take, by the name of the question, where not those of the protocol.
    """

    def __init__(
        self, words: Sequence[str], *, name: str = "", seconds: dict[str, float] | None = None
    ) -> None:
        self._words = list(words)
        self.name = name or Path(self._words[0]).name
        self._seconds = {name: one.seconds for name, one in MESSAGES.items()} | (seconds or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._read = bytearray()
        self.welcome: Welcome | None = None
        self.prepared: Any = None
        """The parameters that it was told."""
        self.holder: Any = None
        """Whose references it keeps."""

    @property
    def words(self) -> list[str]:
        """Of its command."""
        return list(self._words)

    @property
    def pid(self) -> int | None:
        """Of its process, if there is one."""
        return None if self._process is None else self._process.pid

    def hello(self) -> Welcome:
        """Start it where it is not running, and return what it says of itself.

        Raises
        ------
        ProgramFault
            If it cannot be started, speaks another version, or says what is no answer.
        """
        if self._process is not None and self.welcome is not None:
            return self.welcome
        self._start()
        known = self.welcome
        said = self.ask(Hello(), answer=Welcome)[0]
        if said.protocol != VERSION:
            self._fault("another version", "hello", said.protocol)
        if known is not None and said != known:
            self._fault("bad hello", "hello", "something else than when it was started before")
        self.welcome = said
        return said

    def ask(
        self,
        question: msgspec.Struct,
        payload: Any = b"",
        *,
        answer: type[T],
        expected: Callable[[int], str] | None = None,
    ) -> tuple[T, bytearray]:
        """Ask, and return the answer with the bytes that follow it.

        Parameters
        ----------
        question
            The message.
        payload
            Bytes that follow it.
        answer
            Type of what is answered.
        expected
            Called with the number of bytes that are announced; returns what is wrong with it.

        Raises
        ------
        Refused
            If the program gives no answer to this one picture or search.
        ProgramFault
            If it does anything else but answer.
        """
        if self._process is None:
            self.hello()
        asked = str(question.__struct_config__.tag)
        until = time.monotonic() + self._seconds[asked]
        if not self._read and self._is_readable():
            self._take(asked, until)
        if self._read:
            self._fault("unasked", asked, _shown(self._read))
        line = msgspec.json.encode(question) + b"\n"
        if len(line) > LONGEST_LINE:
            raise PluginError(
                f"{self.name}: {asked!r} would take a line of {len(line):,} bytes, and "
                f"{LONGEST_LINE:,} are allowed"
            )
        self._write(line, asked, until)
        if len(payload):
            self._write(payload, asked, until)
        said = self._answer(self._line(asked, until), answer, asked)
        count = getattr(said, "bytes", 0)
        if count and expected is not None and (wrong := expected(count)):
            self._fault("too many bytes", asked, wrong)
        return said, self._bytes(count, asked, until)

    def fault(self, fault: str, question: str, what: Any) -> NoReturn:
        """Raise what is wrong with an answer, and end the program.

        Parameters
        ----------
        fault
            A key of `FAULTS`.
        question
            Its name.
        what
            The fault's own words.
        """
        self._fault(fault, question, what)

    def close(self) -> str:
        """Say goodbye and end it; return what was odd about its end, in a clause.

        Raises
        ------
        ProgramFault
            If it said more than it was asked: then an answer may be that to another question.
        """
        process = self._process
        if process is None:
            return ""
        odd = ""
        try:
            self.ask(Goodbye(), answer=MESSAGES["goodbye"].answer)
            process.wait(PARTING)
        except (PluginError, Refused) as reason:
            if isinstance(reason, ProgramFault) and reason.fault == "unasked":
                raise
            odd = str(reason)
        except subprocess.TimeoutExpired:
            odd = f"it answered 'goodbye' and did not end in {PARTING:.0f} s"
        else:
            if process.returncode:
                odd = f"it {_ended(process.returncode)} after 'goodbye'"
        self._end()
        return odd

    def end_input(self) -> str:
        """Close its standard input, and return what was odd about its end, in a clause."""
        self.hello()
        process = self._process
        odd = ""
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                process.wait(PARTING)
            except subprocess.TimeoutExpired:
                odd = f"it did not end in {PARTING:.0f} s"
        self._end()
        return odd

    def _start(self) -> None:
        try:
            self._process = process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as reason:
            what = f"{reason.strerror or reason}: {self._words[0]}"
            if reason.strerror == "Exec format error":
                what += " (a script begins with a line such as #!/bin/sh)"
            self._fault("absent", "hello", what)
        self.prepared = self.holder = None
        self._read.clear()
        self._said.clear()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                with suppress(OSError, AttributeError):
                    fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        self._listener = threading.Thread(
            target=_listen, args=(process.stderr, self._said, sys.stdout), daemon=True
        )
        self._listener.start()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if process.poll() is None:
            process.kill()
        process.wait()
        self._settle()
        self._read.clear()

    def _settle(self) -> None:
        """Wait a moment for the rest of what it says on standard error."""
        if self._listener is not None:
            self._listener.join(0.5)

    def _answer(self, line: bytes, answer: type[T], asked: str) -> T:
        try:
            keys = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, RecursionError) as reason:
            known = any(word in line for word in (b"NaN", b"nan", b"Infinity", b"inf"))
            more = "; JSON has neither NaN nor infinity" if known else ""
            self._fault("garbage", asked, f"{_shown(line)} ({reason}{more})")
        kind: Any = Failure if "failure" in keys else answer
        try:
            said = msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, RecursionError) as reason:
            self._fault("wrong answer", asked, f"{_shown(line)} ({reason})")
        if isinstance(said, Failure):
            if said.failure == "refused":
                raise Refused(said.message)
            self._fault(said.failure, asked, said.message or "it does not say why")
        found: T = said
        return found

    def _line(self, asked: str, until: float) -> bytes:
        looked = 0
        while True:
            end = self._read.find(b"\n", looked)
            if end >= LONGEST_LINE or (end < 0 and len(self._read) >= LONGEST_LINE):
                self._fault("too long a line", asked, f"{len(self._read):,}")
            if end >= 0:
                line = bytes(self._read[:end])
                del self._read[: end + 1]
                return line
            looked = len(self._read)
            self._take(asked, until)

    def _bytes(self, count: int, asked: str, until: float) -> bytearray:
        found = bytearray(count)
        have = min(count, len(self._read))
        found[:have] = self._read[:have]
        del self._read[:have]
        rest = memoryview(found)[have:]
        while rest:
            self._wait(asked, until, select.POLLIN)
            with suppress(BlockingIOError):
                got = os.readv(self._out, [rest])
                if not got:
                    self._gone(asked)
                rest = rest[got:]
        return found

    def _take(self, asked: str, until: float) -> None:
        """Read what is there of standard output, once there is anything."""
        self._wait(asked, until, select.POLLIN)
        with suppress(BlockingIOError):
            part = os.read(self._out, _PART)
            if not part:
                self._gone(asked)
            self._read += part

    def _write(self, data: Any, asked: str, until: float) -> None:
        """Write a question; what is said meanwhile is read, so that neither waits for the other."""
        rest = memoryview(data).cast("B")
        while rest:
            if self._wait(asked, until, select.POLLOUT) == self._out:
                self._take(asked, until)
                if len(self._read) > LONGEST_LINE:
                    self._fault("too long a line", asked, f"{len(self._read):,}")
                continue
            try:
                sent = os.write(self._in, rest[: 1 << 20])
            except BlockingIOError:
                continue
            except OSError:
                self._gone(asked)
            rest = rest[sent:]

    def _wait(self, asked: str, until: float, event: int) -> int:
        """Wait until the program can be written to (or, always, read from); return which."""
        poll = select.poll()
        if event == select.POLLOUT:
            poll.register(self._in, select.POLLOUT)
        poll.register(self._out, select.POLLIN)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                self._fault("silence", asked, f"{self._seconds[asked]:g}")
            ready = dict(poll.poll(min(left, 1.0) * 1000))
            if event == select.POLLOUT and ready.get(self._in):
                return self._in
            if ready.get(self._out):
                if event == select.POLLOUT and not ready[self._out] & select.POLLIN:
                    self._gone(asked)
                return self._out

    def _is_readable(self) -> bool:
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        return bool(poll.poll(0))

    @property
    def _in(self) -> int:
        return self._process.stdin.fileno()  # type: ignore[union-attr]

    @property
    def _out(self) -> int:
        return self._process.stdout.fileno()  # type: ignore[union-attr]

    def _gone(self, asked: str) -> NoReturn:
        process = self._process
        what = "its standard output"
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(1.0)
            code = process.returncode
            what = "its standard output" if code is None else _ended(code).removeprefix("ended ")
        self._fault("early exit", asked, what)

    def _fault(self, fault: str, asked: str, what: Any) -> NoReturn:
        """End the program and say what it did."""
        self._end()
        text = FAULTS[fault].format(asked=asked, what=what)
        last = " | ".join(self._said)
        said = f"; it last said on standard error: {last}" if last else ""
        raise ProgramFault(fault, f"the program {self.name!r} {text}{said}")


def _listen(pipe: Any, said: deque[str], log: Any) -> None:
    """Pass on what a program says on standard error, and keep its last lines."""
    rest = b""
    with pipe:
        while part := os.read(pipe.fileno(), _PART):
            *lines, rest = (rest + part).split(b"\n")
            rest = rest[:_LONGEST_ERROR_LINE]
            for line in lines:
                _keep(line, said, log)
    if rest:
        _keep(rest, said, log)


def _keep(line: bytes, said: deque[str], log: Any) -> None:
    text = text_of(line[:_LONGEST_ERROR_LINE].decode("utf-8", "replace"), _LONGEST_ERROR_LINE)
    if text.strip():
        said.append(text)
        with suppress(OSError, ValueError):
            log.write(f"{text}\n")
            log.flush()


def _ended(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _shown(line: bytes | bytearray) -> str:
    text = text_of(bytes(line[:_SHOWN]).decode("utf-8", "replace"), _SHOWN)
    return repr(text) + " ..." * (len(line) > _SHOWN)
