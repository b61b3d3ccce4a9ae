"""Pictures of a page: as large as it can carry, all of one size, never more than it can carry."""

from __future__ import annotations

import base64
import io

import numpy as np
import PIL.Image
import pytest

from harness.reporting.drawing.thumbnails import PICTURE_BYTES, SIDE, SMALLER, Pictures, smaller


def noise(name: str, side: int = SIDE) -> bytes:
    """Return a picture that compresses badly."""
    numbers = np.random.default_rng(list(name.encode()))
    out = io.BytesIO()
    pixels = numbers.integers(0, 256, (side, side * 3 // 4, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(out, "JPEG", quality=82)
    return out.getvalue()


def size_of(address: str | None) -> tuple[int, int]:
    assert address is not None
    data = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    return PIL.Image.open(io.BytesIO(data)).size


def test_a_few_pictures_are_shown_as_large_as_they_come() -> None:
    names = [f"p{k}" for k in range(4)]
    pictures = Pictures(noise, names)
    assert {size_of(pictures.address(name)) for name in names} == {(SIDE * 3 // 4, SIDE)}


@pytest.mark.parametrize(("count", "used"), [(70, 0), (30, 900_000), (150, 0)])
def test_many_pictures_are_made_smaller_together_until_all_fit(count: int, used: int) -> None:
    names = [f"p{k}" for k in range(count)]
    pictures = Pictures(noise, names, used)
    shown = [pictures.address(name) for name in names]
    (size,) = {size_of(address) for address in shown}
    assert max(size) in SMALLER
    assert sum(len(address or "") for address in shown) <= PICTURE_BYTES - used


def test_a_picture_counts_as_often_as_it_is_shown() -> None:
    once, often = Pictures(noise, ["p"]), Pictures(noise, ["p"] * 120)
    assert max(size_of(once.address("p"))) == SIDE
    assert max(size_of(often.address("p"))) < SIDE


def test_what_does_not_fit_at_all_becomes_a_placeholder() -> None:
    pictures = Pictures(lambda name: bytes(400_000), ["a", "b", "c", "d"])
    shown = [pictures.address(name) for name in "abcd"]
    assert [address is None for address in shown] == [False, False, True, True]
    assert Pictures(lambda name: None, ["a"]).address("a") is None


def test_a_picture_is_never_made_larger_and_what_is_none_stays_as_it_is() -> None:
    little = noise("p", 80)
    assert smaller(little, 96) is little
    assert smaller(b"no picture", 96) == b"no picture"
    assert smaller(None, 96) is None
