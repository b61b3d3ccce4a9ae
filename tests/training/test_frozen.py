"""Frozen networks: what is said of a picture is what the library itself says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image as Pillow
from torch import Tensor, nn

from harness import Image
from harness.errors import UsageError
from harness.training.frozen import LEAST, Look, Outputs, asked_of, pooled, preparation_of
from harness.training.networks import source_of

PICTURES: list[Image] = [
    np.random.default_rng(k).integers(0, 256, shape, np.uint8)
    for k, shape in enumerate([(61, 87, 3), (200, 131, 3), (3, 40, 3), (48, 48, 3)])
]


def pillow(images: Sequence[Image]) -> list[Pillow.Image]:
    return [Pillow.fromarray(one) for one in images]


def says(model: str, weights: str = "none", **look: Any) -> Outputs:
    """Return the outputs of a network for the pictures, drawn from seed 5 where it is random."""
    source = source_of(model)
    prepared = preparation_of(source, Look(**look))
    torch.manual_seed(5)
    size = look["size"][0] if "size" in look else 0
    ask = asked_of(source, weights, size, prepared)
    with torch.inference_mode():
        return ask(torch.from_numpy(prepared.prepare(PICTURES)))


def close(ours: Tensor | None, theirs: Tensor) -> bool:
    return ours is not None and torch.allclose(ours, theirs, atol=1e-5)


# --- timm


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_efficientnet"])
def test_a_network_of_timm_says_what_timm_says(name: str) -> None:
    timm = pytest.importorskip("timm", reason="extra [timm]")
    torch.manual_seed(5)
    theirs = timm.create_model(name, num_classes=0).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(theirs))
    images = torch.stack([transform(one) for one in pillow(PICTURES)])
    found = says(f"timm:{name}")
    with torch.inference_mode():
        assert close(found.own, theirs(images))
        states = theirs.forward_features(images)
    if name == "test_vit":
        assert close(found.first, states[:, 0])
        assert close(found.places, states[:, 1:])
    else:
        assert found.first is None
        assert close(found.places, states.flatten(2).transpose(1, 2))


def test_a_grid_of_timm_with_channels_last_is_a_grid_of_places() -> None:
    timm = pytest.importorskip("timm", reason="extra [timm]")
    small = {
        "embed_dim": 8,
        "depths": (1, 1),
        "num_heads": (1, 1),
        "window_size": 2,
        "img_size": 32,
    }
    torch.manual_seed(5)
    network = timm.models.swin_transformer.SwinTransformer(num_classes=0, **small).eval()
    from harness.training.frozen import _ask_timm

    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        found = _ask_timm(network, images)
        assert found.places is not None
        assert found.places.shape == (2, 16, 16)
        assert close(found.own, network(images))
        assert close(found.own, found.places.mean(dim=1))  # what a swin's own pooling is


# --- torchvision


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_a_network_of_torchvision_says_what_torchvision_says(name: str) -> None:
    torch.manual_seed(5)
    theirs: Any = torchvision.models.get_model(name, weights=None).eval()
    transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    images = torch.stack([transform(one) for one in pillow(PICTURES)])
    found = says(name)
    body = nn.Sequential(*list(theirs.children())[:-1])
    with torch.inference_mode():
        pooled_by_them = body(images).flatten(1)
        assert found.places is not None
        assert close(found.places.mean(dim=1), pooled_by_them)
        if name == "resnet18":
            assert close(found.own, pooled_by_them)
            logits = nn.functional.linear(found.own, theirs.fc.weight, theirs.fc.bias)  # type: ignore[arg-type]
        else:
            assert close(found.own, theirs.classifier[:-1](pooled_by_them))
            logits = theirs.classifier[-1](found.own)
        assert torch.allclose(logits, theirs(images), atol=1e-5)


def test_a_transformer_of_torchvision_has_a_class_token() -> None:
    torch.manual_seed(5)
    theirs = torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32).eval()
    theirs.heads.head = nn.Identity()
    from harness.training.frozen import _ask_torchvision

    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        found = _ask_torchvision(theirs, images)
        assert close(found.first, theirs(images))
        assert close(found.own, theirs(images))
    assert found.places is not None
    assert found.places.shape == (2, 16, 16)


def test_a_network_without_a_pooling_of_its_own_has_no_grid_and_says_so() -> None:
    found = says("shufflenet_v2_x0_5", size=(64,))
    assert found.own is not None
    assert found.places is None
    with pytest.raises(UsageError, match="no grid of places that pooling=gem could take"):
        pooled(found, "gem", 3, source_of("shufflenet_v2_x0_5"))


# --- transformers


def folder_of(kind: str, place: Path) -> Any:
    """Write a tiny model with random weights and its processor; return transformers."""
    transformers: Any = pytest.importorskip("transformers", reason="extra [transformers]")
    torch.manual_seed(2)
    tiny = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "image_size": 32,
        "patch_size": 8,
    }
    if kind == "vit":
        model = transformers.ViTModel(transformers.ViTConfig(**tiny))
        processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    elif kind == "dinov2":
        more = {name: one for name, one in tiny.items() if name != "intermediate_size"}
        model = transformers.Dinov2Model(transformers.Dinov2Config(**more))
        processor = transformers.BitImageProcessor(
            size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}
        )
    else:
        words = {**tiny, "vocab_size": 20, "max_position_embeddings": 8}
        for name in ("image_size", "patch_size"):
            del words[name]
        config = getattr(transformers, f"{kind}Config")(vision_config=tiny, text_config=words)
        model = getattr(transformers, f"{kind}Model")(config)
        processor = getattr(transformers, f"{kind}ImageProcessor")(
            **({"size": {"shortest_edge": 32}, "crop_size": 32} if kind == "CLIP" else {})
        )
        if kind == "Siglip":
            processor.size = {"height": 32, "width": 32}
    model.save_pretrained(place)
    processor.save_pretrained(place)
    return transformers


@pytest.mark.parametrize("kind", ["vit", "dinov2", "CLIP", "Siglip"])
def test_a_folder_of_transformers_says_what_transformers_says(kind: str, tmp_path: Path) -> None:
    transformers = folder_of(kind, tmp_path)
    theirs = transformers.AutoModel.from_pretrained(tmp_path).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    given = processor(images=pillow(PICTURES), return_tensors="pt")
    found = says(str(tmp_path), "pretrained")
    with torch.inference_mode():
        if kind in ("vit", "dinov2"):
            said = theirs(**given)
            own, states = said.pooler_output, said.last_hidden_state
        else:
            features = theirs.get_image_features(**given)
            own = getattr(features, "pooler_output", features)
            states = theirs.vision_model(**given).last_hidden_state
    assert close(found.own, own)
    if kind == "Siglip":
        assert found.first is None
        assert close(found.places, states)
    else:
        assert close(found.first, states[:, 0])
        assert close(found.places, states[:, 1:])
    assert found.places is not None
    assert found.places.shape[1] == 16


@pytest.mark.parametrize(
    ("look", "given"),
    [
        (
            {"size": (48,)},
            {"size": {"shortest_edge": 54}, "crop_size": {"height": 48, "width": 48}},
        ),
        ({"framing": "squeezed"}, {"size": {"height": 32, "width": 32}, "do_center_crop": False}),
        ({"crop": 0.5}, {"size": {"shortest_edge": 64}}),
        ({"interpolation": "nearest", "mean": (0.5,)}, {"resample": 0, "image_mean": [0.5] * 3}),
    ],
)
def test_what_a_user_has_otherwise_is_told_to_the_processor(
    look: dict[str, Any], given: dict[str, Any], tmp_path: Path
) -> None:
    transformers = folder_of("dinov2", tmp_path)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    theirs = processor(images=pillow(PICTURES), return_tensors="np", **given)["pixel_values"]
    prepared = preparation_of(source_of(str(tmp_path)), Look(**look))
    assert np.array_equal(prepared.prepare(PICTURES), theirs)
    plain = processor(images=pillow(PICTURES), return_tensors="np")["pixel_values"]
    assert theirs.shape != plain.shape or not np.array_equal(theirs, plain)


# --- preparation of timm and torchvision


def by_hand(resize: Any, crop: int | None, mean: float, how: str) -> Callable[[Image], Tensor]:
    """Prepare a picture by torchvision's functions alone."""
    functional = torchvision.transforms.functional

    def prepare(image: Image) -> Tensor:
        mode = torchvision.transforms.InterpolationMode(how)
        scaled = functional.resize(Pillow.fromarray(image), resize, mode)
        if crop is not None:
            scaled = functional.center_crop(scaled, [crop, crop])
        found: Tensor = functional.normalize(functional.to_tensor(scaled), [mean] * 3, [0.5] * 3)
        return found

    return prepare


