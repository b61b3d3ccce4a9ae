"""The matrix product under every score: one shape of block, one thread, one rounding.

BLAS adds up a dot product in an order of its own, which may change with the shape of the matrices,
the number of threads and the place inside them, and with it the last bit of a score. So products
are taken of blocks whose sides are multiples of `ROW_STEP` and `COLUMN_STEP`, padded with zeros,
by one thread each. Of the BLAS libraries at hand the first is used that gives two equal vectors
one score wherever they stand (`place_free`); OpenBLAS has processor types where it does not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Floats: TypeAlias = npt.NDArray[np.float32]
Product: TypeAlias = Callable[[Floats, Floats, Floats], Any]
"""Writes the product of the first two matrices into the third."""

ROW_STEP, COLUMN_STEP = 96, 192
"""Blocks have multiples of these sides: multiples of the inner blocks of common BLAS kernels."""

ROWS, COLUMNS = 480, 1920
"""The largest block: its scores (3.7 MB) stay in a processor's cache for the passes over them."""

TALL = 1056
"""Rows of a block where many probes meet each reference: fewer blocks, each nearer to the limit of
the processor; higher ones leave its cache."""


@cache
def product_for(dimension: int) -> tuple[Product, bool]:
    """Return the product to use for vectors of one length, and whether it is free of place.

    Parameters
    ----------
    dimension
        Length of the vectors.

    Returns
    -------
    product, place_free
        ``product(left, right, out)`` for float32 of shapes (rows, dimension), (dimension, columns)
        and (rows, columns). The second is a view of rows, which BLAS turns as it packs them: no
        score differs from that of a copy in columns, which takes time of its own. Where
        `place_free` is False no library passed the check: bit-equal templates at two places of a
        gallery may then differ in the last bit of their scores.
    """
    if place_free(_numpy, dimension):
        return _numpy, True
    try:
        import torch
    except ImportError:
        return _numpy, False

    def by_torch(left: Floats, right: Floats, out: Floats) -> None:
        torch.mm(torch.from_numpy(left), torch.from_numpy(right), out=torch.from_numpy(out))

    with single_threaded():
        return (by_torch, True) if place_free(by_torch, dimension) else (_numpy, False)


def place_free(product: Product, dimension: int) -> bool:
    """Whether equal vectors have bit-equal scores at all places of blocks small and large.

    Parameters
    ----------
    product
        ``product(left, right, out)`` for float32 of the shapes that `product_for` states.
    dimension
        Length of the vectors.
    """
    rng = np.random.default_rng(dimension)
    with single_threaded():
        for shape in ((ROW_STEP, COLUMN_STEP), (ROWS, COLUMNS)):
            left, right = rng.standard_normal((2, dimension)).astype(np.float32)
            out = np.empty(shape, np.float32)
            product(np.tile(left, (shape[0], 1)), np.tile(right, (shape[1], 1)).T, out)
            if out.min() != out.max():
                return False
    return True


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep BLAS to one thread: blocks are spread over threads, never a product."""
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
        torch = sys.modules.get("torch")
        if torch is not None:
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
        yield


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def padded(length: int, step: int) -> int:
    """Return the smallest multiple of a step that holds a length.

    >>> padded(1, 96), padded(96, 96), padded(97, 96)
    (96, 96, 192)
    """
    return -(-length // step) * step


def _numpy(left: Floats, right: Floats, out: Floats) -> None:
    np.matmul(left, right, out=out)
