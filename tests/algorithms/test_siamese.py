"""The Siamese matchers: interface, the paper's parameters, and that a fit learns something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import TrainingSet
from harness.conformance import check, specimens
from harness.errors import Damaged
from harness.plugins import registry

NAMES = ("contrastive", "triplet")


def algorithm(name: str) -> Any:
    return registry.load(registry.find_algorithm(name))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Bits of a fit are compared here, and they depend on the number of threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_to_the_interface(name: str, tmp_path: Path) -> None:
    faults = [f for f in check(algorithm(name), folder=tmp_path) if not f.passed]
    assert not faults


def test_the_preset_of_contrastive_is_the_papers_schedule() -> None:
    one = algorithm("contrastive")(**algorithm("contrastive").presets["paper"])
    assert (one.iterations, one.learning_rate, one.step, one.gamma) == (70_000, 1e-4, 20_000, 0.1)
    assert (one.descriptor, one.margin, one.legacy, one.loss_on) == (10, 1.0, False, "feat")
    assert (one.solver, one.momentum, one.weight_decay) == ("sgd", 0.9, 0.0)
    assert (one.batch_size, one.normalise, one.warp) == (64, False, 0.0)
    assert (one.negatives, one.framing, one.flips) == ("kept", "cropped", "each")


def test_the_preset_of_triplet_is_the_papers_schedule() -> None:
    one = algorithm("triplet")(**algorithm("triplet").presets["paper"])
    assert (one.iterations, one.learning_rate, one.step, one.gamma) == (40_000, 2e-4, 10_000, 0.1)
    assert (one.descriptor, one.margin, one.negatives) == (256, 0.005, "kept")
    assert (one.framing, one.flips) == ("cropped", "each")
    assert (one.solver, one.momentum, one.weight_decay) == ("sgd", 0.9, 0.0)
    assert (one.batch_size, one.normalise, one.warp) == (64, False, 0.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("loss_on", ["feat", "ip2"])
def test_the_papers_schedule_trains(name: str, loss_on: str) -> None:
    """A few iterations of it: the descriptor is ip2 wherever the loss is, and the weights move."""
    kind = algorithm(name)
    paper = {**kind.presets["paper"], "loss_on": loss_on, "batch_size": 8}
    pictures = specimens.ordinary(drawings=4, pictures=2, bare=2)
    templates = {}
    for iterations in (0, 2):
        one = kind(**{**paper, "iterations": iterations})
        one.fit(pictures.training_set())
        templates[iterations] = np.array(one.extract_batch(pictures.images))
    assert templates[2].shape == (10, 10 if name == "contrastive" else 256)
    assert not np.array_equal(templates[0], templates[2])
    assert templates[0] == pytest.approx(templates[2], abs=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_minus_euclidean_distances(name: str) -> None:
    one = algorithm(name)()
    left = [np.array([0.0, 0.0], np.float32), np.array([3.0, 0.0], np.float32)]
    right = [np.array([3.0, 4.0], np.float32), np.array([3.0, 0.0], np.float32)]
    assert one.compare(left, right).tolist() == [[-5.0, -3.0], [-4.0, 0.0]]
    assert one.compare([], right).shape == (0, 2)
    assert one.compare(left, []).shape == (2, 0)


def test_equal_templates_score_exactly_zero_however_long_they_are() -> None:
    rng = np.random.default_rng(0)
    long = list((rng.normal(size=(40, 256)) * 1e3).astype(np.float32))
    scores = algorithm("triplet")().compare(long, long)
    assert (np.diag(scores) == 0).all()
    assert (scores <= 0).all()
    assert np.array_equal(scores, scores.T)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_does_not_depend_on_its_batch(name: str) -> None:
    pictures = specimens.ordinary(drawings=15, pictures=3, bare=0)
    one = algorithm(name)(iterations=0)
    one.fit(pictures.training_set())
    together = np.array(one.extract_batch(pictures.images))
    backwards = np.array(one.extract_batch(pictures.images[::-1]))[::-1]
    alone = np.array([one.extract(image) for image in pictures.images])
    # Exactly equal on the machines seen so far; a place in the block may matter on another.
    assert backwards == pytest.approx(together, rel=1e-5, abs=1e-6)
    assert alone == pytest.approx(together, rel=1e-5, abs=1e-6)


def test_only_pictures_blank_to_the_eye_share_a_template() -> None:
    one = algorithm("triplet")(iterations=0)
    one.fit(specimens.ordinary().training_set())
    odd = specimens.odd()
    rows = dict(zip(odd, np.array(one.extract_batch(list(odd.values()))), strict=True))
    assert np.array_equal(rows["black"], rows["white"])
    assert not np.array_equal(rows["black"], rows["gray"])


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_makes_one_model_and_another_seed_another(name: str) -> None:
    pictures = specimens.ordinary()
    rows = []
    for seed in (1, 1, 2):
        one = algorithm(name)(iterations=4, seed=seed)
        one.fit(pictures.training_set())
        rows.append(np.array(one.extract_batch(pictures.images)))
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_without_mates_says_what_is_missing(name: str) -> None:
    images = specimens.ordinary(drawings=3, pictures=1, bare=0)
    with pytest.raises(ValueError, match="hold no mated pair"):
        algorithm(name)().fit(images.training_set())


@pytest.mark.parametrize("name", NAMES)
def test_one_mated_pair_and_an_image_of_its_own_are_enough_to_fit(name: str) -> None:
    images = specimens.ordinary(drawings=1, pictures=2, bare=1)
    with pytest.raises(ValueError, match="negatives=random"):
        algorithm(name)().fit(images.training_set())
    one = algorithm(name)(iterations=2, negatives="random")
    one.fit(images.training_set())
    assert np.isfinite(np.array(one.extract_batch(images.images))).all()


def test_templates_before_a_fit_are_refused() -> None:
    with pytest.raises(RuntimeError, match="Triplet has learned nothing yet"):
        algorithm("triplet")().extract(np.zeros((9, 9, 3), np.uint8))


def test_a_model_of_other_parameters_is_refused(tmp_path: Path) -> None:
    one = algorithm("triplet")(iterations=0)
    one.fit(specimens.ordinary().training_set())
    one.save(tmp_path)
    with pytest.raises(Damaged, match="another network"):
        algorithm("triplet")(descriptor=32).load(tmp_path)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    given = specimens.ordinary()
    train = TrainingSet(
        given.images,
        identities=given.identities,
        mated=given.training_set().mated,
        progress=lambda done, total, note: told.append((done, total)),
    )
    algorithm("contrastive")(iterations=2).fit(train)
    assert told[-1] == (2, 2)


def framed(identities: int, pictures: int, seed: int) -> TrainingSet:
    """Draw a pattern per identity in the middle of pictures, each in another frame of noise."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(identities):
        pattern = rng.integers(0, 256, (4, 4))
        for _ in range(pictures):
            cells = rng.integers(0, 256, (8, 8))
            cells[2:6, 2:6] = pattern + rng.integers(-40, 40, (4, 4))
            gray = np.clip(cells, 0, 255).astype(np.uint8).repeat(8, axis=0).repeat(7, axis=1)
            images.append(gray[..., None].repeat(3, axis=2))
    names = np.repeat(np.arange(identities), pictures)
    mated = np.argwhere(np.triu(names[:, None] == names, 1))
    return TrainingSet(images, identities=names, mated=mated)


def hit_rate(name: str, iterations: int) -> float:
    """Return how often the mate is in the nearest five of 100 identities not trained on."""
    one = algorithm(name)(iterations=iterations, step=max(1, iterations * 3 // 4))
    one.fit(framed(60, 3, seed=0))
    rows = one.extract_batch(framed(100, 2, seed=1).images)
    scores = one.compare(rows[::2], rows[1::2])
    return float(((scores >= np.diag(scores)[:, None]).sum(axis=1) <= 5).mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "iterations", "gain"), [("contrastive", 80, 0.2), ("triplet", 40, 0.2)]
)
def test_a_short_fit_beats_the_untrained_network_on_unseen_identities(
    name: str, iterations: int, gain: float
) -> None:
    assert hit_rate(name, iterations) > hit_rate(name, 0) + gain
