"""Files of a plugin, as they are now: their hashes, and which of them changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.data.whole_files import digest_of


def hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 that files have now, by their paths below a folder; "" for missing ones.

    Names that lead out of the folder are missing ones: they may come from an untrusted run.
    """
    found = {}
    root = folder.resolve()
    for name in sorted(names):
        path = (root / name).resolve()
        inside = path.is_relative_to(root) and path.is_file()
        found[name] = digest_of(path) if inside else ""
    return found


def changed(folder: Path, loaded: Mapping[str, str]) -> list[str]:
    """Return the names of loaded files whose content is another now."""
    now = hashes(folder, loaded)
    return [name for name, digest in loaded.items() if now[name] != digest]
