"""Results of steps on disk: whole or absent, and never a pickle."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.api import FailureToEnroll, Template

STEP_FILE = "step.json"


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `target` in one step when the block ends well.

    A process killed half-way leaves only the temporary folder: see `discard_parts`.
    """
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    part.mkdir(parents=True)
    started = time.perf_counter()
    yield part
    record_step(part, seconds=time.perf_counter() - started)
    part.rename(target)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


def discard_parts(folder: Path) -> None:
    """Remove what processes killed half-way left below a folder; none may be at work there."""
    for left in list(folder.rglob("*.part-*")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def record_step(folder: Path, **facts: Any) -> None:
    """Add facts (seconds, items, versions) to what a step's folder says about itself."""
    path = folder / STEP_FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | facts, sort_keys=True), encoding="utf-8")


def save_templates(
    folder: Path, names: Sequence[str], templates: Sequence[Template | FailureToEnroll]
) -> None:
    """Store templates and failures; vectors of one shape as one array, others one by one."""
    from safetensors.numpy import save_file

    made = [(name, t) for name, t in zip(names, templates, strict=True) if not _failed(t)]
    failures = {
        name: str(t) or "no reason given"
        for name, t in zip(names, templates, strict=True)
        if isinstance(t, FailureToEnroll)
    }
    arrays = [t for _, t in made if isinstance(t, np.ndarray)]
    stacked = len(arrays) == len(made) and len({(a.shape, a.dtype.str) for a in arrays}) == 1
    tensors: dict[str, npt.NDArray[Any]] = {}
    if stacked:
        tensors["vectors"] = np.stack(arrays)
    else:
        for i, (_, template) in enumerate(made):
            parts = template if isinstance(template, dict) else {"": template}
            for part, array in parts.items():
                tensors[f"{i}/{part}"] = np.ascontiguousarray(array)
    save_file(tensors, folder / "templates.safetensors")
    index = {"names": [name for name, _ in made], "failures": failures, "stacked": stacked}
    (folder / "index.json").write_bytes(msgspec.json.encode(index))


def load_templates(folders: Sequence[Path]) -> tuple[dict[str, Template], dict[str, str]]:
    """Read templates and failure reasons by name from several folders."""
    from safetensors.numpy import load_file

    templates: dict[str, Template] = {}
    failures: dict[str, str] = {}
    for folder in folders:
        index = msgspec.json.decode((folder / "index.json").read_bytes())
        tensors = load_file(folder / "templates.safetensors")
        failures.update(index["failures"])
        if index["stacked"]:
            templates.update(zip(index["names"], tensors["vectors"], strict=True))
            continue
        parts: dict[int, dict[str, npt.NDArray[Any]]] = {}
        for key, array in tensors.items():
            number, part = key.split("/", 1)
            parts.setdefault(int(number), {})[part] = array
        for i, name in enumerate(index["names"]):
            template = parts.get(i, {})
            templates[name] = template[""] if set(template) == {""} else template
    return templates, failures


def save_scores(
    folder: Path, scores: npt.NDArray[np.floating[Any]], failures: Mapping[str, str]
) -> None:
    """Store the raw scores of a fold, NaN where an image failed, and why it failed."""
    np.save(folder / "scores.npy", scores, allow_pickle=False)
    text = json.dumps(dict(failures), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "failures.json").write_text(text + "\n", encoding="utf-8")


def load_scores(folder: Path) -> tuple[npt.NDArray[np.floating[Any]], dict[str, str]]:
    """Read what `save_scores` wrote."""
    failures: dict[str, str] = json.loads((folder / "failures.json").read_text(encoding="utf-8"))
    return np.load(folder / "scores.npy", allow_pickle=False), failures


def _failed(template: Template | FailureToEnroll) -> bool:
    return isinstance(template, FailureToEnroll)
