"""Draws of identities from counts by identity: they say what looking at every comparison says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.metrics import verification
from harness.metrics.reached import Reached
from harness.statistics import error_rates
from harness.statistics.error_rates import (
    MEASURES,
    Measure,
    ResampledComparisons,
    bootstrap_measures,
    in_blocks,
)
from harness.statistics.margins import (
    HIGHEST,
    Block,
    MarginRates,
    Margins,
    highest_of,
    margins_of,
    marks_of,
)
from tests.statistics.test_error_rates import EASE, Floats, Ints, coverage, drawn

ASKED = [Measure(name, 0.1) for name in MEASURES]


@pytest.fixture
def by_margins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_rates, "ONE_BY_ONE", 0)


def people(
    seed: int, number: int, background: int = 0, ties: int = 0
) -> tuple[Floats, Ints, Floats, Ints, Ints]:
    data = drawn(np.random.default_rng(seed), number, background, 2, 2.0)
    if ties:
        data = np.round(ties * data[0]), data[1], np.round(ties * data[2]), *data[3:]
    return data


def rates_of(
    mated: Floats, own: Ints, nonmated: Floats, probe: Ints, reference: Ints
) -> MarginRates:
    identities = int(max(own.max(), probe.max(), reference.max())) + 1
    reached = Reached.of(mated, [nonmated])
    margins = margins_of(in_blocks(nonmated, probe, reference), marks_of(reached), identities)
    return MarginRates(
        mated, own, margins, reached, lambda: highest_of(in_blocks(nonmated, probe, reference))
    )


NAMES = [
    ("eer", 0.0),
    ("eer-convex-hull", 0.0),
    ("auc", 0.0),
    ("fnmr", 0.2),
    ("fnmr", 0.01),
    ("fnmr", 0.0),
    ("fnmr", 1.0),
]


@pytest.mark.parametrize("ties", [0, 1, 3])
def test_all_identities_once_give_the_metrics_themselves(ties: int) -> None:
    data = people(3, 120, ties=ties)
    data[0][:5] = -math.inf
    (found,) = rates_of(*data).drawn(NAMES, np.ones((1, 120), np.int64))
    wanted = [
        verification.eer(data[0], data[2]),
        verification.eer_convex_hull(data[0], data[2]),
        verification.auc(data[0], data[2]),
        *(verification.fnmr_at_fmr(data[0], data[2], fmr) for name, fmr in NAMES if name == "fnmr"),
    ]
    np.testing.assert_allclose(found, wanted, atol=2 / len(data[2]))


@pytest.mark.parametrize("ties", [0, 2])
@pytest.mark.parametrize("background", [0, 300])
def test_draws_follow_those_that_look_at_every_comparison(background: int, ties: int) -> None:
    data = people(4, 100, background, ties)
    everybody = 100 + background
    weights = np.random.default_rng(1).multinomial(
        everybody, np.full(everybody, 1 / everybody), size=60
    )
    found = rates_of(*data).drawn(NAMES[:5], weights)
    resampled = ResampledComparisons(*data)
    wanted = resampled.drawn([Measure(*measure) for measure in NAMES[:5]], weights)
    # Where scores are tied, FNMR jumps, and which draws do so may turn by a hair.
    compared = 3 if ties else 5
    for column, other in zip(found.T[:compared], wanted.T, strict=False):
        assert np.corrcoef(column, other)[0, 1] > 0.9
        assert column.std() == pytest.approx(other.std(), rel=0.1)


def test_the_highest_comparisons_are_drawn_one_by_one() -> None:
    data = people(5, 90)
    assert len(data[2]) > HIGHEST
    weights = np.random.default_rng(1).multinomial(90, np.full(90, 1 / 90), size=50)
    found = rates_of(*data).drawn([("fnmr", 0.0)], weights)[:, 0]
    resampled = ResampledComparisons(*data)
    assert found == pytest.approx(resampled.drawn([Measure("fnmr", 0.0)], weights)[:, 0])


def test_comparisons_within_identities_count_once_for_each_draw() -> None:
    rng = np.random.default_rng(0)
    own, whose = np.arange(60).repeat(3), np.arange(80).repeat(200)
    data = (
        rng.normal(2, 1, 180),
        own,
        rng.normal(size=16000) + rng.normal(size=80)[whose],
        whose,
        whose,
    )
    weights = rng.multinomial(80, np.full(80, 1 / 80), size=40)
    found = rates_of(*data).drawn([("eer", 0.0), ("fnmr", 0.1)], weights)
    resampled = ResampledComparisons(*data)
    # Nothing is left out here but what happens between two marks.
    exactly = resampled.drawn([Measure("eer"), Measure("fnmr", 0.1)], weights)
    np.testing.assert_allclose(found, exactly, rtol=0, atol=0.012)


def test_how_comparisons_are_cut_into_blocks_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, by_margins: None
) -> None:
    data = people(6, 60)
    whole = bootstrap_measures(ASKED, *data, replicates=50)
    monkeypatch.setattr(error_rates, "_BLOCK", 77)
    parts = bootstrap_measures(ASKED, *data, replicates=50)
    for one, other in zip(whole, parts, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


def test_only_so_many_of_the_highest_are_kept_and_all_that_are_as_high() -> None:
    scores = np.arange(30_000.0) // 10
    whose = np.zeros(len(scores), np.int64)
    highest = highest_of([Block(part, *[whose[: len(part)]] * 2) for part in np.split(scores, 10)])
    assert HIGHEST <= len(highest.scores) <= HIGHEST + 10
    np.testing.assert_array_equal(highest.scores, np.sort(scores)[::-1][: len(highest.scores)])
    level = np.zeros(30_000)
    none = highest_of([Block(part, *[whose[: len(part)]] * 2) for part in np.split(level, 10)])
    assert len(none.scores) < HIGHEST


def test_margins_count_whoever_reaches_a_mark() -> None:
    block = Block(np.array([0.1, 0.5, 0.5, 0.9]), np.array([0, 0, 1, 1]), np.array([1, 2, 2, 1]))
    margins = margins_of([block], np.array([-np.inf, 0.5]), 3)
    assert margins.probe.tolist() == [[2, 1], [1, 1], [0, 0]]
    assert margins.reference.tolist() == [[0, 0], [1, 0], [2, 2]]
    assert margins.within.tolist() == [[0, 0], [1, 1], [0, 0]]
    assert margins.reaching.tolist() == [4, 3]
    both = margins.put_together(np.array([0, 0, 1]), 2)
    assert both.probe.tolist() == [[3, 2], [0, 0]]


def test_a_background_in_groups_varies_as_much() -> None:
    data = people(7, 40, 3000)
    rates = rates_of(*data)
    grouped, judged = rates.with_background_in(300)
    assert judged.sum() == 40
    assert grouped.identities == 340
    rng = np.random.default_rng(2)
    spread = [
        one.drawn([("eer", 0.0)], rng.multinomial(size, np.full(size, 1 / size), 400)).std()
        for one, size in ((rates, 3040), (grouped, 340))
    ]
    assert spread[1] == pytest.approx(spread[0], rel=0.15)


@pytest.mark.parametrize(("number", "background"), [(60, 0), (120, 0), (40, 300)])
def test_intervals_agree_with_those_from_every_comparison(
    number: int, background: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = people(8, number, background)
    exact = bootstrap_measures(ASKED, *data, replicates=400)
    monkeypatch.setattr(error_rates, "ONE_BY_ONE", 0)
    found = bootstrap_measures(ASKED, *data, replicates=400)
    for one, other in zip(found, exact, strict=True):
        width = other.high - other.low
        assert one.method == other.method
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.12 * width)


def test_what_cannot_be_measured_has_no_interval_and_broken_scores_are_refused(
    by_margins: None,
) -> None:
    data = people(9, 20)
    lonely = data[0][:2], np.zeros(2, np.int64), *data[2:]
    assert all(math.isnan(one.low) for one in bootstrap_measures(ASKED, *lonely))
    broken = data[2].copy()
    broken[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        bootstrap_measures(ASKED, data[0], data[1], broken, *data[3:])
    with pytest.raises(ValueError, match="identities"):
        bootstrap_measures(ASKED, data[0], data[1][:-1], *data[2:])


def test_equal_and_failing_scores_have_their_rates(by_margins: None) -> None:
    _, own, nonmated, probe, reference = people(10, 30)
    asked = [Measure("eer"), Measure("fnmr", 0.1)]
    for mated, others, wanted in (
        (np.ones(60), np.zeros_like(nonmated), [0.0, 0.0]),
        (np.zeros(60), np.zeros_like(nonmated), [0.5, 1.0]),
        (np.full(60, -math.inf), nonmated, [1.0, 1.0]),
    ):
        found = bootstrap_measures(asked, mated, own, others, probe, reference, 100)
        assert [one.low for one in found] == pytest.approx(wanted, abs=1e-9)
        assert [one.high for one in found] == pytest.approx(wanted, abs=1e-9)


def test_a_draw_counts_a_comparison_as_often_as_both_identities() -> None:
    sides = np.array([[1], [2]])
    one = Margins(np.array([-np.inf]), sides, sides, np.array([[0], [1]]))
    assert one.drawn(np.array([[1.0, 1.0], [2.0, 0.0]]))[:, 0].tolist() == [4.0, 4 / 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "background", "sets"), [(15, 0, 250), (31, 0, 250), (60, 0, 200), (31, 400, 150)]
)
def test_intervals_by_margins_cover(
    number: int, background: int, sets: int, by_margins: None
) -> None:
    """As those that look at every comparison do; with many identities they are the same."""
    assert EASE > 0
    rng = np.random.default_rng([number, background, 1])
    covered = coverage(rng, number, background, sets)
    error = math.sqrt(0.95 * 0.05 / sets)
    for name in ("eer", "fnmr"):
        assert 0.92 - 1.5 * error <= covered[name] <= 0.98 + 1.5 * error, covered
    assert covered["auc"] >= 0.88, covered
    assert covered["d-prime"] >= 0.87, covered
