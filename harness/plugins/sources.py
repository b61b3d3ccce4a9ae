"""The code that makes scores: which of the harness's own belongs to the recipe of a run.

The modules of `WHOLE` decode, order, execute, check and match, and count whole. Whatever else of
the harness they import counts as far as it is used: the functions, classes and constants named,
with those that these use in turn. So a report, a metric computed from stored scores, or a network
that an algorithm does not use changes no recipe; a rule by which stored scores came about does.
An algorithm adds the modules of the training toolkit that it imports, whole, and what they import.

What is imported is read from the text, inside functions too, without running anything.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from harness.data.whole_files import write_whole
from harness.plugins.places import PACKAGE, cache_folder

WHOLE = (
    "harness.execution",
    "harness.matching",
    "harness.execution.answers",
    "harness.api",
    "harness.plugins.description",
    "harness.data.images",
)
"""Modules, and packages with all their modules, that count whole."""

APART = (
    "harness.errors",
    "harness.errors.absent",
    "harness.tasks.kinds",
    "harness.tasks.protocol",
    "harness.tasks.trade_off",
    "harness.tasks.reading",
    "harness.plugins.files",
    "harness.plugins.glancing",
    "harness.plugins.importing",
    "harness.plugins.programs",
    "harness.plugins.programs.command",
    "harness.plugins.programs.documented",
    "harness.plugins.programs.driver",
    "harness.plugins.programs.starting_points",
    "harness.plugins.registry",
    "harness.plugins.requirements",
    "harness.plugins.sources",
    "harness.execution.asking",
    "harness.execution.claims",
    "harness.execution.cluster",
    "harness.execution.cluster.assignments",
    "harness.execution.cluster.carrying",
    "harness.execution.cluster.choosing",
    "harness.execution.cluster.connecting",
    "harness.execution.cluster.sameness",
    "harness.execution.cluster.settings",
    "harness.execution.cluster.there",
    "harness.execution.costs",
    "harness.execution.devices",
    "harness.execution.enclosure",
    "harness.execution.environment",
    "harness.execution.executor",
    "harness.execution.fence",
    "harness.execution.fenced",
    "harness.execution.here",
    "harness.execution.journal",
    "harness.execution.landlock",
    "harness.execution.loaded",
    "harness.execution.log",
    "harness.execution.namespaces",
    "harness.execution.processes",
    "harness.execution.readable",
    "harness.execution.spot_checks",
)
"""Modules that count for nothing: they word errors and figures, read what the recipe holds anyway
(the bytes of the protocol, the plugin's source), or only record, fence in or check how scores came
about."""

PROGRAMS = "harness.plugins.programs"
"""Package of what speaks with programs of others: it counts whole for these."""

TOOLKIT = "harness.training"
"""Package of which the modules that an algorithm imports count whole."""

KEPT = 64
"""Findings that are kept, the last ones: one for each algorithm and state of the harness."""

LONGEST_NAME = 200
"""Characters of a text that may be the name of a file."""

_PARTS = ("body", "orelse", "handlers", "finalbody", "cases")
ALL = "*"
_Wanted = tuple[str, str]
"""A module, and a name in it or `ALL`."""


def score_makers(files: Iterable[Path] = ()) -> dict[str, str]:
    """Return what of the harness makes the scores of an algorithm.

    Parameters
    ----------
    files
        Python files of the algorithm; none for what is the same for all algorithms.

    Returns
    -------
    dict
        SHA-256 of source text by where it stands: ``harness.execution.answers``, or
        ``harness.metrics.verification:errors_allowed``.
    """
    wanted = [want for file in files for want in _imports_of(file)]
    return dict(_common()) | _remembered(wanted, (*WHOLE, TOOLKIT))


def program_speakers() -> dict[str, str]:
    """Return what of the harness makes the scores of a program: as `score_makers`."""
    wanted = [(name, ALL) for name in _modules_of(PROGRAMS) if name not in APART]
    return dict(_common()) | _remembered(wanted, (*WHOLE, PROGRAMS))


def named_files(folder: Path, files: Iterable[Path]) -> list[str]:
    """Return the files below a folder whose names stand as texts in Python files.

    Compiled code that opens ``Path(__file__).with_name("model.onnx")`` is seen by nobody; the name
    is, as one in the folder or beside the Python file. Paths are relative to the folder, with
    ``/``.
    """
    root = folder.resolve()
    found = set()
    for file in files:
        for node in ast.walk(tree_of(file)):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            text = node.value
            if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
                continue
            for path in {root / text, file.parent.resolve() / text}:
                with suppress(OSError):
                    if path.is_file() and path.resolve().is_relative_to(root):
                        found.add(path.resolve().relative_to(root).as_posix())
    return sorted(found)


def libraries(files: Iterable[Path]) -> set[str]:
    """Return the modules that an algorithm and its part of the toolkit import from elsewhere.

    Parameters
    ----------
    files
        Python files of the algorithm.

    Returns
    -------
    set
        Outermost names, such as ``torch``; those imported inside functions, too.
    """
    own = list(files)
    toolkit = [name for name in score_makers(own) if name.startswith(f"{TOOLKIT}.")]
    texts = [*own, *(file for name in toolkit if (file := file_of(name)) is not None)]
    return imported_names(texts) - {PACKAGE.name}


def imported_names(files: Iterable[Path]) -> set[str]:
    """Return the outermost names of all that files import absolutely, inside functions too."""
    found = set()
    for file in files:
        for node in _statements(tree_of(file).body):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


@cache
def _common() -> dict[str, str]:
    return _remembered([(name, ALL) for root in WHOLE for name in _modules_of(root)], WHOLE)


def _remembered(wanted: Iterable[_Wanted], whole: tuple[str, ...]) -> dict[str, str]:
    """Do what `_closure` does, once for these texts of the harness.

    Parsing them takes a third of the time of a small run. What was found is kept under a hash of
    all that it follows from; a file that nobody can read or write is as if there were none.
    """
    asked = sorted(set(wanted))
    if not asked:
        return {}
    follows_from = json.dumps([sys.version_info[:2], _texts_of_the_harness(), asked, whole])
    kept = cache_folder() / "sources" / f"{_digest(follows_from)}.json"
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(kept.read_bytes(), type=dict[str, str])
    found = _closure(asked, whole)
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, msgspec.json.encode(found))
        others = sorted(kept.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)
    return found


@cache
def _texts_of_the_harness() -> str:
    """Return a hash of all Python files of the harness, with where they lie."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_bytes()
        digest.update(f"{file.relative_to(PACKAGE)} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def _closure(wanted: Iterable[_Wanted], whole: tuple[str, ...]) -> dict[str, str]:
    """Return the texts of all that is wanted, and of all that these use."""
    found: dict[str, str] = {}
    seen: set[_Wanted] = set()
    left = list(wanted)
    while left:
        module, name = left.pop()
        if any(module == one or module.startswith(f"{one}.") for one in whole):
            name = ALL
        if (module, name) in seen or module in APART:
            continue
        seen.add((module, name))
        file = file_of(module)
        if file is None:
            continue
        if name == ALL:
            found[module] = _digest(_text(file))
            left += _imports_of(file)
            continue
        text, used = _definition(file, name)
        if text:
            found[f"{module}:{name}"] = _digest(text)
        left += [(module, each) if isinstance(each, str) else each for each in used]
    return found


def _definition(file: Path, name: str) -> tuple[str, list[str | _Wanted]]:
    """Return the text that binds a name at the top of a module, and what it uses."""
    nodes = _bindings(file).get(name, [])
    lines = _text(file).splitlines()
    texts: list[str] = []
    used: list[str | _Wanted] = []
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            used += [want for bound, want in _imported(node, [tree_of(file)]) if bound == name]
            continue
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(each.lineno for each in decorators)])
        texts.append("\n".join(lines[start - 1 : node.end_lineno]))
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - {name}
        inside = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
        used += [want for each in inside for _, want in _imported(each, [node])]
        for other in sorted(names & _bindings(file).keys()):
            for bound in _bindings(file)[other]:
                if isinstance(bound, (ast.Import, ast.ImportFrom)):
                    used += [want for b, want in _imported(bound, [node]) if b == other]
                else:
                    used.append(other)
    return "\n".join(texts), used


