"""The built-in generator draws every word of the vocabulary that prompts are made of."""

from __future__ import annotations

import pytest

from generators.procedural import FAMILIES
from generators.procedural.body import PLACES
from generators.procedural.styles import STYLES as DRAWN_STYLES
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
