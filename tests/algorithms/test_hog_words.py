"""Tags from features: the equations are solved, words find what shows them, others are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2", reason="extra [vision]")

from algorithms.hog_words import HogWords
from harness import FailureToEnroll, TrainingSet
from harness.training.words import named_in

VOCABULARY = ("red", "striped", "everywhere", "nowhere")


def drawn(rng: np.random.Generator, *, red: bool, striped: bool) -> np.ndarray[Any, Any]:
    image = rng.integers(100, 140, (48, 40, 3))
    if striped:
        image[:, ::6] -= 80
    if red:
        image[..., 0] += 90
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def shown() -> tuple[list[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """Return 40 pictures and their tags: bool, shape (40, 4)."""
    rng = np.random.default_rng(1)
    tags = rng.random((40, 4)) < 0.5
    tags[:, 2:] = True, False
    return [drawn(rng, red=bool(t[0]), striped=bool(t[1])) for t in tags], tags


@pytest.fixture(scope="module")
def learned(shown: Any) -> HogWords:
    entry = HogWords()
    entry.fit(TrainingSet(shown[0], tags=shown[1], vocabulary=VOCABULARY))
    return entry


def test_words_find_the_pictures_that_show_them(learned: HogWords) -> None:
    rng = np.random.default_rng(2)
    kinds = np.array([(red, striped) for red in (0, 1) for striped in (0, 1)] * 5, bool)
    templates = [learned.extract(drawn(rng, red=bool(r), striped=bool(s))) for r, s in kinds]

    def scores(words: str) -> np.ndarray[Any, Any]:
        found: Any = learned.compare([learned.describe_text(words)], templates)
        return np.asarray(found[0])

    # Each word, among pictures that are alike in the other.
    for column, words in enumerate(("something RED", "striped, I think")):
        for other in (False, True):
            alike = kinds[:, 1 - column] == other
            right = alike & kinds[:, column]
            assert scores(words)[right].min() > scores(words)[alike & ~right].max()
    both = kinds.all(axis=1)
    assert scores("red and striped")[both].min() > scores("red and striped")[~both].max()


def test_the_weights_solve_the_normal_equations_of_ridge_regression(
    shown: Any, learned: HogWords
) -> None:
    images, tags = shown
    rows = np.array([learned._features(image) for image in images])
    scaled = (rows - rows.mean(axis=0)) / np.where(rows.std(axis=0) < 1e-6, 1, rows.std(axis=0))
    wanted = tags[:, :2].astype(float)
    wanted = (wanted - wanted.mean(axis=0)) / wanted.std(axis=0)
    features = rows.shape[1]
    inner = scaled.T @ scaled + learned.ridge * features * np.eye(features)
    weights = np.linalg.solve(inner, scaled.T @ wanted)
    # And then all tags have one spread over the training pictures.
    np.testing.assert_allclose(learned.weights_, weights / (scaled @ weights).std(axis=0))
    templates: Any = [learned.extract(one) for one in images]
    np.testing.assert_allclose(np.std(templates, axis=0), 1)


def test_what_tells_nothing_is_no_word_and_unknown_words_are_refused(learned: HogWords) -> None:
    assert learned.vocabulary_ == ["red", "striped"]
    for words in ("everywhere", "nowhere", "a reddish thing", "blue"):
        with pytest.raises(FailureToEnroll, match="names nothing that a training picture shows"):
            learned.describe_text(words)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("two ROSES, upper arm", {"rose", "upper_arm"}),
        ("upper-arm: crosses", {"upper_arm", "cross"}),
        ("primrose on the upper left arm, cross", {"cross"}),
    ],
)
def test_whole_words_are_named_in_any_case_and_simple_plurals(query: str, named: set[str]) -> None:
    vocabulary = ["rose", "upper_arm", "cross"]
    found = named_in(query, vocabulary)
    assert {word for word, share in zip(vocabulary, found, strict=True) if share} == named
    assert np.linalg.norm(found) == pytest.approx(1)
