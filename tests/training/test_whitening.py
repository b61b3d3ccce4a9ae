"""Whitening: what it learns is checked by its definition and by NumPy's own decompositions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from harness.errors import UsageError
from harness.training.whitening import learned

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def rows() -> Floats:
    """Make 40 rows of length 6 that vary together."""
    rng = np.random.default_rng(1)
    found: Floats = rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 3
    return found


def test_whitened_training_rows_have_the_identity_as_their_covariance(rows: Floats) -> None:
    centre, projection = learned(rows)
    white = (rows - centre) @ projection
    assert np.allclose(white.mean(axis=0), 0)
    assert np.allclose(np.cov(white.T), np.eye(6))


def test_it_keeps_the_directions_that_vary_most(rows: Floats) -> None:
    centre, projection = learned(rows, 2)
    _, singular, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    expected = (rows - rows.mean(axis=0)) @ right[:2].T / (singular[:2] / np.sqrt(39))
    assert np.allclose(np.abs((rows - centre) @ projection), np.abs(expected))  # but for signs


@pytest.mark.parametrize("shrinkage", [0.1, 0.5, 1.0])
def test_shrinkage_draws_variances_to_their_mean_and_leaves_rows_decorrelated(
    rows: Floats, shrinkage: float
) -> None:
    centre, projection = learned(rows, shrinkage=shrinkage)
    variances = np.sort(np.linalg.eigvalsh(np.cov(rows.T)))[::-1]
    left = variances / ((1 - shrinkage) * variances + shrinkage * variances.mean())
    assert np.allclose(np.cov(((rows - centre) @ projection).T), np.diag(left))


def test_fewer_rows_than_dimensions_give_as_many_directions_as_vary(rows: Floats) -> None:
    assert learned(rows[:4])[1].shape == (6, 3)
    again = np.vstack([rows[:3]] * 5)  # copies vary no more
    assert learned(again, shrinkage=0.1)[1].shape == (6, 2)
    with pytest.raises(
        UsageError, match=r"to 4 dimensions .* the 4 to learn from, of length 6, var"
    ):
        learned(rows[:4], 4)


@pytest.mark.parametrize("number", [0, 1, 5])
def test_rows_that_do_not_vary_are_refused(number: int) -> None:
    with pytest.raises(UsageError, match=r"vary in 0: lower dimension, or learn from more"):
        learned(np.ones((number, 3)))
