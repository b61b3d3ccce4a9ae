"""Where a fit runs: one processor or accelerator, or several of them by Lightning Fabric."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from harness.errors import UsageError

T = TypeVar("T")

DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Devices:
    """What a fit may use.

    Parameters
    ----------
    device
        ``cpu``, ``cuda`` or ``mps``.
    count
        Devices of that kind. With more than one, each takes an equal share of every batch, in a
        process of its own; on the CPU these are processes (useful to try it out).
    precision
        ``float32``, or ``bfloat16``: products and convolutions in 16 bits where torch deems that
        safe (autocast), weights and losses in 32.
    """

    device: str = "cpu"
    count: int = 1
    precision: str = "float32"

    def check(self) -> None:
        """Refuse what this machine does not have.

        Raises
        ------
        UsageError
            With what there is.
        """
        # Asked through the driver's library, CUDA is not begun here, where it could not be forked.
        os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
        there = {
            "cpu": True,
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
        }
        if not there.get(self.device, False):
            usable = ", ".join(name for name, usable in there.items() if usable)
            raise UsageError(f"there is no device {self.device!r} here; there is: {usable}")
        if self.device == "cuda" and self.count > torch.cuda.device_count():
            raise UsageError(
                f"{self.count} devices were asked for; there are {torch.cuda.device_count()}"
            )
        if self.device == "mps" and self.count > 1:
            raise UsageError("there is only one device 'mps'; leave devices at 1")
        if self.precision not in PRECISIONS:
            raise UsageError(
                f"unknown precision {self.precision!r}; known: {', '.join(PRECISIONS)}"
            )


class Engine:
    """One process of a fit, and its part in the whole.

    Parameters
    ----------
    devices
        Device, count, precision.
    fabric
        Lightning Fabric after its launch, where there are several processes.
    """

    def __init__(self, devices: Devices, fabric: Any = None) -> None:
        self._devices, self._fabric = devices, fabric
        self.device: torch.device = fabric.device if fabric else torch.device(devices.device)

    @property
    def share(self) -> slice:
        """Which examples of every batch are this process's."""
        if self._fabric is None:
            return slice(None)
        return slice(self._fabric.global_rank, None, self._fabric.world_size)

    @property
    def rank(self) -> int:
        """Number of this process; 0 is the one that speaks, validates and writes."""
        return self._fabric.global_rank if self._fabric else 0

    def prepared(
        self, objective: nn.Module, optimiser: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Return the module to call, whose gradients are those of the whole batch."""
        if self._fabric is None:
            return objective, optimiser
        wrapped, prepared = self._fabric.setup(objective, optimiser, move_to_device=True)
        return wrapped, prepared

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context in which the loss is computed."""
        if self._devices.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of a loss, a scalar; several processes take their mean."""
        if self._fabric is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self._fabric.backward(loss)

    def from_first(self, value: T) -> T:
        """Return what process 0 says."""
        said: T = value if self._fabric is None else self._fabric.broadcast(value, src=0)
        return said


def launch(devices: Devices, work: Callable[[Engine], T]) -> T:
    """Do work on one device, or on several at once; return what process 0 returns.

    Several processes are forked, so that `work` may be any function. What they change in memory
    is lost: the result has to hold all that matters.

    Raises
    ------
    UsageError
        If this machine does not have the devices.
    """
    devices.check()
    if devices.count == 1:
        return work(Engine(devices))
    # Here, because importing it takes seconds that one device has no use for.
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator=devices.device, devices=devices.count, strategy="ddp_fork")
    result: T = fabric.launch(lambda launched: work(Engine(devices, launched)))
    return result
