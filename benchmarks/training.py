"""The descent of the training toolkit beside a bare torch loop over the same batches."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.timing import Contender, Timing, race


def descent(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race fits of the small ArcFace network, batches and augmentation included."""
    import torch
    from torch import Tensor

    from harness.training.augmentation import parts, redrawn, warped
    from harness.training.backbones import Small
    from harness.training.descent import Descent
    from harness.training.losses import ArcFace
    from harness.training.objectives import ArcFaceObjective
    from harness.training.sampling import Stream
    from harness.training.schedules import Constant, solver
    from harness.training.seeding import generator

    # As in a worker: one thread, and what is timed is one processor's time.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    steps = 3 if quick else 30
    images = torch.rand(256, 1, 64, 64, generator=generator(0)) - 0.5
    labels = torch.from_numpy(np.arange(256, dtype=np.int64) // 4)
    order = Stream(256, seed=0)

    def change(batch: Tensor) -> Tensor:
        return redrawn(parts(warped(batch, 1.0), 0.5), 0.3) * 4

    def objective() -> ArcFaceObjective:
        torch.manual_seed(0)
        network = Small(1, 512, width=16).to(memory_format=torch.channels_last)
        return ArcFaceObjective(network, ArcFace(512, 64, generator=generator(1)), change)

    def batch(step: int, share: slice) -> tuple[Tensor, ...]:
        rows = torch.from_numpy(order.batch(step, 32)[share])
        return images[rows], labels[rows]

    def bare() -> float:
        one = objective().train()
        optimiser = torch.optim.Adam(one.parameters(), lr=1e-3, fused=True)
        torch.manual_seed(0)
        for step in range(steps):
            optimiser.zero_grad(set_to_none=True)
            loss = one(*batch(step, slice(None)))
            loss.backward()
            optimiser.step()
        return float(loss.item())

    def ours(checkpoints: Path | None = None) -> float:
        one = objective()
        optimiser = solver(one, "adam", bias_multiplier=1.0)
        curve = Descent(one, batch, optimiser, Constant(1e-3), steps, checkpoints=checkpoints).run()
        return float(curve["loss"][-1] or 0)

    def with_checkpoints() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return ours(Path(folder))

    contenders = {
        "bare torch loop": Contender(bare),
        "Descent": Contender(ours),
        "Descent, with a place for checkpoints": Contender(with_checkpoints),
    }
    title = f"Training: {steps} steps of 32 images of 64x64, one thread; seconds beside a bare loop"
    return title, race(contenders, "bare torch loop", turns)
