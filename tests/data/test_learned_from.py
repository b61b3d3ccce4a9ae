"""An ONNX model is not judged on the pictures that it learned from, nor on copies of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.fingerprints import content_hashes
from harness.data.learned_from import KEY, check_learned, learned_from, read_learned, stamp
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError

onnx = pytest.importorskip("onnx")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that averages an image."""
    images = onnx.helper.make_tensor_value_info("x", 1, ["n", 3, 8, 8])
    means = onnx.helper.make_tensor_value_info("y", 1, ["n", 3, 1, 1])
    node = onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [images], [means])
    found = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.helper.set_model_props(found, {"theirs": "kept"})
    path = tmp_path / "m.onnx"
    onnx.save_model(found, str(path))
    return path


@pytest.fixture
def world(tmp_path: Path) -> Dataset:
    """Twelve pictures, six to learn from (t) and six to judge (p)."""
    rng = np.random.default_rng(2)
    records = {}
    for i in range(12):
        name = f"{'t' if i < 6 else 'p'}{i}"
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        coarse.resize((90, 70), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
        records[name] = Record(name, tmp_path / f"{name}.png")
    return Dataset("world", tmp_path, "csv", records)


def stamped(model: Path, world: Dataset) -> Path:
    files = {name: record.path for name, record in world.records.items() if name[0] == "t"}
    stamp(model, learned_from(files, content_hashes(world, files)))
    return model


def folds(*groups: tuple[str, ...]) -> list[Fold]:
    return [Fold(str(i), (), group[:1], group[1:]) for i, group in enumerate(groups, start=1)]


def test_a_model_knows_its_pictures_and_keeps_its_other_metadata(
    model: Path, world: Dataset
) -> None:
    before = onnx.load(str(model)).graph
    learned = read_learned(stamped(model, world))
    assert learned is not None
    assert (len(learned.hashes), len(learned.looks.cells)) == (6, 6)
    after = onnx.load(str(model))
    assert after.graph == before
    assert {p.key for p in after.metadata_props} == {"theirs", KEY}
    assert check_learned(model, world, folds(("p6", "p7"), ("p8", "p9")), data_path="world") == []


@pytest.mark.parametrize(
    "copied",
    [
        lambda picture, path: picture.save(path, "PNG"),
        lambda picture, path: picture.save(path, "JPEG", quality=50),
        lambda picture, path: picture.resize((180, 140)).save(path, "WEBP"),
    ],
)
def test_copies_of_its_pictures_are_refused_and_free_folds_named(
    copied: Callable[[Image.Image, Path], None], model: Path, world: Dataset
) -> None:
    copied(Image.open(world.records["t3"].path), world.records["p7"].path)
    asked = folds(("p6", "p7"), ("p8", "p9"), ("p10", "p11"))
    with pytest.raises(DataError) as refused:
        check_learned(stamped(model, world), world, asked, data_path="world")
    assert "learned from 1 of the 6 pictures of world that are judged" in str(refused.value)
    assert "--fold 2 --fold 3" in str(refused.value)
    assert refused.value.problems == (next(iter(refused.value.problems)),)
    assert "'p7'" in refused.value.problems[0]


def test_a_model_that_says_nothing_is_pointed_out(model: Path, world: Dataset) -> None:
    (one,) = check_learned(model, world, folds(("p6", "p7")), data_path="world")
    assert (one.code, one.severity) == ("training-unknown", "warning")
    assert "what the model m.onnx learned from is not known" in one.text


@pytest.mark.parametrize("text", ["x", "{}", '{"pictures":1,"hashes":[],"looks":"!!"}'])
def test_faulty_metadata_are_an_error_and_no_traceback(
    text: str, model: Path, world: Dataset
) -> None:
    found = onnx.load(str(model))
    onnx.helper.set_model_props(found, {KEY: text})
    onnx.save_model(found, str(model))
    with pytest.raises(UsageError, match="cannot be read"):
        check_learned(model, world, folds(("p6", "p7")), data_path="world")


def test_what_is_no_model_is_left_alone(tmp_path: Path, world: Dataset) -> None:
    path = tmp_path / "m.onnx"
    path.write_text("96.0")
    stamped(path, world)
    assert path.read_text() == "96.0"
    assert read_learned(path) is None
