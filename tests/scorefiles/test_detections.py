"""Scores of images: with a bar or as CSV; what is left out is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError
from harness.scorefiles import export_scores, read_detections
from harness.tasks.answers import Answer
from tests.scorefiles.questions import IMAGES, written


@pytest.mark.parametrize(
    "lines",
    [
        ("i1.png|0.5", "i3.png|-1", "i2.png|1e0"),
        ("image,score", "i3.png,-1", "i1.png,.5", "i2.png,1"),
        ("score,image,by", "-1,i3.png,me", "0.5,i1.png,me", "1,i2.png,me"),
        (
            "image returnCode tattooDetected score",
            "i1.png 0 1 0.5",
            "i3.png 0 0 -1",
            "i2.png 0 1 1.0",
        ),
    ],
)
def test_every_image_has_its_score(lines: tuple[str, ...], tmp_path: Path) -> None:
    found = read_detections(written(tmp_path, "d.txt", *lines), IMAGES)
    assert found.answers[0].scores.tolist() == [0.5, 1, -1]
    assert (found.answers[0].failures, found.missing, found.depth) == ({}, (), None)


def test_an_image_left_out_or_without_a_score_is_a_failure_and_is_named(tmp_path: Path) -> None:
    found = read_detections(written(tmp_path, "d.txt", "i1.png|1", "i3.png|"), IMAGES)
    assert found.missing == (("1", "i2.png"), ("1", "i3.png"))
    assert set(found.answers[0].failures) == {"i2.png", "i3.png"}
    assert np.isnan(found.answers[0].scores[1:]).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("i1.png|2", "d.txt:2: 'i1.png' has a score at d.txt:1 too"),
        ("i1.gif|2", "d.txt:2: 'i1.gif' is not a probe. Did you mean 'i1.png'?"),
        ("i2.png|nan", "d.txt:2: the score 'nan' is not finite"),
        ("i2.png|1|2", "d.txt:2: 'i2.png|1|2' is not of the form image|score"),
        ("i2.png", "d.txt:2: 'i2.png' is not of the form image|score"),
    ],
)
def test_every_wrong_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read_detections(written(tmp_path, "d.txt", "i1.png|1", line), IMAGES)
    assert message in str(refused.value)


LOG = "image returnCode tattooDetected score"


def test_a_return_code_in_a_log_of_detections_is_a_failure(tmp_path: Path) -> None:
    lines = (LOG, "i1.png 3 0 0", "i2.png 0 0 0.25", "i3.png 12 1 0.9")
    found = read_detections(written(tmp_path, "d.log", *lines), IMAGES)
    assert found.forms == ("nist",)
    assert set(found.answers[0].failures) == {"i1.png", "i3.png"}
    assert found.answers[0].scores[1] == 0.25


def test_a_log_may_have_boxes_which_are_looked_at_and_change_nothing(tmp_path: Path) -> None:
    lines = (f"{LOG} boxes", "i1.png 0 1 0.75 0,0,5,9;10,20,1,1", "i2.png 0 0 0.25", "i3.png 3 0 0")
    found = read_detections(written(tmp_path, "d.log", *lines), IMAGES)
    assert found.forms == ("nist",)
    assert found.answers[0].scores[:2].tolist() == [0.75, 0.25]
    for boxes in ("0,0,5", "0,0,5,9;", "0,0,5,-9", "0,0,5,x", "[0,0,5,9]"):
        log = written(tmp_path, "d.log", f"{LOG} boxes", f"i1.png 0 1 0.75 {boxes}")
        with pytest.raises(DataError, match="is no list of boxes: left,top,width,height"):
            read_detections(log, IMAGES)


def test_boxes_go_into_a_log_and_a_log_without_any_has_no_column_for_them(tmp_path: Path) -> None:
    scores = np.array([0.75, 0.25, np.nan])
    failures = {"i3.png": "detectTattoo returned RefuseInput"}
    boxes = {"i1.png": [(0, 0, 5, 9), (10, 20, 1, 1)]}
    for known, line in ((boxes, " 0,0,5,9;10,20,1,1"), ({}, "")):
        answers = [Answer(scores, failures, known)]
        (file,) = export_scores(tmp_path, IMAGES, answers, "nist")
        assert file.read_text().splitlines() == [
            LOG + " boxes" * bool(known),
            f"i1.png 0 1 0.75{line}",
            "i2.png 0 0 0.25",
            "i3.png 3 0 0",
        ]
        again = read_detections(file, IMAGES).answers[0]
        assert np.array_equal(again.scores, scores, equal_nan=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("i2.png 0 1", "d.log:3: 'i2.png 0 1' is not of the form image returnCode"),
        ("i2.png 13 1 0.7", "d.log:3: there is no return code '13'"),
        ("i2.png -1 1 0.7", "d.log:3: there is no return code '-1'"),
        ("i2.png 0 yes 0.7", "d.log:3: tattooDetected is 'yes', not 0 or 1"),
        ("i2.png 0 0 0.7", "d.log:3: the score 0.7 and tattooDetected 0 disagree"),
        ("i2.png 0 1 0.4", "d.log:3: the score 0.4 and tattooDetected 1 disagree"),
        ("i2.png 0 1 high", "d.log:3: the score 'high'"),
        ("i1.png 0 1 0.9", "d.log:3: 'i1.png' has a score at d.log:2 too"),
    ],
)
def test_every_wrong_line_of_a_log_is_named(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read_detections(written(tmp_path, "d.log", LOG, "i1.png 0 1 1", line), IMAGES)
    assert message in str(refused.value)
