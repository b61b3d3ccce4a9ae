"""Networks of others by name, without their last layer: of torchvision, of timm, in a folder."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn

from harness.errors import UsageError, absent, nearest, text_of
from harness.training.hugging_face import CONFIG, files_of, model_of
from harness.training.weights import (
    IMAGENET,
    PRETRAINED,
    cached_weights,
    load_pretrained,
    read_file,
    without,
)

TORCHVISION, TIMM, TRANSFORMERS, ONNX = "torchvision", "timm", "transformers", "onnx"

NOTHING = ("", "none")
"""In the place of weights: random ones."""

INSTEAD = "give a file of them by --param weights=FILE, or take random ones by --param weights=none"


class Source(NamedTuple):
    """Where a network is from.

    Parameters
    ----------
    library
        One of the four above.
    name
        There; of a folder or a file its path.
    """

    library: str
    name: str

    def __str__(self) -> str:
        return f"{self.library}:{self.name}"


def source_of(model: str) -> Source:
    """Return what a model's name means.

    >>> str(source_of("resnet50")), str(source_of("timm:test_vit.r160_in1k"))
    ('torchvision:resnet50', 'timm:test_vit.r160_in1k')

    Parameters
    ----------
    model
        ``torchvision:NAME`` or ``NAME``, ``timm:NAME`` with or without a tag, an ``.onnx`` file, or
        a folder with ``config.json`` as Hugging Face's hub has it, of transformers or of timm.

    Raises
    ------
    UsageError
        If it names nothing.
    """
    library, colon, name = model.partition(":")
    if colon and library in (TORCHVISION, TIMM) and name:
        found = Source(library, name)
    elif model.lower().endswith(".onnx"):
        return Source(ONNX, model)
    elif model and (Path(model) / CONFIG).is_file():
        return Source(TIMM if "architecture" in _config(Path(model)) else TRANSFORMERS, model)
    else:
        found = Source(TORCHVISION, model)
    if found.library == TORCHVISION:
        known = torchvision.models.list_models(module=torchvision.models)
        if found.name not in known:
            raise UsageError(
                f"torchvision has no network {found.name!r}.{nearest(found.name, known)} A model "
                "is torchvision:NAME, timm:NAME, a file that ends in .onnx, or a folder with "
                f"{CONFIG} and .safetensors, as Hugging Face's hub has it"
            )
    return found


def weights_of(source: Source, weights: str) -> dict[str, Path]:
    """Return the files of a network that no parameter names, by URL or by name.

    Parameters
    ----------
    source
        Of the network.
    weights
        ``pretrained`` for those of the library, from its cache on this machine; ``imagenet`` for
        torchvision's; a file; empty or ``none`` for random ones.

    Raises
    ------
    UsageError
        If they are not there, with what to do.
    """
    if weights == IMAGENET and source.library != TORCHVISION:
        raise UsageError(
            f"weights={IMAGENET} are torchvision's; those of {source} are weights={PRETRAINED}"
        )
    folder = Path(source.name)
    if source.library in (TRANSFORMERS, ONNX):
        if weights not in (PRETRAINED, *NOTHING):
            raise UsageError(f"{folder} brings its weights: leave out weights={weights}")
        return files_of(folder) if source.library == TRANSFORMERS else {}
    found = {CONFIG: folder / CONFIG} if folder.is_dir() else {}
    if weights not in (IMAGENET, PRETRAINED):
        return found
    if source.library == TORCHVISION:
        return dict([cached_weights(source.name, INSTEAD)])
    if source.library == TIMM:
        where, file = _of_timm(source)
        found[where] = file
    return found


def network_of(source: Source, weights: str, size: int = 0, features: int = 0) -> Any:
    """Return a network, in ``eval`` mode.

    Parameters
    ----------
    source
        Of the network, which is not that of an ONNX file.
    weights
        As `weights_of` takes them; random ones follow from torch's generator.
    size
        Side of the images, where a network is made for one size; 0 for its own.
    features
        Length of what a new last layer, with random weights, makes of an image; 0 for none: the
        network gives what goes into its last layer, one of transformers all that it has.

    Raises
    ------
    UsageError
        If the weights cannot be had or are of another network, or the size does not go.
    """
    if source.library == ONNX:
        raise UsageError(f"the network of {source.name}, an ONNX file, cannot be trained here")
    files = weights_of(source, weights)
    if source.library == TIMM:
        file = next((one for one in files.values() if one.name != CONFIG), Path(weights))
        network = _timm_network(source, None if weights in NOTHING else file, size)
        if features:
            network.reset_classifier(features)
    elif source.library == TRANSFORMERS:
        network = model_of(Path(source.name), weights=weights == PRETRAINED)
        if features:
            network = _Headed(network, features, size, source)
    else:
        network = _torchvision_network(source, weights, features)
    return network.eval()


def image_features(model: Any, images: Tensor) -> Any:
    """Return what a model of transformers gives of images alone, with `pooler_output` if any.

    Parameters
    ----------
    model
        Of images, or of images and texts.
    images
        As its processor prepares them: shape (n, 3, height, width).
    """
    asked = getattr(model, "get_image_features", None) or model.forward
    more = (
        {"interpolate_pos_encoding": True}
        if _INTERPOLATE in inspect.signature(asked).parameters
        else {}
    )
    found = asked(pixel_values=images, **more)
    if not isinstance(found, Tensor):
        return found
    # Before version 5 of transformers it is the vector alone, and its tower is asked for the rest.
    seen = model.vision_model(pixel_values=images, **more).last_hidden_state
    return SimpleNamespace(pooler_output=found, last_hidden_state=seen)


def pooled(output: Any, source: Source) -> Tensor:
    """Return the one vector of an image that a model of transformers gives: shape (n, d)."""
    vector = getattr(output, "pooler_output", None)
    if vector is None:
        raise UsageError(f"{source} gives no vector of its own of an image: choose another pooling")
    return vector.flatten(1)  # type: ignore[no-any-return]


_INTERPOLATE = "interpolate_pos_encoding"


class _Headed(nn.Module):
    """A model of transformers with a last layer on what it gives of an image as a whole."""

    def __init__(self, body: nn.Module, features: int, size: int, source: Source) -> None:
        super().__init__()
        self.body, self._source = body, source
        try:
            with torch.no_grad():
                length = self._own(torch.zeros(1, 3, size, size)).shape[1]
        except RuntimeError as reason:
            raise UsageError(
                f"{source} takes no images of {size} pixels: {text_of(reason, 300)}"
            ) from None
        self.last = nn.Linear(length, features)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images of shape (n, 3, height, width)."""
        embeddings: Tensor = self.last(self._own(images))
        return embeddings

    def _own(self, images: Tensor) -> Tensor:
        return pooled(image_features(self.body, images), self._source)


