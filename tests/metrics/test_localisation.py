"""Localisation after NISTIR 8232, section 3.3: the worked cases, and the definition itself."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.localisation import ImageResult, localise, over_images

Ints = npt.NDArray[np.int64]

NOTHING = np.empty((0, 4), np.int64)
TATTOO = [0, 0, 10, 10]
OTHER = [40, 40, 50, 50]
ELSEWHERE = [80, 80, 90, 90]
FAR = [200, 0, 210, 10]


@st.composite
def box_lists(draw: st.DrawFn, least: int = 0) -> Ints:
    """A few small boxes on a coarse grid, so that they touch, coincide and overlap."""
    count = draw(st.integers(least, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corner = rng.integers(0, 6, (count, 2))
    return np.hstack([corner, corner + rng.integers(1, 5, (count, 2))])


def pixels(box: Ints) -> set[tuple[int, int]]:
    x1, y1, x2, y2 = (int(value) for value in box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


def by_definition(truth: Ints, detected: Ints) -> ImageResult:
    """Count pixels, in rational numbers."""
    c = [
        [Fraction(len(pixels(g) & pixels(a)), len(pixels(g) | pixels(a))) for a in detected]
        for g in truth
    ]
    n, m = len(truth), len(detected)
    found = [sum(row, Fraction(0)) for row in c]
    covered = [sum((c[i][j] for i in range(n)), Fraction(0)) for j in range(m)]
    half = Fraction(1, 2)
    failures, false_detections = found.count(Fraction(0)), covered.count(Fraction(0))
    if n == 0:
        accuracy = math.nan
    elif m < n:
        accuracy = sum(d > half for d in covered) / (m + n - sum(v > 0 for v in found))
    else:
        accuracy = sum(v > half for v in found) / (n + m - sum(d > 0 for d in covered))
    return ImageResult(accuracy, failures, n, false_detections, m)


@pytest.mark.parametrize(
    ("truth", "detected", "accuracy"),
    [
        pytest.param([TATTOO], [TATTOO], 1.0, id="one to one"),
        pytest.param([TATTOO], [[0, 0, 10, 5], [0, 5, 10, 10]], 1.0, id="split"),
        pytest.param([TATTOO, [10, 0, 20, 10]], [[0, 0, 20, 10]], 1.0, id="merged"),
        pytest.param([TATTOO], [TATTOO, OTHER], 0.5, id="one right and one false"),
        pytest.param([TATTOO], [OTHER, ELSEWHERE], 0.0, id="one missed and two false"),
        pytest.param([TATTOO], [], 0.0, id="nothing returned"),
        pytest.param([TATTOO, OTHER], [], 0.0, id="nothing returned for two"),
        pytest.param([TATTOO], [[3, 3, 7, 7]], 0.0, id="too small"),
        pytest.param([TATTOO], [[7, 0, 17, 10]], 0.0, id="too little overlap"),
        pytest.param([TATTOO], [[-10, -10, 20, 20]], 0.0, id="too large"),
        pytest.param([TATTOO], [[0, 0, 10, 5]], 0.0, id="exactly half"),
        pytest.param([TATTOO, OTHER], [TATTOO], 0.5, id="one of two found"),
        pytest.param([TATTOO, OTHER], [TATTOO, ELSEWHERE], 1 / 3, id="one found, one false"),
        pytest.param([TATTOO], [[10, 0, 20, 10]], 0.0, id="touching edges share no pixel"),
    ],
)
def test_the_worked_cases_have_their_answers(
    truth: list[list[int]], detected: list[list[int]], accuracy: float
) -> None:
    found = localise(np.array(truth), np.array(detected).reshape(-1, 4))
    assert found.accuracy == accuracy


@given(box_lists(), box_lists())
@settings(deadline=None, max_examples=200)
def test_accuracy_and_counts_are_those_of_counting_pixels(truth: Ints, detected: Ints) -> None:
    assert localise(truth, detected) == pytest.approx(by_definition(truth, detected), nan_ok=True)


@given(box_lists(1), box_lists(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_order_scale_and_place_change_nothing(truth: Ints, detected: Ints, seed: int) -> None:
    rng = np.random.default_rng(seed)
    moved = [7 * rng.permutation(boxes) - 30 for boxes in (truth, detected)]
    assert localise(*moved) == localise(truth, detected)


@given(box_lists(1), box_lists())
@settings(deadline=None)
def test_a_false_box_never_helps(truth: Ints, detected: Ints) -> None:
    before = localise(truth, detected)
    after = localise(truth, np.vstack([detected, FAR]))
    assert after.false_detections == before.false_detections + 1
    # The definition changes its formula where M reaches N, so only there may it rise.
    if len(detected) + 1 != len(truth):
        assert after.accuracy <= before.accuracy


@given(box_lists(1), box_lists())
@settings(deadline=None)
def test_returning_nothing_is_never_better(truth: Ints, detected: Ints) -> None:
    refused = localise(truth, NOTHING)
    assert refused == (0.0, len(truth), len(truth), 0, 0)
    assert localise(truth, detected).accuracy >= refused.accuracy


@given(box_lists(1))
@settings(deadline=None)
def test_the_true_boxes_are_a_perfect_answer(truth: Ints) -> None:
    assert localise(truth, truth) == (1.0, 0, len(truth), 0, len(truth))


def test_overlaps_are_summed_so_a_poor_box_returned_often_enough_counts_as_found() -> None:
    """A weakness of the definition, kept because the figure must be NIST's."""
    poor = [0, 0, 10, 3]
    assert localise(np.array([TATTOO]), np.array([poor])).accuracy == 0.0
    assert localise(np.array([TATTOO]), np.array([poor, poor])).accuracy == 1.0


