"""Public functions state the shapes of their arrays, and their parameters have telling names."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "algorithms", "generators")

ARRAYS = {"NDArray", "ndarray", "ArrayLike", "Tensor"}
STATED = re.compile(
    r"\bshapes?:? (?:of )?`*\(|\b(?:the|in|same|its|any|their|own) shapes?\b|\bscalars?\b",
    re.IGNORECASE,
)
REFERENCE = re.compile(r"\b(?:as|for|in|see|of|what|by)\s+`([\w.]+)`", re.IGNORECASE)
VAGUE = {"told", "given", "brought", "asked", "found", "begun", "wanted", "said", "seen"}
"""Names of parameters that say nothing of the value."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """What one file defines, as far as shapes are concerned."""

    path: str
    tree: ast.Module
    aliases: dict[str, tuple[ast.expr, str]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    bases: dict[str, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def module_of(path: str, text: str) -> Module:
    """Read aliases with the text below them, imports, functions and the methods of classes."""
    module = Module(path, ast.parse(text))
    body = module.tree.body
    for node, below in zip(body, [*body[1:], None], strict=True):
        text_below = ""
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            text_below = str(below.value.value)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            assert node.value is not None
            module.aliases[ast.unparse(node.target)] = (node.value, text_below)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            # An alias without `TypeAlias` still is one where its value names an array.
            for name in node.targets:
                module.aliases[ast.unparse(name)] = (node.value, text_below)
        elif isinstance(node, Function):
            module.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            module.bases[node.name] = [ast.unparse(base) for base in node.bases]
            for method in node.body:
                if isinstance(method, Function):
                    module.functions[f"{node.name}.{method.name}"] = method
    under_if = [inner for node in body if isinstance(node, ast.If) for inner in node.body]
    for inner in body + under_if:
        if isinstance(inner, ast.ImportFrom) and inner.module:
            folder = path.split("/")[: -inner.level] if inner.level else []
            source = ".".join([*folder, inner.module])
            for one in inner.names:
                module.imported[one.asname or one.name] = (source, one.name)
    return module


def entries_of(docstring: str) -> dict[str, str]:
    """Return the texts of the section of parameters, by their names; empty without a section."""
    _, heading, section = docstring.partition("Parameters\n----------\n")
    if not heading:
        return {}
    entries: dict[str, str] = {}
    names: list[str] = []
    for line in re.split(r"\n\n\w+\n---", section)[0].splitlines():
        if line[:1].strip():
            names = re.findall(r"\w+", line.partition(" : ")[0])
        for name in names:
            entries[name] = f"{entries.get(name, '')} {line.strip()}"
    return entries


class House:
    """All modules of the project, and which of their functions leave a shape unsaid."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.modules = {path: module_of(path, text) for path, text in texts.items()}

    def unstated(self) -> Iterator[str]:
        """Name each public function that has an array in its signature and states no shape."""
        for module in self.modules.values():
            for name, function in module.functions.items():
                if (
                    not any(part.startswith("_") for part in name.split("."))
                    and self._has_arrays(module, function)
                    and not self._states(module, name, set())
                ):
                    yield f"{module.path}: {name}"

    def unstated_entries(self) -> Iterator[str]:
        """Name each array among documented parameters whose own entry states no shape."""
        for module in self.modules.values():
            for name, function in module.functions.items():
                if any(part.startswith("_") for part in name.split(".")):
                    continue
                entries = entries_of(ast.get_docstring(function) or "")
                for one in (*function.args.args, *function.args.kwonlyargs):
                    if (
                        entries
                        and one.annotation is not None
                        and self._is_array(module, one.annotation)
                        and not re.search(
                            rf"{STATED.pattern}|`[\w.]+`", entries.get(one.arg, ""), re.I
                        )
                    ):
                        yield f"{module.path}: {name}: {one.arg}"

    def vague_names(self) -> Iterator[str]:
        """Name parameters of public functions, and fields of dataclasses, that are in `VAGUE`."""
        for module in self.modules.values():
            for name, function in module.functions.items():
                if not any(
                    part.startswith("_") for part in name.removesuffix("__init__").split(".")
                ):
                    for one in (*function.args.args, *function.args.kwonlyargs):
                        if one.arg in VAGUE:
                            yield f"{module.path}: {name}: {one.arg}"
            for kind in module.tree.body:
                if (
                    isinstance(kind, ast.ClassDef)
                    and not kind.name.startswith("_")
                    and any("dataclass" in ast.unparse(mark) for mark in kind.decorator_list)
                ):
                    for line in kind.body:
                        if isinstance(line, ast.AnnAssign) and ast.unparse(line.target) in VAGUE:
                            yield f"{module.path}: {kind.name}.{ast.unparse(line.target)}"

    def _has_arrays(self, module: Module, function: Function) -> bool:
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        annotations = [one.annotation for one in every] + [function.returns]
        return any(self._is_array(module, one) for one in annotations if one is not None)

    def _is_array(self, module: Module, annotation: ast.expr) -> bool:
        """Whether an annotation names an array, other than by an alias that states its shape."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self._is_array(module, ast.parse(annotation.value, mode="eval").body)
        for node in ast.walk(annotation):
            if isinstance(node, ast.Attribute) and node.attr in ARRAYS:
                return True
            if isinstance(node, ast.Name) and (
                node.id in ARRAYS or self._is_unstated_alias(module, node.id)
            ):
                return True
        return False

    def _is_unstated_alias(self, module: Module, name: str) -> bool:
        at = self._place(module, name)
        if at is None or at[1] not in at[0].aliases:
            return False
        value, text_below = at[0].aliases[at[1]]
        return not STATED.search(text_below) and self._is_array(at[0], value)

    def _place(self, module: Module, name: str) -> tuple[Module, str] | None:
        """Where a name is defined: here, or in the module it is imported from."""
        if name in module.aliases or name in module.bases or name in module.functions:
            return module, name
        if name in module.imported:
            source, original = module.imported[name]
            for end in (".py", "/__init__.py"):
                other = self.modules.get(source.replace(".", "/") + end)
                if other is not None and other is not module:
                    return self._place(other, original)
        return None

    def _states(self, module: Module, name: str, seen: set[str]) -> bool:
        """Whether a function states a shape, overrides one that does, or refers to one."""
        mark = f"{module.path}:{name}"
        if mark in seen:
            return False
        seen.add(mark)
        text = ast.get_docstring(module.functions[name]) or ""
        if STATED.search(text):
            return True
        owner, _, method = name.rpartition(".")
        places = list(self._overridden(module, owner, method)) if owner else []
        for reference in REFERENCE.findall(text):
            places += self._referred(module, owner, reference)
        return any(self._states(*place, seen) for place in places)

    def _overridden(self, module: Module, owner: str, method: str) -> Iterator[tuple[Module, str]]:
        """Find the methods of this name in the classes from which a class is derived."""
        for base in module.bases.get(owner, ()):
            place = self._place(module, base)
            if place is not None:
                at, original = place
                if f"{original}.{method}" in at.functions:
                    yield at, f"{original}.{method}"
                yield from self._overridden(at, original, method)

    def _referred(self, module: Module, owner: str, name: str) -> Iterator[tuple[Module, str]]:
        """Find what a name in a docstring means: of this class or file, imported, or dotted."""
        if "." in name:
            for other in self.modules.values():
                for function in other.functions:
                    if f".{other.name}.{function}".endswith(f".{name}"):
                        yield other, function
        elif f"{owner}.{name}" in module.functions:
            yield module, f"{owner}.{name}"
        else:
            place = self._place(module, name)
            if place is not None and place[1] in place[0].functions:
                yield place


def unstated(texts: dict[str, str]) -> list[str]:
    return sorted(House(texts).unstated())


def test_every_public_function_with_arrays_states_their_shape() -> None:
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    assert len(texts) > 100
    house = House(texts)
    assert sorted(house.unstated()) == []
    assert sorted(house.unstated_entries()) == []
    assert sorted(house.vague_names()) == [], "call it what the value is"


def test_a_name_that_says_nothing_is_found() -> None:
    text = (
        "def f(found: int, *, told: int) -> int: ...\n"
        "class C:\n    def __init__(self, given: int) -> None: ...\n"
        "@dataclass(frozen=True)\nclass D:\n    asked: int\n    names: int\n"
        "class S(msgspec.Struct):\n    said: int\n"
        "def _g(found: int) -> int: ...\n"
    )
    names = list(House({"harness/metrics/planted.py": text}).vague_names())
    assert [line.split(": ", 1)[1] for line in names] == [
        "f: found",
        "f: told",
        "C.__init__: given",
        "D.asked",
    ]


def test_a_documented_array_without_a_shape_of_its_own_is_found() -> None:
    text = (
        'def f(x: Tensor, y: Tensor, z: Tensor, n: int) -> Tensor:\n    """Add.\n\n'
        "    Parameters\n    ----------\n    x\n        Shape (n,).\n    y, n\n        Another.\n\n"
        '    Returns\n    -------\n    Tensor\n        Shape (n,).\n    """\n'
    )
    house = House({"harness/metrics/planted.py": text})
    assert list(house.unstated()) == []
    assert [line.split()[-1] for line in house.unstated_entries()] == ["y", "z"]
    sound = text.replace("Another", "As `x`").replace(", z: Tensor", "")
    assert list(House({"harness/metrics/sound.py": sound}).unstated_entries()) == []


