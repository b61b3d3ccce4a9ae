"""arcface: the paper's preset, what it does with odd training sets, and that it learns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import TrainingSet
from harness.conformance import check, specimens
from harness.errors import Damaged, UsageError
from harness.plugins import registry

ARCFACE: Any = registry.load(registry.find_algorithm("arcface"))
TINY = {"width": 8, "size": 32, "features": 16, "batch_size": 8}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Bits of a fit are compared here, and they depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fitted(train: TrainingSet, **given: Any) -> Any:
    one = ARCFACE(**{**TINY, "iterations": 3, **given})
    one.fit(train)
    return one


def test_it_keeps_to_the_interface(tmp_path: Path) -> None:
    assert not [f for f in check(ARCFACE, folder=tmp_path) if not f.passed]


def test_the_paper_preset_is_aigtatts_training() -> None:
    one = ARCFACE(**ARCFACE.presets["paper"])
    assert (one.scale, one.margin, one.features) == (64.0, 0.5, 512)
    assert (one.learning_rate, one.schedule, one.batch_size, one.epochs) == (
        1e-5,
        "constant",
        64,
        100,
    )
    assert (one.size, one.contrast, one.jitter, one.weights) == (224, False, True, "imagenet")
    assert (one.validation, one.iterations, one.each) == (0.2, 0, 0)
    assert (one.warp, one.part, one.redraw, one.ramp) == (0, 1, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["mobilenet_v3_large", "resnet101", "densenet121", "efficientnet_v2_s", "swin_s"]
)
def test_every_backbone_trains_in_colour_and_comes_back(name: str, tmp_path: Path) -> None:
    pictures = specimens.ordinary(drawings=3, pictures=2, bare=0)
    given = {"backbone": name, "contrast": False, "jitter": True, "iterations": 1, "batch_size": 4}
    one = fitted(pictures.training_set(), **given)
    one.save(tmp_path)
    again = ARCFACE(**{**TINY, **given})
    again.load(tmp_path)
    rows = np.array(one.extract_batch(pictures.images))
    assert rows == pytest.approx(np.array(again.extract_batch(pictures.images)), abs=1e-5)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(6), abs=1e-5)


def test_embeddings_have_length_one_and_are_compared_by_cosine() -> None:
    pictures = specimens.ordinary()
    one = fitted(pictures.training_set())
    rows = np.array(one.extract_batch(pictures.images))
    assert rows.shape == (24, 16)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(24), abs=1e-6)
    assert one.compare(list(rows[:2]), list(rows[2:4])) == pytest.approx(
        (rows[:2] @ rows[2:4].T).astype(np.float64), abs=1e-6
    )


def test_identities_of_one_image_are_classes_like_others() -> None:
    pictures = specimens.ordinary(drawings=2, pictures=1, bare=6)
    one = fitted(pictures.training_set(), validation=0.5)
    assert np.isfinite(np.array(one.extract_batch(pictures.images))).all()


def test_one_identity_alone_is_refused() -> None:
    train = TrainingSet(
        specimens.ordinary(drawings=1, pictures=3, bare=0).images,
        identities=np.zeros(3, np.int64),
        mated=np.empty((0, 2), np.int64),
    )
    with pytest.raises(ValueError, match="have 1 identity; ArcFace needs two"):
        fitted(train)


def test_the_weights_kept_are_those_of_the_lowest_validation_eer() -> None:
    """A fit that ends at the best epoch of a longer one has the weights that one kept."""
    pictures = specimens.ordinary(drawings=10, pictures=4, bare=0)
    given = {
        "validation": 0.5,
        "iterations": 0,
        "ramp": 0.0,
        "schedule": "constant",
        "learning_rate": 5e-3,
    }
    whole = fitted(pictures.training_set(), epochs=6, **given)
    measured = [v for v in whole.learning_curve_["validation EER"] if v is not None]
    assert len(measured) >= 6
    assert all(0 <= value <= 1 for value in measured)
    best = int(np.argmin(measured[:6])) + 1
    part = fitted(pictures.training_set(), epochs=best, **given)
    assert np.array_equal(
        np.array(whole.extract_batch(pictures.images)),
        np.array(part.extract_batch(pictures.images)),
    )


def test_the_margin_grows_from_nothing_unless_it_is_whole_from_the_start() -> None:
    """Untrained, a margin of .5 at about 90 degrees costs 64 (cos 90 - cos(90 + .5)) = 31."""
    pictures = specimens.ordinary(drawings=8, pictures=3, bare=0)
    first = [
        fitted(pictures.training_set(), ramp=ramp, iterations=2).learning_curve_["loss"][0]
        for ramp in (0.9, 0.0)
    ]
    assert 64 * math.sin(0.5) - 12 < first[1] - first[0] < 64 * math.sin(0.5) + 12


def test_images_of_an_identity_can_come_together() -> None:
    pictures = specimens.ordinary(drawings=6, pictures=3, bare=0)
    one = fitted(pictures.training_set(), each=2)
    assert np.isfinite(np.array(one.extract_batch(pictures.images))).all()


def test_one_seed_makes_one_model_and_another_seed_another() -> None:
    pictures = specimens.ordinary()
    rows = [
        np.array(fitted(pictures.training_set(), seed=seed).extract_batch(pictures.images))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_a_model_of_other_parameters_is_refused(tmp_path: Path) -> None:
    fitted(specimens.ordinary().training_set()).save(tmp_path)
    with pytest.raises(Damaged, match="another network"):
        ARCFACE(**{**TINY, "features": 32}).load(tmp_path)


def test_weights_that_are_not_there_are_named() -> None:
    with pytest.raises(UsageError, match=r"no-such\.pth"):
        fitted(
            specimens.ordinary().training_set(),
            backbone="mobilenet_v3_large",
            weights="no-such.pth",
        )


@pytest.mark.slow
def test_a_short_fit_beats_the_untrained_network_on_unseen_identities() -> None:
    learned = specimens.ordinary(drawings=30, pictures=4, bare=0, seed=1)
    judged = specimens.ordinary(drawings=40, pictures=2, bare=0, seed=2)
    rates = []
    for iterations in (1, 80):
        one = fitted(
            learned.training_set(), iterations=iterations, batch_size=32, width=16, features=64
        )
        rows = one.extract_batch(judged.images)
        scores = one.compare(rows[::2], rows[1::2])
        rates.append(float(((scores >= np.diag(scores)[:, None]).sum(axis=1) <= 3).mean()))
    assert rates[1] > rates[0] + 0.15
