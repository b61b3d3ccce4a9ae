"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as reason:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise named(reason, path) from None


def named(reason: OSError, path: Path) -> OSError:
    """Return an error of a file with the file's name: a disk that is full tells none."""
    return OSError(reason.errno, reason.strerror, str(path)) if reason.errno else reason
