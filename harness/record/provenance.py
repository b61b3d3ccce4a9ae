"""What every page says of its pictures: synthetic, real, or not stated."""

from __future__ import annotations

from collections.abc import Mapping

from harness.data.marker import MARKER, Synthetic, stated_in

BADGES: dict[Synthetic, str] = {
    "yes": "synthetic data",
    "no": "real data",
    "not stated": "synthetic or real: not stated",
}
SENTENCES: dict[Synthetic, str] = {
    "yes": "The images are synthetic: these numbers test the procedure and say nothing about "
    "casework.",
    "no": "By what the data set states, its images are real.",
    "not stated": "The data set does not state whether its images are synthetic or real "
    f"({MARKER} would).",
}


def badge(dataset: Mapping[str, str]) -> str:
    """Return the badge of a run, from its manifest's facts about the data set."""
    return BADGES[stated_in(dataset)]


def sentence(dataset: Mapping[str, str]) -> str:
    """Return the same as a sentence."""
    return SENTENCES[stated_in(dataset)]
