"""PSNR, SSIM and mean error against closed forms, direct sums and scikit-image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.restoration import (
    mean_absolute_error,
    psnr,
    ssim,
    ssim_map,
)

Pixels = npt.NDArray[Any]


def pictures(
    seed: int, shape: tuple[int, ...] = (24, 31, 3), noise: float = 25
) -> tuple[Pixels, Pixels]:
    """A smooth picture in 8 bits, and the same with noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    truth = 128 + 60 * np.sin(rows / 3) + 50 * np.cos(columns / 4)
    truth = truth if len(shape) == 2 else truth[..., np.newaxis] + 10 * np.arange(shape[2])
    noisy = truth + rng.normal(0, noise, shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), np.clip(truth, 0, 255).astype(np.uint8)


def ssim_at(x: Pixels, y: Pixels, row: int, column: int) -> float:
    """Equation 13 of Wang et al. (2004) for one window, summed directly."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, np.newaxis] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    cut = (slice(row - 5, row + 6), slice(column - 5, column + 6))
    a, b = x[cut].astype(float), y[cut].astype(float)
    mean_a, mean_b = (window * a).sum(), (window * b).sum()
    var_a = (window * (a - mean_a) ** 2).sum()
    var_b = (window * (b - mean_b) ** 2).sum()
    covariance = (window * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(above / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))


def test_ssim_is_the_mean_of_the_equation_over_whole_windows() -> None:
    noisy, truth = pictures(0, (14, 13))
    expected = [[ssim_at(noisy, truth, i, j) for j in range(5, 8)] for i in range(5, 9)]
    np.testing.assert_allclose(ssim_map(noisy, truth)[5:9, 5:8], expected, rtol=1e-9)
    assert ssim(noisy, truth) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("shape", [(24, 31), (24, 31, 3)])
def test_ssim_and_psnr_are_those_of_scikit_image(shape: tuple[int, ...]) -> None:
    theirs = pytest.importorskip("skimage.metrics")
    noisy, truth = pictures(1, shape)
    mean, whole = theirs.structural_similarity(
        truth,
        noisy,
        data_range=255,
        channel_axis=2 if len(shape) == 3 else None,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert ssim(noisy, truth) == pytest.approx(mean, abs=1e-7)
    np.testing.assert_allclose(ssim_map(noisy, truth)[5:-5, 5:-5], whole[5:-5, 5:-5], atol=1e-6)
    expected = theirs.peak_signal_noise_ratio(truth, noisy, data_range=255)
    assert psnr(noisy, truth) == pytest.approx(expected)


def test_a_shift_of_brightness_has_closed_forms() -> None:
    truth = np.full((20, 20), 100.0)
    lighter = truth + 20
    assert psnr(lighter, truth) == pytest.approx(20 * math.log10(255 / 20))
    c = (0.01 * 255) ** 2
    expected = (2 * 100 * 120 + c) / (100**2 + 120**2 + c)
    assert ssim(lighter, truth) == pytest.approx(expected)
    assert mean_absolute_error(lighter, truth) == 20


def test_the_same_picture_is_perfect_and_its_opposite_the_worst() -> None:
    _, truth = pictures(2)
    assert (psnr(truth, truth), ssim(truth, truth)) == (math.inf, 1.0)
    assert mean_absolute_error(truth, truth) == 0.0
    black, white = np.zeros((12, 12), np.uint8), np.full((12, 12), 255, np.uint8)
    assert (psnr(black, white), mean_absolute_error(black, white)) == (0.0, 255.0)
    assert ssim(black, white) == pytest.approx((0.01**2) / (1 + 0.01**2))
    chequered = np.indices((20, 20)).sum(axis=0) % 2 * 255
    assert -1.0 <= ssim(255 - chequered, chequered) < -0.99


def test_unsigned_bytes_do_not_wrap_around() -> None:
    one, other = np.array([[250]], np.uint8), np.array([[5]], np.uint8)
    assert mean_absolute_error(other, one) == mean_absolute_error(one, other) == 245


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
@settings(deadline=None, max_examples=25)
def test_figures_are_symmetric_bounded_and_follow_a_flip(seed: int, noise: int) -> None:
    noisy, truth = pictures(seed, (16, 24), noise)
    mask = np.zeros((16, 24), bool)
    mask[:, : np.random.default_rng(seed).integers(6, 13)] = True
    for metric in (psnr, ssim, mean_absolute_error):
        found = metric(noisy, truth, mask)
        assert metric(truth, noisy, mask) == pytest.approx(found)
        assert metric(noisy[::-1], truth[::-1], mask[::-1]) == pytest.approx(found)
    assert -1 <= ssim(noisy, truth, mask) <= 1
    assert psnr(noisy, truth, mask) > 0
    assert mean_absolute_error(noisy, truth, mask) < 255


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_pixel_errors_do_not_depend_on_where_the_pixels_are(seed: int) -> None:
    noisy, truth = pictures(seed, (6, 5))
    order = np.random.default_rng(seed).permutation(30)
    one, other = (picture.reshape(30)[order].reshape(6, 5) for picture in (noisy, truth))
    assert psnr(one, other) == pytest.approx(psnr(noisy, truth))
    assert mean_absolute_error(one, other) == pytest.approx(mean_absolute_error(noisy, truth))


def test_the_whole_is_made_of_its_inside_and_outside() -> None:
    noisy, truth = pictures(3)
    mask = np.zeros(truth.shape[:2], bool)
    mask[8:14, 6:20] = True
    share = mask.mean()
    inside, outside = (mean_absolute_error(noisy, truth, part) for part in (mask, ~mask))
    whole = share * inside + (1 - share) * outside
    assert mean_absolute_error(noisy, truth) == pytest.approx(whole)
    squared = [10 ** (-psnr(noisy, truth, part) / 10) for part in (mask, ~mask)]
    pooled = share * squared[0] + (1 - share) * squared[1]
    assert psnr(noisy, truth) == pytest.approx(-10 * math.log10(pooled))
    centres = mask[5:-5, 5:-5].mean()
    around = centres * ssim(noisy, truth, mask) + (1 - centres) * ssim(noisy, truth, ~mask)
    assert ssim(noisy, truth) == pytest.approx(around)


def test_a_remover_that_does_nothing_is_perfect_outside_and_poor_inside() -> None:
    _, truth = pictures(4)
    mask = np.zeros(truth.shape[:2], bool)
    mask[10:20, 10:20] = True
    black = np.where(mask[..., np.newaxis], 0, truth)
    assert (psnr(black, truth, ~mask), mean_absolute_error(black, truth, ~mask)) == (math.inf, 0.0)
    assert psnr(black, truth, mask) < 12
    assert ssim(black, truth, mask) < 0.3


def test_a_region_without_pixels_or_without_a_whole_window_has_no_figure() -> None:
    noisy, truth = pictures(5, (20, 20))
    nothing = np.zeros((20, 20), bool)
    for metric in (psnr, ssim, mean_absolute_error):
        assert math.isnan(metric(noisy, truth, nothing))
        assert not math.isnan(metric(noisy, truth, ~nothing))
    edge = nothing.copy()
    edge[:5] = True
    assert math.isnan(ssim(noisy, truth, edge))
    assert not math.isnan(psnr(noisy, truth, edge))
    for shape in ((10, 30), (0, 5), (0, 0), (5, 5, 0)):
        small = np.zeros(shape)
        assert math.isnan(ssim(small, small))
    assert math.isnan(psnr(np.zeros((0, 5)), np.zeros((0, 5))))


def test_the_range_scales_and_floats_in_the_unit_interval_give_the_same() -> None:
    noisy, truth = pictures(6)
    small = noisy / 255, truth / 255
    assert psnr(*small, data_range=1.0) == pytest.approx(psnr(noisy, truth))
    assert ssim(*small, data_range=1.0) == pytest.approx(ssim(noisy, truth))


def test_inputs_that_do_not_fit_are_refused() -> None:
    noisy, truth = pictures(7, (12, 12))
    mask = np.zeros((12, 12), bool)
    with pytest.raises(ValueError, match="one shape"):
        psnr(noisy[:11], truth, mask)
    with pytest.raises(ValueError, match="one shape"):
        psnr(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="mask must be bool"):
        psnr(noisy, truth, mask[:11])
    with pytest.raises(ValueError, match="mask must be bool"):
        psnr(noisy, truth, mask.astype(int))
    for bad in (np.nan, np.inf):
        spoilt = truth.astype(float)
        spoilt[0, 0] = bad
        for metric in (psnr, ssim, mean_absolute_error):
            with pytest.raises(ValueError, match="not finite"):
                metric(spoilt, truth)
        with pytest.raises(ValueError, match="positive"):
            psnr(noisy, truth, data_range=bad)
    with pytest.raises(ValueError, match="positive"):
        ssim(noisy, truth, data_range=0.0)
