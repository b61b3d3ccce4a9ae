"""The controls: all ties, guesses, and the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.plugins import registry

TRUTH = np.random.default_rng(3).random((60, 80)) < 0.1


def control(name: str, **parameters: Any) -> Any:
    return registry.load(registry.find_algorithm(name))(**parameters)


def answer(name: str, seed: int = 0, **parameters: Any) -> Any:
    return control(name, **parameters).answer(TRUTH, np.random.default_rng(seed))


def test_constant_gives_every_question_the_same_score() -> None:
    assert set(answer("constant").ravel()) == {0.5}
    assert set(answer("constant", value=-2.0).ravel()) == {-2.0}


def test_random_does_not_look_at_the_truth() -> None:
    scores = answer("random")
    other = control("random").answer(~TRUTH, np.random.default_rng(0))
    assert np.array_equal(scores, other)
    assert len(np.unique(scores)) == TRUTH.size
    assert scores.min() >= 0
    assert scores.max() < 1


def test_random_follows_the_generator_that_it_is_given() -> None:
    assert np.array_equal(answer("random", seed=1), answer("random", seed=1))
    assert not np.array_equal(answer("random", seed=1), answer("random", seed=2))


def test_oracle_scores_every_mated_pair_above_every_other() -> None:
    scores = answer("oracle")
    assert scores[TRUTH].min() == 1.0
    assert scores[~TRUTH].max() == 0.0
