"""What the line to a program costs: a picture of 640 x 480 pixels there, and an answer back."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.compiling import compiled
from benchmarks.timing import Timing, absent
from harness.api import Detector
from harness.plugins.programs.adapter import program_class

MOST = 1e-3
"""Seconds that the pipe may take for a picture."""

PYTHON = """
import sys
come, go = sys.stdin.buffer, sys.stdout.buffer
while line := come.readline():
    if b'"hello"' in line:
        go.write(b'{"name":"pipe","version":"1","protocol":1,"abilities":["detect"]}')
    elif b'"detect"' in line:
        come.read(921600)
        go.write(b'{"score":0.5}')
    else:
        go.write(b'{"ok":true}')
    go.write(b"\\n")
    go.flush()
    if b'"goodbye"' in line:
        break
"""
"""A program that reads pictures, and does nothing else."""

CPP = r"""
#include <cstdio>
#include <cstring>
static char line[1 << 20], pixels[921600];
int main() {
    while (std::fgets(line, sizeof line, stdin)) {
        if (std::strstr(line, "\"hello\""))
            std::puts("{\"name\":\"pipe\",\"version\":\"1\",\"protocol\":1,\"abilities\":[\"detect\"]}");
        else if (std::strstr(line, "\"detect\"")) {
            if (std::fread(pixels, 1, sizeof pixels, stdin) != sizeof pixels) return 1;
            std::puts("{\"score\":0.5}");
        } else
            std::puts("{\"ok\":true}");
        std::fflush(stdout);
        if (std::strstr(line, "\"goodbye\"")) return 0;
    }
}
"""


def pictures(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Send the same picture many times to a program in Python, and to one in C++.

    The median of the pictures of all turns counts against the limit; beside it stands the time in
    which this machine copies as many bytes.
    """
    count = 50 if quick else 400
    image = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    copies = _copies(image, count * turns)
    found = [_timing("copy of the bytes", copies, statistics.median(copies), "")]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "pipe.py"
        file.write_text(PYTHON, encoding="utf-8")
        commands = {"program in Python": [sys.executable, "-S", "-E", str(file)]}
        source, built = Path(place) / "pipe.cpp", Path(place) / "pipe"
        source.write_text(CPP, encoding="utf-8")
        lacking = compiled(source, built)
        if lacking:
            found.append(absent("program in C++", lacking))
        else:
            commands["program in C++"] = [str(built)]
        for name, command in commands.items():
            kind = program_class(command)
            algorithm = kind()
            if not isinstance(algorithm, Detector):
                raise TypeError("the program of the benchmark detects")
            seconds, busy = [], time.process_time()
            for _ in range(count * turns):
                start = time.perf_counter()
                algorithm.detect(image)
                seconds.append(time.perf_counter() - start)
            busy = (time.process_time() - busy) / len(seconds)
            kind.program.close()  # type: ignore[attr-defined]
            median = statistics.median(seconds)
            verdict = "within" if median < MOST else "ABOVE"
            remark = (
                f"median {median * 1e3:.3f} ms, {verdict} {MOST * 1e3:g} ms; ours {busy * 1e3:.3f}"
            )
            found.append(_timing(name, seconds, statistics.median(copies), remark))
    return "A picture of 640 x 480 through the pipe, and a score back", found


def _copies(image: np.ndarray, count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        image.tobytes()
        seconds.append(time.perf_counter() - start)
    return seconds


def _timing(name: str, seconds: list[float], reference: float, remark: str) -> Timing:
    median = statistics.median(seconds)
    ratio = median / reference
    return Timing(name, median, median, ratio, ratio, remark or f"median {median * 1e3:.3f} ms")
