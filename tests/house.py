"""The house in one picture, made from the code: `python -m tests.house` prints it.

Floors are the layers of the contract in `pyproject.toml`, from top to bottom; what a package is for
is the first sentence of its own docstring.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def floors() -> list[list[str]]:
    """Return the packages and modules of each floor, the highest first."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = table["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def picture() -> str:
    """Return a line for each package, with an empty floor drawn between none."""
    lines = []
    for names in floors():
        for name in names:
            folder = ROOT / "harness" / name
            file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
            said = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split(
                "\n\n"
            )[0]
            beside = "  | " if len(names) > 1 else "    "
            shown = f"{name}/" if folder.is_dir() else f"{name}.py"
            lines.append(f"{beside}{shown:<14} {' '.join(said.split())}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(picture())
