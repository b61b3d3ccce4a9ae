"""Namespaces: a process sees no network, no other processes and, in a place, other files.

No root is needed: a user namespace of its own gives a process the rights over the other namespaces
that it makes with it. Some systems refuse that to everybody (containers, Ubuntu from 23.10 on).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

_USER, _PID, _NETWORK, _IPC, _MOUNT = 0x10000000, 0x20000000, 0x40000000, 0x08000000, 0x00020000
_MS_READ_ONLY, _MS_NO_SUID, _MS_NO_DEVICES, _MS_NO_EXECUTION = 1, 2, 4, 8
_MS_RECURSIVE, _MS_PRIVATE = 0x4000, 0x40000
_CAPABILITIES_VERSION_3 = 0x20080522
_PR_SET_SECCOMP, _SECCOMP_FILTER = 22, 2

_LIBC = ctypes.CDLL(None, use_errno=True)


def offered() -> str:
    """Try it in a process that ends at once; return why not, empty where it works.

    A process cannot leave a namespace again, and one half made is worse than none.
    """
    if sys.platform != "linux":
        return "namespaces are Linux's"
    sight, shown = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(sight)
        reason = ""
        try:
            enter()
        except OSError as refusal:
            reason = refusal.strerror or str(refusal)
        os.write(shown, reason.encode())
        os._exit(0)
    os.close(shown)
    with os.fdopen(sight, "rb") as words:
        reason = words.read().decode()
    os.waitpid(child, 0)
    return reason


def enter() -> None:
    """Enter new namespaces for users, network, messages and mounts, and processes for children.

    The process must have one thread. Its user and group keep their numbers.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    user, group = os.geteuid(), os.getegid()
    _checked(_LIBC.unshare(_USER | _PID | _NETWORK | _IPC | _MOUNT))
    with suppress(OSError):
        _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")


def mount_own(hidden: Iterable[str]) -> tuple[bool, bool, int]:
    """Give a mount namespace its own `/proc` and `/dev/shm` and put emptiness in hidden places.

    Parameters
    ----------
    hidden
        Folders; those that do not exist are left out.

    Returns
    -------
    tuple
        Whether `/proc` and `/dev/shm` are its own, and how many folders could not be hidden.
    """
    with suppress(OSError):
        _mount("none", "/", None, _MS_RECURSIVE | _MS_PRIVATE)
    safe = _MS_NO_SUID | _MS_NO_DEVICES
    own = []
    for kind, place, options in (("proc", "/proc", None), ("tmpfs", "/dev/shm", "mode=1777")):  # noqa: S108
        flags = safe | (_MS_NO_EXECUTION if kind == "proc" else 0)
        try:
            _mount(kind, place, kind, flags, options)
            own.append(True)
        except OSError:
            own.append(False)
    visible = 0
    empty = "size=4k,nr_inodes=2,mode=555"
    for folder in hidden:
        try:
            _mount("tmpfs", folder, "tmpfs", safe | _MS_READ_ONLY, empty)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            visible += 1
    return own[0], own[1], visible


def drop_capabilities(kept_mask: int = 0) -> None:
    """Give up every capability but those of a bit mask."""
    header = struct.pack("=Ii", _CAPABILITIES_VERSION_3, 0)
    low, high = kept_mask & 0xFFFFFFFF, kept_mask >> 32
    with suppress(OSError):
        _checked(_LIBC.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)))


def refuse_sockets() -> None:
    """Let the kernel refuse every new socket but those between processes of this machine.

    For systems without network namespaces; a filter of system calls (seccomp) needs no rights.

    Raises
    ------
    OSError
        Where the processor is not known here, or the kernel refuses.
    """
    known = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
    machine = os.uname().machine
    if machine not in known:
        raise OSError(f"no filter of system calls for {machine}")
    architecture, socket = known[machine]
    io_uring_setup, local = 425, 1
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    allow, refuse, unknown = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
    program = [
        (load, 0, 0, 4),  # architecture
        (equal, 0, 7, architecture),  # else refuse
        (load, 0, 0, 0),  # number of the call
        (at_least, 5, 0, 0x40000000),  # x32's numbers
        (equal, 5, 0, io_uring_setup),  # makes sockets, too
        (equal, 0, 2, socket),
        (load, 0, 0, 16),  # family
        (equal, 0, 1, local),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
        (give, 0, 0, unknown),
    ]
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    lines = ctypes.create_string_buffer(code, len(code))
    holder = struct.pack("@HP", len(program), ctypes.addressof(lines))
    _checked(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, holder, 0, 0))


def _mount(
    source: str, place: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, place, kind, options)]
    _checked(_LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]))


def _write(path: str, text: str) -> None:
    place = os.open(path, os.O_WRONLY)
    try:
        os.write(place, text.encode())
    finally:
        os.close(place)


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
