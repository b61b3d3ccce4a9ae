"""AlexNet's ImageNet weights as a start: BVLC's from a local file, or torchvision's."""

from __future__ import annotations

import torch

from harness.training.weights import IMAGENET, IMAGENET_DEVIATION, read_weights, take_layers

from .network import AlexNet, TorchvisionAlexNet

WHITE = 255.0
"""BVLC's network was trained on pixels from 0 to this; ours takes 0 to 1."""

INSTEAD = "train from scratch with --param start=random"


def load_bvlc(network: AlexNet, file: str) -> None:
    """Give a network BVLC's weights, so that it computes the same on RGB in [0, 1].

    The file holds ``conv1.weight`` to ``fc7.bias`` as Caffe has them: conv1 takes BGR from 0 to
    255, so its channels are reversed and its weights multiplied by 255. Further layers (fc8) are
    ignored. ``network.mean`` stays as it is.

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
    expected = (
        "conv1 to conv5, fc6 and fc7, each with .weight and .bias, as in BVLC's AlexNet, which "
        "fits size=227 and width=1"
    )
    take_layers(network.layers(), read_weights(file, "alexnet", INSTEAD), file, expected)
    with torch.no_grad():
        network.conv1.weight.copy_(network.conv1.weight.flip(1) * WHITE)


def load_torchvision(network: TorchvisionAlexNet) -> None:
    """Give torchvision's AlexNet its ImageNet weights, downloaded once into torch's cache.

    Its input was divided by `IMAGENET_DEVIATION`; here the weights of the first layer are, so
    that it computes the same on RGB in [0, 1]. ``network.mean`` is left as it is.

    Raises
    ------
    UsageError
        If they are not in the cache and cannot be downloaded.
    """
    state = read_weights(IMAGENET, "alexnet", INSTEAD)
    network.alexnet.load_state_dict(
        {name: value for name, value in state.items() if not name.startswith("classifier.6.")}
    )
    with torch.no_grad():
        first = network.alexnet.features[0].weight
        first /= torch.tensor(IMAGENET_DEVIATION)[:, None, None]
