"""Files of a run folder, read as untrusted data.

Whoever reads one opens it here. It has to be a regular file that is reached through folders alone:
no link leads elsewhere, and no pipe, socket or device keeps a command waiting. Its size is judged
before anything is allocated, and JSON is decoded into the type that it should have. Whatever is
wrong ends in `BadFile`: which file, where in it, what was expected.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from json import JSONDecodeError, loads
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec

from harness.errors import BadFile, Damaged, HarnessError, visible
from harness.execution.storage import STEP_FILE
from harness.execution.unit import MODEL, SCORES, TEMPLATES, UNIT_FILE, Unit
from harness.plugins.places import PACKAGE

__all__ = [
    "LARGEST_LIST",
    "LARGEST_TEXT",
    "digest",
    "files_below",
    "is_inside",
    "is_regular",
    "open_file",
    "read_bytes",
    "read_json",
    "read_sealed",
    "read_unit",
    "sound",
    "step_files",
]

LARGEST_TEXT = 64 << 20
"""Bytes of the largest text, or JSON file, that is read."""

LARGEST_LIST = 512 << 20
"""The same of lists of every image or search, which grow with a data set."""

SPARSE_FROM, SPARSE = 1 << 30, 64
"""Bytes from which a file has to take up room: at least one in `SPARSE` of what it promises."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

T = TypeVar("T")


def open_file(folder: Path, name: str) -> BufferedReader:
    """Open a file of a run folder for reading.

    Parameters
    ----------
    folder
        Of the run; it may itself be reached through a link, since the user named it.
    name
        Below it, with ``/`` between folders.

    Raises
    ------
    BadFile
        If there is no regular file of that name, or it is reached through a link.
    """
    if not is_inside(name):
        raise BadFile(folder, f"{name!r} is no name of a file in it")
    parts = name.split("/")
    where: int | None = None
    try:
        where = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            # Before it is opened: opening a device may do something.
            _refuse_odd(folder, name, os.lstat(part, dir_fd=where).st_mode, last=last)
            flags = _FLAGS if last else _FLAGS | os.O_DIRECTORY
            below = os.open(part, flags, dir_fd=where)
            os.close(where)
            where = below
        _refuse_odd(folder, name, os.fstat(where).st_mode, last=True)
        file, where = os.fdopen(where, "rb"), None
    except OSError as reason:
        raise BadFile(folder / name, _fault(reason)) from None
    except ValueError:
        raise BadFile(folder / name, "has a name that no file can have") from None
    finally:
        if where is not None:
            os.close(where)
    return file


def is_inside(name: str) -> bool:
    """Say whether a name, with ``/`` between folders, is plain and leads to no other folder."""
    parts = PurePosixPath(name).parts
    return bool(parts) and ".." not in parts and parts[0] != "/" and "/".join(parts) == name


def is_regular(folder: Path, name: str) -> bool:
    """Say whether `open_file` would open a file."""
    try:
        open_file(folder, name).close()
    except Damaged:
        return False
    return True


def read_bytes(folder: Path, name: str, largest: int = LARGEST_TEXT) -> bytes:
    """Return the content of a file.

    Raises
    ------
    BadFile
        As `open_file`, or if it is larger than `largest` bytes.
    """
    with open_file(folder, name) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            content = file.read(largest + 1) if size <= largest else b""
        except OSError as reason:
            raise BadFile(folder / name, _fault(reason)) from None
    if size > largest or len(content) > largest:
        raise BadFile(
            folder / name, f"has {max(size, largest + 1):,} bytes; at most {largest:,} are read"
        )
    return content


def read_sealed(
    folder: Path, name: str, listed: Mapping[str, str], largest: int = LARGEST_TEXT
) -> bytes:
    """Return the content of a file, which must be what the run folder was sealed with.

    Parameters
    ----------
    listed
        Digests by the names of files, as the folder's checksums say them.

    Raises
    ------
    BadFile
        As `read_bytes`.
    Damaged
        If the file is not listed, or its bytes are others now.
    """
    if name not in listed:
        raise Damaged(f"broken seal: {name} is not among its checksums")
    data = read_bytes(folder, name, largest)
    if hashlib.sha256(data).hexdigest() != listed[name]:
        raise Damaged(f"broken seal: the bytes of {name} changed since the run")
    return data


def read_json(
    folder: Path, name: str, kind: type[T], largest: int = LARGEST_TEXT, *, partly: bool = False
) -> T:
    """Read a JSON file of a known type.

    Parameters
    ----------
    kind
        As msgspec understands it.
    partly
        Whether `kind` leaves out most of what the file holds; then keys that stand twice are not
        looked for.

    Raises
    ------
    BadFile
        As `read_bytes`; if it is no JSON, or of another type, with the place where; or if an object
        has a key twice, so that no two programs need read the same in it.
    """
    content = read_bytes(folder, name, largest)
    return decoded(folder / name, content, kind, partly=partly)


