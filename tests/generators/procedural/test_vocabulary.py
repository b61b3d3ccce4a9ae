"""The built-in generator draws every word of the vocabulary that prompts are made of."""

from __future__ import annotations

import ast
import re

import pytest

from generators.procedural import FAMILIES
from generators.procedural.body import PLACES
from generators.procedural.styles import STYLES as DRAWN_STYLES
from harness.plugins.places import PACKAGE
from harness.synthesis import Order, Prompt
from harness.synthesis.finding import build, find_generator
from harness.synthesis.generator import Generator
from harness.synthesis.grammar import Grammar
from harness.synthesis.vocabulary import MOTIFS, PLACEMENTS, STYLES


@pytest.fixture(scope="module")
def procedural() -> Generator:
    return build(find_generator("procedural"), {"size": 48})


def test_the_words_are_what_can_be_drawn_in_the_same_order(procedural: Generator) -> None:
    # The order decides which prompt a seed gives.
    assert tuple(sorted(FAMILIES)) == MOTIFS == procedural.motifs
    assert tuple(DRAWN_STYLES) == STYLES == procedural.styles
    assert tuple(PLACES) == PLACEMENTS
    assert (Grammar().motifs, Grammar().styles, Grammar().placements) == (
        *(MOTIFS, STYLES),
        PLACEMENTS,
    )


@pytest.mark.parametrize(("k", "place"), list(enumerate(PLACEMENTS)))
def test_every_placement_and_style_is_drawn(procedural: Generator, k: int, place: str) -> None:
    # That every motif has a drawing is tested with the designs.
    motif, style = MOTIFS[4 * k], STYLES[k % len(STYLES)]
    shot = procedural.generate(Order(Prompt("", motif, style, place), "t1", 0, k))
    assert motif in shot.tags
    assert shot.mask is not None
    assert shot.mask.any()


def names_in(node: ast.AST) -> list[str]:
    """Return the modules that an import names, or the text that a constant is."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_the_machine_knows_no_generator_by_the_name_of_its_module() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if "bundled" not in file.parts]
    assert len(files) > 100
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found = [name for name in names_in(node) if re.match(r"generators(\.\w+)+$", name)]
            assert not found, (file, found)
