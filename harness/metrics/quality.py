"""Quality against error: what becomes of an error rate when the worst images are discarded.

The error-versus-discard characteristic (EDC; Grother and Tabassi, Performance of Biometric Quality
Measures, IEEE PAMI 29, 2007; Schlett et al., Considerations on the Evaluation of Biometric Quality
Assessment Algorithms, IEEE T-BIOM 6, 2024). A comparison has the lower quality of its two images,
and whether it is an error was decided at one threshold that stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]
Doubles: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DiscardCurve:
    """An error rate by the share of comparisons that are discarded: a staircase.

    Parameters
    ----------
    discarded
        float64, shape (steps,), in [0, 1), rising from 0.
    rate
        float64, shape (steps,), in [0, 1]: of the comparisons that stay, from this share up to, but
        not including, the next.
    """

    discarded: Doubles
    rate: Doubles

    def at(self, shares: Doubles) -> Doubles:
        """Return the rate where at most such shares are discarded: float64, shape (shares,)."""
        if not len(self.rate):
            return np.full(len(shares), np.nan)
        # A share that is a step but for its rounding is on it.
        places = np.searchsorted(self.discarded, shares + 1e-12, side="right") - 1
        found: Doubles = self.rate[places]
        return found


def discard_curve(errors: Bools, quality: Floats, weights: Floats | None = None) -> DiscardCurve:
    """Error rate of the comparisons that stay when those of the lowest quality are discarded.

    Comparisons of equal quality are discarded together or not at all: a quality says nothing of
    their order. So there is a step for each value of the quality, and between steps the rate stays.

    Parameters
    ----------
    errors
        bool, shape (comparisons,): whether each was decided wrongly.
    quality
        Floating point, shape (comparisons,): higher is better; of a pair, the lower of both.
    weights
        Floating point, shape (comparisons,), from 0: how often each counts; once unless given.

    Returns
    -------
    DiscardCurve
        The last step has the comparisons of the highest quality left. Without comparisons there
        are no steps.

    Raises
    ------
    ValueError
        If shapes differ, a quality is NaN, or a weight is negative.

    Examples
    --------
    >>> curve = discard_curve(np.array([True, False, True, False]), np.array([0.1, 0.5, 0.5, 0.9]))
    >>> curve.discarded.tolist(), curve.rate.round(4).tolist()
    ([0.0, 0.25, 0.75], [0.5, 0.3333, 0.0])
    """
    own = np.ones(len(errors)) if weights is None else np.asarray(weights, np.float64)
    if errors.shape != quality.shape or own.shape != quality.shape or quality.ndim != 1:
        raise ValueError("errors, qualities and weights must have one shape (comparisons,)")
    if np.isnan(quality).any() or (own < 0).any():
        raise ValueError("a quality is NaN, or a weight is negative")
    values, step = np.unique(quality, return_inverse=True)
    counts, wrong = (np.bincount(step, one, len(values)) for one in (own, own * errors))
    return staircase(counts.astype(np.float64), wrong.astype(np.float64))


def staircase(counts: Floats, wrong: Floats) -> DiscardCurve:
    """`discard_curve` from the comparisons of each quality.

    Parameters
    ----------
    counts, wrong
        Floating point, shape (qualities,), by rising quality: how many comparisons have each, and
        how many of them were decided wrongly. A quality without comparisons makes no step.
    """
    there = counts > 0
    if not there.any():
        return DiscardCurve(np.empty(0), np.empty(0))
    counts, wrong = np.asarray(counts)[there], np.asarray(wrong)[there]
    # From the end: what stays is summed by itself, so that no rest of a difference remains.
    stay = np.cumsum(counts[::-1])[::-1]
    left = np.cumsum(wrong[::-1])[::-1]
    gone = np.concatenate([[0.0], np.cumsum(counts)[:-1]])
    return DiscardCurve(gone / stay[0], left / stay)


def discard_area(curve: DiscardCurve, limit: float) -> float:
    """Area under an error-versus-discard curve up to a share that is discarded (pAUC).

    The curve is a staircase, as in the reference code of its authors (dasec,
    quality-assessment-evaluation, ``compute_edc_pauc``); over `limit` it is the mean error rate of
    discarding anything from nothing to `limit`.

    Parameters
    ----------
    curve
        As of `discard_curve`.
    limit
        In (0, 1].

    Returns
    -------
    float
        In [0, limit]; NaN without comparisons.

    Raises
    ------
    ValueError
        If `limit` is outside (0, 1].

    Examples
    --------
    >>> curve = discard_curve(np.array([True, False, False, False]), np.array([1.0, 2, 3, 4]))
    >>> discard_area(curve, 0.5), discard_area(curve, 0.2)  # 1/4 over a quarter; 1/4 over a fifth
    (0.0625, 0.05)
    """
    if not 0 < limit <= 1:
        raise ValueError(f"a share that is discarded lies in (0, 1], not {limit}")
    if not len(curve.rate):
        return float("nan")
    ends = np.minimum(np.append(curve.discarded, 1.0), limit)
    return float(np.diff(ends) @ curve.rate)


def ideal_area(rate: float, limit: float) -> float:
    """Area under the line that no quality can get below: ``max(0, rate - discarded)``.

    Parameters
    ----------
    rate
        With nothing discarded, in [0, 1].
    limit
        As of `discard_area`.

    Examples
    --------
    >>> ideal_area(0.25, 0.5), round(ideal_area(0.3, 0.2), 4)  # a triangle; one without its tip
    (0.03125, 0.04)
    """
    lost = min(rate, limit)
    return rate * lost - lost * lost / 2


def discard_gain(curve: DiscardCurve, limit: float) -> float:
    """Of what discarding could gain at most, the share that it does gain.

    ``(rate - area / limit) / (rate - ideal / limit)``: 0 where the quality says nothing of the
    errors, 1 where the worst images are the errors, negative where good images are discarded.

    Parameters
    ----------
    curve, limit
        As of `discard_area`.

    Returns
    -------
    float
        At most 1; NaN without comparisons, or without errors, where nothing can be gained.

    Examples
    --------
    >>> errors, quality = np.array([True, False, False, False]), np.array([1.0, 2, 3, 4])
    >>> round(discard_gain(discard_curve(errors, quality), 1.0), 4)  # (1/4 - 1/16) / (1/4 - 1/32)
    0.8571
    """
    area = discard_area(curve, limit)
    if not len(curve.rate) or curve.rate[0] == 0:
        return float("nan")
    first = float(curve.rate[0])
    return (first * limit - area) / (first * limit - ideal_area(first, limit))


ENTRIES = {
    "discard-area": Entry(
        discard_area,
        "Area under error against discard",
        options=(("limit", 0.2),),
        better="lower",
        span=1.0,
    ),
    "discard-gain": Entry(
        discard_gain,
        "Gain by discarding",
        options=(("limit", 0.2),),
        better="higher",
        span=float("inf"),
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
