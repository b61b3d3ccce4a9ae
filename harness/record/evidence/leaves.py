r"""What is signed of a search, and of a picture, byte for byte: the entries of the two trees.

An entry is a line of JSON as Python's `json` writes it: no spaces, keys sorted, signs beyond ASCII
written as ``\uXXXX``, numbers by `repr`, which is the shortest text that gives the same double. It
begins with the name of its rule, so that no entry of one kind can pass for one of another.

::

    ["search-1",{"average_precision":1.0,"best_nonmate":0.25,"candidates":[...],...}]
    ["picture-1","p01.jpg","e3b0c442..."]

Searches stand in the order of ``searches.npz``, pictures in that of their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from harness.errors import Damaged, visible
from harness.record.evidence.merkle import leaf_hash
from harness.tasks.results import Judgement

__all__ = ["PICTURE", "SEARCH", "of_picture", "of_pictures", "of_search", "of_searches"]

SEARCH, PICTURE = "search-1", "picture-1"
"""Rules by which entries are made; another content is another rule."""

COVERED = (
    "average_precision",
    "best_nonmate",
    "candidates",
    "correct",
    "failed",
    "fold",
    "gallery",
    "identity",
    "mates",
    "probe",
    "rank",
    "same_source",
    "score",
    "truth",
    "values",
)
"""What `SEARCH` covers of a search: all that there is of one."""


def of_search(search: Judgement) -> bytes:
    """Return the entry of a search.

    Raises
    ------
    Damaged
        If a number in it is NaN or infinite, which JSON cannot say.
    """
    facts = msgspec.to_builtins(search)
    try:
        return _line(SEARCH, {name: facts[name] for name in COVERED})
    except ValueError:
        raise Damaged(
            f"the search of {visible(search.probe)!r} holds a number that is infinite or none, and "
            "cannot be signed"
        ) from None


def of_picture(name: str, digest: str) -> bytes:
    """Return the entry of a picture.

    Parameters
    ----------
    name
        Of its record.
    digest
        SHA-256 of its file, in hexadecimal.
    """
    return _line(PICTURE, name, digest)


def of_searches(searches: Iterable[Judgement]) -> list[bytes]:
    """Return the leaves of searches, in their order."""
    return [leaf_hash(of_search(one)) for one in searches]


def of_pictures(digests: Mapping[str, str]) -> list[bytes]:
    """Return the leaves of pictures, in the order of their names.

    Parameters
    ----------
    digests
        SHA-256 of their files by name, in hexadecimal.
    """
    return [leaf_hash(of_picture(name, digests[name])) for name in sorted(digests)]


def _line(*parts: Any) -> bytes:
    text = json.dumps(parts, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.encode("ascii")
