"""AlexNet is the one of the paper's Table 1, down to shapes, counts and first weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from algorithms.alexnet_svm.network import AlexNet, TorchvisionAlexNet, fill


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Weights and biases: 11*11*3*96 + 96, 5*5*48*256 + 256 (two groups), ...
COUNTS = {
    "conv1": 34_944,
    "conv2": 307_456,
    "conv3": 885_120,
    "conv4": 663_936,
    "conv5": 442_624,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
}


@pytest.fixture(scope="module")
def papers() -> AlexNet:
    return AlexNet(generator=generator(0)).eval()


def test_layers_have_the_parameters_counted_by_hand(papers: AlexNet) -> None:
    counted = {
        name: sum(p.numel() for p in layer.parameters()) for name, layer in papers.layers().items()
    }
    assert counted == COUNTS
    assert sum(p.numel() for p in papers.parameters()) == sum(COUNTS.values())


def test_layers_have_the_shapes_of_table_1(papers: AlexNet) -> None:
    shapes: list[tuple[str, tuple[int, ...]]] = []
    hooks = [
        layer.register_forward_hook(
            lambda _module, _args, output, name=name: shapes.append((name, tuple(output.shape[1:])))
        )
        for name, layer in papers.named_children()
    ]
    with torch.inference_mode():
        assert papers(torch.zeros(1, 3, 227, 227)).shape == (1, 4096)
    for hook in hooks:
        hook.remove()
    assert shapes == [
        ("conv1", (96, 55, 55)),
        ("norm1", (96, 55, 55)),
        ("pool", (96, 27, 27)),
        ("conv2", (256, 27, 27)),
        ("norm2", (256, 27, 27)),
        ("pool", (256, 13, 13)),
        ("conv3", (384, 13, 13)),
        ("conv4", (384, 13, 13)),
        ("conv5", (256, 13, 13)),
        ("pool", (256, 6, 6)),
        ("fc6", (4096,)),
        ("drop6", (4096,)),
        ("fc7", (4096,)),
    ]


def test_first_weights_are_caffes_gaussians_and_the_papers_biases(papers: AlexNet) -> None:
    deviations = dict.fromkeys(COUNTS, 0.01) | {"fc6": 0.005, "fc7": 0.005}
    for name, layer in papers.layers().items():
        weight = layer.weight.detach()
        standard_error = deviations[name] / weight.numel() ** 0.5
        assert abs(weight.mean().item()) < 4 * standard_error, name
        assert weight.std().item() == pytest.approx(deviations[name], rel=0.02), name
        # A uniform distribution of this deviation would end at 1.7 of it.
        assert weight.abs().max() > 3.5 * deviations[name]
        assert layer.bias is not None
        assert set(layer.bias.tolist()) == {0.0 if name in ("conv1", "conv3") else 1.0}, name


def test_the_msra_filler_has_the_deviation_of_he_et_al() -> None:
    network = AlexNet(96, 0.5, filler="msra", bias=0.0, generator=generator(0))
    for layer in network.layers().values():
        fan_in = layer.weight[0].numel()
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)


def test_normalisation_is_that_of_a_hand_computation(papers: AlexNet) -> None:
    """Five channels around each, alpha shared among them: x / (1 + 1e-4 / 5 sum x^2)^.75."""
    values = np.random.default_rng(0).normal(0, 100, 96)
    expected = []
    for channel in range(96):
        near = values[max(0, channel - 2) : channel + 3]
        expected.append(values[channel] / (1 + 1e-4 / 5 * (near**2).sum()) ** 0.75)
    maps = torch.tensor(values, dtype=torch.float32).reshape(1, 96, 1, 1)
    assert papers.norm1(maps).flatten().numpy() == pytest.approx(expected, rel=1e-5)
    torchs = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
    maps = 100 * torch.randn(2, 256, 5, 4, generator=generator(0))
    torch.testing.assert_close(papers.norm2(maps), torchs(maps), rtol=1e-5, atol=1e-6)


def test_the_whole_is_the_same_as_written_out_with_groups_as_separate_convolutions() -> None:
    network = AlexNet(96, 0.1, filler="msra", bias=0.3, generator=generator(1)).eval()
    network.mean += torch.tensor([0.5, 0.4, 0.3])[:, None, None]
    images = torch.rand(2, 3, 96, 96, generator=generator(2))

    def grouped(maps: torch.Tensor, layer: nn.Conv2d, padding: int) -> torch.Tensor:
        assert layer.bias is not None
        halves = zip(maps.chunk(2, 1), layer.weight.chunk(2), layer.bias.chunk(2), strict=True)
        return torch.cat([functional.conv2d(*half, padding=padding) for half in halves], 1)

    def pooled(maps: torch.Tensor) -> torch.Tensor:
        rows = [
            [maps[:, :, y : y + 3, x : x + 3].amax((2, 3)) for x in range(0, maps.shape[3] - 1, 2)]
            for y in range(0, maps.shape[2] - 1, 2)
        ]
        return torch.stack([torch.stack(row, -1) for row in rows], -2)

    def normalised(maps: torch.Tensor) -> torch.Tensor:
        squares = functional.pad(maps.square(), (0, 0, 0, 0, 2, 2)).unfold(1, 5, 1).sum(-1)
        return maps * (1 + 2e-5 * squares) ** -0.75

    maps = functional.conv2d(
        images - network.mean, network.conv1.weight, network.conv1.bias, stride=4
    )
    maps = pooled(normalised(maps.relu()))
    maps = pooled(normalised(grouped(maps, network.conv2, 2).relu()))
    maps = functional.conv2d(maps, network.conv3.weight, network.conv3.bias, padding=1).relu()
    maps = grouped(grouped(maps, network.conv4, 1).relu(), network.conv5, 1).relu()
    fc7 = network.fc7(network.fc6(pooled(maps).flatten(1)).relu()).relu()
    torch.testing.assert_close(network(images), fc7, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [63, 67, 80, 96, 112, 128, 224, 227])
def test_any_size_of_image_fits_the_first_full_layer(size: int) -> None:
    network = AlexNet(size, 0.03, generator=generator(0))
    assert network(torch.zeros(2, 3, size, size)).shape == (2, network.units)


def test_fill_draws_from_the_generator_it_is_given() -> None:
    one, two = nn.Linear(3, 2), nn.Linear(3, 2)
    fill(one, 0.01, 0.5, generator(4))
    fill(two, 0.01, 0.5, generator(4))
    assert torch.equal(one.weight, two.weight)
    assert one.bias.tolist() == [0.5, 0.5]


def test_torchvisions_network_ends_with_fc7_and_takes_the_mean_away() -> None:
    network = TorchvisionAlexNet().eval()
    # 11*11*3*64 + 64 + 5*5*64*192 + 192 + ..., without the last layer of 1,000 classes.
    assert sum(p.numel() for p in network.parameters()) == 61_100_840 - 4_097_000
    network.mean += 0.25
    images = torch.rand(1, 3, 63, 63, generator=generator(0))
    with torch.inference_mode():
        fc7 = network(images)
        assert torch.equal(fc7, network.alexnet(images - 0.25))
    assert fc7.shape == (1, 4096)
    assert (fc7 >= 0).all()
