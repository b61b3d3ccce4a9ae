"""What an answer of an algorithm has to look like."""

from __future__ import annotations

import numpy as np
import pytest

from harness.api import FailureToEnroll
from harness.execution.answers import (
    BadAnswer,
    checked_masks,
    checked_pictures,
    checked_remark,
    checked_tags,
)
from harness.plugins.programs.remarks import MOST_BOXES, Box, Remark, taken_from

IMAGE = np.zeros((4, 6, 3), dtype=np.uint8)
FAILED = FailureToEnroll("too small")


def test_tags_masks_and_pictures_of_the_right_form_are_passed_on() -> None:
    assert checked_tags([np.array([0.0, 1.0]), FAILED], ["a", "b"], 2)[1] is FAILED
    assert checked_masks([np.full((4, 6), 0.5)], ["a"], [IMAGE])[0].shape == (4, 6)
    assert checked_pictures([IMAGE, FAILED], ["a", "b"], [IMAGE, IMAGE])[0] is IMAGE


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.array([0.5, 1.5]), r"outside \[0, 1\] for a"),
        (np.array([0.5, np.nan]), r"outside \[0, 1\] for a"),
        (np.array([0.5]), r"shape \(1,\) for a; expected \(2,\): one score per tag"),
        (np.array([1, 0]), "array of int64 for a; return a NumPy array of floating-point"),
        (None, "NoneType.* for a"),
    ],
)
def test_tags_of_another_form_are_refused_by_name(answer: object, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        checked_tags([answer], ["a"], 2)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.zeros((6, 4)), r"shape \(6, 4\) for a; expected \(4, 6\): one value per pixel"),
        (np.full((4, 6), -0.1), r"outside \[0, 1\]"),
        (np.zeros((4, 6), dtype=bool), "array of bool"),
    ],
)
def test_masks_of_another_form_are_refused(answer: object, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        checked_masks([answer], ["a"], [IMAGE])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.zeros((8, 8, 3), dtype=np.uint8), r"return the image's own size, \(4, 6, 3\)"),
        (np.zeros((4, 6, 3)), "array of float64 for a; return uint8 RGB pixels"),
        ("a.png", "str.* for a"),
    ],
)
def test_a_retouched_picture_of_another_size_or_kind_is_refused(answer: object, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        checked_pictures([answer], ["a"], [IMAGE])


def test_an_answer_short_of_a_batch_is_refused() -> None:
    with pytest.raises(BadAnswer, match="1 answers for 2 images"):
        checked_masks([np.zeros((4, 6))], ["a", "b"], [IMAGE, IMAGE])


def test_what_is_said_beside_an_answer_lies_within_its_bounds() -> None:
    assert checked_remark(None, "a", IMAGE) == Remark()
    for quality in (0.0, 1.0):
        assert checked_remark(Remark(quality=quality), "a", IMAGE).quality == quality
    whole: list[Box] = [(0, 0, 6, 4)]
    assert checked_remark(Remark(boxes=whole), "a", IMAGE).boxes == whole


@pytest.mark.parametrize(
    ("remark", "image", "said"),
    [
        (Remark(quality=1.01), IMAGE, r"the quality of a is 1.01; it lies in \[0, 1\]"),
        (Remark(quality=float("nan")), IMAGE, "the quality of a is nan"),
        (Remark(boxes=[(0, 0, 4, 6)]), IMAGE, r"box \[0, 0, 4, 6\] of a is none .* of 6 x 4"),
        (Remark(boxes=[(0, 0, 0, 1)]), IMAGE, "is none in a picture"),
        (Remark(boxes=[(-1, 0, 1, 1)]), IMAGE, "is none in a picture"),
        (Remark(boxes=[(0, 0, 1, 1)] * (MOST_BOXES + 1)), IMAGE, "1,001 boxes for a"),
        (Remark(boxes=[(0, 0, 1, 1)]), np.zeros(9, np.uint8), "in a picture of 0 x 0"),
    ],
)
def test_what_cannot_be_said_beside_an_answer_is_refused(
    remark: Remark, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], said: str
) -> None:
    with pytest.raises(BadAnswer, match=said):
        checked_remark(remark, "a", image)


def test_a_remark_is_of_one_answer() -> None:
    class Says:
        pass

    algorithm = Says()
    assert taken_from(algorithm) is None
    algorithm.__dict__["_remark"] = Remark(size=3)
    assert taken_from(algorithm) == Remark(size=3)
    assert taken_from(algorithm) is None
    algorithm.__dict__["_remark"] = "a text of its own"
    assert taken_from(algorithm) is None
