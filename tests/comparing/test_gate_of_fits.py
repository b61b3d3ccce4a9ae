"""Gates between algorithms that learn: simulated false alarms and power, by number of fits.

The parts of the variance are those of ten seeds of a shipped algorithm: 135 identities, standard
deviations of the value of one fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from harness.comparing.detecting import planned
from harness.comparing.differences import Difference, difference, difference_of_fits
from harness.comparing.verdict import LEVEL, PASSED, REGRESSED, judge
from harness.tasks.trials import Trials, Values
from tests.comparing.made_scores import comparisons

IDENTITIES, MARGIN = 135, 0.02
OF_IDENTITIES, INTERACTION, OF_FITS = 0.022, 0.030, 0.021
WHOSE = np.arange(IDENTITIES)


def fits(rng: np.random.Generator, number: int, people: np.ndarray, loss: float) -> list[Values]:
    """Fits of one algorithm on the same people, worse by a loss."""
    root = math.sqrt(IDENTITIES)
    return [
        Values(
            0.7
            - loss
            + people
            + rng.normal(0, OF_FITS)
            + rng.normal(0, INTERACTION * root, IDENTITIES),
            WHOSE,
        )
        for _ in range(number)
    ]


def pair(rng: np.random.Generator, number: int, loss: float) -> tuple[list[Values], list[Values]]:
    people = rng.normal(0, OF_IDENTITIES * math.sqrt(IDENTITIES), IDENTITIES)
    return fits(rng, number, people, 0.0), fits(rng, number, people, loss)


def verdict(found: Difference) -> str:
    return judge("hits", found, MARGIN, lower_is_better=False).verdict


def averaged(side: Sequence[Values]) -> Values:
    return Values(np.mean([one.values for one in side], axis=0), WHOSE)


def shares(
    number: int, loss: float, runs: int, *, paired: bool = False, alone: bool = False
) -> dict[str, float]:
    """How often it is said: by the gate, and with the earlier rule of a lower bound above 0."""
    rng = np.random.default_rng([number, round(1000 * loss)])
    said: dict[str, list[bool]] = {"regressed": [], "passed": [], "earlier": [], "identities": []}
    for _ in range(runs):
        sides = pair(rng, number, loss)
        found = difference_of_fits(*sides, paired=paired, level=LEVEL)
        said["regressed"].append(verdict(found) == REGRESSED)
        said["passed"].append(verdict(found) == PASSED)
        said["earlier"].append(found.high < 0 and -found.change > MARGIN)
        if alone:
            only = difference(*map(averaged, sides), level=LEVEL)
            said["identities"].append(only.high < 0 and -only.change > MARGIN)
    return {name: float(np.mean(values)) for name, values in said.items() if values}


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 5, 10])
def test_two_sets_of_seeds_of_one_algorithm_are_seldom_told_apart(number: int) -> None:
    found = shares(number, 0.0, 150, alone=True)
    assert found["regressed"] <= 0.06, found
    # Identities alone cry wolf; identities and fits do not, even by the rule of a bound above 0.
    assert found["earlier"] <= 0.06 + 0.02, found
    assert found["identities"] >= found["earlier"], found


@pytest.mark.slow
def test_a_loss_of_the_margin_is_seldom_called_a_regression() -> None:
    assert shares(5, MARGIN, 150)["regressed"] <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
def test_five_fits_show_the_loss_that_the_protocol_declares(paired: bool) -> None:
    declared = planned(IDENTITIES, MARGIN)
    assert declared is not None
    found = shares(5, declared, 100, paired=paired)
    assert found["regressed"] >= 0.90, found
    assert found["passed"] == 0.0


@pytest.mark.slow
def test_more_fits_show_more() -> None:
    """At a loss of .08, by the rule of a bound above 0: .72, .94 and 1 were expected."""
    power = [shares(number, 0.08, 100)["earlier"] for number in (3, 5, 10)]
    assert power == sorted(power)
    assert power[0] >= 0.60, power
    assert power[1] >= 0.85, power
    assert power[2] >= 0.97, power


def test_a_pair_of_single_fits_has_bounds_of_identities_alone() -> None:
    one, other = pair(np.random.default_rng(1), 1, 0.0)
    assert difference_of_fits(one, other) == difference(one[0], other[0])


def test_several_fits_against_one_have_no_bounds() -> None:
    one, other = pair(np.random.default_rng(1), 3, 0.0)
    found = difference_of_fits(one, other[:1])
    assert math.isnan(found.low)
    assert found.change == pytest.approx(other[0].values.mean() - averaged(one).values.mean())


def test_what_a_seed_does_to_both_sides_cancels_in_pairs() -> None:
    rng = np.random.default_rng(2)
    first = [
        Values(one.values + shift, WHOSE)
        for one, shift in zip(
            fits(rng, 4, np.zeros(IDENTITIES), 0.0), (-0.1, 0.0, 0.05, 0.2), strict=True
        )
    ]
    shared = [Values(one.values - rng.normal(0.05, 0.02, IDENTITIES), WHOSE) for one in first]
    found = {
        paired: difference_of_fits(first, shared, paired=paired, level=LEVEL)
        for paired in (False, True)
    }
    assert found[True].change == pytest.approx(found[False].change)
    assert found[True].high - found[True].low < found[False].high - found[False].low
    with pytest.raises(ValueError, match="as many fits"):
        difference_of_fits(first, shared[:2], paired=True)


@pytest.mark.parametrize(("measure", "rate"), [("eer", math.nan), ("fnmr", 0.1)])
def test_error_rates_of_fits_are_compared_by_their_means(measure: str, rate: float) -> None:
    def made(seeds: range, mean: float) -> list[Trials]:
        return [
            replace(comparisons(40, seed, references=20, mean=mean), measure=measure, rate=rate)
            for seed in seeds
        ]

    before, after = made(range(3), 2.5), made(range(3, 6), 1.0)
    found = difference_of_fits(before, after, level=LEVEL)
    values = [[difference(one, one).first for one in side] for side in (before, after)]
    assert found.first == pytest.approx(np.mean(values[0]))
    assert found.change == pytest.approx(np.mean(values[1]) - np.mean(values[0]))
    assert 0 < found.low < found.change < found.high
    assert found.method == "paired bootstrap of 40 identities, widened by 3 and 3 fits"
    same = difference_of_fits(before, before, level=LEVEL)
    assert same.change == 0
    assert same.low < 0 < same.high
