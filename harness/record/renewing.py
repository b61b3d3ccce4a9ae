"""Changing a finished run as a whole or not at all, and by one harness at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import RunFailed

__all__ = ["alone", "or_as_before"]

UNCHANGED = "units"
"""Folder of a run in which nothing is written after its work."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other harnesses out of a run folder, which need not exist.

    Raises
    ------
    RunFailed
        If one is at work in it.
    """
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunFailed(
            f"another harness is at work in {folder}; wait for it, and give the same command again"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def or_as_before(folder: Path) -> Iterator[None]:
    """Put the files of a finished run back to what they were if the block fails.

    They are kept under second names meanwhile, which takes no room on the disk. What replaces one
    has to be another file, as `harness.data.whole_files.write_whole` makes it.
    """
    kept = folder.with_name(f".{folder.name}.before-{os.getpid()}")
    names = _files(folder)
    try:
        for name in names:
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(folder / name, kept / name, follow_symlinks=False)
            except OSError as reason:
                if isinstance(reason, FileExistsError):
                    raise
                # A file system without second names.
                shutil.copy2(folder / name, kept / name, follow_symlinks=False)
        yield
    except BaseException:
        for name in _files(folder) - names:
            with suppress(OSError):
                (folder / name).unlink()
        for name in names & _files(kept):
            with suppress(OSError):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (kept / name).replace(folder / name)
        raise
    finally:
        shutil.rmtree(kept, ignore_errors=True)


def _files(folder: Path) -> set[Path]:
    """Return the files of a folder that its work did not leave, relative to it."""
    found = set()
    for place, folders, names in os.walk(folder):
        here = Path(place).relative_to(folder)
        if here == Path():
            folders[:] = [name for name in folders if name != UNCHANGED]
        found |= {here / name for name in names}
    return found
