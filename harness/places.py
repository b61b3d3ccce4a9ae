"""Where the built-in algorithms, protocols, report templates and fixtures lie."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


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
