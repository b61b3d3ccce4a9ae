"""What a library for NIST costs beside the same algorithm in Python: whole runs of both."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.compiling import compiled
from benchmarks.timing import Timing, absent, command_seconds
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
    asked = ["mixed-media", "--fold", "1"] if quick else ["identification"]
    entries = {"colours": ["colours"]}
    with tempfile.TemporaryDirectory() as place:
        library = Path(place) / "libtatte_honest_001.so"
        lacking = compiled(HONEST, library, "-shared", "-fPIC", "-I", str(SOURCES))
        if not lacking:
            built()
            entries["honest"] = [f"tatte:{library}", "--param", "candidates=100000"]
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in entries}
        for turn in range(turns):
            for name, algorithm in entries.items():
                out = Path(place) / f"{name}-{turn}"
                taken[name].append(_taken(asked, algorithm, out))
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
    return title, [*timings, *([absent("honest", lacking)] if lacking else [])]


def _taken(asked: list[str], algorithm: list[str], out: Path) -> tuple[float, float]:
    """Return seconds of processors and of the clock that a run takes, with all its processes."""
    words = [sys.executable, "-m", "harness", "run", "--protocol", *asked, "--out", str(out)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return command_seconds([*words, "--algo", *algorithm], capture_output=True, env=env)
