"""Where the built-in algorithms, protocols, report templates and fixtures lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
CHECKSUMS = "checksums.sha256"
"""The seal of a run folder, written last; here, so that finding runs takes no reading of them."""


def bundled(folder: str) -> Path:
    """Return the path of a top-level folder of the project.

    In a checkout that is the folder beside `harness/`; in an installed wheel, which carries the
    same folders as data, it is `harness/bundled/`.

    Parameters
    ----------
    folder
        ``algorithms``, ``protocols``, ``reports``, ``fixtures`` or ``generators``.
    """
    installed = PACKAGE / "bundled"
    return (installed if installed.is_dir() else PACKAGE.parent) / folder


def cache_folder() -> Path:
    """Return the folder in which the harness keeps what it can find out again; it may not exist."""
    home = os.environ.get("XDG_CACHE_HOME")
    if home:
        place = Path(home)
    elif sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Caches"
    else:
        place = Path.home() / ".cache"
    return place / "tattoo-harness"
