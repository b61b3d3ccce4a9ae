"""A row is decided by its whole interval, and says what would settle it."""

from __future__ import annotations

import math

import pytest

from harness.runs.validation.criteria import Criterion
from harness.runs.validation.deciding import FAIL, FEWEST, PASS, UNSUPPORTED, decide
from harness.statistics.estimate import Estimate

DRAWN = "bootstrap of 100 identities"


def asked(**limits: object) -> Criterion:
    words = {name.replace("_", "-"): value for name, value in limits.items()}
    return Criterion.model_validate({"characteristic": "accuracy", "metric": "cllr", **words})


@pytest.mark.parametrize(
    ("limits", "interval", "verdict"),
    [
        ({"at_most": 0.5}, (0.3, 0.5), PASS),
        ({"at_most": 0.5}, (0.3, 0.51), UNSUPPORTED),
        ({"at_most": 0.5}, (0.5, 0.6), UNSUPPORTED),
        ({"at_most": 0.5}, (0.51, 0.6), FAIL),
        ({"at_least": 0.5}, (0.5, 0.6), PASS),
        ({"at_least": 0.5}, (0.3, 0.49), FAIL),
        ({"within": [0.2, 0.6]}, (0.2, 0.6), PASS),
        ({"within": [0.2, 0.6]}, (0.1, 0.3), UNSUPPORTED),
        ({"within": [0.2, 0.6]}, (0.1, 0.7), UNSUPPORTED),
        ({"within": [0.2, 0.6]}, (0.7, 0.8), FAIL),
        ({"within": [0.2, 0.6]}, (0.0, 0.1), FAIL),
    ],
)
def test_the_whole_interval_decides_and_its_ends_belong_to_it(
    limits: dict[str, object], interval: tuple[float, float], verdict: str
) -> None:
    low, high = interval
    found = decide(asked(**limits), Estimate((low + high) / 2, low, high, DRAWN), 100)
    assert found.verdict == verdict
    assert (found.settled_by is None) or verdict == UNSUPPORTED


@pytest.mark.parametrize(
    ("estimate", "identities", "said"),
    [
        (Estimate(None), 100, "nothing to measure it by"),
        (Estimate(None, flags=["no mates"]), 100, "it has no value: no mates"),
        (Estimate(0.1), 100, "no interval"),
        (Estimate(0.1, flags=["no interval: every draw gives the same value"]), 100, "every draw"),
        (Estimate(0.1, 0.1, 0.2, DRAWN), FEWEST - 1, "cannot be relied on"),
        (Estimate(0.1, 0.1, 0.2, DRAWN), 0, "is not known"),
        (Estimate(0.0, 0.0, 0.0, DRAWN), 100, "every draw"),
        (
            Estimate(0.1, 0.1, 0.2, DRAWN, flags=["not supported by this data: too few pairs"]),
            100,
            "too few pairs",
        ),
    ],
)
def test_what_no_interval_can_decide_says_why(
    estimate: Estimate, identities: int, said: str
) -> None:
    found = decide(asked(at_most=0.5), estimate, identities)
    assert found.verdict == UNSUPPORTED
    assert said in found.reason
    assert found.settled_by is None


def test_an_exact_interval_decides_with_few_identities() -> None:
    exact = Estimate(0.0, 0.0, 0.3, "Clopper-Pearson on 10 identities (all values equal)")
    assert decide(asked(at_most=0.5), exact, 10).verdict == PASS


def test_the_number_that_would_settle_it_shrinks_the_interval_until_it_is_on_one_side() -> None:
    found = decide(asked(at_most=0.5), Estimate(0.45, 0.35, 0.55, DRAWN), 100)
    # Half an interval of 1.96 standard errors is .1 at 100 identities, and (1.96 + .84) of them
    # have to fit into the .05 between value and limit.
    error = 0.1 / 1.959964
    assert found.settled_by == math.ceil(100 * ((1.959964 + 0.841621) * error / 0.05) ** 2)
    assert f"about {found.settled_by:,} identities" in found.reason
    nearer = decide(asked(at_most=0.5), Estimate(0.48, 0.38, 0.58, DRAWN), 100).settled_by
    assert nearer is not None
    assert nearer > found.settled_by
    just = decide(asked(at_most=0.5), Estimate(0.5, 0.4, 0.6, DRAWN), 100)
    assert just.settled_by is None


def test_an_interval_across_both_limits_needs_what_the_nearer_one_needs() -> None:
    both = decide(asked(within=[0.4, 0.52]), Estimate(0.5, 0.3, 0.7, DRAWN), 100)
    one = decide(asked(at_most=0.52), Estimate(0.5, 0.3, 0.7, DRAWN), 100)
    assert both.settled_by == one.settled_by
