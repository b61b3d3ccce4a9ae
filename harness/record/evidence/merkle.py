"""Merkle trees as RFC 6962 has them: one hash over many entries, and a short proof that one is in.

A leaf is hashed after a byte 0, a node after a byte 1, so that no entry can pass for a node; an odd
node goes up as it is, so that no entry counts twice. An empty tree has the hash of nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

__all__ = ["follows", "leaf_hash", "path", "root"]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry: SHA-256 over a byte 0 and the entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the hash of a tree: 32 bytes.

    Parameters
    ----------
    leaves
        What `leaf_hash` returned for each entry, in their order.
    """
    level = list(leaves)
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """Return the proof that an entry is in a tree: hashes of its neighbours, from the leaves up.

    Parameters
    ----------
    leaves
        As for `root`.
    place
        Of the entry, from 0.

    Raises
    ------
    IndexError
        If there is no such entry.
    """
    level = list(leaves)
    if not 0 <= place < len(level):
        raise IndexError(f"there is no entry {place} among {len(level)}")
    found = []
    while len(level) > 1:
        beside = place ^ 1
        if beside < len(level):
            found.append(level[beside])
        level, place = _above(level), place // 2
    return found


def follows(leaf: bytes, place: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Say whether an entry is in a tree of which only size and hash are known.

    Parameters
    ----------
    leaf
        What `leaf_hash` returns for the entry.
    place, size
        Of the entry, from 0, among so many.
    proof
        What `path` returned.
    expected
        The hash of the tree.

    Notes
    -----
    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= place < size:
        return False
    here, last, reached = place, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if here % 2 or here == last:
            reached = _node(beside, reached)
            while here and not here % 2:
                here, last = here // 2, last // 2
        else:
            reached = _node(reached, beside)
        here, last = here // 2, last // 2
    return last == 0 and reached == expected


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the nodes above those of a level."""
    paired = zip(level[::2], level[1::2], strict=False)
    return [_node(a, b) for a, b in paired] + list(level[-1:]) * (len(level) % 2)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
