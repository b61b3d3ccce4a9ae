"""Files that are there whole or not at all, and the hash that tells two apart."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path


def part_of(name: str) -> str:
    """Return what a file or folder is called until it is whole: each time another name."""
    return f"{name}.part-{secrets.token_hex(8)}"


def write_whole(path: Path, content: bytes | str, *, durable: bool = False) -> None:
    """Write a file so that readers see the old content or the new, never a part.

    Parameters
    ----------
    path, content
        What is written where; text as UTF-8.
    durable
        Whether it has to be there after the machine stops, or for another machine: this takes the
        time of a disk.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    part = path.with_name(f".{part_of(path.name)}")
    try:
        part.write_bytes(data)
        if durable:
            to_disk(part)
        part.replace(path)
        if durable:
            to_disk(path.parent)
    except OSError as reason:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise named(reason, path) from None


def to_disk(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to its disk or server."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    except OSError as reason:
        if reason.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can
            raise
    finally:
        os.close(place)


def named(reason: OSError, path: Path) -> OSError:
    """Return an error of a file with the file's name: a disk that is full tells none."""
    return OSError(reason.errno, reason.strerror, str(path)) if reason.errno else reason


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
