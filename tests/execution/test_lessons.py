"""Pictures to learn from are decoded ahead where they come in order; nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from harness.data.images import UnreadableImage
from harness.data.records import Picture
from harness.execution import pictures
from harness.execution.pictures import Lessons
from harness.execution.unit import Training
from harness.execution.wire import Array


@pytest.fixture
def shown(tmp_path: Path) -> list[Picture]:
    for number in range(12):
        gray = Pillow.fromarray(np.full((3, 4, 3), number, np.uint8))
        gray.save(tmp_path / f"{number}.png")
    return [Picture(str(tmp_path / f"{n}.png")) for n in range(12)]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    real = pictures.as_seen

    def noted(picture: Picture, sees: str) -> Array:
        names.append(Path(picture.path).name)
        return real(picture, sees)

    monkeypatch.setattr(pictures, "as_seen", noted)
    return names


def lessons(shown: list[Picture]) -> Lessons:
    return Lessons(Training([picture.path for picture in shown]), shown, "pixels")


@pytest.mark.parametrize(
    "order",
    [
        list(range(12)),
        [5, 2, 9, 9, 0, 11, 1],
        [0, 1, 2, 3, 7, 8, 9, 3, 4, 5, 11, 0, 1],
    ],
)
def test_every_picture_is_the_one_that_was_asked_for(
    order: list[int], shown: list[Picture]
) -> None:
    with lessons(shown) as asked:
        assert [int(asked("image", n)[0, 0, 0]) for n in order] == order
        with pytest.raises(LookupError):
            asked("image", 12)


def test_each_is_decoded_once_in_order_and_no_more_than_a_few_ahead(
    shown: list[Picture], decoded: list[str]
) -> None:
    with lessons(shown) as asked:
        asked("image", 0)
        assert decoded == ["0.png"]
        asked("image", 1)
        for n in range(2, 6):
            asked("image", n)
    assert set(decoded) <= {f"{n}.png" for n in range(6 + pictures._AHEAD)}
    assert len(decoded) == len(set(decoded))


def test_in_another_order_nothing_is_decoded_that_was_not_asked_for(
    shown: list[Picture], decoded: list[str]
) -> None:
    with lessons(shown) as asked:
        for n in (7, 3, 9, 1, 6):
            asked("image", n)
    assert decoded == [f"{n}.png" for n in (7, 3, 9, 1, 6)]


def test_a_damaged_picture_is_named_when_it_is_asked_for_and_not_before(
    shown: list[Picture],
) -> None:
    Path(shown[5].path).write_bytes(b"none")
    with lessons(shown) as asked:
        for n in range(5):
            asked("image", n)
        with pytest.raises(UnreadableImage, match=r"5\.png"):
            asked("image", 5)
        assert int(asked("image", 6)[0, 0, 0]) == 6
