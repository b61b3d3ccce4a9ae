"""The descent: the best weights are kept, a killed fit goes on to the same bits, devices agree."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.errors import Damaged, UsageError
from harness.training.checkpoints import FILE, load_checkpoint, save_checkpoint
from harness.training.curves import COMPUTING, PACE, TIMES, Curve
from harness.training.descent import Descent, Validation
from harness.training.engine import Devices
from harness.training.feeding import Batch
from harness.training.sampling import Stream
from harness.training.schedules import Constant, StepPolicy, solver
from harness.training.seeding import generator, seed_step


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Bits of fits are compared here, and they depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Guess(nn.Module):
    """Learns y from x by a small network with everything that is random or remembered."""

    def __init__(self, drop: float = 0.3, norm: bool = True) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 16),
            nn.BatchNorm1d(16) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(drop),
            nn.Linear(16, 1),
        )
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(std=0.3, generator=generator(parameter.numel()))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        loss: Tensor = (self.layers(x).squeeze(1) - y).square().mean()
        return loss


X = torch.randn(50, 4, generator=generator(1))
Y = X[:, 0] * X[:, 1] + X[:, 2]


def batch(step: int, share: slice) -> Batch:
    rows = torch.from_numpy(Stream(len(X), seed=5).batch(step, 8)[share])
    return X[rows], Y[rows]


def descent(**given: Any) -> Descent:
    objective = given.pop("objective", None) or Guess()
    kind = given.pop("kind", "adam")
    usual: dict[str, Any] = {
        "batch": batch,
        "optimiser": solver(objective, kind),
        "schedule": StepPolicy(0.02, 10, 0.5),
        "iterations": 30,
        "seed": 3,
    }
    return Descent(objective, **{**usual, **given})


def weights(one: Descent) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in one.objective.state_dict().items()}


def alike(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, right[name]) for name, value in left.items())


def untimed(curve: Curve) -> Curve:
    """Without what differs from one fit to its repetition."""
    return {name: column for name, column in curve.items() if name not in TIMES}


def killed_at(step: int) -> Callable[[int, slice], Batch]:
    def draw(now: int, share: slice) -> Batch:
        if now == step:
            raise KeyboardInterrupt
        return batch(now, share)

    return draw


def test_a_descent_does_what_a_bare_loop_does() -> None:
    one = descent()
    one.run()
    other = Guess()
    optimiser = torch.optim.Adam(
        [
            {"params": [p for n, p in other.named_parameters() if n.endswith("weight")], "k": 1},
            {"params": [p for n, p in other.named_parameters() if n.endswith("bias")], "k": 2},
        ],
        betas=(0.9, 0.999),
        fused=True,
    )
    for step in range(30):
        seed_step(3, step)
        for group in optimiser.param_groups:
            group["lr"] = 0.02 * 0.5 ** (step // 10) * group["k"]
        optimiser.zero_grad()
        other(*batch(step, slice(None))).backward()
        optimiser.step()
    assert alike(weights(one), other.state_dict())


def test_one_seed_makes_one_model_and_another_seed_another() -> None:
    models = []
    for seed in (3, 3, 4):
        torch.rand(7)  # what others draw must not matter
        one = descent(seed=seed)
        one.run()
        models.append(weights(one))
    assert alike(models[0], models[1])
    assert not alike(models[0], models[2])


def test_torchs_own_random_numbers_go_on_as_if_nothing_had_been_learned() -> None:
    one = descent(iterations=2)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one.run()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("step", [1, 17, 29])
def test_an_interrupted_fit_goes_on_to_the_same_bits(kind: str, step: int, tmp_path: Path) -> None:
    whole = descent(kind=kind)
    curve = whole.run()
    given: dict[str, Any] = {"kind": kind, "checkpoints": tmp_path, "seconds": 0.0}
    with pytest.raises(KeyboardInterrupt):
        descent(batch=killed_at(step), **given).run()
    again = descent(batch=after(step, batch), **given)
    assert untimed(again.run()) == untimed(curve)
    assert alike(weights(whole), weights(again))


def after(step: int, draw: Callable[[int, slice], Batch]) -> Callable[[int, slice], Batch]:
    """Refuse to draw what was learned from already."""

    def checked(now: int, share: slice) -> Batch:
        assert now >= step
        return draw(now, share)

    return checked


def test_the_best_weights_and_the_patience_outlive_an_interruption(tmp_path: Path) -> None:
    """Validation numbers are known: best at the third of six, stopped after two worse ones."""

    def measured(given: dict[str, Any]) -> tuple[Descent, Any]:
        one = descent(**given)
        values = {4: 0.5, 8: 0.4, 12: 0.1, 16: 0.3, 20: 0.2, 24: 0.0}
        steps = iter(sorted(values))
        seen: list[int] = []
        begun = given.get("begun", 0)

        def measure(device: torch.device) -> float:
            at = next(s for s in steps if s > begun and s not in seen)
            seen.append(at)
            return values[at]

        return replace(one, validation=Validation(measure, every=4, patience=2)), seen

    whole, seen = measured({})
    curve = whole.run()
    assert seen == [4, 8, 12, 16, 20]
    third = descent(iterations=12)
    third.run()
    assert alike(weights(whole), weights(third))

    given = {"checkpoints": tmp_path, "seconds": 0.0}
    cut, _ = measured({**given, "batch": killed_at(14)})
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    again = descent(**given)
    left = iter([0.3, 0.2])
    again = replace(again, validation=Validation(lambda device: next(left), every=4, patience=2))
    assert untimed(again.run()) == untimed(curve)
    assert alike(weights(whole), weights(again))


def test_the_curve_has_losses_rates_and_validation() -> None:
    numbers = iter([0.5, 0.25, 0.75])
    curve = descent(validation=Validation(lambda device: next(numbers), every=12)).run()
    assert curve["iteration"] == list(range(1, 31))
    assert curve["rate"][9:11] == [0.02, 0.01]
    found = {i: v for i, v in zip(curve["iteration"], curve["validation EER"], strict=True) if v}
    assert found == {12: 0.5, 24: 0.25, 30: 0.75}
    assert np.mean(curve["loss"][-5:]) < np.mean(curve["loss"][:5])  # type: ignore[arg-type]


def test_a_curve_of_a_long_fit_has_means_of_losses() -> None:
    still = {"iterations": 1500, "schedule": Constant(0.0), "objective": Guess(0.0, norm=False)}
    curve = descent(**still).run()
    assert curve["iteration"][:3] == [3, 6, 9]
    frozen = Guess(0.0, norm=False)
    expected = np.mean([frozen(*batch(step, slice(None))).item() for step in range(3)])
    assert curve["loss"][0] == pytest.approx(expected)


def test_gradients_are_clipped_after_they_are_computed() -> None:
    """One step of SGD at rate 1 moves all weights by the clipped norm together."""
    one = descent(
        objective=Guess(0.0, norm=False),
        kind="sgd",
        iterations=1,
        schedule=Constant(1.0),
        clip=0.01,
    )
    one.optimiser.param_groups[1]["multiplier"] = 1.0
    before = weights(one)
    one.run()
    moved = [(value - before[name]).square().sum() for name, value in weights(one).items()]
    assert sum(moved).sqrt().item() == pytest.approx(0.01, rel=1e-4)  # type: ignore[union-attr]


def test_a_diverging_fit_stops_and_names_the_iteration() -> None:
    def draw(step: int, share: slice) -> Batch:
        x, y = batch(step, share)
        return x, y * (float("inf") if step == 6 else 1)

    with pytest.raises(ArithmeticError, match="the loss of iteration 7 is inf at .* 0.02; use"):
        descent(batch=draw).run()


def test_progress_has_loss_rate_and_the_best_validation() -> None:
    told: list[tuple[int, int, str]] = []
    descent(
        validation=Validation(lambda device: 0.125, every=10),
        progress=lambda *said: told.append(said),
    ).run()
    done, total, note = told[-1]
    assert (done, total) == (30, 30)
    assert note.startswith("loss ")
    assert re.search(r", rate 0.005, [0-9.e+]+ examples/s, \d+% computing, best .*R 0.125$", note)


def test_bfloat16_learns_about_the_same_in_coarser_steps() -> None:
    fine = descent(kind="sgd", iterations=5)
    coarse = descent(kind="sgd", iterations=5, devices=Devices(precision="bfloat16"))
    fine.run()
    coarse.run()
    assert not alike(weights(fine), weights(coarse))
    for name, value in weights(fine).items():
        assert torch.allclose(value.float(), weights(coarse)[name].float(), atol=0.1), name
    assert all(value.dtype != torch.bfloat16 for value in weights(coarse).values())


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Each takes every second example of a batch; without batch statistics the mean is the same."""
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import torch; torch.set_num_threads(1)
from tests.training.test_descent import Guess, descent, weights, Devices, Validation
from safetensors.torch import save_file
two = descent(objective=Guess(0.0, norm=False), devices=Devices(count=2),
              validation=Validation(lambda device: 0.5, every=10))
