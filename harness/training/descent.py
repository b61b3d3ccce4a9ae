"""The descent: draw a batch, take its loss, step; validate, remember the best, go on after a kill.

All that is random in a step follows from the seed and the step's number, so that a fit that goes
on from its checkpoint ends with the weights of one that was never interrupted, to the bit (with
the same number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from harness.api import Progress
from harness.training import checkpoints, curves
from harness.training.engine import Devices, Engine, launch
from harness.training.feeding import Batch, Feed
from harness.training.schedules import Schedule, set_rate
from harness.training.seeding import seed_step

_RECORDS = 500
"""Rows of the learning curve over a whole fit, about."""


@dataclass(frozen=True)
class Validation:
    """What says how good the weights are, on images that were not learned from.

    Parameters
    ----------
    measure
        Called with the device; takes the objective as it is, and returns a number; lower is better.
    every
        Iterations between two measurements; the last iteration is measured, too.
    patience
        Measurements without a new lowest one after which the fit ends early; 0 never.
    name
        Column of the learning curve.
    """

    measure: Callable[[torch.device], float]
    every: int
    patience: int = 0
    name: str = "validation EER"


@dataclass(frozen=True)
class Descent:
    """How an objective is learned.

    Parameters
    ----------
    objective
        Called with a batch, returns its loss, a scalar. Augmentation, too, belongs into it: its
        draws from torch's global generator follow from the seed and the step.
    batch
        Called with the step (from 0) and a slice; returns the slice of the step's examples as
        tensors whose first dimension is examples. With several devices each asks for its own share.
    ahead
        Draw the next batch in a thread while a step is computed: for a `batch` that draws nothing
        from torch's global generators and changes nothing that the objective looks at.
    begin
        Called with the number of every step before it: for what changes with it, such as a margin.
    optimiser
        Made by `harness.training.schedules.solver`, or any other.
    schedule
        Learning rate of each step, multiplied by a group's ``multiplier`` if it has one.
    iterations
        Steps.
    seed
        Of everything random.
    devices
        Which, how many, and with which precision.
    clip
        Greatest norm of all gradients together, applied after they are computed; 0 for none.
    validation
        Without it the last weights are kept; with it those of the lowest measurement.
    checkpoints
        Folder to leave checkpoints in and to go on from; none are written without it.
    seconds
        Between two checkpoints.
    progress
        Called about once a second as ``progress(done, total, "loss 0.12, rate 0.001")``.
    """

    objective: nn.Module
    batch: Callable[[int, slice], Batch]
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    iterations: int
    seed: int = 0
    devices: Devices = field(default_factory=Devices)
    clip: float = 0.0
    validation: Validation | None = None
    checkpoints: Path | None = None
    seconds: float = 60.0
    progress: Progress = lambda done, total, note: None
    ahead: bool = False
    begin: Callable[[int], None] = lambda step: None

    def run(self) -> curves.Curve:
        """Learn; the objective has the weights to keep afterwards, on the CPU.

        Returns
        -------
        dict
            The learning curve: columns ``iteration``, ``loss``, ``rate``, the validation's, and
            `harness.training.curves.TIMES`.

        Raises
        ------
        ArithmeticError
            If the loss is no longer finite: nothing that was learned can be used then.
        Damaged
            If the checkpoint cannot be read or is of another network.
        """
        if self.devices.count == 1:
            with torch.random.fork_rng(devices=_accelerators()):
                curve, _ = launch(self.devices, lambda engine: _Run(self, engine).learn())
        else:
            # Learned in other processes, so the weights have to be copied back.
            curve, state = launch(self.devices, lambda engine: _Run(self, engine).learn())
            self.objective.load_state_dict({n: torch.from_numpy(v) for n, v in state.items()})
        self.objective.cpu()
        return curve


@dataclass
class _State:
    """What a checkpoint has to hold beside weights and momenta."""

    step: int = 0
    best: float | None = None
    best_at: int = 0
    since_best: int = 0
    stopped: bool = False
    curve: curves.Curve = field(default_factory=dict)
    window: list[float] = field(default_factory=list)
    """Losses since the last row of the curve."""


class _Run:
    """One process of a descent."""

    def __init__(self, descent: Descent, engine: Engine) -> None:
        self.descent, self.engine = descent, engine
        self.objective = descent.objective.to(engine.device).train()
        self.optimiser = descent.optimiser
        self.state = _State()
        self.kept: dict[str, Tensor] = {}
        self._restore()
        self.prepared, self.stepped = engine.prepared(self.objective, self.optimiser)
        self.losses: list[Tensor] = []
        self.reported_at = self.saved = time.monotonic()
        self.every = max(1, descent.iterations // _RECORDS)
        self.feed = Feed(
            lambda step: descent.batch(step, engine.share),
            engine.device,
            descent.iterations,
            ahead=descent.ahead,
        )
        self.use: dict[str, float] = {}

    def learn(self) -> tuple[curves.Curve, dict[str, npt.NDArray[Any]]]:
        """Take all steps that are missing; return the curve and the weights to keep.

        As arrays: tensors sent from a process would vanish with it.
        """
        with self.feed:
            self._learn()
        if self.kept:
            self.objective.load_state_dict(self.kept)
        weights = self.objective.state_dict()
        return self.state.curve, {name: value.cpu().numpy() for name, value in weights.items()}

    def _learn(self) -> None:
        descent, state = self.descent, self.state
        while state.step < descent.iterations and not state.stopped:
            self._step(state.step)
            state.step += 1
            last = state.step == descent.iterations
            now = time.monotonic()
            if last or state.step % self.every == 0 or now - self.reported_at >= 1:
                self._record(last, now)
            if descent.validation and (last or state.step % descent.validation.every == 0):
                self._record(last, now)
                self._validate(descent.validation)
            # Every process has to come to the same decision, so only the first looks at its clock.
            if (
                descent.checkpoints
                and self.engine.rank == 0
                and now - self.saved >= descent.seconds
            ):
                self._record(last, now)
                self._save()
        if state.stopped and self.engine.rank == 0:
            total, best = descent.iterations, state.best_at
            descent.progress(total, total, f"stopped after {state.step}, best at {best}")

    def _step(self, step: int) -> None:
        descent = self.descent
        seed_step(descent.seed, step, self.engine.rank)
        rate = descent.schedule.at(step)
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad(set_to_none=True)
        descent.begin(step)
        batch = self.feed.take(step)
        with self.feed.computing():
            with self.engine.precision():
                loss = self.prepared(*batch)
            self.engine.backward(loss)
            if descent.clip:
                nn.utils.clip_grad_norm_(self.objective.parameters(), descent.clip)
            self.stepped.step()
        # Looked at later: on an accelerator, asking for a number waits for all that comes before.
        self.losses.append(loss.detach())

    def _record(self, last: bool, now: float) -> None:
        state, descent = self.state, self.descent
        if not self.losses:
            return
        losses = torch.stack(self.losses).float().cpu()
        self.losses = []
        rate = descent.schedule.at(state.step - 1)
        broken = (~torch.isfinite(losses)).nonzero()
        if len(broken):
            at = state.step - len(losses) + int(broken[0]) + 1
            raise ArithmeticError(
                f"training diverged: the loss of iteration {at} is {losses[broken[0]].item()} at a "
                f"learning rate of {descent.schedule.at(at - 1):g}; use a lower one"
            )
        state.window += losses.tolist()
        if last or state.step % self.every == 0:
            mean = math.fsum(state.window) / len(state.window)
            self.use = self.feed.use(descent.devices.count)
            curves.add(state.curve, state.step, loss=mean, rate=rate, **self.use)
            state.window = []
        if self.engine.rank == 0 and (last or now - self.reported_at >= 1):
            self.reported_at = now
            note = f"loss {losses[-1].item():.3g}, rate {rate:.2g}"
            if self.use:
                pace, computing = self.use[curves.PACE], self.use[curves.COMPUTING]
                note += f", {pace:.3g} examples/s, {computing:.0%} computing"
            if state.best is not None and descent.validation:
                note += f", best {descent.validation.name} {state.best:.3g}"
            descent.progress(state.step, descent.iterations, note)

    def _validate(self, validation: Validation) -> None:
        state, value = self.state, 0.0
        if self.engine.rank == 0:
            self.objective.eval()
            value = validation.measure(self.engine.device)
            self.objective.train()
        value = self.engine.from_first(value)
        curves.add(state.curve, state.step, **{validation.name: value})
        if state.best is None or value < state.best:
            state.best, state.best_at, state.since_best = value, state.step, 0
            self.kept = {n: v.detach().clone() for n, v in self.objective.state_dict().items()}
        else:
            state.since_best += 1
            state.stopped = bool(validation.patience) and state.since_best >= validation.patience

    def _save(self) -> None:
        if self.descent.checkpoints is None:
            return
        tensors = {
            **checkpoints.module_tensors(self.objective, "objective"),
            **checkpoints.optimiser_tensors(self.optimiser, "optimiser"),
            **{f"kept/{name}": value for name, value in self.kept.items()},
        }
        checkpoints.save_checkpoint(self.descent.checkpoints, tensors, vars(self.state))
        self.saved = time.monotonic()

    def _restore(self) -> None:
        if self.descent.checkpoints is None:
            return
        found = checkpoints.load_checkpoint(self.descent.checkpoints)
        if found is None:
            return
        tensors, facts = found
        checkpoints.restore_module(self.objective, tensors, "objective")
        checkpoints.restore_optimiser(self.optimiser, tensors, "optimiser")
        self.kept = {
            name.removeprefix("kept/"): value
            for name, value in tensors.items()
            if name.startswith("kept/")
        }
        self.state = _State(**facts)


def _accelerators() -> list[Any]:
    return list(range(torch.cuda.device_count()))
