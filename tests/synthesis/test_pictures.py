"""Other media, hard negatives and regions."""

from __future__ import annotations

import numpy as np
import pytest

from harness.synthesis import MEDIA, NEGATIVES, design_of, render_medium, render_negative
from harness.synthesis.capture import render_capture, tattoo_of
from harness.synthesis.contact_sheet import contact_sheet
from harness.synthesis.picture import region_of
from harness.synthesis.streams import stream


@pytest.mark.parametrize("medium", sorted(MEDIA))
def test_every_medium_shows_the_design_on_its_ground(medium: str) -> None:
    image, quality = render_medium(0, design_of(0, "g1", "a"), medium, "m", long_side=64)
    assert image.dtype == np.uint8
    assert max(image.shape) == 64
    assert image.std() > 10
    assert 70 <= quality <= 90
    again, _ = render_medium(0, design_of(0, "g1", "a"), medium, "m", long_side=64)
    assert np.array_equal(image, again)


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_every_negative_is_a_picture_and_not_a_blank(kind: str) -> None:
    for name in ("a", "b"):
        image, _ = render_negative(0, kind, name, long_side=64)
        assert image.dtype == np.uint8
        assert max(image.shape) == 64
        assert image.std() > 4


def test_the_shares_of_negatives_sum_to_one() -> None:
    assert sum(share for share, _ in NEGATIVES.values()) == pytest.approx(1)


def test_a_region_is_a_quarter_to_three_fifths_of_the_tattoo() -> None:
    for k in range(6):
        tattoo = tattoo_of(0, f"t{k}", group=f"g{k}", subject="s")
        shot = render_capture(0, tattoo, "a", long_side=96)
        x1, y1, x2, y2 = shot.box
        a1, b1, a2, b2 = region_of(shot, stream(k))
        assert x1 <= a1 < a2 <= x2
        assert y1 <= b1 < b2 <= y2
        share = (a2 - a1) * (b2 - b1) / ((x2 - x1) * (y2 - y1))
        assert 0.2 < share < 0.65
        assert shot.mask[b1:b2, a1:a2].any()


def test_a_contact_sheet_has_a_cell_for_every_picture() -> None:
    pictures = [np.zeros((40, 30, 3), np.uint8)] * 5
    sheet = contact_sheet(pictures, columns=2, cell=44)
    assert sheet.shape == (3 * 44, 2 * 44, 3)
    assert (sheet[:44, :44] == 0).any()
    assert (sheet[-44:, -44:] == 255).all()