SAYS = '"""Return it."""'
STATES = '"""Return it, shape (n,)."""'
INTS = "Ints: TypeAlias = npt.NDArray[np.int64]\n"


@pytest.mark.parametrize(
    "planted",
    [
        f"def f(x: npt.NDArray[np.float64]) -> float: {SAYS}",
        "def f(x: np.ndarray) -> float: ...",
        f"def f(*, x: 'npt.NDArray[np.float64] | None') -> float: {SAYS}",
        f"def f(*rows: npt.NDArray[np.float64]) -> float: {SAYS}",
        f"async def f() -> list[torch.Tensor]: {SAYS}",
        f"{INTS}def f(x: Ints) -> float: {SAYS}",
        f'{INTS}"""Counts."""\ndef f() -> Ints: {SAYS}',
        f"Ints = npt.NDArray[np.int64]\ndef f() -> Ints: {SAYS}",
        f"{INTS}Pairs: TypeAlias = tuple[Ints, Ints]\ndef f() -> Pairs: {SAYS}",
        f"class C:\n    def f(self) -> npt.NDArray[np.int64]: {SAYS}",
        f"class C(nn.Module):\n    def f(self, x: Tensor) -> Tensor: {SAYS}",
        f"class B:\n    def f(self): ...\nclass C(B):\n    def f(self) -> Tensor: {SAYS}",
        f'def g(): {SAYS}\ndef f() -> Tensor:\n    """Return what `g` does."""',
        'def f() -> Tensor:\n    """See `f`."""',
    ],
)
def test_a_planted_function_that_states_no_shape_is_found(planted: str) -> None:
    (found,) = unstated({"harness/metrics/planted.py": planted})
    assert found in ("harness/metrics/planted.py: f", "harness/metrics/planted.py: C.f")