def _imports_of(file: Path) -> list[_Wanted]:
    tree = tree_of(file)
    return [
        want
        for node in _statements(tree.body)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for _, want in _imported(node, [tree])
    ]


def _imported(
    node: ast.Import | ast.ImportFrom, scopes: Iterable[ast.AST]
) -> Iterator[tuple[str, _Wanted]]:
    """Yield what an import takes of the harness, by the name that it is bound to.

    Of a module that is bound to a name, the attributes used in the scopes are taken; where none
    is, all of it.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] == PACKAGE.name:
                bound = alias.asname or PACKAGE.name
                for name in _attributes(alias.asname, scopes):
                    yield bound, (alias.name, name)
        return
    module = node.module or ""
    if node.level or module.split(".")[0] != PACKAGE.name:
        return
    for alias in node.names:
        bound = alias.asname or alias.name
        inner = f"{module}.{alias.name}"
        if file_of(inner) is not None:
            for name in _attributes(bound, scopes):
                yield bound, (inner, name)
        else:
            yield bound, (module, alias.name)


def _attributes(bound: str | None, scopes: Iterable[ast.AST]) -> list[str]:
    found = {
        node.attr
        for scope in scopes
        for node in ast.walk(scope)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == bound
    }
    return sorted(found) or [ALL]


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk statements, those within others too, without what only type checkers read."""
    for node in body:
        yield node
        parts = ("orelse",) if isinstance(node, ast.If) and _for_checkers(node) else _PARTS
        for part in parts:
            yield from _statements(getattr(node, part, ()))


