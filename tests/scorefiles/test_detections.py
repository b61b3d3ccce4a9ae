"""Scores of images: with a bar or as CSV; what is left out is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError
from harness.scorefiles import read_detections
from tests.scorefiles.questions import IMAGES, written


@pytest.mark.parametrize(
    "lines",
    [
        ("i1.png|0.5", "i3.png|-1", "i2.png|1e0"),
        ("image,score", "i3.png,-1", "i1.png,.5", "i2.png,1"),
        ("score,image,by", "-1,i3.png,me", "0.5,i1.png,me", "1,i2.png,me"),
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
