"""An algorithm that does what it is told to in one of its methods, and a unit of work for it."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.data.records import Picture
from harness.errors import RunFailed
from harness.execution import keeping
from harness.execution.bounds import Bounds, Started
from harness.execution.doing import Doing
from harness.execution.keeping import Workplace
from harness.execution.nursery import Nursery
from harness.execution.unit import (
    LOG_FILE,
    Training,
    Unit,
)
from tests.conftest import save_png

IMAGES = 4

TEMPLATE = '''
import ctypes, io, itertools, json, mmap, os, shutil, signal, socket, struct, subprocess, sys
import threading, time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import FailureToEnroll, Matcher

{file}


@dataclass
class Hostile(Matcher):
    """Does what it should not."""

    seed: int = 0

    def __post_init__(self):
        {init}
        self.ready = True

    def fit(self, train):
        {fit}
        self.mean_ = float(np.mean([image.mean() for image in train.images]))

    def save(self, folder):
        {save}
        (folder / "mean.txt").write_text(str(self.mean_))

    def load(self, folder):
        {load}
        self.mean_ = float((folder / "mean.txt").read_text())

    def extract(self, image):
        {extract}
        return image.mean(axis=(0, 1)) - 128

    def compare(self, probes, references):
        {compare}
        return np.array([[-float(np.abs(p - r).sum()) for r in references] for p in probes])
'''

WHERE = ("file", "init", "fit", "save", "load", "extract", "compare")
"""Where an algorithm may be told to do something."""


class Hostile:
    """Units of work of hostile algorithms, done one after the other.

    Parameters
    ----------
    folder
        Empty; for pictures, algorithms and what they leave.
    nursery
        That forks all workers.
    """

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.folder, self._nursery, self._number = folder, nursery, 0
        self._pictures = {}
        rng = np.random.default_rng(3)
        for number in range(IMAGES):
            file = folder / f"{number}.png"
            save_png(file, rng.integers(0, 256, (12, 12, 3)))
            self._pictures[file.name] = Picture(str(file))

    def unit(self, where: str, code: str) -> tuple[Unit, Workplace]:
        """Return a unit in which an algorithm does something, and where it is done."""
        self._number += 1
        place = self.folder / str(self._number)
        place.mkdir()
        lines = textwrap.dedent(code).strip()
        parts = {
            name: textwrap.indent(lines, "" if name == "file" else " " * 8).lstrip()
            if name == where
            else "pass"
            for name in WHERE
        }
        file = place / "hostile.py"
        file.write_text(TEMPLATE.format(**parts), encoding="utf-8")
        names = list(self._pictures)
        learns = where in ("fit", "save", "load")
        unit = Unit(
            name="fold-1",
            ability="Matcher",
            algorithm="hostile",
            file=str(file),
            attribute="",
            module="",
            parameters={"seed": 0},
            pictures=self._pictures,
            training=Training(names, identities=[0, 0, 1, 1]) if learns else None,
            extract=names if where != "fit" else [],
            probes=names[:2],
            gallery=names[2:],
            score=where == "compare",
        )
        self._nursery.plugin = file
        return unit, Workplace(place / "run", nurseries=(self._nursery,))

    def told(
        self,
        where: str,
        code: str,
        bounds: Bounds | None = None,
        report: Callable[[str, int, int, str], None] = lambda *_: None,
    ) -> str:
        """Do such a unit; return why it failed, without where its log lies, or nothing."""
        unit, place = self.unit(where, code)
        begun = Started.now(bounds or Bounds(silence=60))
        try:
            keeping.do(unit, place, Doing(1, begun, threading.Event(), report))
        except RunFailed as reason:
            text, _, log = str(reason).partition("\n  log: ")
            assert Path(log).is_file()
            assert text.startswith("hostile, fold-1: ")
            return text.removeprefix("hostile, fold-1: ")
        return ""

    def log(self) -> str:
        """Return what the last algorithm printed."""
        log = self.folder / str(self._number) / "run" / "units" / "fold-1" / LOG_FILE
        return log.read_text(errors="replace")

    @property
    def file(self) -> Path:
        """The last algorithm."""
        return self.folder / str(self._number) / "hostile.py"
