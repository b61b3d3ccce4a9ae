"""Batches follow the protocol's truth, in balance, and from the seed and the step alone."""

from __future__ import annotations

import numpy as np
import pytest

from harness import TrainingSet
from harness.training.sampling import (
    Balanced,
    Groups,
    Sampler,
    Stream,
    Truth,
    split_identities,
)

# Image 5 is alone; 0-2, 1-2 are listed as mated, and 0-1, of the same identity, are not.
IDENTITIES = np.array([4, 4, 4, 9, 9, 1, 7, 7, 7])
MATED = np.array([(0, 2), (1, 2), (3, 4), (6, 7), (6, 8)])


def training_set(mated: np.ndarray = MATED, identities: np.ndarray = IDENTITIES) -> TrainingSet:
    image = np.zeros((4, 4, 3), np.uint8)
    return TrainingSet([image] * len(identities), identities=identities, mated=mated)


def sampler(seed: int = 0) -> Sampler:
    return Sampler(Truth.of(training_set()), seed)


def listed(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(min(p), max(p)) for p in pairs.tolist()}


def test_mated_pairs_are_those_of_the_protocol_and_no_others() -> None:
    assert listed(sampler().mated(0, 200)) == listed(MATED)


def test_every_mated_pair_is_used_once_before_any_is_used_again() -> None:
    one = sampler()
    drawn = np.concatenate([one.mated(step, 3) for step in range(10)])
    for epoch in drawn.reshape(6, 5, 2):
        assert listed(epoch) == listed(MATED)


def test_either_image_of_a_mated_pair_may_come_first() -> None:
    drawn = sampler().mated(0, 1000)
    assert 400 < (drawn[:, 0] < drawn[:, 1]).sum() < 600


@pytest.mark.parametrize(("count", "mated"), [(16, 8), (7, 4), (2, 1)])
def test_half_of_the_pairs_are_mated(count: int, mated: int) -> None:
    pairs = sampler().pairs(0, count)
    assert pairs.shape == (count, 2)
    same = IDENTITIES[pairs[:, 0]] == IDENTITIES[pairs[:, 1]]
    assert same.tolist() == [True] * mated + [False] * (count - mated)


def test_nonmates_are_uniform_over_all_images_of_other_identities() -> None:
    groups, rng = Groups(IDENTITIES), np.random.default_rng(0)
    for image in range(len(IDENTITIES)):
        drawn = groups.nonmates(np.full(7000, image), rng)
        others = np.flatnonzero(IDENTITIES[image] != IDENTITIES)
        counts = np.bincount(drawn, minlength=len(IDENTITIES))
        assert counts.sum() == counts[others].sum()
        # Six standard deviations of a binomial count.
        expected = 7000 / len(others)
        assert np.abs(counts[others] - expected).max() < 6 * expected**0.5


def test_triplets_are_a_mated_pair_and_a_nonmate() -> None:
    triplets = sampler().triplets(0, 300)
    assert listed(triplets[:, :2]) == listed(MATED)
    assert (IDENTITIES[triplets[:, 0]] != IDENTITIES[triplets[:, 2]]).all()


def test_equal_seeds_draw_equal_examples() -> None:
    assert np.array_equal(sampler(3).triplets(7, 50), sampler(3).triplets(7, 50))
    assert not np.array_equal(sampler(3).triplets(7, 50), sampler(4).triplets(7, 50))
    assert not np.array_equal(sampler(3).triplets(7, 50), sampler(3).triplets(8, 50))


def test_a_step_draws_the_same_whatever_was_drawn_before_it() -> None:
    one = sampler()
    for step in range(9):
        one.pairs(step, 8)
    assert np.array_equal(one.pairs(9, 8), sampler().pairs(9, 8))


@pytest.mark.parametrize(("length", "count"), [(5, 3), (3, 7), (4, 4), (1, 2)])
def test_a_stream_brings_every_number_once_before_any_comes_again(length: int, count: int) -> None:
    stream = Stream(length, seed=1)
    drawn = np.concatenate([stream.batch(step, count) for step in range(3 * length)])
    assert (np.sort(drawn.reshape(-1, length), axis=1) == np.arange(length)).all()


def test_a_stream_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw from"):
        Stream(0, seed=0)


def test_a_balanced_batch_has_equally_many_images_of_every_identity_in_it() -> None:
    one = Balanced(IDENTITIES, each=2, seed=0)
    for step in range(4):
        drawn = IDENTITIES[one.batch(step, 5)].reshape(2, 2)
        assert (drawn[:, 0] == drawn[:, 1]).all()
        assert drawn[0, 0] != drawn[1, 0]


def test_images_of_an_identity_are_not_repeated_while_there_are_others() -> None:
    one = Balanced(IDENTITIES, each=3, seed=0)
    for step in range(8):
        drawn = one.batch(step, 3)
        names = IDENTITIES[drawn]
        assert len(set(drawn.tolist())) == min(3, (names[0] == IDENTITIES).sum())


def test_a_batch_too_small_for_one_identity_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 3 cannot hold 4"):
        Balanced(IDENTITIES, each=4, seed=0).batch(0, 3)


@pytest.mark.parametrize("seed", range(5))
def test_validation_shares_no_identity_with_what_is_learned(seed: int) -> None:
    names = np.random.default_rng(0).integers(0, 10, 60)
    learned, validated = split_identities(names, 0.2, seed)
    assert sorted([*learned, *validated]) == list(range(60))
    assert not set(names[learned]) & set(names[validated])
    assert len(set(names[validated])) == 2


def test_identities_of_one_image_each_cannot_validate() -> None:
    learned, validated = split_identities(np.arange(20), 0.5, seed=0)
    assert len(learned) == 20
    assert len(validated) == 0


@pytest.mark.parametrize(("identities", "share"), [(4, 0.0), (3, 0.4), (4, 0.9), (0, 0.2)])
def test_too_few_identities_on_either_side_are_not_split(identities: int, share: float) -> None:
    learned, validated = split_identities(np.repeat(np.arange(identities), 3), share, seed=0)
    assert len(learned) == 3 * identities
    assert len(validated) == 0


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