def read_unit(folder: Path, name: str) -> Unit | None:
    """Read what a unit of a run was asked; None where the folder has none of that name.

    Raises
    ------
    BadFile
        As `read_json`.
    """
    place = f"units/{name}/{UNIT_FILE}"
    return read_json(folder, place, Unit, LARGEST_LIST) if is_regular(folder, place) else None


def decoded(path: Path, content: bytes, kind: type[T], *, partly: bool = False) -> T:
    """Decode JSON; parameters and errors as for `read_json`."""
    try:
        found = msgspec.json.decode(content, type=kind)
        if not partly:
            _refuse_twice(path, content, found)
    except msgspec.DecodeError as reason:
        fault, _, place = str(reason).partition(" - at ")
        raise BadFile(path, _lower(fault), place.strip("`")) from None
    except RecursionError:
        raise BadFile(path, "is nested too deeply") from None
    except UnicodeDecodeError as reason:
        raise BadFile(path, f"is not UTF-8: {reason.reason}") from None
    return found


def digest(folder: Path, name: str) -> str:
    """Return SHA-256 of a file: 64 hexadecimal digits.

    Raises
    ------
    BadFile
        As `open_file`; or if the file promises much and holds next to nothing, since reading it
        would take as long as if it held that.
    """
    with open_file(folder, name) as file:
        known = os.fstat(file.fileno())
        if known.st_size >= SPARSE_FROM and known.st_blocks * 512 * SPARSE < known.st_size:
            raise BadFile(
                folder / name,
                f"promises {known.st_size:,} bytes and holds {known.st_blocks * 512:,}",
            )
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as reason:
            raise BadFile(folder / name, _fault(reason)) from None


def files_below(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield all that lies below a folder and is no folder, in no order; links are not followed.

    Yields
    ------
    tuple
        Name, with ``/`` between folders, and what it is beside a regular file, such as ``a named
        pipe``; empty for a regular file.
    """
    left = [""]
    while left:
        under = left.pop()
        try:
            with os.scandir(folder / under) as found:
                entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in found]
        except OSError as reason:
            raise BadFile(folder / under, _fault(reason)) from None
        for called, known in entries:
            name = f"{under}/{called}" if under else called
            kind = stat.S_IFMT(known.st_mode)
            if kind == stat.S_IFDIR:
                left.append(name)
            else:
                yield name, "" if kind == stat.S_IFREG else _KINDS.get(kind, "no file")


def step_files(unit: Path) -> list[Path]:
    """Return what the steps of a unit of work say about themselves, as far as they are whole.

    Beside them may lie what a killed worker left half-way.
    """
    paths = [unit / step / STEP_FILE for step in (MODEL, SCORES, TEMPLATES)]
    return [path for path in paths if path.is_file()]


@contextmanager
def sound(folder: Path | str, what: str, apart: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Take whatever goes wrong in a block for a fault of a run folder that it works on.

    Files are checked when they are read; this is for what two sound files cannot both be true in.

    Parameters
    ----------
    what
        Is done in the block, to continue a sentence: ``its numbers cannot be computed``.
    apart
        Errors that are none of the folder's.

    Raises
    ------
    Damaged
        In the place of any error that says nothing to a user, but for those of the machine.
    """
    try:
        yield
    except (HarnessError, OSError, MemoryError, ImportError):
        raise
    except Exception as reason:
        if isinstance(reason, apart):
            raise
        raise Damaged(
            f"{visible(str(folder))}: {what} from what its files hold, which contradict each "
            f"other: {type(reason).__name__} {visible(str(reason))[:200]!r} ({_place(reason)}). If "
            "the harness wrote the folder and nobody changed it, please report this"
        ) from reason


def _refuse_odd(folder: Path, name: str, mode: int, *, last: bool) -> None:
    wanted = stat.S_IFREG if last else stat.S_IFDIR
    kind = stat.S_IFMT(mode)
    if kind != wanted:
        which = "" if last else "lies below something that "
        found = "a file" if kind == stat.S_IFREG else _KINDS.get(kind, "no file")
        raise BadFile(
            folder / name,
            f"{which}is {found}; a run folder holds {'files' if last else 'folders'} there",
        )


def _fault(reason: OSError) -> str:
    if reason.errno == errno.ENOENT:
        return "is missing"
    return f"cannot be read: {reason.strerror or reason}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _place(reason: BaseException) -> str:
    """Return file and line of our own code where an error came up."""
    found, trace = "?", reason.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        with suppress(ValueError):
            found = f"{file.relative_to(PACKAGE.parent).as_posix()}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _refuse_twice(path: Path, content: bytes, found: Any) -> None:
    """Refuse JSON in which an object has a key twice."""
    plain = msgspec.json.format(content, indent=-1)
    # What is written again as it was read has every key once; that is fast, and the common case.
    if plain == msgspec.json.encode(found):
        return

    def once(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise BadFile(path, f"has the key {twice!r} twice in one object")

    with suppress(JSONDecodeError):
        loads(content, object_pairs_hook=once)
