"""AlexNet's ImageNet weights as a start: BVLC's from a local file, or torchvision's."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from harness.errors import UsageError
from harness.training.alexnet import AlexNet, TorchvisionAlexNet

WHITE = 255.0
"""BVLC's network was trained on pixels from 0 to this; ours takes 0 to 1."""

TORCHVISION_DEVIATIONS = (0.229, 0.224, 0.225)
"""By which torchvision divides RGB in [0, 1] before its network sees it."""


def load_bvlc(network: AlexNet, file: Path) -> None:
    """Give a network BVLC's weights, so that it computes the same on RGB in [0, 1].

    The file holds ``conv1.weight`` to ``fc7.bias`` as Caffe has them: conv1 takes BGR from 0 to
    255, so its channels are reversed and its weights multiplied by 255. Dimensions of length 1 in
    front, which old Caffe files have, and further layers (fc8) are ignored. ``network.mean`` stays
    as it is.

    Parameters
    ----------
    network
        Of the file's shapes: size 227 and width 1 for BVLC's. Changed in place, or not at all.
    file
        ``.safetensors``, or a dictionary of tensors saved by torch, read without running code.

    Raises
    ------
    UsageError
        If the file cannot be read, or is of another network.
    """
    wanted = {
        f"{name}.{kind}": getattr(layer, kind)
        for name, layer in network.layers().items()
        for kind in ("weight", "bias")
    }
    found = _read(file)
    taken: dict[str, Tensor] = {}
    for name, target in wanted.items():
        value = found.get(name)
        if not isinstance(value, Tensor):
            some = ", ".join(sorted(map(str, found))[:4]) or "nothing"
            raise UsageError(
                f"{file} has no {name!r}; it should hold conv1 to conv5, fc6 and fc7, each with "
                f".weight and .bias, as in BVLC's AlexNet. It has: {some}"
            )
        if value.numel() != target.numel() or _trimmed(value) != _trimmed(target):
            raise UsageError(
                f"{file}: {name} has shape {tuple(value.shape)}, and this network needs "
                f"{tuple(target.shape)}; BVLC's weights fit size=227 and width=1"
            )
        taken[name] = value.reshape(target.shape).to(target.dtype)
    taken["conv1.weight"] = taken["conv1.weight"].flip(1) * WHITE
    with torch.no_grad():
        for name, target in wanted.items():
            target.copy_(taken[name])


def load_torchvision(network: TorchvisionAlexNet) -> None:
    """Give torchvision's AlexNet its ImageNet weights, downloaded once into torch's cache.

    Its input was divided by `TORCHVISION_DEVIATIONS`; here the weights of the first layer are, so
    that it computes the same on RGB in [0, 1]. ``network.mean`` is left as it is.

    Raises
    ------
    UsageError
        If they are not in the cache and cannot be downloaded.
    """
    from torchvision.models import AlexNet_Weights

    url = AlexNet_Weights.IMAGENET1K_V1.url
    try:
        state = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError, pickle.UnpicklingError) as reason:
        place = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
        raise UsageError(
            f"torchvision's ImageNet weights cannot be had: {reason}. Download {url} elsewhere and "
            f"put it at {place}, or train from scratch with --param start=random"
        ) from None
    network.alexnet.load_state_dict(
        {name: value for name, value in state.items() if not name.startswith("classifier.6.")}
    )
    with torch.no_grad():
        first = network.alexnet.features[0].weight
        first /= torch.tensor(TORCHVISION_DEVIATIONS)[:, None, None]


def _read(file: Path) -> Mapping[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            arrays: dict[str, Tensor] = safetensors.torch.load_file(file)
            return arrays
        found = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as reason:
        first = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        raise UsageError(
            f"cannot read weights from {file}: {first}. Expected .safetensors, or a dictionary of "
            "tensors saved by torch.save"
        ) from None
    if not isinstance(found, Mapping):
        raise UsageError(f"{file} holds {type(found).__name__}, not a dictionary of tensors")
    return found


def _trimmed(value: Tensor) -> tuple[int, ...]:
    """Return a shape without the ones in front."""
    shape = list(value.shape)
    while shape and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)
