"""No module of the core imports a package of an extra when it is imported itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors.absent import brings, package_of
from harness.plugins.places import PACKAGE

APART = ("training/", "synthesis/", "matching/torch_tiles.py")
"""What is not of the core: it is imported by what asks for it."""


def at_the_top(file: Path) -> Iterator[str]:
    """Yield the outermost names that a module imports when it is imported."""
    left: list[ast.stmt] = list(ast.parse(file.read_text(encoding="utf-8")).body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            left += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            left += [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)]


@pytest.mark.parametrize("package", sorted(one.name for one in PACKAGE.iterdir() if one.is_dir()))
def test_of_packages_the_core_imports_none_that_an_extra_brings_nor_pandas(package: str) -> None:
    extras = frozenset().union(*brings().values()) | {"pandas"}
    for file in sorted((PACKAGE / package).rglob("*.py")):
        place = file.relative_to(PACKAGE).as_posix()
        if not place.startswith((*APART, "bundled/")):
            found = {package_of(name) for name in at_the_top(file)} & extras
            assert not found, f"{place} imports {found} at its top"


def test_this_test_would_notice_one() -> None:
    extras = frozenset().union(*brings().values())
    files = sorted((PACKAGE / "training").glob("*.py"))
    assert {package_of(name) for file in files for name in at_the_top(file)} & extras >= {"torch"}


def test_import_harness_brings_no_package_at_all() -> None:
    program = "import harness, sys; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    heavy = {"numpy", "pandas", "torch", "tensorflow", "click", "msgspec", "PIL", "pydantic"}
    assert "harness" in loaded
    assert not heavy & set(loaded)
