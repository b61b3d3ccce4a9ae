"""What a worker prints: the beginning and the end of it, however much it is."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from harness.errors import text_of

HEAD, TAIL = 1 << 18, 1 << 18
"""Bytes kept of the beginning and of the end of what one process prints."""

LONGEST = 8 * (HEAD + TAIL)
"""Bytes of a log to which several processes have added; what is older is dropped."""

_PART = 1 << 16


class Log:
    """A file to which what one process prints is added.

    Parameters
    ----------
    file
        Of the log; other processes may have added to it before. None to keep it in memory alone.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._read, self.end = os.pipe()
        """The descriptor for the process to write to."""
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._kept = self._dropped = self._written = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > LONGEST:
            file.write_bytes(file.read_bytes()[-LONGEST // 2 :])
        file.touch()

    def started(self) -> None:
        """Begin to read, now that the process holds the other end."""
        os.close(self.end)
        self.end = -1
        self._reader.start()

    def settle(self) -> None:
        """Wait a little for what has been printed to arrive, and write it to the file."""
        if self._reader.is_alive():
            self._reader.join(timeout=0.2)
        self._write()

    def last_line(self) -> str:
        """Return the last line printed, at most 300 characters of it."""
        with self._lock:
            text = b"".join([self._head[-_PART:], *self._tail]).decode("utf-8", "replace")
        lines = text.strip().splitlines()
        return text_of(lines[-1], 300) if lines else ""

    def close(self) -> None:
        """Write what there is; whoever still holds the other end is no longer listened to."""
        if self.end >= 0:
            os.close(self.end)
        if self._reader.is_alive():
            self._reader.join(timeout=1.0)
        self._write()
        if not self._reader.is_alive():
            os.close(self._read)

    def _listen(self) -> None:
        with suppress(OSError):
            while part := os.read(self._read, _PART):
                with self._lock:
                    self._add(part)

    def _add(self, part: bytes) -> None:
        room = HEAD - len(self._head)
        self._head += part[:room]
        if rest := part[room:] if room > 0 else part:
            self._tail.append(rest)
            self._kept += len(rest)
        while self._kept > TAIL + _PART:
            self._dropped += len(self._tail[0])
            self._kept -= len(self._tail.popleft())

    def _write(self) -> None:
        """Add what was printed since the last time; the end replaces what it was before."""
        if self.file is None:
            return
        with self._lock:
            parts = [bytes(self._head)]
            if self._dropped:
                parts.append(f"\n... {self._dropped:,} bytes left out ...\n".encode())
            text = b"".join([*parts, *self._tail])
        with self.file.open("r+b") as file:
            start = self._start(file.seek(0, os.SEEK_END))
            file.seek(start)
            file.write(text)
            file.truncate()
            self._written = len(text)

    def _start(self, size: int) -> int:
        return max(0, size - self._written)
