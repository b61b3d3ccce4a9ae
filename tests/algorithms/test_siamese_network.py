"""The network is the one of the paper's Table 2, down to its number of parameters."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from algorithms.siamese.network import SiameseNetwork
from harness.training.seeding import generator

# 5*5*1*20 + 20, 5*5*20*50 + 50, 4950*500 + 500, 500*d + d, 2*d + 2
COUNTS = {
    10: {"conv1": 520, "conv2": 25_050, "ip1": 2_475_500, "ip2": 5_010, "feat": 22},
    256: {"conv1": 520, "conv2": 25_050, "ip1": 2_475_500, "ip2": 128_256, "feat": 514},
}


@pytest.mark.parametrize("descriptor", [10, 256])
def test_layers_have_the_parameters_counted_by_hand(descriptor: int) -> None:
    network = SiameseNetwork(descriptor)
    counts = {
        name: sum(p.numel() for p in layer.parameters())
        for name, layer in network.named_children()
        if name != "pool"
    }
    assert counts == COUNTS[descriptor]


def test_layers_have_the_shapes_of_the_paper() -> None:
    network = SiameseNetwork(10)
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for name, layer in network.named_children():
        layer.register_forward_hook(
            lambda _module, _args, output, name=name: shapes.setdefault(name, []).append(
                tuple(output.shape[1:])
            )
        )
    outputs = network(torch.zeros(3, 1, 56, 46))
    assert shapes == {
        "conv1": [(20, 52, 42)],
        "pool": [(20, 26, 21), (50, 11, 9)],
        "conv2": [(50, 22, 17)],
        "ip1": [(500,)],
        "ip2": [(10,)],
        "feat": [(2,)],
    }
    assert outputs.ip2.shape == (3, 10)
    assert outputs.feat.shape == (3, 2)


def test_the_only_rectifier_follows_ip1() -> None:
    """Up to ip1 the network is a maximum of linear maps: scaling an image scales its output."""
    network = SiameseNetwork(10, generator(0))
    image = torch.rand(1, 1, 56, 46, generator=generator(1))
    maps = network.pool(network.conv2(network.pool(network.conv1(image))))
    assert (maps < 0).any()
    by_hand = network.ip2(network.ip1(maps.flatten(1)).clamp(min=0))
    assert torch.equal(network(image).ip2, by_hand)
    assert torch.equal(network(image).feat, network.feat(by_hand))


def test_initial_weights_are_uniform_within_caffes_bound_and_biases_zero() -> None:
    network = SiameseNetwork(256, generator(0))
    fans = {"conv1": 25, "conv2": 500, "ip1": 4950, "ip2": 500, "feat": 256}
    for name, layer in network.named_children():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        bound = math.sqrt(3 / fans[name])
        weight = layer.weight.detach()
        assert weight.abs().max() <= bound
        # Of a uniform distribution on [-b, b]: the largest of many is near b, the variance b^2/3.
        assert weight.abs().max() > 0.97 * bound
        assert weight.var().item() == pytest.approx(1 / fans[name], rel=0.2)
        assert layer.bias is not None
        assert not layer.bias.any()


def test_equal_generators_make_equal_networks() -> None:
    one, two, other = (SiameseNetwork(10, generator(seed)) for seed in (5, 5, 6))
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name])
    assert not torch.equal(one.ip1.weight, other.ip1.weight)
