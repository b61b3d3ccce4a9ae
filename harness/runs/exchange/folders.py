"""New folders, which are there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.data.whole_files import named, part_of
from harness.errors import UsageError

__all__ = ["new_folder"]


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that takes its place when the block ends well.

    Raises
    ------
    UsageError
        If there is something already: a file, or a folder that is not empty.
    """
    if not (out.is_dir() and not any(out.iterdir())) and (out.exists() or out.is_symlink()):
        raise UsageError(
            f"{out} is there already, and nothing of it is overwritten; name a new folder"
        )
    part = out.with_name(f".{part_of(out.name)}")
    part.mkdir(parents=True)
    try:
        yield part
        part.replace(out)
    except OSError as reason:
        raise (reason if reason.filename else named(reason, out)) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
