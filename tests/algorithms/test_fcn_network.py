"""FCN-AlexNet against DIGITS' prototxt by hand: shapes, weights, kernel, crop, net surgery."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from algorithms.alexnet_svm.network import AlexNet  # noqa: E402
from algorithms.fcn_alexnet.network import (  # noqa: E402
    CAFFE,
    TORCHVISION,
    FcnAlexNet,
    SmallFcn,
    bilinear,
    crop_offset,
    take_weights,
    upscaled,
)
from harness.errors import UsageError  # noqa: E402


def test_layers_have_the_shapes_and_weights_of_digits() -> None:
    with torch.device("meta"):
        network = FcnAlexNet(21, CAFFE)
    shapes = {name: tuple(layer.weight.shape) for name, layer in network.layers().items()}
    assert shapes == {
        "conv1": (96, 3, 11, 11),
        "conv2": (256, 48, 5, 5),
        "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3),
        "conv5": (256, 192, 3, 3),
        "fc6": (4096, 256, 6, 6),
        "fc7": (4096, 4096, 1, 1),
    }
    assert network.conv1.padding == (100, 100)
    # 34,944 + 307,456 + 885,120 + 663,936 + 442,624 + 37,752,832 + 16,781,312, and 21 x 4,097.
    assert sum(p.numel() for p in network.parameters()) == 56_868_224 + 86_037


def test_sides_shrink_as_by_hand() -> None:
    network = FcnAlexNet(2, CAFFE, width=0.02).eval()
    # 512: conv1 (712 - 11) // 4 + 1 = 176, pools 88, 44, 22 (ceiling), fc6 17.
    # 227: conv1 105, pools 52, 26, 13, fc6 8.   64: conv1 64, pools 32, 16, 8, fc6 3.
    for side, left in ((512, 17), (227, 8), (64, 3)):
        assert network.coarse(torch.zeros(1, 3, side, side)).shape[-2:] == (left, left)
    # The deconvolution makes (17 - 1) * 32 + 63 = 575 of 17; cropped at 18 to 512.
    assert upscaled(torch.zeros(1, 2, 17, 17), bilinear(63)[None, None], 32).shape[-1] == 575
    assert network(torch.zeros(1, 3, 70, 45)).shape == (1, 2, 70, 45)


def test_the_crop_begins_where_digits_says() -> None:
    assert crop_offset() == 18


def test_the_kernel_is_caffe_s_and_interpolates_constants_exactly() -> None:
    line = [1 - abs(i / 32 - 63 / 64) for i in range(63)]
    assert np.allclose(bilinear(63).numpy(), np.outer(line, line))
    flat = upscaled(torch.full((1, 1, 6, 6), 3.0), bilinear(4)[None, None], 2)
    assert torch.allclose(flat[..., 2:-2, 2:-2], torch.tensor(3.0))


def test_the_deconvolution_is_not_learned() -> None:
    assert "kernel" not in dict(FcnAlexNet(2, width=0.02).named_parameters())


def test_net_surgery_computes_what_caffe_s_alexnet_does() -> None:
    source = AlexNet(227, 0.05).eval()
    network = FcnAlexNet(2, CAFFE, width=0.05).eval()
    state = {"fc8.weight": torch.zeros(1), **source.state_dict()}
    state["fc6.weight"] = state["fc6.weight"][None, None]  # as old Caffe files have it
    take_weights(network, state, "here")
    image = 255 * torch.rand(1, 3, 227, 227, generator=torch.Generator().manual_seed(0))
    # Without its border and shift the first layer is AlexNet's, on RGB where that took BGR.
    plain = torch.nn.functional.conv2d(image, network.conv1.weight, network.conv1.bias, stride=4)
    assert torch.allclose(plain, source.conv1(image.flip(1)), atol=1e-2)
    pooled = torch.rand(1, source.conv5.out_channels, 6, 6)
    fc6 = network.fc6(pooled).flatten(1)
    assert torch.allclose(fc6, source.fc6(pooled.flatten(1)), atol=1e-5)
    assert torch.allclose(network.fc7(fc6[..., None, None]).flatten(1), source.fc7(fc6), atol=1e-5)
    assert not network.score.weight.any()


def test_net_surgery_takes_torchvision_s_layers_by_their_places() -> None:
    from torchvision.models import alexnet

    source = alexnet().eval()
    network = FcnAlexNet(2, TORCHVISION).eval()
    take_weights(network, source.state_dict(), "here")
    rgb = torch.rand(1, 3, 227, 227, generator=torch.Generator().manual_seed(0))
    theirs = torch.nn.functional.conv2d(
        rgb / torch.tensor([0.229, 0.224, 0.225])[:, None, None],
        source.features[0].weight,
        stride=4,
    )
    ours = torch.nn.functional.conv2d(255 * rgb, network.conv1.weight, stride=4)
    assert torch.allclose(ours, theirs, atol=1e-4)
    for name, layer in (("conv5", source.features[10]), ("fc7", source.classifier[4])):
        assert torch.equal(network.layers()[name].weight.flatten(), layer.weight.flatten())


def test_net_surgery_refuses_another_network_and_changes_nothing() -> None:
    network = FcnAlexNet(2, TORCHVISION, width=0.05)
    before = network.conv1.weight.clone()
    for state in (AlexNet(227, 0.05).state_dict(), {"features.0.weight": torch.zeros(2, 3)}):
        with pytest.raises(UsageError, match="conv1 to conv5, fc6 and fc7"):
            take_weights(network, state, "here")
    assert torch.equal(network.conv1.weight, before)


@pytest.mark.parametrize("sides", [(64, 64), (33, 50), (8, 9)])
def test_the_small_network_scores_every_pixel_of_any_size(sides: tuple[int, int]) -> None:
    network = SmallFcn(2, 4).eval()
    assert network(torch.zeros(2, 3, *sides)).shape == (2, 2, *sides)
