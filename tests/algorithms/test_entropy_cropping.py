"""Entropy cropping: where it cuts, against counting by hand."""

from __future__ import annotations

import numpy as np

from algorithms.inception_style.cropping import LEVELS, entropy, entropy_square


def test_the_square_with_the_most_varied_grey_levels_is_cut_out() -> None:
    image = np.full((40, 60, 3), 90, np.uint8)
    busy = np.random.default_rng(0).integers(0, 256, (20, 20, 1))
    image[20:, 40:] = busy
    assert np.array_equal(entropy_square(image, 0.5), image[20:, 40:])


def test_no_other_square_has_a_higher_entropy() -> None:
    image = np.random.default_rng(1).integers(0, 256, (12, 16, 1)).repeat(3, 2).astype(np.uint8)
    image[:, :8] //= 3

    def bits(part: np.ndarray) -> float:
        counts = np.bincount(part[..., 0].ravel().astype(int) * LEVELS // 256)
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log2(shares)).sum())

    best = max(bits(image[y : y + 6, x : x + 6]) for y in range(7) for x in range(11))
    assert abs(bits(entropy_square(image, 0.5)) - best) < 1e-9


def test_a_blank_image_is_cut_to_its_middle_and_one_pixel_stays() -> None:
    blank = np.zeros((10, 10, 3), np.uint8)
    blank.setflags(write=False)
    cut = entropy_square(blank, 0.4)
    offset = (cut.__array_interface__["data"][0] - blank.__array_interface__["data"][0]) // 3
    assert cut.shape == (4, 4, 3)
    assert divmod(offset, 10) == (3, 3)
    assert entropy_square(np.zeros((1, 1, 3), np.uint8), 0.1).shape == (1, 1, 3)


def test_entropy_of_nothing_is_zero() -> None:
    assert entropy(np.zeros((2, 3), np.int64)).tolist() == [0.0, 0.0]
