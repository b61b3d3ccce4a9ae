"""The U-Net: shapes worked out by hand, and each part against a plain computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from algorithms.unet_removal.network import ResidualEncoder, SelfAttention, Shuffle, UNet


def test_the_encoder_is_torchvisions_resnet34_without_its_head() -> None:
    with torch.device("meta"):
        ours, theirs = ResidualEncoder(), torchvision.models.resnet34()
    wanted = {n: tuple(v.shape) for n, v in theirs.state_dict().items() if not n.startswith("fc.")}
    assert {name: tuple(v.shape) for name, v in ours.state_dict().items()} == wanted
    # 21,797,672 of the whole, less 512 x 1000 weights and 1000 biases of its last layer.
    assert sum(p.numel() for p in ours.parameters()) == 21_797_672 - 513_000


def test_the_encoder_computes_what_torchvisions_resnet_of_its_blocks_computes() -> None:
    torch.manual_seed(1)
    theirs = torchvision.models.resnet18().eval()
    ours = ResidualEncoder(64, (2, 2, 2, 2)).eval()
    ours.load_state_dict({n: v for n, v in theirs.state_dict().items() if not n.startswith("fc.")})
    images = torch.rand(1, 3, 32, 64)
    with torch.no_grad():
        maps = ours(images)
        x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(images))))
        last = theirs.layer4(theirs.layer3(theirs.layer2(theirs.layer1(x))))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (64, 16, 32),
        (64, 8, 16),
        (128, 4, 8),
        (256, 2, 4),
        (512, 1, 2),
    ]
    torch.testing.assert_close(maps[-1], last)


def test_decoder_blocks_have_the_channels_worked_out_by_hand_for_resnet34() -> None:
    network: Any = UNet(3)
    # Half of what comes from below, and the encoder's map: 512/2+256, 512/2+128, 384/2+64, and
    # 256/2+64 of which the last block keeps half.
    seen = [
        (
            block.shuffle.conv.weight.shape[0] // 4,
            block.norm.num_features,
            block.second[0].weight.shape[0],
        )
        for block in network.decoder
    ]
    assert seen == [(256, 256, 512), (256, 128, 384), (192, 64, 256), (128, 64, 96)]
    assert [isinstance(block.attention, SelfAttention) for block in network.decoder] == [
        False,
        True,
        False,
        False,
    ]
    assert network.middle[2][0].weight.shape == (1024, 512, 3, 3)
    assert network.middle[4][0].weight.shape == (512, 1024, 3, 3)
    # 96 channels at the picture's size, joined with its three colours.
    assert network.head.weight.shape == (3, 99, 1, 1)


@pytest.mark.parametrize("size", [(32, 32), (64, 96)])
def test_the_result_has_the_size_of_the_picture(size: tuple[int, int]) -> None:
    network = UNet(4, width=8, blocks=(1, 1, 1, 1)).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 3, *size)).shape == (2, 4, *size)


def test_every_convolution_of_the_decoder_has_a_gain_of_one_at_most() -> None:
    torch.manual_seed(0)
    network: Any = UNet(4, width=8, blocks=(1, 1, 1, 1)).train()
    for _ in range(30):  # each pass improves the estimate of the largest singular value
        network(torch.rand(1, 3, 64, 64))
    bounded: list[Any] = [*network.decoder.modules(), *network.middle.modules()]
    bounded += [*network.last_first.modules(), *network.last_second.modules()]
    bounded = [m for m in bounded if isinstance(m, torch.nn.Conv2d | torch.nn.Conv1d)]
    assert len(bounded) == 4 * 3 + 3 + 2 + 2  # three in each block, attention, middle, last
    for layer in bounded:
        rows = layer.weight.detach().flatten(1).double().numpy()
        assert np.linalg.norm(rows, 2) == pytest.approx(1, abs=0.02)


def test_self_attention_starts_as_nothing_and_is_the_papers_sum_afterwards() -> None:
    torch.manual_seed(2)
    layer: Any = SelfAttention(16).eval()
    maps = torch.randn(1, 16, 2, 3)
    assert torch.equal(layer(maps), maps)
    with torch.no_grad():
        layer.gamma.fill_(0.5)
    x = maps[0].flatten(1).numpy()
    f, g, h = (
        w.weight.detach()[:, :, 0].numpy() @ x for w in (layer.query, layer.key, layer.value)
    )
    assert f.shape == g.shape == (2, 6)
    expected = np.empty_like(x)
    for j in range(6):
        scores = np.exp([f[:, i] @ g[:, j] for i in range(6)])
        expected[:, j] = x[:, j] + 0.5 * sum(scores[i] / scores.sum() * h[:, i] for i in range(6))
    found = layer(maps)[0].flatten(1).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_upsampling_starts_without_a_checkerboard() -> None:
    torch.manual_seed(3)
    layer = Shuffle(4, 2).eval()
    larger = layer(torch.randn(1, 4, 1, 1).expand(1, 4, 3, 3)).detach()
    assert larger.shape == (1, 2, 6, 6)
    assert torch.allclose(larger, larger[:, :, :1, :1].expand_as(larger), atol=1e-6)


def test_upsampling_is_nearest_neighbour_and_a_mean_of_two_by_two() -> None:
    torch.manual_seed(4)
    layer: Any = Shuffle(1, 1).eval()
    scale = layer.conv.weight.detach()[0, 0, 0, 0].item()
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]) * (1 if scale > 0 else -1)
    # Repeated above and to the left, so the first row and column keep their value.
    wanted = [[1, 1, 1.5, 2], [1, 1, 1.5, 2], [2, 2, 2.5, 3], [3, 3, 3.5, 4]]
    found = layer(maps).detach()[0, 0].numpy() / abs(scale)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
