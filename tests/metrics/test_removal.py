"""Removal: sums over pixels written out, and what nothing, perfection and destruction get."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.metrics.removal import (
    CHANGED_ABOVE,
    net_removal,
    pooled_psnr,
    removal,
    residual,
    root_mean_square,
)


def test_every_measurement_is_the_sum_over_pixels_written_out() -> None:
    rng = np.random.default_rng(3)
    retouched, given, clean = rng.integers(0, 256, (3, 14, 15, 3), dtype=np.uint8)
    mask = rng.random((14, 15)) < 0.4
    found = removal(retouched, given, clean, mask)
    inside, before, squared, outside, changed = [], [], [], [], []
    for y in range(14):
        for x in range(15):
            r, g, c = ([int(v) for v in image[y, x]] for image in (retouched, given, clean))
            if mask[y, x]:
                inside += [abs(a - b) for a, b in zip(r, c, strict=True)]
                before += [abs(a - b) for a, b in zip(g, c, strict=True)]
                squared += [(a - b) ** 2 for a, b in zip(r, c, strict=True)]
            else:
                differences = [abs(a - b) for a, b in zip(r, g, strict=True)]
                outside += differences
                changed.append(max(differences) > CHANGED_ABOVE)
    assert found.error_inside == pytest.approx(np.mean(inside))
    assert found.error_inside_unchanged == pytest.approx(np.mean(before))
    assert found.squared_inside == pytest.approx(np.mean(squared))
    assert found.change_outside == pytest.approx(np.mean(outside))
    assert found.changed_outside == pytest.approx(np.mean(changed))


def test_a_pixel_counts_as_changed_above_four_levels_in_one_channel() -> None:
    given = np.full((1, 3, 3), 100, np.uint8)
    retouched = given.copy()
    retouched[0, 0, 1] += 4
    retouched[0, 1, 2] += 5
    found = removal(retouched, given, given, np.zeros((1, 3), bool))
    assert found.changed_outside == pytest.approx(1 / 3)


def test_without_a_tattoo_nothing_is_said_about_the_inside() -> None:
    given = np.full((12, 12, 3), 9, np.uint8)
    found = removal(given, given, given, np.zeros((12, 12), bool))
    assert (found.error, found.change_outside, found.changed_outside) == (0, 0, 0)
    assert all(math.isnan(v) for v in (found.error_inside, found.squared_inside, found.ssim_inside))


def test_a_mask_of_everything_leaves_no_outside() -> None:
    given = np.full((12, 12, 3), 9, np.uint8)
    found = removal(given, given, given, np.ones((12, 12), bool))
    assert math.isnan(found.change_outside)
    assert math.isnan(found.changed_outside)


def test_doing_nothing_gets_nothing_perfection_one_and_destruction_less_than_nothing() -> None:
    unchanged = [30.0, 10.0, 0.0]
    assert net_removal(unchanged, unchanged) == 0
    assert net_removal([0.0, 0.0, 0.0], unchanged) == 1
    assert net_removal([60.0, 60.0, 60.0], unchanged) < 0
    # Damage where there is no tattoo costs what it would have earned elsewhere.
    assert net_removal([20.0, 10.0, 10.0], unchanged) == 0


def test_without_anything_to_remove_there_is_no_answer() -> None:
    assert math.isnan(net_removal([0.0], [0.0]))
    assert math.isnan(net_removal([], []))
    assert math.isnan(residual([], []))
    assert math.isnan(pooled_psnr([]))
    assert math.isnan(root_mean_square([]))


def test_shapes_that_differ_are_refused() -> None:
    given = np.zeros((12, 12, 3), np.uint8)
    with pytest.raises(ValueError, match="shape"):
        removal(given, given, given[:, :6], np.zeros((12, 12), bool))
