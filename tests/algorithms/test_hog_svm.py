"""Histograms and a linear SVM: what the features are, and that a detector is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness import TrainingSet
from harness.conformance import specimens
from harness.data.images import decode
from harness.plugins import registry
from harness.plugins.places import bundled


def hog_svm(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("hog-svm"))(**parameters)


def test_an_upright_edge_votes_for_its_own_direction_and_cells_only() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[:, 36:] = 255
    blocks = hog_svm()._gradients(image).reshape(7, 7, 4, 9)
    assert blocks[..., 1:].max() == 0
    assert blocks[:, :3].max() == 0
    assert blocks[:, 3:5, :, 0].max(axis=2).min() > 0.5


def test_light_and_dark_sides_of_an_edge_may_change_places() -> None:
    image = np.random.default_rng(0).integers(0, 2, (64, 64, 1), dtype=np.uint8) * 255
    image = image.repeat(3, axis=2)
    detector = hog_svm()
    assert detector._gradients(image) == pytest.approx(detector._gradients(255 - image))


def test_one_colour_fills_one_bin_of_the_histogram() -> None:
    image = np.full((40, 40, 3), (200, 30, 30), dtype=np.uint8)
    shares = hog_svm()._colour_histogram(image)
    assert sorted(shares)[-2:] == [0.0, 1.0]
    assert len(shares) == 6**3


def test_it_tells_drawings_that_it_has_not_seen_from_bare_skin() -> None:
    detector = hog_svm()
    detector.fit(specimens.ordinary(drawings=10, pictures=2, bare=20).training_set())
    unseen = specimens.ordinary(drawings=8, pictures=1, bare=8, seed=9)
    scores = np.array(detector.detect_batch(unseen.images))
    assert ((scores >= 0.5) == unseen.tattoo).all()
    assert ((scores > 0) & (scores < 1)).all()


def test_labels_without_meaning_give_scores_without_confidence() -> None:
    """The sigmoid is fitted to held-out images, on which an over-fitted margin does not help."""
    rng = np.random.default_rng(0)
    noise = list(rng.integers(0, 256, (60, 24, 24, 3), dtype=np.uint8))
    detector = hog_svm()
    detector.fit(TrainingSet(noise[:40], tattoo=np.arange(40) % 2 == 0))
    trained = np.array(detector.detect_batch(noise[:40]))
    unseen = np.array(detector.detect_batch(noise[40:]))
    assert np.abs(unseen - 0.5).mean() < 0.25
    assert np.abs(trained - 0.5).max() < 0.5


def test_half_is_the_decision_point_even_where_one_class_is_rare() -> None:
    pictures = specimens.ordinary(drawings=4, pictures=1, bare=40)
    detector = hog_svm()
    detector.fit(pictures.training_set())
    unseen = specimens.ordinary(drawings=10, pictures=1, bare=10, seed=5)
    said = np.array(detector.detect_batch(unseen.images)) >= 0.5
    assert said[unseen.tattoo].mean() >= 0.8
    assert said[~unseen.tattoo].mean() <= 0.2


def test_training_on_mirror_images_changes_what_is_learned() -> None:
    train = specimens.ordinary().training_set()
    with_flips, without = hog_svm(), hog_svm(flips=False)
    with_flips.fit(train)
    without.fit(train)
    assert not np.allclose(with_flips.weights_, without.weights_)


@pytest.mark.parametrize("tattoo", [[True] * 4, [True, True, True, False]])
def test_two_images_of_each_kind_are_needed(tattoo: list[bool]) -> None:
    images = list(np.zeros((4, 20, 20, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="at least two training images with a tattoo and two with"):
        hog_svm().fit(TrainingSet(images, tattoo=np.array(tattoo)))


def test_a_protocol_that_does_not_say_which_images_show_tattoos_is_named() -> None:
    with pytest.raises(LookupError, match="does not say 'tattoo'"):
        hog_svm().fit(TrainingSet([], identities=np.zeros(0, dtype=np.int64)))


def test_on_the_bundled_set_it_is_right_far_more_often_than_the_larger_class() -> None:
    mini = bundled("fixtures") / "mini"
    lists = mini / "5-fold" / "tattoo_detection"
    lines = (lists / "ground_truth.txt").read_text().split()
    truth = dict(line.split("|") for line in lines)

    def fold(number: int) -> tuple[list[Any], npt.NDArray[np.bool_]]:
        names = (lists / f"probes{number}.txt").read_text().split()
        images = [decode(mini / "tattoo_detection" / "images" / name) for name in names]
        return images, np.array([truth[name] == "tattoo" for name in names])

    (first, ours), (second, theirs) = fold(2), fold(3)
    detector = hog_svm()
    detector.fit(TrainingSet(first + second, tattoo=np.concatenate([ours, theirs])))
    images, tattoo = fold(1)
    right = (np.array(detector.detect_batch(images)) >= 0.5) == tattoo
    assert right.mean() > max(tattoo.mean(), 1 - tattoo.mean()) + 0.1