@pytest.mark.parametrize("model", ["timm:test_vit", "resnet18"])
@pytest.mark.parametrize(
    ("look", "expected"),
    [
        ({"size": (64,), "crop": 0.8, "interpolation": "bicubic"}, ([80], 64, 0.4, "bicubic")),
        ({"size": (64,), "crop": 1, "interpolation": "bilinear"}, ([64], 64, 0.4, "bilinear")),
        (
            {"size": (64,), "framing": "squeezed", "interpolation": "nearest"},
            ([64, 64], None, 0.4, "nearest"),
        ),
    ],
)
def test_what_a_user_has_otherwise_is_done(
    model: str, look: dict[str, Any], expected: tuple[Any, int | None, float, str]
) -> None:
    if model.startswith("timm"):
        pytest.importorskip("timm", reason="extra [timm]")
    given = Look(**look, mean=(0.4, 0.4, 0.4), std=(0.5, 0.5, 0.5))
    prepared = preparation_of(source_of(model), given)
    theirs = np.stack([by_hand(*expected)(one).numpy() for one in PICTURES])
    assert np.allclose(prepared.prepare(PICTURES), theirs, atol=1e-6)
    assert all(one in prepared.words for one in ("0.4", "64", expected[3]))


def test_a_size_alone_keeps_the_share_that_is_cropped() -> None:
    words = preparation_of(source_of("resnet50"), Look(size=(112,))).words
    assert words.startswith("crop_size [112], resize_size [116], interpolation bilinear")  # 224/232


