"""The control learns from its features alone, for every question, and keeps what it learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.api import Image, TrainingSet
from harness.plugins.registry import find_algorithm, load
from harness.runs.shortcuts.control import Shortcut


@dataclass
class Levels(Shortcut):
    """The mean grey level and the first pixel's."""

    def features(self, image: Image) -> np.ndarray:
        return np.array([image.mean(), float(image[0, 0, 0])])


def images(levels: np.ndarray, rng: np.random.Generator) -> list[Image]:
    made = []
    for level in levels:
        image = np.full((20, 30, 3), level, np.uint8)
        image[0, 0] = rng.integers(256)
        made.append(image)
    return made


def trained(**truth: object) -> Levels:
    rng = np.random.default_rng(1)
    levels = np.repeat(rng.integers(20, 220, 40), 2)
    algorithm = Levels()
    algorithm.fit(TrainingSet(images(levels, rng), **truth))  # type: ignore[arg-type]
    return algorithm


def test_a_feature_that_mates_share_counts_most() -> None:
    mated = np.arange(80).reshape(40, 2)
    algorithm = trained(mated=mated, identities=np.repeat(np.arange(40), 2))
    rng = np.random.default_rng(2)
    probes = images(np.array([50, 150]), rng)
    references = images(np.array([50, 70, 150, 170]), rng)
    scores = algorithm.compare(
        [algorithm.extract(i) for i in probes], [algorithm.extract(i) for i in references]
    )
    assert scores.argmax(axis=1).tolist() == [0, 2]
    assert scores.shape == (2, 4)
    assert (scores <= 0).all()


def test_without_a_fit_features_are_compared_as_they_are() -> None:
    rng = np.random.default_rng(3)
    one, other = (Levels().extract(image) for image in images(np.array([50, 60]), rng))
    assert Levels().compare([one], [one, other])[0].argmax() == 0


@pytest.mark.parametrize("told", [True, False])
def test_answers_follow_the_features_and_fall_back_on_the_shares(told: bool) -> None:
    rng = np.random.default_rng(1)
    levels = np.repeat(rng.integers(20, 220, 40), 2)
    bright = levels > 110
    # With answers dealt at random there is nothing to learn but how frequent they are.
    tattoo = bright if told else np.random.default_rng(5).random(80) < 0.7
    tags = np.stack([tattoo, ~tattoo, np.zeros(80, bool)], axis=1)
    algorithm = trained(tattoo=tattoo, tags=tags, vocabulary=("a", "b", "never"))
    dark, light = images(np.array([30, 210]), rng)
    scores = np.array([algorithm.detect(dark), algorithm.detect(light)])
    if told:
        assert scores[0] < 0.3 < 0.7 < scores[1]
    else:
        assert (np.abs(scores - tattoo.mean()) < 0.25).all()
    tagged = algorithm.tag(light)
    assert tagged.shape == (3,)
    assert tagged[0] == pytest.approx(scores[1], abs=1e-6)
    assert tagged[2] < 0.05


def test_a_mask_is_spread_evenly_and_as_large_as_predicted() -> None:
    rng = np.random.default_rng(1)
    levels = np.repeat(rng.integers(20, 220, 40), 2)
    masks = []
    for level in levels:
        mask = np.zeros((20, 30), bool)
        mask[: round(20 * level / 255)] = True
        masks.append(mask)
    algorithm = trained(masks=masks)
    dark, light = images(np.array([51, 204]), rng)
    for image, share in ((dark, 0.2), (light, 0.8)):
        mask = algorithm.segment(image)
        assert mask.shape == (20, 30)
        assert mask.mean() == pytest.approx(share, abs=0.06)
        halves = [mask[:10].mean(), mask[10:].mean(), mask[:, :15].mean(), mask[:, 15:].mean()]
        assert max(halves) - min(halves) < 0.08


def test_what_was_learned_is_the_same_after_save_and_load(tmp_path: Path) -> None:
    algorithm = trained(tattoo=np.arange(80) % 3 > 0)
    algorithm.save(tmp_path)
    restored = Levels()
    restored.load(tmp_path)
    (image,) = images(np.array([99]), np.random.default_rng(9))
    assert restored.detect(image) == algorithm.detect(image)
    assert (restored.extract(image) == algorithm.extract(image)).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["size", "file", "border", "mean-colour"])
def test_the_built_in_ones_are_controls_that_are_not_shown_the_truth(name: str) -> None:
    from harness.plugins.description import describe

    found = describe(load(find_algorithm(name)))
    assert found.control
    assert not found.shown_truth
    assert set(found.abilities) == {"Matcher", "Detector", "Tagger", "Segmenter"}
    assert found.sees == ("file" if name == "file" else "pixels")


def test_the_regression_is_that_of_another_implementation() -> None:
    from sklearn.linear_model import LogisticRegression

    from harness.runs.shortcuts.control import PENALTY, _logistic

    rng = np.random.default_rng(4)
    inputs = np.hstack([rng.normal(size=(90, 5)), np.ones((90, 1))])
    truth = np.stack(
        [inputs[:, 0] + rng.normal(size=90) > 0.5, rng.random(90) < 0.1, np.ones(90, bool)], axis=1
    )
    found = _logistic(inputs, truth)
    for k in range(2):
        other = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=5000)
        other.fit(inputs[:, :-1], truth[:, k])
        assert found[:-1, k] == pytest.approx(other.coef_[0], abs=1e-4)
        assert found[-1, k] == pytest.approx(other.intercept_[0], abs=1e-3)
    assert found[:-1, 2] == pytest.approx(0)
    assert 0.98 < 1 / (1 + np.exp(-found[-1, 2])) < 1
