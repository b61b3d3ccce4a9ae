"""Look-alikes apart from other non-mates, against taking them out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.records import Fold, Record
from harness.tasks import closed_set, identification, open_set
from harness.tasks.answers import Answer, Answered
from harness.tasks.growth import growth_of
from harness.tasks.pairs import Pairs
from harness.tasks.same_design import SameDesign, kinds_of, same_design
from harness.tasks.task import OperatingPoint, Task
from tests.tasks.drawn import answers, dataset, protocol

STYLES = ("tribal", "tribal", "japanese", "", "fineline")


def world(kind: str = "identification") -> tuple[Task[Any, Any], Answered, Pairs]:
    """Searches among tattoos of a few styles; of some the style is not known."""
    tasks: dict[str, Task[Any, Any]] = {
        "identification": identification.TASK,
        "closed-set": closed_set.TASK,
        "open-set": open_set.TASK,
    }
    metric = "open-set-eer@rank=1" if kind == "open-set" else "hit-rate@rank=1"
    asked = protocol(kind, [metric], folds={"draws": 3} if "set" in kind else {})
    data = dataset([3, 2, 4, 3, 2, 3, 2, 4, 3, 2, 2, 3])
    records = {
        name: replace(record, style=STYLES[int(name[1:3]) % 5] or None)
        for name, record in data.records.items()
    }
    data = replace(data, records=records)
    folds = tasks[kind].lay_out(data, asked)
    refused = (folds[0].probes[1],)
    run = Answered(folds, answers(folds, 8, refused), records, asked)
    pairs = tasks[kind].pairs(run)
    assert pairs is not None
    return tasks[kind], run, pairs


def found_in(kind: str, rank: int = 1) -> tuple[Answered, SameDesign]:
    task, run, pairs = world(kind)
    threshold = pairs.threshold()
    assert threshold is not None
    found = same_design("style", pairs, threshold, run.records, task.parts(run), rank)
    assert found is not None
    return run, found


def test_false_match_rates_are_those_of_comparisons_counted_one_by_one() -> None:
    _, run, pairs = world()
    threshold = pairs.threshold()
    assert threshold is not None
    _, found = found_in("identification")
    counts = {"same": [0, 0], "other": [0, 0], "unknown": [0, 0]}
    for score, probe, reference in zip(*pairs.nonmated, strict=True):
        styles = [run.records[pairs.names[one]].style for one in (probe, reference)]
        kind = "unknown" if None in styles else "same" if styles[0] == styles[1] else "other"
        counts[kind][0] += 1
        counts[kind][1] += score > threshold.bar
    for name, own in (("same", found.same), ("other", found.other)):
        assert own.comparisons == own.fmr.n == counts[name][0] > 0
        assert own.fmr.value == counts[name][1] / counts[name][0]
        assert own.fmr.low is not None
        assert own.fmr.high is not None
        assert own.fmr.low <= own.fmr.value <= own.fmr.high
    assert found.unknown == counts["unknown"][0] > 0


@pytest.mark.parametrize("rank", [1, 3])
def test_without_look_alikes_is_what_leaving_them_out_of_the_gallery_gives(rank: int) -> None:
    task, run, _ = world()
    _, found = found_in("identification", rank)
    assert found.without is not None
    ((fold, answer),) = run.by_fold
    style = {name: record.style for name, record in run.records.items()}
    chosen = [i for i, probe in enumerate(fold.probes) if style[probe]]
    probes = tuple(fold.probes[i] for i in chosen)
    mates = frozenset(pair for pair in fold.mates if pair[0] in probes)
    alike = frozenset(
        (probe, reference)
        for probe in probes
        for reference in fold.gallery
        if style[probe] == style[reference] and (probe, reference) not in mates
    )
    own = Answer(answer.scores[chosen], answer.failures)
    for excluded, estimate in ((frozenset(), found.without.whole), (alike, found.without.without)):
        left = replace(fold, probes=probes, mates=mates, excluded=excluded)
        (part,) = task.parts(Answered([left], [own], run.records, run.protocol))
        assert estimate.value == pytest.approx(np.mean(part.ranks <= rank))
        assert estimate.n == len(probes)
    assert found.without.taken_out == pytest.approx(len(alike) / len(probes))


def test_as_many_others_is_the_growth_curve_where_all_lose_equally_many() -> None:
    names = [f"{style}{k}" for style in "abc" for k in range(4)]
    records: dict[str, Record] = {}
    for name in names:
        for side in "pr":
            record = Record(f"{name}{side}", Path("gone"), tattoo=name, style=name[0])
            records[record.name] = record
    probes, gallery = tuple(f"{n}p" for n in names), tuple(f"{n}r" for n in names)
    fold = Fold("1", (), probes, gallery, frozenset(zip(probes, gallery, strict=True)))
    asked = protocol("identification", ["hit-rate@rank=1"])
    answer = Answer(np.random.default_rng(2).normal(size=(12, 12)) + np.eye(12))
    run = Answered([fold], [answer], records, asked)
    pairs, parts = identification.TASK.pairs(run), identification.TASK.parts(run)
    assert pairs is not None
    threshold = pairs.threshold()
    assert threshold is not None
    found = same_design("style", pairs, threshold, records, parts, 2)
    assert found is not None
    assert found.without is not None
    growth = growth_of(parts, [OperatingPoint(2)], [9])
    assert growth.curves[0].points[0].estimate.value == pytest.approx(found.without.as_many.value)
    assert found.without.taken_out == 3


@pytest.mark.parametrize("kind", ["closed-set", "open-set"])
def test_draws_are_searched_draw_by_draw(kind: str) -> None:
    task, run, _ = world(kind)
    _, found = found_in(kind)
    assert found.without is not None
    parts = task.parts(run)
    known = [
        part.ranks[i] <= 1
        for part in parts
        for i, probe in enumerate(part.fold.probes)
        if part.mates[i] and run.records[probe].style
    ]
    assert found.without.whole.value == pytest.approx(np.mean(known))
    assert found.without.without.value is not None
    assert found.without.whole.value is not None
    assert found.without.without.value >= found.without.whole.value


def test_a_column_that_tells_no_two_apart_says_nothing() -> None:
    task, run, pairs = world()
    threshold = pairs.threshold()
    assert threshold is not None
    assert same_design("group", pairs, threshold, run.records, task.parts(run)) is None
    alike = {name: replace(record, group="g") for name, record in run.records.items()}
    assert same_design("group", pairs, threshold, alike, task.parts(run)) is None
    same, other = kinds_of("group", pairs, alike)
    assert same.all()
    assert not other.any()


def test_without_any_false_match_the_interval_is_that_of_independent_identities() -> None:
    task, run, pairs = world()
    calm = replace(pairs, nonmated=pairs.nonmated._replace(scores=pairs.nonmated.scores * 0))
    threshold = calm.threshold()
    assert threshold is not None
    found = same_design("style", calm, threshold, run.records, task.parts(run))
    assert found is not None
    assert found.same.fmr.value == 0
    assert found.same.fmr.high == pytest.approx(1 - 0.025 ** (1 / found.same.identities))
    assert "fewer than 30 false matches" in found.same.fmr.flags
