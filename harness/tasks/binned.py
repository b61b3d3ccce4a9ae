"""Errors told apart by what is known of the probe: the size of its tattoo, say, in bins.

Which images belong into which bin is one mapping, so that whoever looks at bins, for error rates or
for the validity of likelihood ratios, looks at the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.records import Record
from harness.data.tattoo_size import MARKS, SIZES, bin_of, box_share
from harness.statistics.bootstrap import choose_interval
from harness.statistics.estimate import FEW_ERRORS, Estimate
from harness.statistics.intervals import few_errors
from harness.tasks.answers import finite
from harness.tasks.intervals import set_interval
from harness.tasks.pairs import Pairs, Threshold
from harness.tasks.searches import FoldSearches

__all__ = [
    "AREA",
    "FEW_WRONG",
    "MASK",
    "QUALITY",
    "BinRates",
    "Bins",
    "bins_by",
    "quality_bins",
    "rates_in",
]

AREA, MASK, QUALITY = "area", "mask", "quality"
"""What images are told apart by: the share of the tattoo's box, of its pixels, or the quality."""

FEW_WRONG = f"{FEW_ERRORS} errors"
"""Flag of a rate that is only an order of magnitude."""

_QUARTERS = 4

Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


class Bins(NamedTuple):
    """Images in bins.

    Parameters
    ----------
    names
        Of the bins, in their order.
    of
        Bin of each image by its name; images of which nothing is known are left out.
    """

    names: tuple[str, ...]
    of: Mapping[str, str]


class BinRates(msgspec.Struct):
    """Error rates of one bin.

    Parameters
    ----------
    name
        Of the bin.
    identities
        Of its probes.
    fnmr
        Of the mated comparisons whose probe is in it, at the threshold of the run; None without a
        threshold, or such comparisons.
    hits
        Share of the searches whose mate is within the rank; None where nothing is searched.
    """

    name: str
    identities: int
    fnmr: Estimate | None = None
    hits: Estimate | None = None


def bins_by(
    what: str, records: Mapping[str, Record], qualities: Mapping[str, float] | None = None
) -> Bins:
    """Return the images of a run in bins.

    Parameters
    ----------
    what
        `AREA`: the share of the image that the tattoo's box takes; `MASK`: the share of its pixels
        that the mask marks, known of probes; `QUALITY`: quarters of the images by quality.
    records
        Of the run, by name.
    qualities
        By name, in [0, 1]; those of the records unless given.

    Raises
    ------
    ValueError
        If images are not told apart by `what`.
    """
    if what == QUALITY:
        own = {name: record.quality for name, record in records.items()}
        known = own if qualities is None else qualities
        return quality_bins({name: one for name, one in known.items() if one is not None})
    if what not in (AREA, MASK):
        raise ValueError(f"no bins of {what!r}; there are {AREA}, {MASK} and {QUALITY}")
    bins = SIZES if what == AREA else MARKS
    share: Callable[[Record], float | None] = box_share if what == AREA else _marked
    found = {name: bin_of(share(record), bins) for name, record in records.items()}
    return Bins(tuple(name for _, name in bins), {name: one for name, one in found.items() if one})


def quality_bins(qualities: Mapping[str, float]) -> Bins:
    """Return quarters of the images by their quality, equal ones together.

    Parameters
    ----------
    qualities
        By the name of the image, in [0, 1].

    Returns
    -------
    Bins
        From the lowest; fewer than four where many are equal. The name of a bin holds its lowest
        and its highest quality.

    Examples
    --------
    >>> quality_bins({"a": 0.1, "b": 0.1, "c": 0.5, "d": 0.9}).names
    ('0.100', '0.500', '0.900')
    """
    values = np.array(sorted(qualities.values()), np.float64)
    if not len(values):
        return Bins((), {})
    cuts = values[[max(0, len(values) * k // _QUARTERS - 1) for k in range(1, _QUARTERS)]]
    numbers = {
        name: int(np.searchsorted(cuts, value, side="left")) for name, value in qualities.items()
    }
    labels = {}
    for number in sorted(set(numbers.values())):
        own = [qualities[name] for name, one in numbers.items() if one == number]
        ends = dict.fromkeys((f"{min(own):.3f}", f"{max(own):.3f}"))
        labels[number] = " to ".join(ends)
    # Bins that are told apart by the fourth decimal alone have one name.
    names = tuple(dict.fromkeys(labels.values()))
    return Bins(names, {name: labels[number] for name, number in numbers.items()})


def rates_in(
    bins: Bins,
    pairs: Pairs,
    threshold: Threshold | None,
    parts: Sequence[FoldSearches] = (),
    rank: int = 1,
) -> list[BinRates]:
    """Return the error rates of each bin that has a trial, with intervals over identities.

    Parameters
    ----------
    bins
        Of images; a trial is in the bin of its probe.
    pairs
        All comparisons.
    threshold
        The one threshold of all.
    parts
        The searches of folds or draws.
    rank
        Within which a mate is a hit.
    """
    of_image = np.array([bins.of.get(name, "") for name in pairs.names], np.str_)
    where = of_image[pairs.mated.probes]
    whose = pairs.identities[pairs.mated.probes]
    found = []
    for name in bins.names:
        rates = BinRates(name, 0)
        inside = where == name
        identities = set(whose[inside].tolist())
        if threshold is not None and inside.any():
            missed = (pairs.mated.scores[inside] <= threshold.bar).astype(np.float64)
            rates.fnmr = _share(missed, whose[inside], errors=int(missed.sum()))
        hits, clusters = _hits(parts, bins, name, rank)
        if len(hits):
            rates.hits = _share(hits, clusters, errors=int((hits == 0).sum()))
        rates.identities = max(len(identities), len(np.unique(clusters)))
        if rates.identities:
            found.append(rates)
    return found


def _marked(record: Record) -> float | None:
    return record.marked


def _hits(parts: Sequence[FoldSearches], bins: Bins, name: str, rank: int) -> tuple[Doubles, Ints]:
    """Return whether each search with a mate and a probe in the bin hits, and whose it is."""
    hits, whose = [], []
    for part in parts:
        for i, probe in enumerate(part.fold.probes):
            if part.mates[i] > 0 and bins.of.get(probe) == name:
                hits.append(float(part.ranks[i] <= rank))
                whose.append(str(part.probe_clusters[i]))
    numbers = np.unique(np.array(whose, np.str_), return_inverse=True)[1]
    return np.array(hits, np.float64), numbers.astype(np.int64)


def _share(values: Doubles, clusters: Ints, *, errors: int) -> Estimate:
    estimate = Estimate(finite(values.mean()), n=len(values))
    set_interval(estimate, choose_interval(values, clusters), len(np.unique(clusters)))
    if few_errors(errors):
        estimate.flags.append(FEW_WRONG)
    return estimate
