"""Where two runs differ: searches grouped by what is known of their probes.

Many groups are looked at, and by chance some will differ. So each group's probability is corrected
by Holm's method (Scandinavian Journal of Statistics 6, 1979) over all groups of the comparison: the
probability that any group is called different where none is stays below 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.comparing.differences import difference
from harness.data.records import Record
from harness.data.tattoo_size import SIZES, size_of_tattoo
from harness.tasks.trials import Values

FLIPS = 9_999
LEVEL = 0.95


class Group(msgspec.Struct):
    """What became of the searches of one group.

    Parameters
    ----------
    attribute, value
        What is grouped by, and the group.
    searches, identities
        In it.
    first, second, change
        Mean outcome of either run, and the second's less the first's.
    low, high
        Interval of the change at 95 %, for this group alone; None where there is none.
    p
        Probability of a change as large where the runs are alike, by exchanging them identity by
        identity; None without two identities.
    p_holm
        The same, corrected for the number of groups.
    differs
        Whether the corrected probability is below 5 %.
    """

    attribute: str
    value: str
    searches: int
    identities: int
    first: float
    second: float
    change: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None
    differs: bool = False


def attributes_of(
    probe: str, records: Mapping[str, Record], mates: Sequence[str]
) -> dict[str, str]:
    """Return the groups that a search belongs to, by attribute; what is unknown is left out."""
    record = records[probe]
    found = {"media": record.media, "style": record.style, "skin tone": record.skin}
    found["size of the tattoo"] = size_of_tattoo(record)
    if mates and record.source is not None:
        same = any(records[mate].source == record.source for mate in mates)
        found["source of a mate"] = "the same photograph" if same else "other photographs"
    return {key: value for key, value in found.items() if value}


def groups(
    labels: Sequence[Mapping[str, str]],
    identities: Sequence[str],
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    seed: int = 0,
    *,
    span: float = math.inf,
) -> list[Group]:
    """Return the change in every group, groups of one attribute together.

    Parameters
    ----------
    labels
        Of each search, its group by attribute.
    identities
        Of each search.
    first, second
        Outcomes of either run, shape (searches,); NaN is left out.
    seed
        Of the draws and exchanges.
    span
        How far two outcomes can be apart.
    """
    whose = np.asarray(identities)
    known = ~(np.isnan(first) | np.isnan(second))
    found = []
    for attribute in dict.fromkeys(key for label in labels for key in label):
        values = sorted({label[attribute] for label in labels if attribute in label})
        if len(values) < 2:
            continue  # one group is all searches
        if attribute == "size of the tattoo":
            values = [name for _, name in SIZES if name in values]
        for value in values:
            inside = np.array([label.get(attribute) == value for label in labels]) & known
            if inside.any():
                pair = Values(first[inside], whose[inside]), Values(second[inside], whose[inside])
                found.append(_group(attribute, value, *pair, seed, span))
    _correct(found)
    return found


def exchange_probability(change: npt.NDArray[np.float64], seed: int = 0) -> float:
    """Return how probable a sum at least as far from 0 is when the signs are thrown.

    Parameters
    ----------
    change
        Of each identity: float64, shape (identities,).
    seed
        Of the throws, `FLIPS` of them; the observed one counts among them.

    Examples
    --------
    >>> round(exchange_probability(np.array([1.0] * 5)), 2)  # 2 in 2 ** 5
    0.06
    """
    moved = change[change != 0]
    if not moved.size:
        return 1.0
    signs = np.random.default_rng(seed).integers(0, 2, (FLIPS, moved.size), np.int8) * 2 - 1
    sums = np.abs(signs @ moved)
    # Sums of the same numbers in another order may differ by their rounding.
    reached = np.count_nonzero(sums >= abs(moved.sum()) * (1 - 1e-12))
    return float((1 + reached) / (1 + FLIPS))


def _group(
    attribute: str, value: str, first: Values, second: Values, seed: int, span: float
) -> Group:
    found = difference(first, second, level=LEVEL, seed=seed)
    _, member = np.unique(first.identities, return_inverse=True)
    sums = np.bincount(member, weights=second.values - first.values).astype(np.float64)
    low, high = found.ends(span)
    return Group(
        attribute,
        value,
        found.trials,
        found.identities,
        found.first,
        found.second,
        found.change,
        _finite(low),
        _finite(high),
        exchange_probability(sums, seed) if found.identities > 1 else None,
    )


def _correct(found: list[Group]) -> None:
    tested = sorted((g for g in found if g.p is not None), key=lambda g: g.p or 0.0)
    highest = 0.0
    for place, group in enumerate(tested):
        highest = max(highest, min(1.0, (group.p or 0.0) * (len(tested) - place)))
        group.p_holm, group.differs = highest, highest < 1 - LEVEL


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
