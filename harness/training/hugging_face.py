"""Models of Hugging Face's transformers from a folder on disk: no download, no pickle, no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import UsageError, absent, text_of

CONFIG = "config.json"
"""What tells a folder of a model from any other."""

READ = (".json", ".jinja", ".safetensors", ".txt", ".model")
"""How files end that transformers may read from such a folder here: its pickles are not."""

_SAFE = {"local_files_only": True, "trust_remote_code": False}


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a model's folder that its answers may depend on.

    Parameters
    ----------
    folder
        With ``config.json`` and weights as safetensors: a snapshot of a repository of the hub.

    Returns
    -------
    dict
        By name within the folder, sorted.

    Raises
    ------
    UsageError
        If it is no such folder, or the model wants code of its own run.
    """
    config = _config(folder)
    found = {one.name: one for one in sorted(folder.iterdir()) if one.suffix in READ}
    if not any(name.endswith(".safetensors") for name in found):
        raise UsageError(
            f"{folder} has no weights as .safetensors, and pickles (.bin, .pt) are not read; get "
            "those of the same repository, or convert them where you trust them: "
            f"AutoModel.from_pretrained({str(folder)!r}).save_pretrained(NEW_FOLDER)"
        )
    if "auto_map" in config:
        raise UsageError(
            f"{folder}: its {CONFIG} wants Python code of the folder run (auto_map), which is "
            "never done; export the model as ONNX where you trust it"
        )
    return found


def part_of(folder: Path, kind: str) -> Any:
    """Return what one of the ``Auto`` classes of transformers makes of a folder.

    Parameters
    ----------
    folder
        As `files_of` takes it.
    kind
        Of the class, such as ``AutoImageProcessor`` or ``AutoTokenizer``.

    Raises
    ------
    UsageError
        If transformers is not installed or cannot do it; its own words are in the message.
    """
    return _asked(folder, kind, files_of(folder))


def model_of(folder: Path, *, weights: bool = True) -> Any:
    """Return the model of a folder, in ``eval`` mode, on the CPU, in float32.

    Parameters
    ----------
    folder
        As `files_of` takes it.
    weights
        Whether it has its weights, or random ones, which follow from torch's generator.

    Raises
    ------
    UsageError
        If transformers is not installed or cannot load it, or the folder lacks weights of the
        model: transformers would draw random ones and go on. A pooling layer alone may be lacking;
        the model has none then.
    """
    files = files_of(folder)
    if not weights:
        config = _asked(folder, "AutoConfig", files)
        model = _library(folder).AutoModel.from_config(config, trust_remote_code=False)
        return model.eval()
    settings = {"use_safetensors": True, "output_loading_info": True, "dtype": "float32"}
    model, said = _asked(folder, "AutoModel", files, **settings)
    lacking = sorted(said["missing_keys"])
    if lacking and all(name.startswith("pooler.") for name in lacking):
        settings["add_pooling_layer"] = False
        model, said = _asked(folder, "AutoModel", files, **settings)
        lacking = sorted(said["missing_keys"])
    if lacking:
        raise UsageError(
            f"{folder} lacks {len(lacking)} of the model's weights, the first is {lacking[0]!r}; "
            f"is its {CONFIG} of another model?"
        )
    return model.eval()


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise UsageError(
            f"{folder} is no folder of a model: its {CONFIG} cannot be read: {reason}"
        ) from None
    return config if isinstance(config, dict) else {}


def _library(folder: Path) -> Any:
    return absent.imported("transformers", f"the model in {folder}")


def _asked(folder: Path, kind: str, files: dict[str, Path], **settings: Any) -> Any:
    library = _library(folder)
    try:
        return getattr(library, kind).from_pretrained(str(folder), **_SAFE, **settings)
    except Exception as reason:  # transformers' errors are of many kinds
        raise UsageError(
            f"transformers {library.__version__} cannot make its {kind} of {folder} "
            f"({', '.join(files)}): {text_of(reason, 500)}"
        ) from None