curve = two.run()
assert curve["validation EER"].count(0.5) == 3, curve
save_file(weights(two), {str(tmp_path / "two.safetensors")!r})
"""
    from safetensors.torch import load_file

    one = descent(
        objective=Guess(0.0, norm=False), validation=Validation(lambda device: 0.5, every=10)
    )
    assert one.run()["validation EER"].count(0.5) == 3
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
    models = [weights(one), load_file(tmp_path / "two.safetensors")]
    start = Guess(0.0, norm=False).state_dict()
    for name, value in models[0].items():
        assert torch.allclose(value, models[1][name], atol=1e-5), name
        assert not torch.equal(value, start[name])


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (Devices(device="mps"), "no device 'mps' here; there is: cpu"),
        (Devices(device="abacus"), "no device 'abacus' here"),
        (Devices(precision="float8"), "unknown precision 'float8'; known: float32, bfloat16"),
    ],
)
def test_what_the_machine_does_not_have_is_refused(devices: Devices, message: str) -> None:
    if devices.device == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(UsageError, match=message):
        descent(devices=devices).run()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        descent(batch=killed_at(3), checkpoints=tmp_path, seconds=0.0).run()
    with pytest.raises(Damaged, match="another network; delete"):
        descent(objective=Guess(norm=False), checkpoints=tmp_path).run()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickle", b"\xff" * 100])
def test_a_checkpoint_that_is_none_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(Damaged, match=r"cannot read the checkpoint .*delete it"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_replaces_the_one_before_in_one_step(tmp_path: Path) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path / "new", {"a": torch.arange(step)}, {"step": step, "x": [0.1]})
    tensors, facts = load_checkpoint(tmp_path / "new") or ({}, {})
    assert tensors["a"].tolist() == [0, 1]
    assert facts == {"step": 2, "x": [0.1]}
    assert [file.name for file in (tmp_path / "new").iterdir()] == [FILE]
    assert load_checkpoint(tmp_path / "none") is None


@pytest.mark.slow
def test_a_fit_killed_by_the_system_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    code = f"""
import os, sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import torch; torch.set_num_threads(1)
from pathlib import Path
from tests.training.test_descent import batch, descent
def draw(step, share):
    if step == 21:
        os.kill(os.getpid(), {int(signal.SIGKILL)})
    return batch(step, share)
