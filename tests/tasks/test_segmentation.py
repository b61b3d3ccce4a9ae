"""Segmentation: who takes part, every number by hand, failures as the worst there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.tasks import segmentation
from harness.tasks.answers import PictureAnswer
from harness.tasks.protocol import Protocol
from tests.tasks.trials_kept import without_trials

METRICS = list(segmentation.TASK.metrics)


def protocol(**data: object) -> Protocol:
    return Protocol.model_validate(
        {
            "version": 1,
            "title": "t",
            "question": "q",
            "task": "segmentation",
            "headline": "iou",
            "metrics": METRICS,
            "data": {"use-case": "x", **data},
            "folds": {"count": 2},
        }
    )


def picture(path: Path, pixels: np.ndarray) -> Path:
    PIL.Image.fromarray(pixels.astype(np.uint8) * 255).save(path)
    return path


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Fold, dict[str, Record], PictureAnswer]:
    """Make a tattoo half found, one failed, bare skin a quarter marked, and bare skin failed."""
    truth = np.zeros((20, 20), bool)
    truth[:10] = True
    half = np.zeros((20, 20), bool)
    half[:10, :10] = True
    mask = picture(tmp_path / "truth.png", truth)
    told = {
        "a": Record("a", tmp_path / "a.jpg", tattoo="1", mask=mask),
        "b": Record("b", tmp_path / "b.jpg", tattoo="2", mask=mask),
        "c": Record("c", tmp_path / "c.jpg", label="non-tattoo"),
        "d": Record("d", tmp_path / "d.jpg", label="non-tattoo"),
    }
    answer = picture(tmp_path / "answer.png", half)
    failures = {"b": "dark", "d": "dark"}
    return (
        Fold("1", (), tuple(told)),
        told,
        PictureAnswer(np.empty(0), failures, files=(answer, None, answer, None)),
    )


def test_every_number_is_what_counting_gives(
    drawn: tuple[Fold, dict[str, Record], PictureAnswer],
) -> None:
    fold, told, answer = drawn
    found = segmentation.TASK.judge([fold], [answer], told, protocol())
    value = {key: estimate.value for key, estimate in found.metrics.pooled.items()}
    assert value["iou"] == pytest.approx((0.5 + 0) / 2)
    assert value["dice"] == pytest.approx((2 / 3 + 0) / 2)
    assert value["pixel-accuracy"] == pytest.approx((0.75 + 0 + 0.75 + 0) / 4)
    assert value["concentration-error"] == pytest.approx((0.25 + 0.5 + 0.25 + 1) / 4)
    assert value["false-marking"] == pytest.approx((0.25 + 1) / 2)
    # The answer's box is half of the tattoo's: exactly half is not enough.
    assert value["localisation-accuracy"] == 0
    assert found.metrics.counts["failed_probes"] == 2
    assert found.metrics.pooled["iou"].chance == pytest.approx(0.5)  # all is tattoo
    assert found.metrics.pooled["concentration-error"].chance == pytest.approx(0.25)
    assert [search.truth for search in found.searches] == ["tattoo"] * 2 + ["non-tattoo"] * 2


def test_every_metric_can_be_compared(
    drawn: tuple[Fold, dict[str, Record], PictureAnswer],
) -> None:
    fold, told, answer = drawn
    assert not without_trials([fold], [answer], told, protocol())


def test_images_without_a_mask_take_part_only_where_they_show_no_tattoo(
    drawn: tuple[Fold, dict[str, Record], PictureAnswer],
) -> None:
    _, told, _ = drawn
    told["e"] = Record("e", Path("e.jpg"), tattoo="3", label="tattoo")
    folds = segmentation.TASK.lay_out(Dataset("d", Path(), "csv", told), protocol())
    assert sorted(name for fold in folds for name in fold.probes) == ["a", "b", "c", "d"]
    assert all(segmentation.TASK.truth_masks(fold, told) for fold in folds)


def test_no_mask_at_all_and_cropped_images_are_refused() -> None:
    told = {"c": Record("c", Path("c.jpg"), label="non-tattoo")}
    with pytest.raises(DataError, match="has no masks"):
        segmentation.TASK.lay_out(Dataset("d", Path(), "csv", told), protocol())
    with pytest.raises(UsageError, match="cannot crop"):
        segmentation.TASK.lay_out(Dataset("d", Path(), "csv", told), protocol(crop=True))


def test_a_mask_of_another_size_is_refused(
    drawn: tuple[Fold, dict[str, Record], PictureAnswer], tmp_path: Path
) -> None:
    fold, told, _ = drawn
    small = picture(tmp_path / "small.png", np.zeros((5, 5), bool))
    answer = PictureAnswer(np.empty(0), {}, files=(small,) * 4)
    with pytest.raises(DataError, match="20 x 20 pixels, its image 5 x 5"):
        segmentation.TASK.judge([fold], [answer], told, protocol())
