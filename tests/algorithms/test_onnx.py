"""The entry for any ONNX model: what it makes of pictures, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.conformance import check, specimens
from harness.errors import UsageError
from harness.plugins import registry
from harness.training.onnx_recipe import KEY, Recipe
from tests.conftest import Ran

FLOAT = TensorProto.FLOAT
ORANGE = np.full((8, 6, 3), (255, 102, 0), np.uint8)


def entry(file: Path | str, **parameters: Any) -> Any:
    kind: Any = registry.load(registry.find_algorithm("onnx"))
    return kind(model=str(file), **parameters)


def model_of(
    axes: list[Any], weights: Any = None, *, recipe: Recipe | None = None, outputs: int = 1
) -> onnx.ModelProto:
    """Return a model that flattens its input and multiplies it by weights; the identity if None."""
    size = int(np.prod([side for side in axes[1:] if isinstance(side, int)]))
    weights = np.eye(size, dtype=np.float32) if weights is None else weights
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["flat"])]
        + [helper.make_node("MatMul", ["flat", "w"], [f"y{i}"]) for i in range(outputs)],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, axes)],
        [helper.make_tensor_value_info(f"y{i}", FLOAT, ["a", "b"]) for i in range(outputs)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if recipe is not None:
        helper.set_model_props(model, {KEY: msgspec.json.encode(recipe).decode()})
    return model


def written(tmp_path: Path, model: onnx.ModelProto) -> Path:
    file = tmp_path / "model.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def test_a_file_of_a_stranger_gets_rgb_from_0_to_1_as_large_as_its_input(tmp_path: Path) -> None:
    file = written(tmp_path, model_of(["n", 3, 1, 2]))
    assert entry(file).extract(ORANGE) == pytest.approx([1, 1, 0.4, 0.4, 0, 0])


def test_the_recipe_in_the_file_is_followed_and_parameters_win_over_it(tmp_path: Path) -> None:
    recipe = Recipe(1, 1, colour="bgr", mean=(0.5,), comparison="euclidean")
    file = written(tmp_path, model_of(["n", 3, 1, 1], recipe=recipe))
    assert entry(file).extract(ORANGE) == pytest.approx([-0.5, -0.1, 0.5])
    changed = entry(file, colour="rgb", mean=(0.0, 0.0, 1.0), scale=127.5, std=(2.0,))
    assert changed.extract(ORANGE) == pytest.approx([1, 0.4, -0.5])
    left, right = [np.zeros(2)], [np.array([3.0, 4.0]), np.zeros(2)]
    assert entry(file).compare(left, right).tolist() == [[-5.0, 0.0]]
    assert entry(file).compare([], right).shape == (0, 2)
    assert entry(file, comparison="cosine").compare(right, right)[0, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        (["n", 2, 1, 3], [1, 0.4, 0] * 2),
        (["n", 2, 2, 1], [0.533] * 4),
        (["n", 1, 2, 2], [0.533] * 4),
    ],
)
def test_channels_are_found_where_the_shape_of_the_input_has_them(
    tmp_path: Path, axes: list[Any], expected: list[float]
) -> None:
    file = written(tmp_path, model_of(axes))
    assert entry(file).extract(ORANGE) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("count", ["n", 1, 4])
def test_a_template_does_not_depend_on_its_batch_whatever_batch_the_model_takes(
    tmp_path: Path, count: Any
) -> None:
    weights = np.random.default_rng(0).normal(size=(3 * 36, 8)).astype(np.float32)
    file = written(tmp_path, model_of([count, 3, 6, 6], weights))
    pictures = specimens.ordinary(drawings=3).images
    together = np.array(entry(file).extract_batch(pictures))
    alone = np.array([entry(file).extract(image) for image in pictures[:6]])
    assert together.shape == (len(pictures), 8)
    assert np.array_equal(together[:6], alone)


def test_it_keeps_to_the_interface(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(3 * 64, 16)).astype(np.float32)
    file = written(tmp_path, model_of(["n", 3, 8, 8], weights))
    kind = registry.load(registry.find_algorithm("onnx"))
    findings = check(kind, {"model": str(file)}, folder=tmp_path)
    assert [finding for finding in findings if not finding.passed] == []


def test_size_is_needed_where_the_model_takes_any_and_refused_where_it_does_not(
    tmp_path: Path,
) -> None:
    pooled = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["x"], ["p"]),
            helper.make_node("Flatten", ["p"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", FLOAT, ["a", "b"])],
    )
    opset = [helper.make_opsetid("", 17)]
    any_size = written(tmp_path, helper.make_model(pooled, opset_imports=opset, ir_version=8))
    with pytest.raises(UsageError, match="size=HEIGHT,WIDTH"):
        entry(any_size).extract(ORANGE)
    assert entry(any_size, size=(5,)).extract(ORANGE) == pytest.approx([1, 0.4, 0])
    fixed = written(tmp_path, model_of(["n", 3, 4, 5]))
    with pytest.raises(UsageError, match="takes images of width 5, not 6"):
        entry(fixed, size=(4, 6)).extract(ORANGE)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"colour": "gray"}, "takes 3 channels, and gray has 1"),
        ({"mean": (1.0, 2.0)}, "mean has 2 values"),
        ({"std": (0.0, 1.0, 1.0)}, "those of std above 0"),
        ({"size": (1, 2, 3)}, "size has 3 values"),
        ({"output": "z"}, "no output 'z'; it has: y0"),
        ({"data": "weights.bin"}, "would not be used"),
    ],
)
def test_parameters_that_do_not_fit_the_model_are_refused(
    tmp_path: Path, parameters: dict[str, Any], said: str
) -> None:
    file = written(tmp_path, model_of(["n", 3, 4, 4]))
    with pytest.raises(UsageError, match=said):
        entry(file, **parameters).extract(ORANGE)


def test_of_several_outputs_one_has_to_be_chosen(tmp_path: Path) -> None:
    file = written(tmp_path, model_of(["n", 3, 1, 1], outputs=2))
    with pytest.raises(UsageError, match=r"several outputs \(y0, y1\)"):
        entry(file).extract(ORANGE)
    assert entry(file, output="y1").extract(ORANGE) == pytest.approx([1, 0.4, 0])


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG", b"\x08\x07" * 40, model_of(["n", 3, 4, 4]).SerializeToString()[:90]],
)
def test_a_file_that_is_no_sound_model_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="m.onnx"):
        entry(file).extract(ORANGE)


def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected float32 with four axes"):
        entry(written(tmp_path, model_of(["n", 12]))).extract(ORANGE)
    with pytest.raises(UsageError, match="cannot read the model .*No such file"):
        entry(tmp_path / "none.onnx").extract(ORANGE)
    model = model_of(["n", 3, 1, 1])
    helper.set_model_props(model, {KEY: '{"height": "tall"}'})
    file = written(tmp_path, model)
    with pytest.raises(UsageError, match="metadata 'tattoo-harness' cannot be read"):
        entry(file).extract(ORANGE)


def test_a_model_that_gives_one_row_for_all_images_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["y"], axis=0)],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["n", 3, 2, 2])],
        [helper.make_tensor_value_info("y", FLOAT, ["a", "b"])],
    )
    opset = [helper.make_opsetid("", 17)]
    file = written(tmp_path, helper.make_model(graph, opset_imports=opset, ir_version=8))
    with pytest.raises(UsageError, match="1 rows for 16 images"):
        entry(file).extract(ORANGE)


def outside(tmp_path: Path, location: str) -> Path:
    """Write a model in a folder of its own whose weights are said to be elsewhere."""
    folder = tmp_path / "models"
    folder.mkdir()
    model = model_of(["n", 3, 1, 1])
    (tensor,) = model.graph.initializer
    (tmp_path / "secret.bin").write_bytes(tensor.raw_data)
    (folder / "beside.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return written(folder, model)


@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "/etc/passwd", "x/../../secret.bin", "..\\secret.bin", "C:\\x", ""],
)
def test_weights_from_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    file = outside(tmp_path, location)
    with pytest.raises(UsageError, match="not in its own folder; refused"):
        entry(file, data=str(tmp_path / "secret.bin")).extract(ORANGE)


def test_a_link_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    file = outside(tmp_path, "link.bin")
    (file.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(UsageError, match="not in its own folder; refused"):
        entry(file, data=str(file.parent / "link.bin")).extract(ORANGE)


def test_weights_beside_the_model_have_to_be_named_so_that_they_are_hashed(tmp_path: Path) -> None:
    file = outside(tmp_path, "beside.bin")
    with pytest.raises(UsageError, match=r"--param data=.*beside\.bin"):
        entry(file).extract(ORANGE)
    with pytest.raises(UsageError, match="not in data="):
        entry(file, data=str(tmp_path / "secret.bin")).extract(ORANGE)
    named = entry(file, data=str(file.parent / "beside.bin"))
    assert named.extract(ORANGE) == pytest.approx([1, 0.4, 0])


def test_weights_of_a_subgraph_are_looked_at_too(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(3)))
    constant.attribute[0].t.data_location = TensorProto.EXTERNAL
    constant.attribute[0].t.external_data.add(key="location", value="../secret.bin")
    branch = helper.make_graph([constant], "b", [], [helper.make_tensor_value_info("c", 11, [3])])
    model = model_of(["n", 3, 1, 1])
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["unused"], then_branch=branch, else_branch=branch)
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    with pytest.raises(UsageError, match=r"secret\.bin|not a sound"):
        entry(written(tmp_path, model)).extract(ORANGE)


def test_without_a_model_a_run_and_a_check_say_what_is_missing(
    harness: Callable[..., Ran],
) -> None:
    for words in (("run", "--protocol", "similarity", "--algo", "onnx"), ("check", "onnx")):
        ran = harness(*words)
        assert ran.code == 2
        assert "onnx needs --param model=... (The ONNX file.)" in ran.err
    with pytest.raises(UsageError, match="--param model=FILE"):
        entry("").extract(ORANGE)
