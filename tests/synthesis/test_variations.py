"""Variations: where pixels and boxes go, compared with what arithmetic says."""

from __future__ import annotations

import numpy as np
import pytest

from generators.procedural import render_capture, tattoo_of
from harness.synthesis.crop import filled, find_tattoo, frame_round
from harness.synthesis.generator import Generated
from harness.synthesis.variations import PLAIN, Ranges, Variation, draw_variation, varied


def spot(size: int = 120, box: tuple[int, int, int, int] = (70, 50, 90, 60)) -> Generated:
    image = np.full((size, size, 3), 200, np.uint8)
    mask = np.zeros((size, size), bool)
    x1, y1, x2, y2 = box
    mask[y1:y2, x1:x2] = True
    clean = image.copy()
    image[mask] = 20
    return Generated(image, mask, clean, box)


def test_no_change_at_the_same_size_is_the_same_picture() -> None:
    picture = spot()
    same = varied(picture, (0, 0, 120, 120), 120, PLAIN, np.random.default_rng(0))
    assert np.array_equal(same.image, picture.image)
    assert same.mask is not None
    assert picture.mask is not None
    assert np.array_equal(same.mask, picture.mask)
    assert same.box == picture.box


@pytest.mark.parametrize(
    ("change", "box"),
    [
        (Variation(rotation=90), (60, 70, 70, 90)),
        (Variation(rotation=180), (30, 60, 50, 70)),
        (Variation(scale=2.0), (80, 40, 120, 60)),
        (Variation(shift_x=-0.2, shift_y=0.125), (46, 65, 66, 75)),
    ],
)
def test_pixels_mask_and_box_move_together_to_where_arithmetic_puts_them(
    change: Variation, box: tuple[int, int, int, int]
) -> None:
    moved = varied(spot(), (0, 0, 120, 120), 120, change, np.random.default_rng(0))
    assert moved.box == box
    assert moved.mask is not None
    rows, columns = np.nonzero(moved.mask)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert np.abs(np.subtract(found, box)).max() <= 1
    assert moved.image[moved.mask].mean() < 60
    assert (moved.image[~moved.mask] > 60).mean() > 0.98


def test_a_frame_is_cut_out_and_brought_to_size() -> None:
    shown = varied(spot(), (60, 40, 100, 70), 80, PLAIN, np.random.default_rng(0))
    assert shown.image.shape == (60, 80, 3)
    assert shown.box == (20, 20, 60, 40)


def test_light_and_noise_are_shared_by_picture_and_clean_picture() -> None:
    change = Variation(brightness=0.5, noise=8.0)
    made = varied(spot(), (0, 0, 120, 120), 120, change, np.random.default_rng(4))
    assert made.clean is not None
    assert made.mask is not None
    assert np.array_equal(made.image[~made.mask], made.clean[~made.mask])
    assert abs(float(made.clean.mean()) - 100) < 1
    assert abs(float(made.clean.std()) - 8) < 1


def test_a_box_that_leaves_the_frame_is_none() -> None:
    change = Variation(shift_x=0.9)
    assert varied(spot(), (0, 0, 120, 120), 120, change, np.random.default_rng(0)).box is None


def test_variations_stay_in_their_ranges_and_no_range_is_no_change() -> None:
    rng = np.random.default_rng(2)
    ranges = Ranges(rotation=10, scale=0.5, shift=0.1, brightness=0.2, noise=5)
    drawn = [draw_variation(ranges, rng) for _ in range(400)]
    assert max(abs(v.rotation) for v in drawn) <= 10
    assert min(v.scale for v in drawn) >= 1 / 1.5
    assert max(v.scale for v in drawn) <= 1.5
    assert max(v.scale for v in drawn) > 1.4
    assert max(v.noise for v in drawn) <= 5
    assert draw_variation(Ranges(0, 0, 0, 0, 0), rng) == PLAIN


def test_a_ring_is_filled_and_two_spots_far_apart_stay_two() -> None:
    y, x = np.mgrid[0:80, 0:80]
    away = np.hypot(x - 40, y - 40)
    ring = np.abs(away - 25) < 1.5
    assert np.array_equal(filled(ring)[away < 24], np.ones((away < 24).sum(), bool))
    assert not filled(ring)[away > 32].any()
    spots = np.zeros((80, 80), bool)
    spots[:3, :3] = spots[-3:, -3:] = True
    assert filled(spots).sum() < 60
    assert not filled(np.zeros((40, 40), bool)).any()


def test_tattoos_are_found_without_being_told_where_they_are() -> None:
    overlaps = []
    for name in "abcdefgh":
        tattoo = tattoo_of(4, name, group=name, subject=name, style="tribal")
        shot = render_capture(4, tattoo, "a", long_side=128)
        one, two = np.array(find_tattoo(shot.image)), np.array(shot.box)
        low, high = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
        both = np.prod(np.clip(high - low, 0, None))
        areas = np.prod(one[2:] - one[:2]) + np.prod(two[2:] - two[:2])
        overlaps.append(both / (areas - both))
    assert np.median(overlaps) > 0.6


def test_an_even_picture_gives_its_middle() -> None:
    assert find_tattoo(np.full((100, 200, 3), 128, np.uint8)) == (20, 10, 180, 90)


def test_a_frame_stays_inside_the_picture() -> None:
    assert frame_round((5, 5, 95, 95), 0.5, 100, 100) == (0, 0, 100, 100)
    assert frame_round((50, 50, 50, 50), 0.0, 100, 100) == (50, 50, 51, 51)
