"""Mated comparisons by the time between their captures: bins, medians and slopes again by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from harness.data.dates import years_between
from harness.data.records import Record
from harness.tasks.ageing import Ageing, ageing_of
from harness.tasks.pairs import NONE, Comparisons, Pairs

FIRST = date(2001, 1, 1)


def world(
    identities: int = 40, fading: float = 0.3, seed: int = 5
) -> tuple[Pairs, dict[str, Record]]:
    """Three captures of each identity; the first is compared with the others."""
    rng = np.random.default_rng(seed)
    records, names, owner = {}, [], []
    for k in range(identities):
        for take in range(3):
            name = f"t{k}-{take}"
            day = FIRST + timedelta(days=int(rng.integers(0, 400)) + int(take * rng.integers(3000)))
            path, day_of = Path(name), day.isoformat()
            records[name] = Record(name, path, tattoo=f"t{k}", source=name, taken=day_of)
            names.append(name)
            owner.append(k)
    probes = np.repeat(np.arange(identities) * 3, 2)
    references = probes + np.tile([1, 2], identities)
    years = [
        years_between(str(records[names[a]].taken), str(records[names[b]].taken))
        for a, b in zip(probes, references, strict=True)
    ]
    scores = rng.normal(4.0, 1.0, len(probes)) - fading * np.array(years)
    nonmated = Comparisons(
        rng.normal(size=3000), rng.integers(0, len(names), 3000), rng.integers(0, len(names), 3000)
    )
    mated = Comparisons(scores, probes, references)
    return Pairs(tuple(names), np.array(owner), mated, nonmated), records


def spans(pairs: Pairs, records: dict[str, Record]) -> list[float]:
    return [
        years_between(str(records[pairs.names[a]].taken), str(records[pairs.names[b]].taken))
        for a, b in zip(pairs.mated.probes, pairs.mated.references, strict=True)
    ]


def test_every_bin_is_that_of_a_loop_over_comparisons() -> None:
    pairs, records = world()
    found = ageing_of(pairs, records)
    years = spans(pairs, records)
    threshold = pairs.threshold()
    assert threshold is not None
    assert len(found.bins) == 4
    assert sum(one.comparisons for one in found.bins) == len(years) == found.comparisons
    for one in found.bins:
        inside = [k for k, span in enumerate(years) if one.low <= span <= one.high]
        scores = [float(pairs.mated.scores[k]) for k in inside]
        missed = sum(score <= threshold.bar for score in scores)
        assert (one.comparisons, one.false_nonmatches) == (len(inside), missed)
        assert one.fnmr == pytest.approx(missed / len(inside))
        assert one.median == pytest.approx(median(scores))
        assert one.identities == len({int(pairs.mated.probes[k]) for k in inside}) >= 10
    sizes = [one.comparisons for one in found.bins]
    assert max(sizes) - min(sizes) <= 2


def test_the_slope_is_that_of_least_squares_and_its_interval_holds_the_fading() -> None:
    pairs, records = world()
    found = ageing_of(pairs, records)
    years = np.array(spans(pairs, records))
    missed, score = found.slopes
    assert score.per_year == pytest.approx(np.polyfit(years, pairs.mated.scores, 1)[0])
    assert score.low is not None
    assert score.high is not None
    assert score.low <= -0.3 <= score.high < 0
    threshold = pairs.threshold()
    assert threshold is not None
    wrong = pairs.mated.scores <= threshold.bar
    assert missed.per_year == pytest.approx(np.polyfit(years, wrong, 1)[0])


def test_where_nothing_fades_the_interval_holds_nothing() -> None:
    held = []
    for seed in range(20):
        score = ageing_of(*world(fading=0.0, seed=seed)).slopes[1]
        assert score.low is not None
        assert score.high is not None
        held.append(score.low <= 0 <= score.high)
    assert np.mean(held) >= 0.8


def test_what_is_no_ageing_is_left_out_and_counted() -> None:
    pairs, records = world()
    records["t0-1"] = replace(records["t0-1"], taken=None)
    records["t1-1"] = replace(records["t1-1"], source=records["t1-0"].source)
    records["t2-1"] = replace(records["t2-1"], tattoo="another of the kind")
    records["t3-1"] = replace(records["t3-1"], taken="2005")
    records["t4-1"] = replace(records["t4-1"], taken="no date at all")
    del records["t5-2"]
    found = ageing_of(pairs, records)
    assert (found.undated, found.same_photograph, found.other_tattoo) == (3, 1, 1)
    assert found.comparisons == 80 - 5
    assert found.coarse == 1


def test_a_refused_image_is_a_miss_and_has_no_score() -> None:
    pairs, records = world()
    scores = pairs.mated.scores.copy()
    scores[:6] = -np.inf
    lost = replace(pairs, mated=pairs.mated._replace(scores=scores))
    found, before = ageing_of(lost, records), ageing_of(pairs, records)
    total = [sum(one.false_nonmatches or 0 for one in part.bins) for part in (found, before)]
    assert total[0] >= total[1]
    years = np.array(spans(pairs, records))[6:]
    assert found.slopes[1].per_year == pytest.approx(np.polyfit(years, scores[6:], 1)[0])


def reason_of(pairs: Pairs, records: dict[str, Record]) -> str:
    found = ageing_of(pairs, records)
    assert (found.bins, found.slopes) == ([], [])
    return found.reason


def test_fewer_than_two_spans_of_time_are_not_told_apart_and_it_is_said_why() -> None:
    pairs, records = world()
    undated = {name: replace(one, taken=None) for name, one in records.items()}
    assert "no mated comparison has the dates of both captures" in reason_of(pairs, undated)
    alike = {name: replace(one, tattoo=name) for name, one in records.items()}
    assert "mates are look-alikes" in reason_of(pairs, alike)
    same = {name: replace(one, taken="2020-05-01") for name, one in records.items()}
    assert "the same in all comparisons" in reason_of(pairs, same)
    few, dated = world(identities=9)
    assert "fewer than two spans of time have 10 identities each" in reason_of(few, dated)
    nobody = replace(pairs, mated=NONE)
    assert reason_of(nobody, records)


def test_equal_times_stay_together_in_one_bin() -> None:
    pairs, records = world()
    for k in range(40):
        for take, year in enumerate((2000, 2001, 2001 + 5 * (k % 2))):
            name = f"t{k}-{take}"
            records[name] = replace(records[name], taken=f"{year}-06-01")
    found = ageing_of(pairs, records)
    assert [(round(one.low), round(one.high)) for one in found.bins] == [(1, 1), (6, 6)]
    assert [one.comparisons for one in found.bins] == [60, 20]


def test_where_scores_were_not_kept_medians_and_the_slope_of_scores_are_left() -> None:
    pairs, records = world()
    found: Ageing = ageing_of(replace(pairs, nonmated=NONE, kept=False), records)
    assert [one.fnmr for one in found.bins] == [None] * 4
    assert all(one.median is not None for one in found.bins)
    missed, score = found.slopes
    assert "not kept" in missed.reason
    assert score.per_year is not None


def test_without_errors_there_is_no_slope_of_them() -> None:
    pairs, records = world()
    sure = replace(pairs, mated=pairs.mated._replace(scores=pairs.mated.scores + 100))
    found = ageing_of(sure, records)
    assert found.slopes[0].per_year is None
    assert "on one side of the threshold" in found.slopes[0].reason
