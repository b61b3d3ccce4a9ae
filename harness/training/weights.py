"""What a network learned, to a file and back, without pickle."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from harness.errors import Damaged


def save_weights(network: nn.Module, file: Path) -> None:
    """Write all weights of a network as a safetensors file.

    Parameters
    ----------
    network
        Read only.
    file
        Overwritten.
    """
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    safetensors.torch.save_file(state, file)


def load_weights(network: nn.Module, file: Path) -> None:
    """Give a network the weights that `save_weights` wrote.

    Parameters
    ----------
    network
        Of the shape that was saved; changed in place.
    file
        Written by `save_weights`.

    Raises
    ------
    Damaged
        If the file is missing, no safetensors file, cut short, or of another network; the network
        is unchanged then.
    """
    try:
        state = safetensors.torch.load_file(file)
    except (OSError, SafetensorError) as reason:
        raise Damaged(
            f"cannot read the learned weights in {file}: {reason}; run the fit again"
        ) from reason
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if wanted != found:
        names = sorted(n for n in wanted.keys() | found.keys() if wanted.get(n) != found.get(n))
        first = names[0]
        raise Damaged(
            f"the weights in {file} belong to another network, or to other parameters: "
            f"{len(names)} arrays differ, the first is {first!r} (shape {found.get(first)} in the "
            f"file, {wanted.get(first)} in the network)"
        )
    network.load_state_dict(state)
