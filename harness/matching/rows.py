"""Rows of vectors in `.npy` files, one file or many, read a few at a time and never as a whole.

They are read, not mapped into memory: a file that was cut short meanwhile is an error with a name,
not the end of the process, and what was read long ago does not count as memory in use.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.errors import DataError, UsageError, visible

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

TINY = 1e-30
"""Rows shorter than this are scaled in float64: the factor would be none in float32."""


class VectorFile(msgspec.Struct, frozen=True):
    """A `.npy` file of vectors, as its header describes it.

    Parameters
    ----------
    path
        Of the file.
    rows, dimension
        Its shape.
    start
        Bytes before the first number.
    dtype
        As NumPy writes it: ``<f4``.
    by_columns
        Whether its columns lie one behind the other (Fortran's order), not its rows.
    """

    path: str
    rows: int
    dimension: int
    start: int
    dtype: str
    by_columns: bool


def vector_file(path: Path) -> VectorFile:
    """Read the header of a `.npy` file of vectors, and hold it against the file's size.

    Raises
    ------
    DataError
        If it is no such file, holds objects or no floating point, or is no table of vectors.
    """
    file_name = visible(str(path))
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            version = np.lib.format.read_magic(file)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                raise DataError(f"{file_name} has version {version} of .npy; expected 1.0 or 2.0")
            shape, by_columns, dtype = read(file)
            start = file.tell()
    except OSError as reason:
        raise DataError(f"{file_name} cannot be read: {reason.strerror or reason}") from None
    except DataError:
        raise
    except Exception as reason:  # the header is Python's syntax, in which much can be wrong
        why = " ".join(str(reason).split())
        raise DataError(
            f"{file_name} is no .npy file of vectors ({why}); write one with numpy.save(FILE, "
            "vectors)"
        ) from None
    if dtype.hasobject:
        raise DataError(
            f"{file_name} holds pickled objects, and none is unpickled, as that runs code; "
            "save one array of floats: numpy.save(FILE, numpy.asarray(vectors, 'float32'))"
        )
    if dtype.kind != "f" or dtype.subdtype is not None or dtype.itemsize not in (2, 4, 8):
        raise DataError(
            f"{file_name} holds {dtype}; expected float16, float32 or float64, one vector a row"
        )
    if len(shape) != 2 or 0 in shape:
        raise DataError(
            f"{file_name} has shape {tuple(shape)}; expected (vectors, dimensions), neither of "
            "them 0"
        )
    wanted = start + math.prod(shape) * dtype.itemsize
    if size != wanted:
        raise DataError(
            f"{file_name} has {size:,} bytes and its header promises {wanted:,}: it was cut short, "
            "or is still being written"
        )
    return VectorFile(str(path.absolute()), shape[0], shape[1], start, dtype.str, bool(by_columns))


def vector_files(path: Path, what: str) -> list[VectorFile]:
    """Return the file at a path, or the `.npy` files in a folder, by the numbers in their names.

    Parameters
    ----------
    what
        They are, in the plural, for messages.

    Raises
    ------
    UsageError
        If there is nothing there.
    DataError
        If a file is not as `vector_file` wants it, or two have vectors of different length.
    """
    if path.is_dir():
        paths = sorted(path.glob("*.npy"), key=lambda one: natural(one.name))
        if not paths:
            raise UsageError(f"{visible(str(path))} has no .npy file; expected the {what} in some")
    elif path.exists():
        paths = [path]
    else:
        raise UsageError(f"{visible(str(path))} does not exist; expected the {what}: a .npy file")
    return [vector_file(one) for one in paths]


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return what sorts names as people do: ``shard-2`` before ``shard-10``.

    >>> sorted(["s-10.npy", "s-2.npy"], key=natural)
    ['s-2.npy', 's-10.npy']
    """
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for sign in f"{name}\0":
        if sign.isascii() and sign.isdigit():
            digits += sign
            continue
        if digits:
            parts.append((0, int(digits), digits))
            digits = ""
        parts.append((1, 0, sign))
    return parts


class Rows:
    """Vectors of several files, one after another, in float32.

    Parameters
    ----------
    files
        At least one; all of one dimension.
    scale
        float64, shape (rows,): factor of each row. None for the rows as they are.

    Raises
    ------
    DataError
        When rows are read that the files no longer hold.
    """

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(
        self, files: Sequence[VectorFile], scale: npt.NDArray[np.float64] | None = None
    ) -> None:
        self._files = list(files)
        self._first = np.cumsum([0, *(file.rows for file in files)])
        self.shape = (int(self._first[-1]), files[0].dimension)
        self._scale = None if scale is None else np.asarray(scale)
        self._open: dict[int, io.FileIO] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, wanted: slice | Ints) -> Floats:
        """Return some rows, scaled: float32, shape (wanted, dimension).

        What a row becomes does not depend on the rows that are read with it.
        """
        if isinstance(wanted, slice):
            start, stop, _ = wanted.indices(len(self))
            pieces = [
                self._scaled(rows, slice(at, at + len(rows)))
                for at, rows in self.pieces(start, stop)
            ]
            if len(pieces) == 1:
                return pieces[0]
            return np.concatenate(pieces) if pieces else np.empty((0, self.shape[1]), np.float32)
        numbers = np.asarray(wanted)
        kinds = {np.dtype(file.dtype).newbyteorder("=") for file in self._files}
        if len(kinds) > 1:
            found = np.empty((len(numbers), self.shape[1]), np.float32)
            for place, start, stop in _runs(numbers):
                found[place : place + stop - start] = self[start:stop]
            return found
        read = np.empty((len(numbers), self.shape[1]), kinds.pop())
        for place, start, stop in _runs(numbers):
            for at, rows in self.pieces(start, stop):
                read[place + at - start : place + at - start + len(rows)] = rows
        return self._scaled(read, numbers)

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, npt.NDArray[np.floating[Any]]]]:
        """Read some rows as they are, file by file.

        Each piece comes with the number of its first row, in the machine's order of bytes and in
        its file's type: shape (rows, dimension).
        """
        if stop <= start:
            return
        first = int(np.searchsorted(self._first, start, side="right")) - 1
        for i in range(first, int(np.searchsorted(self._first, stop, side="left"))):
            low, high = int(self._first[i]), int(self._first[i + 1])
            at = max(start, low)
            yield at, self._read(i, at - low, min(stop, high) - low)

    def _scaled(self, rows: npt.NDArray[np.floating[Any]], numbers: slice | Ints) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled: Floats
            if self._scale is None:
                scaled = rows.astype(np.float32, copy=False)
                return scaled
            scale = self._scale[numbers][:, np.newaxis]
            if rows.dtype.itemsize == 8:
                scaled = np.multiply(rows, scale).astype(np.float32)
                return scaled
            small = np.flatnonzero(scale[:, 0] > 1 / TINY)
            exact = rows[small].astype(np.float64) * scale[small]
            scaled = rows.astype(np.float32, copy=False)
            np.multiply(scaled, scale.astype(np.float32), out=scaled)
            scaled[small] = exact
            return scaled

    def _read(self, i: int, start: int, stop: int) -> npt.NDArray[np.floating[Any]]:
        file = self._files[i]
        dtype = np.dtype(file.dtype)
        if file.by_columns:
            columns = np.empty((file.dimension, stop - start), dtype)
            for column in range(file.dimension):
                at = (column * file.rows + start) * dtype.itemsize
                self._fill(i, columns[column], file.start + at)
            found = np.ascontiguousarray(columns.T)
        else:
            found = np.empty((stop - start, file.dimension), dtype)
            self._fill(i, found, file.start + start * file.dimension * dtype.itemsize)
        native = dtype.newbyteorder("=")
        return found if found.dtype == native else found.astype(native)

    def _fill(self, i: int, array: Any, offset: int) -> None:
        """Read the bytes of an array from a file."""
        path = self._files[i].path
        try:
            if i not in self._open:
                self._open[i] = io.FileIO(path)
            left = memoryview(array).cast("B")
            while len(left):
                got = os.preadv(self._open[i].fileno(), [left], offset)
                if not got:
                    raise DataError(
                        f"{visible(path)} ends early: it changed while it was being matched"
                    )
                left, offset = left[got:], offset + got
        except OSError as reason:
            raise DataError(f"{visible(path)} cannot be read: {reason.strerror}") from None


def _runs(numbers: Ints) -> list[tuple[int, int, int]]:
    """Return where numbers that follow each other begin, with the first and what is behind them."""
    if not len(numbers):
        return []
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 2) != 1)
    first = numbers[starts]
    behind = first + np.diff(starts, append=len(numbers))
    return list(zip(starts.tolist(), first.tolist(), behind.tolist(), strict=True))