def _torchvision_network(source: Source, weights: str, features: int) -> Any:
    network: Any = torchvision.models.get_model(source.name, weights=None)
    linear = [at for at, one in network.named_modules() if isinstance(one, nn.Linear)]
    if not linear:
        raise UsageError(f"{source} has no last layer that is linear; its network is not known")
    parent, _, name = linear[-1].rpartition(".")
    inputs = network.get_submodule(linear[-1]).in_features
    setattr(network.get_submodule(parent), name, nn.Identity())
    if weights not in NOTHING:
        load_pretrained(network, source.name, weights, INSTEAD, leave_out=f"{linear[-1]}.")
    if features:
        setattr(network.get_submodule(parent), name, nn.Linear(inputs, features))
    if hasattr(network, "aux_logits"):  # as torchvision builds these two for its weights
        network.aux_logits, network.transform_input = False, True
    return network


@cache
def timm_config(source: Source) -> tuple[str, Any, dict[str, Any]]:
    """Return the architecture, timm's `PretrainedCfg` and the arguments of a network of timm.

    Raises
    ------
    UsageError
        If timm is not installed, or knows no such network or tag.
    """
    timm = absent.imported("timm", str(source))
    folder = Path(source.name)
    if (folder / CONFIG).is_file():
        known = _config(folder)
        name, more = str(known["architecture"]), dict(known.get("model_args") or {})
        base = timm.get_pretrained_cfg(name.partition(".")[0]) or timm.models.PretrainedCfg()
        own = known.get("pretrained_cfg", known)
        config = replace(
            base,
            **{
                one.name: tuple(own[one.name]) if isinstance(own[one.name], list) else own[one.name]
                for one in fields(base)
                if one.name in own
            },
        )
    else:
        name, tag, more = source.name, source.name.partition(".")[2], {}
        tags = {
            one.partition(".")[2] for one in timm.list_pretrained(f"{name.partition('.')[0]}.*")
        }
        if tag and tags and tag not in tags:
            raise UsageError(
                f"timm has no weights {tag!r} of {name.partition('.')[0]}; it has: "
                f"{', '.join(sorted(tags))}"
            )
        config = timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg()
    if not timm.is_model(name):
        raise UsageError(
            f"timm {timm.__version__} has no network {name!r}.{nearest(name, timm.list_models())}"
        )
    return name, config, more


def _of_timm(source: Source) -> tuple[str, Path]:
    """Return where timm's weights are from, and their file: in a folder, or in a cache."""
    _, config, _ = timm_config(source)
    folder = Path(source.name)
    names: tuple[str, ...] = ("model.safetensors", "pytorch_model.bin")
    if folder.is_dir():
        for one in names:
            if (folder / one).is_file():
                return one, folder / one
        raise UsageError(f"{folder} has none of {', '.join(names)}")
    if not config.hf_hub_id:
        raise UsageError(
            f"timm has no weights of {source} on Hugging Face's hub; {INSTEAD}"
            + f" (these are at {config.url})" * bool(config.url)
        )
    hub = absent.imported("huggingface_hub", str(source))
    names = (config.hf_hub_filename,) if config.hf_hub_filename else names
    url = f"https://huggingface.co/{config.hf_hub_id}/resolve/main/"
    for one in names:
        file = hub.try_to_load_from_cache(config.hf_hub_id, one)
        if isinstance(file, str):
            return url + one, Path(file)
    raise UsageError(
        f"the weights of {source} are not in Hugging Face's cache, and no algorithm downloads "
        f"anything: hf download {config.hf_hub_id} {names[0]} gets them ({url}{names[0]}, licence "
        f"{config.license or 'not said by timm'}); or {INSTEAD}"
    )


def _timm_network(source: Source, file: Path | None, size: int) -> Any:
    name, config, more = timm_config(source)
    timm = absent.imported("timm", str(source))
    overlay: dict[str, Any] = {"num_classes": 0, "custom_load": False}
    if file is not None:
        state = read_file(file, INSTEAD)
        heads = config.classifier or ()
        for head in (heads,) if isinstance(heads, str) else heads:
            state = without(state, f"{head}.")
        overlay["state_dict"] = state
    if size and config.fixed_input_size and size != config.input_size[-1]:
        more = {**more, "img_size": size}
    try:
        return timm.create_model(
            name,
            pretrained=file is not None,
            pretrained_cfg=config,
            pretrained_cfg_overlay=overlay,
            **{**more, "num_classes": 0},
        ).eval()
    except Exception as reason:  # what any of its networks raises
        what = f"the weights {file}" if file is not None else "the parameters"
        raise UsageError(f"{what} do not fit {source}: {text_of(reason, 500)}") from None


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
