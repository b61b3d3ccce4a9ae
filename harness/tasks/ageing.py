"""Ageing: mated comparisons by the time between their captures.

Tattoos blur and fade, and people change. What is told here is how errors and scores go with the
years between two captures; what else went with the years (cameras, places, who comes back) is not
told apart from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.dates import is_date, span_of, years_between
from harness.data.records import Record
from harness.statistics.bootstrap import choose_interval
from harness.statistics.trend import Trend, trend_of
from harness.tasks.answers import finite
from harness.tasks.differentials import EXPECTED, median_ends
from harness.tasks.groups import FEWEST
from harness.tasks.pairs import Pairs

__all__ = ["AgeBin", "Ageing", "Slope", "ageing_of"]

MOST_BINS = 4

MONTH = 31
"""Days that a date may mean, beyond which it is called coarse."""


class AgeBin(msgspec.Struct):
    """Mated comparisons of captures that lie so many years apart.

    Parameters
    ----------
    low, high
        Fewest and most years between the captures of a comparison.
    comparisons, identities
        In it.
    false_nonmatches, fnmr, fnmr_low, fnmr_high
        Comparisons at or below the threshold, and their share with its 95 % interval; None without
        a threshold.
    median, median_low, median_high
        Of the scores of the comparisons that took place.
    """

    low: float
    high: float
    comparisons: int
    identities: int
    false_nonmatches: int | None = None
    fnmr: float | None = None
    fnmr_low: float | None = None
    fnmr_high: float | None = None
    median: float | None = None
    median_low: float | None = None
    median_high: float | None = None


class Slope(msgspec.Struct):
    """What a year between captures does.

    Parameters
    ----------
    measure
        ``fnmr``, in shares, or ``score``.
    per_year, low, high
        Of a straight line, with its 95 % interval.
    reason
        Why there is none.
    """

    measure: str
    per_year: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class Ageing(msgspec.Struct):
    """What the time between captures does to mated comparisons.

    Parameters
    ----------
    bins
        By rising time, with as many comparisons in each as can be.
    slopes
        Over all comparisons that are looked at, in no bins.
    comparisons, identities
        That are looked at.
    undated, same_photograph, other_tattoo
        Mated comparisons that are not: a capture has no date, both show one photograph, or they
        show two tattoos that look alike.
    coarse
        Of those that are looked at, how many have a date of which only the year is known.
    threshold, fmr
        As of `harness.tasks.differentials.Differentials`.
    reason
        Why there is nothing to see.
    """

    bins: list[AgeBin] = []
    slopes: list[Slope] = []
    comparisons: int = 0
    identities: int = 0
    undated: int = 0
    same_photograph: int = 0
    other_tattoo: int = 0
    coarse: int = 0
    threshold: float | None = None
    fmr: float | None = None
    reason: str = ""


def ageing_of(pairs: Pairs, records: Mapping[str, Record], *, seed: int = 0) -> Ageing:
    """Return errors and scores of mated comparisons by the time between their captures.

    Parameters
    ----------
    pairs
        All comparisons of a run.
    records
        What is known of the images, by name.
    seed
        Of draws.
    """
    found = Ageing()
    places: list[int] = []
    years: list[float] = []
    sides = pairs.mated.probes.tolist(), pairs.mated.references.tolist()
    for place, (left, right) in enumerate(zip(*sides, strict=True)):
        one, other = (records.get(pairs.names[image]) for image in (left, right))
        if one is None or other is None:
            found.undated += 1
        elif one.tattoo and other.tattoo and one.tattoo != other.tattoo:
            found.other_tattoo += 1
        elif one.source is not None and one.source == other.source:
            found.same_photograph += 1
        elif not all(record.taken and is_date(record.taken) for record in (one, other)):
            found.undated += 1
        else:
            dates = [str(record.taken) for record in (one, other)]
            places.append(place)
            years.append(years_between(dates[0], dates[1]))
            found.coarse += any(_days(date) > MONTH for date in dates)
    chosen, apart = np.array(places, np.int64), np.array(years)
    whose = pairs.identities[pairs.mated.probes[chosen]]
    found.comparisons, found.identities = len(chosen), len(np.unique(whose))
    bins = _bins(apart, whose)
    if len(bins) < 2:
        found.reason = _too_few(found, apart)
        return found
    scores = pairs.mated.scores[chosen]
    threshold = pairs.threshold() if pairs.kept else None
    if threshold is not None:
        found.threshold, found.fmr = finite(threshold.bar), threshold.fmr
    missed = None if threshold is None else scores <= threshold.bar
    found.bins = [_bin(apart, scores, whose, missed, inside, seed) for inside in bins]
    if missed is None:
        why = "scores of the non-mated comparisons were summed up, not kept: there is no threshold"
        found.slopes.append(Slope("fnmr", reason=why))
    elif min(int(missed.sum()), int((~missed).sum())) < EXPECTED:
        why = f"fewer than {EXPECTED:.0f} comparisons lie on one side of the threshold"
        found.slopes.append(Slope("fnmr", reason=why))
    else:
        found.slopes.append(
            _slope("fnmr", trend_of(apart, missed.astype(np.float64), whose, seed=seed))
        )
    met = np.isfinite(scores)
    found.slopes.append(_slope("score", trend_of(apart[met], scores[met], whose[met], seed=seed)))
    return found


def _days(date: str) -> int:
    first, last = span_of(date)
    return last - first + 1


def _bins(
    years: npt.NDArray[np.float64], whose: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.bool_]]:
    """Return the most bins, of comparisons as many as can be, of which each has identities enough.

    Equal times stay together.
    """
    if not len(years):
        return []
    for number in range(MOST_BINS, 1, -1):
        ends = np.quantile(years, np.arange(1, number) / number, method="inverted_cdf")
        which = np.searchsorted(np.unique(ends), years, side="left")
        bins = [which == place for place in range(int(which.max()) + 1)]
        if len(bins) > 1 and all(len(np.unique(whose[one])) >= FEWEST for one in bins):
            return bins
    return []


def _too_few(found: Ageing, years: npt.NDArray[np.float64]) -> str:
    if not found.comparisons:
        if found.other_tattoo and not found.undated:
            return "mates are look-alikes, so that nothing is the same at two times"
        return "no mated comparison has the dates of both captures (column 'taken')"
    if years.min() == years.max():
        return "the time between captures is the same in all comparisons"
    return f"fewer than two spans of time have {FEWEST} identities each"


def _bin(
    years: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
    whose: npt.NDArray[np.int64],
    missed: npt.NDArray[np.bool_] | None,
    inside: npt.NDArray[np.bool_],
    seed: int,
) -> AgeBin:
    found = AgeBin(
        float(years[inside].min()),
        float(years[inside].max()),
        int(inside.sum()),
        len(np.unique(whose[inside])),
    )
    if missed is not None:
        interval = choose_interval(missed[inside] * 1.0, whose[inside], seed=seed)
        found.false_nonmatches = int(missed[inside].sum())
        found.fnmr = float(missed[inside].mean())
        found.fnmr_low, found.fnmr_high = finite(interval.low), finite(interval.high)
    met = inside & np.isfinite(scores)
    if met.any():
        found.median = float(np.median(scores[met]))
        members = np.unique(whose[met], return_inverse=True)[1]
        if members.max() + 1 >= FEWEST:
            ends = median_ends(scores[met], members, members, int(members.max()) + 1, seed)
            found.median_low, found.median_high = map(finite, ends)
    return found


def _slope(measure: str, trend: Trend) -> Slope:
    if math.isnan(trend.slope) or math.isnan(trend.interval.low):
        return Slope(measure, finite(trend.slope), reason=trend.interval.method)
    low, high = trend.interval.low, trend.interval.high
    return Slope(measure, trend.slope, finite(low), finite(high))
