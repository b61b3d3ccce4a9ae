"""A tile answers as the whole matrix of its scores does, whatever was asked before."""

from __future__ import annotations

import numpy as np
import pytest

from harness.matching.product import product_for
from harness.matching.tiles import LOWEST, Floats, NumpyTile

ROWS, COLUMNS = 90, 180


@pytest.fixture
def filled() -> tuple[NumpyTile, Floats]:
    """A padded tile with vectors that are equal, opposite and longer than 1; and its scores."""
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((96, 32)).astype(np.float32)
    columns = rng.standard_normal((32, 192)).astype(np.float32)
    columns[:, :5] = rows[:5].T
    columns[:, 5:9] = -rows[5:9].T
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) * np.float32(1 - 1e-6)
    columns /= np.linalg.norm(columns, axis=0) * np.float32(1 - 1e-6)
    product, _ = product_for(32)
    tile = NumpyTile(product, 96, 192)
    tile.fill(rows, columns, ROWS, COLUMNS)
    tile.mask(np.array([3, 40]), np.array([3, 100]))
    scores = np.empty((96, 192), np.float32)
    product(rows, columns, scores)
    assert scores.max() > 1 > -1 > scores.min()
    scores = np.clip(scores[:ROWS, :COLUMNS], -1, 1)
    scores[3, 3] = scores[40, 100] = -np.inf
    return tile, scores


BARS = [np.float32(bar) for bar in (LOWEST, -1, -0.2, 0.1, 0.3, 0.35, 0.6, 1)]


@pytest.mark.parametrize("bins", [0, 64, 1000])
@pytest.mark.parametrize("found", [[], BARS[:1], BARS[1:4], BARS[3:], BARS[5:6]])
def test_every_answer_is_that_of_the_matrix(
    filled: tuple[NumpyTile, Floats], bins: int, found: list[np.float32]
) -> None:
    tile, scores = filled
    assert np.array_equal(tile.row_max(), scores.max(axis=1))
    if bins:
        origin, scale = np.float32(-0.4), np.float32(bins / 0.9)
        place = np.clip((scores - origin) * scale, 0, bins - 0.5).astype(int)[scores > -np.inf]
        assert np.array_equal(
            tile.histogram(origin, scale, bins), np.bincount(place, minlength=bins)
        )
    if found:
        tile.find(found)
    rows = np.array([0, 3, 5, 40, 41, 89])
    for bar in BARS:
        row, column = np.nonzero(scores >= bar)
        by_row, by_column = tile.margins(bar)
        assert np.array_equal(by_row, np.bincount(row, minlength=ROWS))
        assert np.array_equal(by_column, np.bincount(column, minlength=COLUMNS))
        for high in (max(bar, np.float32(0.4)), np.float32(np.inf)):
            above, inside = tile.within(bar, high)
            assert above == (scores > high).sum()
            assert np.array_equal(
                np.sort(inside), np.sort(scores[(scores >= bar) & (scores <= high)])
            )
        bars = np.where(rows % 2, bar, np.maximum(bar, np.float32(0.2))).astype(np.float32)
        assert np.array_equal(tile.count(rows, bars), (scores[rows] >= bars[:, None]).sum(axis=1))
        listed = np.nonzero(scores[rows] >= bars[:, None])
        row, column, score = tile.reaching(rows, bars)
        assert np.array_equal(row, rows[listed[0]])
        assert np.array_equal(column, listed[1])
        assert np.array_equal(score, scores[rows][listed])
    for n in (1, 7):
        assert np.array_equal(tile.nth_highest(n), np.sort(scores, axis=1)[:, -n])
    assert np.array_equal(tile.scores(), scores)


def test_what_was_known_of_a_tile_is_forgotten_when_it_is_filled_again(
    filled: tuple[NumpyTile, Floats],
) -> None:
    tile, _ = filled
    tile.histogram(np.float32(-1), np.float32(128), 256)
    tile.find([np.float32(0.1)])
    tile.fill(np.zeros((96, 32), np.float32), np.zeros((32, 192), np.float32), 96, 192)
    assert tile.within(np.float32(0.1), np.float32(1))[1].size == 0
    tile.find([np.float32(0)])
    assert tile.margins(np.float32(0))[0].tolist() == [192] * 96


@pytest.mark.parametrize("dimension", [8, 55, 512])
def test_a_view_of_rows_has_the_scores_of_a_copy_in_columns(dimension: int) -> None:
    rng = np.random.default_rng(7)
    left = rng.standard_normal((96, dimension)).astype(np.float32)
    right = rng.standard_normal((384, dimension)).astype(np.float32)
    product, _ = product_for(dimension)
    view, copy = np.empty((2, 96, 384), np.float32)
    product(left, right.T, view)
    product(left, np.ascontiguousarray(right.T), copy)
    assert np.array_equal(view, copy)
