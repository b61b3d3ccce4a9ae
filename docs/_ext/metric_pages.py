"""The glossary of metrics, from the entry that stands beside each function."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from types import ModuleType

from writing import Shelf, fields, heading, literal, plain, table

from harness.metrics.entry import Entry
from harness.plugins import registry
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.reading import read_protocol

__all__ = ["write"]

UNITS = {
    "percent": "a rate between 0 and 1, written in percent",
    "share": "a number between 0 and 1",
    "": "a number without fixed bounds",
}
INTRODUCTION = """\
Every metric that a protocol can ask for. What is said here stands beside the function that computes
it, and `harness describe NAME` prints the same. An *id* is a name with its options:
`fnmr@fmr=0.01` is the false non-match rate where one non-mated comparison in a hundred matches.

Whatever the metric: ties count against the algorithm, and an image that the algorithm gave up on
counts as an error. A value stands beside its 95 % interval and beside what chance gets.
"""


def write(shelf: Shelf) -> None:
    """Write the page."""
    asked = _asked()
    families: dict[str, dict[str, Entry]] = {}
    for name, entry in CATALOGUE.items():
        families.setdefault(entry.function.__module__, {})[name] = entry
    rows = [
        (
            f":ref:`{plain(entry.label)} <metric-{name}>`",
            literal(example(name, entry)),
            entry.better or "neither",
            _protocols(asked.get(name, ())),
        )
        for name, entry in CATALOGUE.items()
    ]
    parts = [
        heading("Metrics"),
        INTRODUCTION,
        table(("Metric", "Id", "Better", "Asked by"), rows),
        *(_family(sys.modules[module], own, asked) for module, own in families.items()),
    ]
    shelf.write("metrics", "\n".join(parts))


def example(name: str, entry: Entry) -> str:
    """Return an id with the options of an example."""
    options = ",".join(f"{option}={value:g}" for option, value in entry.options)
    return f"{name}@{options}" if options else name


def _family(module: ModuleType, entries: Mapping[str, Entry], asked: dict[str, list[str]]) -> str:
    title, _, rest = (inspect.getdoc(module) or "").partition("\n\n")
    # The words before the colon name the family; the rest of the line lists what is in it.
    family = title.partition(": ")[0].rstrip(".")
    parts = [heading(plain(family), "-"), rest.replace("in this file", "in this section"), ""]
    told: dict[str, str] = {}
    for name, entry in entries.items():
        function = f"{entry.function.__module__}.{entry.function.__qualname__}"
        first = told.setdefault(function, name)
        parts += [
            f".. _metric-{name}:\n",
            heading(plain(entry.label), "~"),
            fields(
                [
                    ("Id", literal(example(name, entry))),
                    ("Better", entry.better or "neither: it describes"),
                    ("Unit", UNITS[entry.unit]),
                    ("Counted", entry.trials.lower()),
                    ("Guessing gets", _guess(entry)),
                    ("Options", ", ".join(literal(one) for one in entry.names)),
                    ("Asked by", _protocols(asked.get(name, ()))),
                ]
            ),
            f".. autofunction:: {function}\n   :no-index:\n"
            if first == name
            else f"Computed by {literal(function)}, as told under"
            f" :ref:`{plain(entries[first].label)} <metric-{first}>`.\n",
        ]
    return "\n".join(parts)


def _guess(entry: Entry) -> str:
    if entry.guess is None:
        return "what each run says: it depends on the data"
    return f"{entry.guess:g} where data leave nothing to luck; each run says what it is on its own"


def _asked() -> dict[str, list[str]]:
    """Return the protocols that ask for a metric, by its name."""
    found: dict[str, list[str]] = {}
    for protocol, file in registry.protocols().items():
        for text in read_protocol(file)[0].metrics:
            names = found.setdefault(text.partition("@")[0], [])
            if protocol not in names:
                names.append(protocol)
    return found


def _protocols(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f":doc:`/reference/protocols/{name}`" for name in names)
