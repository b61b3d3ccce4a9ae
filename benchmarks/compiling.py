"""Small programs in C++ that benchmarks need: compiled where there is a compiler."""

from __future__ import annotations

import subprocess
from pathlib import Path


def compiled(source: Path, out: Path, *options: str) -> str:
    """Compile a file, and return why that was not possible; empty where it was.

    Parameters
    ----------
    source, out
        What is compiled, and into what.
    options
        Of the compiler.
    """
    words = ["c++", "-std=c++17", "-O2", *options, "-o", str(out), str(source)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as reason:
        return f"absent: no C++ compiler ({reason})"
    return ""
