"""unet-removal and the two it has to beat: what they keep, what they change, what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness import TrainingSet
from harness.errors import UsageError
from harness.plugins.registry import find_algorithm, load

Pictures = list[npt.NDArray[np.uint8]]


def made(name: str, **parameters: Any) -> Any:
    return load(find_algorithm(name))(**parameters)


def discs(count: int, seed: int, height: int = 28, width: int = 32) -> tuple[Any, Any, Any]:
    """Skin of many shades, with a dark disc on two of three pictures."""
    rng = np.random.default_rng(seed)
    images, clean, masks = Pictures(), Pictures(), []
    rows, columns = np.mgrid[:height, :width]
    for i in range(count):
        shade = rng.integers(150, 220, 3)
        bare = np.clip(shade + rng.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8)
        y, x, radius = rng.integers(8, height - 8), rng.integers(8, width - 8), 6
        mask = ((rows - y) ** 2 + (columns - x) ** 2 < radius**2) & (i % 3 != 0)
        images.append(np.where(mask[:, :, None], bare // 4, bare).astype(np.uint8))
        clean.append(bare)
        masks.append(mask)
    return images, clean, masks


def training(count: int = 24, seed: int = 1) -> TrainingSet:
    images, clean, masks = discs(count, seed)
    return TrainingSet(images, clean=clean, masks=masks)


SMALL = {"size": 64, "sizes": (32, 64), "iterations": (2, 2), "batch_size": 4, "width": 8}


@pytest.fixture(scope="module")
def fitted() -> Any:
    algorithm = made("unet-removal", **SMALL)
    algorithm.fit(training(9))
    return algorithm


@pytest.mark.slow
def test_it_removes_from_pictures_that_it_has_not_seen_more_than_it_damages() -> None:
    few = {"size": 32, "sizes": (32,), "iterations": (100,), "batch_size": 8, "width": 8}
    algorithm = made("unet-removal", **few)
    algorithm.fit(training(60))
    images, clean, _ = discs(12, seed=2)
    retouched = [algorithm.remove(image) for image in images]

    def error(pictures: Pictures) -> float:
        pairs = zip(pictures, clean, strict=True)
        return float(np.mean([np.abs(one - other.astype(float)).mean() for one, other in pairs]))

    assert error(retouched) < 0.5 * error(images)


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (33, 20), (130, 90)])
def test_the_result_has_the_size_and_aspect_of_the_picture(
    fitted: Any, shape: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    found = fitted.remove(image)
    assert found.shape == image.shape
    assert found.dtype == np.uint8


def test_where_the_gate_is_closed_every_pixel_stays_whatever_the_size(fitted: Any) -> None:
    import torch

    class Closed(torch.nn.Module):
        def forward(self, pictures: Any) -> Any:
            return torch.full((len(pictures), 4, *pictures.shape[-2:]), -9.0)

    closed = made("unet-removal", **SMALL)
    closed.network_ = Closed()
    image = np.random.default_rng(0).integers(0, 256, (201, 155, 3)).astype(np.uint8)
    assert np.array_equal(closed.remove(image), image)


def test_a_painted_picture_changes_the_original_by_its_difference_alone() -> None:
    import torch

    class Seen(torch.nn.Module):
        """Paints what it sees, a tenth lighter."""

        def forward(self, pictures: Any) -> Any:
            return torch.logit((pictures + 0.1).clamp(0.01, 0.99))

    lighter = made("unet-removal", **{**SMALL, "head": "picture"})
    lighter.network_ = Seen()
    image = np.random.default_rng(0).integers(20, 200, (201, 155, 3)).astype(np.uint8)
    difference = lighter.remove(image).astype(int) - image
    # A tenth of 255, whatever detail the smaller picture that the network saw had lost.
    assert difference.min() >= 25
    assert difference.max() <= 26


def test_what_was_learned_goes_through_a_folder(fitted: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    again = made("unet-removal", **SMALL)
    again.load(tmp_path)
    (image, *_), _, _ = discs(1, seed=5)
    assert np.array_equal(again.remove(image), fitted.remove(image))


def test_it_says_that_it_has_learned_nothing_yet() -> None:
    with pytest.raises(RuntimeError, match="fit or load"):
        made("unet-removal").remove(np.zeros((8, 8, 3), np.uint8))


def test_stages_and_iterations_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry for each stage"):
        made("unet-removal", sizes=(32, 64), iterations=(1,)).fit(training(3))


def test_the_preset_is_resnet34_and_says_when_its_weights_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    preset = load(find_algorithm("unet-removal")).presets["skindeep"]
    assert preset["sizes"] == (64, 128, 192, 256, 320)
    with pytest.raises(UsageError, match=r"resnet34.*no algorithm downloads.*encoder="):
        made("unet-removal", **preset).build(pretrained=True)
    with pytest.raises(UsageError, match="width=64"):
        made("unet-removal", encoder="imagenet").build(pretrained=True)


def test_random_features_are_only_used_when_asked_for() -> None:
    assert made("unet-removal").features == ""
    objective = made("unet-removal", features="random", width=8)._objective
    assert objective(made("unet-removal", width=8).build()).perceptual is not None


def test_unchanged_changes_nothing() -> None:
    (image, *_), _, _ = discs(1, seed=3)
    assert np.array_equal(made("unchanged").remove(image), image)


def test_inpainting_fills_dark_strokes_and_leaves_plain_skin_as_it_is() -> None:
    inpaint = made("inpaint")
    plain = np.full((40, 40, 3), 190, np.uint8)
    assert inpaint.remove(plain) is plain
    line = plain.copy()
    line[18:21] = 60
    found = inpaint.remove(line)
    assert np.abs(found.astype(int) - 190).max() <= 3
    broad = plain.copy()
    broad[5:35, 5:35] = 60
    assert (inpaint.remove(broad)[15:25, 15:25] == 60).all()
