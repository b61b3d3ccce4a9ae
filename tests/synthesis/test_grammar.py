"""Prompts keep to their grammar, differ, and are the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest

from generators.procedural import FAMILIES, STYLES
from harness.errors import UsageError
from harness.synthesis.grammar import Grammar, make_prompts


def test_250_prompts_all_differ_and_use_every_style_about_equally_often() -> None:
    prompts = make_prompts(Grammar(), 250, seed=3)
    assert len({(p.motif, p.style, p.placement) for p in prompts}) == 250
    assert {p.motif for p in prompts} <= set(FAMILIES)
    styles = Counter(p.style for p in prompts)
    assert set(styles) == set(STYLES)
    assert max(styles.values()) - min(styles.values()) <= 2
    for prompt in prompts:
        assert prompt.motif.replace("_", " ") in prompt.text
        assert prompt.style in prompt.text


def test_a_seed_names_the_prompts_and_fewer_are_the_first_of_more() -> None:
    assert make_prompts(Grammar(), 9, 1) == make_prompts(Grammar(), 20, 1)[:9]
    assert make_prompts(Grammar(), 9, 1) != make_prompts(Grammar(), 9, 2)


def test_every_combination_is_used_before_there_are_none_left() -> None:
    grammar = Grammar(motifs=("a", "b"), styles=("c", "d"), placements=("e", "f", "g"))
    prompts = make_prompts(grammar, 12, 0)
    assert len({(p.motif, p.style, p.placement) for p in prompts}) == 12
    with pytest.raises(UsageError, match="12 combinations"):
        make_prompts(grammar, 13, 0)


def test_articles_fit_the_word_behind_them() -> None:
    grammar = Grammar(motifs=("anchor",), manners=("ornate", "unique"))
    texts = " ".join(p.text for p in make_prompts(grammar, 6, 0))
    assert "an ornate" in texts
    assert "an anchor" in texts
    assert "a unique" in texts


@pytest.mark.parametrize(
    ("grammar", "said"),
    [
        (Grammar(template="a {motive}"), "names motive"),
        (Grammar(template="a {motif"), "expected '}'"),
        (Grammar(styles=()), "list of styles is empty"),
    ],
)
def test_a_faulty_grammar_is_refused(grammar: Grammar, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_prompts(grammar, 1, 0)
