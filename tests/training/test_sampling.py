"""Pairs and triplets follow the protocol's truth, in balance, whatever the identities look like."""

from __future__ import annotations

import numpy as np
import pytest

from harness import TrainingSet
from harness.training.sampling import Sampler, Truth

# Image 5 is alone; 0-2, 1-2 are listed as mated, and 0-1, of the same identity, are not.
IDENTITIES = np.array([4, 4, 4, 9, 9, 1, 7, 7, 7])
MATED = np.array([(0, 2), (1, 2), (3, 4), (6, 7), (6, 8)])


def training_set(mated: np.ndarray = MATED, identities: np.ndarray = IDENTITIES) -> TrainingSet:
    image = np.zeros((4, 4, 3), np.uint8)
    return TrainingSet([image] * len(identities), identities=identities, mated=mated)


def sampler(seed: int = 0) -> Sampler:
    return Sampler(Truth.of(training_set()), np.random.default_rng(seed))


def listed(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(min(p), max(p)) for p in pairs.tolist()}


def test_mated_pairs_are_those_of_the_protocol_and_no_others() -> None:
    assert listed(sampler().mated(200)) == listed(MATED)


def test_every_mated_pair_is_used_once_before_any_is_used_again() -> None:
    one = sampler()
    drawn = np.concatenate([one.mated(3) for _ in range(10)])
    for epoch in drawn.reshape(6, 5, 2):
        assert listed(epoch) == listed(MATED)


def test_either_image_of_a_mated_pair_may_come_first() -> None:
    drawn = sampler().mated(1000)
    assert 400 < (drawn[:, 0] < drawn[:, 1]).sum() < 600


@pytest.mark.parametrize(("count", "mated"), [(16, 8), (7, 4), (2, 1)])
def test_half_of_the_pairs_are_mated(count: int, mated: int) -> None:
    pairs = sampler().pairs(count)
    assert pairs.shape == (count, 2)
    same = IDENTITIES[pairs[:, 0]] == IDENTITIES[pairs[:, 1]]
    assert same.tolist() == [True] * mated + [False] * (count - mated)


def test_strangers_are_uniform_over_all_images_of_other_identities() -> None:
    one = sampler()
    for image in range(len(IDENTITIES)):
        drawn = one.strangers(np.full(7000, image))
        others = np.flatnonzero(IDENTITIES[image] != IDENTITIES)
        counts = np.bincount(drawn, minlength=len(IDENTITIES))
        assert counts.sum() == counts[others].sum()
        # Six standard deviations of a binomial count.
        expected = 7000 / len(others)
        assert np.abs(counts[others] - expected).max() < 6 * expected**0.5


def test_triplets_are_a_mated_pair_and_a_stranger() -> None:
    triplets = sampler().triplets(300)
    assert listed(triplets[:, :2]) == listed(MATED)
    assert (IDENTITIES[triplets[:, 0]] != IDENTITIES[triplets[:, 2]]).all()


def test_equal_seeds_draw_equal_examples() -> None:
    assert np.array_equal(sampler(3).triplets(50), sampler(3).triplets(50))
    assert not np.array_equal(sampler(3).triplets(50), sampler(4).triplets(50))


def test_no_mated_pair_is_an_error_that_says_what_is_missing() -> None:
    for mated in (np.empty((0, 2), np.int64), np.array([(1, 1)])):
        with pytest.raises(ValueError, match="9 training images hold no mated pair"):
            Truth.of(training_set(mated))


def test_a_single_identity_is_an_error_that_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="all 9 training images have one identity"):
        Truth.of(training_set(identities=np.zeros(9, np.int64)))


def test_a_protocol_without_mates_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="identities"):
        Truth.of(TrainingSet([], tattoo=np.ones(0, bool)))
