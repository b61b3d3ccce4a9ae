"""Photographs of tattoos and their truth."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from generators.procedural import STYLES, Capture, Procedural, render_capture, tattoo_of
from generators.procedural.camera import shot_of
from generators.procedural.ink import aged
from generators.procedural.skin import skin_tone
from generators.procedural.styles import inked
from harness.synthesis import Order
from harness.synthesis.grammar import Grammar, make_prompts
from harness.synthesis.streams import stream


def drawn(style: str = "traditional", take: str = "a", name: str = "t1") -> Capture:
    tattoo = tattoo_of(0, name, group="g-rose", subject="s1", style=style)
    return render_capture(0, tattoo, take, long_side=96)


capture = functools.cache(drawn)


def test_there_are_the_nine_styles() -> None:
    assert set(STYLES) == {
        *("traditional", "japanese", "tribal", "trash polka", "watercolor", "fineline"),
        *("minimalism", "realism", "abstract"),
    }


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_leaves_visible_ink_inside_its_mask_only(style: str) -> None:
    shot = capture(style)
    change = np.abs(shot.image.astype(int) - shot.clean).max(axis=2)
    near = cv2.dilate(shot.mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    assert shot.mask.any()
    assert change[shot.mask].mean() > 8
    # The lens spreads ink a little beyond the mask, by design below what an eye would call ink.
    assert change[~near].sum() < 4 * max(1, (~near).sum())


def test_pixels_far_from_any_ink_are_the_same_in_both_pictures() -> None:
    shot = capture("tribal")
    far = ~cv2.dilate(shot.mask.astype(np.uint8), np.ones((25, 25), np.uint8)).astype(bool)
    assert far.any()
    assert np.array_equal(shot.image[far], shot.clean[far])


def test_the_box_bounds_the_mask() -> None:
    shot = capture()
    x1, y1, x2, y2 = shot.box
    assert 0 <= x1 < x2 <= shot.image.shape[1]
    assert 0 <= y1 < y2 <= shot.image.shape[0]
    assert shot.mask[y1:y2, x1:x2].sum() > 0.98 * shot.mask.sum()


def test_the_same_capture_is_the_same_picture_and_another_take_is_not() -> None:
    first, again, other = capture(), drawn(), capture(take="b")
    assert np.array_equal(first.image, again.image)
    assert first.source != other.source
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


def test_ink_spreads_and_fades_with_the_years() -> None:
    tattoo = tattoo_of(0, "t1", group="g-rose", subject="s1", style="tribal")
    fresh = inked(tattoo.design, "tribal", 128, stream("ink"))
    young, old = aged(fresh, 0, stream("age")), aged(fresh, 25, stream("age"))
    assert old.cover.max() < young.cover.max()
    assert np.abs(np.diff(old.cover, axis=1)).max() < np.abs(np.diff(young.cover, axis=1)).max()


def test_more_melanin_makes_darker_skin_over_the_whole_range() -> None:
    tones = np.array([skin_tone(m).mean() for m in np.linspace(0, 1, 30)])
    assert (np.diff(tones) < 0).all()
    assert tones[0] > 10 * tones[-1]


def test_a_camera_at_rest_looks_straight_on() -> None:
    shot = shot_of("x", unrest=0)
    assert shot.roll == shot.tilt_x == shot.shift_x == 0


def test_takes_are_as_wet_hairy_and_unlike_as_asked() -> None:
    (prompt,) = make_prompts(Grammar(), 1, 3)

    def taken(difficulty: float = 1.0, kin: int = 0, **given: float) -> npt.NDArray[np.uint8]:
        order = Order(prompt, "t", 1, 3, kin, difficulty)
        return Procedural(size=48, **given).generate(order).image

    usual = taken()
    for other in (taken(wet=1.0), taken(hair=4.0), taken(age=40.0), taken(0.0), taken(kin=1)):
        assert not np.array_equal(other, usual)
    # Nothing is wet, and no time has passed, where nothing is difficult.
    assert np.array_equal(taken(0.0, wet=1.0, years=20.0, unrest=4.0), taken(0.0))
