"""Files that are there whole or not at all, and the hash that tells two apart."""

from __future__ import annotations

import hashlib
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


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
