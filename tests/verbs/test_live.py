"""A class of the session is an algorithm, with what it is made of in its identity."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import harness
from harness.errors import UsageError
from harness.verbs.live import live_plugin, parameters_of, source_of

CELL = '''
from dataclasses import dataclass
import numpy as np
from harness import Matcher, parameter

SCALE = 2.0

def spread(counts):
    return np.sqrt(SCALE * counts / counts.sum())

@dataclass
class GreyLevels(Matcher):
    """Histogram of grey levels."""

    bins: int = parameter(16, "Bins of the histogram.", minimum=2)

    def extract(self, image):
        counts, _ = np.histogram(image.mean(axis=2), bins=self.bins, range=(0, 256))
        return spread(counts)
'''


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return what runs a cell of a notebook: its text is known, and no file holds it."""
    session = ModuleType("a_session")
    monkeypatch.setitem(sys.modules, "a_session", session)
    named: list[str] = []

    def run(text: str) -> Any:
        name = f"<cell-{len(named)}>"
        named.append(name)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), vars(session))  # noqa: S102 - the text is our own
        return session

    yield run
    for name in named:
        linecache.cache.pop(name, None)


def test_a_class_of_a_notebook_runs_inside_and_the_record_says_so(
    cell: Callable[[str], Any], small_set: Path, tmp_path: Path
) -> None:
    kind = cell(CELL).GreyLevels
    run = harness.run("similarity", kind(bins=8), data=small_set, out=tmp_path)
    assert run.algorithm == "grey-levels"
    assert run.parameters == {"seed": 0, "bins": 8}
    assert {"in-process", "class-of-a-session"} <= {one.code for one in run.findings}
    assert run.manifest.command == "harness.run('similarity', GreyLevels(bins=8))  # in Python"
    assert "is a class of the Python session" in run.report.read_text(encoding="utf-8")
    assert run.verify() == []
    (text,) = (tmp_path / ".cells").glob("grey-levels-*.py")
    assert "return spread(counts)" in text.read_text(encoding="utf-8")
    assert "# SCALE = 2.0" in text.read_text(encoding="utf-8")


def test_the_class_of_a_file_comes_to_the_same(
    cell: Callable[[str], Any], small_set: Path, tmp_path: Path
) -> None:
    file = tmp_path / "grey_levels.py"
    file.write_text(CELL, encoding="utf-8")
    by_file = harness.run(
        "similarity", file, data=small_set, out=tmp_path / "a", on="in-process", seed=3
    )
    by_class = harness.run(
        "similarity", cell(CELL).GreyLevels, data=small_set, out=tmp_path / "b", seed=3
    )
    kept = [(run.folder / "metrics.json").read_bytes() for run in (by_file, by_class)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SCALE = 2.0", "SCALE = 3.0"),
        ("np.sqrt(SCALE", "np.cbrt(SCALE"),
        ("counts, _ =", "counts, rest ="),
    ],
    ids=["a value that it uses", "a function that it calls", "its own text"],
)
def test_what_a_class_is_made_of_is_in_its_identity(
    cell: Callable[[str], Any], before: str, after: str, tmp_path: Path
) -> None:
    first = live_plugin(cell(CELL).GreyLevels, tmp_path)
    assert live_plugin(cell(CELL).GreyLevels, tmp_path) == first
    assert live_plugin(cell(CELL.replace(before, after)).GreyLevels, tmp_path).file != first.file


def test_a_value_that_was_changed_in_another_cell_counts(cell: Callable[[str], Any]) -> None:
    kind = cell(CELL).GreyLevels
    before = source_of(kind)
    cell("SCALE = 5.0\n")
    assert source_of(kind) != before
    cell("SCALE = np.arange(3)\n")
    arrays = source_of(kind)
    cell("SCALE = np.arange(3) + 1\n")
    assert source_of(kind) != arrays


def test_a_class_whose_text_nobody_kept_is_told_by_its_code(cell: Callable[[str], Any]) -> None:
    kind = cell(CELL).GreyLevels
    linecache.cache.pop("<cell-0>")
    assert "bytecode" in source_of(kind)
    before = source_of(kind)
    other = cell(CELL.replace("np.sqrt", "np.cbrt")).GreyLevels
    linecache.cache.pop("<cell-1>")
    assert source_of(other) != before


def test_what_is_no_algorithm_or_out_of_date_is_refused(
    cell: Callable[[str], Any], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="int is no algorithm: derive it from harness"):
        live_plugin(int, tmp_path)  # type: ignore[arg-type]
    old = cell(CELL).GreyLevels(bins=4)
    cell(CELL)
    with pytest.raises(UsageError, match="make the object anew after a change"):
        live_plugin(old, tmp_path)
    with pytest.raises(UsageError, match="runs inside this process alone"):
        harness.run("similarity", cell(CELL).GreyLevels, on="subprocess", out=tmp_path)


def test_an_object_that_has_learned_is_refused(cell: Callable[[str], Any]) -> None:
    learned = cell(CELL).GreyLevels()
    learned.weights_ = 1
    with pytest.raises(UsageError, match=r"has learned \(weights_\)"):
        parameters_of(learned)


def test_parameters_of_an_object_are_checked_as_those_of_a_command(
    cell: Callable[[str], Any], small_set: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="parameter bins: 1 is out of limits"):
        harness.run("similarity", cell(CELL).GreyLevels(bins=1), data=small_set, out=tmp_path)
