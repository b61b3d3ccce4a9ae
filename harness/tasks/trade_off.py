"""What the two errors of a kind of question are called, and the scores that they are made on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMPARISONS", "SURE", "TradeOff"]

SURE = 30
"""Errors that a rate needs behind it (the rule of 30)."""


@dataclass(frozen=True)
class TradeOff:
    """Names of two error rates that depend on one threshold.

    Parameters
    ----------
    x_name, y_name
        Of the rates in full.
    x_short, y_short
        In a point's text.
    equal
        Metric at which both rates are equal.
    chance
        What the line of chance is.
    mated, nonmated
        What the trials behind each rate are.
    kinds
        Two words for what has a score where scores are drawn by themselves.
    scored
        What has a score there.
    higher
        What a higher score means.
    rate
        Option of the metrics that are read at a rate of the first error.
    """

    x_name: str
    y_name: str
    x_short: str
    y_short: str
    equal: str
    chance: str = "chance: scores that say nothing"
    mated: str = "mated comparisons"
    nonmated: str = "non-mated comparisons"
    kinds: tuple[str, str] = ("mated", "non-mated")
    scored: str = "comparisons"
    higher: str = "alike"
    rate: str = "fmr"


COMPARISONS = TradeOff(
    "False match rate (FMR)", "False non-match rate (FNMR)", "FMR", "FNMR", "eer"
)
"""Of questions that compare pairs of images."""
