"""Errors of groups of people at one threshold: every figure again by a loop over comparisons."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from harness.data.records import Dataset
from harness.errors import UsageError
from harness.metrics.differentials import gini
from harness.statistics.differentials import within
from harness.tasks import identification
from harness.tasks.answers import Answer, Answered
from harness.tasks.differentials import (
    ALL,
    Differentials,
    GroupRow,
    differentials_of,
    median_ends,
)
from harness.tasks.groups import FEWEST, OTHERS, groups_of
from harness.tasks.pairs import NONE, Pairs
from tests.tasks.drawn import dataset, protocol

SKIN = ("dark", "light", "medium")
MISSED = {"dark": 0.5, "light": 0.1, "medium": 0.2}


def world(sizes: dict[str, int]) -> Dataset:
    """Three images of each identity, of which the group is known of the first alone."""
    plain = dataset([3] * sum(sizes.values()), photographs=1)
    groups = [name for name, number in sizes.items() for _ in range(number)]
    records = {
        name: replace(record, skin=groups[int(name[1:3])] or None)
        if name.endswith("00.png")
        else record
        for name, record in plain.records.items()
    }
    return replace(plain, records=records)


def judged(
    data: Dataset, failed: tuple[str, ...] = (), column: str = "skin", *, alike: bool = False
) -> tuple[Answered, Pairs, Differentials]:
    """Scores by which the dark are missed more often than others, and match more often."""
    asked = protocol("identification", ["hit-rate@rank=1"])
    folds = identification.TASK.lay_out(data, asked)
    rng = np.random.default_rng(3)
    tone = {name[:3]: record.skin for name, record in data.records.items() if record.skin}
    found = []
    for fold in folds:
        scores = rng.normal(size=(len(fold.probes), len(fold.gallery))).round(2)
        for i, probe in enumerate(fold.probes):
            for j, reference in enumerate(fold.gallery):
                skin = tone.get(probe[:3], "")
                if probe[:3] == reference[:3]:
                    chance = 0.3 if alike else MISSED.get(skin, 0.2)
                    scores[i, j] += 0 if rng.random() < chance else 6
                elif skin == tone.get(reference[:3]) == "dark" and not alike:
                    scores[i, j] += 0.8
        for i, name in enumerate(fold.probes):
            scores[i, :] = np.nan if name in failed else scores[i, :]
        for j, name in enumerate(fold.gallery):
            scores[:, j] = np.nan if name in failed else scores[:, j]
        found.append(Answer(scores, dict.fromkeys(failed, "blurred")))
    run = Answered(folds, found, data.records, asked)
    pairs = identification.TASK.pairs(run)
    assert pairs is not None
    return run, pairs, differentials_of(run, pairs, column)


def by_name(found: Differentials) -> dict[str, GroupRow]:
    return {row.group: row for row in found.rows}


def test_every_figure_of_a_group_is_that_of_a_loop_over_its_comparisons() -> None:
    data = world({"dark": 24, "light": 20, "medium": 16, "": 5})
    failed = ("t01/01.png", "t01/02.png", "t30/02.png")
    run, pairs, found = judged(data, failed)
    bar, rows = found.threshold, by_name(found)
    assert bar is not None
    tone = {name[:3]: record.skin for name, record in data.records.items() if record.skin}
    ((fold, answer),) = run.by_fold
    gallery = [float(one) for one in pairs.nonmated.scores]
    assert found.false_matches == sum(one > bar for one in gallery)
    assert (found.unknown, found.several, found.pooled) == (5, 0, [])
    assert [row.group for row in found.rows] == [*SKIN, ALL]
    whole: dict[str, list[float]] = {}
    for skin in (ALL, *SKIN):
        mated, nonmated = [], []
        for i, probe in enumerate(fold.probes):
            for j, reference in enumerate(fold.gallery):
                if skin != ALL and {tone.get(probe[:3]), tone.get(reference[:3])} != {skin}:
                    continue
                score = float(answer.scores[i, j])
                lost = np.isnan(score)
                if probe[:3] == reference[:3]:
                    mated.append(-np.inf if lost else score)
                elif not lost:
                    nonmated.append(score)
        row = rows[skin]
        assert (row.mated, row.false_nonmatches) == (len(mated), sum(s <= bar for s in mated))
        assert (row.nonmated, row.false_matches) == (len(nonmated), sum(s > bar for s in nonmated))
        assert row.fnmr == pytest.approx(sum(s <= bar for s in mated) / len(mated))
        if row.fmr is not None:
            assert row.fmr == pytest.approx(sum(s > bar for s in nonmated) / len(nonmated))
        met = [[s for s in part if np.isfinite(s)] for part in (mated, nonmated)]
        assert row.median_mated == pytest.approx(median(met[0]))
        assert row.median_nonmated == pytest.approx(median(met[1]))
        names = {*fold.probes, *fold.gallery}
        own = {n for n in names if skin in (ALL, tone.get(n[:3]))}
        assert (row.templates, row.failures) == (len(own), len(own & set(failed)))
        assert row.fte == pytest.approx(len(own & set(failed)) / len(own))
        if skin == ALL:
            whole = {"mated": met[0], "nonmated": met[1]}
        else:
            assert row.shift_mated == pytest.approx(median(met[0]) - median(whole["mated"]))
            assert row.shift_nonmated == pytest.approx(median(met[1]) - median(whole["nonmated"]))
        for low, value, high in (
            (row.fnmr_low, row.fnmr, row.fnmr_high),
            (row.fte_low, row.fte, row.fte_high),
        ):
            assert low is not None
            assert high is not None
            assert low <= value <= high  # type: ignore[operator]


def test_groups_that_are_treated_differently_lie_apart_and_such_that_are_not_do_not() -> None:
    data = world({"dark": 30, "light": 30, "medium": 30})
    _, _, found = judged(data)
    spreads = {one.measure: one for one in found.spreads}
    missed = spreads["fnmr"]
    assert (missed.lowest, missed.highest) == ("light", "dark")
    assert missed.gini_p is not None
    assert missed.gini_p < 0.01
    assert missed.gini_low is not None
    assert missed.gini_low > 0
    rows = by_name(found)
    rates = np.array([rows[name].fnmr for name in SKIN], np.float64)
    assert missed.gini == pytest.approx(float(gini(rates)))
    assert spreads["fmr"].highest == "dark"
    assert spreads["fmr"].gini_p is not None
    assert spreads["fmr"].gini_p < 0.05
    assert spreads["fte"].reason == "no image failed"
    _, _, alike = judged(data, alike=True)
    for one in alike.spreads:
        assert one.reason or (one.gini_p is not None and one.gini_p >= 0.05)
        assert one.reason or one.gini_low == 0.0


def test_small_groups_are_taken_together_and_are_not_compared() -> None:
    sizes = {"dark": 20, "light": 20, "rare": 6, "odd": 5, "single": 1}
    found = judged(world(sizes))[2]
    assert found.pooled == ["odd", "rare", "single"]
    rows = by_name(found)
    assert list(rows) == ["dark", "light", OTHERS, ALL]
    assert rows[OTHERS].identities == 12
    assert rows[OTHERS].fnmr is not None
    assert {one.groups for one in found.spreads} <= {0, 2}


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"": 20}, "nothing is known of any identity's skin tone"),
        ({"dark": 9, "light": 9}, "no skin tone has 10 identities"),
        ({"dark": 20, "light": 9}, "only 'dark' has 10 identities or more"),
    ],
)
def test_without_two_groups_nothing_is_compared_and_it_is_said_why(
    sizes: dict[str, int], said: str
) -> None:
    found = judged(world(sizes))[2]
    assert said in found.reason
    assert found.spreads == []


def test_an_identity_whose_images_say_different_things_is_in_no_group() -> None:
    data = world({"dark": 12, "light": 12})
    records = dict(data.records)
    for name in ("t00/01.png", "t01/02.png"):
        records[name] = replace(records[name], skin="light")
    found = judged(replace(data, records=records))[2]
    assert (found.several, by_name(found)["dark"].identities) == (2, 10)
    everywhere = {name: replace(one, skin=name[-6:]) for name, one in records.items()}
    found = judged(replace(data, records=everywhere))[2]
    assert "mates differ in skin tone, as look-alikes do" in found.reason


def test_a_group_with_few_errors_to_be_expected_has_no_rate_and_its_remark_says_why() -> None:
    found = judged(world({"dark": 30, "light": 10, "medium": 10}))[2]
    row = by_name(found)["light"]
    assert row.fmr is None
    assert row.false_matches is not None
    assert "FMR: " in row.remark
    assert "errors are expected" in row.remark


def test_where_scores_were_not_kept_failures_and_mated_scores_are_left() -> None:
    run, pairs, _ = judged(world({"dark": 12, "light": 12}), ("t01/01.png", "t02/02.png"))
    found = differentials_of(run, replace(pairs, nonmated=NONE, kept=False), "skin")
    assert (found.threshold, found.fmr) == (None, None)
    row = by_name(found)["dark"]
    assert (row.fnmr, row.fmr, row.false_matches) == (None, None, None)
    assert row.failures == 2
    assert row.median_mated is not None
    assert "summed up, not kept" in row.remark
    assert all("summed up, not kept" in one.reason for one in found.spreads[:2])


def test_no_groups_by_a_column_that_is_none() -> None:
    data = world({"dark": 12})
    with pytest.raises(UsageError, match="no groups by 'skim'. Did you mean 'skin'"):
        judged(data, column="skim")


def test_names_of_which_nothing_is_known_are_in_no_group() -> None:
    found = groups_of("skin", ["a", "b"], np.array([0, 1]), {"a": "x"})
    assert (found.alone, found.unknown, found.pooled) == (0, 1, ("x",))
    assert groups_of("skin", [], np.array([], np.int64), {}).names == ()


def test_more_groups_than_can_be_read_are_taken_together_from_the_smallest() -> None:
    labels = {f"{k}-{i}": f"g{k:02d}" for k in range(30) for i in range(FEWEST + k)}
    found = groups_of("skin", list(labels), np.arange(len(labels)), labels)
    assert found.names == (*(f"g{k:02d}" for k in range(6, 30)), OTHERS)
    assert found.pooled == tuple(f"g{k:02d}" for k in range(6))


def test_the_interval_of_a_median_covers_it() -> None:
    """Of identities that differ as much as their comparisons do; 94 in 100 with 400 worlds."""
    rng = np.random.default_rng(8)
    held = []
    for seed in range(60):
        whose = np.repeat(np.arange(25), 4)
        scores = rng.normal(size=25)[whose] + rng.normal(size=100)
        low, high = median_ends(scores, whose, whose, 25, seed)
        held.append(low <= 0 <= high)
    assert np.mean(held) >= 0.85


def test_the_median_of_equal_scores_has_no_width_and_that_of_one_identity_no_ends() -> None:
    whose = np.repeat(np.arange(12), 2)
    assert median_ends(np.full(24, 3.0), whose, whose, 12) == (3.0, 3.0)
    low, high = median_ends(np.array([1.0, 2.0]), np.zeros(2, int), np.zeros(2, int), 1)
    assert np.isnan([low, high]).all()
    assert within(np.zeros(0, bool), np.zeros(0, int), 3).of(np.ones((1, 3)))[1][0] == 0