@pytest.mark.parametrize(
    "sound",
    [
        f"def f(x: Tensor) -> Tensor: {STATES}",
        "def _f(x: Tensor) -> Tensor: ...",
        "class _C:\n    def f(self) -> Tensor: ...",
        f"{INTS}{STATES}\ndef f(x: Ints) -> Ints: ...",
        f"Ints = npt.NDArray[np.int64]\n{STATES}\ndef f(x: Ints) -> Ints: ...",
        f"class B:\n    def f(self): {STATES}\nclass C(B):\n    def f(self) -> Tensor: {SAYS}",
        f'def g() -> Tensor: {STATES}\ndef f(x: Tensor) -> float:\n    """Mean of `g`."""',
        "def f(x: PIL.Image.Image) -> str: ...",
    ],
)
def test_what_states_a_shape_or_names_what_does_passes(sound: str) -> None:
    assert unstated({"harness/metrics/sound.py": sound}) == []


def test_an_alias_and_a_method_of_another_file_state_the_shape_too() -> None:
    api = f"{INTS}{STATES}\nclass B:\n    def f(self) -> Tensor: {STATES}"
    use = (
        "from harness.api import B, Ints\nclass C(B):\n    def f(self) -> Tensor: ...\n"
        'def g(x: Ints) -> str: ...\ndef h(x: Tensor) -> str:\n    """Mean of `api.B.f`."""'
    )
    assert unstated({"harness/api.py": api, "algorithms/use.py": use}) == []
    assert len(unstated({"algorithms/use.py": use})) == 2


@pytest.mark.slow
def test_every_example_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_ON", "in-process")
    files = [
        file for file in sorted((ROOT / "harness").rglob("*.py")) if ">>> " in file.read_text()
    ]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    found = [doctest.testmod(import_module(name.removesuffix(".__init__"))) for name in names]
    assert sum(one.attempted for one in found) > 250
    assert not any(one.failed for one in found), capsys.readouterr().out
