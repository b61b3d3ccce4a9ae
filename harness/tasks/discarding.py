"""What discarding the worst images would gain a run: its FNMR against the quality of its images.

See `harness.metrics.quality`. The threshold is that of all comparisons and stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.metrics import quality as measured
from harness.metrics.quality import DiscardCurve, staircase
from harness.statistics.bootstrap import cluster_bootstrap
from harness.statistics.estimate import FEW_ERRORS, Estimate
from harness.statistics.intervals import few_errors
from harness.tasks.answers import finite
from harness.tasks.intervals import NONE, set_interval
from harness.tasks.pairs import Pairs, Threshold

__all__ = ["LIMIT", "SHARES", "Discarding", "discarding", "pair_qualities"]

Doubles: TypeAlias = npt.NDArray[np.float64]

LIMIT = 0.2
"""Share of the comparisons up to which discarding is summed up."""

SHARES = tuple(round(0.025 * k, 3) for k in range(21))
"""Shares at which the curve has an interval: to one half, beyond which little is left."""


class Discarding(msgspec.Struct):
    """FNMR by the share of comparisons that are discarded, the worst first.

    Parameters
    ----------
    source
        Whose quality it is, in words.
    comparisons, identities
        Mated ones of which both images have a quality.
    unknown
        Those of which one has none: they are left out.
    refused
        Of these, those of an image that the algorithm gave up on.
    values
        Different qualities of comparisons.
    discarded, fnmr
        Every step of the curve.
    shares, low, high
        Where it has an interval; None where there is none.
    area
        Mean FNMR over discarding up to `LIMIT`: the partial area over its width.
    none, ideal
        The same where the quality says nothing, and where no quality can do better.
    gain
        Of what discarding up to `LIMIT` could gain, the share that it does gain.
    """

    source: str
    comparisons: int
    identities: int
    unknown: int
    refused: int
    values: int
    discarded: list[float]
    fnmr: list[float]
    shares: list[float]
    low: list[float | None]
    high: list[float | None]
    area: Estimate
    none: float
    ideal: float
    gain: Estimate

    def at(self, share: float) -> float:
        """Return the FNMR with at most this share discarded."""
        curve = DiscardCurve(np.array(self.discarded), np.array(self.fnmr))
        return float(curve.at(np.array([share]))[0])


def pair_qualities(
    pairs: Pairs, probes: Sequence[Mapping[str, float]], references: Sequence[Mapping[str, float]]
) -> Doubles:
    """Return the lower quality of both images of each mated comparison: float64, shape (mated,).

    NaN where one of them has none.

    Parameters
    ----------
    pairs
        All comparisons.
    probes, references
        Of each fold, the qualities of images by their names.
    """
    found = np.full(len(pairs.mated.scores), np.nan)
    for number, sides in enumerate(zip(probes, references, strict=True)):
        rows = pairs.mated_folds == number
        places = pairs.mated.probes[rows], pairs.mated.references[rows]
        values = (pairs.of_images(one)[place] for one, place in zip(sides, places, strict=True))
        found[rows] = np.minimum(*values)
    return found


def discarding(
    pairs: Pairs, threshold: Threshold, qualities: Doubles, source: str
) -> Discarding | None:
    """Return what discarding gains; None where no comparison has a quality.

    Parameters
    ----------
    pairs, threshold
        All comparisons, and the one threshold.
    qualities
        Of the mated comparisons, as of `pair_qualities`.
    source
        Whose quality it is, in words.
    """
    known = ~np.isnan(qualities)
    if not known.any():
        return None
    scores = pairs.mated.scores
    errors = (scores <= threshold.bar)[known]
    clusters = np.unique(pairs.identities[pairs.mated.probes[known]], return_inverse=True)[1]
    identities = int(clusters.max()) + 1
    levels, step = np.unique(qualities[known], return_inverse=True)

    def curve_of(weights: Doubles) -> DiscardCurve:
        sums = (np.bincount(step, one, len(levels)) for one in (weights, weights * errors))
        return staircase(*(one.astype(np.float64) for one in sums))

    def statistics(drawn: npt.NDArray[np.int64]) -> list[float]:
        curve = curve_of(drawn[clusters].astype(np.float64))
        area = measured.discard_area(curve, LIMIT) / LIMIT
        return [area, measured.discard_gain(curve, LIMIT), *curve.at(np.array(SHARES)).tolist()]

    curve = curve_of(np.ones(len(errors)))
    ends = cluster_bootstrap(statistics, identities)
    wrong = int(errors.sum())
    area = Estimate(finite(measured.discard_area(curve, LIMIT) / LIMIT), n=len(errors))
    set_interval(area, ends[0], identities)
    gain = Estimate(finite(measured.discard_gain(curve, LIMIT)), n=len(errors))
    if gain.value is None:
        gain.flags.append("without a false non-match nothing can be gained")
    elif len(levels) == 1:
        gain.flags.append(f"{NONE}all comparisons have one quality, so that none is the worst")
    else:
        set_interval(gain, ends[1], identities, share=False)
    for estimate in (area, gain):
        if few_errors(wrong):
            estimate.flags.append(f"{FEW_ERRORS} false non-matches")
    first = float(curve.rate[0])
    return Discarding(
        source,
        len(errors),
        identities,
        int(np.count_nonzero(~known)),
        int(np.count_nonzero(~known & np.isneginf(scores))),
        len(levels),
        curve.discarded.tolist(),
        curve.rate.tolist(),
        list(SHARES),
        [finite(one.low) for one in ends[2:]],
        [finite(one.high) for one in ends[2:]],
        area,
        first,
        measured.ideal_area(first, LIMIT) / LIMIT,
        gain,
    )
