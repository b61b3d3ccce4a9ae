"""Commands and code of the documents, as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.plugins.places import PACKAGE

ROOT = PACKAGE.parent
DOCS = ROOT / "docs"
CHECKED = DOCS / "checked.md"
"""Has the table of the commands that no test carries out."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return README, CONTRIBUTING and all pages that somebody wrote."""
    pages = [path for path in sorted(DOCS.rglob("*.md")) if "reference" not in path.parts]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    """Return the blocks of code in a language, in the order of the page."""
    text = path.read_text(encoding="utf-8")
    return [body for kind, body in _BLOCK.findall(text) if kind == language]


def commands(path: Path) -> Iterator[str]:
    """Return every command of a page, without its comment; a script is none of them."""
    for block in blocks(path, "sh"):
        if block.startswith("#!"):
            continue
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            command = re.sub(r"(^|\s+)#.*", "", line).strip()
            if command:
                yield command


def not_carried_out() -> dict[str, tuple[str, str]]:
    """Return what is checked of a command of the table in `docs/checked.md`, and why no more."""
    rows = re.findall(r"^\| `(.+)` \| ([a-z ]+) \| (.+?) \|$", CHECKED.read_text(), re.MULTILINE)
    return {command.replace("\\|", "|"): (what, why) for command, what, why in rows}


def only_compiled() -> list[tuple[str, str]]:
    """Return page and first line of the blocks of Python that no test carries out from the page."""
    return re.findall(r"^\| `(\S+\.md)` \| `(.+?)` \| .+ \|$", CHECKED.read_text(), re.MULTILINE)
