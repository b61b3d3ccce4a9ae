"""Accuracy, confusion and calibration against definitions, scikit-learn and torchmetrics."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from harness.metrics.classification import (
    brier,
    chance_rate,
    class_recalls,
    confusion,
    expected_calibration_error,
    log_loss,
    macro_recall,
    reliability,
    top_k_accuracy,
)

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
INF = math.inf


@st.composite
def cases(draw: st.DrawFn) -> tuple[Floats, Labels]:
    """Scores full of ties, with failed images and classes without images."""
    shape = draw(st.tuples(st.integers(1, 10), st.integers(1, 5)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.integers(0, draw(st.integers(1, 6)), shape).astype(float)
    scores[rng.random(len(scores)) < draw(st.sampled_from([0, 0.3]))] = -INF
    return scores, rng.integers(0, shape[1], shape[0])


@st.composite
def forecasts(draw: st.DrawFn) -> tuple[Floats, Labels]:
    """Probabilities in tenths, and failed images."""
    images, classes = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    told = rng.multinomial(10, np.full(classes, 1 / classes), images) / 10
    told[rng.random(images) < draw(st.sampled_from([0, 0.3]))] = -INF
    return told, rng.integers(0, classes, images)


def place(scores: Floats, label: int) -> float:
    """Place of a class in the worst order that the scores allow."""
    if scores[label] == -INF:
        return INF
    return 1 + sum(bool(s >= scores[label]) for c, s in enumerate(scores) if c != label)


@given(cases(), st.integers(1, 6))
@settings(deadline=None)
def test_an_image_is_right_when_fewer_than_k_others_score_as_high(
    case: tuple[Floats, Labels], k: int
) -> None:
    places = [place(s, label) for s, label in zip(*case, strict=True)]
    assert top_k_accuracy(*case, k) == np.mean([p <= k for p in places])


@given(cases())
@settings(deadline=None)
def test_the_confusion_matrix_counts_every_image_and_its_diagonal_the_right_ones(
    case: tuple[Floats, Labels],
) -> None:
    scores, labels = case
    counts = confusion(scores, labels)
    classes = scores.shape[1]
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(labels, minlength=classes))
    assert np.trace(counts) == round(top_k_accuracy(scores, labels) * len(labels))
    failed = np.all(scores == -INF, axis=1)
    np.testing.assert_array_equal(counts[:, -1], np.bincount(labels[failed], minlength=classes))


@given(cases())
@settings(deadline=None)
def test_recalls_are_accuracies_within_each_class(case: tuple[Floats, Labels]) -> None:
    scores, labels = case
    recalls = class_recalls(scores, labels)
    for label, recall in enumerate(recalls):
        mine = labels == label
        expected = top_k_accuracy(scores[mine], labels[mine])
        np.testing.assert_equal(recall, expected)
    assert macro_recall(scores, labels) == pytest.approx(np.nanmean(recalls))


@given(cases(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_order_of_images_and_a_rising_transform_change_nothing(
    case: tuple[Floats, Labels], seed: int
) -> None:
    scores, labels = case
    order = np.random.default_rng(seed).permutation(len(labels))
    moved = np.where(scores > -INF, np.exp(scores / 3) - 2, -INF)[order]
    np.testing.assert_array_equal(confusion(moved, labels[order]), confusion(scores, labels))
    for k in (1, 2, 5):
        assert top_k_accuracy(moved, labels[order], k) == top_k_accuracy(scores, labels, k)


@given(cases(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_names_of_classes_do_not_matter(case: tuple[Floats, Labels], seed: int) -> None:
    scores, labels = case
    order = np.random.default_rng(seed).permutation(scores.shape[1])
    renamed = np.argsort(order)[labels]
    assert top_k_accuracy(scores[:, order], renamed) == top_k_accuracy(scores, labels)
    np.testing.assert_array_equal(
        class_recalls(scores[:, order], renamed), class_recalls(scores, labels)[order]
    )


@given(cases(), st.integers(0, 9))
@settings(deadline=None)
def test_refusing_an_image_never_helps(case: tuple[Floats, Labels], which: int) -> None:
    scores, labels = case
    refused = scores.copy()
    refused[which % len(labels)] = -INF
    for k in (1, 3):
        assert top_k_accuracy(refused, labels, k) <= top_k_accuracy(scores, labels, k)
    assert macro_recall(refused, labels) <= macro_recall(scores, labels) + 1e-15


@given(forecasts(), st.integers(0, 11))
@settings(deadline=None)
def test_refusing_an_image_never_lowers_the_brier_score(
    case: tuple[Floats, Labels], which: int
) -> None:
    told, labels = case
    refused = told.copy()
    refused[which % len(labels)] = -INF
    assert brier(refused, labels) >= brier(told, labels) - 1e-12


@given(forecasts(), st.integers(1, 10))
@settings(deadline=None)
def test_calibration_error_is_that_of_the_definition(
    case: tuple[Floats, Labels], bins: int
) -> None:
    told, labels = case
    rows = [(p.max(), place(p, c) == 1) for p, c in zip(told, labels, strict=True) if p[0] > -INF]
    total = 0.0
    for i in range(1, bins + 1):
        inside = [(p, right) for p, right in rows if (i - 1) / bins < p <= i / bins]
        if inside:
            p, right = np.mean(inside, axis=0)
            total += len(inside) / len(rows) * abs(right - p)
    found = expected_calibration_error(told, labels, bins)
    assert found == pytest.approx(total, abs=1e-12) if rows else math.isnan(found)


def test_scikit_learn_agrees_where_nothing_is_tied() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.random((200, 6)), rng.integers(0, 6, 200)
    answer = scores.argmax(axis=1)
    np.testing.assert_array_equal(
        confusion(scores, labels)[:, :-1], sklearn_metrics.confusion_matrix(labels, answer)
    )
    balanced = sklearn_metrics.balanced_accuracy_score(labels, answer)
    assert macro_recall(scores, labels) == pytest.approx(balanced)
    for k in (1, 3, 5):
        theirs = sklearn_metrics.top_k_accuracy_score(labels, scores, k=k)
        assert top_k_accuracy(scores, labels, k) == pytest.approx(theirs)


def test_brier_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    told, labels = rng.dirichlet(np.ones(4), 100), rng.integers(0, 4, 100)
    one_hot = np.eye(4)[labels]
    assert brier(told, labels) == pytest.approx(np.mean(np.sum((told - one_hot) ** 2, axis=1)))
    theirs = sklearn_metrics.brier_score_loss(labels == 1, told[:, 1])
    two = np.column_stack([1 - told[:, 1], told[:, 1]])
    # For two classes the sum over classes is twice the square that is given there.
    assert brier(two, (labels == 1).astype(int)) == pytest.approx(2 * theirs)


@pytest.mark.slow
def test_calibration_error_is_that_of_torchmetrics() -> None:
    functional = pytest.importorskip("torchmetrics.functional.classification")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    told, labels = rng.dirichlet(np.ones(4) / 2, 300), rng.integers(0, 4, 300)
    for bins in (5, 15):
        theirs = functional.multiclass_calibration_error(
            torch.tensor(told), torch.tensor(labels), num_classes=4, n_bins=bins, norm="l1"
        )
        found = expected_calibration_error(told, labels, bins)
        assert found == pytest.approx(float(theirs), abs=1e-6)


def test_controls_stand_where_they_should() -> None:
    labels = np.repeat(np.arange(4), [10, 5, 3, 2])
    oracle = np.eye(4)[labels]
    assert top_k_accuracy(oracle, labels) == macro_recall(oracle, labels) == 1.0
    assert brier(oracle, labels) == expected_calibration_error(oracle, labels) == 0.0
    constant = np.full((20, 4), 0.25)
    assert [top_k_accuracy(constant, labels, k) for k in (1, 3, 4)] == [0.0, 0.0, 1.0]
    assert brier(constant, labels) == 0.75
    always_first = np.tile([1.0, 0.0, 0.0, 0.0], (20, 1))
    assert top_k_accuracy(always_first, labels) == 0.5
    assert macro_recall(always_first, labels) == 0.25


def test_a_random_classifier_is_at_chance() -> None:
    rng = np.random.default_rng(3)
    scores, labels = rng.random((20000, 8)), rng.integers(0, 8, 20000)
    for k in (1, 3):
        assert top_k_accuracy(scores, labels, k) == pytest.approx(chance_rate(8, k), abs=0.014)


def test_a_failed_image_is_wrong_at_every_k_and_like_certainty_of_a_wrong_class() -> None:
    scores, labels = np.array([[-INF, -INF], [0.1, 0.9]]), np.array([0, 1])
    assert top_k_accuracy(scores, labels, k=2) == 0.5
    assert confusion(scores, labels).tolist() == [[0, 0, 1], [0, 1, 0]]
    wrong = np.array([[0.0, 1.0], [0.1, 0.9]])
    assert brier(scores, labels) == brier(wrong, labels)
    answered = expected_calibration_error(scores[1:], labels[1:])
    assert expected_calibration_error(scores, labels) == answered


def test_a_class_that_was_given_no_score_is_never_right() -> None:
    assert top_k_accuracy(np.array([[0.5, -INF]]), np.array([1]), k=2) == 0.0


def test_one_class_has_an_answer() -> None:
    assert top_k_accuracy(np.array([[0.0]]), np.array([0])) == 1.0
    assert confusion(np.array([[0.0]]), np.array([0])).tolist() == [[1, 0]]
    assert chance_rate(1) == 1.0


def test_duplicated_images_change_no_rate() -> None:
    rng = np.random.default_rng(4)
    told, labels = rng.dirichlet(np.ones(3), 20), rng.integers(0, 3, 20)
    twice = np.vstack([told, told]), np.tile(labels, 2)
    for metric in (top_k_accuracy, macro_recall, brier, expected_calibration_error):
        assert metric(*twice) == pytest.approx(metric(told, labels))


def test_without_images_every_rate_is_nan() -> None:
    nothing = np.zeros((0, 3)), np.zeros(0, np.int64)
    for metric in (top_k_accuracy, macro_recall, brier, expected_calibration_error):
        assert math.isnan(metric(*nothing))
    assert confusion(*nothing).tolist() == [[0] * 4] * 3


def test_inputs_that_do_not_fit_are_refused() -> None:
    scores, labels = np.array([[0.5, 0.5]]), np.array([0])
    for bad in (np.nan, INF):
        with pytest.raises(ValueError, match="found NaN"):
            top_k_accuracy(np.array([[0.5, bad]]), labels)
    with pytest.raises(ValueError, match="none of 2 classes"):
        confusion(scores, np.array([2]))
    with pytest.raises(ValueError, match="from 0"):
        confusion(scores, np.array([-1]))
    with pytest.raises(ValueError, match="integers"):
        confusion(scores, np.array([0.5]))
    with pytest.raises(ValueError, match="shapes"):
        confusion(scores, np.array([0, 1]))
    with pytest.raises(ValueError, match="from 1"):
        top_k_accuracy(scores, labels, k=0)
    with pytest.raises(ValueError, match="from 1"):
        chance_rate(0)
    with pytest.raises(ValueError, match="from 1"):
        expected_calibration_error(scores, labels, bins=0)
    for told in ([[0.5, 0.6]], [[1.5, -0.5]], [[1.0, -INF]]):
        with pytest.raises(ValueError, match="sum to 1"):
            brier(np.array(told), labels)


def test_log_loss_is_scikit_learn_s_and_a_failure_costs_as_much_as_false_certainty() -> None:
    rng = np.random.default_rng(5)
    told = rng.dirichlet(np.ones(4), 50)
    labels = rng.integers(0, 4, 50)
    expected = sklearn_metrics.log_loss(labels, told, labels=range(4))
    assert math.isclose(log_loss(told, labels), expected)
    rows = np.array([[0.0, 1.0], [-np.inf, -np.inf]])
    assert math.isclose(log_loss(rows, np.array([0, 0])), -math.log(1e-6))
    assert math.isnan(log_loss(np.empty((0, 2)), np.empty(0, np.int64)))


def test_reliability_adds_up_to_the_calibration_error_and_is_empty_without_answers() -> None:
    rng = np.random.default_rng(6)
    told = rng.dirichlet(np.ones(3), 80)
    labels = rng.integers(0, 3, 80)
    found = reliability(told, labels, 7)
    gaps = np.abs(np.array(found["accuracy"]) - np.array(found["confidence"]))
    assert sum(found["images"]) == 80
    assert math.isclose(
        float(gaps @ np.array(found["images"])) / 80, expected_calibration_error(told, labels, 7)
    )
    assert reliability(np.full((2, 3), -np.inf), np.array([0, 1])) == {}
