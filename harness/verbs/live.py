"""A class of this session as an algorithm: what it is made of is kept as a file beside the runs.

No other process can import a class of a notebook, so it runs inside this one, and a run of it
stands on what can be seen: the cells in which the class, its bases and the functions that they call
were defined, and the values of plain names that they use. Their text is the plugin's source.
"""

from __future__ import annotations

import hashlib
import inspect
import linecache
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from harness.api import Algorithm
from harness.data.whole_files import write_whole
from harness.errors import UsageError, visible
from harness.plugins.registry import Plugin, called

FOLDER = ".cells"
"""Below the folder of runs: the texts of classes that stand in no file."""

LONGEST = 10_000
"""Letters of a value that a function uses and is not given."""

_PLAIN = (int, float, complex, str, bytes, bool, type(None), tuple, list, dict, set, frozenset)


def live_plugin(algorithm: type[Algorithm] | Algorithm, out: Path) -> Plugin:
    """Return a class of this process, or that of an object, as a plugin.

    Parameters
    ----------
    algorithm
        The class, or an instance of it.
    out
        Folder of runs, in which the text of a class goes that stands in no file.

    Raises
    ------
    UsageError
        If it is no algorithm, or cannot be found by its name.
    """
    kind = algorithm if isinstance(algorithm, type) else type(algorithm)
    if not issubclass(kind, Algorithm):
        raise UsageError(
            f"{kind.__name__} is no algorithm: derive it from harness.Matcher, harness.Detector or "
            "another ability, or name an algorithm"
        )
    module = sys.modules.get(kind.__module__)
    if getattr(module, kind.__qualname__, None) is not kind:
        raise UsageError(
            f"{kind.__qualname__} is not what {kind.__module__} knows by that name now: define the "
            "class at the top of a cell or file, and make the object anew after a change"
        )
    file = getattr(module, "__file__", None)
    if file is not None and Path(file).is_file():
        path = Path(inspect.getfile(kind)).resolve()
    else:
        text = source_of(kind)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
        path = (out / FOLDER / f"{called(kind.__name__)}-{digest}.py").resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return Plugin(called(kind.__name__), path, kind.__qualname__, kind.__module__, live=True)


def parameters_of(algorithm: Algorithm) -> dict[str, str]:
    """Return the parameters of an object that are not as its class has them, as texts.

    Raises
    ------
    UsageError
        If it has learned something, which a run would not use.
    """
    learned = [name for name in vars(algorithm) if name.endswith("_") and not name.startswith("_")]
    if learned:
        raise UsageError(
            f"the object has learned ({', '.join(learned)}), and a run learns anew in every fold: "
            "give the class and its parameters, or an object that was not fitted"
        )
    return {
        one.name: text_of_value(getattr(algorithm, one.name))
        for one in (fields(algorithm) if is_dataclass(algorithm) else ())
        if one.default is MISSING or getattr(algorithm, one.name) != one.default
    }


def text_of_value(value: Any) -> str:
    """Return a parameter's value as it is written after ``--param NAME=``.

    >>> text_of_value((1, 2)), text_of_value(0.1), text_of_value(None)
    ('1,2', '0.1', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)


def source_of(kind: type) -> str:
    """Return the text of all cells that a class is made of, and the plain values it uses."""
    cells: dict[str, str] = {}
    values: dict[str, str] = {}
    for function, name in _functions_from(kind):
        code = function.__code__
        if code.co_filename not in cells:
            text = "".join(linecache.getlines(code.co_filename))
            if text:
                cells[code.co_filename] = text
            elif code.co_filename != "<string>":  # of which @dataclass makes its own methods
                values[f"{name}()"] = f"bytecode {_digest(code)}"
        values |= dict(_plain_values(function))
    parts = [f"# What {visible(kind.__qualname__)} is made of, as far as that can be seen.\n"]
    parts += [text if text.endswith("\n") else text + "\n" for text in cells.values()]
    parts += [f"# {visible(name)} = {visible(value)}\n" for name, value in sorted(values.items())]
    return "\n".join(parts)


def _functions_from(kind: type) -> Iterator[tuple[types.FunctionType, str]]:
    """Yield the functions of a class, of its bases, and of all that these call, of one module."""
    left: list[Any] = [kind]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if id(one) in seen or getattr(one, "__module__", None) != kind.__module__:
            continue
        seen.add(id(one))
        if isinstance(one, type):
            left += one.__mro__
            for member in vars(one).values():
                for inner in (member, *(getattr(member, n, None) for n in _WRAPPED)):
                    left += [inner] if isinstance(inner, (types.FunctionType, type)) else []
        elif isinstance(one, types.FunctionType):
            yield one, one.__qualname__
            known = one.__globals__
            left += [known[name] for name in sorted(_names(one.__code__)) if name in known]


_WRAPPED = ("__func__", "fget", "func", "__wrapped__")


def _names(code: types.CodeType) -> set[str]:
    inner = (one for one in code.co_consts if isinstance(one, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _plain_values(function: types.FunctionType) -> Iterator[tuple[str, str]]:
    """Yield the names of this module's that a function uses, and what they are now."""
    known: Mapping[str, Any] = function.__globals__
    for name in sorted(_names(function.__code__)):
        if name not in known or isinstance(known[name], (type, types.ModuleType)):
            continue
        value = known[name]
        if hasattr(value, "tobytes") and hasattr(value, "dtype"):
            found = hashlib.sha256(value.tobytes()).hexdigest()
            yield name, f"{value.dtype} {getattr(value, 'shape', ())} {found}"
        elif isinstance(value, _PLAIN):
            text = repr(value)
            long = len(text) > LONGEST
            yield name, hashlib.sha256(text.encode()).hexdigest() if long else text
        elif not callable(value):
            yield name, f"a {type(value).__name__}, which is not looked into"


def _digest(code: types.CodeType) -> str:
    inner = [
        _digest(one) if isinstance(one, types.CodeType) else repr(one) for one in code.co_consts
    ]
    facts = repr((code.co_code, code.co_names, code.co_varnames, inner))
    return hashlib.sha256(facts.encode()).hexdigest()
