"""Where a question is about some pairs only, only those are compared."""

from __future__ import annotations

import random

import numpy as np
import pytest

from harness.data.records import Draw, Fold
from harness.execution.plan import compared_in


def test_every_probe_meets_every_reference_unless_the_fold_says_otherwise() -> None:
    assert compared_in(Fold("1", (), ("p",), ("r",), frozenset({("p", "r")}))) == []


def test_a_probe_meets_the_references_of_the_draws_it_is_in() -> None:
    draws = (Draw(("a", "b"), ("x", "y")), Draw(("b", "c"), ("y", "z")))
    fold = Fold("1", (), ("a", "b", "c"), ("x", "y", "z"), draws=draws)
    assert compared_in(fold) == [[0, 1], [0, 1, 2], [1, 2]]


def test_listed_pairs_are_compared_and_no_others() -> None:
    names = ("a", "b", "c")
    fold = Fold(
        "1", (), names, names, frozenset({("a", "b")}), nonmates=frozenset({("a", "c"), ("c", "a")})
    )
    listed = compared_in(fold)
    asked = np.zeros((3, 3), dtype=bool)
    for i, columns in enumerate(listed):
        asked[i, columns] = True
    assert asked.tolist() == [[False, True, True], [False] * 3, [True, False, False]]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_compared_is_what_counts_of_pairs_listed_and_drawn(seed: int) -> None:
    """Every pair is looked for one by one."""
    rng = random.Random(seed)
    probes, gallery = [f"p{i}" for i in range(9)], [f"r{i}" for i in range(7)]
    every = [(p, r) for p in probes for r in gallery]
    mates, nonmates = frozenset(every[:5]), frozenset(rng.sample(every[5:], 20))
    named = Fold("1", (), tuple(probes), tuple(gallery), mates, nonmates=nonmates)
    draws = tuple(
        Draw(tuple(rng.sample(probes, 3)), tuple(rng.sample(gallery, 2))) for _ in range(4)
    )
    drawn = Fold("1", (), tuple(probes), tuple(gallery), mates, draws=draws)

    def meets(fold: Fold, probe: str, reference: str) -> bool:
        if fold is named:
            return (probe, reference) in mates | nonmates
        return any(probe in draw.probes and reference in draw.gallery for draw in draws)

    for fold in (named, drawn):
        expected = [[j for j, r in enumerate(gallery) if meets(fold, p, r)] for p in probes]
        assert compared_in(fold) == expected
