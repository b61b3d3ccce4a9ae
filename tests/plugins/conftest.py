"""Libraries for NIST's Tatt-E, built once for all tests that use them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.plugins.programs.driver import SOURCES

NATIVE = Path(__file__).parent / "native"

Build = Callable[..., Path]
"""Called with the name of a source, or with ``name`` and ``text``; returns the library."""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build libraries, each when it is first asked for."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ here")
    folder = tmp_path_factory.mktemp("libraries")

    def build(name: str, *options: str, text: str = "", sources: str = "") -> Path:
        found = folder / f"libtatte_{name}_001.so"
        if not found.exists():
            source = NATIVE / f"{sources or name}.cpp"
            if text:
                source = folder / f"{name}.c"
                source.write_text(text, encoding="utf-8")
            words = [compiler, "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
            words += [] if text else ["-std=c++17", "-I", str(SOURCES)]
            words += ["-o", str(found), *(["-x", "c"] if text else []), str(source)]
            words += ["-x", "none", *options]
            subprocess.run(words, check=True)
        return found

    return build
