"""The tutorial matcher: colours of cells, whatever the size of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.plugins import registry
from harness.plugins.places import bundled


def colours(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("colours"))(**parameters)


def test_a_template_is_the_mean_colour_of_each_cell_less_that_of_the_image() -> None:
    image = np.zeros((20, 30, 3), dtype=np.uint8)
    image[:10, :15] = (200, 100, 40)
    template = colours(cells=2).extract(image)
    assert template.shape == (2, 2, 3)
    assert template[0, 0].tolist() == [150, 75, 30]
    assert template[1, 1].tolist() == [-50, -25, -10]


def test_size_and_overall_light_do_not_change_a_score() -> None:
    small = np.random.default_rng(0).integers(0, 128, (8, 8, 3), dtype=np.uint8)
    large = small.repeat(5, axis=0).repeat(3, axis=1) + np.uint8(50)
    matcher = colours()
    scores = matcher.compare([matcher.extract(small)], [matcher.extract(large)])
    # Means of cells are rounded to whole levels.
    assert scores[0, 0] == pytest.approx(1, abs=1e-3)


def test_a_picture_of_one_colour_is_like_nothing_and_does_not_crash() -> None:
    matcher = colours()
    blank = matcher.extract(np.full((9, 7, 3), 80, dtype=np.uint8))
    assert matcher.compare([blank], [blank]).tolist() == [[0.0]]


def test_the_tutorial_stays_short_enough_to_read_at_a_glance() -> None:
    text = (bundled("algorithms") / "colours.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
