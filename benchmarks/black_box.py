"""What a library for NIST costs beside the same algorithm in Python: whole runs of both."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import Timing
from harness.plugins.places import PACKAGE
from harness.plugins.programs.driver import SOURCES, built

MOST = 1.3
"""How many times the processor time of `colours` a run of the library `honest` may take."""

HONEST = PACKAGE.parent / "tests" / "plugins" / "native" / "honest.cpp"


def runs(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Run `identification` with `colours` and with the library, in turns, as a user does.

    Lists are as long as the galleries, so that both runs are judged alike. The driver is compiled
    before.
    """
    title = "A run of identification with the library `honest`, beside `colours`"
    protocol = "mixed-media" if quick else "identification"
    entries, lacking = {"colours": ["colours"]}, list[str]()
    with tempfile.TemporaryDirectory() as place:
        library = Path(place) / "libtatte_honest_001.so"
        words = ["c++", "-std=c++17", "-O2", "-shared", "-fPIC", "-I", str(SOURCES)]
        try:
            subprocess.run(
                [*words, "-o", str(library), str(HONEST)], check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError) as reason:
            lacking = [f"absent: no C++ compiler ({reason})"]
        else:
            built()
            entries["honest"] = [f"tatte:{library}", "--param", "candidates=100000"]
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in entries}
        for turn in range(turns):
            for name, algorithm in entries.items():
                out = Path(place) / f"{name}-{turn}"
                taken[name].append(_taken(protocol, algorithm, out))
    cpu, wall = (
        {name: statistics.median(one[i] for one in found) for name, found in taken.items()}
        for i in range(2)
    )
    timings = list[Timing]()
    for name in entries:
        ratio = cpu[name] / cpu["colours"]
        verdict = "within" if ratio <= MOST else "ABOVE"
        remark = f"{verdict} {MOST:g} of the processor time" if name == "honest" else ""
        ratio_wall = wall[name] / wall["colours"]
        timings.append(Timing(name, cpu[name], wall[name], ratio, ratio_wall, remark))
    absent = [Timing("honest", None, None, None, None, remark) for remark in lacking]
    return title, [*timings, *absent]


def _taken(protocol: str, algorithm: list[str], out: Path) -> tuple[float, float]:
    """Return seconds of processors and of the clock that a run takes, with all its processes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = [sys.executable, "-m", "harness", "run", "--protocol", protocol, "--out", str(out)]
    subprocess.run(
        [*words, "--algo", *algorithm],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return busy, time.perf_counter() - start
