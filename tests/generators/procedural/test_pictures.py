"""Other media, hard negatives and regions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from generators.procedural import MEDIA, NEGATIVES, design_of, render_medium, render_negative
from generators.procedural.capture import box_of, exposure_of, tattoo_of
from generators.procedural.contact_sheet import contact_sheet
from generators.procedural.photograph import INK
from generators.procedural.picture import region_of
from harness.synthesis.streams import stream


@pytest.mark.parametrize("medium", sorted(MEDIA))
def test_every_medium_shows_the_design_on_its_ground(medium: str) -> None:
    image, _ = render_medium(0, design_of(0, "g1", "a"), medium, "m", long_side=64)
    assert image.dtype == np.uint8
    assert 48 <= max(image.shape) <= 80
    assert image.std() > 10
    again, _ = render_medium(0, design_of(0, "g1", "a"), medium, "m", long_side=64)
    assert np.array_equal(image, again)


@pytest.mark.parametrize("kind", sorted(NEGATIVES))
def test_every_negative_is_a_picture_and_not_a_blank(kind: str) -> None:
    for name in ("a", "b"):
        image, _ = render_negative(0, kind, name, long_side=64)
        assert image.dtype == np.uint8
        assert 48 <= max(image.shape) <= 80
        assert image.std() > 4


def test_the_shares_of_negatives_sum_to_one() -> None:
    assert sum(share for share, _ in NEGATIVES.values()) == pytest.approx(1)


@functools.cache
def ink_of(k: int) -> np.ndarray:
    tattoo = tattoo_of(0, f"t{k}", group=f"g{k}", subject="s")
    return exposure_of(0, tattoo, "a", 96, 96).cover > INK


@pytest.mark.parametrize("aspect", [0.7, 1.0, 1.4])
def test_a_region_is_a_quarter_to_three_fifths_of_the_tattoo_in_the_shape_asked_for(
    aspect: float,
) -> None:
    for k in range(6):
        mask = ink_of(k)
        x1, y1, x2, y2 = box_of(mask)
        a1, b1, a2, b2 = region_of(mask, (x1, y1, x2, y2), aspect, stream(k))
        assert 0 <= a1 < a2 <= 96
        assert 0 <= b1 < b2 <= 96
        share = (a2 - a1) * (b2 - b1) / ((x2 - x1) * (y2 - y1))
        assert 0.2 < share < 0.65
        assert (a2 - a1) / (b2 - b1) == pytest.approx(aspect, rel=0.1)
        assert mask[b1:b2, a1:a2].any()


def test_a_contact_sheet_has_a_cell_for_every_picture() -> None:
    pictures = [np.zeros((40, 30, 3), np.uint8)] * 5
    sheet = contact_sheet(pictures, columns=2, cell=44)
    assert sheet.shape == (3 * 44, 2 * 44, 3)
    assert (sheet[:44, :44] == 0).any()
    assert (sheet[-44:, -44:] == 255).all()
