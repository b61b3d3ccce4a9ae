"""Backbones: their last layer, their sizes, where their weights come from and what is refused."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision
from torch import nn

from harness.errors import UsageError
from harness.training.backbones import _IMAGENET, Small, backbone, files_of_backbone
from harness.training.networks import timm_config


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


def test_weights_that_cannot_be_had_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints"
    with pytest.raises(
        UsageError,
        match=rf"anything: curl -L --create-dirs -o {place}\S+ https://\S+ gets .*=FILE",
    ):
        backbone("mobilenet_v3_large", 8, weights="imagenet")
    with pytest.raises(UsageError, match=r"nowhere\.pth.*weights=FILE"):
        backbone("mobilenet_v3_large", 8, weights="nowhere.pth")


def test_weights_in_the_cache_are_taken_if_their_hash_is_that_of_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    state = torchvision.models.mobilenet_v3_small(weights=None).state_dict()
    written = tmp_path / "w.pth"
    torch.save(state, written)
    digest = hashlib.sha256(written.read_bytes()).hexdigest()
    known = torchvision.models.get_model_weights("mobilenet_v3_small")
    url = f"https://example.org/net-{digest[:8]}.pth"
    monkeypatch.setattr(known.DEFAULT, "_value_", replace(known.DEFAULT.value, url=url))
    file = tmp_path / "hub" / "checkpoints" / f"net-{digest[:8]}.pth"
    file.parent.mkdir(parents=True)
    written.rename(file)
    assert files_of_backbone("mobilenet_v3_small", "imagenet") == {url: file}
    found = backbone("mobilenet_v3_small", 8, weights="imagenet").state_dict()
    assert torch.equal(found["features.0.0.weight"], state["features.0.0.weight"])
    file.write_bytes(file.read_bytes() + b"0")
    with pytest.raises(UsageError, match="is not what its name says, by its SHA-256"):
        backbone("mobilenet_v3_small", 8, weights="imagenet")


def test_the_small_network_has_no_weights_to_start_from() -> None:
    with pytest.raises(UsageError, match="trained from nothing"):
        backbone("small", 8, weights="imagenet")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet5O", r"torchvision has no network 'resnet5O'\. Did you mean 'resnet\d+'"),
        ("torchvision:none", "A model is torchvision:NAME, timm:NAME, a file that ends in .onnx"),
        ("net.onnx", "an ONNX file, cannot be trained here"),
        ("squeezenet1_0", "no last layer that is linear"),
    ],
)
def test_a_network_that_is_not_there_or_cannot_be_trained_is_refused(
    name: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        backbone(name, 8)


def test_a_classifier_of_other_classes_is_no_hindrance(tmp_path: Path) -> None:
    state = torchvision.models.mobilenet_v3_small(num_classes=7).state_dict()
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "mine.pth")
    found = backbone("mobilenet_v3_small", 5, weights=str(tmp_path / "mine.pth")).state_dict()
    assert torch.equal(found["classifier.0.weight"], state["classifier.0.weight"])
    assert found["classifier.3.weight"].shape == (5, 1024)


class TestOfTimm:
    """Networks of timm, with random weights in files of the test's own."""

    timm = pytest.importorskip("timm", reason="extra [timm]")

    def test_it_is_timms_with_a_new_last_layer_and_its_own_colours(self, tmp_path: Path) -> None:
        torch.manual_seed(1)
        theirs = self.timm.create_model("test_vit", num_classes=6).eval()
        file = tmp_path / "vit.safetensors"
        safetensors.torch.save_file(theirs.state_dict(), file)
        ours: Any = backbone("timm:test_vit", 6, size=160, weights=str(file)).eval()
        images = torch.rand(2, 3, 160, 160)
        mean, deviation = (torch.tensor(v)[:, None, None] for v in _IMAGENET)
        with torch.inference_mode():
            ours.network.head.load_state_dict(theirs.head.state_dict())
            expected = theirs((images - 0.5) / 0.5)
            assert torch.allclose(ours((images - mean) / deviation), expected, atol=1e-5)
            assert not torch.allclose(ours.network((images - mean) / deviation), expected)

    def test_one_made_for_one_size_is_made_for_the_size_asked_for(self, tmp_path: Path) -> None:
        state = self.timm.create_model("test_vit").state_dict()
        torch.save(state, tmp_path / "vit.pth")
        network = backbone("timm:test_vit", 6, size=64, weights=str(tmp_path / "vit.pth"))
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 6)
        again = backbone("timm:test_vit", 6, size=64)
        again.load_state_dict(network.state_dict())

    def test_weights_of_another_network_are_refused(self, tmp_path: Path) -> None:
        torch.save(self.timm.create_model("test_resnet").state_dict(), tmp_path / "net.pth")
        with pytest.raises(UsageError, match=r"weights .*net\.pth do not fit timm:test_vit: .*"):
            backbone("timm:test_vit", 6, weights=str(tmp_path / "net.pth"))

    @pytest.mark.parametrize(
        ("name", "weights", "message"),
        [
            ("timm:test_vit", "imagenet", "imagenet are torchvision's; .* weights=pretrained"),
            (
                "timm:test_vti",
                "none",
                r"timm \S+ has no network 'test_vti'\. Did you mean 'test_vi",
            ),
            ("timm:test_vit.nil", "none", "has no weights 'nil' of test_vit; it has: r160_in1k"),
            (
                "timm:test_vit.r160_in1k",
                "pretrained",
                r"hf download timm/test_vit\.r160_in1k model\.safetensors gets them "
                r"\(https://huggingface\.co/\S+, licence .*\)",
            ),
        ],
    )
    def test_what_cannot_be_had_is_said(self, name: str, weights: str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            backbone(name, 6, weights=weights)

    def test_weights_in_the_hubs_cache_are_named_by_their_url(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = tmp_path / "models--timm--test_vit.r160_in1k"
        file = place / "snapshots" / "0" / "model.safetensors"
        file.parent.mkdir(parents=True)
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text("0")
        theirs = self.timm.create_model("test_vit")
        safetensors.torch.save_file(theirs.state_dict(), file)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        url = "https://huggingface.co/timm/test_vit.r160_in1k/resolve/main/model.safetensors"
        assert files_of_backbone("timm:test_vit", "pretrained") == {url: file}
        ours: Any = backbone("timm:test_vit", 6, size=160, weights="pretrained")
        assert torch.equal(ours.network.blocks[0].norm1.weight, theirs.blocks[0].norm1.weight)
        assert torch.equal(ours.network.pos_embed, theirs.pos_embed)

    def test_without_the_library_its_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        timm_config.cache_clear()
        monkeypatch.setitem(sys.modules, "timm", None)
        with pytest.raises(UsageError, match="timm:test_vit needs timm, which is not installed"):
            backbone("timm:test_vit", 6)


def test_a_folder_of_timms_names_its_architecture_and_its_colours(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="extra [timm]")
    theirs = timm.create_model("test_resnet", num_classes=0)
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    said = {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "num_classes": 0}
    facts = {"architecture": "test_resnet", "num_classes": 0, "pretrained_cfg": said}
    (tmp_path / "config.json").write_text(json.dumps(facts))
    ours: Any = backbone(str(tmp_path), 6, weights="pretrained")
    assert torch.equal(ours.network.conv1[0].weight, theirs.conv1[0].weight)
    assert torch.allclose(ours.offset[0], torch.tensor((0.485 - 0.1) / 1))
    assert set(files_of_backbone(str(tmp_path), "pretrained")) == {
        "config.json",
        "pytorch_model.bin",
    }


def test_a_folder_of_transformers_is_trained_at_any_size(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="extra [transformers]")
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    theirs = transformers.ViTModel(config).eval()
    theirs.save_pretrained(tmp_path)
    transformers.ViTImageProcessor().save_pretrained(tmp_path)
    ours: Any = backbone(str(tmp_path), 6, size=48, weights="pretrained")
    image = torch.rand(1, 3, 48, 48)
    with torch.inference_mode():
        found = ours.eval().network(image)
        pooled = theirs(pixel_values=image, interpolate_pos_encoding=True).pooler_output
        assert torch.allclose(found, ours.network.last(pooled), atol=1e-6)
