"""The interface itself: defaults that an author may rely on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import Detector, FailureToEnroll, Image, Matcher, Template, TrainingSet, parameter
from harness.api import unit_rows


@dataclass
class Mean(Matcher):
    """Mean colour."""

    scale: float = parameter(1.0, "Factor.", minimum=0)

    def extract(self, image: Image) -> Template:
        if image.max() == 0:
            raise FailureToEnroll("black")
        return np.asarray(image.mean(axis=(0, 1)) * self.scale)


def picture(value: int) -> Image:
    return np.full((4, 5, 3), value, dtype=np.uint8)


def test_extract_batch_keeps_order_and_puts_failures_in_their_places() -> None:
    answers = Mean().extract_batch([picture(3), picture(0), picture(9)])
    assert isinstance(answers[1], FailureToEnroll)
    assert [np.asarray(answers[i])[0] for i in (0, 2)] == [3, 9]


def test_an_algorithm_may_define_only_the_batch_method() -> None:
    @dataclass
    class Batched(Matcher):
        """Sums."""

        def extract_batch(self, images: Any) -> Any:
            return [
                FailureToEnroll("dark") if image.max() == 0 else np.array([float(image.sum())])
                for image in images
            ]

    assert np.asarray(Batched().extract(picture(1)))[0] == 60
    with pytest.raises(FailureToEnroll, match="dark"):
        Batched().extract(picture(0))


def test_a_matcher_without_templates_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="Lazy is a Matcher without a method that makes templates"):

        class Lazy(Matcher):
            pass


def test_a_detector_without_detection_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="without a method that detects"):

        class Blind(Detector):
            pass


def test_compare_is_cosine_similarity_within_its_limits() -> None:
    probes = [np.array([1.0, 0.0]), np.array([3.0, 4.0]), np.array([0.0, 0.0])]
    scores = Mean().compare(probes, [np.array([2.0, 0.0]), np.array([-1e-200, 0.0])])
    assert scores == pytest.approx(np.array([[1.0, -1.0], [0.6, -0.6], [0.0, 0.0]]))
    assert np.abs(Mean().compare(probes[1:2] * 50, probes[1:2] * 50)).max() <= 1.0


def test_named_arrays_need_a_compare_of_their_own() -> None:
    with pytest.raises(TypeError, match="compare"):
        unit_rows([{"x": np.zeros(3)}])
    with pytest.raises(ValueError, match="inhomogeneous"):
        unit_rows([np.zeros(3), np.zeros(4)])


@dataclass
class Learner(Mean):
    """Learns arrays and plain values."""

    mean_: Any = field(default=None, init=False, repr=False)

    def fit(self, train: TrainingSet) -> None:
        self.mean_ = np.mean([image.mean() for image in train.images])
        self.axes_ = np.arange(6, dtype=np.float32).reshape(2, 3)
        self.names_ = ["a", "é"]


def test_what_is_learned_survives_saving_and_loading(tmp_path: Path) -> None:
    first, second = Learner(), Learner()
    first.fit(TrainingSet([picture(1), picture(2)]))
    first.mean_ = float(first.mean_)
    first.save(tmp_path)
    second.load(tmp_path)
    assert second.mean_ == 1.5
    assert second.axes_.dtype == np.float32
    assert (second.axes_ == first.axes_).all()
    assert second.names_ == ["a", "é"]


def test_what_cannot_be_stored_without_pickle_is_refused_with_advice(tmp_path: Path) -> None:
    learner = Learner()
    learner.mean_ = object()
    with pytest.raises(TypeError, match="override `save` and `load`"):
        learner.save(tmp_path)


def test_a_training_set_says_which_truth_it_lacks() -> None:
    train = TrainingSet([picture(1)], tattoo=np.array([True]))
    assert train.tattoo.tolist() == [True]
    with pytest.raises(LookupError, match="does not say 'identities'; it gives: tattoo"):
        _ = train.identities


def test_what_an_author_imports_can_be_seen_before_it_is_imported() -> None:
    import harness

    assert set(harness.__all__) | {"__version__"} == set(dir(harness))
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", harness.__version__)
