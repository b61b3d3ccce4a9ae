"""The built-in generator draws every word of the vocabulary that prompts are made of."""

from __future__ import annotations

import pytest

from harness.generation import Order, Prompt
from harness.generation.finding import build, find_generator
from harness.generation.generator import Generator
from harness.generation.grammar import Grammar
from harness.generation.vocabulary import MOTIFS, PLACEMENTS, STYLES
from harness.synthesis import FAMILIES
from harness.synthesis.body import PLACES
from harness.synthesis.styles import STYLES as DRAWN_STYLES


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
