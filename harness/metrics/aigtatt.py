"""The result columns of AIGTatt and TattTRN: verification, open set and closed set in one row.

Both evaluate a folder of images per tattoo in three ways (TattTRN, CVPR Workshops 2024):

1. verification: all pairs of images of one tattoo, against one random comparison for each ordered
   pair of tattoos;
2. open set: ten rotations with a tenth of the tattoos unknown; one image of every other tattoo is
   enrolled and one searched, and every image of an unknown tattoo is searched;
3. closed set: ten repeats of one enrolled and one searched image per tattoo, rates averaged.

How images are drawn is a protocol's business; here are the columns, from the scores that result.
Values are rates in [0, 1] (their files print percent), and three things are done otherwise there:

* FMR10 is the lowest FNMR at an FMR of at most 1/10, as the name was defined (FVC2000). PyEER,
  which they call, takes the threshold of the nearest FMR, which may exceed 1/10.
* An EER is `verification.eer`; PyEER gives the midpoint of an interval.
* Their open set takes the top score of a mated search for a hit whoever it belongs to, which
  understates FNIR. `open_set_columns` does so only with ``identity_checked=False``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics import verification
from harness.metrics.identification import NO_MATE, hit_rate
from harness.metrics.open_set import Searches

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Ranks: TypeAlias = npt.NDArray[np.integer[Any]]

COLUMNS = (
    *("EER_Ver", "FMR10", "FMR20", "FMR100"),
    *("EER_Ident", "FNIR10", "FNIR20", "FNIR100"),
    *("Rank-1", "Rank-10", "Rank-20"),
)
"""Names and order of the result columns; Backbone, Emb_size and Margin stand before them."""

_ONE_IN = (10, 20, 100)


def verification_columns(mated: Scores, nonmated: Scores) -> dict[str, float]:
    """EER_Ver, FMR10, FMR20 and FMR100: EER, and FNMR at an FMR of 10, 5 and 1 percent.

    Parameters
    ----------
    mated, nonmated
        Floating point, shape (comparisons,); higher is more alike, ``-inf`` is a failure.

    Returns
    -------
    dict
        Rates in [0, 1]; NaN when either set is empty.

    Raises
    ------
    ValueError
        If a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> nonmated = np.arange(100) / 100  # 0.00 to 0.99: FMR 1/10 lets 0.90 in and holds 0.89 back
    >>> verification_columns(np.array([0.8945, 0.945, 0.985, 1.0]), nonmated)
    {'EER_Ver': 0.1, 'FMR10': 0.0, 'FMR20': 0.25, 'FMR100': 0.5}
    """
    return _row("EER_Ver", "FMR", mated, nonmated)


def open_set_columns(searches: Searches, *, identity_checked: bool = True) -> dict[str, float]:
    """EER_Ident, FNIR10, FNIR20 and FNIR100: FNIR = FPIR, and FNIR at an FPIR of 10, 5, 1 percent.

    Parameters
    ----------
    searches
        Of all rotations, put together by `Searches.joined`.
    identity_checked
        Whether a mated search is a hit only by its mate at rank 1. If not, its top score counts
        whoever it belongs to, as in the published figures: for comparison with those alone.

    Returns
    -------
    dict
        Rates in [0, 1]; NaN without mated or without non-mated searches.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.8, 0.7], [0.5, 0.4]])  # the second: a non-mate on top
    >>> mated = np.array([[True, False], [False, True], [False, False]])
    >>> searches = Searches.of(scores, mated)
    >>> open_set_columns(searches)["FNIR10"]
    0.5
    >>> open_set_columns(searches, identity_checked=False)["FNIR10"]
    0.0
    """
    if identity_checked:
        mated = searches.found_within(rank=1)
    else:
        has_mate = searches.ranks != NO_MATE
        mated = np.maximum(searches.mate, searches.rival)[has_mate]
    return _row("EER_Ident", "FNIR", mated, searches.nonmated_tops)


def closed_set_columns(repeats: Sequence[Ranks]) -> dict[str, float]:
    """Rank-1, Rank-10 and Rank-20: hit rates, averaged over the repeats.

    Every repeat weighs the same, as there; a repeat without a mated search has no rate and is left
    out.

    Parameters
    ----------
    repeats
        One array of integers, shape (probes,), for each repeat: `identification.mate_ranks`.

    Returns
    -------
    dict
        Rates in [0, 1]; NaN without a mated search.

    Raises
    ------
    ValueError
        If a rank is below 0.

    Examples
    --------
    >>> closed_set_columns([np.array([1, 2]), np.array([15, 1])])
    {'Rank-1': 0.5, 'Rank-10': 0.75, 'Rank-20': 1.0}
    """
    counted = [ranks for ranks in repeats if np.any(np.asarray(ranks) != NO_MATE)]
    return {
        f"Rank-{rank}": float(np.mean([hit_rate(ranks, rank) for ranks in counted]))
        if counted
        else float("nan")
        for rank in (1, 10, 20)
    }


def _row(eer: str, rate: str, mated: Scores, nonmated: Scores) -> dict[str, float]:
    row = {eer: verification.eer(mated, nonmated)}
    for one_in in _ONE_IN:
        row[f"{rate}{one_in}"] = verification.fnmr_at_fmr(mated, nonmated, 1 / one_in)
    return row
