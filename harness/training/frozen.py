"""A network as it is: how its library prepares pictures for it, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
import torchvision
from PIL import Image as Pillow
from torch import Tensor, nn

from harness.api import Image
from harness.errors import UsageError, absent, text_of
from harness.training.hugging_face import part_of
from harness.training.networks import (
    ONNX,
    TIMM,
    TORCHVISION,
    TRANSFORMERS,
    Source,
    image_features,
    network_of,
    timm_config,
)
from harness.training.preparation import FloatStack

LEAST = 1e-6
"""Below it, values are taken for it by generalised means."""


@dataclass(frozen=True)
class Look:
    """What a user has otherwise than a network's own preparation; empty and 0 leave that.

    Parameters
    ----------
    size
        Height and width of what the network sees, in pixels, or one number for both.
    framing
        ``cropped``: the middle of a picture; ``squeezed``: all of it, whatever its aspect.
    crop
        Share of the shorter side that is kept where it is cropped, in (0, 1].
    interpolation
        ``nearest``, ``bilinear`` or ``bicubic``.
    mean, std
        Of every colour in [0, 1], subtracted and then divided by.
    """

    size: tuple[int, ...] = ()
    framing: str = ""
    crop: float = 0.0
    interpolation: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def faults(self) -> list[str]:
        """Say what no picture can be prepared by."""
        found = []
        if len(self.size) > 2 or any(side < 1 for side in self.size):
            found.append(f"size is {self.size}; expected height and width, of a pixel or more")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, 3) or (name == "std" and min(values, default=1) <= 0):
                found.append(f"{name} is {values}; expected a value for each colour, std above 0")
        if self.framing == "squeezed" and self.crop:
            found.append("crop is a share of what framing=cropped keeps; squeezed keeps all")
        return found


Prepare = Callable[[Sequence[Image]], FloatStack]
"""From n pictures to what a network takes: float32, shape (n, ...)."""


class Preparation(NamedTuple):
    """How pictures are prepared.

    Parameters
    ----------
    prepare
        Does it.
    words
        Say how.
    library
        Whose preparation it is, with its version.
    block
        Images that the network is then given at once; the last bits may depend on how many.
    session
        Of a network of an ONNX file.
    """

    prepare: Prepare
    words: str
    library: str
    block: int = 16
    session: Any = None


class Outputs(NamedTuple):
    """What a network says of a block of n images; None is what it does not have.

    Parameters
    ----------
    own
        What goes into its last layer, or what it gives for a whole image: shape (n, d).
    first
        Its class token: shape (n, c).
    places
        Of every place of a grid over the image: shape (n, places, c).
    """

    own: Tensor | None = None
    first: Tensor | None = None
    places: Tensor | None = None


def preparation_of(source: Source, look: Look) -> Preparation:
    """Return how pictures are prepared for a network: as its library has it, and `look` wants it.

    Parameters
    ----------
    source
        Of the network.
    look
        What is otherwise.

    Raises
    ------
    UsageError
        If that cannot be had otherwise.
    """
    if faults := look.faults():
        raise UsageError("; ".join(faults))
    prepared = {
        TIMM: _by_timm,
        TORCHVISION: _by_torchvision,
        TRANSFORMERS: _by_transformers,
        ONNX: _by_onnx,
    }
    try:
        return prepared[source.library](source, look)
    except UsageError:
        raise
    except Exception as reason:  # what a library raises at words that it does not know
        raise UsageError(f"{source} cannot be prepared for so: {text_of(reason, 300)}") from None


def asked_of(
    source: Source, weights: str, size: int, prepared: Preparation
) -> Callable[[Tensor], Outputs]:
    """Return a function from prepared images of shape (n, ...), on any device, to the outputs.

    Parameters
    ----------
    source, weights, size
        As `network_of` takes them.
    prepared
        How pictures are prepared for it.

    Raises
    ------
    UsageError
        If the network cannot be had.
    """
    if prepared.session is not None:
        return partial(_ask_onnx, prepared.session)
    network = network_of(source, weights, size)
    asked = {TIMM: _ask_timm, TORCHVISION: _ask_torchvision, TRANSFORMERS: _ask_transformers}
    return lambda images: asked[source.library](network.to(images.device), images)


def pooled(outputs: Outputs, pooling: str, power: float, source: Source) -> Tensor:
    """Return one vector for each image: shape (n, d).

    Parameters
    ----------
    outputs
        Of the network.
    pooling
        ``own``, ``cls`` (the class token), ``mean`` over places, or ``gem``: the generalised mean
        of places (Radenovic et al., PAMI 2019), values below `LEAST` taken for it.
    power
        Of the generalised mean: 1 for the mean, and the larger, the nearer to the maximum.
    source
        Of the network, for the message.

    Raises
    ------
    UsageError
        If the network does not have what is pooled.
    """
    own, first, places = outputs
    vectors = {"own": own, "cls": first}.get(pooling)
    if places is not None and pooling == "mean":
        vectors = places.mean(dim=1)
    if places is not None and pooling == "gem":
        above = places.float().clamp(min=LEAST)
        greatest = above.amax(dim=1)  # so that no high power is too small, or too large, a number
        vectors = greatest * ((above / greatest[:, None]) ** power).mean(dim=1) ** (1 / power)
    if vectors is not None:
        return vectors
    has = {"own": own, "cls": first, "mean": places, "gem": places}
    there = ", ".join(name for name, one in has.items() if one is not None) or "none of them"
    what = {"own": "vector of its own", "cls": "class token"}.get(pooling, "grid of places")
    raise UsageError(f"{source} gives no {what} that pooling={pooling} could take; it has {there}")


def _ask_timm(network: Any, images: Tensor) -> Outputs:
    found = network.forward_features(images)
    own = network.forward_head(found)
    if not isinstance(found, Tensor):
        return Outputs(own)
    if found.ndim == 4:
        grid = found if getattr(network, "output_fmt", "NCHW") == "NHWC" else found.movedim(1, 3)
        return Outputs(own, None, grid.flatten(1, 2))
    prefix = int(getattr(network, "num_prefix_tokens", 0))
    has_class = prefix and getattr(network, "cls_token", None) is not None
    return Outputs(own, found[:, 0] if has_class else None, found[:, prefix:])


def _ask_torchvision(network: Any, images: Tensor) -> Outputs:
    # The grid is what goes into the last pooling, or what the encoder of a transformer gives.
    pools = [one for one in network.modules() if isinstance(one, nn.AdaptiveAvgPool2d)]
    encoder = getattr(network, "encoder", None)
    seen: list[Tensor] = []
    if isinstance(encoder, nn.Module):
        hook = encoder.register_forward_hook(lambda module, given, gives: seen.append(gives))
    elif pools:
        hook = pools[-1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    else:
        return Outputs(network(images))
    with hook:
        own = network(images)
    if isinstance(encoder, nn.Module):
        return Outputs(own, seen[-1][:, 0], seen[-1][:, 1:])
    return Outputs(own, None, seen[-1].flatten(2).transpose(1, 2))


def _ask_transformers(network: Any, images: Tensor) -> Outputs:
    found = image_features(network, images)
    own, states = getattr(found, "pooler_output", None), getattr(found, "last_hidden_state", None)
    own = None if own is None else own.flatten(1)
    if states is None or states.ndim not in (3, 4):
        return Outputs(own)
    if states.ndim == 4:
        return Outputs(own, None, states.flatten(2).transpose(1, 2))
    patch = getattr(getattr(network.config, "vision_config", network.config), "patch_size", 0)
    grid = (images.shape[2] // patch) * (images.shape[3] // patch) if isinstance(patch, int) else 0
    prefix = states.shape[1] - grid
    if not 0 <= prefix < states.shape[1]:  # no grid of its own: a hierarchy that has merged places
        return Outputs(own, None, states)
    return Outputs(own, states[:, 0] if prefix else None, states[:, prefix:])


def _ask_onnx(session: Any, images: Tensor) -> Outputs:
    rows = torch.from_numpy(session.run(images.numpy()))
    if rows.ndim == 3:  # tokens: which of them are places the file does not say
        return Outputs(None, rows[:, 0], None)
    grid = rows.flatten(2).transpose(1, 2) if rows.ndim == 4 else None
    whole = grid is None or grid.shape[1] == 1
    return Outputs(rows.flatten(1) if whole else None, None, grid)


def _stacked(transform: Callable[[Any], Tensor]) -> Callable[[Sequence[Image]], FloatStack]:
    def prepare(images: Sequence[Image]) -> FloatStack:
        pictures = (Pillow.fromarray(np.ascontiguousarray(one)) for one in images)
        return np.stack([transform(one).numpy() for one in pictures])

    return prepare


def _by_timm(source: Source, look: Look) -> Preparation:
    timm = absent.imported("timm", str(source))
    data = absent.imported("timm.data", str(source))
    _, config, _ = timm_config(source)
    own = {
        "input_size": (3, look.size[0], look.size[-1]) if look.size else None,
        "interpolation": look.interpolation,
        "mean": look.mean or None,
        "std": look.std or None,
        "crop_pct": 1.0 if look.framing == "squeezed" else look.crop,
        "crop_mode": {"squeezed": "squash", "cropped": "center"}.get(look.framing),
    }
    facts = data.resolve_data_config(own, pretrained_cfg=config.to_dict())
    transform = data.create_transform(**facts, is_training=False)
    return Preparation(_stacked(transform), _words(facts), f"timm {timm.__version__}")


def _by_torchvision(source: Source, look: Look) -> Preparation:
    preset: Any = torchvision.models.get_model_weights(source.name).DEFAULT.transforms()
    (crop,), (shorter,) = preset.crop_size, preset.resize_size
    if look.size:
        if len(set(look.size)) > 1:
            raise UsageError(f"{source} is shown squares: size is {look.size}, expected one number")
        crop, shorter = look.size[0], round(look.size[0] * shorter / crop)
    if look.crop:
        shorter = round(crop / look.crop)
    preset.crop_size = [crop]
    preset.resize_size = [crop, crop] if look.framing == "squeezed" else [shorter]
    if look.interpolation:
        modes = torchvision.transforms.InterpolationMode
        preset.interpolation = modes(look.interpolation)
    preset.mean = list(look.mean or preset.mean)
    preset.std = list(look.std or preset.std)
    names = ("crop_size", "resize_size", "interpolation", "mean", "std")
    facts = {name: getattr(preset, name) for name in names}
    facts["interpolation"] = preset.interpolation.value
    return Preparation(_stacked(preset), _words(facts), f"torchvision {torchvision.__version__}")


def _by_transformers(source: Source, look: Look) -> Preparation:
    library = absent.imported("transformers", str(source))
    processor = part_of(Path(source.name), "AutoImageProcessor")
    known = processor.to_dict()
    more: dict[str, Any] = {}
    cropped = bool(known.get("do_center_crop"))
    if look.size or look.framing or look.crop:
        size: dict[str, int] = dict(known.get("size") or {})
        was: dict[str, int] = dict(known.get("crop_size") or {}) if cropped else size
        shorter = size.get("shortest_edge") or size.get("height") or 224
        sides = {name: was.get(name) or shorter for name in ("height", "width")}
        share = look.crop or min(1.0, sides["height"] / shorter)
        if look.size:
            sides = {"height": look.size[0], "width": look.size[-1]}
        more = {"size": sides, "do_center_crop": False}
        if look.framing == "cropped" or (cropped and not look.framing):
            edge = {"shortest_edge": round(max(sides.values()) / share)}
            more = {"size": edge, "crop_size": sides, "do_center_crop": True}
    more |= {"resample": _RESAMPLED[look.interpolation]} if look.interpolation else {}
    more |= {
        name: list(values) if len(values) == 3 else [values[0]] * 3
        for name, values in (("image_mean", look.mean), ("image_std", look.std))
        if values
    }

    def prepare(images: Sequence[Image]) -> FloatStack:
        pictures = [Pillow.fromarray(np.ascontiguousarray(one)) for one in images]
        found = processor(images=pictures, return_tensors="np", **more)["pixel_values"]
        if getattr(found, "ndim", 0) != 4:
            raise UsageError(f"{source} does not prepare pictures as images of one size")
        return np.asarray(found, np.float32)

    names = ("size", "do_center_crop", "crop_size", "resample", "image_mean", "image_std")
    facts = {name: {**known, **more}.get(name) for name in names}
    name = type(processor).__name__
    return Preparation(prepare, f"{name}, {_words(facts)}", f"transformers {library.__version__}")


def _by_onnx(source: Source, look: Look) -> Preparation:
    if look.crop or look.interpolation:
        raise UsageError(f"{source.name}: crop and interpolation are not to be chosen for ONNX")
    if source.library == ONNX:  # its packages are wanted for nothing else
        from harness.training.onnx_session import open_session
    own: dict[str, Any] = {"framing": look.framing, "mean": look.mean, "std": look.std}
    session = open_session(Path(source.name), size=look.size, **own)
    words = _words(msgspec.to_builtins(session.recipe))
    version = absent.imported("onnxruntime", str(source)).__version__
    return Preparation(
        session.recipe.prepare, words, f"onnxruntime {version}", session.block, session
    )


_RESAMPLED = {"nearest": 0, "bilinear": 2, "bicubic": 3}
"""As Pillow numbers its filters."""


def _words(facts: dict[str, Any]) -> str:
    plain = {k: list(v) if isinstance(v, (tuple, list)) else v for k, v in facts.items()}
    return ", ".join(f"{name} {one}" for name, one in plain.items() if one is not None)
