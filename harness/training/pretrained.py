"""Weights of torchvision's ImageNet networks: from torch's cache, the web, or a file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
import torchvision
from safetensors import SafetensorError
from torch import Tensor, nn

from harness.errors import UsageError

IMAGENET = "imagenet"


def load_pretrained(
    network: nn.Module, name: str, weights: str, instead: str, *, leave_out: str = ""
) -> None:
    """Give a network the ImageNet weights of one of torchvision's.

    Parameters
    ----------
    network
        Whose parameters are named and shaped as torchvision's; changed in place, or not at all.
    name
        torchvision's name of it.
    weights
        ``imagenet``, or a file: safetensors, or a state dict saved by torch.
    instead
        What a user can do without the weights, for the message.
    leave_out
        Beginning of the names that the network does not have, such as ``fc.``.

    Raises
    ------
    UsageError
        If the weights cannot be had, or are of another network.
    """
    url = torchvision.models.get_model_weights(name).DEFAULT.url
    try:
        state = _downloaded(url) if weights == IMAGENET else _of_file(Path(weights))
    except (OSError, RuntimeError, SafetensorError, ValueError, EOFError) as reason:
        first = (str(reason).splitlines() or [type(reason).__name__])[0]
        if weights != IMAGENET:
            raise UsageError(f"cannot read weights of {name} from {weights}: {first}") from None
        place = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
        raise UsageError(
            f"torchvision's ImageNet weights of {name} cannot be had: {first}. Download {url} "
            f"elsewhere and put it at {place}, name a local file instead of 'imagenet', or use "
            f"{instead}"
        ) from None
    kept = {k: v for k, v in state.items() if not (leave_out and k.startswith(leave_out))}
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in kept.items()}
    if wanted != found:
        names = sorted(k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k))
        raise UsageError(
            f"the weights {weights} are not those of {name}: {len(names)} arrays differ, the first "
            f"is {names[0]!r} (shape {found.get(names[0])} there, {wanted.get(names[0])} wanted)"
        )
    network.load_state_dict(dict(kept))


def _downloaded(url: str) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
        url, map_location="cpu", progress=False, check_hash=True, weights_only=True
    )
    return state


def _of_file(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        arrays: dict[str, Tensor] = safetensors.torch.load_file(file)
        return arrays
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ValueError("it is no file of plain tensors") from None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError("it holds no state dict of tensors")
    return dict(state)
