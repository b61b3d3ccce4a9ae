"""A frame is drawn from the picture's name alone, and makes size, mount, cast, noise and file."""

from __future__ import annotations

import numpy as np
import pytest

from generators.procedural.framing import frame_of, framed
from harness.runs.shortcuts.features import border_of, noise_of
from harness.synthesis.streams import stream


def picture(key: str, level: float = 0.5, height: int = 90, width: int = 110) -> np.ndarray:
    """Return a picture with some detail, as bright as asked for."""
    rough = stream(key).standard_normal((height // 5, width // 5, 3)).repeat(5, 0).repeat(5, 1)
    return np.clip(level + 0.1 * rough, 0, 1).astype(np.float32)


def test_a_frame_follows_from_its_name_and_sizes_vary_in_both_directions() -> None:
    frames = [frame_of("x", k, long_side=100) for k in range(200)]
    assert frames[3] == frame_of("x", 3, long_side=100)
    sides = np.array([(f.width, f.height) for f in frames])
    assert 74 <= sides.max(axis=1).min() < 80
    assert 120 < sides.max(axis=1).max() <= 126
    aspect = np.log(sides[:, 0] / sides[:, 1])
    assert abs(aspect.mean()) < 0.05
    assert 0.17 < aspect.std() < 0.25


@pytest.mark.parametrize("level", [0.15, 0.5, 0.85])
def test_what_is_inside_has_the_cast_and_the_mount_its_own_colour(level: float) -> None:
    frame = frame_of("x", 1, long_side=140)
    (made,) = framed([picture("p", level)], frame)
    assert made.shape == (frame.height, frame.width, 3)
    inside = made[frame.top : -frame.bottom, frame.left : -frame.right]
    assert frame.cast is not None
    assert inside.mean(axis=(0, 1)) / 255 == pytest.approx(np.array(frame.cast), abs=0.015)
    assert border_of(made)[:3] == pytest.approx(np.array(frame.mount), abs=0.06)
    assert noise_of((made[: frame.top], made[-frame.bottom :])) == pytest.approx(
        frame.noise, rel=0.45
    )


def test_two_pictures_of_one_view_differ_only_where_they_did() -> None:
    one = picture("p")
    other = one.copy()
    other[20:40, 20:40] = 0
    frame = frame_of("x", 2, long_side=110, mounted=False)
    first, second = framed([one, other], frame)
    changed = (first != second).any(axis=2)
    height, width = first.shape[:2]
    assert changed.any()
    assert not changed[int(height * 45 / 90) :].any()
    assert not changed[:, int(width * 45 / 110) :].any()


def test_a_mount_takes_up_what_another_shape_leaves() -> None:
    frame = frame_of("x", 3, long_side=120)
    for aspect in (0.5, 1.0, 2.0):
        fitted = frame.fitted(aspect)
        width, height = fitted.inner
        assert (fitted.width, fitted.height) == (frame.width, frame.height)
        assert width / height == pytest.approx(aspect, rel=0.03)
        assert width <= frame.inner[0]
        assert height <= frame.inner[1]


def test_boxes_and_masks_move_with_the_mount() -> None:
    frame = frame_of("x", 4, long_side=120)
    width, height = frame.inner
    whole = frame.placed(np.ones((height, width), bool))
    assert whole.shape == (frame.height, frame.width)
    assert whole.sum() == width * height
    assert frame.moved((0, 0, 3, 5)) == (frame.left, frame.top, frame.left + 3, frame.top + 5)
    assert frame.moved((0, 0, 0, 0)) == (0, 0, 0, 0)
