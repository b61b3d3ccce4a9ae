"""What an examiner looks at, against walking down every list."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.identification import MISS, NO_MATE
from harness.metrics.workload import (
    chance_viewed,
    list_length,
    saved,
    viewed,
    viewed_per_hit,
)


def walked(rank: int, gallery: int, length: int) -> tuple[int, bool]:
    """Go down a list until the mate is met."""
    for place in range(1, min(gallery, length) + 1):
        if place == rank:
            return place, True
    return min(gallery, length), False


@given(
    st.lists(st.sampled_from([1, 2, 3, 5, 8, MISS, NO_MATE]), min_size=1, max_size=12),
    st.integers(1, 12),
)
@settings(deadline=None, max_examples=80)
def test_a_list_is_looked_at_down_to_the_mate_or_to_its_end(ranks: list[int], length: int) -> None:
    gallery = 8
    walks = [walked(rank, gallery, length) for rank in ranks if rank != NO_MATE]
    cost = viewed(np.array(ranks), np.full(len(ranks), gallery), length)
    assert np.isnan(cost).tolist() == [rank == NO_MATE for rank in ranks]
    assert cost[~np.isnan(cost)].tolist() == [places for places, _ in walks]
    each = viewed_per_hit(np.array(ranks), np.full(len(ranks), gallery), length)
    hits = sum(hit for _, hit in walks)
    if hits:
        assert each == pytest.approx(sum(places for places, _ in walks) / hits)
    else:
        assert math.isnan(each)


@pytest.mark.parametrize(("mates", "gallery"), [(1, 5), (2, 5), (5, 5), (3, 4)])
def test_chance_is_the_mean_over_every_order_of_the_gallery(mates: int, gallery: int) -> None:
    orders = list(itertools.permutations([True] * mates + [False] * (gallery - mates)))
    for length in range(1, gallery + 2):
        by_hand = np.mean([walked(o.index(True) + 1, gallery, length)[0] for o in orders])
        found = chance_viewed(np.array([mates]), np.array([gallery]), length)
        assert found == pytest.approx([by_hand])
    assert np.isnan(chance_viewed(np.array([0]), np.array([4]), 2)).all()


@given(
    st.lists(st.sampled_from([1, 2, 3, 50, MISS, NO_MATE]), max_size=25),
    st.sampled_from([0.05, 0.29, 0.5, 0.95, 1.0]),
)
@settings(deadline=None, max_examples=80)
def test_the_shortest_list_holds_the_share_and_the_next_shorter_does_not(
    ranks: list[int], share: float
) -> None:
    mated = [rank for rank in ranks if rank != NO_MATE]
    lengths = [n for n in range(1, 60) if mated and np.mean([r <= n for r in mated]) >= share]
    assert list_length(np.array(ranks, np.int64), share) == (lengths[0] if lengths else None)


def test_saved_is_what_lies_below_the_end_of_each_list() -> None:
    assert saved(np.array([100, 100]), 10) == pytest.approx(0.9)
    assert saved(np.array([5, 100]), 10) == pytest.approx(1 - 15 / 105)
    assert saved(np.array([5]), 5) == 0
    assert math.isnan(saved(np.empty(0, np.int64), 3))


def test_what_is_no_length_or_share_is_refused() -> None:
    one = np.array([1])
    with pytest.raises(ValueError, match="ranks count from 1"):
        viewed(one, one, 0)
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match="share of the mates"):
            list_length(one, share)
