"""The descent: draw a batch, take its loss, step; say once a second how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from harness.api import Progress
from harness.training.schedules import Schedule, set_rate
from harness.training.seeding import generator as generator


def descend(
    batch_loss: Callable[[], Tensor],
    optimiser: torch.optim.Optimizer,
    policy: Schedule,
    iterations: int,
    progress: Progress,
) -> float:
    """Take `iterations` steps down the loss.

    Parameters
    ----------
    batch_loss
        Draws the next batch and returns its loss, a scalar with gradient.
    optimiser
        Made by `harness.training.schedules.solver`.
    policy
        Learning rate of each iteration.
    iterations
        Number of steps.
    progress
        Called as ``progress(done, total, "loss 0.123")`` about once a second and at the end.

    Returns
    -------
    float
        Loss of the last batch; NaN without iterations.

    Raises
    ------
    ArithmeticError
        If the loss is no longer finite: nothing that was learned can be used then.
    """
    loss = float("nan")
    told = time.monotonic()
    for done in range(1, iterations + 1):
        rate = policy.at(done - 1)
        set_rate(optimiser, rate)
        optimiser.zero_grad(set_to_none=True)
        value = batch_loss()
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        loss = value.item()
        if not torch.isfinite(value):
            raise ArithmeticError(
                f"training diverged: the loss of iteration {done} is {loss} at a learning rate of "
                f"{rate:g}; use a lower one"
            )
        if done == iterations or time.monotonic() - told >= 1:
            told = time.monotonic()
            progress(done, iterations, f"loss {loss:.3g}")
    return loss
