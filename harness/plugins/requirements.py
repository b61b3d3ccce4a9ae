"""What an algorithm or a generator imports that is not installed here, read without importing it.

Counted is what it cannot do without: imports at the top of its files and in its functions, and
those of the training toolkit as far as it uses that. What stands under an ``if``, what a ``try``
catches without raising anything again, and what only an export needs may as well be absent. So may
what is no package of ours where a plugin says itself where modules are looked for: it may be there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from harness.errors.absent import NotInstalled, is_absent, is_of_an_extra, is_whole
from harness.plugins.glancing import INIT, module_file
from harness.plugins.registry import Plugin, home_of
from harness.plugins.sources import TOOLKIT, definition, file_of, harness_imports, tree_of

EXPORT = "harness.training.onnx_export"
"""Of the toolkit, the module that only an export needs."""

EXPORTING = ("export_onnx", "onnx_graph")
"""Methods of an algorithm that a run never calls."""

_PLACES = ("sys.path", "addsitedir", "meta_path")
"""What a plugin that looks for modules at places of its own has in its text."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def missing(file: Path, home: Path | None = None) -> tuple[str, ...]:
    """Return the modules that a plugin cannot do without and that are not installed, sorted.

    Parameters
    ----------
    file
        That defines it.
    home
        Folder whose modules are its own; that of the file unless given.
    """
    beside = {file.parent, file.parent if home is None else home}
    needed, elsewhere = _needed(file)
    return tuple(
        sorted(
            name
            for name in needed
            if is_absent(name)
            and not (elsewhere and not is_of_an_extra(name))
            # Python, compiled, or a package.
            and not any((at / name).is_dir() or any(at.glob(f"{name}.*")) for at in beside)
        )
    )


def missing_of(plugin: Plugin) -> tuple[str, ...]:
    """Return the modules that an algorithm cannot do without and that are not installed, sorted.

    What a program of others needs is not known.
    """
    return () if plugin.command else missing(plugin.file, home_of(plugin))


def check_installed(plugin: Plugin) -> None:
    """Refuse an algorithm that cannot run here for want of a package.

    Raises
    ------
    NotInstalled
        With the packages and what installs them.
    """
    if absent := missing_of(plugin):
        raise NotInstalled(repr(plugin.name), absent)


def _needed(file: Path) -> tuple[set[str], bool]:
    """Return the outermost names of the modules from elsewhere that a plugin needs.

    The toolkit asks for nothing but what our extras bring: where all of that is there, it is not
    read, which takes a while.

    Returns
    -------
    set, bool
        The names, and whether the plugin looks for modules at places of its own.
    """
    found: set[str] = set()
    elsewhere = False
    wanted: list[tuple[ast.Import | ast.ImportFrom, ast.AST]] = []
    files, read = [file], set[Path]()
    while files:
        one = files.pop()
        if one in read or not one.is_file():
            continue
        read.add(one)
        text = one.read_text(encoding="utf-8", errors="replace")
        elsewhere = elsewhere or any(word in text for word in _PLACES)
        for node in _certain(tree_of(one).body):
            if isinstance(node, _IMPORTS):
                found |= _elsewhere(node)
                wanted.append((node, tree_of(one)))
                files += _neighbours(one, node)
    if not is_whole():
        found |= _of_toolkit(chain.from_iterable(harness_imports(*one) for one in wanted))
    return found, elsewhere


def _of_toolkit(wanted: Iterable[tuple[str, str]]) -> set[str]:
    """Return what the wanted names of the toolkit need, with all that they use."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    left = [one for one in wanted if _counts(one[0])]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            elsewhere, more = _takes(*one)
            found |= elsewhere
            left += more
    return found


def _counts(module: str) -> bool:
    return module.startswith(f"{TOOLKIT}.") and module != EXPORT


@cache
def _takes(module: str, name: str) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return what a name of the toolkit imports from elsewhere, and what of the toolkit it uses.

    Parameters
    ----------
    module
        Of the toolkit.
    name
        Defined in it; empty for the module itself, which is carried out when it is imported.
    """
    file = file_of(module)
    if file is None:
        return frozenset(), frozenset()
    tree = tree_of(file)
    nodes = definition(file, name) if name else [n for n in tree.body if not _is_defined(n)]
    elsewhere: set[str] = set()
    used: set[tuple[str, str]] = set()
    for node in _certain(nodes):
        if isinstance(node, _IMPORTS):
            elsewhere |= _elsewhere(node)
            inner = harness_imports(node, tree)
            used |= {(one, "") for one, _ in inner} if not name else set(inner)
    if name:
        used |= {(module, "")}
        used |= {(module, each) for each in _names(nodes) - {name} if definition(file, each)}
    return frozenset(elsewhere), frozenset(one for one in used if _counts(one[0]))


def _is_defined(node: ast.AST) -> bool:
    return isinstance(node, (*_FUNCTIONS, ast.ClassDef))


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def _certain(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk the statements of which nothing says that they may be left out."""
    for node in body:
        if isinstance(node, _FUNCTIONS) and node.name in EXPORTING:
            continue
        yield node
        if isinstance(node, (ast.If, ast.Match)):
            continue
        parts = ["body", "orelse", "finalbody"]
        if isinstance(node, (ast.Try, ast.TryStar)) and not _raises(node):
            parts = ["finalbody"]
        for part in parts:
            yield from _certain(getattr(node, part, ()))


def _raises(node: ast.Try | ast.TryStar) -> bool:
    """Return whether all that is caught is raised again, in whatever words."""
    return all(
        any(isinstance(each, ast.Raise) for each in ast.walk(handler)) for handler in node.handlers
    )


def _elsewhere(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {node.module.split(".")[0]} if node.module and not node.level else set()


def _neighbours(file: Path, node: ast.Import | ast.ImportFrom) -> Iterator[Path]:
    """Yield the files of the plugin's own modules that an import takes something of."""
    if isinstance(node, ast.ImportFrom) and node.level:
        inside = module_file(file, node)
        if inside is not None:
            yield inside
        if not node.module:
            place = file.parents[min(node.level, len(file.parents)) - 1]
            names = [alias.name for alias in node.names]
            yield from (place / f"{name}.py" for name in names)
            yield from (place / name / INIT for name in names)
        return
    for name in _elsewhere(node):
        yield file.parent / f"{name}.py"
        yield file.parent / name / INIT
