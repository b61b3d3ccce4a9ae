"""ImageNet weights mean the same on [0, 1] RGB as where they come from; others are refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import AlexNet_Weights, alexnet

from algorithms.alexnet_svm.imagenet import load_bvlc, load_torchvision
from algorithms.alexnet_svm.network import AlexNet, TorchvisionAlexNet
from harness.errors import UsageError
from harness.training import weights


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(seed: int) -> AlexNet:
    return AlexNet(63, 0.05, filler="msra", bias=0.1, generator=generator(seed)).eval()


def weights_of(network: AlexNet) -> dict[str, Tensor]:
    return {
        name: value.detach().clone().contiguous()
        for name, value in network.state_dict().items()
        if name != "mean"
    }


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_network_of_bgr_from_0_to_255_answers_alike_on_rgb_from_0_to_1(
    tmp_path: Path, suffix: str
) -> None:
    theirs, ours = small(0), small(1)
    theirs.mean.copy_(torch.tensor([104.0, 117.0, 123.0])[:, None, None])
    state = weights_of(theirs) | {"fc8.weight": torch.zeros(1000, 4)}
    file = tmp_path / f"bvlc{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    load_bvlc(ours, str(file))
    ours.mean.copy_(theirs.mean.flip(0) / 255)
    rgb = torch.rand(3, 3, 63, 63, generator=generator(2))
    torch.testing.assert_close(ours(rgb), theirs(255 * rgb.flip(1)), rtol=1e-4, atol=1e-3)


def test_shapes_of_old_caffe_files_are_understood(tmp_path: Path) -> None:
    state = weights_of(small(0))
    state["fc6.weight"] = state["fc6.weight"][None, None]
    state["fc6.bias"] = state["fc6.bias"][None, None, None]
    save_file(state, tmp_path / "old.safetensors")
    ours = small(1)
    load_bvlc(ours, str(tmp_path / "old.safetensors"))
    assert torch.equal(ours.fc6.bias, small(0).fc6.bias)
    assert torch.equal(ours.fc6.weight, small(0).fc6.weight)


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path: Path) -> None:
    state = weights_of(small(0))
    state["fc7.weight"] = torch.zeros(4, 4)
    save_file(state, tmp_path / "w.safetensors")
    ours = small(1)
    with pytest.raises(UsageError, match=r"fc7.weight has shape \(4, 4\).*size=227 and width=1"):
        load_bvlc(ours, str(tmp_path / "w.safetensors"))
    assert torch.equal(ours.conv1.weight, small(1).conv1.weight)


def test_a_file_without_the_layers_says_what_it_should_hold(tmp_path: Path) -> None:
    save_file({"features.0.weight": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match=r"has no 'conv1.weight'.*It has: features.0.weight"):
        load_bvlc(small(0), str(tmp_path / "w.safetensors"))


class Malicious:
    """Leaves a file behind if its pickle is ever run."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    file, trace = tmp_path / "w.pth", tmp_path / "trace"
    torch.save({"conv1.weight": Malicious(trace)}, file)
    with pytest.raises(UsageError, match="cannot read weights"):
        load_bvlc(small(0), str(file))
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"no weights", pickle.dumps({"a": 1})])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    file = tmp_path / f"w{suffix}"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        load_bvlc(small(0), str(file))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read weights from .*none\.pth"):
        load_bvlc(small(0), str(tmp_path / "none.pth"))


def test_torchvisions_weights_answer_as_behind_torchvisions_own_preparation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    theirs = alexnet().eval()
    file = tmp_path / "checkpoints" / AlexNet_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[1]
    file.parent.mkdir()
    torch.save(theirs.state_dict(), file)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    ours = TorchvisionAlexNet().eval()
    with pytest.raises(UsageError, match="is not what its name says, by its SHA-256"):
        load_torchvision(ours)
    said = file.stem.rsplit("-", 1)[1]
    monkeypatch.setattr(weights, "digest_of", lambda path: said.ljust(64, "0"))
    load_torchvision(ours)
    ours.mean.copy_(torch.tensor([0.485, 0.456, 0.406])[:, None, None])
    images = torch.rand(2, 3, 224, 224, generator=generator(0))
    with torch.inference_mode():
        prepared = AlexNet_Weights.IMAGENET1K_V1.transforms(resize_size=224)(images)
        fc7 = theirs.classifier[:6](theirs.avgpool(theirs.features(prepared)).flatten(1))
        torch.testing.assert_close(ours(images), fc7, rtol=1e-3, atol=1e-5)


def test_without_a_network_the_message_says_where_the_weights_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    where = r"no algorithm downloads.*checkpoints/alexnet-.*https:.*start=random"
    with pytest.raises(UsageError, match=where):
        load_torchvision(TorchvisionAlexNet())
