"""What is written is a model that computes what the network did, from pictures prepared plainly."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from algorithms.alexnet_svm.network import AlexNet
from harness.training.onnx_export import Described, LocalContrast, write_onnx
from harness.training.onnx_recipe import KEY, Recipe
from harness.training.preparation import gray_stack, local_contrast


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (70, 50, 3), dtype=np.uint8) for _ in range(count)]


def run(file: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {"images": images})[0]
    return found


@pytest.mark.parametrize(
    ("height", "width", "sigma"), [(56, 46, 4.0), (32, 32, 32 / 12), (9, 7, 4.0)]
)
def test_local_contrast_in_the_graph_is_that_of_the_preparation(
    height: int, width: int, sigma: float
) -> None:
    """The last one has borders that are reflected more than once."""
    blank = np.full((20, 20, 3), 99, np.uint8)
    stack = gray_stack([*noise(3), blank], height, width)
    graph = LocalContrast(height, width, sigma=sigma)
    found = graph(torch.from_numpy(stack)).numpy()
    assert found == pytest.approx(local_contrast(stack, sigma=sigma), abs=1e-5)
    assert not found[3].any()


@pytest.mark.slow
def test_the_file_answers_as_the_network_for_any_number_of_images(tmp_path: Path) -> None:
    network = AlexNet(63, 0.05, filler="msra", bias=0.1, generator=generator(0)).eval()
    network.mean += 0.4
    recipe = Recipe(67, 67, comparison="euclidean")
    graph = Described(network, lambda inner, images: inner(images[:, :, 2:65, 2:65]))
    write_onnx(graph, recipe, tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    recorded = {entry.key: entry.value for entry in model.metadata_props}
    assert msgspec.json.decode(recorded[KEY], type=Recipe) == recipe
    for count in (1, 3):
        images = torch.rand(count, 3, 67, 67, generator=generator(count))
        with torch.inference_mode():
            expected = network(images[:, :, 2:65, 2:65]).numpy()
        assert run(tmp_path / "m.onnx", images.numpy()) == pytest.approx(
            expected, rel=1e-4, abs=1e-5
        )


@pytest.mark.slow
def test_the_same_model_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    graph = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    for name in ("one", "two"):
        write_onnx(graph, Recipe(2, 2), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert b"/harness/" not in (tmp_path / "one").read_bytes()
