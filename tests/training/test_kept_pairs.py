"""The paper's pairs: probes with references, and non-mated ones drawn once for a whole training."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from harness import TrainingSet
from harness.training.kept_pairs import KeptPairs

# Images 0 to 3 are probes, 4 to 8 references, 9 is neither; identity 6 has no probe.
IDENTITIES = np.array([1, 1, 2, 3, 1, 2, 3, 3, 6, 2])
PROBES = np.arange(10) < 4
REFERENCES = (np.arange(10) >= 4) & (np.arange(10) < 9)
MATED = {(0, 4), (1, 4), (2, 5), (3, 6), (3, 7)}
NONMATED = {(p, r) for p, r in product(range(4), range(4, 9)) if IDENTITIES[p] != IDENTITIES[r]}


def training_set(*, roles: bool = True, mated: np.ndarray | None = None) -> TrainingSet:
    same = np.argwhere(np.triu(IDENTITIES[:, None] == IDENTITIES, 1))
    return TrainingSet(
        [np.zeros((4, 4, 3), np.uint8)] * 10,
        identities=IDENTITIES,
        mated=same if mated is None else mated,
        probes=PROBES if roles else None,
        references=REFERENCES if roles else None,
    )


def pairs_of(rows: np.ndarray) -> list[tuple[int, int]]:
    return [(int(left), int(right)) for left, right in rows]


def test_mated_pairs_are_a_probe_and_its_references_in_that_order() -> None:
    assert set(pairs_of(KeptPairs.of(training_set(), 0).mated_pairs)) == MATED
    turned = np.array([(right, left) for left, right in MATED])
    assert set(pairs_of(KeptPairs.of(training_set(mated=turned), 0).mated_pairs)) == MATED


def test_nonmated_pairs_are_as_many_different_ones_of_a_probe_and_a_reference() -> None:
    kept = pairs_of(KeptPairs.of(training_set(), 0).nonmated_pairs)
    assert len(kept) == len(set(kept)) == len(MATED)
    assert set(kept) <= NONMATED


def test_the_same_nonmated_pairs_serve_every_step() -> None:
    one = KeptPairs.of(training_set(), 0)
    drawn = [one.pairs(step, 10)[5:] for step in range(6)]
    assert {tuple(sorted(pairs_of(rows))) for rows in drawn} == {
        tuple(sorted(pairs_of(one.nonmated_pairs)))
    }


def test_every_nonmated_pair_is_equally_likely_to_be_kept() -> None:
    counts = dict.fromkeys(NONMATED, 0)
    for seed in range(1500):
        for pair in pairs_of(KeptPairs.of(training_set(), seed).nonmated_pairs):
            counts[pair] += 1
    expected = 1500 * len(MATED) / len(NONMATED)
    # Six standard deviations of a binomial count.
    assert max(abs(count - expected) for count in counts.values()) < 6 * expected**0.5


def test_fewer_nonmated_than_mated_pairs_are_all_kept() -> None:
    two = TrainingSet(
        [np.zeros((4, 4, 3), np.uint8)] * 5,
        identities=np.array([1, 2, 1, 1, 1]),
        mated=np.array([(0, 2), (0, 3), (0, 4)]),
        probes=np.array([1, 1, 0, 0, 0], bool),
        references=np.array([0, 0, 1, 0, 0], bool),
    )
    one = KeptPairs.of(two, 0)
    assert pairs_of(one.mated_pairs) == [(0, 2)]
    assert pairs_of(one.nonmated_pairs) == [(1, 2)]
    assert pairs_of(one.pairs(0, 5)) == [(0, 2)] * 3 + [(1, 2)] * 2


def test_triplets_are_a_probe_its_reference_and_one_kept_reference_of_another_identity() -> None:
    one = KeptPairs.of(training_set(), 3)
    first, later = one.triplets(0, 5), one.triplets(7, 5)
    assert set(pairs_of(first[:, :2])) == MATED
    assert {(a, c) for a, _, c in first.tolist()} <= NONMATED
    assert sorted(first.tolist()) == sorted(later.tolist())


def test_without_roles_any_two_images_are_paired() -> None:
    drawn = set[int]()
    for seed in range(40):
        one = KeptPairs.of(training_set(roles=False), seed)
        assert (IDENTITIES[one.nonmated_pairs[:, 0]] != IDENTITIES[one.nonmated_pairs[:, 1]]).all()
        assert len(one.nonmated_pairs) == len(one.mated_pairs) == 3 + 3 + 3
        drawn |= set(one.nonmated_pairs.ravel().tolist())
    assert drawn == set(range(10))


def test_one_seed_keeps_one_subset_and_another_seed_another() -> None:
    first, same, other = (KeptPairs.of(training_set(), seed).nonmated_pairs for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_no_probe_with_a_reference_is_an_error_that_says_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"is the mate of a training.*negatives=random"):
        KeptPairs.of(training_set(mated=np.array([(0, 1), (6, 7)])), 0)
    alone = TrainingSet(
        [np.zeros((4, 4, 3), np.uint8)] * 3,
        identities=np.array([1, 1, 2]),
        mated=np.array([(0, 1)]),
        probes=np.array([1, 0, 0], bool),
        references=np.array([0, 1, 0], bool),
    )
    with pytest.raises(ValueError, match=r"is another identity than one of.*negatives=random"):
        KeptPairs.of(alone, 0)
