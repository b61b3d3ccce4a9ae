"""The conformance kit: sound algorithms pass, and each fault is found under its own name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from harness import conformance
from harness.api import (
    Algorithm,
    Control,
    Detector,
    FailureToEnroll,
    Image,
    Matcher,
    Scores,
    Template,
    TrainingSet,
    parameter,
)
from harness.conformance import specimens
from harness.conformance.agreement import Fault, agree, difference
from harness.errors import PluginError
from harness.plugins import registry
from tests.conftest import run_harness


@dataclass
class Sound(Matcher):
    """Learned projection of a small picture."""

    size: int = parameter(6, "Parts.", minimum=1)

    def fit(self, train: TrainingSet) -> None:
        self.projection_ = np.random.default_rng(self.seed).normal(size=(48, self.size))

    def extract(self, image: Image) -> Template:
        rows = np.arange(4) * image.shape[0] // 4
        columns = np.arange(4) * image.shape[1] // 4
        small = image[rows][:, columns].astype(np.float64).ravel()
        projected: npt.NDArray[np.float64] = self.projection_.T @ (small - small.mean())
        return projected


@dataclass
class SoundDetector(Detector):
    """Spread of the shades, against that of training images."""

    def fit(self, train: TrainingSet) -> None:
        spreads = np.array([float(image.std()) for image in train.images])
        self.limit_ = float(spreads[train.tattoo].mean() + spreads[~train.tattoo].mean()) / 2

    def detect(self, image: Image) -> float:
        return float(0.5 + 0.5 * np.tanh((image.std() - self.limit_) / 10))


@dataclass
class SoundControl(Control):
    """Says yes to everything."""

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        return np.ones(truth.shape)


@dataclass
class Both(Sound, Detector):
    """Matches and detects."""

    def detect(self, image: Image) -> float:
        return float(image.std() / 128)


class NoDataclass(Sound):
    """Forgot the decorator."""


@dataclass
class NoDocstring(Sound):
    pass


@dataclass
class ChangesParameters(Sound):
    """Turns a parameter into another type."""

    def __post_init__(self) -> None:
        self.size: Any = float(self.size)

    def fit(self, train: TrainingSet) -> None:
        self.projection_ = np.random.default_rng(self.seed).normal(size=(48, int(self.size)))


@dataclass
class NeedsTooMuch(Sound):
    """Cannot be fitted."""

    def fit(self, train: TrainingSet) -> None:
        raise ValueError("only with 10,000 images")


@dataclass
class ReturnsNone(Sound):
    """Has no template for a picture now and then."""

    def extract(self, image: Image) -> Any:
        return None if image.shape[0] % 2 else super().extract(image)


@dataclass
class ReturnsObjects(Sound):
    """Templates that would need pickle."""

    def extract(self, image: Image) -> Any:
        return np.array([self, None], dtype=object)


@dataclass
class OneTooFew(Sound):
    """Drops the images that it does not like."""

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        return list(super().extract_batch(images))[1:]


@dataclass
class RefusesMost(Sound):
    """Gives up on nearly everything."""

    def extract(self, image: Image) -> Template:
        if image.shape[0] < 130:
            raise FailureToEnroll("too small for me")
        return super().extract(image)


@dataclass
class WritesToImages(Sound):
    """Works in place."""

    def extract(self, image: Image) -> Template:
        image -= image.min()
        return super().extract(image)


@dataclass
class NotDeterministic(Sound):
    """Adds noise from a generator without a seed."""

    def extract(self, image: Image) -> Template:
        made = np.asarray(super().extract(image))
        return made + np.random.default_rng().normal(size=made.shape)


@dataclass
class DependsOnBatch(Sound):
    """Normalises a batch by its mean."""

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        made = np.array([Sound.extract(self, image) for image in images])
        return list(made - made.mean(axis=0))

    def extract(self, image: Image) -> Template:
        (template,) = self.extract_batch([image])
        assert not isinstance(template, FailureToEnroll)
        return template


@dataclass
class DependsOnPlace(Sound):
    """Knows how many images it has seen in a call."""

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        return [np.asarray(Sound.extract(self, image)) + i for i, image in enumerate(images)]


@dataclass
class NotANumber(Sound):
    """Divides by zero on the diagonal."""

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        scores = super().compare(probes, references)
        scores[0, 0] = np.nan
        return scores


@dataclass
class Transposed(Sound):
    """Mixes up probes and references."""

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        return super().compare(references, probes)


@dataclass
class WritesToTemplates(Sound):
    """Normalises templates in place."""

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        for one in probes:
            assert isinstance(one, np.ndarray)
            one /= np.linalg.norm(one) + 1
        return super().compare(probes, references)


@dataclass
class NoisyScores(Sound):
    """Breaks ties by chance."""

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        scores = super().compare(probes, references)
        return scores + np.random.default_rng().uniform(0, 1e-3, scores.shape)


@dataclass
class NormalisesScores(Sound):
    """Sets the mean over all references to zero."""

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        scores = super().compare(probes, references)
        centred: Scores = scores - scores.mean(axis=1, keepdims=True)
        return centred


@dataclass
class Distance(Sound):
    """Lower is more alike."""

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        return -super().compare(probes, references)


@dataclass
class CrashesOnTiny(Sound):
    """Cuts off a margin that small pictures do not have."""

    def extract(self, image: Image) -> Template:
        if min(image.shape[:2]) < 4:
            raise IndexError("no pixel left")
        return super().extract(image)


@dataclass
class Forgets(Sound):
    """Keeps what it learned where it is not saved."""

    def fit(self, train: TrainingSet) -> None:
        super().fit(train)
        self.centre = np.asarray(train.images[0], dtype=np.float64).mean()

    def extract(self, image: Image) -> Template:
        return np.asarray(super().extract(image)) + getattr(self, "centre", 0.0)


@dataclass
class ForgetsAndCrashes(Sound):
    """Cannot be saved at all."""

    def fit(self, train: TrainingSet) -> None:
        super().fit(train)
        self.itself_ = self


@dataclass
class Unseeded(Sound):
    """Learns something else every time."""

    def fit(self, train: TrainingSet) -> None:
        self.projection_ = np.random.default_rng().normal(size=(48, self.size))


@dataclass
class LowMeansTattoo(SoundDetector):
    """Mixes up its classes."""

    def detect(self, image: Image) -> float:
        return 1 - super().detect(image)


@dataclass
class ReturnsArray(SoundDetector):
    """Returns what the network gave it."""

    def detect(self, image: Image) -> Any:
        return np.array([super().detect(image)])


@dataclass
class FlatControl(SoundControl):
    """Loses the shape of the truth."""

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        return np.ones(truth.size)


@dataclass
class ForgetfulControl(SoundControl):
    """Does not use the generator it is given."""

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        return np.random.default_rng().random(truth.shape)


@pytest.mark.parametrize("algorithm", [Sound, SoundDetector, SoundControl, Both])
def test_a_sound_algorithm_passes_every_check(algorithm: type[Algorithm], tmp_path: Path) -> None:
    findings = conformance.check(algorithm, folder=tmp_path)
    assert [finding for finding in findings if not finding.passed] == []
    assert len({finding.name for finding in findings}) == len(findings) >= 6


@pytest.mark.parametrize(
    ("algorithm", "name", "advice"),
    [
        (NoDataclass, "is a dataclass of its own", "put @dataclass above `class NoDataclass`"),
        (NoDocstring, "has a docstring", "write a docstring"),
        (ChangesParameters, "keeps its parameters", "'size' was given as 6 and is 6.0 when built"),
        (NeedsTooMuch, "fits", "only with 10,000 images.*test_conformance.py, line"),
        (ReturnsNone, "answers ordinary pictures", "extract returned None.*raise FailureToEnroll"),
        (
            ReturnsObjects,
            "answers ordinary pictures",
            "array of object; return a NumPy array of num",
        ),
        (OneTooFew, "answers ordinary pictures", "23 answers for 24 images"),
        (RefusesMost, "answers ordinary pictures", "failed to enrol; scale small images up"),
        (WritesToImages, "leaves images unchanged", "read-only.*work on a copy"),
        (NotDeterministic, "same image, same answer", "np.random.default_rng\\(self.seed\\)"),
        (DependsOnBatch, "does not depend on the batch", "may depend on its own image only"),
        (DependsOnPlace, "does not depend on the batch", "batch in reverse order"),
        (NotANumber, "scores are finite and of the right shape", "NaN or infinity"),
        (Transposed, "scores are finite and of the right shape", r"\(1, 4\); expected \(4, 1\)"),
        (WritesToTemplates, "leaves templates unchanged", "read-only.*work on a copy"),
        (NoisyScores, "same templates, same scores", "must not draw random numbers"),
        (NormalisesScores, "a score depends on its own pair only", "its own two templates only"),
        (Distance, "higher is more alike", "change the sign of a distance"),
        (CrashesOnTiny, "survives odd pictures", "tiny.*no pixel left.*Raise FailureToEnroll"),
        (Forgets, "answers alike after save and load", "attributes ending in '_'"),
        (ForgetsAndCrashes, "answers alike after save and load", "attributes ending in '_'"),
        (Unseeded, "one seed, one model", "from self.seed"),
        (LowMeansTattoo, "higher means a tattoo", "higher must mean more surely a tattoo"),
        (ReturnsArray, "answers ordinary pictures", "return a float"),
        (FlatControl, "answers any shape of truth", r"shape \(15,\); expected \(3, 5\)"),
        (ForgetfulControl, "answers any shape of truth", "only from `rng`"),
    ],
)
def test_a_fault_fails_exactly_the_check_that_names_it(
    algorithm: type[Algorithm], name: str, advice: str, tmp_path: Path
) -> None:
    findings = conformance.check(algorithm, folder=tmp_path)
    failed = [finding for finding in findings if not finding.passed]
    assert [finding.name for finding in failed] == [name]
    assert re.search(advice, failed[0].message)


def test_with_two_abilities_the_fault_of_one_does_not_hide_the_other(tmp_path: Path) -> None:
    @dataclass
    class HalfBroken(Both):
        """Matches, but its detection crashes."""

        def detect(self, image: Image) -> float:
            raise ZeroDivisionError("half")

    findings = conformance.check(HalfBroken, folder=tmp_path)
    failed = [finding.name for finding in findings if not finding.passed]
    assert failed == ["Detector: answers ordinary pictures"]
    assert "Matcher: one seed, one model" in {finding.name for finding in findings}


def test_the_preset_called_check_is_used_and_given_parameters_win(tmp_path: Path) -> None:
    @dataclass
    class Slow(Sound):
        """Trains for minutes unless told otherwise."""

        steps: int = 10**9
        presets: ClassVar[dict[str, dict[str, Any]]] = {"check": {"steps": 3, "size": 2}}

        def fit(self, train: TrainingSet) -> None:
            assert (self.steps, self.size) == (3, 5)
            super().fit(train)

    findings = conformance.check(Slow, {"size": 5}, folder=tmp_path)
    assert all(finding.passed for finding in findings)


def test_findings_are_given_as_soon_as_they_are_known(tmp_path: Path) -> None:
    @dataclass
    class Endless(Sound):
        """Would be caught by its first finding."""

        def fit(self, train: TrainingSet) -> None:
            raise KeyboardInterrupt

    found = conformance.examine(Endless, folder=tmp_path)
    assert next(found).name == "is a dataclass of its own"
    with pytest.raises(KeyboardInterrupt):
        list(found)


def test_a_class_without_an_ability_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="has no ability"):
        conformance.check(Algorithm, folder=tmp_path)


def test_differences_in_the_last_bits_count_as_the_same_and_are_reported() -> None:
    one = np.array([1.0, -4.0])
    assert agree([one], [one], "x") == "exactly equal"
    assert agree([one], [one + 8e-7], "x") == "equal to 2e-07 of the largest value"
    with pytest.raises(Fault, match=r"differ \(by 2.5e-02 of the largest value\): do this"):
        agree([one], [one + np.array([0, 0.1])], "differ: do this")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros(2, dtype=np.float32)),
        (np.zeros(2), np.full(2, np.nan)),
        ({"a": np.zeros(2)}, {"b": np.zeros(2)}),
        (np.zeros(2), FailureToEnroll("no")),
    ],
)
def test_answers_of_different_kinds_are_never_the_same(one: Any, other: Any) -> None:
    assert difference(one, other) == np.inf == difference(other, one)


def test_specimens_are_seeded_read_only_and_of_several_sizes() -> None:
    first, again, other = specimens.ordinary(), specimens.ordinary(), specimens.ordinary(seed=1)
    assert all(map(np.array_equal, first.images, again.images))
    assert not all(a.shape == b.shape for a, b in zip(first.images, other.images, strict=True))
    assert len({image.shape for image in first.images}) > 10
    assert not any(image.flags.writeable for image in [*first.images, *specimens.odd().values()])
    assert len(first.training_set().mated) == 6 * 3


FAST = (
    *("border", "colours", "constant", "file", "hog", "hog-svm", "hog-words", "mean-colour"),
    *("oracle", "random", "size"),
)


@pytest.mark.parametrize("name", FAST)
def test_a_built_in_algorithm_passes_every_check(name: str, tmp_path: Path) -> None:
    algorithm = registry.load(registry.find_algorithm(name))
    findings = conformance.check(algorithm, folder=tmp_path)
    assert [finding for finding in findings if not finding.passed] == []


# A well-trained model is not needed to conform; one that has learned a little is.
STEPS = {"inception-style": 30}
# Nor are many keypoints in large pictures.
SMALL = {"xfeat": ("--param", "size=160", "--param", "keypoints=64")}
COMPLETE = {
    plugin.name
    for plugin, glance in registry.describe_sources(registry.algorithms())
    # What needs a file of the user's is checked with one in its own tests, a composite by its parts
    if not glance.needs and not glance.composite
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMPLETE - set(FAST)))
def test_a_slower_built_in_algorithm_passes_every_check(name: str, tmp_path: Path) -> None:
    # In a process of its own: TensorFlow must not be imported before torch.
    algorithm = registry.load(registry.find_algorithm(name))
    brief = (
        ("--param", f"iterations={STEPS.get(name, 4)}")
        if "iterations" in algorithm.__dataclass_fields__
        else ()
    )
    small = SMALL.get(name, ())
    ran = run_harness("check", name, *brief, *small, cwd=tmp_path, timeout=900)
    assert ran.code == 0, ran.out + ran.err


def test_only_what_needs_a_model_of_the_users_is_checked_elsewhere() -> None:
    assert set(registry.algorithms()) - COMPLETE == {"backbone", "clip", "fuse", "onnx", "rerank"}
