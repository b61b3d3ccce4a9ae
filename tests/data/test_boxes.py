"""Boxes are read in every usual writing, and what does not fit its picture is said."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from harness.data.boxes import look_at_boxes, read_box
from harness.data.findings import Findings
from harness.data.formats import Box
from harness.data.records import Record


@pytest.mark.parametrize(
    "text",
    ["3 4 20 30", "3, 4, 20, 30", "3;4;20;30", "[3,4,20,30]", "(3 4 20 30)", " 3.0  4. 20.0\t30 "],
)
def test_four_numbers_are_a_box_however_they_are_written(text: str) -> None:
    assert read_box(text) == (3, 4, 20, 30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30 40 10 12", "if it is 'x y width height', write '30 40 40 52'"),
        ("5 9 5 20", "if it is 'x y width height', write '5 9 10 29'"),
        ("0.1 0.25 .5 1", "but shares of the picture"),
        ("3.5 4 20 30", "round its numbers"),
        ("3 4 20", "is not 'x1 y1 x2 y2' in whole pixels"),
        ("3,5 4,5 20,1 30,9", "is not 'x1 y1 x2 y2' in whole pixels"),
        ("3 4 -20 30", "is not 'x1 y1 x2 y2' in whole pixels"),
        ("a b c d", "is not 'x1 y1 x2 y2' in whole pixels"),
        ("1 2 99999999999 4", "is not 'x1 y1 x2 y2' in whole pixels"),
        ("{3 4 20 30}", "is not 'x1 y1 x2 y2' in whole pixels"),
    ],
)
def test_what_is_no_box_is_told_with_what_it_may_be(text: str, said: str) -> None:
    assert said in str(read_box(text))


def found(folder: Path, box: Box, *, orientation: int = 1, shown: bool = False) -> Findings:
    """What is said of a box on a picture that is stored as 40 x 20 pixels."""
    image = PIL.Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(folder / "a.jpg", exif=exif)
    findings = Findings()
    look_at_boxes({"a": Record("a", folder / "a.jpg", box=box)}, ["a"], findings, boxes_shown=shown)
    return findings


@pytest.mark.parametrize(
    ("box", "orientation"),
    [((0, 0, 40, 20), 1), ((36, 15, 40, 20), 3), ((0, 0, 20, 40), 6), ((1, 30, 20, 39), 8)],
)
def test_a_box_inside_the_upright_picture_is_not_worth_a_word(
    tmp_path: Path, box: Box, orientation: int
) -> None:
    assert found(tmp_path, box, orientation=orientation).all == ()


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_box_drawn_on_the_stored_picture_is_a_problem_where_boxes_are_shown(
    tmp_path: Path, orientation: int
) -> None:
    box = (25, 2, 39, 18)
    said = found(tmp_path, box, orientation=orientation)
    assert "fits the picture as it is stored and not upright" in said.warnings[0]
    (problem,) = found(tmp_path, box, orientation=orientation, shown=True).problems
    assert problem.startswith("'a' has 20 x 40 pixels and the box 25 2 39 18")
    assert "pixels of the upright picture" in problem


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((40, 0, 50, 10), "which shows nothing of it"),
        ((-9, -9, 0, 5), "which shows nothing of it"),
        ((-5, 2, 10, 10), "reaches over the edge and is cut off there."),
        ((30, 5, 80, 19), "reaches over the edge and is cut off there."),
        ((5, 12, 30, 21), "reaches over the edge"),
    ],
)
def test_a_box_that_leaves_its_picture_is_said(tmp_path: Path, box: Box, said: str) -> None:
    (warning,) = found(tmp_path, box).warnings
    assert said in warning
    assert "40 x 20 pixels" in warning


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (5, 5, 8, 20), (0, 10, 40, 12)])
def test_a_box_of_hardly_any_pixels_is_said(tmp_path: Path, box: Box) -> None:
    (one,) = found(tmp_path, box).all
    assert one.code == "boxes-of-hardly-any-pixels"
    assert "is it a share of the picture?" in one.text
