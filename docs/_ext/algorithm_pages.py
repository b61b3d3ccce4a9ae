"""One page for each algorithm, from what it says of itself; and one for each generator."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields as fields_of
from pathlib import Path

import msgspec
from measured import measured_on, measured_table
from numpydoc.docscrape_sphinx import SphinxDocString
from protocol_pages import headlines
from writing import Shelf, fields, heading, indented, literal, plain, spoken, table

from harness.plugins import registry
from harness.plugins.description import Description, Parameter, describe
from harness.plugins.importing import only_class
from harness.plugins.places import PACKAGE
from harness.synthesis.finding import generators, load, recipes
from harness.synthesis.generator import Generator
from harness.synthesis.recipe import read_recipe

__all__ = ["described", "write", "write_generators"]

ROOT = PACKAGE.parent


def described(kept: Path) -> dict[str, Description]:
    """Return what every algorithm says of itself, by name.

    Parameters
    ----------
    kept
        Folder of earlier answers, by the hash of an algorithm's source: asking imports PyTorch and
        TensorFlow.
    """
    found = {}
    for name, (plugin, *_) in registry.algorithms().items():
        file = kept / f"{name}-{registry.source_hash(plugin)[:20]}.json"
        try:
            found[name] = msgspec.json.decode(file.read_bytes(), type=Description)
        except (OSError, msgspec.DecodeError):
            found[name] = describe(registry.load(plugin))
            kept.mkdir(parents=True, exist_ok=True)
            file.write_bytes(msgspec.json.encode(found[name]))
    return found


def write(shelf: Shelf, algorithms: dict[str, Description]) -> None:
    """Write a page for each algorithm, and the page that lists them."""
    ids = headlines()
    rows = []
    for name, found in algorithms.items():
        shelf.write(f"algorithms/{name}", _page(name, found, ids))
        kind = "control" if found.control else "learns" if found.learns else ""
        rows.append(
            (
                f":doc:`{plain(name)} </reference/algorithms/{name}>`",
                spoken(found.about),
                _abilities(found).lower(),
                kind,
            )
        )
    order = sorted(rows, key=lambda row: row[3] == "control")
    shelf.write(
        "algorithms/index",
        "\n".join(
            [
                heading("Algorithms"),
                "`harness describe NAME` prints the same in a terminal. *Controls* are no"
                " contenders: they show what chance, the truth, or no look at the tattoo gets.\n",
                table(("Algorithm", "What it is", "Answers as", "Note"), order),
                ".. toctree::\n   :hidden:\n   :glob:\n\n   *\n",
            ]
        ),
    )


def _abilities(found: Description) -> str:
    abilities = ", ".join(found.abilities)
    return "Anything that is asked" if abilities == "Control" else abilities


def _page(name: str, found: Description, ids: dict[str, str]) -> str:
    plugin = registry.find_algorithm(name)
    presets = []
    for preset, values in found.presets.items():
        presets += [
            heading(f"Preset {literal(preset)}", "~"),
            table(
                ("Parameter", "Value"),
                [(literal(key), literal(repr(value))) for key, value in values.items()],
            ),
        ]
    parts = [
        heading(literal(name)),
        re.sub(r"\bdocs/([\w-]+)\.md", r":doc:`/\1`", found.doc),
        "",
        fields(
            [
                ("Answers as", _abilities(found)),
                ("Learns", "yes, in every fold" if found.learns else "no"),
                ("Control", "yes: it is no contender" if found.control else ""),
                ("Compares by", "cosine of its templates" if found.cosine else ""),
                ("Sees", "the bytes of the file" if found.sees == "file" else ""),
                ("Source", literal(plugin.place.relative_to(ROOT).as_posix())),
                ("Citation", plain(found.citation)),
            ]
        ),
        f".. code-block:: sh\n\n   {_typical(name, found)}\n",
        heading("Parameters", "-"),
        "Set with `--param NAME=VALUE`.\n",
        table(
            ("Parameter", "Type", "Default", "Meaning"),
            [_parameter(one) for one in found.parameters],
        ),
        *([heading("Presets", "-"), "Chosen with `--preset NAME`.\n"] if presets else []),
        *presets,
    ]
    figures = measured_table(lambda one: one.get("algorithm") == name, ids, "protocol")
    if figures:
        parts += [heading("Measured", "-"), figures]
    return "\n".join(parts)


def _typical(name: str, found: Description) -> str:
    """Return a command that asks the algorithm something that it can answer."""
    usual = [ASKED[one] for one in found.abilities if one in ASKED]
    protocol = [*measured_on(name), *usual, "mixed-media"][0]
    needed = "".join(f" --param {one.name}=FILE" for one in found.parameters if one.required)
    return f"harness run --protocol {protocol} --algo {name}{needed}"


ASKED = {
    "Matcher": "mixed-media",
    "Detector": "detection",
    "Tagger": "tagging",
    "Segmenter": "segmentation",
    "Remover": "removal",
}
"""A protocol for each ability."""


def _parameter(one: Parameter) -> tuple[str, str, str, str]:
    # A choice that is no text is that of saying nothing.
    said = one.limits.replace("one of , ", "nothing, or one of ")
    limits = f" ({plain(said)})" if said else ""
    meaning = plain(one.meaning) + (" **Required.**" if one.required else "")
    return literal(one.name), literal(one.type), literal(repr(one.default)), meaning + limits


def write_generators(shelf: Shelf) -> None:
    """Write the pages of generators and recipes of synthetic pictures."""
    rows = []
    for name, file in generators().items():
        module = load(file)
        kind = only_class(module, file, Generator, "Generator", of_modules=True)  # type: ignore[type-abstract]
        doc = inspect.getdoc(kind) or ""
        rows.append((name, "--generator", doc.split("\n")[0]))
        shelf.write(f"generators/{name}", _generator(name, file, kind, doc))
    for name, file in recipes().items():
        recipe = read_recipe(file)
        rows.append((name, "--recipe", recipe.title))
        shelf.write(
            f"generators/{name}",
            "\n".join(
                [
                    heading(literal(name)),
                    f"{plain(recipe.title)}.\n",
                    f".. code-block:: sh\n\n   harness synth DIR --recipe {name}\n",
                    heading("The recipe", "-"),
                    ".. code-block:: toml\n",
                    indented(file.read_text(encoding="utf-8")),
                ]
            ),
        )
    shelf.write(
        "generators/index",
        "\n".join(
            [
                heading("Generators and recipes"),
                "What makes synthetic pictures, and what sets are made of them:"
                " :doc:`synthetic data </synthetic-data>`.\n",
                table(
                    ("Name", "Option", "What it is"),
                    [
                        (
                            f":doc:`{plain(name)} </reference/generators/{name}>`",
                            literal(option),
                            spoken(about),
                        )
                        for name, option, about in rows
                    ],
                ),
                ".. toctree::\n   :hidden:\n   :glob:\n\n   *\n",
            ]
        ),
    )


def _generator(name: str, file: Path, kind: type[Generator], doc: str) -> str:
    place = file.parent if file.name == "__init__.py" else file
    return "\n".join(
        [
            heading(literal(name)),
            re.sub(r"\n{3,}", "\n\n", str(SphinxDocString(doc))),
            "",
            f".. code-block:: sh\n\n   harness synth DIR --generator {name}\n",
            fields(
                [
                    ("Takes a tattoo again", "yes" if kind.retakes else "no"),
                    ("Masks and clean pictures", "yes" if kind.pairs else "no"),
                    ("Motifs", plain(", ".join(kind.motifs)) or "any"),
                    ("Styles", plain(", ".join(kind.styles)) or "any"),
                    ("Whole data sets", plain(", ".join(kind.layouts))),
                    ("Source", literal(place.relative_to(ROOT).as_posix())),
                ]
            ),
            table(
                ("Parameter", "Default"),
                [
                    (literal(one.name), literal(repr(one.default)))
                    for one in fields_of(kind)
                    if one.init
                ],
            ),
        ]
    )
