"""Scores that are distances, or lie outside of the scale of a threshold, are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.data.records import Fold
from harness.plugins.places import bundled
from harness.tasks.answers import Answer
from harness.tasks.odd_scores import backwards, look_at_scores
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol


def protocol(name: str) -> Protocol:
    return read_protocol(Path(bundled("protocols")) / f"{name}.toml")[0]


def search(scores: np.ndarray) -> tuple[list[Fold], list[Answer]]:
    """Twenty probes, each with one mate among twenty references: the diagonal."""
    probes, gallery = (tuple(f"{side}{i}" for i in range(20)) for side in "pg")
    mates = frozenset(zip(probes, gallery, strict=True))
    return [Fold("1", (), probes, gallery, mates)], [Answer(scores, {})]


ALIKE = np.eye(20) + np.random.default_rng(1).normal(0, 0.2, (20, 20))


@pytest.mark.parametrize("turned", [-ALIKE, 1 - ALIKE, np.exp(-ALIKE)])
def test_distances_in_the_place_of_similarities_are_said(turned: np.ndarray) -> None:
    (one,) = look_at_scores(*search(turned), protocol("identification"))
    assert one.code == "scores-that-rank-backwards"
    assert "If they are distances, change their sign" in one.text


@pytest.mark.parametrize(
    "scores", [ALIKE, np.zeros((20, 20)), np.random.default_rng(2).random((20, 20))]
)
def test_similarities_chance_and_equal_scores_are_not_worth_a_word(scores: np.ndarray) -> None:
    assert look_at_scores(*search(scores), protocol("identification")) == []


def test_what_is_not_finite_and_what_is_empty_says_nothing() -> None:
    empty = np.array([])
    assert backwards(empty, empty) is None
    assert backwards(np.array([np.nan, -np.inf]), np.arange(9.0)) is None


@pytest.mark.parametrize(
    ("scores", "count"), [([3.0, 97.5, 0.4], 2), ([-4.2, 1.3, 0.0], 2), ([0.5, 1.0001, 0.2], 1)]
)
def test_scores_of_a_detector_outside_the_scale_of_its_threshold_are_said(
    scores: list[float], count: int
) -> None:
    folds = [Fold("1", (), ("a", "b", "c"))]
    (one,) = look_at_scores(folds, [Answer(np.array(scores), {})], protocol("detection"))
    assert (one.code, one.count) == ("scores-outside-0-to-1", count)
    assert f"{count} of 3 scores lie outside of 0 to 1" in one.text
    assert "from 0.5 on" in one.text


def test_shares_from_0_to_1_and_failures_are_not_worth_a_word() -> None:
    folds = [Fold("1", (), ("a", "b", "c"))]
    answers = [Answer(np.array([0.0, 1.0, np.nan]), {"c": "failed"})]
    assert look_at_scores(folds, answers, protocol("detection")) == []
