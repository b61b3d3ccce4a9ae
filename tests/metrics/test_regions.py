"""Boxes from masks: pieces, gaps, borders, and what is too small."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.regions import boxes_of


def test_strokes_nearer_than_the_gap_are_one_tattoo_and_others_are_not() -> None:
    mask = np.zeros((64, 64), bool)
    mask[10:20, 10:14] = mask[10:20, 17:21] = True  # 3 apart, the gap is a sixteenth of 64: 4
    mask[40:50, 40:50] = True
    assert boxes_of(mask).tolist() == [[10, 10, 21, 20], [40, 40, 50, 50]]
    assert len(boxes_of(mask, gap=0)) == 3


def test_the_border_of_the_image_does_not_join_pieces() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:6, :6] = mask[:6, 20:26] = True
    assert boxes_of(mask).tolist() == [[0, 0, 6, 6], [20, 0, 26, 6]]


def test_specks_are_left_out_and_an_empty_mask_has_no_box() -> None:
    mask = np.zeros((100, 100), bool)
    mask[50, 50] = True
    assert boxes_of(mask).shape == (0, 4)
    assert boxes_of(mask, smallest=0).tolist() == [[50, 50, 51, 51]]
    assert boxes_of(np.zeros((5, 5), bool)).shape == (0, 4)
    assert boxes_of(np.ones((5, 7), bool)).tolist() == [[0, 0, 7, 5]]


def test_what_is_no_decided_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="decided mask"):
        boxes_of(np.zeros((4, 4)))  # type: ignore[arg-type]
