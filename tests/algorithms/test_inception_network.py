"""Inception: the block's branches, the small network, and weights that cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from algorithms.inception_style.network import (  # noqa: E402
    AUXILIARY,
    SMALLEST,
    Block,
    InceptionV3,
    SmallInception,
    StyleObjective,
)
from harness.errors import UsageError  # noqa: E402
from harness.plugins.registry import find_algorithm, load  # noqa: E402


def test_a_block_has_the_channels_and_weights_of_its_branches() -> None:
    block = Block(32, 64).eval()
    assert block(torch.zeros(1, 32, 5, 7)).shape == (1, 64, 5, 7)
    # Convolutions without bias, and two numbers per channel of each batch normalisation:
    # 1x1: 32*16; 3x3: 32*16 + 16*24*9; 5x5: 32*8 + 8*16*9 + 16*16*9; pool: 32*8.
    weights = 512 + (512 + 3456) + (256 + 1152 + 2304) + 256
    channels = 16 + (16 + 24) + (8 + 16 + 16) + 8
    assert sum(p.numel() for p in block.parameters()) == weights + 2 * channels


def test_the_small_network_scores_images_of_any_side_from_32() -> None:
    network = SmallInception(6, 8).eval()
    for side in (32, 75, 96):
        assert network(torch.zeros(2, 3, side, side)).shape == (2, 6)


def test_the_mean_over_places_makes_a_shift_of_the_maps_count_for_nothing() -> None:
    network = SmallInception(3, 8).eval()
    image = torch.zeros(1, 3, 96, 96)
    image[..., 32:48, 32:48] = 1
    moved = image.roll(16, dims=-1)  # a whole step of the last maps
    assert torch.allclose(network(image), network(moved), atol=1e-4)


@pytest.mark.slow
def test_inception_v3_learns_from_images_of_299_pixels_and_no_smaller_ones() -> None:
    network = InceptionV3(2)
    learned = StyleObjective(network.train(), smallest=0.9)
    loss = learned(torch.rand(2, 3, SMALLEST, SMALLEST), torch.eye(2))
    main, second = (torch.nn.functional.cross_entropy(torch.zeros(2, 2), torch.eye(2)),) * 2
    assert loss.item() == pytest.approx(main.item() + AUXILIARY * second.item(), abs=1.5)
    with pytest.raises(RuntimeError, match="size"):
        learned(torch.rand(2, 3, SMALLEST - 1, SMALLEST - 1), torch.eye(2))
    kind: Any = load(find_algorithm("inception-style"))
    algorithm = kind(network="inception-v3", size=298)
    algorithm.classes_ = 2
    with pytest.raises(UsageError, match="size=299 or more, not 298"):
        algorithm.build()


@pytest.mark.slow
def test_inception_v3_has_two_new_outputs_and_refuses_weights_of_another(tmp_path: Path) -> None:
    network = InceptionV3(6)
    assert network.network.fc.out_features == 6
    # 27,161,264 weights with 1,000 classes; 994 fewer on 2,048 and 768 inputs and a bias.
    assert sum(p.numel() for p in network.parameters()) == 27_161_264 - 994 * (2049 + 769)
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 3, 80, 80)).shape == (1, 6)
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "other.pth")
    with pytest.raises(UsageError, match="not those of torchvision's inception_v3"):
        InceptionV3(6, str(tmp_path / "other.pth"))
    with pytest.raises(UsageError, match=r"cannot read weights from .*missing\.pth.*weights=FILE"):
        InceptionV3(6, str(tmp_path / "missing.pth"))
