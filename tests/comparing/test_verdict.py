"""Verdicts follow from bounds and margin, and advice on numbers of identities from both."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.comparing.differences import Difference
from harness.comparing.verdict import judge, settled_by, worst

SEEN = Difference(0.10, 0.12, 0.02, 0.01, 0.03, 0.9, "bootstrap", 600, 300, 20)


@pytest.mark.parametrize(
    ("change", "low", "high", "verdict"),
    [
        (0.030, 0.011, 0.049, "regressed"),  # surely worse by more than the margin
        (0.030, 0.010, 0.050, "inconclusive"),  # by the margin is still acceptable
        (0.020, 0.005, 0.035, "inconclusive"),  # surely worse, perhaps within the margin
        (0.010, 0.005, 0.015, "inconclusive"),
        (0.005, 0.001, 0.009, "passed"),  # surely worse, and surely within the margin
        (0.020, -0.001, 0.041, "inconclusive"),  # perhaps no loss at all
        (0.000, -0.020, 0.020, "inconclusive"),
        (0.000, -0.009, 0.009, "passed"),
        (-0.05, -0.060, -0.040, "passed"),
        (0.010, 0.010, 0.010, "passed"),  # just the margin is still acceptable
    ],
)
def test_a_verdict_follows_from_the_bounds_and_the_margin(
    change: float, low: float, high: float, verdict: str
) -> None:
    found = replace(SEEN, change=change, low=low, high=high)
    assert judge("fnmr", found, 0.01, lower_is_better=True).verdict == verdict
    turned = replace(SEEN, change=-change, low=-high, high=-low)
    assert judge("hits", turned, 0.01, lower_is_better=False).verdict == verdict


def test_without_bounds_nothing_is_decided() -> None:
    found = replace(SEEN, low=math.nan, high=math.nan)
    trial = judge("fnmr", found, 0.01, lower_is_better=True)
    assert (trial.verdict, trial.low, trial.high, trial.settled_by) == (
        "inconclusive",
        None,
        None,
        None,
    )


def test_a_margin_of_zero_passes_only_what_is_surely_no_worse() -> None:
    assert judge("x", SEEN, 0.0, lower_is_better=True).verdict == "regressed"
    better = replace(SEEN, change=-0.02, low=-0.03, high=-0.01)
    assert judge("x", better, 0.0, lower_is_better=True).verdict == "passed"
    open_one = replace(SEEN, change=-0.01, low=-0.03, high=0.01)
    assert judge("x", open_one, 0.0, lower_is_better=True).verdict == "inconclusive"


def test_the_number_that_settles_shrinks_with_the_gap_and_grows_with_the_noise() -> None:
    noisy = replace(SEEN, low=-0.01, high=0.05)
    near, far = settled_by(noisy, 0.015, 0.01), settled_by(noisy, 0.02, 0.01)
    assert near is not None
    assert far is not None
    assert near > far > noisy.identities
    wider = settled_by(replace(noisy, low=-0.02, high=0.06), 0.02, 0.01)
    assert wider is not None
    assert wider > far


def test_a_loss_at_the_margin_is_settled_by_no_number() -> None:
    assert settled_by(replace(SEEN, low=-0.01, high=0.03), 0.01, 0.01) is None


def test_without_any_change_the_rule_of_three_says_how_many_it_takes() -> None:
    same = replace(SEEN, change=0.0, low=-0.03, high=0.03, changed=0)
    few = replace(same, identities=100)
    assert settled_by(few, 0.0, 0.01) == 299  # 0.99 ** 299 < 5 %
    trial = judge("x", few, 0.01, lower_is_better=True)
    assert (trial.verdict, trial.settled_by) == ("inconclusive", 299)


def test_one_regression_is_not_made_good_by_what_passed() -> None:
    assert worst(["passed", "regressed", "inconclusive"]) == "regressed"
    assert worst(["passed", "inconclusive"]) == "inconclusive"
    assert worst(["passed", "passed"]) == "passed"


def test_what_leaves_something_out_decides_nothing_whatever_its_bounds_say() -> None:
    for low, high in ((0.02, 0.04), (-0.05, -0.03)):
        found = replace(SEEN, change=(low + high) / 2, low=low, high=high)
        trial = judge("x", found, 0.01, lower_is_better=True, unsure="one fit each")
        assert trial.verdict == "inconclusive"
        assert trial.reason.endswith("one fit each")
        assert (trial.low, trial.settled_by, trial.detectable) == (low, None, None)
