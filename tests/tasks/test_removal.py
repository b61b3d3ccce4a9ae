"""Removal as a question: folds, failures, what three simple answers get, and the run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError
from harness.tasks import removal
from harness.tasks.answers import PictureAnswer
from harness.tasks.protocol import Protocol
from tests.tasks.trials_kept import without_trials

SKIN, INK = 180, 60


def asked() -> Protocol:
    return Protocol.model_validate(
        {
            "version": 1,
            "title": "Removal",
            "question": "?",
            "task": "removal",
            "headline": "net-removal",
            "metrics": list(removal.TASK.metrics),
            "data": {"use-case": "mine"},
            "folds": {"count": 2},
        }
    )


def saved(path: Path, pixels: npt.NDArray[Any]) -> Path:
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def skin() -> npt.NDArray[Any]:
    return np.full((20, 24, 3), SKIN, np.uint8)


@pytest.fixture
def drawn(tmp_path: Path) -> Dataset:
    """Four tattoos of a quarter of the picture, and two pictures without one."""
    mask = np.zeros((20, 24), np.uint8)
    mask[5:15, 6:18] = 255
    records = {}
    for i in range(6):
        name, tattooed = f"{i}.png", i < 4
        image = np.where((mask > 0)[:, :, None] & tattooed, INK, skin())
        records[name] = Record(
            name,
            saved(tmp_path / name, image),
            tattoo=f"t{i}" if tattooed else None,
            label="tattoo" if tattooed else "non-tattoo",
            mask=saved(tmp_path / f"{i}-mask.png", mask) if tattooed else None,
            clean=saved(tmp_path / f"{i}-clean.png", skin()) if tattooed else None,
        )
    return Dataset("drawn", tmp_path, "csv", records)


def answered(
    data: Dataset, answer: Callable[[Record], npt.NDArray[Any] | None], folder: Path
) -> tuple[list[Fold], list[PictureAnswer]]:
    """Return what an answer makes of every record; None is a failure."""
    folds = removal.TASK.lay_out(data, asked())
    answers = []
    for fold in folds:
        files: list[Path | None] = []
        failures = {}
        for name in fold.probes:
            pixels = answer(data.records[name])
            if pixels is None:
                failures[name] = "refused"
                files.append(None)
            else:
                files.append(saved(folder / f"answer-{name}", pixels))
        answers.append(PictureAnswer(np.empty(0), failures, files=tuple(files)))
    return folds, answers


def judged(data: Dataset, answer: Callable[[Record], npt.NDArray[Any] | None], folder: Path) -> Any:
    """Judge what an answer makes of every record; None is a failure."""
    return removal.TASK.judge(*answered(data, answer, folder), data.records, asked())


def values(outcome: Any) -> dict[str, float | None]:
    return {name: estimate.value for name, estimate in outcome.metrics.pooled.items()}


def as_given(record: Record) -> npt.NDArray[Any]:
    return np.asarray(PIL.Image.open(record.path))


def test_folds_share_no_tattoo_and_hold_every_image_once(drawn: Dataset) -> None:
    folds = removal.TASK.lay_out(drawn, asked())
    assert sorted(name for fold in folds for name in fold.probes) == sorted(drawn.records)
    assert all(not set(fold.probes) & set(fold.train) for fold in folds)


def test_doing_nothing_removes_nothing_and_damages_nothing(drawn: Dataset, tmp_path: Path) -> None:
    found = values(judged(drawn, as_given, tmp_path))
    assert found["net-removal"] == 0
    assert found["residual"] == 1
    assert found["error-inside"] == found["rmse-inside"] == SKIN - INK
    assert found["change-outside"] == found["change-untattooed"] == found["changed-outside"] == 0


def test_a_mean_of_levels_that_never_varies_has_no_interval_of_a_share(
    drawn: Dataset, tmp_path: Path
) -> None:
    found = judged(drawn, as_given, tmp_path).metrics.pooled
    for name in ("error-inside", "change-outside", "change-untattooed"):
        assert found[name].low is None, name
        assert found[name].flags == ["no interval: every draw of identities gives the same value"]
    for name in ("changed-outside", "changed-untattooed"):
        assert (found[name].low, found[name].high) != (0.0, 0.0)
        assert "Clopper-Pearson" in found[name].method


def test_the_clean_capture_is_perfect(drawn: Dataset, tmp_path: Path) -> None:
    found = values(judged(drawn, lambda record: skin(), tmp_path))
    assert found["net-removal"] == 1
    assert found["residual"] == found["error-inside"] == 0
    assert found["psnr-inside"] is None  # infinite
    assert found["ssim-inside"] == 1


def test_painting_everything_black_is_worse_than_doing_nothing(
    drawn: Dataset, tmp_path: Path
) -> None:
    found = values(judged(drawn, lambda record: skin() * 0, tmp_path))
    # Every picture 180 levels wrong; before, 120 in a quarter of four of the six.
    assert found["net-removal"] == pytest.approx(1 - 6 * 180 / (4 * 120 / 4))
    assert found["changed-untattooed"] == found["changed-outside"] == 1
    assert found["change-untattooed"] == 180


def test_the_headline_is_the_mean_of_what_the_images_add_to_it(
    drawn: Dataset, tmp_path: Path
) -> None:
    def half(record: Record) -> npt.NDArray[Any]:
        return (as_given(record).astype(int) // 2 + SKIN // 2).astype(np.uint8)

    outcome = judged(drawn, half, tmp_path)
    added = [search.values["net-removal"] for search in outcome.searches]
    assert np.mean(added) == pytest.approx(outcome.metrics.pooled["net-removal"].value)
    assert outcome.metrics.pooled["net-removal"].value == pytest.approx(0.5)


def test_an_image_given_up_on_counts_as_unchanged_and_is_counted(
    drawn: Dataset, tmp_path: Path
) -> None:
    refused = judged(drawn, lambda r: None if r.name == "0.png" else skin(), tmp_path)
    kept = judged(drawn, lambda r: as_given(r) if r.name == "0.png" else skin(), tmp_path)
    assert values(refused) == values(kept)
    assert values(refused)["net-removal"] == pytest.approx(0.75)
    assert refused.metrics.counts["failed_probes"] == 1
    assert [failure.name for failure in refused.failures] == ["0.png"]


def test_intervals_hold_the_value_and_resample_identities(drawn: Dataset, tmp_path: Path) -> None:
    def mixed(record: Record) -> npt.NDArray[Any]:
        return skin() if record.name in ("0.png", "1.png") else as_given(record)

    estimate = judged(drawn, mixed, tmp_path).metrics.pooled["net-removal"]
    assert estimate.value == pytest.approx(0.5)
    assert estimate.low < 0.5 < estimate.high
    assert "6 identities" in estimate.method


def test_every_metric_can_be_compared(drawn: Dataset, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def noisy(record: Record) -> npt.NDArray[Any]:
        return np.clip(as_given(record) + rng.integers(0, 90, skin().shape), 0, 255)

    assert not without_trials(*answered(drawn, noisy, tmp_path), drawn.records, asked())


def test_tattoos_without_mask_and_clean_capture_are_left_out(drawn: Dataset) -> None:
    records = dict(drawn.records)
    bare = records["0.png"]
    records["0.png"] = Record("0.png", bare.path, tattoo="t0", label="tattoo", mask=bare.mask)
    folds = removal.TASK.lay_out(Dataset("d", drawn.root, "csv", records), asked())
    assert "0.png" not in {name for fold in folds for name in (*fold.probes, *fold.train)}
    without = {n: r for n, r in records.items() if r.clean is None and n != "0.png"}
    with pytest.raises(DataError, match="'mask' and 'clean'"):
        removal.TASK.lay_out(Dataset("d", drawn.root, "csv", without), asked())


def test_a_mask_of_another_size_is_named(drawn: Dataset, tmp_path: Path) -> None:
    saved(tmp_path / "0-mask.png", np.zeros((5, 5)))
    with pytest.raises(DataError, match=r"mask of 0\.png has 5 x 5 pixels, its image 24 x 20"):
        judged(drawn, as_given, tmp_path)