def _for_checkers(node: ast.If) -> bool:
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


@cache
def _bindings(file: Path) -> dict[str, list[ast.stmt]]:
    """Return the statements that bind each name at the top of a module."""
    found: dict[str, list[ast.stmt]] = {}

    def note(body: Iterable[ast.stmt]) -> None:
        for node in body:
            names: list[str] = []
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names = [node.name]
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.asname or alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, (ast.If, ast.Try)):
                if isinstance(node, ast.If) and _for_checkers(node):
                    continue
                note([*node.body, *node.orelse])
                for handler in getattr(node, "handlers", []):
                    note(handler.body)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                names = [
                    each.id
                    for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
                    for each in ast.walk(target)
                    if isinstance(each, ast.Name)
                ]
            for name in names:
                found.setdefault(name, []).append(node)

    note(tree_of(file).body)
    return found


def definition(file: Path, name: str) -> list[ast.stmt]:
    """Return the statements at the top of a module that bind a name, or all for `ALL`."""
    return tree_of(file).body if name == ALL else _bindings(file).get(name, [])


def harness_imports(node: ast.Import | ast.ImportFrom, scope: ast.AST) -> list[tuple[str, str]]:
    """Return what an import takes of the harness: modules, and names in them or `ALL`.

    Parameters
    ----------
    node
        The statement.
    scope
        In which attributes of an imported module are looked for.
    """
    return [want for _, want in _imported(node, [scope])]


@cache
def file_of(module: str) -> Path | None:
    """Return the file of a module of the harness, by its name with dots; None where none is."""
    place = PACKAGE.parent / module.replace(".", "/")
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _modules_of(root: str) -> list[str]:
    """Return the names of a module, or of a package and all modules in it."""
    folder = PACKAGE.parent / root.replace(".", "/")
    if not folder.is_dir():
        return [root]
    files = sorted(folder.rglob("*.py"))
    names = [".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def tree_of(file: Path) -> ast.Module:
    """Return the syntax tree of a Python file; an empty one where it has faults."""
    status = file.stat()
    return _parsed(file, (status.st_mtime_ns, status.st_size))


@cache
def _parsed(file: Path, _state: tuple[int, int]) -> ast.Module:
    try:
        return ast.parse(_text(file))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
