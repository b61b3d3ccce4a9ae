"""How often identities are drawn: multinomial counts, however they come about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from harness.statistics import bootstrap
from harness.statistics.bootstrap import as_of_before, draws_of


def drawn(identities: int, replicates: int, seed: int = 1) -> npt.NDArray[np.int64]:
    return np.concatenate(list(draws_of(identities, replicates, seed)))


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_MANY", 3)


def test_draws_of_many_identities_have_the_moments_of_multinomial_ones(many: None) -> None:
    counts = drawn(5, 200_000)
    assert (counts.sum(axis=1) == 5).all()
    # Mean 1, variance (1 - 1/n), covariance -1/n: five standard errors of 200,000 draws.
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=5 * np.sqrt(0.8 / 200_000))
    wanted = np.full((5, 5), -0.2) + np.eye(5)
    np.testing.assert_allclose(np.cov(counts.T), wanted, atol=0.02)
    # Nobody else is drawn in 1 of 5^4 draws.
    assert (counts == 5).any(axis=1).mean() == pytest.approx(5**-4, rel=0.2)


def test_the_first_draws_of_many_are_those_of_few(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, more = drawn(7, 10, seed=4), drawn(7, 50, seed=4)
    np.testing.assert_array_equal(few, more[:10])
    monkeypatch.setattr(bootstrap, "_BLOCK", 7 * 3)
    monkeypatch.setattr(bootstrap, "_REMEMBERED", 0)
    np.testing.assert_array_equal(drawn(7, 50, seed=4), more)
    np.testing.assert_array_equal(drawn(7, 50, seed=4), more)


def test_draws_of_before_are_those_of_few_identities_and_are_not_mixed_up(many: None) -> None:
    now = drawn(9, 20)
    with as_of_before():
        before = drawn(9, 20)
    wanted = np.random.default_rng(1).multinomial(9, np.full(9, 1 / 9), size=20)
    np.testing.assert_array_equal(before, wanted)
    assert (now != before).any()
    np.testing.assert_array_equal(drawn(9, 20), now)
    few = np.random.default_rng(1).multinomial(3, np.full(3, 1 / 3), size=20)
    np.testing.assert_array_equal(drawn(3, 20), few)
