"""What an algorithm says about itself, and its parameters checked against its dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from harness.api import Algorithm, Composite, Control, Matcher, Searcher, Tagger, describes
from harness.data.whole_files import digest_of
from harness.errors import HarnessError, UsageError, nearest
from harness.plugins.registry import abilities_of, end_program, surveyed
from harness.plugins.values import check_limits, convert, limits_in_words, type_name


class Parameter(msgspec.Struct):
    """One parameter: a field of the dataclass."""

    name: str
    type: str
    default: Any
    value: Any
    meaning: str
    limits: str = ""
    required: bool = False


class Description(msgspec.Struct):
    """An algorithm after its import, in plain values.

    Parameters
    ----------
    abilities
        Names of its ability classes.
    parameters
        With the values they have after preset and assignments.
    presets
        Named sets of parameters.
    learns
        Whether it overrides `fit`, so that its templates differ from fold to fold.
    cosine
        Whether it is a matcher that leaves `compare` to the harness.
    control
        Whether it is no contender: it is marked as a control wherever its results stand.
    shown_truth
        Whether it is a control that is shown the truth in the place of images.
    sees
        ``pixels``, or ``file``: the bytes of the image files.
    describes
        Whether it is a matcher that makes templates of words, too.
    about, doc, citation
        First line of its docstring, all of it, and where the method comes from.
    version
        Name and version that a program says, or the texts of `Algorithm.assets`; empty without.
    files
        SHA-256 of the files of `Algorithm.assets`, by their names there.
    parts, rule
        Of a `Composite`: the parameters that name its parts, and how their scores are joined.
    """

    abilities: list[str]
    parameters: list[Parameter]
    presets: dict[str, dict[str, Any]]
    learns: bool
    cosine: bool
    control: bool
    shown_truth: bool
    sees: str
    about: str
    doc: str
    citation: str
    version: str = ""
    files: dict[str, str] = {}
    describes: bool = False
    parts: list[str] = []
    rule: str = ""

    def values(self) -> dict[str, Any]:
        """Return the value of every parameter by name."""
        return {parameter.name: parameter.value for parameter in self.parameters}

    def check_complete(self, name: str) -> None:
        """Refuse to go on without a value of every required parameter.

        Raises
        ------
        UsageError
            With the option that is missing; `name` is the algorithm's.
        """
        if missing := _lacking(self.parameters):
            options = ", ".join(f"--param {p.name}=... ({p.meaning})" for p in missing)
            raise UsageError(f"{name} needs {options}")


def _lacking(parameters: Sequence[Parameter]) -> list[Parameter]:
    return [p for p in parameters if p.required and p.value == p.default]


def describe(
    algorithm: type[Algorithm],
    *,
    preset: str = "",
    assignments: Mapping[str, str] | None = None,
    seed: int | None = None,
) -> Description:
    """Describe an algorithm with the parameters it would run with.

    Parameters
    ----------
    algorithm
        The class.
    preset
        Name of a preset, or empty.
    assignments
        Texts of ``--param name=value``; they win over the preset.
    seed
        Value of ``--seed``.

    Raises
    ------
    UsageError
        If a preset or a parameter is unknown, or a value has the wrong type or is out of limits;
        all faults at once. Also what `Algorithm.assets` raises.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    if preset:
        if preset not in algorithm.presets:
            known = ", ".join(algorithm.presets) or "none"
            faults.append(
                f"no preset {preset!r}; known: {known}.{nearest(preset, algorithm.presets)}"
            )
        values.update(algorithm.presets.get(preset, {}))
    values.update(assignments or {})
    if seed is not None:
        values["seed"] = seed

    hints = get_type_hints(algorithm)
    parameters = []
    for declared in fields(algorithm):
        hint = hints[declared.name]
        if declared.default is MISSING:
            faults.append(f"parameter {declared.name!r} has no default; every parameter needs one")
            continue
        try:
            value = convert(values.pop(declared.name, declared.default), hint)
            check_limits(value, declared.metadata)
        except ValueError as reason:
            faults.append(f"parameter {declared.name}: {reason}")
            continue
        parameters.append(
            Parameter(
                name=declared.name,
                type=type_name(hint),
                default=declared.default,
                value=value,
                meaning=str(declared.metadata.get("meaning", "")),
                limits=limits_in_words(declared.metadata),
                required=bool(declared.metadata.get("required")),
            )
        )
    known_names = [declared.name for declared in fields(algorithm)]
    faults += [
        f"no parameter is called {name!r}.{nearest(name, known_names)} "
        f"Known: {', '.join(known_names)}"
        for name in values
    ]
    faults += _misdeclared(algorithm)
    if faults:
        raise UsageError(f"{algorithm.__name__}: " + "\n  ".join(faults))
    doc = inspect.cleandoc(algorithm.__doc__ or "")
    if doc.startswith(f"{algorithm.__name__}("):
        doc = ""  # what @dataclass writes where the author wrote nothing
    assets: Mapping[str, Path | str] = {}
    if algorithm.assets is not Algorithm.assets and not _lacking(parameters):
        assets = algorithm(**{one.name: one.value for one in parameters}).assets()
    words = [f"{name}: {one}" for name, one in assets.items() if isinstance(one, str)]
    if hasattr(algorithm, "program"):
        words = [str(getattr(algorithm, "version", ""))]
    return Description(
        abilities=list(abilities_of(algorithm)),
        parameters=parameters,
        presets=dict(algorithm.presets),
        learns=algorithm.fit is not Algorithm.fit,
        cosine=issubclass(algorithm, Matcher) and algorithm.compare is Matcher.compare,
        control=algorithm.control,
        shown_truth=issubclass(algorithm, Control),
        sees=algorithm.sees,
        describes=describes(algorithm),
        about=doc.split("\n")[0],
        doc=doc,
        citation=algorithm.citation,
        version="; ".join(words),
        files={name: digest_of(one) for name, one in assets.items() if isinstance(one, Path)},
        parts=list(algorithm.parts) if issubclass(algorithm, Composite) else [],
        rule=algorithm.rule if issubclass(algorithm, Composite) else "",
    )


