"""Folders of Hugging Face: what the library loads, and nothing that is missing, pickled or code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from harness.errors import UsageError
from harness.training.hugging_face import files_of, model_of, part_of

transformers = pytest.importorskip("transformers", reason="extra [transformers]")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a tiny ViT with random weights."""
    folder = tmp_path_factory.mktemp("models") / "vit"
    torch.manual_seed(3)
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    transformers.ViTModel(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture
def vit(made: Path, tmp_path: Path) -> Path:
    """Copy the tiny ViT, to be spoilt."""
    folder = tmp_path / "vit"
    folder.mkdir()
    for file in made.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def changed(file: Path, **values: Any) -> None:
    known = json.loads(file.read_text())
    file.write_text(json.dumps({**known, **values}))


def test_a_model_is_the_library_s(made: Path) -> None:
    theirs = transformers.ViTModel.from_pretrained(made).eval()
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours = model_of(made)(pixel_values=image)
        assert torch.equal(ours.pooler_output, theirs(pixel_values=image).pooler_output)
    assert not ours.last_hidden_state.requires_grad
    assert set(files_of(made)) == {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert list(part_of(made, "AutoImageProcessor").image_mean) == [0.5, 0.5, 0.5]


def test_weights_are_not_read_where_random_ones_are_wanted(made: Path) -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(model_of(made, weights=False).pooler.dense.weight)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], model_of(made).pooler.dense.weight)


def test_a_pooling_layer_alone_may_be_lacking_and_is_not_drawn_at_random(vit: Path) -> None:
    file = vit / "model.safetensors"
    state = safetensors.torch.load_file(file)
    kept = {name: value for name, value in state.items() if not name.startswith("pooler.")}
    safetensors.torch.save_file(kept, file, metadata={"format": "pt"})
    with torch.inference_mode():
        assert model_of(vit)(pixel_values=torch.zeros(1, 3, 32, 32)).pooler_output is None
    del kept["layernorm.weight"]
    safetensors.torch.save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"lacks 3 of the model's weights.*'layernorm\.weight'"):
        model_of(vit)


def test_weights_of_another_shape_are_refused(vit: Path) -> None:
    changed(vit / "config.json", intermediate_size=48)
    with pytest.raises(UsageError, match="cannot make its AutoModel of"):
        model_of(vit)


def test_pickles_are_not_read(vit: Path) -> None:
    (vit / "model.safetensors").rename(vit / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"no weights as \.safetensors.*save_pretrained"):
        model_of(vit)


def test_code_of_a_folder_is_never_run(vit: Path) -> None:
    (vit / "own.py").write_text(f"open({str(vit / 'sprung')!r}, 'w')\n")
    changed(vit / "config.json", auto_map={"AutoModel": "own.Model"}, model_type="own")
    for asked in (model_of, files_of):
        with pytest.raises(UsageError, match=r"Python code of the folder run \(auto_map\)"):
            asked(vit)
    assert not (vit / "sprung").exists()


@pytest.mark.parametrize("text", [None, "{", "\x00"])
def test_what_is_no_folder_of_a_model_is_said(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(UsageError, match=r"is no folder of a model: its config\.json cannot be"):
        model_of(tmp_path)


def test_a_part_that_a_folder_has_not_is_said(made: Path) -> None:
    with pytest.raises(UsageError, match="cannot make its AutoTokenizer of .*vit"):
        part_of(made, "AutoTokenizer")


def test_without_the_library_its_extra_is_named(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(UsageError, match="the model in .* needs transformers, which is not"):
        model_of(made)
