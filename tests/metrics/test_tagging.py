"""Tagging rates against counting, scikit-learn and exact chance; ties and silence never help."""

from __future__ import annotations

import math
from itertools import combinations, pairwise, permutations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from harness.metrics.tagging import (
    chance_credit,
    macro,
    mean_average_precision,
    micro,
    tag_average_precision,
    tag_rates,
    top_tag_credit,
)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
INF = math.inf


@st.composite
def cases(draw: st.DrawFn) -> tuple[Floats, Bools]:
    """Scores full of ties, with failed images and tags that nobody carries."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(1, 5)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.integers(0, draw(st.integers(1, 6)), shape).astype(float)
    scores[rng.random(len(scores)) < draw(st.sampled_from([0, 0.3]))] = -INF
    return scores, rng.random(shape) < draw(st.sampled_from([0.2, 0.6]))


@given(cases(), st.integers(0, 5))
@settings(deadline=None)
def test_rates_are_counts_of_decisions(case: tuple[Floats, Bools], threshold: int) -> None:
    scores, truth = case
    rates = tag_rates(scores, truth, threshold)
    for tag in range(truth.shape[1]):
        given_to, carried = scores[:, tag] >= threshold, truth[:, tag]
        hits = int(np.sum(given_to & carried))
        if given_to.any():
            assert rates.precision[tag] == hits / given_to.sum()
        else:
            assert (
                rates.precision[tag] == 0.0 if carried.any() else math.isnan(rates.precision[tag])
            )
        if carried.any():
            assert rates.recall[tag] == hits / carried.sum()
        else:
            assert math.isnan(rates.recall[tag])
    pooled = micro(scores, truth, threshold)
    flat = micro(scores.reshape(-1, 1), truth.reshape(-1, 1), threshold)
    np.testing.assert_array_equal(pooled, flat)


@given(cases(), st.integers(0, 5))
@settings(deadline=None)
def test_scikit_learn_agrees_where_it_has_an_answer(
    case: tuple[Floats, Bools], threshold: int
) -> None:
    scores, truth = case
    decided = scores >= threshold
    theirs = sklearn_metrics.precision_recall_fscore_support(
        truth.reshape(len(truth), -1).astype(int),
        decided.astype(int),
        labels=list(range(truth.shape[1])) if truth.shape[1] > 1 else [1],
        average=None,
        zero_division=np.nan,
    )
    rates = tag_rates(scores, truth, threshold)
    known = ~np.isnan(theirs[0])  # they call the precision of silence unknown; here it is 0
    np.testing.assert_allclose(rates.precision[known], theirs[0][known])
    np.testing.assert_allclose(rates.recall, theirs[1])
    np.testing.assert_allclose(rates.f1, theirs[2])
    np.testing.assert_array_equal(rates.occurrences, theirs[3])


def test_average_precision_is_that_of_scikit_learn_without_ties() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.random((60, 4)), rng.random((60, 4)) < 0.3
    theirs = sklearn_metrics.average_precision_score(truth, scores, average=None)
    np.testing.assert_allclose(tag_average_precision(scores, truth), theirs)
    assert mean_average_precision(scores, truth) == pytest.approx(np.mean(theirs))


def average_precision_of(order: list[int], truth: Bools) -> float:
    found, total = 0, 0.0
    for place, image in enumerate(order, start=1):
        if truth[image]:
            found += 1
            total += found / place
    return total / int(truth.sum())


def test_average_precision_is_the_lowest_of_all_orders_that_the_scores_allow() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        scores, truth = rng.integers(0, 3, 5).astype(float), rng.random(5) < 0.5
        truth[0] = True
        allowed = [
            list(order)
            for order in permutations(range(5))
            if all(scores[a] >= scores[b] for a, b in pairwise(order))
        ]
        lowest = min(average_precision_of(order, truth) for order in allowed)
        found = tag_average_precision(scores[:, np.newaxis], truth[:, np.newaxis])
        assert found[0] == pytest.approx(lowest)


@given(cases(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_order_of_images_and_tags_and_a_rising_transform_change_nothing(
    case: tuple[Floats, Bools], seed: int
) -> None:
    scores, truth = case
    rng = np.random.default_rng(seed)
    cells = np.ix_(rng.permutation(len(scores)), rng.permutation(scores.shape[1]))
    moved = np.where(scores > -INF, np.exp(scores / 3) - 2, -INF)[cells]
    bar = float(np.exp(2.5 / 3) - 2)
    np.testing.assert_allclose(
        macro(tag_rates(moved, truth[cells], bar)), macro(tag_rates(scores, truth, 2.5))
    )
    np.testing.assert_array_equal(micro(moved, truth[cells], bar), micro(scores, truth, 2.5))
    np.testing.assert_allclose(
        mean_average_precision(moved, truth[cells]), mean_average_precision(scores, truth)
    )
    credit = top_tag_credit(scores, truth, more_than=0, per_hit=0.25, shown=2)
    np.testing.assert_array_equal(
        top_tag_credit(moved, truth[cells], more_than=0, per_hit=0.25, shown=2),
        credit[cells[0][:, 0]],
    )


@given(cases(), st.integers(0, 7))
@settings(deadline=None)
def test_refusing_an_image_never_helps_what_is_found(
    case: tuple[Floats, Bools], which: int
) -> None:
    """Recall, mAP and credit; precision may rise when a doubtful image is left alone."""
    scores, truth = case
    refused = scores.copy()
    refused[which % len(scores)] = -INF
    for threshold in (0, 2):
        before, after = (macro(tag_rates(s, truth, threshold)) for s in (scores, refused))
        assert math.isnan(before.recall) or after.recall <= before.recall + 1e-15
    rule = {"more_than": 0, "per_hit": 0.25, "shown": 3}
    before_credit, after_credit = (top_tag_credit(s, truth, **rule) for s in (scores, refused))  # type: ignore[arg-type]
    assert np.all(np.isnan(before_credit) | (after_credit <= before_credit))


def test_silence_has_a_precision_of_zero_and_not_of_nothing() -> None:
    scores, truth = np.zeros((4, 2)), np.array([[True, False]] * 4)
    rates = tag_rates(scores, truth, 0.5)
    np.testing.assert_array_equal(rates.precision, [0.0, np.nan])
    assert macro(rates) == micro(scores, truth, 0.5) == (0.0, 0.0, 0.0)


def test_a_false_alarm_for_a_tag_that_does_not_occur_lowers_the_averages() -> None:
    truth = np.array([[True, False], [True, False]])
    clean, alarmed = np.array([[1.0, 0.0]] * 2), np.array([[1.0, 1.0]] * 2)
    assert macro(tag_rates(clean, truth, 0.5)) == (1.0, 1.0, 1.0)
    assert macro(tag_rates(alarmed, truth, 0.5)) == (0.5, 1.0, 0.5)
    assert micro(alarmed, truth, 0.5) == pytest.approx((0.5, 1.0, 2 / 3))


def test_each_tag_may_have_a_threshold_of_its_own() -> None:
    scores, truth = np.array([[0.9, 0.3]]), np.array([[True, True]])
    assert micro(scores, truth, np.array([0.5, 0.2])).recall == 1.0
    assert micro(scores, truth, np.array([0.5, 0.4])).recall == 0.5


def test_an_oracle_is_perfect_and_a_constant_scorer_is_behind_every_tie() -> None:
    truth = np.random.default_rng(2).random((30, 38)) < 0.5
    truth[0] = True
    oracle = truth.astype(float)
    assert macro(tag_rates(oracle, truth, 0.5)) == micro(oracle, truth, 0.5) == (1.0, 1.0, 1.0)
    assert mean_average_precision(oracle, truth) == 1.0
    credit = top_tag_credit(oracle, truth, more_than=15, per_hit=0.25)
    assert set(credit[~np.isnan(credit)]) == {1.0}
    same = np.zeros(truth.shape)
    # All who do not carry the tag stand first, so the last places are left.
    share = truth[:, 0].sum()
    lowest = np.mean([i / (30 - share + i) for i in range(1, share + 1)])
    assert tag_average_precision(same, truth)[0] == pytest.approx(lowest)
    rule = {"more_than": 15, "per_hit": 0.25}
    few = truth.sum(axis=1) <= 32  # six tags that the image does not carry fill the six places
    constant = top_tag_credit(same, truth, **rule)  # type: ignore[arg-type]
    assert np.all(np.isnan(constant[few]) | (constant[few] == 0.0))


def test_the_rules_of_the_two_tests_of_the_slides() -> None:
    # 16 of 38 tags carried; 0 to 6 hits among the six best.
    for hits in range(7):
        scores, truth = np.zeros((1, 38)), np.zeros((1, 38), bool)
        scores[0, :6] = 1.0 + np.arange(6)
        truth[0, 6 - hits : 22 - hits] = True
        first = top_tag_credit(scores, truth, more_than=15, per_hit=0.25)
        assert first.tolist() == [min(1.0, hits / 4)]
        assert np.isnan(top_tag_credit(scores, truth, more_than=20, per_hit=0.2)).all()
        truth[0, 22 - hits : 27 - hits] = True  # 21 of them
        second = top_tag_credit(scores, truth, more_than=20, per_hit=0.2)
        assert second.tolist() == pytest.approx([min(1.0, hits / 5)])
    exactly = np.arange(38)[np.newaxis] < 15
    assert np.isnan(top_tag_credit(np.ones((1, 38)), exactly, more_than=15, per_hit=0.25)).all()


def test_chance_credit_is_the_mean_over_all_choices_of_tags() -> None:
    for carried, tags, shown in ((3, 6, 2), (2, 5, 4), (5, 5, 3), (1, 3, 6)):
        choices = list(combinations(range(tags), min(shown, tags)))
        credits = [min(1.0, 0.4 * sum(tag < carried for tag in choice)) for choice in choices]
        found = chance_credit(np.array([carried]), tags, more_than=0, per_hit=0.4, shown=shown)
        assert found[0] == pytest.approx(np.mean(credits))


def test_a_random_tagger_earns_the_chance_credit() -> None:
    rng = np.random.default_rng(3)
    truth = np.zeros((4000, 38), bool)
    truth[:, :16] = True
    earned = top_tag_credit(rng.random(truth.shape), truth, more_than=15, per_hit=0.25)
    expected = chance_credit(np.array([16]), 38, more_than=15, per_hit=0.25)[0]
    assert np.mean(earned) == pytest.approx(expected, abs=0.02)
    assert np.isnan(chance_credit(np.array([15]), 38, more_than=15, per_hit=0.25)).all()


def test_duplicated_images_change_no_rate() -> None:
    rng = np.random.default_rng(4)
    scores, truth = rng.integers(0, 5, (10, 4)).astype(float), rng.random((10, 4)) < 0.5
    twice = np.vstack([scores, scores]), np.vstack([truth, truth])
    np.testing.assert_allclose(macro(tag_rates(*twice, 2.0)), macro(tag_rates(scores, truth, 2.0)))
    np.testing.assert_allclose(micro(*twice, 2.0), micro(scores, truth, 2.0))


def test_without_data_every_figure_is_nan() -> None:
    for shape in ((0, 3), (3, 0), (0, 0)):
        scores, truth = np.zeros(shape), np.zeros(shape, bool)
        assert all(math.isnan(v) for v in macro(tag_rates(scores, truth, 0.5)))
        assert all(math.isnan(v) for v in micro(scores, truth, 0.5))
        assert math.isnan(mean_average_precision(scores, truth))
        assert top_tag_credit(scores, truth, more_than=0, per_hit=0.25).shape == (shape[0],)


def test_one_tag_and_one_image_have_an_answer() -> None:
    yes, no = np.array([[True]]), np.array([[False]])
    assert macro(tag_rates(np.array([[0.9]]), yes, 0.5)) == (1.0, 1.0, 1.0)
    rates = tag_rates(np.array([[0.9]]), no, 0.5)
    assert (rates.precision[0], rates.f1[0]) == (0.0, 0.0)
    assert mean_average_precision(np.array([[0.1]]), yes) == 1.0


def test_inputs_that_do_not_fit_are_refused() -> None:
    scores, truth = np.zeros((2, 3)), np.zeros((2, 3), bool)
    for bad in (np.nan, INF):
        with pytest.raises(ValueError, match="found NaN"):
            tag_rates(np.full((2, 3), bad), truth, 0.5)
        with pytest.raises(ValueError, match="finite"):
            micro(scores, truth, bad)
    with pytest.raises(ValueError, match="each tag"):
        micro(scores, truth, np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="one shape"):
        mean_average_precision(scores, truth.T)
    with pytest.raises(ValueError, match="bool"):
        mean_average_precision(scores, truth.astype(float))
    for rule in ((-1, 0.25, 6), (0, 0.0, 6), (0, math.nan, 6), (0, 0.25, 0)):
        with pytest.raises(ValueError, match="counts from"):
            top_tag_credit(scores, truth, more_than=rule[0], per_hit=rule[1], shown=int(rule[2]))
    with pytest.raises(ValueError, match="between 0 and 3"):
        chance_credit(np.array([4]), 3, more_than=0, per_hit=0.25)
