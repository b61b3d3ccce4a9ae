"""Matches of many references at once, beside one pair after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.training.nearest import LONGEST, stacks

Array = npt.NDArray[Any]


def drawn(seed: int, counts: list[int], high: int = 4) -> list[Array]:
    """Descriptors of few values, so that many distances are equal."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, high, (count, 3)).astype(np.uint8) for count in counts]


def one_by_one(probe: Array, reference: Array, ratio: float, mutual: bool) -> set[tuple[Any, ...]]:
    """Match as the definition says, in whole numbers and with loops."""
    a, b = probe.astype(np.int64), reference.astype(np.int64)
    apart = ((a[:, None] - b) ** 2).sum(axis=2)
    best: dict[int, tuple[int, int, float]] = {}
    for k, row in enumerate(apart):
        near = int(row.argmin())
        others = np.delete(row, near)
        second = float(others.min()) if len(others) else np.inf
        passed = np.float32(row[near]) < np.float32(ratio**2 * second)
        if not passed or (mutual and row[near] > apart[:, near].min()):
            continue
        share = np.sqrt(np.float32(row[near]) / np.float32(second))
        if near not in best or row[near] < best[near][0]:
            best[near] = int(row[near]), k, float(share)
    return {(k, near, share) for near, (_, k, share) in best.items()}


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize(("ratio", "high"), [(0.9, 4), (1.0, 9), (1.0, 200)])
def test_matches_are_those_of_one_pair_after_the_other(
    ratio: float, high: int, mutual: bool
) -> None:
    references = drawn(1, [30, 1, 7, 200, 2, 90, 30], high)
    seen = 0
    for probe in drawn(2, [1, 40, 130], high):
        found: dict[int, set[tuple[Any, ...]]] = {}
        for stack, numbers in stacks(references):
            matches = stack.matches(probe, ratio, mutual=mutual)
            assert (np.diff(matches.reference) >= 0).all()
            for k, where, near, share in zip(*matches, strict=True):
                found.setdefault(int(numbers[where]), set()).add((k, near, float(share)))
        for number, reference in enumerate(references):
            expected = one_by_one(probe, reference, ratio, mutual)
            assert found.get(number, set()) == expected
            seen += len(expected)
    assert seen > 20


def test_every_reference_is_in_one_stack_and_stacks_are_bounded() -> None:
    references = drawn(3, [300] * 500)
    parts = list(stacks(references))
    assert len(parts) > 1
    assert sorted(np.concatenate([numbers for _, numbers in parts])) == list(range(500))
    assert list(stacks([])) == []


def test_distances_of_the_longest_descriptors_are_exact() -> None:
    rng = np.random.default_rng(4)
    unit = rng.normal(size=(50, 64))
    whole = np.rint((LONGEST - 20) * unit / np.linalg.norm(unit, axis=1, keepdims=True)).astype(
        np.int16
    )
    assert np.linalg.norm(whole.astype(float), axis=1).max() < LONGEST
    whole[1] = -whole[0]
    ((stack, _),) = stacks([whole])
    matches = stack.matches(whole[:1].copy(), 1.0)
    assert matches.near.tolist() == [0]
    assert matches.ratios.tolist() == [0.0]
    assert (2 * LONGEST) ** 2 < 2**24
