"""A fit that was killed goes on to the same bits and leaves a learning curve, in every task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import TrainingSet
from harness.plugins.registry import find_algorithm, load
from harness.training.curves import TIMES

STEPS = 4
BRIEF: dict[str, dict[str, Any]] = {
    "fcn-alexnet": {"iterations": STEPS, "size": 32, "batch_size": 3, "width": 0.25},
    "inception-style": {"iterations": STEPS, "size": 32, "batch_size": 3, "width": 8},
    "unet-removal": {
        "iterations": (2, 2),
        "sizes": (32, 64),
        "size": 64,
        "batch_size": 3,
        "width": 8,
    },
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fitted(
    name: str,
    checkpoints: Path | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, note: None,
) -> Any:
    """Return an algorithm that learned from seven pictures, each with mask, clean one and tag."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (40, 36, 3), dtype=np.uint8) for _ in range(7)]
    train = TrainingSet(
        images,
        clean=images[::-1],
        masks=[image[..., 0] > 150 for image in images],
        tags=np.eye(7, 3, dtype=bool) | (np.arange(7)[:, None] % 3 == np.arange(3)),
        checkpoints=checkpoints,
        progress=progress,
    )
    algorithm = load(find_algorithm(name))(seed=3, **BRIEF[name])
    algorithm.fit(train)
    return algorithm


def weights(algorithm: Any) -> dict[str, torch.Tensor]:
    return dict(algorithm.network_.state_dict())


@pytest.mark.parametrize("name", BRIEF)
def test_a_killed_fit_goes_on_to_the_same_bits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.training import descent

    whole = fitted(name)
    assert whole.learning_curve_["iteration"] == list(range(1, STEPS + 1))
    assert all(isinstance(loss, float) for loss in whole.learning_curve_["loss"])
    saved, save = [], descent._Run._save

    class Killed(Exception):
        pass

    def save_and_die(run: Any) -> None:
        save(run)
        saved.append(run.state.step)
        raise Killed

    with monkeypatch.context() as patched:
        # Checkpoints are written once a minute: here as if one were over after each step.
        patched.setattr(descent._Run, "_save", save_and_die)
        patched.setattr(descent, "Descent", _hurried(descent.Descent))
        for _ in range(2):
            with pytest.raises(Killed):
                fitted(name, tmp_path)
    assert saved == [1, 2]
    again = fitted(name, tmp_path)
    assert weights(again).keys() == weights(whole).keys()
    assert all(torch.equal(value, weights(whole)[key]) for key, value in weights(again).items())
    for column in (whole.learning_curve_.keys() | again.learning_curve_) - set(TIMES):
        assert again.learning_curve_[column] == whole.learning_curve_[column]


def _hurried(kind: Any) -> Any:
    return lambda *given, **named: kind(*given, **named, seconds=0.0)


@pytest.mark.parametrize("name", BRIEF)
def test_its_device_is_a_parameter_and_an_answer_before_a_fit_is_refused(name: str) -> None:
    one: Any = load(find_algorithm(name))
    assert {"device", "devices", "precision"} <= one.__dataclass_fields__.keys()
    with pytest.raises(RuntimeError, match="has learned nothing yet"):
        one().trained("answering")
