"""Whose image is this? What is never learned from and judged at once, and is resampled as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.data.records import Fold, Record

TATTOO = ("tattoo", "subject")
"""Images of one tattoo, or of one person where tattoos are not told apart."""

DESIGN = ("group", *TATTOO)
"""Images of look-alikes as well: they are of one style."""

CONTENT = (*DESIGN, "source")
"""Images of one photograph as well: they carry the same tags."""


def cluster_of(record: Record, columns: Sequence[str] = TATTOO) -> str:
    """Return the first of some columns that a record has, else its name.

    >>> from pathlib import Path
    >>> one = Record("a.png", Path("a.png"), subject="s1")
    >>> cluster_of(one), cluster_of(one, ("group",))
    ('s1', 'a.png')
    """
    return next((value for column in columns if (value := getattr(record, column))), record.name)


def identities_of(folds: Sequence[Fold]) -> dict[str, str]:
    """Return the identity of every name that has a mate: what mated pairs connect in any fold."""
    return components(sorted(pair for fold in folds for pair in fold.mates))


def components(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Group names that mated pairs connect, directly or through others.

    Returns
    -------
    dict
        For every name in `pairs` the alphabetically first name of its group.

    >>> components([("b", "c"), ("a", "c"), ("x", "y")])
    {'b': 'a', 'c': 'a', 'a': 'a', 'x': 'x', 'y': 'x'}
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for left, right in pairs:
        a, b = sorted((root(left), root(right)))
        parent[b] = a
    return {name: root(name) for name in parent}
