"""Where a question is about some pairs only, only those are compared."""

from __future__ import annotations

import numpy as np

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
