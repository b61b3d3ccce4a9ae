"""arcface: the paper's preset, what it does with odd training sets, and that it learns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import TrainingSet
from harness.conformance import check, specimens
from harness.errors import Damaged, UsageError
from harness.plugins import registry
from harness.plugins.description import describe

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


def test_a_neck_gives_every_feature_one_mean_and_spread_and_comes_back(tmp_path: Path) -> None:
    pictures = specimens.ordinary(drawings=8, pictures=3, bare=0)
    one = fitted(pictures.training_set(), neck=True, iterations=4)
    norm = list(one.network_.children())[-1]
    assert isinstance(norm, torch.nn.BatchNorm1d)
    assert torch.equal(norm.bias, torch.zeros(16))
    assert not torch.equal(norm.weight, torch.ones(16))
    one.save(tmp_path)
    again = ARCFACE(**{**TINY, "neck": True})
    again.load(tmp_path)
    assert np.array_equal(
        np.array(one.extract_batch(pictures.images)), np.array(again.extract_batch(pictures.images))
    )


def test_running_statistics_follow_batches_as_fast_as_is_asked_for() -> None:
    """With a share of 1 they are those of the last batch: of features that were normalised."""
    pictures = specimens.ordinary(drawings=8, pictures=3, bare=0)
    means = []
    for share in (0.0, 1.0):
        one = fitted(pictures.training_set(), statistics=share, iterations=1, learning_rate=0.0)
        means.append(one.network_.stem[1].running_mean)
    # torch's own share is .1, and the statistics begin at 0.
    torch.testing.assert_close(means[0], 0.1 * means[1])


def test_the_preset_for_networks_from_nothing_fits_one_in_colour() -> None:
    pictures = specimens.ordinary(drawings=4, pictures=2, bare=0)
    preset = ARCFACE.presets["scratch"]
    one = fitted(pictures.training_set(), **{**preset, "iterations": 1, "features": 16})
    norms = [m for m in one.network_.modules() if hasattr(m, "running_mean")]
    assert len(norms) > 30
    assert {norm.momentum for norm in norms} == {0.1}
    assert np.isfinite(np.array(one.extract_batch(pictures.images))).all()


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


def test_it_starts_from_a_network_of_timm_and_a_step_changes_it(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="extra [timm]")
    start = timm.create_model("test_resnet").state_dict()
    torch.save(start, tmp_path / "net.pth")
    given = {"backbone": "timm:test_resnet", "weights": str(tmp_path / "net.pth")}
    one = fitted(specimens.ordinary().training_set(), **given, iterations=1, contrast=False)
    learned = one.network_.network.state_dict()
    for name in ("conv1.0.weight", "layer4.0.bn2.weight"):
        changed = (learned[name] - start[name]).abs().max().item()
        assert 0 < changed < 0.01, name  # Adam moves a weight by about the rate, 2e-3
    one.save(tmp_path)
    again = ARCFACE(**{**TINY, **given, "contrast": False})
    again.load(tmp_path)
    pictures = specimens.ordinary().images[:3]
    assert np.array_equal(again.extract_batch(pictures), one.extract_batch(pictures))


def test_missing_weights_are_said_before_anything_runs() -> None:
    assert describe(ARCFACE).files == {}
    with pytest.raises(UsageError, match="torchvision has no network 'resnet5O'"):
        describe(ARCFACE, assignments={"backbone": "resnet5O"})


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


def test_poses_are_identities_of_their_own_and_cost_no_picture() -> None:
    train = specimens.ordinary().training_set()
    plain, posed = (fitted(train, poses=n, scale=0.1, margin=0.0) for n in (1, 4))
    assert len(plain.learning_curve_["iteration"]) == len(posed.learning_curve_["iteration"])
    # At so small a scale the loss is that of guessing among the classes.
    first = [one.learning_curve_["loss"][0] for one in (plain, posed)]
    assert first[1] - first[0] == pytest.approx(math.log(4), abs=0.1)


def test_the_embedding_of_several_views_is_the_direction_of_their_mean() -> None:
    from harness.training.augmentation import views

    pictures = specimens.ordinary()
    one = fitted(pictures.training_set())
    prepared = torch.from_numpy(one.prepare(pictures.images[:3]))
    with torch.inference_mode():
        rows = np.mean([one.describe(one.network_, v).numpy() for v in views(prepared, 5)], axis=0)
    expected = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    one.views = 5
    np.testing.assert_allclose(one.extract_batch(pictures.images[:3]), expected, atol=1e-5)


def drawn_set() -> TrainingSet:
    shown = specimens.ordinary().training_set()
    return TrainingSet(
        shown.images, identities=shown.identities, drawn=shown.drawn, progress=lambda *_: None
    )


def test_a_killed_fit_of_fresh_identities_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    fresh = {"fresh": 4, "again": 1, "each": 2, "alike": 2, "iterations": 12, "curriculum": 0.5}
    straight = fitted(drawn_set(), **fresh)

    class Killed(Exception):
        pass

    def kill(done: int, total: int, note: str) -> None:
        if done >= 7:
            raise Killed

    broken = drawn_set()
    broken.checkpoints, broken.progress = tmp_path, kill
    with every_step_saved(), pytest.raises(Killed):
        fitted(broken, **fresh)
    assert list(tmp_path.iterdir())
    again = drawn_set()
    again.checkpoints = tmp_path
    weights = fitted(again, **fresh).network_.state_dict()
    for name, value in straight.network_.state_dict().items():
        assert torch.equal(value, weights[name])


@contextmanager
def every_step_saved() -> Iterator[None]:
    """Have a checkpoint written, and progress told, after every step."""
    with pytest.MonkeyPatch.context() as patch:
        ticks = itertools.count(step=100.0)
        patch.setattr("harness.training.descent.time.monotonic", lambda: next(ticks))
        yield


def test_fresh_identities_need_a_set_that_is_drawn() -> None:
    shown = specimens.ordinary().training_set()
    plain = TrainingSet(shown.images, identities=shown.identities)
    with pytest.raises(UsageError, match="--train-data recipe:drawn"):
        fitted(plain, fresh=4)
    with pytest.raises(UsageError, match="validation=0"):
        fitted(drawn_set(), fresh=4, validation=0.2)
