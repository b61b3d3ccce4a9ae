"""One metric's value with its interval, its chance and how far it can be trusted."""

from __future__ import annotations

import msgspec

UNSUPPORTED = "not supported by this data"
"""How a flag begins that says that the data do not reach where the figure is read."""

FEW_ERRORS = "fewer than 30"
"""How a flag begins that says that the figure breaks the rule of 30."""


class Components(msgspec.Struct):
    """Where the variance of a metric over several fits comes from: standard deviations in one fit.

    Parameters
    ----------
    identities
        Other identities could have been judged.
    interaction
        Which identities come out well changes from fit to fit.
    fits
        A fit is better or worse as a whole; with its 95 % interval.
    """

    identities: float
    interaction: float
    fits: float
    fits_low: float
    fits_high: float


class Estimate(msgspec.Struct, omit_defaults=True):
    """One metric's value and how far it can be trusted.

    Parameters
    ----------
    value
        None where the data has no answer; never 0 for "no data".
    low, high
        95 % interval.
    method
        How the interval was made.
    n
        Trials behind the value: searches, images or comparisons.
    chance, chance_low, chance_high
        What a random answer gets, and the central 95 % of what random answers get here.
    fold_mean, fold_sd
        Mean and standard deviation (n - 1) over folds.
    flags
        Where the data cannot support the figure, in words.
    fits, components
        Of several fits of an algorithm that learns: the value of each, of which `value` is the
        mean, and where their variance comes from.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    n: int = 0
    chance: float | None = None
    chance_low: float | None = None
    chance_high: float | None = None
    fold_mean: float | None = None
    fold_sd: float | None = None
    flags: list[str] = []
    fits: list[float | None] = []
    components: Components | None = None
