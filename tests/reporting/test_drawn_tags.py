"""Tags drawn on images: readable on any shape, safe with any text."""

from __future__ import annotations

import numpy as np
import pytest

from harness.reporting.drawing.tags import (
    LONGEST,
    NARROWEST,
    Label,
    best_labels,
    draw_tags,
    printable,
)


def flat(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), 200, dtype=np.uint8)


def test_the_best_tags_come_first_and_equal_ones_in_their_order() -> None:
    labels = best_labels(["a", "b", "c", "d"], [0.2, 0.9, 0.9, 0.1], 3, least=0.15)
    assert [label.text for label in labels] == ["b 0.90", "c 0.90", "a 0.20"]


def test_signs_say_which_tags_an_image_carries() -> None:
    assert Label("rose", 0.5, True).text == "✓ rose 0.50"
    assert Label("rose", 0.5, False).text == "× rose 0.50"


def test_text_is_written_in_the_lower_left_and_the_rest_stays() -> None:
    drawn = draw_tags(flat(400, 600), [Label("rose", 0.93)])
    assert drawn.shape == (400, 600, 3)
    assert (drawn[:300] == 200).all()
    assert drawn[-20:, 10:60].std() > 20


@pytest.mark.parametrize("shape", [(240, 260), (120, 400), (20, 20)])
def test_labels_that_would_hide_much_of_a_picture_stand_below_it(shape: tuple[int, int]) -> None:
    labels = [Label(f"tag{i}", 0.5) for i in range(6)]
    alone = draw_tags(flat(*shape), [])
    drawn = draw_tags(flat(*shape), labels)
    height, width = alone.shape[:2]
    assert (drawn[:height, :width] == alone).all()
    assert drawn.shape[0] == height + 6 * 18 + 12
    assert drawn[height:].std() > 20


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 2), (60, 80)])
def test_every_label_fits_however_odd_the_image(shape: tuple[int, int]) -> None:
    labels = [Label(f"tag{i}", 0.5) for i in range(12)]
    drawn = draw_tags(flat(*shape), labels)
    assert drawn.shape[0] >= 12 * 18
    assert NARROWEST <= drawn.shape[1] <= LONGEST


def test_a_long_tag_keeps_its_score_inside_the_image() -> None:
    drawn = draw_tags(flat(80, 260), [Label("x" * 5000, 0.93)])
    assert drawn.shape == (80 + 18 + 12, 260, 3)


def test_tags_of_any_script_and_with_control_characters_are_drawn() -> None:
    hostile = "<script>\n\x1b[31m\u202eabc"
    assert printable(hostile) == "<script>\ufffd\ufffd[31m\ufffdabc"
    draw_tags(flat(90, 300), [Label(hostile, 1.0), Label("ねこ é ß", 0.4), Label("", 0.0)])


def test_without_labels_the_image_is_only_scaled() -> None:
    assert draw_tags(flat(300, 300), []).shape == (300, 300, 3)
