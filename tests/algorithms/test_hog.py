"""Gradient histograms with play: what a score is, what crop sees, that outlines find fillings."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from harness import FailureToEnroll
from harness.plugins import registry

Picture = npt.NDArray[np.uint8]


def hog(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("hog"))(**parameters)


def drawn(kind: str, *, filled: bool, at: tuple[int, int] = (50, 60), side: int = 24) -> Picture:
    """A shape on white: blue, or its black outline."""
    picture = np.full((128, 160, 3), 255, np.uint8)
    colour, line = ((60, 90, 200), -1) if filled else ((0, 0, 0), 3)
    (x, y), s = at, side
    if kind == "disc":
        cv2.circle(picture, (x, y), s, colour, line)
    elif kind == "box":
        cv2.rectangle(picture, (x - s, y - s), (x + s, y + s), colour, line)
    else:
        corners = {
            "roof": [(-s, s), (0, -s), (s, s)],
            "gem": [(-s, 0), (0, -s), (s, 0), (0, s)],
        }[kind]
        points = np.add(corners, (x, y))
        if filled:
            cv2.fillPoly(picture, [points], colour)
        else:
            cv2.polylines(picture, [points], isClosed=True, color=colour, thickness=line)
    return picture


def by_definition(one: Any, other: Any, reach: int, stiffness: float) -> float:
    """The score of the class's words, block by block, in Python's own numbers."""
    side = one.shape[0]

    def found(here: Any, there: Any) -> float:
        total = 0.0
        for y in range(side):
            for x in range(side):
                best = 0.0
                for v in range(max(0, y - reach), min(side, y + reach + 1)):
                    for u in range(max(0, x - reach), min(side, x + reach + 1)):
                        product = sum(
                            int(a) * int(b) for a, b in zip(here[y, x], there[v, u], strict=True)
                        )
                        lost = stiffness * ((v - y) ** 2 + (u - x) ** 2)
                        best = max(best, product * round(64 * max(0.0, 1 - lost)) / 64)
                total += best
        return total

    def length(blocks: Any) -> float:
        return float(np.sqrt((blocks.astype(np.float64) ** 2).sum()))

    return (found(one, other) + found(other, one)) / (2 * length(one) * length(other))


@pytest.mark.parametrize(("reach", "stiffness"), [(0, 0.05), (1, 0.0), (2, 0.3)])
def test_a_score_is_the_mean_of_the_best_products_within_reach(
    reach: int, stiffness: float
) -> None:
    matcher = hog(size=32, cells=5, orientations=4, reach=reach, stiffness=stiffness)
    pictures = [drawn("disc", filled=True), drawn("roof", filled=False), drawn("box", filled=True)]
    templates = matcher.extract_batch(pictures)
    scores = matcher.compare(templates, templates)
    expected = [[by_definition(a, b, reach, stiffness) for b in templates] for a in templates]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert (scores == scores.T).all()


def test_a_block_says_in_which_direction_its_edges_run() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:, 1] = 255  # A vertical edge, in one colour only: its gradient is horizontal.
    cells = hog(crop=False, orientations=4)._cells(picture.astype(np.float32) / 255)
    assert (cells[:, 7:9].argmax(axis=2) == 0).all()
    turned = hog(crop=False, orientations=4)._cells(
        np.rot90(picture).copy().astype(np.float32) / 255
    )
    assert (turned[7:9].argmax(axis=2) == 2).all()
    np.testing.assert_allclose(cells.sum(axis=(0, 1))[0], turned.sum(axis=(0, 1))[2], rtol=1e-5)


def test_outlines_find_the_filled_shape_of_another_place_and_size() -> None:
    shapes = ("disc", "box", "roof", "gem")
    matcher = hog()
    outlines = matcher.extract_batch([drawn(s, filled=False) for s in shapes])
    filled = [drawn(s, filled=True, at=(100, 80), side=40) for s in shapes]
    scores = matcher.compare(outlines, matcher.extract_batch(filled))
    assert (scores.argmax(axis=1) == np.arange(4)).all()


def test_crop_sees_the_same_wherever_a_drawing_stands() -> None:
    moved = [drawn("gem", filled=True), drawn("gem", filled=True, at=(90, 40))]
    one, other = hog().extract_batch(moved)
    assert (one == other).all()
    one, other = hog(crop=False).extract_batch(moved)
    assert (one != other).any()


def test_a_picture_of_one_colour_is_a_failure_to_enrol() -> None:
    with pytest.raises(FailureToEnroll, match="one colour"):
        hog().extract(np.full((40, 30, 3), 120, np.uint8))


def test_scores_do_not_depend_on_what_else_is_compared() -> None:
    rng = np.random.default_rng(0)
    templates = rng.integers(0, 52, (70, 15, 15, 36), dtype=np.uint8)
    matcher = hog()
    whole = matcher.compare(list(templates), list(templates))
    for i, j in ((0, 69), (13, 4), (64, 65)):
        assert matcher.compare([templates[i]], [templates[j]])[0, 0] == whole[i, j]
