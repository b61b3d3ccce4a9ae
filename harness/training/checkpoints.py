"""Where a fit got to, in one file without pickle, so that a killed one can go on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.errors import Damaged

FILE = "fit.safetensors"
_FACTS = "facts"


def save_checkpoint(folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint in the place of the one before; readers see the old or the new.

    Parameters
    ----------
    folder
        Made if it is missing.
    tensors
        By name: any shape and dtype, on any device.
    facts
        Whatever JSON can hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.writing-{os.getpid()}"
    plain = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
    save_file(plain, part, metadata={_FACTS: json.dumps(facts)})
    part.replace(folder / FILE)


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return tensors and facts of the checkpoint in a folder, or None if there is none.

    Tensors are on the CPU, in the shape and dtype in which `save_checkpoint` got them.

    Raises
    ------
    Damaged
        If the file is not whole.
    """
    file = folder / FILE
    if not file.exists():
        return None
    try:
        with safe_open(file, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {})[_FACTS])
            return {name: opened.get_tensor(name) for name in opened.keys()}, facts  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as reason:
        raise Damaged(
            f"cannot read the checkpoint {file}: {reason}; delete it, and the fit begins again"
        ) from reason


def module_tensors(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Return weights and buffers of a module under names that begin with `prefix`.

    They are the module's own, not copied, in their own shape and dtype, on its device.
    """
    return {f"{prefix}/{name}": value for name, value in module.state_dict().items()}


def optimiser_tensors(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return what an optimiser remembers under names that begin with `prefix`.

    Momenta have the shape of their parameter, counts of steps are scalars.
    """
    return {
        f"{prefix}/{number}/{name}": torch.as_tensor(value)
        for number, memory in optimiser.state_dict()["state"].items()
        for name, value in memory.items()
        if value is not None
    }


def restore_module(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Give a module the weights and buffers that `module_tensors` took.

    Parameters
    ----------
    module
        Changed in place.
    tensors
        Of `load_checkpoint`; those under other prefixes are passed over.
    prefix
        As given to `module_tensors`.

    Raises
    ------
    Damaged
        If names or shapes are those of another network.
    """
    state = _under(tensors, prefix)
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if wanted != {name: tuple(value.shape) for name, value in state.items()}:
        raise Damaged(
            "the checkpoint of this fit is of another network; delete its folder, and the fit "
            "begins again"
        )
    module.load_state_dict(state)


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str
) -> None:
    """Give an optimiser what `optimiser_tensors` took: each momentum in its parameter's shape."""
    memories: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(tensors, prefix).items():
        number, key = name.split("/", 1)
        memories.setdefault(int(number), {})[key] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": memories, "param_groups": groups})
    for parameter, memory in optimiser.state.items():
        for key, value in memory.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                # In the parameter's own memory layout: fused steps walk both side by side.
                memory[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}/"): value
        for name, value in tensors.items()
        if name.startswith(f"{prefix}/")
    }
