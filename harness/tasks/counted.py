"""Which comparisons of a fold count: as mated, as non-mated, or not at all.

A fold keeps the scores of all its probes with all its references in one matrix, and not every
element of it is a comparison that the protocol makes: some are left out (`Fold.excluded`), some
tasks name the ones that count (`Fold.nonmates`), some search samples of a fold (`Fold.draws`).
Whatever reads or writes such a matrix asks here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold

__all__ = ["Counted", "counted"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Counted:
    """The comparisons that a fold makes.

    Parameters
    ----------
    mated, nonmated
        bool, shape (probes, references); no element is true in both. What is in neither is not
        compared.
    """

    mated: Mask
    nonmated: Mask

    @property
    def compared(self) -> Mask:
        """Whether a probe meets a reference at all: bool, shape (probes, references)."""
        return np.asarray(self.mated | self.nonmated)


def counted(fold: Fold) -> Counted:
    """Return which elements of a fold's score matrix are comparisons, and of which kind.

    Parameters
    ----------
    fold
        With a gallery. Where it is searched in draws, what is compared in any of them counts.

    Raises
    ------
    KeyError
        If a pair names an image that is not in the fold.

    Examples
    --------
    >>> fold = Fold("1", (), ("p",), ("a", "b", "c"), frozenset({("p", "a")}),
    ...             excluded=frozenset({("p", "b")}))
    >>> counted(fold).mated.tolist(), counted(fold).nonmated.tolist()
    ([[True, False, False]], [[False, False, True]])
    """
    row = {name: i for i, name in enumerate(fold.probes)}
    column = {name: j for j, name in enumerate(fold.gallery)}
    shape = (len(fold.probes), len(fold.gallery))

    def marked(pairs: Iterable[tuple[str, str]]) -> Mask:
        found = np.zeros(shape, dtype=bool)
        places = np.array([(row[p], column[r]) for p, r in pairs], dtype=np.int64).reshape(-1, 2)
        found[places[:, 0], places[:, 1]] = True
        return found

    mated = marked(fold.mates)
    if fold.nonmates:
        return Counted(mated, marked(fold.nonmates) & ~mated)
    compared = np.ones(shape, dtype=bool)
    if fold.draws:
        compared[:] = False
        for draw in fold.draws:
            rows, columns = [row[n] for n in draw.probes], [column[n] for n in draw.gallery]
            compared[np.ix_(rows, columns)] = True
    compared &= ~marked(fold.excluded)
    return Counted(mated & compared, compared & ~mated)
