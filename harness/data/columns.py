"""Arrays as one file, and back: NumPy's `.npz` without compression and without pickle.

Equal arrays give equal bytes. What is read may be another's: nothing is allocated that the file
does not hold.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

MOST = 1000
"""Arrays of one file."""


def packed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return arrays of any shape as the bytes of a file, which depend on nothing but them."""
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def unpacked(content: bytes) -> Arrays:
    """Return the arrays of a file, each in the shape and dtype that it was written in; read-only.

    Raises
    ------
    ValueError
        If it is no such file, is compressed, holds objects, or less than it promises.
    """
    found: Arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            entries = file.infolist()
            if len(entries) > MOST or sum(one.file_size for one in entries) > len(content):
                raise ValueError("it promises more than it holds")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{entry.filename} is compressed")
                found[entry.filename.removesuffix(".npy")] = _array(
                    file.read(entry), entry.filename
                )
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as reason:
        raise ValueError(f"it is no .npz file: {reason}") from None
    return found


def _array(content: bytes, name: str) -> npt.NDArray[Any]:
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"version {version}; expected 1.0")
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as reason:  # the header is Python's syntax, in which much can be wrong
        raise ValueError(f"{name} is no array: {' '.join(str(reason).split())}") from None
    if dtype.kind not in "biuf" or dtype.subdtype is not None:
        raise ValueError(f"{name} holds {dtype}; expected numbers")
    if by_columns and len(shape) > 1:
        raise ValueError(f"{name} lies by columns; expected rows")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"{name} promises shape {shape}, and does not hold it")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)
