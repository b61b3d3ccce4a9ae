"""Groups of identities by a column of the data set: who belongs to which, and who to none.

A group is a property of an identity, as skin tone and place on the body are: what is known of any
of its images holds for all of them. An identity whose images say different things is in no group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.records import Record
from harness.errors import UsageError, nearest

__all__ = ["COLUMNS", "OTHERS", "SHOWN", "Groups", "groups_of", "labels_of", "word_of"]

COLUMNS = {
    "skin": "skin tone",
    "site": "place on the body",
    "style": "style",
    "media": "medium",
}
"""Columns that say what a group is, and what they are called."""

SHOWN = ("skin", "site")
"""Those that every report shows, where its data have them: they are a person's."""

OTHERS = "others"
"""What groups are called that are too small to stand alone, taken together."""

FEWEST = 10
"""Identities that a group needs to stand alone."""

MOST = 24
"""Groups that stand alone; of more the smaller ones are taken together."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Identities by group.

    Parameters
    ----------
    column
        That says which.
    names
        Of the groups that stand alone, in the order of their names, then `OTHERS` where there are
        any.
    labels
        Place of each identity's group in `names`, -1 for none: int64, shape (identities,).
    alone
        How many of the names stand alone.
    pooled
        Names of those that do not.
    unknown, several
        Identities of which nothing is said, and those that would be in several groups.
    """

    column: str
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    alone: int
    pooled: tuple[str, ...]
    unknown: int
    several: int


def word_of(column: str) -> str:
    """Return what a column says, in words.

    >>> word_of("skin"), word_of("x_decade_of_birth")
    ('skin tone', 'decade of birth')
    """
    return COLUMNS.get(column, column.removeprefix("x_").replace("_", " "))


def labels_of(column: str, records: Mapping[str, Record]) -> dict[str, str]:
    """Return what a column of the data says of each image, by its name.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    if column not in COLUMNS:
        raise UsageError(
            f"no groups by {column!r}.{nearest(column, COLUMNS)} A run keeps "
            f"{', '.join(COLUMNS)}; other columns are read from a table (--table FILE)"
        )
    known = ((name, getattr(record, column)) for name, record in records.items())
    return {name: label for name, label in known if label}


def groups_of(
    column: str,
    names: Sequence[str],
    identities: npt.NDArray[np.int64],
    labels: Mapping[str, str],
) -> Groups:
    """Return the groups of identities.

    Parameters
    ----------
    column
        What the labels are called.
    names
        Of the images.
    identities
        Number of the identity of each, from 0: shape (images,).
    labels
        Group of an image by its name, where it is known.
    """
    number = int(identities.max(initial=-1)) + 1
    said: list[set[str]] = [set() for _ in range(number)]
    for name, whose in zip(names, identities.tolist(), strict=True):
        if labels.get(name):
            said[whose].add(labels[name])
    sizes = Counter(next(iter(one)) for one in said if len(one) == 1)
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST]
    alone = sorted(name for name in largest if sizes[name] >= FEWEST)
    pooled = sorted(set(sizes).difference(alone))
    place = {name: i for i, name in enumerate(alone)} | dict.fromkeys(pooled, len(alone))
    places = [place[next(iter(one))] if len(one) == 1 else -1 for one in said]
    return Groups(
        column,
        (*alone, *([OTHERS] if pooled else [])),
        np.array(places, np.int64),
        len(alone),
        tuple(pooled),
        sum(not one for one in said),
        sum(len(one) > 1 for one in said),
    )
