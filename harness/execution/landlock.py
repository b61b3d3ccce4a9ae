"""Landlock: a process gives up, for good, every file and port it is not allowed by name.

The kernel's own documentation is the source: https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

_VERSION = 1 << 0
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_CHANGES = sum(1 << bit for bit in range(4, 13))
"""To remove and to make files, folders, links, sockets, pipes and devices."""
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_MAKE_DEVICES = (1 << 6) | (1 << 11)

READ = EXECUTE | READ_FILE | READ_DIR
WRITE = WRITE_FILE | (_CHANGES & ~_MAKE_DEVICES) | REFER | TRUNCATE
USE = READ_FILE | WRITE_FILE | IOCTL_DEVICE
"""What a device file is for."""

_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
_TCP = 0b11
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11


def version() -> int:
    """Return the ABI that the kernel offers; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, _VERSION))


def restrict(rules: Iterable[tuple[str, int]], *, only: int = ~0, ports: bool = True) -> int:
    """Let this process, and all that it starts, have nothing but what the rules allow.

    It must have one thread: others would stay free. A second call narrows what the first left.

    Parameters
    ----------
    rules
        Paths with the rights below them. A path that cannot be opened is left out: what is not
        there needs no right.
    only
        Rights that are governed; those not in it stay as they are.
    ports
        Whether TCP ports (ABI 4) are refused, and signals and abstract sockets to processes
        outside (ABI 6).

    Returns
    -------
    int
        The ABI that holds.

    Raises
    ------
    OSError
        Where the kernel does not offer it, or refuses.
    """
    abi = version()
    if abi < 1:
        raise OSError("the kernel offers no Landlock")
    governed = READ | WRITE | _CHANGES | IOCTL_DEVICE
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEVICE)):
        if abi < since:
            governed &= ~right
    governed &= only
    fields = [governed]
    if abi >= 4:
        fields.append(_TCP if ports else 0)
    if abi >= 6:
        fields.append(_SIGNALS_AND_ABSTRACT_SOCKETS if ports else 0)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _checked(_call(CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for path, rights in rules:
            with suppress(OSError):
                _allow(ruleset, path, rights & governed)
        forgo_privileges()
        _checked(_call(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return abi


def forgo_privileges() -> None:
    """Let no program that this process starts have more rights than it has (setuid, say)."""
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _allow(ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_A_FILE
        if rights:
            rule = struct.pack("=Qi", rights, place)
            _checked(_call(ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes | None) -> int:
    passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(_LIBC.syscall(ctypes.c_long(number), *passed))


def _checked(answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else ctypes.CDLL(None)
