"""Backbones: their last layer, their sizes, where their weights come from and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
from torch import nn

from harness.errors import UsageError
from harness.training.backbones import BACKBONES, Small, backbone


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# Torchvision's published sizes with a last layer of 1,000 classes, and what goes into that layer.
PUBLISHED = {
    "mobilenet_v3_large": (5_483_032, 1280),
    "resnet101": (44_549_160, 2048),
    "densenet121": (7_978_856, 1024),
    "efficientnet_v2_s": (21_458_488, 1280),
    "swin_s": (49_606_258, 768),
}


def test_the_five_backbones_of_the_paper_are_there() -> None:
    assert set(BACKBONES) == {"small", *PUBLISHED}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_backbone_is_torchvisions_with_a_last_layer_of_512(name: str) -> None:
    published, wide = PUBLISHED[name]
    network = backbone(name, 512).eval()
    assert parameters(network) == published - (wide + 1) * 1000 + (wide + 1) * 512
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 512)


def test_a_gray_image_is_seen_as_three_equal_colours() -> None:
    gray, colour = (backbone("mobilenet_v3_large", 8, channels=c, seed=3).eval() for c in (1, 3))
    image = torch.rand(2, 1, 40, 40)
    with torch.inference_mode():
        assert torch.equal(gray(image), colour(image.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("size", [32, 64, 100])
def test_the_small_network_takes_any_size_and_has_the_layers_it_says(size: int) -> None:
    width, features = 16, 24
    network = Small(1, features, size, width)
    expected = 25 * width + 2 * width
    for before in (16, 32, 64):
        after = 2 * before
        convolutions = 9 * before * after + 9 * after * after + before * after
        expected += convolutions + 3 * 2 * after
    expected += 128 * 16 * features + features
    assert parameters(network) == expected
    assert network.eval()(torch.zeros(2, 1, size, size)).shape == (2, features)


def test_random_weights_follow_from_the_seed_alone() -> None:
    torch.manual_seed(0)
    first = backbone("small", 8, seed=1).state_dict()
    torch.manual_seed(5)
    before = torch.rand(1, generator=torch.Generator().manual_seed(5))
    second, third = backbone("small", 8, seed=1), backbone("small", 8, seed=2)
    assert torch.equal(torch.rand(1), before)
    assert torch.equal(first["last.weight"], second.state_dict()["last.weight"])
    assert not torch.equal(first["last.weight"], third.state_dict()["last.weight"])


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_local_file_of_weights_is_started_from(ending: str, tmp_path: Path) -> None:
    torch.manual_seed(9)
    state = torchvision.models.mobilenet_v3_large(weights=None).state_dict()
    file = tmp_path / f"weights.{ending}"
    torch.save(state, file) if ending == "pth" else safetensors.torch.save_file(state, file)
    network = backbone("mobilenet_v3_large", 32, weights=str(file))
    found = network.state_dict()
    assert torch.equal(found["features.0.0.weight"], state["features.0.0.weight"])
    assert found["classifier.3.weight"].shape == (32, 1280)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save(nn.Linear(2, 3).state_dict(), file)
    with pytest.raises(
        UsageError, match=r"are not those of torchvision's mobilenet_v3_large: \d+ arrays"
    ):
        backbone("mobilenet_v3_large", 8, weights=str(file))


def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(tmp_path / "sprung"),)  # type: ignore[return-value]

    file = tmp_path / "trap.pth"
    torch.save({"a": Trap()}, file)
    with pytest.raises(UsageError, match=r"trap\.pth"):
        backbone("mobilenet_v3_large", 8, weights=str(file))
    assert not (tmp_path / "sprung").exists()


def test_weights_that_cannot_be_had_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*arguments: object, **given: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    with pytest.raises(
        UsageError, match=r"of mobilenet_v3_large cannot be had: no network\. .*weights=FILE"
    ):
        backbone("mobilenet_v3_large", 8, weights="imagenet")
    with pytest.raises(UsageError, match=r"nowhere\.pth.*weights=FILE"):
        backbone("mobilenet_v3_large", 8, weights="nowhere.pth")


def test_the_small_network_has_no_weights_to_start_from() -> None:
    with pytest.raises(UsageError, match="trained from nothing"):
        backbone("small", 8, weights="imagenet")


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown backbone 'vgg'; known: small, mobilenet"):
        backbone("vgg", 8)
