"""Stable Diffusion of any generation, by model id or folder, through the library diffusers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta
from safetensors import SafetensorError

from harness.errors import UsageError
from harness.synthesis import Generated, GenerationFailed, Generator, Order

UNLOADABLE = (OSError, ValueError, KeyError, AttributeError, RuntimeError, SafetensorError)
"""What the libraries raise where files are missing, damaged, or of another model."""

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
ATTEMPTS = 5
"""Seeds tried where a model's safety checker blackens its picture."""


@dataclass
class Diffusion(Generator):
    """Pictures by Stable Diffusion 1.x, 2.1, 3 or SDXL; needs the extra ``diffusion``.

    Weights are read from safetensors alone and no code of a model's repository is run.

    Parameters
    ----------
    model
        Id on the Hugging Face hub, or a local folder in the layout of diffusers.
    revision, variant
        Commit or tag of the model, and file variant such as ``fp16``.
    local
        Never use the network: the model is a folder, or in the local cache.
    lora, lora_scale
        LoRA weights (a ``.safetensors`` file, a folder or an id) and their strength.
    prefix
        Put before every prompt, such as the word that a fine-tuned model was taught.
    negative
        What pictures shall not show.
    steps, guidance
        Of the sampler; 0 steps or a negative guidance leave the model's own.
    width, height
        In pixels; 0 for the model's own.
    device, dtype
        Where it runs: ``auto`` takes the GPU in half precision where there is one.
    """

    alone: ClassVar[bool] = True

    model: str = "stabilityai/stable-diffusion-xl-base-1.0"
    revision: str = ""
    variant: str = ""
    local: bool = False
    lora: str = ""
    lora_scale: Annotated[float, Meta(ge=0, le=2)] = 1.0
    prefix: str = ""
    negative: str = "text, watermark, frame, cartoon, several people"
    steps: Annotated[int, Meta(ge=0, le=1000)] = 30
    guidance: float = -1.0
    width: Annotated[int, Meta(ge=0, le=4096)] = 0
    height: Annotated[int, Meta(ge=0, le=4096)] = 0
    device: str = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"

    _pipeline: Any = field(default=None, init=False, repr=False, compare=False)

    def generate(self, order: Order) -> Generated:
        """Sample one picture."""
        import torch

        if self._pipeline is None:
            self._pipeline = self._loaded()
        pipeline = self._pipeline
        accepted = inspect.signature(pipeline.__call__).parameters
        wanted: dict[str, Any] = {"prompt": self.prefix + order.prompt.text, "output_type": "np"}
        if self.negative:
            wanted["negative_prompt"] = self.negative
        if self.steps:
            wanted["num_inference_steps"] = self.steps
        if self.guidance >= 0:
            wanted["guidance_scale"] = self.guidance
        if self.width:
            wanted["width"] = self.width
        if self.height:
            wanted["height"] = self.height
        asked = {name: value for name, value in wanted.items() if name in accepted}
        for attempt in range(ATTEMPTS):
            # Numbers of the CPU's generator are the same on every device.
            noise = torch.Generator("cpu").manual_seed(order.seed + attempt)
            made = pipeline(**asked, generator=noise)
            if not any(getattr(made, "nsfw_content_detected", None) or ()):
                pixels = np.asarray(made.images[0], np.float32)
                if not np.isfinite(pixels).all():
                    raise GenerationFailed(
                        f"{self.model} gave a picture that is not finite; try --param dtype=float32"
                    )
                return Generated(np.clip(pixels * 255 + 0.5, 0, 255).astype(np.uint8))
        raise GenerationFailed(
            f"the safety checker of {self.model} refused {ATTEMPTS} pictures of "
            f"{order.prompt.text!r}; change the prompt"
        )

    def _loaded(self) -> Any:
        import torch
        from diffusers import AutoPipelineForText2Image

        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = self.dtype
        if dtype == "auto":
            dtype = "float16" if device.startswith("cuda") else "float32"
        folder = Path(self.model).is_dir()
        if folder:
            _refuse_pickles(Path(self.model))
        named = {"revision": self.revision, "variant": self.variant}
        try:
            pipeline = AutoPipelineForText2Image.from_pretrained(
                self.model,
                torch_dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=self.local or folder,
                **{name: value for name, value in named.items() if value},
            )
        except UNLOADABLE as fault:
            where = "folder" if folder else "model"
            raise UsageError(
                f"the {where} {self.model!r} cannot be loaded: {str(fault).splitlines()[0][:300]}"
            ) from fault
        pipeline.set_progress_bar_config(disable=True)
        if self.lora:
            self._add_lora(pipeline)
        return pipeline.to(device)

    def _add_lora(self, pipeline: Any) -> None:
        place = Path(self.lora)
        named = {"weight_name": place.name} if place.is_file() else {}
        source = str(place.parent) if place.is_file() else self.lora
        if place.is_file() and place.suffix != ".safetensors":
            raise UsageError(f"LoRA weights {self.lora} are not a .safetensors file")
        try:
            pipeline.load_lora_weights(
                source,
                use_safetensors=True,
                local_files_only=self.local or place.exists(),
                **named,
            )
            pipeline.fuse_lora(lora_scale=self.lora_scale)
        except UNLOADABLE as fault:
            raise UsageError(
                f"LoRA weights {self.lora!r} do not fit {self.model!r}: "
                f"{str(fault).splitlines()[0][:300]}"
            ) from fault


def _refuse_pickles(folder: Path) -> None:
    """Refuse a component whose only weights are pickles, which may run code when they are read."""
    for part in [folder, *(p for p in sorted(folder.iterdir()) if p.is_dir())]:
        pickles = [f for f in part.glob("*") if f.suffix in PICKLES]
        if pickles and not any(part.glob("*.safetensors")):
            raise UsageError(
                f"{pickles[0]} is a pickle, which may run code of its author; convert the model "
                "to safetensors"
            )
