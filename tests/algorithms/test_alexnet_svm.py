"""AlexNet with an SVM: interface, the paper's parameters, and what a fit learns from what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import TrainingSet
from harness.conformance import check, specimens
from harness.errors import Damaged, UsageError
from harness.plugins import registry

TINY: dict[str, Any] = {"iterations": 2, "width": 0.03, "size": 63, "margin": 4, "batch_size": 8}


def alexnet_svm(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("alexnet-svm"))(**parameters)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Bits of a fit are compared here, and they depend on the number of threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def only(pictures: specimens.Specimens, truth: str) -> TrainingSet:
    """Return a training set with one kind of truth, as a protocol gives it."""
    return TrainingSet(pictures.images, **{truth: getattr(pictures, truth)})


@pytest.mark.slow
def test_it_keeps_to_the_interface(tmp_path: Path) -> None:
    kind = registry.load(registry.find_algorithm("alexnet-svm"))
    assert [finding for finding in check(kind, folder=tmp_path) if not finding.passed] == []


def test_the_preset_is_the_papers_network_and_schedule() -> None:
    kind = registry.load(registry.find_algorithm("alexnet-svm"))
    one: Any = kind(**kind.presets["paper"])
    assert (one.network, one.start, one.size, one.width) == ("caffe", "imagenet", 227, 1.0)
    assert (one.filler, one.bias, one.contrast) == ("gaussian", 1.0, "never")
    assert (one.solver, one.learning_rate, one.momentum) == ("sgd", 1e-4, 0.9)
    assert (one.step, one.gamma, one.iterations) == (3_500, 0.1, 10_500)
    assert (one.svm_lambda, one.svm_iterations) == (0.01, 10_000)


def test_the_papers_schedule_and_its_first_step_are_those_computed_by_hand() -> None:
    """The rate falls at 3,500 and 7,000; a bias moves twice as far; only weights decay."""
    import torch
    from torch import nn

    from harness.training.schedules import StepPolicy, set_rate

    one = alexnet_svm(**type(alexnet_svm()).presets["paper"])
    policy = StepPolicy(one.learning_rate, one.step, one.gamma)
    rates = [policy.at(i) for i in (0, 3_499, 3_500, 7_000, 10_499)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6, 1e-6])
    network = nn.Linear(1, 1).double()
    with torch.no_grad():
        network.weight.fill_(2.0)
        network.bias.fill_(1.0)
    optimiser = one.optimiser(network)
    for step in range(2):
        set_rate(optimiser, policy.at(step))
        optimiser.zero_grad()
        loss = (3 * network.weight + network.bias).sum()  # gradients 3 and 1
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    first = 3 + 5e-4 * 2
    weight = 2 - 1e-4 * first
    second = 3 + 5e-4 * weight + 0.9 * first
    assert network.weight.item() == pytest.approx(weight - 1e-4 * second, abs=1e-12)
    assert network.bias.item() == pytest.approx(1 - 2e-4 * (1 + 1.9), abs=1e-12)


def test_tattoos_are_learned_as_two_classes_and_half_is_the_border_of_the_svm() -> None:
    pictures = specimens.ordinary()
    one = alexnet_svm(**TINY)
    one.fit(only(pictures, "tattoo"))
    rows = np.array(one.extract_batch(pictures.images), np.float64)
    margins = rows @ one.svm_[:-1] + one.svm_[-1]
    scores = np.array(one.detect_batch(pictures.images))
    assert scores == pytest.approx(1 / (1 + np.exp(-margins)), abs=1e-9)
    assert ((scores >= 0.5) == (margins >= 0)).all()


def test_the_svm_minimises_vlfeats_objective() -> None:
    """It is lambda / 2 |w|^2 + mean hinge, bias included: no small step away from it is lower."""
    pictures = specimens.ordinary()
    one = alexnet_svm(**TINY, svm_lambda=0.1)
    one.fit(only(pictures, "tattoo"))
    rows = np.array(one.extract_batch(pictures.images), np.float64)
    rows = np.column_stack([rows, np.ones(len(rows))])
    signs = np.where(pictures.tattoo, 1, -1)

    def objective(svm: Any) -> float:
        hinge = np.maximum(0, 1 - signs * (rows @ svm)).mean()
        return float(0.05 * (svm @ svm) + hinge)

    least = objective(one.svm_)
    rng = np.random.default_rng(0)
    nearby = [objective(one.svm_ + rng.normal(0, 0.02, len(one.svm_))) for _ in range(200)]
    assert min(nearby) > least - 1e-4
    assert least < objective(np.zeros_like(one.svm_))


def test_identities_are_learned_where_a_protocol_gives_those() -> None:
    pictures = specimens.ordinary(bare=0)
    one = alexnet_svm(**TINY)
    one.fit(only(pictures, "identities"))
    templates = np.array(one.extract_batch(pictures.images))
    assert templates.shape == (len(pictures.images), one.network_.units)
    assert np.diag(one.compare(templates, templates)) == pytest.approx(1)
    assert one.compare(templates[:1], -templates[:1]) == pytest.approx(-1)
    with pytest.raises(RuntimeError, match="has not learned from images with and without tattoos"):
        one.detect(pictures.images[0])


@pytest.mark.parametrize(
    ("truth", "values"), [("tattoo", np.ones(4, bool)), ("identities", np.zeros(4, np.int64))]
)
def test_one_class_is_refused(truth: str, values: Any) -> None:
    images = list(np.zeros((4, 20, 20, 3), np.uint8))
    with pytest.raises(ValueError, match="nothing to tell apart: all 4 training images"):
        alexnet_svm(**TINY).fit(TrainingSet(images, **{truth: values}))


def test_a_protocol_that_says_neither_is_named() -> None:
    with pytest.raises(LookupError, match="does not say 'identities'"):
        alexnet_svm(**TINY).fit(TrainingSet([]))


def test_the_middle_of_the_scaled_image_is_described() -> None:
    image = np.zeros((71, 71, 3), np.uint8)
    image[4:67, 4:67] = (255, 51, 0)
    stack = alexnet_svm(size=63, margin=8, contrast="never").prepare([image])
    assert stack.shape == (1, 3, 63, 63)
    inside = stack[0, :, 1:-1, 1:-1]
    for channel, shade in enumerate([1.0, 0.2, 0.0]):
        assert inside[channel] == pytest.approx(shade, abs=1e-6)


def test_matching_looks_at_local_contrast_and_detection_at_colours(tmp_path: Path) -> None:
    pictures = specimens.ordinary(bare=2)
    for truth, mean in (("identities", 0.0), ("tattoo", 0.6)):
        one, loaded = alexnet_svm(**TINY), alexnet_svm(**TINY)
        one.fit(only(pictures, truth))
        place = tmp_path / truth
        place.mkdir()
        one.save(place)
        loaded.load(place)
        stack = loaded.prepare(pictures.images)
        assert np.array_equal(stack, one.prepare(pictures.images))
        assert stack.mean() == pytest.approx(mean, abs=0.1), truth
        assert bool((stack[:, 0] == stack[:, 2]).all()) is (truth == "identities")


def test_training_takes_every_crop_and_subtracts_the_mean_of_the_training_images() -> None:
    import torch

    cropped = sys.modules[type(alexnet_svm()).__module__]._cropped
    grid = torch.arange(16.0).reshape(1, 1, 4, 4).repeat(200, 3, 1, 1)
    torch.manual_seed(0)
    cuts = cropped(grid, 3)
    assert cuts.shape == (200, 3, 3, 3)
    assert set(cuts[:, 0, 0, 0].tolist()) == {0.0, 1.0, 4.0, 5.0}
    assert torch.equal(cuts[:, :, 1, 1], cuts[:, :, 0, 0] + 5)
    images = [np.full((70, 70, 3), shade, np.uint8) for shade in (0, 51, 102, 255)]
    one = alexnet_svm(**{**TINY, "iterations": 0})
    one.fit(TrainingSet(images, tattoo=np.array([True, True, False, False])))
    assert one.network_.mean.flatten().tolist() == pytest.approx([0.4] * 3)


def test_one_seed_makes_one_model_whatever_the_global_generator_does() -> None:
    import torch

    pictures = specimens.ordinary()
    rows = []
    for seed, elsewhere in ((1, 10), (1, 11), (2, 10)):
        torch.manual_seed(elsewhere)
        one = alexnet_svm(**TINY, seed=seed)
        one.fit(only(pictures, "tattoo"))
        rows.append(np.array(one.extract_batch(pictures.images)))
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_without_weights_the_preset_says_where_they_come_from() -> None:
    one = alexnet_svm(**{**TINY, "start": "imagenet"})
    with pytest.raises(UsageError, match=r"weights=FILE.*network=torchvision.*start=random"):
        one.fit(specimens.ordinary().training_set())


def test_weights_that_would_not_be_used_are_refused() -> None:
    one = alexnet_svm(**TINY, weights="bvlc.safetensors")
    with pytest.raises(UsageError, match="would not be used"):
        one.fit(specimens.ordinary().training_set())


def test_a_file_of_weights_is_where_training_starts(tmp_path: Path) -> None:
    from harness.training.weights import save_weights

    file = tmp_path / "start.safetensors"
    save_weights(alexnet_svm(**TINY, seed=9).build(), file)
    untrained = {**TINY, "iterations": 0}
    pictures = specimens.ordinary()
    one = alexnet_svm(**untrained, start="imagenet", weights=str(file))
    one.fit(only(pictures, "tattoo"))
    other = alexnet_svm(**untrained, seed=9)
    other.fit(only(pictures, "tattoo"))
    assert np.array_equal(one.network_.fc7.weight.detach(), other.network_.fc7.weight.detach())


def test_a_damaged_svm_is_refused(tmp_path: Path) -> None:
    one = alexnet_svm(**TINY)
    one.fit(only(specimens.ordinary(), "tattoo"))
    one.save(tmp_path)
    (tmp_path / "svm.safetensors").write_bytes(b"half")
    with pytest.raises(Damaged, match="cannot read the SVM"):
        alexnet_svm(**TINY).load(tmp_path)


@pytest.mark.slow
def test_torchvisions_network_trains_too() -> None:
    pictures = specimens.ordinary(drawings=3, pictures=2, bare=4)
    parameters = {**TINY, "iterations": 1, "network": "torchvision"}
    one, same = alexnet_svm(**parameters), alexnet_svm(**parameters)
    one.fit(only(pictures, "tattoo"))
    same.fit(only(pictures, "tattoo"))
    assert np.array(one.extract_batch(pictures.images)).shape == (10, 4096)
    assert one.detect_batch(pictures.images) == same.detect_batch(pictures.images)


@pytest.mark.slow
def test_a_short_fit_tells_drawings_it_has_not_seen_from_bare_skin() -> None:
    one = alexnet_svm(size=63, width=0.1, iterations=40, step=30, batch_size=32)
    one.fit(only(specimens.ordinary(drawings=20, pictures=2, bare=40), "tattoo"))
    unseen = specimens.ordinary(drawings=20, pictures=1, bare=20, seed=9)
    right = (np.array(one.detect_batch(unseen.images)) >= 0.5) == unseen.tattoo
    assert right.mean() >= 0.9
