"""A folder of pictures, and one of four times as many: time, memory, and what intervals take of it.

``python -m benchmarks --only judging`` makes 5,000 and 20,000 small pictures in a temporary folder,
four of each identity, and runs ``harness run --protocol identification --algo colours`` on either:
.9 and 15 million comparisons.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import PIL.Image

from benchmarks.timing import Timing

EACH = 4


def folders(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Run a folder and one of four times as many, and judge either again.

    Parameters
    ----------
    quick
        Whether to take small folders, of which ratios mean little.
    turns
        How often; the quickest run of either counts, as the two take turns.
    """
    sizes = (40, 160) if quick else (5_000, 20_000)
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        for size in sizes:
            pictures(work / f"pictures-{size}", size)
        ran = {size: [] for size in sizes}  # type: dict[int, list[tuple[float, float, int]]]
        for turn in range(1 if quick else min(turns, 3)):
            for size in sizes:
                ran[size].append(_run(work / f"pictures-{size}", work / f"runs-{size}-{turn}"))
        wall, cpu, _ = (min(part) for part in zip(*ran[sizes[0]], strict=True))
        timings = []
        for size in sizes:
            longest = max(peak for _, _, peak in ran[size])
            of_wall, of_cpu, _ = (min(part) for part in zip(*ran[size], strict=True))
            remark = f"at most {longest / 1e9:.2f} GB in one process"
            timings.append(
                Timing(f"{size:,} pictures", of_cpu, of_wall, of_cpu / cpu, of_wall / wall, remark)
            )
        for size in sizes:
            whole, drawn = _judged(work / f"runs-{size}-0")
            remark = f"{drawn / whole:.0%} of it for intervals"
            timings.append(
                Timing(f"judging {size:,}", whole, whole, whole / cpu, whole / wall, remark)
            )
    return "harness run on folders of pictures, and judging alone", timings


def pictures(folder: Path, number: int) -> None:
    """Write small pictures that share a pattern in fours, each under another light."""
    rng = np.random.default_rng(3)
    for identity in range(number // EACH):
        below = folder / f"person-{identity:05d}"
        below.mkdir(parents=True)
        pattern = 0.45 * rng.integers(0, 256, (6, 6, 3))
        for i in range(EACH):
            light = 0.9 * rng.integers(-110, 110, (1, 1, 3)) + rng.integers(-90, 90, (6, 6, 3))
            cells = np.clip(pattern + 70 + light, 0, 255).astype(np.uint8)
            PIL.Image.fromarray(cells.repeat(8, axis=0).repeat(8, axis=1)).save(below / f"{i}.png")


def _run(data: Path, out: Path) -> tuple[float, float, int]:
    """Return wall-clock and processor seconds of a run, and the bytes of its largest process."""
    words = ("run", "--protocol", "identification", "--algo", "colours")
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words, "--data", data, "--out", out],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the run ended with {process.returncode}")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss << 10


def _judged(out: Path) -> tuple[float, float]:
    """Return processor seconds of judging a run again, and those of them that intervals take.

    What is imported and what metrics are read from as well (`Measures.reached`) is no interval's.
    """
    from harness.record.record import read_run

    (manifest,) = out.glob("*/*/manifest.json")
    run = read_run(manifest.parent)
    run.judge()
    with _intervals_timed() as spent:
        begun = time.process_time()
        run.judge()
        whole = time.process_time() - begun
    return whole, sum(spent)


@contextmanager
def _intervals_timed() -> Iterator[list[float]]:
    """Note the processor seconds of every interval of an identification."""
    from harness.tasks import identification, searches

    spent: list[float] = []

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*given: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return work(*given, **named)
            finally:
                spent.append(time.process_time() - begun)

        return noting

    # Neither of these calls another one.
    names = (
        *("intervals_by_margins", "score_intervals"),
        *("choose_interval", "cluster_bootstrap_mean"),
    )
    with ExitStack() as stack:
        for module, name in [
            *((identification, one) for one in names),
            (searches, "choose_intervals"),
        ]:
            work = getattr(module, name)
            stack.enter_context(mock.patch.object(module, name, timed(work)))
        yield spent
