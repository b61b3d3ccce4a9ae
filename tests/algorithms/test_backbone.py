"""backbone: what it makes of any network's embedding, what it learns, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness import FailureToEnroll, Image
from harness.conformance import check, specimens
from harness.errors import UsageError
from harness.plugins import registry
from harness.plugins.description import described
from harness.training.networks import timm_config
from harness.training.whitening import learned
from tests.conftest import Ran

timm: Any = pytest.importorskip("timm", reason="extra [timm]")

BACKBONE: Any = registry.load(registry.find_algorithm("backbone"))
TINY: dict[str, Any] = {"model": "timm:test_vit", "weights": "none", "size": (32,)}
PICTURES = specimens.ordinary(drawings=3).images


def templates(images: list[Image], **given: Any) -> npt.NDArray[np.float64]:
    return np.array(BACKBONE(**{**TINY, **given}).extract_batch(images))


def by_hand(images: list[Image], seed: int = 0, network: Any = None) -> npt.NDArray[np.float64]:
    """Return unit embeddings by timm alone."""
    torch.manual_seed(seed)
    network = (network or timm.create_model("test_vit", num_classes=0, img_size=32)).eval()
    data = timm.data.resolve_model_data_config(network, {"input_size": (3, 32, 32)})
    transform = timm.data.create_transform(**data)
    from PIL import Image as Pillow

    given = torch.stack([transform(Pillow.fromarray(one)) for one in images])
    with torch.inference_mode():
        rows = network(given).double().numpy()
    unit: npt.NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def test_a_template_is_the_library_s_embedding_at_length_1() -> None:
    images = list(PICTURES[:3])
    assert np.allclose(templates(images), by_hand(images), atol=1e-5)
    assert np.allclose(templates(images, seed=4), by_hand(images, 4), atol=1e-5)
    assert not np.allclose(templates(images, seed=4), by_hand(images), atol=1e-2)


def test_weights_of_a_file_are_those_of_the_network(tmp_path: Path) -> None:
    torch.manual_seed(9)
    network = timm.create_model("test_vit", num_classes=5, img_size=32)
    torch.save(network.state_dict(), tmp_path / "vit.pth")
    network.reset_classifier(0)
    torch.save(network.state_dict(), tmp_path / "body.pth")
    images = list(PICTURES[:2])
    found = templates(images, weights=str(tmp_path / "vit.pth"), seed=1)
    assert np.allclose(found, by_hand(images, network=network), atol=1e-5)
    assert np.array_equal(found, templates(images, weights=str(tmp_path / "body.pth")))


def test_with_four_turns_quarter_turns_of_a_picture_change_nothing() -> None:
    images = list(PICTURES[:3])
    turned = [np.rot90(one, k) for k, one in zip((1, 2, 3), images, strict=True)]
    assert np.allclose(templates(images, turns=4), templates(turned, turns=4), atol=1e-6)
    assert not np.allclose(templates(images), templates(turned), atol=1e-3)
    each = [by_hand([np.ascontiguousarray(np.rot90(one, k)) for one in images]) for k in range(4)]
    mean = np.mean(each, axis=0)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.allclose(templates(images, turns=4), expected, atol=1e-5)
    mean = (each[0] + each[2]) / 2
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.allclose(templates(images, turns=2), expected, atol=1e-5)


def test_whitening_is_learned_from_the_training_images_and_survives_a_file(tmp_path: Path) -> None:
    train = specimens.ordinary(drawings=8, pictures=4).training_set()
    one = BACKBONE(**TINY, whiten=True, dimension=5, shrinkage=0.2)
    with pytest.raises(RuntimeError, match="call fit or load first"):
        one.extract_batch(PICTURES[:1])
    one.fit(train)
    centre, projection = learned(by_hand(list(train.images)), 5, 0.2)
    expected = (by_hand(list(PICTURES)) - centre) @ projection
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = np.array(one.extract_batch(PICTURES))
    # Signs of directions are free; cosines do not depend on them.
    assert np.allclose(found @ found.T, expected @ expected.T, atol=1e-4)
    one.save(tmp_path)
    again = BACKBONE(**TINY, whiten=True, dimension=5, shrinkage=0.2)
    again.load(tmp_path)
    assert np.array_equal(np.array(again.extract_batch(PICTURES)), found)
    with pytest.raises(UsageError, match="whitening to 200 dimensions needs"):
        BACKBONE(**TINY, whiten=True, dimension=200).fit(train)


def test_it_learns_only_where_it_whitens() -> None:
    given = {"model": "timm:test_vit", "weights": "none"}
    assert not described(BACKBONE, assignments=given).learns
    assert described(BACKBONE, assignments={**given, "whiten": "yes"}).learns


@pytest.mark.parametrize("whiten", [False, True])
def test_it_keeps_to_the_interface(whiten: bool, tmp_path: Path) -> None:
    kind: Any = BACKBONE.surveyed({"whiten": whiten})
    findings = check(kind, {**TINY, "whiten": whiten}, folder=tmp_path)
    assert [finding for finding in findings if not finding.passed] == []


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a model of the odds of each colour's mean: zero for black, infinite for white."""
    onnx: Any = pytest.importorskip("onnx", reason="extra [onnx]")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("Sub", ["one", "mean"], ["rest"]),
            helper.make_node("Div", ["mean", "rest"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", kind, ["n", 3, 4, 4])],
        [helper.make_tensor_value_info("y", kind, ["n", 3])],
        [helper.make_tensor("one", kind, [], [1.0])],
    )
    place = tmp_path_factory.mktemp("onnx") / "net.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), place)
    return place


@pytest.mark.slow
def test_an_exported_network_says_what_the_network_says(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="extra [onnx]")
    from harness.training.onnx_export import write_onnx
    from harness.training.onnx_recipe import Recipe

    torch.manual_seed(0)
    network = timm.create_model("test_resnet", num_classes=0)
    recipe = Recipe(32, 32, mean=(0.5,), std=(0.5,))
    write_onnx(network, recipe, tmp_path / "net.onnx")
    images = [np.ascontiguousarray(one[:32, :32]) for one in PICTURES[:3]]
    ours = BACKBONE(model=str(tmp_path / "net.onnx"), turns=4).extract_batch(images)
    theirs = templates(images, model="timm:test_resnet", crop=1.0, turns=4)
    assert np.allclose(np.array(ours), theirs, atol=1e-5)


def test_an_onnx_file_is_one_of_its_networks(file: Path) -> None:
    orange = np.full((9, 7, 3), (204, 102, 51), np.uint8)
    found = BACKBONE(model=str(file)).extract_batch([orange])[0]
    expected = np.array([4, 2 / 3, 1 / 4])
    assert np.allclose(found, expected / np.linalg.norm(expected), atol=1e-5)
    shifted = BACKBONE(model=str(file), mean=(0.3,)).extract_batch([orange])[0]
    expected = np.array([0.5 / 0.5, 0.1 / 0.9, -0.1 / 1.1])
    assert np.allclose(shifted, expected / np.linalg.norm(expected), atol=1e-5)


def test_an_embedding_that_is_zero_or_not_finite_is_a_failure_to_enrol(file: Path) -> None:
    pictures = [np.full((5, 5, 3), level, np.uint8) for level in (0, 128, 255)]
    black, grey, white = BACKBONE(model=str(file)).extract_batch(pictures)
    assert isinstance(black, FailureToEnroll)
    assert isinstance(white, FailureToEnroll)
    assert "is zero, or not finite" in str(black)
    assert np.linalg.norm(grey) == pytest.approx(1)
    one = BACKBONE(model=str(file), turns=4)
    assert isinstance(one.extract_batch(pictures)[2], FailureToEnroll)
    assert one.extract_batch([]) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "nothing"}, "torchvision has no network 'nothing'"),
        ({"model": ""}, "torchvision has no network ''"),
        ({"size": (33, 21, 5)}, "size is"),
        ({"device": "cuda", "model": "net.onnx"}, "no device 'cuda' here|runs on the CPU"),
        ({"weights": "imagenet"}, "weights=pretrained"),
        ({"weights": "nowhere.safetensors"}, r"cannot read weights from nowhere\.safetensors"),
        (
            {"model": "timm:test_resnet", "pooling": "cls"},
            "no class token .* it has own, mean, gem",
        ),
        ({"size": (8,)}, r"timm:test_vit does not take such images: Input height \(8\)"),
    ],
)
def test_what_does_not_go_is_refused_in_words(given: dict[str, Any], message: str) -> None:
    if given.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(UsageError, match=message):
        templates(list(PICTURES[:1]), **given)


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    timm_config.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UsageError, match="timm:test_vit needs timm, which is not installed"):
        templates(list(PICTURES[:1]))


@pytest.mark.slow
def test_a_run_has_the_library_the_preparation_and_the_hash_of_weights_in_its_record(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    state = timm.create_model("test_vit").state_dict()
    folder = tmp_path / "net"
    folder.mkdir()
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({"architecture": "test_vit"}))
    words = ("--param", f"model={folder}", "--param", "size=32")
    seen = harness("describe", "backbone", *words)
    assert seen.code == 0, seen.err
    assert "version    library: timm" in seen.out
    ran = harness("run", "--protocol", "similarity", "--algo", "backbone", *words, "--fold", "1")
    assert ran.code == 0, ran.err
    (found,) = tmp_path.glob("work/runs/similarity/backbone-*/manifest.json")
    origin = json.loads(found.read_text())["origin"]
    assert origin["weight_hashes"] == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("config.json", "pytorch_model.bin")
    }
    assert origin["version"].startswith(f"library: timm {timm.__version__}; pictures: input_size")
    assert "learning_hash" not in origin
