"""Error rates of draws: the quick way gives what looking at every comparison gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.comparing.rates import DrawnRate
from harness.metrics import verification
from harness.statistics import error_rates
from harness.tasks.trials import Scores
from tests.comparing.made_scores import comparisons

CASES = [
    ("eer", np.nan),
    ("eer-convex-hull", np.nan),
    ("fnmr", 0.0),
    ("fnmr", 0.01),
    ("fnmr", 0.3),
    ("fnmr", 1.0),
    ("tpdr", 0.05),
    ("auc", np.nan),
    ("d-prime", np.nan),
]


def repeated(scores: Scores, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write every comparison down as often as a draw counts it."""
    within = scores.nonmated_probes == scores.nonmated_references
    other = np.where(within, 1, drawn[scores.nonmated_references])
    return (
        np.repeat(scores.mated, drawn[scores.mated_identities]),
        np.repeat(scores.nonmated, drawn[scores.nonmated_probes] * other),
    )


def measured(scores: Scores, mated: np.ndarray, nonmated: np.ndarray) -> float:
    if scores.measure == "tpdr":
        return 1 - verification.fnmr_at_fmr(mated, nonmated, scores.rate)
    if scores.measure == "fnmr":
        return verification.fnmr_at_fmr(mated, nonmated, scores.rate)
    measure = getattr(verification, scores.measure.replace("-", "_"))
    return float(measure(mated, nonmated))


@pytest.mark.parametrize(("measure", "rate"), CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_a_draw_gives_the_metric_of_the_comparisons_it_repeats(
    measure: str, rate: float, ties: bool
) -> None:
    scores = replace(comparisons(40, 1, probes=2, ties=ties), measure=measure, rate=rate)
    draws = np.random.default_rng(3).multinomial(40, np.full(40, 1 / 40), size=25)
    found = DrawnRate(scores, np.arange(40)).drawn(draws)
    wanted = [measured(scores, *repeated(scores, drawn)) for drawn in draws]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize(("measure", "rate"), [("eer", np.nan), ("fnmr", 0.02)])
def test_a_draw_far_from_all_identities_is_measured_as_exactly(measure: str, rate: float) -> None:
    scores = replace(comparisons(30, 1, probes=2), measure=measure, rate=rate)
    # One identity counts for nearly all: its comparisons lie anywhere among the scores.
    draws = np.ones((30, 30), dtype=np.int64) + 40 * np.eye(30, dtype=np.int64)
    found = DrawnRate(scores, np.arange(30)).drawn(draws)
    wanted = [measured(scores, *repeated(scores, drawn)) for drawn in draws]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_failures_and_comparisons_within_an_identity_count_as_everywhere() -> None:
    whole = comparisons(20, 5, probes=2)
    mated = whole.mated.copy()
    mated[:6] = -np.inf
    detection = replace(whole, mated=mated, nonmated_references=whole.nonmated_probes)
    for measure, rate in (("eer", np.nan), ("fnmr", 0.1)):
        scores = replace(detection, measure=measure, rate=rate)
        draws = np.random.default_rng(3).multinomial(20, np.full(20, 1 / 20), size=25)
        found = DrawnRate(scores, np.arange(20)).drawn(draws)
        wanted = [measured(scores, *repeated(scores, drawn)) for drawn in draws]
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_draw_without_a_mated_comparison_has_no_value() -> None:
    scores = replace(comparisons(3, 1), mated=np.array([1.0]), mated_identities=np.array([0]))
    assert np.isnan(DrawnRate(scores, np.arange(3)).drawn(np.array([[0, 2, 1]]))).all()


@pytest.mark.parametrize(("measure", "rate"), [c for c in CASES if c != ("fnmr", 1.0)])
def test_many_comparisons_are_drawn_by_counts_as_in_a_single_run(
    measure: str, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = replace(comparisons(120, 1, probes=2), measure=measure, rate=rate)
    draws = np.random.default_rng(3).multinomial(120, np.full(120, 1 / 120), size=60)
    exact = DrawnRate(scores, np.arange(120))
    monkeypatch.setattr(error_rates, "ONE_BY_ONE", 0)
    counted = DrawnRate(scores, np.arange(120))
    assert counted.value == exact.value
    assert counted.misses.tolist() == exact.misses.tolist()
    assert counted.owners.tolist() == exact.owners.tolist()
    assert counted.comparisons == exact.comparisons
    found, wanted = counted.drawn(draws), exact.drawn(draws)
    assert np.corrcoef(found, wanted)[0, 1] > 0.95
    assert found.std() == pytest.approx(wanted.std(), rel=0.1)
