"""FNMR against quality: counted by hand, with intervals over identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from harness.metrics.quality import discard_area, discard_curve
from harness.tasks.discarding import LIMIT, SHARES, Discarding, discarding, pair_qualities
from harness.tasks.pairs import Comparisons, Pairs, Threshold

HALF = Threshold(0.5, 0.01, 0.01, 40, 4000)


def pairs_of(
    scores: list[float] | npt.NDArray[np.float64], identities: list[int] | None = None
) -> Pairs:
    """Mated comparisons, each of two images of its own."""
    n = len(scores)
    places = np.arange(n)
    none = np.empty(0, np.int64)
    whose = np.array(identities if identities is not None else range(n), np.int64)
    return Pairs(
        (*(f"p{i}" for i in range(n)), *(f"r{i}" for i in range(n))),
        np.concatenate([whose, whose]),
        Comparisons(np.array(scores, np.float64), places, places + n),
        Comparisons(np.empty(0), none, none),
        mated_folds=np.zeros(n, np.int64),
    )


def found_in(pairs: Pairs, quality: npt.NDArray[np.float64]) -> Discarding:
    found = discarding(pairs, HALF, quality, "a column")
    assert found is not None
    return found


def test_a_comparison_has_the_lower_quality_of_its_two_images_in_its_own_fold() -> None:
    pairs = replace(pairs_of([0.1, 0.2, 0.3]), mated_folds=np.array([0, 1, 1]))
    probes = [{"p0": 0.9, "p1": 0.1}, {"p1": 0.8, "p2": 0.4}]
    references = [{"r0": 0.5, "r1": 0.0}, {"r1": 0.9}]
    found = pair_qualities(pairs, probes, references)
    assert found[:2].tolist() == [0.5, 0.8]
    assert np.isnan(found[2])


def test_curve_and_area_are_those_of_the_comparisons_that_have_a_quality() -> None:
    rng = np.random.default_rng(5)
    scores, quality = rng.random(200), np.round(rng.random(200), 1)
    quality[:20] = np.nan
    scores[:5] = -np.inf
    found = found_in(pairs_of(scores), quality)
    curve = discard_curve(scores[20:] <= 0.5, quality[20:])
    assert found.fnmr == pytest.approx(curve.rate.tolist())
    assert found.discarded == pytest.approx(curve.discarded.tolist())
    assert found.area.value == pytest.approx(discard_area(curve, LIMIT) / LIMIT)
    assert (found.comparisons, found.unknown, found.refused) == (180, 20, 5)
    assert found.values == 11
    assert found.none == curve.rate[0]
    assert found.shares == list(SHARES)


def test_a_quality_that_foresees_errors_gains_and_one_that_does_not_gains_nothing() -> None:
    rng = np.random.default_rng(6)
    scores = rng.random(400)
    foreseen = found_in(pairs_of(scores), scores + 0.01 * rng.random(400))
    assert foreseen.gain.low is not None
    assert foreseen.gain.low > 0.5
    blind = found_in(pairs_of(scores), rng.random(400))
    assert blind.gain.low is not None
    assert blind.gain.high is not None
    assert blind.gain.low < 0 < blind.gain.high
    assert foreseen.none == blind.none
    assert foreseen.ideal <= foreseen.area.value < blind.area.value  # type: ignore[operator]


def test_intervals_are_wider_where_comparisons_share_identities() -> None:
    rng = np.random.default_rng(7)
    base, tied = rng.random(40), np.repeat(np.arange(40), 10)
    scores, quality = np.repeat(base, 10), rng.random(400)
    apart = found_in(pairs_of(scores), quality)
    together = found_in(pairs_of(scores, tied.tolist()), quality)
    assert (together.identities, apart.identities) == (40, 400)
    widths = [
        np.subtract(one.area.high, one.area.low)  # type: ignore[arg-type]
        for one in (together, apart)
    ]
    assert widths[0] > 2 * widths[1]


def test_intervals_of_the_area_cover() -> None:
    """Of 60 worlds of 60 identities the truth lies outside of few."""
    worlds = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        quality = rng.random(60)
        scores = np.where(rng.random(60) < 0.6 * (1 - quality), 0.0, 1.0)
        worlds.append(found_in(pairs_of(scores), quality).area)
    outside = 0
    truth = float(np.mean([0.6 * (1 - d) / 2 for d in np.linspace(0, LIMIT, 400)]))
    for area in worlds:
        assert area.low is not None
        assert area.high is not None
        outside += not area.low <= truth <= area.high
    assert outside <= 8


def test_equal_qualities_nothing_wrong_and_no_quality_have_their_answers() -> None:
    equal = found_in(pairs_of([0.1, 0.9, 0.9]), np.full(3, 0.5))
    assert equal.gain.value == pytest.approx(0)
    assert any("one quality" in flag for flag in equal.gain.flags)
    right = found_in(pairs_of([0.8, 0.9, 0.9]), np.array([0.1, 0.2, 0.3]))
    assert right.gain.value is None
    assert right.area.value == 0
    assert right.area.high == pytest.approx(1 - 0.025 ** (1 / 3))
    assert discarding(pairs_of([0.5]), HALF, np.array([np.nan]), "none") is None
    one = found_in(pairs_of([0.1, 0.9], [0, 0]), np.array([0.1, 0.9]))
    assert one.area.low is None
    assert one.low == [None] * len(SHARES)