def test_rounding_lifts_no_sum_above_one_half() -> None:
    for height in range(2, 60, 2):
        lines = np.array([[0, i, 1, i + 1] for i in range(height // 2)])
        tattoo = np.array([[0, 0, 1, height]])
        assert localise(tattoo, lines).accuracy == 0.0
        assert localise(lines, tattoo[[0]]).accuracy == 0.0


def test_an_image_without_a_tattoo_has_no_accuracy_but_its_boxes_are_false() -> None:
    found = localise(NOTHING, np.array([TATTOO]))
    assert math.isnan(found.accuracy)
    assert found[1:] == (0, 0, 1, 1)
    rates = over_images([found, localise(np.array([TATTOO]), np.array([TATTOO]))])
    assert (rates.accuracy, rates.images, rates.false_detection_rate) == (1.0, 1, 0.5)


def test_every_image_weighs_the_same_in_accuracy_and_every_box_in_the_rates() -> None:
    one = localise(np.array([TATTOO]), np.array([TATTOO, FAR]))
    two = localise(np.array([TATTOO, OTHER, ELSEWHERE]), np.array([TATTOO]))
    rates = over_images([one, two])
    assert rates.accuracy == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert rates.failure_rate == 2 / 4
    assert rates.false_detection_rate == 1 / 3
    assert rates[3:] == (2, 2, 4, 1, 3)
    assert over_images([one, two, one, two])[:3] == pytest.approx(rates[:3])


def test_without_data_a_rate_is_nan() -> None:
    assert [math.isnan(value) for value in over_images([])[:3]] == [True] * 3
    silent = over_images([localise(np.array([TATTOO]), NOTHING)])
    assert silent[:2] == (0.0, 1.0)
    assert math.isnan(silent.false_detection_rate)


def test_a_detected_box_without_area_is_a_false_detection() -> None:
    found = localise(np.array([TATTOO]), np.array([[5, 5, 5, 9]]))
    assert found == (0.0, 1, 1, 1, 1)


def test_boxes_of_impossible_size_overlap_nothing_much_and_break_nothing() -> None:
    huge = np.array([[-1e100, -1e100, 1e100, 1e100]])
    found = localise(np.array([TATTOO]), huge)
    assert (found.accuracy, found.failures) == (0.0, 0)


@pytest.mark.parametrize(
    ("truth", "detected", "message"),
    [
        ([[0, 0, 10]], NOTHING, "shape"),
        ([TATTOO], TATTOO, "shape"),
        ([TATTOO], [[0, 0, math.nan, 10]], "not finite"),
        ([TATTOO], [[0, 0, math.inf, 10]], "not finite"),
        ([TATTOO], [[10, 0, 0, 10]], "ends before it begins"),
        ([[5, 5, 5, 9]], NOTHING, "no area"),
    ],
)
def test_boxes_that_are_none_are_refused(truth: object, detected: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        localise(np.array(truth), np.array(detected))
