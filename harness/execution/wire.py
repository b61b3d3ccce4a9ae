"""The line between the harness and a worker: messages of a JSON head and plain arrays.

A message is read with a bound on its size before anything is allocated for it, and nothing in it
is ever unpickled: neither side has to trust the other.
"""

from __future__ import annotations

import math
import select
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
"""Numbers of any shape and dtype, as the message that comes with them says."""

HEAD_SIZE = struct.Struct("<I")
LARGEST_HEAD = 1 << 28
"""Bytes of a head that a worker takes from the harness: all that is said of training images."""

_BUFFER = 1 << 20
_LOOK_EVERY = 100
"""Milliseconds between looks at the other side while nothing comes."""


class BadMessage(Exception):
    """What came is no message, or is larger than what was asked for."""


class Ended(Exception):
    """The other side has closed the line."""


class _Head(msgspec.Struct):
    message: msgspec.Raw
    arrays: list[tuple[str, list[int]]] = []


class Wire:
    """One end of a line.

    Parameters
    ----------
    line
        A connected stream socket.
    look
        Called every now and then while the other side is waited for; may raise.
    heard
        Called when anything comes or goes.
    """

    def __init__(
        self,
        line: socket.socket,
        look: Callable[[], None] = lambda: None,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._line = line
        self._look, self._heard = look, heard
        for side in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            with suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, side, _BUFFER)

    def send(self, message: Any, arrays: Sequence[Array] = ()) -> None:
        """Send a message that JSON can hold, and arrays of numbers.

        Raises
        ------
        Ended
            If nobody reads it.
        """
        plain = [_plain(array) for array in arrays]
        head = msgspec.json.encode(
            _Head(
                msgspec.Raw(msgspec.json.encode(message)),
                [(array.dtype.str, list(array.shape)) for array in plain],
            )
        )
        self._write(HEAD_SIZE.pack(len(head)) + head)
        for array in plain:
            if array.size:
                self._write(array.reshape(-1).view(np.uint8))

    def receive(self, kind: Any, most: int, most_head: int) -> tuple[Any, list[Array]]:
        """Receive a message and its arrays, which are read-only.

        Parameters
        ----------
        kind
            Type of the message.
        most
            Bytes that its arrays may have together.
        most_head
            Bytes that the rest may have.

        Raises
        ------
        Ended
            If the other side has closed the line.
        BadMessage
            If it is something else, or larger.
        """
        (length,) = HEAD_SIZE.unpack(self._read(HEAD_SIZE.size))
        if length > most_head:
            raise BadMessage(f"a message of {length:,} bytes; {most_head:,} are taken")
        try:
            head = msgspec.json.decode(self._read(length), type=_Head)
            message = msgspec.json.decode(head.message, type=kind)
        except (msgspec.DecodeError, RecursionError) as reason:
            raise BadMessage(f"no message ({reason})") from None
        shapes = [_checked(dtype, shape) for dtype, shape in head.arrays]
        size = sum(dtype.itemsize * math.prod(shape) for dtype, shape in shapes)
        if size > most:
            raise BadMessage(f"arrays of {size:,} bytes; {most:,} are taken")
        arrays = []
        for dtype, shape in shapes:
            count = math.prod(shape)
            if dtype.kind == "b":  # whatever the bytes are, these are yes or no
                plain = np.frombuffer(self._read(count), np.uint8, count=count) != 0
                plain.flags.writeable = False
            elif count:
                plain = np.frombuffer(self._read(dtype.itemsize * count), dtype, count=count)
            else:
                plain = np.empty(0, dtype)
            arrays.append(plain.reshape(shape))
        return message, arrays

    def close(self) -> None:
        """Close this end."""
        self._line.close()

    def _write(self, data: Any) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            self._wait(select.POLLOUT)
            try:
                sent = self._line.send(rest, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except BlockingIOError:
                continue
            except OSError:
                raise Ended from None
            self._heard()
            rest = rest[sent:]

    def _read(self, count: int) -> memoryview:
        data = bytearray(count)
        rest = memoryview(data)
        while rest:
            self._wait(select.POLLIN)
            try:
                got = self._line.recv_into(rest, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except OSError:
                raise Ended from None
            if got == 0:
                raise Ended
            self._heard()
            rest = rest[got:]
        return memoryview(data).toreadonly()

    def _wait(self, event: int) -> None:
        poll = select.poll()
        try:
            poll.register(self._line, event)
        except (OSError, ValueError):
            raise Ended from None
        while not poll.poll(_LOOK_EVERY):
            try:
                self._look()
            except Ended:
                if not poll.poll(0):  # it may have spoken, and gone, since
                    raise


def _plain(array: Array) -> Array:
    """Return an array without gaps, in the byte order of this machine."""
    plain: Array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    return plain.reshape(array.shape)  # a scalar stays one


def _checked(name: str, shape: list[int]) -> tuple[np.dtype[Any], list[int]]:
    try:
        dtype = np.dtype(name)
    except (TypeError, ValueError):
        raise BadMessage(f"no type of numbers: {name[:40]!r}") from None
    if dtype.kind not in "biuf" or dtype.str != name:
        raise BadMessage(f"arrays of {name[:40]!r}")
    if len(shape) > 32 or any(side < 0 for side in shape):
        raise BadMessage("an array of a shape that there is not")
    return dtype, shape
