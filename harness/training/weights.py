"""Weights to a file and back, and others' to start from; no file's code is ever run."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
import torchvision
from safetensors import SafetensorError
from torch import Tensor, nn

from harness.data.whole_files import digest_of
from harness.errors import Damaged, UsageError

IMAGENET = "imagenet"
"""In the place of a file: torchvision's weights of a network."""

PRETRAINED = "pretrained"
"""In the place of a file: the weights that the library of a network has under its name."""

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""By which torchvision normalises RGB in [0, 1] before its networks see it."""


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
    differing = _differing(network, state)
    if differing:
        raise Damaged(
            f"the weights in {file} belong to another network, or to other parameters: {differing}"
        )
    network.load_state_dict(state)


def read_weights(weights: str, name: str, alternative: str) -> dict[str, Tensor]:
    """Return weights that others learned, by name, on the CPU.

    Any shape and dtype that the file has; `take_layers` checks whether they fit a network.

    Parameters
    ----------
    weights
        ``imagenet`` or ``pretrained`` for torchvision's, from torch's cache, or a file:
        safetensors, or a dictionary of tensors saved by torch.
    name
        torchvision's name of the network.
    alternative
        What a user can do without them, for the message: ``use ...``.

    Raises
    ------
    UsageError
        If they cannot be had, or are no dictionary of tensors.
    """
    found = cached_weights(name, alternative) if weights in (IMAGENET, PRETRAINED) else None
    return read_file(Path(weights) if found is None else found[1], alternative)


def cached_weights(name: str, alternative: str) -> tuple[str, Path]:
    """Return the URL of torchvision's weights of a network, and their file in torch's cache.

    Parameters
    ----------
    name, alternative
        As `read_weights` takes them.

    Raises
    ------
    UsageError
        If they are not there, with the command that puts them there: the process of an algorithm
        has no network. Also if the SHA-256 in the name is of another file.
    """
    url = str(torchvision.models.get_model_weights(name).DEFAULT.url)
    file = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    get = f"curl -L --create-dirs -o {file} {url}"
    if not file.is_file():
        raise UsageError(
            f"torchvision's weights of {name} are not in torch's cache, and no algorithm downloads "
            f"anything: {get} gets them; or {alternative}"
        )
    digest = re.search(r"-([0-9a-f]{8,})\.", file.name)
    if digest and not digest_of(file).startswith(digest[1]):
        raise UsageError(f"{file} is not what its name says, by its SHA-256; get it again: {get}")
    return url, file


def load_pretrained(
    network: nn.Module, name: str, weights: str, alternative: str, *, leave_out: str = ""
) -> None:
    """Give a network the weights of one of torchvision's.

    Parameters
    ----------
    network
        Whose parameters are named and shaped as torchvision's; changed in place, or not at all.
    name, weights, alternative
        As `read_weights` takes them.
    leave_out
        Beginning of the names that the network does not have, such as ``fc.``.

    Raises
    ------
    UsageError
        If the weights cannot be had, or are of another network.
    """
    state = read_weights(weights, name, alternative)
    kept = without(state, leave_out)
    differing = _differing(network, kept)
    if differing:
        raise UsageError(
            f"the weights {weights} are not those of torchvision's {name}: {differing}"
        )
    network.load_state_dict(kept)


def without(state: Mapping[str, Tensor], beginning: str) -> dict[str, Tensor]:
    """Return the tensors, of any shape, whose names do not begin so; all where that is empty."""
    return {k: v for k, v in state.items() if not (beginning and k.startswith(beginning))}


def take_layers(
    layers: Mapping[str, nn.Conv2d | nn.Linear],
    state: Mapping[str, Tensor],
    source: str,
    expected: str,
) -> None:
    """Give layers their ``NAME.weight`` and ``NAME.bias``, whatever else there is.

    Dimensions of length 1 in front, which old Caffe files have, are ignored, and a matrix is taken
    for a kernel with as many values (Caffe's and DIGITS' "net surgery").

    Parameters
    ----------
    layers
        By their names in `state`; changed in place, or not at all.
    state
        As `read_weights` returns it, in the shapes of the layers but for what is said above.
    source, expected
        Where it is from and what it should hold, for messages.

    Raises
    ------
    UsageError
        If something is missing or of another shape.
    """
    wanted = {
        f"{name}.{kind}": getattr(layer, kind)
        for name, layer in layers.items()
        for kind in ("weight", "bias")
    }
    taken: dict[str, Tensor] = {}
    for name, target in wanted.items():
        if name not in state:
            some = ", ".join(sorted(state)[:4]) or "nothing"
            raise UsageError(f"{source} has no {name!r}; it should hold {expected}. It has: {some}")
        found, here = _trimmed(state[name]), _trimmed(target)
        if found != here and found != (*here[:1], math.prod(here[1:])):
            raise UsageError(
                f"{source}: {name} has shape {tuple(state[name].shape)}, and this network needs "
                f"{tuple(target.shape)}; it should hold {expected}"
            )
        taken[name] = state[name].reshape(target.shape).to(target.dtype)
    with torch.no_grad():
        for name, target in wanted.items():
            target.copy_(taken[name])


def read_file(file: Path, alternative: str) -> dict[str, Tensor]:
    """Return the tensors of a file by name; also those under ``state_dict`` or ``model`` of it.

    Parameters
    ----------
    file
        Safetensors, or a dictionary saved by torch; tensors of any shape.
    alternative
        As `read_weights` takes it.

    Raises
    ------
    UsageError
        If it cannot be read without running code, or holds something else.
    """
    try:
        if file.suffix == ".safetensors":
            arrays: dict[str, Tensor] = safetensors.torch.load_file(file)
            return arrays
        found: object = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as reason:  # what an untrusted file makes torch's unpickler raise
        raise UsageError(
            f"cannot read weights from {file}: {_first_line(reason)}. Expected .safetensors, or a "
            f"dictionary of tensors saved by torch.save; or {alternative}"
        ) from None
    for wrapping in ("state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(wrapping), Mapping):
            found = found[wrapping]
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
    ):
        raise UsageError(f"{file} holds {type(found).__name__}, not a dictionary of tensors")
    return dict(found)


def _differing(network: nn.Module, state: Mapping[str, Tensor]) -> str:
    """Say in which arrays a state differs from a network's; empty where in none."""
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    names = sorted(n for n in wanted.keys() | found.keys() if wanted.get(n) != found.get(n))
    if not names:
        return ""
    return (
        f"{len(names)} arrays differ, the first is {names[0]!r} (shape {found.get(names[0])} in "
        f"the file, {wanted.get(names[0])} in the network)"
    )


def _first_line(reason: Exception) -> str:
    return (str(reason).splitlines() or [type(reason).__name__])[0]


def _trimmed(value: Tensor) -> tuple[int, ...]:
    """Return a shape without the ones in front."""
    shape = list(value.shape)
    while shape and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)
