"""Run the benchmarks and print one table of ratios: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from benchmarks import (
    black_box,
    cluster,
    judging,
    leaderboard,
    libraries,
    local,
    machine,
    matching,
    peers,
    pipe,
    starting,
    training,
    verification,
)
from benchmarks.timing import Timing

Benchmark = Callable[[bool, int], tuple[str, list[Timing]]]

BENCHMARKS: dict[str, Benchmark] = {
    "machine": machine.limits,
    "verification": verification.eer_and_fnmr,
    "closed-set": matching.closed_set,
    "open-set": matching.open_set,
    "at-once": matching.at_once,
    "billion": matching.billion,
    "local-matching": local.comparisons,
    "training": training.descent,
    "training-colour": training.coloured,
    "cluster": cluster.carried,
    "judging": judging.folders,
    "leaderboard": leaderboard.many_runs,
    "starting": starting.starts,
    "pipe": pipe.pictures,
    "black-box": black_box.runs,
    "intervals": libraries.intervals,
    "band-of-chance": libraries.band_of_chance,
    "ssim": libraries.ssim,
    "augmentation": libraries.augmentation,
    "junit": libraries.junit,
}


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, race, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: the ratios mean little")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(BENCHMARKS),
        metavar="NAME",
        help=f"one of {', '.join(BENCHMARKS)}; may be repeated",
    )
    parser.add_argument("--turns", type=int, default=0, help="how often each is timed (5; quick 1)")
    parser.add_argument("--alone", action="store_true", help="leave other packages out")
    given = parser.parse_args(arguments)
    peers.left_out = given.alone
    turns = given.turns or (1 if given.quick else 5)
    results = []
    for name in given.only or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        title, timings = BENCHMARKS[name](given.quick, turns)
        results.append({"name": name, "title": title, "timings": [asdict(t) for t in timings]})
        if not given.json:
            print(table(title, timings), flush=True)
    surroundings = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "processor": platform.processor() or platform.machine(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "turns": turns,
        "quick": given.quick,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
    }
    if given.json:
        print(json.dumps({"surroundings": surroundings, "benchmarks": results}, indent=1))
    else:
        print(", ".join(f"{key} {value}" for key, value in surroundings.items()))
    return 0


def table(title: str, timings: list[Timing]) -> str:
    """Return lines of one benchmark."""
    lines = ["", title, f"  {'':32} {'ratio':>7} {'wall':>7} {'cpu s':>9}"]
    for timing in timings:
        numbers = f"{'-':>7} {'-':>7} {'-':>9}"
        if timing.ratio is not None:
            numbers = f"{timing.ratio:7.2f} {timing.wall_ratio:7.2f} {timing.cpu:9.4f}"
        lines.append(f"  {timing.name:32} {numbers}  {timing.remark}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
