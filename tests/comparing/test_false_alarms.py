"""How often the gate is wrong, beside simpler rules, on made-up systems whose truth is known.

One world is a set of people and pictures; a system that was changed without loss answers with the
same scores but for some noise. 300 identities with two probes each, FNMR of 10 % at FMR 1 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from harness.comparing.detecting import TURNOVER, planned
from harness.comparing.differences import difference
from harness.comparing.rates import DrawnRate
from harness.comparing.verdict import LEVEL, PASSED, REGRESSED, judge
from harness.tasks.trials import Scores, Values
from tests.comparing.made_scores import comparisons, mean_for

IDENTITIES, PROBES, FMR, FNMR, NOISE = 300, 2, 0.01, 0.1, 0.2
MARGIN, LOSS = 0.01, 0.06
BARE = 0.01


class Said(NamedTuple):
    """What each rule says of one pair of runs."""

    regressed: bool
    passed: bool
    bare: bool
    unpaired: bool


def pairs(number: int, loss: float) -> Iterator[tuple[Scores, Scores]]:
    """Yield runs of a system and of one that truly misses `loss` more."""
    for world in range(number):
        first, second = (
            replace(
                comparisons(
                    IDENTITIES,
                    seed,
                    probes=PROBES,
                    references=20,
                    noise=NOISE,
                    mean=mean_for(FNMR + more, FMR, NOISE),
                    world=world,
                ),
                measure="fnmr",
                rate=FMR,
            )
            for seed, more in ((1, 0.0), (2, loss))
        )
        yield first, second


def said(first: Scores, second: Scores) -> Said:
    found = difference(first, second, level=LEVEL)
    verdict = judge("fnmr", found, MARGIN, lower_is_better=True).verdict
    return Said(
        verdict == REGRESSED,
        verdict == PASSED,
        found.change > BARE,
        unpaired(first, second),
    )


def unpaired(first: Scores, second: Scores) -> bool:
    """Test the two rates as if other people had been searched in the second run."""
    rates, variances = [], []
    for scores in (first, second):
        misses = DrawnRate(scores, np.arange(IDENTITIES)).misses
        rates.append(misses.sum() / (IDENTITIES * PROBES))
        variances.append(((misses / PROBES - rates[-1]) ** 2).sum() / IDENTITIES**2)
    return bool(rates[1] - rates[0] > 1.645 * math.sqrt(sum(variances)))


def shares(number: int, loss: float) -> Said:
    found = np.mean([said(*pair) for pair in pairs(number, loss)], axis=0)
    return Said(*found)


def test_the_made_up_systems_miss_as_often_as_they_should() -> None:
    for loss in (0.0, LOSS):
        drawn = [pair[1] for pair in pairs(12, loss)]
        rates = [DrawnRate.of_all(scores) for scores in drawn]
        assert np.mean(rates) == pytest.approx(FNMR + loss, abs=0.012)


@pytest.mark.slow
def test_where_nothing_changed_the_gate_seldom_says_regressed() -> None:
    """At most 6 in 100 by the gate; a bare threshold cries wolf more often."""
    found = shares(100, 0.0)
    assert found.regressed <= 0.06
    assert found.bare > found.regressed


@pytest.mark.slow
def test_a_true_loss_is_caught_where_an_unpaired_test_would_often_miss_it() -> None:
    """FNMR up by 0.06 at 300 identities: 90 in 100 or more by the gate."""
    found = shares(60, LOSS)
    assert found.regressed >= 0.90
    assert found.passed <= 0.05


def hits(rng: np.random.Generator, flipped: float, lost: float) -> tuple[Values, Values]:
    """Return hits of a system and of the same trained again, with some searches truly lost."""
    whose = np.repeat(np.arange(IDENTITIES), PROBES)
    hard = rng.beta(1.5, 6, IDENTITIES)[whose]
    first = (rng.random(len(whose)) > hard).astype(np.float64)
    other = (rng.random(len(whose)) > hard).astype(np.float64)
    second = np.where(rng.random(len(whose)) < flipped, other, first)
    return Values(first, whose), Values(np.where(rng.random(len(whose)) < lost, 0, second), whose)


@pytest.mark.slow
def test_training_again_is_seldom_called_a_regression_however_much_it_changes() -> None:
    """Retrained systems differ in few searches or in many; in truth they are equally good."""
    rng = np.random.default_rng(7)
    for flipped in (0.02, 0.1, 0.4):
        verdicts, bare = [], []
        for _ in range(100):
            found = difference(*hits(rng, flipped, 0.0), level=LEVEL)
            verdicts.append(judge("hits", found, MARGIN, lower_is_better=False).verdict)
            bare.append(-found.change > BARE)
        assert np.mean([v == REGRESSED for v in verdicts]) <= 0.06, flipped
        if flipped == 0.4:
            assert np.mean(bare) > 0.15


@pytest.mark.slow
def test_a_loss_as_large_as_the_margin_seldom_passes() -> None:
    """The other error: what is worse by the whole margin must not be waved through."""
    rng = np.random.default_rng(8)
    passed = []
    for _ in range(150):
        # Of hits, four fifths of all searches, 26 in 1,000 are lost: 0.021 of the hit rate.
        found = difference(*hits(rng, 0.02, 0.026), level=LEVEL)
        verdict = judge("hits", found, 0.02, lower_is_better=False).verdict
        passed.append(verdict == PASSED)
    assert np.mean(passed) <= 0.08  # 5 % and what 150 trials may differ from it


# Losses of nothing, of the margin, and of what the data are said to show


@pytest.mark.slow
@pytest.mark.parametrize(("identities", "rate"), [(31, 0.65), (31, 0.95), (135, 0.65), (135, 0.95)])
def test_a_loss_of_the_margin_is_seldom_called_a_regression_and_a_detectable_one_nearly_always(
    identities: int, rate: float
) -> None:
    rng = np.random.default_rng([identities, round(100 * rate)])
    margin, runs = 0.02, 150
    declared = planned(identities, margin)
    assert declared is not None
    regressed, told = {}, []
    for loss in (0.0, margin, declared):
        verdicts = []
        for _ in range(runs):
            found = difference(*searches(rng, identities, rate, loss), level=LEVEL)
            trial = judge("hits", found, margin, lower_is_better=False)
            verdicts.append(trial.verdict == REGRESSED)
            if loss == declared:
                told.append(trial.detectable or 1.0)
        regressed[loss] = float(np.mean(verdicts))
    # 5 in 100, and what 150 runs may differ from it; likewise 90 in 100.
    assert regressed[0.0] <= 0.03, regressed
    assert regressed[margin] <= 0.08, regressed
    assert regressed[declared] >= 0.85, regressed
    # What the two runs at hand say agrees with what the data were said to show.
    assert np.mean(told) == pytest.approx(declared, rel=0.25), (np.mean(told), declared)


def searches(
    rng: np.random.Generator, identities: int, rate: float, loss: float
) -> tuple[Values, Values]:
    """One search of each identity: some come out differently, and some are truly lost."""
    first = rng.random(identities) < rate
    # As many are gained as lost, in expectation; the loss comes on top.
    swap = min(TURNOVER / 2, 1 - rate)
    gained = ~first & (rng.random(identities) < swap / (1 - rate))
    lost = first & (rng.random(identities) < (swap + loss) / rate)
    second = (first & ~lost) | gained
    whose = np.arange(identities)
    return Values(first.astype(np.float64), whose), Values(second.astype(np.float64), whose)
