"""Agreement of matches, beside pairs counted one by one and maps that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.training.geometry import MODELS, one_match_agreement, sampled_agreement

Array = npt.NDArray[Any]
LIMITS = {"tolerance": 16.0, "angle": 30.0, "stretch": 2.0, "zoom": 5.0}


def counted(here: Array, there: Array) -> int:
    """Count witnesses of each proposal with complex numbers and loops."""
    z, w = here[:, 0] + 1j * here[:, 1], there[:, 0] + 1j * there[:, 1]
    maps = (there[:, 2] + 1j * there[:, 3]) / (here[:, 2] + 1j * here[:, 3])
    most = 0
    for at, by in zip(zip(z, w, strict=True), maps, strict=True):
        if not 1 / 5 <= abs(by) <= 5:
            continue
        agree = 0
        for one, other, own in zip(z, w, maps, strict=True):
            off = abs(by * (one - at[0]) + at[1] - other)
            turn = abs(np.angle(own / by))
            scale = abs(own) / abs(by)
            near = off <= 16 * min(1, abs(by))
            agree += bool(near and turn <= np.deg2rad(30) and 0.5 <= scale <= 2)
        most = max(most, agree)
    return most


def test_counts_of_all_groups_are_those_of_pairs_one_by_one() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([1, 2, 3, 5, 9, 17, 33, 40, 1, 6, 70])
    parts = []
    for size in sizes:
        here = np.concatenate([rng.uniform(0, 60, (size, 2)), rng.normal(size=(size, 2))], axis=1)
        there = here + rng.normal(scale=(9, 9, 0.5, 0.5), size=here.shape)
        parts.append((here, there))
    expected = [counted(*part) for part in parts]
    here, there = (np.concatenate(side) for side in zip(*parts, strict=True))
    found = one_match_agreement(here, there, sizes, **LIMITS)
    assert found.tolist() == expected
    assert len(set(expected)) > 5


def mapped(model: str, points: Array, zoom: float) -> Array:
    """A turn by 70 degrees with a zoom; sheared, and seen from the side where the model allows."""
    turn = np.deg2rad(70)
    matrix = np.eye(3)
    matrix[:2, :2] = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix[:2, 2] = 40, -12
    if model != "similarity":
        matrix = matrix @ np.array([[1.3, 0.3, 0], [0, 0.8, 0], [0, 0, 1]])
    if model == "homography":
        matrix[2, :2] = 4e-4, -3e-4
    x, y, w = matrix @ np.vstack([points.T, np.ones(len(points))])
    moved: Array = np.stack([x / w, y / w], axis=1)
    return moved


def agreement(here: Array, there: Array, model: str, **changed: Any) -> int:
    (found,) = sampled_agreement(
        here,
        there,
        np.array([len(here)]),
        np.array([0]),
        **{"model": model, "tolerance": 4.0, "zoom": 5.0, **changed},
    )
    return int(found)


@pytest.mark.parametrize("zoom", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("model", MODELS)
def test_matches_that_follow_a_map_are_counted_among_others(model: str, zoom: float) -> None:
    rng = np.random.default_rng(1)
    here = rng.uniform(0, 320, (60, 2))
    there = mapped(model, here, zoom)
    # Ten are moved farther away than what counts as agreeing.
    there[50:] += 400
    assert agreement(here, there, model) == 50


@pytest.mark.parametrize("model", MODELS)
def test_a_mirror_image_a_large_zoom_and_what_a_map_fits_anyway_count_nothing(model: str) -> None:
    here = np.random.default_rng(2).uniform(0, 320, (40, 2))
    # A similarity may fit some that lie near one line.
    assert agreement(here, here * [-1, 1], model) <= (8 if model == "similarity" else 0)
    assert agreement(here, 6 * here, model) == 0
    assert agreement(here, 6 * here, model, zoom=7.0) == 40
    assert agreement(here[: MODELS[model]], here[: MODELS[model]], model) == 0


def test_a_map_that_only_one_model_knows_is_found_by_that_one() -> None:
    here = np.random.default_rng(3).uniform(0, 320, (60, 2))
    for model, simpler in (("affine", "similarity"), ("homography", "affine")):
        there = mapped(model, here, 1.0)
        assert agreement(here, there, model) == 60
        assert agreement(here, there, simpler) < 50


def test_the_best_group_of_an_owner_counts_whatever_else_is_in_the_call() -> None:
    rng = np.random.default_rng(4)
    sizes, owners = np.array([30, 20, 25, 4, 12]), np.array([0, 1, 0, 2, 1])
    here, there = rng.uniform(0, 100, (91, 2)), rng.uniform(0, 100, (91, 2))
    there[30:45] = here[30:45]  # fifteen of owner 1, in its first group
    there[79:] = here[79:]  # twelve of it, in the other
    there[50:75] = here[50:75]  # all twenty-five of a group of owner 0
    limits: dict[str, Any] = {"model": "similarity", "tolerance": 0.1, "zoom": 5.0}
    assert sampled_agreement(here, there, sizes, owners, **limits).tolist() == [25, 15, 0]
    alone = sampled_agreement(here[30:50], there[30:50], sizes[1:2], owners[:1], **limits)
    assert alone.tolist() == [15]
