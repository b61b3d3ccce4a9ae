"""The descent of the training toolkit beside bare torch loops over the same batches."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import peer
from benchmarks.timing import Contender, Timing, absent, race


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
    steps, count = (2, 8) if quick else (30, 32)
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
        rows = torch.from_numpy(order.batch(step, count)[share])
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
    title = (
        f"Training: {steps} steps of {count} images of 64x64, one thread; seconds beside a bare "
        "loop"
    )
    return title, race(contenders, "bare torch loop", turns)


def coloured(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race fits in colour, on CUDA where there is one, with colours and warps of every image.

    The bar is at least .9 of the pace of a bare loop with kornia's augmentation: a ratio of 1.11 or
    less.
    """
    import torch
    from torch import Tensor

    from harness.training import curves
    from harness.training.augmentation import ColourJitter, warped
    from harness.training.backbones import backbone
    from harness.training.descent import Descent
    from harness.training.engine import Devices
    from harness.training.losses import ArcFace
    from harness.training.objectives import ArcFaceObjective
    from harness.training.sampling import Stream
    from harness.training.schedules import Constant, solver
    from harness.training.seeding import generator

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name, size, count = (
        ("resnet101", 224, 128) if device == "cuda" else ("small", 64, 8 if quick else 32)
    )
    steps = 2 if quick else 40 if device == "cuda" else 15
    images = torch.randint(
        256, (8 * count, 3, size, size), dtype=torch.uint8, generator=generator(0)
    )
    labels = torch.from_numpy(np.arange(8 * count, dtype=np.int64) // 4)
    order = Stream(8 * count, seed=0)

    def ours(batch: Tensor) -> Tensor:
        return warped(ColourJitter()(batch.float() / 255), 1.0) - 0.5

    def objective(change: Callable[[Tensor], Tensor]) -> ArcFaceObjective:
        network = backbone(name, 512, size=size, width=16)
        return ArcFaceObjective(network, ArcFace(512, 2 * count, generator=generator(1)), change)

    def batch(step: int, share: slice) -> tuple[Tensor, ...]:
        rows = torch.from_numpy(order.batch(step, count)[share])
        return images[rows], labels[rows]

    def bare(change: Callable[[Tensor], Tensor]) -> float:
        one = objective(change).train().to(device)
        optimiser = torch.optim.Adam(one.parameters(), lr=1e-3, fused=True)
        for step in range(steps):
            optimiser.zero_grad(set_to_none=True)
            loss = one(*(part.to(device) for part in batch(step, slice(None))))
            loss.backward()
            optimiser.step()
        return float(loss.item())

    def descended() -> curves.Curve:
        one = objective(ours)
        optimiser = solver(one, "adam", bias_multiplier=1.0)
        devices = Devices(device)
        return Descent(
            one, batch, optimiser, Constant(1e-3), steps, devices=devices, ahead=True
        ).run()

    def used(curve: curves.Curve) -> str:
        shares = {name: curve[name] for name in (curves.COMPUTING, curves.BUSY) if name in curve}
        return ", ".join(
            f"{name} {np.mean([v for v in column if v is not None]):.2f}"
            for name, column in shares.items()
        )

    contenders: dict[str, Contender] = {}
    kornia: Any = peer("kornia.augmentation")
    if not isinstance(kornia, str):
        jitter = kornia.ColorJitter((0.5, 1.5), (0.0, 2.0), (0.5, 1.5), (-0.1, 0.1), p=1.0)
        affine = kornia.RandomAffine(
            15, (0.1, 0.1), (0.8, 1.2), padding_mode="border", p=1.0, align_corners=False
        )

        def theirs(batch: Tensor) -> Tensor:
            changed: Tensor = affine(jitter(batch.float() / 255)) - 0.5
            return changed

        contenders["bare loop, kornia's changes"] = Contender(lambda: bare(theirs))
    contenders |= {
        "bare loop, our changes": Contender(lambda: bare(ours)),
        "Descent, our changes": Contender(descended, used),
    }
    title = (
        f"Training in colour: {steps} steps of {count} images of {size}x{size}, {name}, {device}; "
        "at least .9 of the pace of the first is a ratio of 1.11 or less"
    )
    lines = race(contenders, next(iter(contenders)), turns)
    if isinstance(kornia, str):
        lines.append(absent("bare loop, kornia's changes", kornia))
    return title, lines
