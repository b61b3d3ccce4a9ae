"""Pictures are prepared as a recipe says, and a recipe that cannot be followed says why."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from harness.training.onnx_recipe import Recipe

ORANGE = np.full((8, 6, 3), (255, 102, 0), np.uint8)


def test_without_more_pictures_are_rgb_from_0_to_1() -> None:
    stack = Recipe(4, 5).prepare([ORANGE, ORANGE])
    assert stack.shape == (2, 3, 4, 5)
    assert stack.dtype == np.float32
    assert stack[1, :, 2, 3] == pytest.approx([1, 0.4, 0])


def test_channels_are_turned_before_their_means_are_taken_away() -> None:
    recipe = Recipe(2, 2, colour="bgr", mean=(0.5, 0.4, 0.2), std=(0.5, 1.0, 2.0))
    assert recipe.prepare([ORANGE])[0, :, 0, 0] == pytest.approx([-1, 0, 0.4])


def test_gray_is_one_channel_and_one_value_serves_all() -> None:
    recipe = Recipe(2, 2, colour="gray", scale=1, mean=(127.5,), std=(127.5,))
    (value,) = recipe.prepare([ORANGE])[0, :, 0, 0]
    luma = round(0.299 * 255 + 0.587 * 102)
    assert value == pytest.approx((luma - 127.5) / 127.5, abs=1e-6)


def test_channels_come_last_where_the_model_wants_them_there() -> None:
    recipe = Recipe(4, 5, layout="nhwc", scale=1)
    stack = recipe.prepare([ORANGE])
    assert stack.shape == (1, 4, 5, 3)
    assert stack[0, 1, 1] == pytest.approx([255, 102, 0], abs=1e-4)
    assert stack.flags.c_contiguous


def test_no_pictures_make_an_empty_stack() -> None:
    assert Recipe(4, 5).prepare([]).shape == (0, 3, 4, 5)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"height": 0}, "height is 0"),
        ({"width": -3}, "width is -3"),
        ({"scale": 0.0}, "pixels are divided by it"),
        ({"scale": float("nan")}, "pixels are divided by it"),
        ({"mean": (1.0, 2.0)}, "mean has 2 values; rgb has 3 channels"),
        ({"std": (1.0, 1.0, 0.0)}, "those of std above 0"),
        ({"mean": (float("inf"),)}, "its values are finite"),
        ({"colour": "gray", "mean": (1.0, 1.0, 1.0)}, "gray has 1 channels"),
    ],
)
def test_what_cannot_be_followed_is_named(values: dict[str, Any], said: str) -> None:
    recipe = msgspec.convert({"height": 4, "width": 4, **values}, Recipe)
    (fault,) = recipe.faults()
    assert said in fault


def test_a_recipe_survives_its_json() -> None:
    recipe = Recipe(4, 5, colour="bgr", mean=(0.1, 0.2, 0.3), comparison="euclidean")
    assert recipe.faults() == []
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe


def test_a_cropped_picture_loses_its_sides_and_keeps_its_aspect() -> None:
    halves = np.zeros((4, 12, 3), np.uint8)
    halves[:, 4:8] = 255
    assert Recipe(2, 2, colour="gray", framing="cropped").prepare([halves]).min() == 1
    assert Recipe(2, 2, colour="gray").prepare([halves]).min() < 0.7
