"""Failures: rates of failure to acquire and to enrol, and error rates that include them.

Two ways lead to the same end. Everywhere else in these metrics a failure is a score of ``-inf``, so
it is in every rate already. Where somebody reports FMR and FNMR of the comparisons that took place,
failures are put in afterwards, by the generalised rates of ISO/IEC 19795-1. Do one or the other: a
rate that counts failures as scores must not be generalised again.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import FMR, Entry

Bools: TypeAlias = npt.NDArray[np.bool_]
Scores: TypeAlias = npt.NDArray[np.floating[Any]]


class Failures(NamedTuple):
    """How many attempts there were, and how many gave no template.

    Of probes the rate is FTA (failure to acquire), of references FTE (failure to enrol).

    Parameters
    ----------
    failed, attempts
        Counts.
    """

    failed: int
    attempts: int

    @property
    def rate(self) -> float:
        """Share in [0, 1]; NaN without an attempt, as no data is never 0.0."""
        return self.failed / self.attempts if self.attempts else float("nan")


def failures(failed: Bools) -> Failures:
    """Count attempts that gave no template: FTA of probes, FTE of references.

    Parameters
    ----------
    failed
        bool, shape (attempts,).

    Returns
    -------
    Failures
        The counts, with their rate as a property.

    Raises
    ------
    ValueError
        If `failed` is not bool or not of one dimension.

    Examples
    --------
    >>> counted = failures(np.array([True, False, False, False]))
    >>> counted, counted.rate
    (Failures(failed=1, attempts=4), 0.25)
    """
    if failed.dtype != np.bool_ or failed.ndim != 1:
        raise ValueError("failed must be bool with the shape (attempts,)")
    return Failures(int(failed.sum()), failed.size)


def generalised_frr(fta: float, fnmr: float, fte: float = 0.0) -> float:
    """Share of all who tried that is falsely rejected: ``1 - (1 - FTE) (1 - FTA) (1 - FNMR)``.

    Without failures to enrol this is ``FTA + FNMR (1 - FTA)`` (ISO/IEC 19795-1): nobody is accepted
    unless enrolment, acquisition and comparison all went well.

    Parameters
    ----------
    fta
        Failure-to-acquire rate of probes, in [0, 1].
    fnmr
        False non-match rate of *completed* comparisons, in [0, 1]; NaN if there were none.
    fte
        Failure-to-enrol rate of references, in [0, 1].

    Returns
    -------
    float
        In [0, 1], never below any of the three; 1.0 when all attempts failed; otherwise NaN where
        a rate is NaN.

    Raises
    ------
    ValueError
        If a rate is outside [0, 1].

    Examples
    --------
    >>> generalised_frr(fta=0.5, fnmr=0.25)  # half failed, and a quarter of the other half
    0.625
    """
    fta, fnmr, fte = _rate("FTA", fta), _rate("FNMR", fnmr), _rate("FTE", fte)
    # When nothing was compared there is no FNMR, and still everybody was rejected.
    if fta == 1.0 or fte == 1.0:
        return 1.0
    # This form gives the exact answer when a rate is 0; 1 - (1-a)(1-b)(1-c) would round.
    rejected = fta + fnmr * (1.0 - fta)
    return fte + rejected * (1.0 - fte)


def generalised_far(fta: float, fmr: float, fte: float = 0.0) -> float:
    """Share of all who tried that is falsely accepted: ``FMR (1 - FTA) (1 - FTE)``.

    After ISO/IEC 19795-1. Failures lower it: a system that fails always accepts nobody. So it is
    read only beside the generalised FRR, never alone.

    Parameters
    ----------
    fta
        As for `generalised_frr`.
    fmr
        False match rate of *completed* comparisons, in [0, 1]; NaN if there were none.
    fte
        As for `generalised_frr`.

    Returns
    -------
    float
        In [0, 1], never above `fmr`; 0.0 when all attempts failed; otherwise NaN where a rate is
        NaN.

    Raises
    ------
    ValueError
        If a rate is outside [0, 1].

    Examples
    --------
    >>> generalised_far(fta=0.5, fmr=0.25)
    0.125
    """
    fta, fmr, fte = _rate("FTA", fta), _rate("FMR", fmr), _rate("FTE", fte)
    if fta == 1.0 or fte == 1.0:
        return 0.0
    return fmr * (1.0 - fta) * (1.0 - fte)


def _rate(name: str, value: float) -> float:
    if value < 0.0 or value > 1.0:
        raise ValueError(f"{name} is a rate in [0, 1], but {value} was given")
    return value


ENTRIES = {
    "frr": Entry(
        generalised_frr,
        "False rejection rate (FRR)",
        unit="percent",
        options=(FMR,),
        better="lower",
    ),
    "far": Entry(
        generalised_far,
        "False acceptance rate (FAR)",
        unit="percent",
        options=(FMR,),
        better="lower",
    ),
    "fte": Entry(failures, "Failure to enrol rate (FTE)", better="lower"),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
