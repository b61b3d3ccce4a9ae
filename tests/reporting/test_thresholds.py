"""Thresholds that a report tells attain the rates beside them, also where scores tie."""

from __future__ import annotations

import numpy as np
import pytest

from harness.comparing.baselines import run_of
from harness.metrics.verification import fnmr_at_fmr
from harness.plugins.places import bundled
from harness.record.kept_run import kept_run
from harness.record.record import read_run
from harness.reporting.operating import Operating, operating_of
from harness.reporting.tables import Table
from harness.reporting.thresholds import (
    RATES,
    missing,
    read_at,
    reading,
    readings,
    shortest_between,
    threshold_table,
)
from harness.statistics.estimate import Estimate
from harness.tasks.kinds import KINDS, task_of
from harness.tasks.open_set import OpenSet
from harness.tasks.results import Metrics
from harness.tasks.trade_off import COMPARISONS, TradeOff
from tests.reporting.test_operating import SETS, Scores


def table_of(mated: Scores, nonmated: Scores, names: TradeOff = COMPARISONS) -> Table:
    found = threshold_table(readings(Operating.of(mated, nonmated), None, RATES), names)
    assert found is not None
    return found


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("\u202f", "").replace("%", ""))


@pytest.mark.parametrize("kind", SETS)
def test_a_threshold_read_from_the_page_attains_the_rates_beside_it(kind: str) -> None:
    mated, nonmated = SETS[kind]
    table = table_of(mated, nonmated)
    assert len(table.rows) == len(RATES)
    for rate, (_, threshold, attained, missed) in zip(RATES, table.rows, strict=True):
        if threshold.startswith("none"):
            assert np.isinf(nonmated).sum() > rate * len(nonmated)
            continue
        at = number(threshold)
        false = int((nonmated >= at).sum())
        assert false / len(nonmated) <= rate
        assert attained.split("(")[1].startswith(f"{false:,}")
        assert ("fewer than 30" in attained) == (false < 30)
        fnmr = float((mated < at).mean())
        assert fnmr == pytest.approx(fnmr_at_fmr(mated, nonmated, rate), abs=1e-12)
        assert missed.split("(")[1] == f"{int((mated < at).sum()):,})"


def test_where_too_many_searches_failed_no_threshold_is_told() -> None:
    nonmated = np.append(np.zeros(50), [np.inf] * 50)
    table = table_of(np.ones(20), nonmated, OpenSet.trade_off)
    assert all(row[1].startswith("none") for row in table.rows)
    assert table.columns[0] == "FPIR allowed"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.1, 0.30000000000000004, "0.3"), (-1.0, 0.0, "0"), (0.0, 1e-9, "1e−09"), (7.2, 9.9, "9")],
)
def test_a_threshold_is_written_as_shortly_as_it_decides(
    low: float, high: float, text: str
) -> None:
    assert shortest_between(low, high) == text


@pytest.mark.parametrize("name", ["similarity-colours", "detection-hog-svm"])
def test_the_scores_of_a_run_folder_give_the_rates_that_the_run_reports(name: str) -> None:
    folder = run_of(name, bundled("fixtures") / "golden")
    run = read_run(folder)
    outcome = run.judge()
    scores = operating_of(kept_run(folder, outcome.metrics), outcome.metrics, outcome.curves)
    assert scores is not None
    told = {"fnmr@fmr=0.1": 0, "fnmr@fmr=0.01": 1, "tpdr@fpdr=0.1": 0, "tpdr@fpdr=0.01": 1}
    table = threshold_table(readings(scores, run, RATES), task_of(run.protocol).trade_off)
    assert table is not None
    compared = 0
    for metric, estimate in outcome.metrics.pooled.items():
        if metric in told and estimate.value is not None:
            missed = number(table.rows[told[metric]][3].split("(")[0]) / 100
            own = estimate.value if metric.startswith("fnmr") else 1 - estimate.value
            assert missed == pytest.approx(own, abs=0.0006)
            compared += 1
    assert compared == 2


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("allowed", [1.0, 0.5, 0.1, 0.013, 0.001, 0.0])
def test_a_reading_counts_what_its_threshold_lets_through_and_none_lower_would_do(
    kind: str, allowed: float
) -> None:
    mated, nonmated = SETS[kind]
    found = reading(Operating.of(mated, nonmated), allowed)
    if not found.threshold:
        assert (nonmated == np.inf).mean() > allowed
        return
    at = number(found.threshold)
    assert (found.false, found.missed) == ((nonmated >= at).sum(), (mated < at).sum())
    assert found.attained[0] <= allowed
    lower = nonmated[nonmated < at]
    if len(lower):
        assert (nonmated >= lower.max()).mean() > allowed


def test_where_scores_tie_less_is_attained_than_is_allowed() -> None:
    found = reading(Operating.of(np.array([0.2, 0.9]), np.full(10, 0.5)), 0.3)
    assert (found.attained, found.false) == ((0.0, 0.5), 0)


def test_the_errors_of_a_run_stand_with_their_intervals_at_the_rates_that_it_asked_for() -> None:
    pooled = {
        "fnmr@fmr=0.05": Estimate(0.4, 0.3, 0.5),
        "tpdr@fpdr=0.1": Estimate(0.75, 0.7, 0.9),
        "fnir@fpir=0.1,rank=1": Estimate(0.6, 0.5, 0.7),
        "fnir@fpir=0.1,rank=5": Estimate(0.2, 0.1, 0.3),
        "eer": Estimate(0.3),
    }
    metrics = Metrics("x", "eer", {}, pooled, [])
    fmr, fpdr, fpir = (
        read_at(metrics, KINDS[kind].trade_off)
        for kind in ("verification", "detection", "open-set")
    )
    assert [list(one) for one in (fmr, fpdr, fpir)] == [[0.05], [0.1], [0.1]]
    assert fpdr[0.1].value == 0.25
    assert fpdr[0.1].high == pytest.approx(0.3)
    assert fpir[0.1].value == 0.6
    read = readings(Operating.of(np.ones(5), np.zeros(40)), None, {*RATES, *fmr})
    table = threshold_table(read, COMPARISONS, fmr)
    assert table is not None
    assert [row[0].split("\u202f")[0] for row in table.rows] == ["10.0", "5.0", "1.0", "0.1"]
    assert [row[-1] for row in table.rows] == ["none", "30.0–50.0\u202f%", "none", "none"]


def test_without_scores_the_rates_of_the_run_stand_alone_and_without_either_nothing_does() -> None:
    table = threshold_table({}, COMPARISONS, {0.1: Estimate(0.4)})
    assert table is not None
    assert table.rows == (("10.0\u202f%", "not kept", "no value", "40.0\u202f%"),)
    assert threshold_table({}, COMPARISONS) is None


def test_what_is_missing_of_no_value_has_no_value() -> None:
    found = missing(Estimate(None, flags=["no data"]))
    assert (found.value, found.low, found.high, found.flags) == (None, None, None, ["no data"])
