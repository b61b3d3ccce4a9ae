"""Pictures become small gray stacks, each from its own pixels only."""

from __future__ import annotations

import numpy as np
import pytest

from harness.training.preparation import (
    colour_stack,
    framed,
    gray_stack,
    local_contrast,
    own_threads,
    softened,
)


def noise(seed: int, height: int = 80, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_gray_is_the_luma_of_bt_601() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    stack = gray_stack([np.full((8, 8, 3), c, np.uint8) for c in colours], 4, 4)
    assert stack.dtype == np.float32
    assert stack.shape == (3, 1, 4, 4)
    assert stack[:, 0, 0, 0] == pytest.approx([0.299, 0.587, 0.114], abs=0.5 / 255 + 1e-6)


def test_colours_stay_in_their_channels() -> None:
    image = noise(0, 30, 20)
    stack = colour_stack([image, image[:, ::-1]], 30, 20)
    assert stack.dtype == np.float32
    assert stack.shape == (2, 3, 30, 20)
    assert stack[0].transpose(1, 2, 0) == pytest.approx(image / 255, abs=1e-6)
    assert np.array_equal(stack[1], stack[0][:, :, ::-1])
    assert colour_stack([], 4, 4).shape == (0, 3, 4, 4)


def test_shrinking_averages_and_does_not_skip_pixels() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    assert gray_stack([stripes], 10, 10)[0, 0, 2:-2, 2:-2] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3), (2000, 1, 3), (2, 3, 3)])
def test_any_size_is_prepared(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image.flags.writeable = False
    prepared = local_contrast(gray_stack([image], 56, 46))
    assert prepared.shape == (1, 1, 56, 46)
    assert np.isfinite(prepared).all()


def test_no_images_make_an_empty_stack() -> None:
    assert local_contrast(gray_stack([], 56, 46)).shape == (0, 1, 56, 46)


def test_local_contrast_has_mean_zero_and_the_deviation_asked_for() -> None:
    result = local_contrast(gray_stack([noise(0), noise(1)], 56, 46), deviation=0.5)
    assert result.mean(axis=(1, 2, 3)) == pytest.approx([0, 0], abs=1e-5)
    assert result.std(axis=(1, 2, 3)) == pytest.approx([0.5, 0.5], rel=1e-4)


def test_local_contrast_ignores_brightness_and_exposure() -> None:
    stack = gray_stack([noise(2)], 56, 46)
    assert local_contrast(0.3 + 0.4 * stack) == pytest.approx(local_contrast(stack), abs=1e-4)


def test_local_contrast_forgets_most_of_a_light_from_the_side() -> None:
    stack = gray_stack([noise(3)], 56, 46)
    lit = stack + np.linspace(0, 1, 46, dtype=np.float32)
    assert np.corrcoef(stack.ravel(), lit.ravel())[0, 1] < 0.5
    plain, shaded = local_contrast(stack), local_contrast(lit)
    assert np.corrcoef(plain.ravel(), shaded.ravel())[0, 1] > 0.95


def test_a_blank_image_stays_blank() -> None:
    for level in (0, 90, 255):
        blank = gray_stack([np.full((30, 30, 3), level, np.uint8)], 56, 46)
        assert not local_contrast(blank).any()


def test_an_image_does_not_depend_on_its_companions() -> None:
    alone = local_contrast(gray_stack([noise(4)], 56, 46))[0]
    among = local_contrast(gray_stack([noise(5), noise(4), noise(6)], 56, 46))[1]
    assert np.array_equal(alone, among)


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((100, 200), slice(0, 100), slice(59, 141)),  # 100 * 46/56 = 82.1 columns of 200
        ((200, 100), slice(39, 161), slice(0, 100)),  # 100 * 56/46 = 121.7 rows of 200
        ((56, 46), slice(0, 56), slice(0, 46)),
        ((1, 500), slice(0, 1), slice(249, 250)),
    ],
)
def test_cropping_keeps_the_largest_part_of_the_aspect_in_the_middle(
    shape: tuple[int, int], rows: slice, columns: slice
) -> None:
    image = noise(7, *shape)
    (shown,) = framed([image], 56, 46, "cropped")
    assert np.array_equal(shown, image[rows, columns])


def test_squeezing_shows_all_of_a_picture() -> None:
    image = noise(8, 30, 90)
    assert framed([image], 56, 46, "squeezed")[0] is image


@pytest.mark.parametrize(
    ("told", "threads"), [("4", 4), ("2,1", 2), ("", 1), ("0", 1), ("many", 1), (None, 1)]
)
def test_threads_are_those_that_the_variable_gives_or_one(
    monkeypatch: pytest.MonkeyPatch, told: str | None, threads: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if told is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert own_threads() == threads


def test_softening_spreads_a_dot_and_keeps_its_sum() -> None:
    stack = np.zeros((2, 3, 21, 21), np.float32)
    stack[1, 2, 10, 10] = 1
    soft = softened(stack, 1.0)
    assert softened(stack, 0.0) is stack
    assert soft[0].max() == 0
    assert soft[1, :2].max() == 0
    assert soft[1, 2].sum() == pytest.approx(1, abs=1e-4)
    assert soft[1, 2, 10, 10] == pytest.approx(1 / (2 * np.pi), rel=0.05)