@pytest.mark.parametrize(
    ("look", "message"),
    [
        ({"size": (1, 2, 3)}, r"size is \(1, 2, 3\); expected height and width"),
        ({"size": (0,)}, "of a pixel or more"),
        ({"std": (0.0,)}, "std above 0"),
        ({"mean": (0.1, 0.2)}, "a value for each colour"),
        ({"framing": "squeezed", "crop": 0.9}, "squeezed keeps all"),
        ({"size": (64, 32)}, "is shown squares"),
    ],
)
def test_what_no_picture_can_be_prepared_by_is_refused(look: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preparation_of(source_of("resnet18"), Look(**look))


# --- poolings


def test_poolings_are_their_closed_forms() -> None:
    rng = np.random.default_rng(4)
    grid = rng.normal(size=(2, 9, 5)).astype(np.float32)
    outputs = Outputs(torch.ones(2, 3), torch.zeros(2, 5), torch.from_numpy(grid))
    source = source_of("resnet18")

    def found(name: str, power: float = 3.0) -> Any:
        return pooled(outputs, name, power, source).numpy()

    assert np.array_equal(found("own"), np.ones((2, 3)))
    assert np.array_equal(found("cls"), np.zeros((2, 5)))
    assert np.allclose(found("mean"), grid.mean(axis=1))
    raised = np.maximum(grid.astype(np.float64), LEAST)
    assert np.allclose(found("gem"), (raised**3).mean(axis=1) ** (1 / 3))
    assert np.allclose(found("gem", 1), raised.mean(axis=1), atol=1e-6)
    assert np.allclose(found("gem", 100), raised.max(axis=1), rtol=0.03)


def test_what_a_network_does_not_have_is_refused() -> None:
    only = Outputs(None, None, torch.zeros(1, 4, 2))
    with pytest.raises(UsageError, match="gives no class token .* it has mean, gem"):
        pooled(only, "cls", 3, source_of("resnet18"))
    with pytest.raises(UsageError, match="gives no vector of its own .* it has mean, gem"):
        pooled(only, "own", 3, source_of("resnet18"))
