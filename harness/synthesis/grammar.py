"""Prompts by a controlled grammar: motif x style x placement x manner, with every part recorded."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

import msgspec

from harness.errors import UsageError
from harness.synthesis.streams import stream
from harness.synthesis.vocabulary import MANNERS, MOODS, MOTIFS, PLACEMENTS, STYLES

__all__ = ["Grammar", "Prompt", "make_prompts", "with_articles"]


class Prompt(msgspec.Struct, frozen=True):
    """What a picture shall show: the text, and the parts that it was made of."""

    text: str
    motif: str
    style: str
    placement: str


class Grammar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What prompts are made of.

    Parameters
    ----------
    template
        With ``{motif}``, ``{style}``, ``{placement}``, ``{manner}`` and ``{mood}`` where they go.
    motifs, styles, placements, manners, moods
        What goes there.
    """

    template: str = (
        "a {manner} {style} tattoo of a {motif} on the {placement} describing {mood}, photograph"
    )
    motifs: tuple[str, ...] = MOTIFS
    styles: tuple[str, ...] = STYLES
    placements: tuple[str, ...] = PLACEMENTS
    manners: tuple[str, ...] = MANNERS
    moods: tuple[str, ...] = MOODS

    def check(self) -> None:
        """Refuse an empty part, and a template with parts that there are not.

        Raises
        ------
        UsageError
            Saying which.
        """
        parts = {"motif", "style", "placement", "manner", "mood"}
        try:
            asked = {name for _, name, _, _ in string.Formatter().parse(self.template) if name}
        except ValueError as fault:
            raise UsageError(f"prompt template {self.template!r}: {fault}") from None
        if asked - parts:
            raise UsageError(
                f"prompt template {self.template!r} names {', '.join(sorted(asked - parts))}; "
                f"known parts: {', '.join(sorted(parts))}"
            )
        for name in ("motifs", "styles", "placements", "manners", "moods"):
            if not getattr(self, name):
                raise UsageError(f"the grammar's list of {name} is empty")


def make_prompts(grammar: Grammar, number: int, seed: int) -> list[Prompt]:
    """Return prompts that differ in motif, style or placement, every part about equally often.

    Parameters
    ----------
    grammar
        What they are made of.
    number
        How many.
    seed
        Of their choice; fewer prompts of the same seed are the first of more.

    Raises
    ------
    UsageError
        If there are not as many, or the grammar is faulty.

    Examples
    --------
    >>> one, two = make_prompts(Grammar(motifs=("rose",), template="{motif} {style}"), 2, seed=0)
    >>> one.motif, one.text.startswith("rose "), one == two
    ('rose', True, False)
    """
    grammar.check()
    axes = [tuple(dict.fromkeys(a)) for a in (grammar.motifs, grammar.styles, grammar.placements)]
    most = len(axes[0]) * len(axes[1]) * len(axes[2])
    if number > most:
        raise UsageError(
            f"the grammar has {most:,} combinations of motif, style and placement; "
            f"{number:,} identities cannot all differ"
        )
    decks = [_Deck(seed, f"axis {k}", axis) for k, axis in enumerate(axes)]
    manners, moods = _Deck(seed, "manner", grammar.manners), _Deck(seed, "mood", grammar.moods)
    seen: set[tuple[str, str, str]] = set()
    prompts: list[Prompt] = []
    while len(prompts) < number:
        motif, style, placement = (deck.draw() for deck in decks)
        for shift in range(most):
            # A combination that was there already moves on to the nearest one that was not.
            if (motif, style, placement) not in seen:
                break
            placement = _after(axes[2], placement)
            if (shift + 1) % len(axes[2]) == 0:
                style = _after(axes[1], style)
            if (shift + 1) % (len(axes[2]) * len(axes[1])) == 0:
                motif = _after(axes[0], motif)
        seen.add((motif, style, placement))
        parts = {
            "motif": motif.replace("_", " "),
            "style": style,
            "placement": placement.replace("-", " "),
            "manner": manners.draw(),
            "mood": moods.draw(),
        }
        text = with_articles(grammar.template.format(**parts))
        prompts.append(Prompt(text, motif, style, placement))
    return prompts


def with_articles(text: str) -> str:
    """Return a text with ``an`` where ``a`` stands before a vowel.

    >>> with_articles("a owl and a rose")
    'an owl and a rose'
    """
    return re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)


class _Deck:
    """Cards drawn without putting back, shuffled again when they are out."""

    def __init__(self, seed: int, name: str, cards: Sequence[str]) -> None:
        self._rng = stream(seed, "prompts", name)
        self._cards = tuple(cards)
        self._left: list[int] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._rng.permutation(len(self._cards)).tolist()
        return self._cards[self._left.pop()]


def _after(axis: Sequence[str], value: str) -> str:
    return axis[(axis.index(value) + 1) % len(axis)]
