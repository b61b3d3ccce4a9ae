"""What the source text of an algorithm says about it, read without importing it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.plugins.places import PACKAGE

ABILITIES = ("Matcher", "Searcher", "Detector", "Tagger", "Segmenter", "Remover", "Control")
"""Names of the ability classes; to know them without importing `harness.api`, and NumPy with it."""

COMPOSITE = "Composite"
"""Name of the class of matchers that are made of others."""

_SAYS_CONTROL = "control = True"


@dataclass(frozen=True)
class Glance:
    """What the source text alone says about an algorithm."""

    abilities: tuple[str, ...]
    about: str
    learns: bool
    needs: tuple[str, ...] = ()
    """Parameters that a run has to name."""
    presets: tuple[str, ...] = ()
    """Names of its presets, where they are written out."""
    control: bool = False
    """Whether it measures the data or the metric and is no contender."""
    describes: bool = False
    """Whether it is a matcher that makes templates of words, too."""
    composite: bool = False
    """Whether it is made of other algorithms."""


INIT = "__init__.py"
"""File that makes an algorithm of a folder."""


def glance_at(file: Path, attribute: str = "") -> Glance:
    """Read an algorithm's abilities and first docstring line without importing it.

    Base classes are followed through the files of the harness and of the algorithm's own folder. A
    class that inherits its ability from elsewhere shows none; `harness describe` imports the file
    and knows better.

    Parameters
    ----------
    file
        That defines the algorithm.
    attribute
        Its class, or empty for the first one that has an ability.
    """
    try:
        classes = _classes(file)
    except (OSError, SyntaxError, ValueError) as reason:
        return Glance((), f"cannot be read: {reason}", learns=False)
    for name, (node, line) in classes.items():
        abilities = _abilities(name, line)
        if attribute in ("", name) and abilities:
            text = (ast.get_docstring(node) or "").strip().split("\n")[0]
            return Glance(
                abilities,
                text,
                learns="fit" in line,
                needs=_required(node),
                presets=_presets(node),
                control="Control" in abilities or _SAYS_CONTROL in line,
                describes="describe_text" in line,
                composite=COMPOSITE in line,
            )
    return Glance((), "", learns=False)


def offered_by(folder: Path) -> list[str] | None:
    """Return the public classes with an ability that a folder's ``__init__.py`` defines, in order.

    None where the folder is no algorithm: it has no such file, or one that defines and imports
    nothing, as of a folder of tests.
    """
    file = folder / INIT
    if not file.is_file():
        return None
    try:
        body = _parsed(file.read_text(encoding="utf-8")).body
        if all(isinstance(node, ast.Expr) for node in body):
            return None
        return [name for name, (_, line) in _classes(file).items() if _abilities(name, line)]
    except (OSError, SyntaxError, ValueError):
        return []  # listed by its name, so that its fault is shown


_parsed = lru_cache(64)(ast.parse)
"""Of a text, which several folders and a list come back to; nobody changes a tree."""


def _abilities(name: str, line: frozenset[str]) -> tuple[str, ...]:
    known = line | {"Matcher"} if COMPOSITE in line else line
    return () if name.startswith("_") else tuple(one for one in ABILITIES if one in known)


def _class_variables(algorithm: ast.ClassDef) -> dict[str, ast.expr]:
    """Return what is assigned in the body of a class, by name."""
    found: dict[str, ast.expr] = {}
    for item in algorithm.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value:
            found[item.target.id] = item.value
        elif isinstance(item, ast.Assign):
            found |= {one.id: item.value for one in item.targets if isinstance(one, ast.Name)}
    return found


def _presets(algorithm: ast.ClassDef) -> tuple[str, ...]:
    """Return the names of the presets that a class writes out."""
    written = _class_variables(algorithm).get("presets")
    keys = written.keys if isinstance(written, ast.Dict) else []
    return tuple(
        key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
    )


def _says_control(algorithm: ast.ClassDef) -> bool:
    """Return whether a class says ``control = True``."""
    said = _class_variables(algorithm).get("control")
    return isinstance(said, ast.Constant) and said.value is True


def _required(algorithm: ast.ClassDef) -> tuple[str, ...]:
    """Return the parameters that a class declares with ``required=True``."""
    return tuple(
        item.target.id
        for item in algorithm.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and isinstance(item.value, ast.Call)
        and any(
            word.arg == "required" and isinstance(word.value, ast.Constant) and word.value.value
            for word in item.value.keywords
        )
    )


def _classes(
    file: Path, above: frozenset[Path] = frozenset()
) -> dict[str, tuple[ast.ClassDef, frozenset[str]]]:
    """Return a file's classes with the names of all bases and methods in their line of descent.

    `above` are the files from which this one is looked at: imports may go in circles.
    """
    tree = _parsed(file.read_text(encoding="utf-8"))
    homes = {
        alias.asname or alias.name: (module_file(file, node), alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found: dict[str, tuple[ast.ClassDef, frozenset[str]]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        line = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        if _says_control(node):
            line.add(_SAYS_CONTROL)
        for base in node.bases:
            name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            line.add(name)
            home, original = homes.get(name, (None, name))
            if name in found:
                line |= found[name][1]
            elif home is not None and home not in above:
                line |= _classes(home, above | {file}).get(original, (node, frozenset()))[1]
        found[node.name] = (node, frozenset(line))
    return found


def module_file(file: Path, node: ast.ImportFrom) -> Path | None:
    """Return the file of the module that names are imported from: the harness's, or a neighbour.

    Parameters
    ----------
    file
        In which the import stands.
    node
        The import.
    """
    parts = (node.module or "").split(".")
    if node.level:
        place = file.parents[min(node.level, len(file.parents)) - 1].joinpath(*filter(None, parts))
    elif parts[0] == PACKAGE.name and parts[1:] != ["api"] and len(parts) > 1:
        place = PACKAGE.joinpath(*parts[1:])
    else:
        return None
    for path in (place.with_name(f"{place.name}.py"), place / INIT):
        if path.is_file():
            return path
    return None
