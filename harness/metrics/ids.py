"""Metric ids: values that print and parse, such as ``fnmr@fmr=0.001``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeAlias

Option: TypeAlias = float | int | str
"""What an option of a metric may be: a finite number or a word."""

_WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_EXAMPLES = "expected something like 'eer', 'hit-rate@rank=10' or 'fnir@fpir=0.01,rank=1'"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric and the point at which it is read: hashable, printable, parsable.

    Two spellings of one metric are equal and print alike: options are kept in the order of their
    names, and a whole number is an int however it was written.

    Parameters
    ----------
    name
        Lower-case words joined by hyphens.
    options
        Pairs of a name (like `name`) and a finite number or a word. No name twice.

    Raises
    ------
    ValueError
        If a name, a word or a number is none of these.

    Examples
    --------
    >>> str(Metric("hit-rate", (("rank", 10),)))
    'hit-rate@rank=10'
    >>> Metric.parse("fnmr@fmr=1e-3") == Metric.parse("fnmr@fmr=0.001")
    True
    >>> print(Metric.parse("fnir@rank=1,fpir=1e-2"))
    fnir@fpir=0.01,rank=1
    """

    name: str
    options: tuple[tuple[str, Option], ...] = ()

    def __post_init__(self) -> None:
        if not _WORD.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a metric's name: {_EXAMPLES}")
        names = [name for name, _ in self.options]
        for name in names:
            if not _WORD.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of an option of {self.name!r}")
            if names.count(name) > 1:
                raise ValueError(f"option {name!r} of {self.name!r} is given twice")
        checked = ((name, _plain(self.name, name, value)) for name, value in self.options)
        object.__setattr__(self, "options", tuple(sorted(checked, key=lambda pair: pair[0])))

    @classmethod
    def parse(cls, text: str) -> Metric:
        """Read ``name`` or ``name@option=value,option=value``, without spaces.

        Parameters
        ----------
        text
            What `str` of a metric gives, or another spelling of it.

        Raises
        ------
        ValueError
            If the text is not of this form; the message says which part of it.

        Examples
        --------
        >>> Metric.parse("hit-rate@rank=10").options
        (('rank', 10),)
        """
        name, at, rest = text.partition("@")
        if at and not rest:
            raise ValueError(f"{text!r} has nothing after '@': {_EXAMPLES}")
        options: list[tuple[str, Option]] = []
        for part in rest.split(",") if at else ():
            option, equals, value = part.partition("=")
            if not (option and equals and value):
                raise ValueError(f"{part!r} in {text!r} is not 'option=value': {_EXAMPLES}")
            options.append((option, _read(value)))
        return cls(name, tuple(options))

    def __getitem__(self, option: str) -> Option:
        """Value of an option.

        Raises
        ------
        KeyError
            If the metric does not have it.
        """
        return dict(self.options)[option]

    def __str__(self) -> str:
        options = ",".join(f"{name}={value}" for name, value in self.options)
        return f"{self.name}@{options}" if options else self.name


def _read(text: str) -> Option:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _plain(metric: str, option: str, value: object) -> Option:
    """Give a value the one form in which it is stored and printed."""
    where = f"option {option!r} of {metric!r}"
    if isinstance(value, str):
        # float() would read these words as numbers, so they could not be told from numbers later.
        if not _WORD.fullmatch(value) or value in ("nan", "inf", "infinity"):
            raise ValueError(f"{where} is {value!r}: expected a finite number or a lower-case word")
        return value
    switch = isinstance(value, bool)  # Python counts it among the numbers; an option is not one
    # NumPy's scalars print as np.float64(...), so all numbers become Python's.
    if isinstance(value, Integral) and not switch:
        return int(value)
    number = float(value) if isinstance(value, Real) and not switch else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} is {value!r}: expected a finite number or a lower-case word")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
