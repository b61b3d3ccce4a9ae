"""A copy of the house in which a newcomer may change files, and the commands run in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDERS = ("harness", "algorithms", "generators", "protocols", "reports")


class House:
    """The project's folders, copied; which files were touched in them is counted."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.touched: set[str] = set()
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "bundled")
            shutil.copytree(ROOT / folder, place / folder, ignore=ignored)
        (place / "fixtures").symlink_to(ROOT / "fixtures")

    def write(self, name: str, text: str) -> None:
        """Add a file."""
        assert not (self.place / name).exists()
        (self.place / name).write_text(text, encoding="utf-8")
        self.touched.add(name)

    def change(self, name: str, *changes: tuple[str, str]) -> None:
        """Exchange texts of a file, each of which stands there once."""
        text = (self.place / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, (name, old, text.count(old))
            text = text.replace(old, new)
        (self.place / name).write_text(text, encoding="utf-8")
        self.touched.add(name)

    def run(self, *words: str) -> str:
        """Run the command of the copy; its standard output."""
        known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words],
            capture_output=True,
            text=True,
            cwd=self.place,
            env={**known, "PYTHONPATH": str(self.place), "HARNESS_ON": "in-process"},
            check=False,
        )
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words: str) -> Any:
        """Run a command that prints JSON."""
        return json.loads(self.run(*words, "--json"))
