"""Text of generated pages, and the folder that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["Shelf", "fields", "heading", "indented", "literal", "plain", "spoken", "table"]


class Shelf:
    """A folder of generated pages: a page is written where it changed, and old ones go.

    Parameters
    ----------
    folder
        Below the sources of the documentation; nothing else may lie in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: set[Path] = set()

    def write(self, name: str, text: str) -> None:
        """Write the page of this name, which may have a folder in front."""
        path = self.folder / f"{name}.rst"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ":tocdepth: 2\n\n" + text.strip("\n") + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        self._written.add(path)

    def clear(self) -> None:
        """Remove what an earlier build wrote and this one did not."""
        for path in self.folder.rglob("*.rst"):
            if path not in self._written:
                path.unlink()


def plain(text: object) -> str:
    """Return a text in which nothing is markup, on one line."""
    # A letter or number with a point in front would begin a list.
    return re.sub(r"^(\w+)\. ", r"\1\\. ", _words(" ".join(str(text).split())))


def _words(text: str) -> str:
    return re.sub(r"([\\*`_|<>])", r"\\\1", re.sub(r"\s+", " ", text))


def spoken(text: object) -> str:
    """Return a text on one line, of which options and what is between backticks are code."""
    parts = re.split(r"`+([^`]+)`+|(?<![\w-])(--[a-z][a-z-]+)", str(text))
    words, codes = parts[::3], [a or b for a, b in zip(parts[1::3], parts[2::3], strict=True)]
    pairs = zip(words, [*codes, ""], strict=True)
    return "".join(_words(word) + literal(code) for word, code in pairs)


def literal(text: object) -> str:
    """Return a text in the letters of code, on one line; what is empty stays so."""
    one = " ".join(str(text).split())
    return f":code:`{one.replace(chr(92), chr(92) * 2).replace('`', chr(92) + '`')}`" if one else ""


def heading(text: str, line: str = "=") -> str:
    """Return a heading; its text may have markup."""
    return f"{text}\n{line * (len(text) + 2)}\n"


def indented(text: str, by: int = 3) -> str:
    """Return a text moved to the right, for the body of a directive."""
    return "\n".join(" " * by + line if line.strip() else "" for line in text.splitlines())


def fields(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of facts; those without a text are left out. Texts may have markup."""
    return "".join(f":{name}: {text}\n" for name, text in pairs if text) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table; cells may have markup. Without rows, nothing."""
    lines = [f".. list-table:: {caption}".rstrip(), "   :header-rows: 1", ""]
    found = [columns, *rows]
    if len(found) == 1:
        return ""
    for row in found:
        for place, cell in enumerate(row):
            lines.append(f"   {'*' if place == 0 else ' '} - {cell}".rstrip())
    return "\n".join(lines) + "\n\n"
