"""How long a start takes: of Python, of the package, of the command, in processor seconds."""

from __future__ import annotations

import statistics
import sys

from benchmarks.timing import Timing, command_seconds

MOST = 0.15
"""Processor seconds that an import of the package and a look at the help may take."""

STARTS = {
    "python -c pass": (("-c", "pass"), None),
    "import harness": (("-c", "import harness"), MOST),
    "harness --help": (("-m", "harness", "--help"), MOST),
    "harness list": (("-m", "harness", "list"), None),
    "import harness.api": (("-c", "import harness.api"), None),
}


def starts(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Start each in a process of its own, in turns; the first time compiles what was not compiled.

    The least of the turns counts against the limit: what else a machine does only adds.
    """
    cpu: dict[str, list[float]] = {name: [] for name in STARTS}
    wall: dict[str, list[float]] = {name: [] for name in STARTS}
    for turn in range(turns + 1):
        for name, (words, _) in STARTS.items():
            taken = command_seconds([sys.executable, *words], capture_output=True)
            if turn:
                cpu[name].append(taken[0])
                wall[name].append(taken[1])
    (first, *_) = STARTS
    return "Starts, a process each", [
        Timing(
            name,
            statistics.median(cpu[name]),
            statistics.median(wall[name]),
            statistics.median(a / b for a, b in zip(cpu[name], cpu[first], strict=True)),
            statistics.median(a / b for a, b in zip(wall[name], wall[first], strict=True)),
            _remark(min(cpu[name]), most),
        )
        for name, (_, most) in STARTS.items()
    ]


def _remark(least: float, most: float | None) -> str:
    if most is None:
        return f"least {least:.3f} s"
    return f"least {least:.3f} s, {'within' if least < most else 'ABOVE'} {most} s"
