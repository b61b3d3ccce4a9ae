"""The generator `diffusion`, with a Stable Diffusion of a few thousand weights made on the spot."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UsageError
from harness.synthesis import Order, Prompt
from harness.synthesis.finding import build, find_generator

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("diffusion"),
    pytest.mark.skipif(
        # Not by importing them, which takes seconds of every process that collects this.
        not all(map(find_spec, ("diffusers", "transformers"))),
        reason="the extra `diffusion` is not installed",
    ),
]
ORDER = Order(Prompt("a rose on the wrist", "rose", "tribal", "wrist"), "t1", 0, 11)


def tokenizer(folder: Path) -> Any:
    """Return a CLIP tokenizer that spells every word."""
    from transformers import CLIPTokenizer

    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({w: k for k, w in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole Stable Diffusion 1.x pipeline with random weights, saved as its users' are."""
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    place = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    words = tokenizer(place / "words")
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=16,
            projection_dim=16,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        sample_size=32,
    )
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=words,
        unet=unet,
        scheduler=DDIMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(place / "model", safe_serialization=True)
    return place / "model"


def made(model: Path, order: Order = ORDER, **parameters: Any) -> np.ndarray[Any, Any]:
    given = {"model": str(model), "steps": 2, "device": "cpu", **parameters}
    return build(find_generator("diffusion"), given).generate(order).image


def test_a_local_pipeline_is_loaded_and_a_seed_names_its_picture(model: Path) -> None:
    from dataclasses import replace

    first = made(model)
    assert first.dtype == np.uint8
    assert first.shape == (32, 32, 3)
    assert np.array_equal(first, made(model))
    assert not np.array_equal(first, made(model, replace(ORDER, seed=12)))
    assert made(model, width=48, height=32).shape == (32, 48, 3)


def test_the_prompt_and_guidance_reach_the_model(model: Path) -> None:
    from dataclasses import replace

    other = replace(ORDER, prompt=Prompt("a skull", "skull", "tribal", "neck"))
    assert not np.array_equal(made(model), made(model, other))
    assert not np.array_equal(made(model), made(model, guidance=1.0))
    assert not np.array_equal(made(model), made(model, prefix="in the style of tok, "))


def test_a_network_is_never_asked_for_a_folder(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*words: Any, **named: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    made(model)


def test_pickled_weights_are_refused_before_they_are_read(model: Path, tmp_path: Path) -> None:
    """A pickle that would make a file as soon as anything loads it."""
    import pickle
    import shutil

    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    (weights,) = (copy / "unet").glob("*.safetensors")
    weights.unlink()
    (copy / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UsageError, match="is a pickle"):
        made(copy)
    assert not (tmp_path / "sprung").exists()


def test_lora_weights_change_the_picture_by_their_strength(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="the extra `diffusion` is not installed")
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = StableDiffusionPipeline.from_pretrained(model, use_safetensors=True)
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]))
    torch.manual_seed(1)
    for name, weight in pipeline.unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=2.0)
    StableDiffusionPipeline.save_lora_weights(
        tmp_path, unet_lora_layers=get_peft_model_state_dict(pipeline.unet)
    )
    (file,) = tmp_path.glob("*.safetensors")
    plain = made(model)
    assert not np.array_equal(plain, made(model, lora=str(file)))
    assert np.abs(plain.astype(int) - made(model, lora=str(file), lora_scale=0.0)).max() <= 1
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(UsageError, match="not a .safetensors"):
        made(model, lora=str(tmp_path / "weights.bin"))
    (tmp_path / "bad.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(UsageError, match="do not fit"):
        made(model, lora=str(tmp_path / "bad.safetensors"))


def test_a_model_that_is_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="cannot be loaded"):
        made(tmp_path / "empty")
    with pytest.raises(UsageError, match="cannot be loaded"):
        made(Path("nobody/such-a-model"), local=True)