def described(
    algorithm: type[Algorithm],
    *,
    preset: str = "",
    assignments: Mapping[str, str] | None = None,
    seed: int | None = None,
) -> Description:
    """Describe an algorithm that was loaded for that alone; parameters and errors as `describe`.

    What can do more with some parameters than with others, as programs, is asked (`surveyed`), and
    a program is ended.

    Raises
    ------
    PluginError
        If it is a program and does not keep to the line protocol.
    """
    try:
        found = describe(algorithm, preset=preset, assignments=assignments, seed=seed)
        able = surveyed(algorithm, found.values())
        if able is not algorithm:
            found = describe(able, preset=preset, assignments=assignments, seed=seed)
    except BaseException:
        with suppress(HarnessError):  # what went wrong is known
            end_program(algorithm)
        raise
    end_program(algorithm)
    return found


def _misdeclared(algorithm: type[Algorithm]) -> list[str]:
    """Return what is wrong with the class variables that say what an algorithm is."""
    control: Any = algorithm.control
    sees: Any = algorithm.sees
    if not isinstance(control, bool):
        return [f"control is {control!r}; it is a ClassVar[bool], no parameter"]
    if issubclass(algorithm, Control) and not control:
        return ["control is False, yet a Control is shown the truth: leave it as it is"]
    if (
        issubclass(algorithm, Searcher)
        and not issubclass(algorithm, Matcher)
        and (algorithm.fit is not Algorithm.fit and not issubclass(algorithm, Tagger))
    ):
        return ["it is a Searcher and defines fit: a Searcher does not learn in a run"]
    if sees not in ("pixels", "file"):
        return [f"sees is {sees!r}; it is a ClassVar, 'pixels' or 'file'"]
    if sees == "file" and not control:
        return [
            "sees is 'file', which is for controls alone: the bytes of a file tell where a picture "
            "comes from, not what it shows"
        ]
    return []