descent(batch=draw, checkpoints=Path({str(tmp_path)!r}), seconds=0.0).run()
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=240, check=False)
    assert done.returncode == -signal.SIGKILL
    whole, again = descent(), descent(batch=after(21, batch), checkpoints=tmp_path, seconds=0.0)
    whole.run()
    again.run()
    assert alike(weights(whole), weights(again))
    assert not list(tmp_path.glob("*writing*"))


def test_batches_drawn_ahead_are_learned_from_in_the_same_order_and_to_the_same_bits() -> None:
    begun: list[int] = []
    drawn: list[int] = []

    def draw(step: int, share: slice) -> Batch:
        drawn.append(step)
        return batch(step, share)

    plain, ahead = descent(), descent(batch=draw, ahead=True, begin=begun.append)
    curve = plain.run()
    assert untimed(ahead.run()) == untimed(curve)
    assert alike(weights(plain), weights(ahead))
    assert begun == drawn == list(range(30))
    assert all(0 <= share <= 1 for share in curve[COMPUTING] if share is not None)
    assert all(pace > 0 for pace in curve[PACE] if pace is not None)


def test_what_is_wrong_with_a_batch_drawn_ahead_is_raised_at_its_step(tmp_path: Path) -> None:
    given: dict[str, Any] = {"checkpoints": tmp_path, "seconds": 0.0, "ahead": True}
    with pytest.raises(KeyboardInterrupt):
        descent(batch=killed_at(7), **given).run()
    whole, again = descent(), descent(batch=after(7, batch), **given)
    whole.run()
    again.run()
    assert alike(weights(whole), weights(again))
