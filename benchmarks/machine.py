"""The machine's own limits: what no program can beat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.timing import Contender, Timing, race
from harness.matching.product import COLUMNS, cores, product_for, single_threaded

Floats = npt.NDArray[np.float32]

PROBES = 2016
"""Rows of a tile whose scores nobody looks at: more than a cache should hold."""


def product_in_tiles(probes: Floats, references: Floats, threads: int) -> None:
    """Multiply all probes with all references into one tile for each thread, and keep nothing.

    The fastest way found here: many probes at once, and references as they lie.
    """
    multiply, _ = product_for(probes.shape[1])
    borders = [len(references) * i // threads for i in range(threads + 1)]

    def work(thread: int) -> None:
        tile = np.empty(PROBES * COLUMNS, np.float32)
        first, stop = borders[thread : thread + 2]
        for at in range(first, stop, COLUMNS):
            columns = references[at : min(at + COLUMNS, stop)].T
            for top in range(0, len(probes), PROBES):
                rows = probes[top : top + PROBES]
                size = len(rows) * columns.shape[1]
                multiply(rows, columns, tile[:size].reshape(len(rows), columns.shape[1]))

    with single_threaded(), ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def product_in_blocks(probes: Floats, references: Floats) -> None:
    """Multiply in blocks of a thousand probes with the threads of BLAS."""
    out = np.empty((min(1000, len(probes)), len(references)), np.float32)
    for first in range(0, len(probes), 1000):
        rows = probes[first : first + 1000]
        np.matmul(rows, references.T, out=out[: len(rows)])


def limits(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Time the product and a pass over memory; the remarks give rates."""
    size = 1000 if quick else 4000
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, size, 512), dtype=np.float32)
    large = np.ones(10**6 if quick else 10**8 // 2, np.float32)
    threads = cores()
    contenders: dict[str, Contender] = {
        "product in tiles": Contender(lambda: product_in_tiles(left, right, threads)),
        "product in blocks": Contender(lambda: product_in_blocks(left, right)),
        "sum of an array in memory": Contender(large.sum),
    }
    done: dict[str, tuple[float, str]] = {
        "product in tiles": (size * size / 1e6, "million comparisons"),
        "product in blocks": (size * size / 1e6, "million comparisons"),
        "sum of an array in memory": (large.nbytes / 1e9, "GB"),
    }
    timings = []
    for timing in race(contenders, "product in tiles", turns):
        amount, unit = done[timing.name]
        fields: dict[str, Any] = vars(timing) | {
            "remark": f"{amount / max(timing.cpu or 0, 1e-9):.3g} {unit} per processor second"
        }
        timings.append(Timing(**fields))
    return f"limits of the machine ({threads} cores, {size} x {size} x 512)", timings
