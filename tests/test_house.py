"""The shape of the house: what CONTRIBUTING draws of it, and what its contracts say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house import ROOT, floors, picture

MOST_ENTRIES = 24


def nodes_where(*words: str) -> Iterator[tuple[Path, ast.AST]]:
    """Yield the syntax of all files of the machine in which one of these words stands."""
    for file in sorted((ROOT / "harness").rglob("*.py")):
        text = "" if "bundled" in file.parts else file.read_text(encoding="utf-8")
        if any(word in text for word in words):
            yield from ((file, node) for node in ast.walk(ast.parse(text)))


def test_contributing_draws_the_house_as_it_is() -> None:
    assert picture() in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_package_has_its_floor_and_there_are_not_too_many() -> None:
    here = {path.stem for path in (ROOT / "harness").iterdir() if path.name != "__pycache__"}
    here -= {"__init__", "py", "bundled"}
    assert here == {name for floor in floors() for name in floor}
    assert len(here) + 2 <= MOST_ENTRIES, "with `__init__.py` and `py.typed`"


def test_no_module_of_the_machine_is_imported_by_a_string() -> None:
    named = re.compile(r"harness(\.[a-z_]+)+")
    found = []
    for file, node in nodes_where("import_module", "__import__"):
        called = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2]
        if called in ("import_module", "__import__"):
            parts = [part for part in ast.walk(node) if isinstance(part, ast.Constant)]
            texts = [part.value for part in parts if isinstance(part.value, str)]
            found += [f"{file.name}: {text}" for text in texts if named.search(text)]
    assert found == []


def test_the_machine_knows_no_algorithm_and_no_generator() -> None:
    for file, node in nodes_where("algorithms", "generators"):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ast.unparse(node)
            assert not re.match(r"(import )?(algorithms|generators)\b", module), file
