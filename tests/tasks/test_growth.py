"""A run's rates in smaller galleries: the whole ones give what the run prints."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.comparing.baselines import run_of
from harness.data.records import Fold
from harness.errors import UsageError
from harness.metrics.ids import Metric
from harness.plugins.places import bundled
from harness.record.growing import growth_in
from harness.record.record import Run, read_run
from harness.reporting.drawing.growth import _point_cells, growth_figure, label, searches_in
from harness.tasks import closed_set, identification, open_set
from harness.tasks.answers import Answer, Answered
from harness.tasks.growth import CERTAIN, Growth, GrowthCurve, growth_of
from harness.tasks.protocol import Protocol
from harness.tasks.results import Outcome
from harness.tasks.task import OperatingPoint, Task
from tests.conftest import run_harness
from tests.tasks.drawn import answers, dataset, protocol

GOLDEN = bundled("fixtures") / "golden"
RATES = ["fnir@fpir=0.1,rank=1", "fnir@fpir=0.3,rank=2", "open-set-eer@rank=1"]
HITS = ["hit-rate@rank=1", "hit-rate@rank=3"]


def world(
    kind: str, failed: tuple[str, ...] = ()
) -> tuple[Task[Any, Any], Protocol, Answered, Outcome]:
    """A small world that is searched, and what comes of it."""
    task: Task[Any, Any] = open_set.TASK if kind == "open-set" else closed_set.TASK
    metrics, unknown = (RATES, {"unknown": 0.25}) if kind == "open-set" else (HITS, {})
    asked = protocol(kind, metrics, folds={"draws": 4, **unknown})
    records = dataset([3] * 12)
    folds = task.lay_out(records, asked)
    found = answers(folds, 5, failed)
    outcome = task.judge(folds, found, records.records, asked)
    return task, asked, Answered(folds, found, records.records, asked), outcome


def whole(curve: GrowthCurve) -> float | None:
    return curve.points[-1].estimate.value


@pytest.fixture(scope="module")
def golden() -> Run:
    return read_run(run_of("similarity-colours", GOLDEN))


def test_of_a_run_the_whole_gallery_is_what_it_prints_to_the_last_digit(golden: Run) -> None:
    printed = golden.judge().metrics.pooled
    growth = growth_in(golden)
    assert [curve.point.rank for curve in growth.curves] == sorted(
        int(Metric.parse(name)["rank"]) for name in printed if name.startswith("hit-rate")
    )
    for curve in growth.curves:
        own = printed[f"hit-rate@rank={curve.point.rank}"]
        last = curve.points[-1].estimate
        assert (last.value, last.low, last.high) == (own.value, own.low, own.high)
        assert (last.n, last.method) == (own.n, own.method)
        assert last.chance == pytest.approx(own.chance, abs=1e-12)


@pytest.mark.parametrize("failed", [(), ("t01/00.png", "t05/01.png", "t07/02.png")])
def test_thresholds_of_open_set_give_its_fnir_and_keep_its_fpir(failed: tuple[str, ...]) -> None:
    task, _, answered, outcome = world("open-set", failed)
    points = task.operating_points(answered)
    growth = growth_of(task.parts(answered), points)
    by_rate = {(curve.rate, curve.point.fpir): curve for curve in growth.curves}
    for fpir, rank in ((0.1, 1), (0.3, 2)):
        printed = outcome.metrics.pooled[f"fnir@fpir={fpir},rank={rank}"].value
        assert whole(by_rate["fnir", fpir]) == printed
        attained = whole(by_rate["fpir", fpir])
        assert attained is not None
        assert attained <= fpir
    assert growth.nonmated == outcome.metrics.counts["nonmated_searches"]


def test_rates_in_smaller_galleries_are_those_of_many_random_ones() -> None:
    task, _, answered, _ = world("open-set", ("t05/01.png",))
    parts = task.parts(answered)
    point = task.operating_points(answered)[0]
    assert point.threshold is not None
    growth = growth_of(parts, [point], [3])
    exact = {curve.rate: curve.points[0].estimate.value for curve in growth.curves}
    rng = np.random.default_rng(0)
    missed, returned = [], []
    for _ in range(300):
        for part in parts:
            for scores, mated in zip(part.scores, part.truth, strict=True):
                others = rng.permutation(np.flatnonzero(~mated))[: 3 - mated.sum()]
                chosen = scores[np.append(np.flatnonzero(mated), others)]
                if mated.any():
                    best = scores[mated].max()
                    ahead = int((scores[others] >= best).sum())
                    missed.append(not (best >= point.threshold and ahead < point.rank))
                else:
                    refused = bool((scores == -math.inf).all())
                    returned.append(refused or bool((chosen >= point.threshold).any()))
    assert exact["fnir"] == pytest.approx(np.mean(missed), abs=0.015)
    assert exact["fpir"] == pytest.approx(np.mean(returned), abs=0.015)


def test_one_reference_is_the_mate_itself() -> None:
    task, _, answered, _ = world("closed-set", ("t02/00.png",))
    growth = growth_of(task.parts(answered), [OperatingPoint(1)], [1])
    failed = sum(int((part.ranks > len(part.fold.gallery)).sum()) for part in task.parts(answered))
    value = growth.curves[0].points[0].estimate.value
    assert failed
    assert value == pytest.approx(1 - failed / growth.mated)


def test_folds_of_different_sizes_have_a_last_row_as_they_were_searched() -> None:
    asked = protocol("identification", HITS)
    records = dataset([3] * 6)
    names = list(records.records)
    folds = [
        Fold(str(k), (), (names[0],), tuple(names[1:size]), frozenset({(names[0], names[1])}))
        for k, size in enumerate((6, 9))
    ]
    scores = [Answer(np.linspace(1, 2, len(fold.gallery))[np.newaxis]) for fold in folds]
    run = Answered(folds, scores, records.records, asked)
    growth = growth_of(identification.TASK.parts(run), [OperatingPoint(5)])
    assert (growth.smallest, growth.largest) == (5, 8)
    assert [point.size for point in growth.curves[0].points] == [1, 2, 5, None]
    assert whole(growth.curves[0]) == 0.5
    assert "5 to 8 references" in searches_in(growth)


def test_a_fold_too_small_for_the_mates_of_another_has_its_own_row_alone() -> None:
    asked = protocol("identification", HITS)
    records = dataset([9])
    names = list(records.records)
    mates = [frozenset((names[0], one) for one in names[1:size]) for size in (2, 5)]
    folds = [
        Fold("1", (), (names[0],), tuple(names[1:4]), mates[0]),
        Fold("2", (), (names[0],), tuple(names[1:9]), mates[1]),
    ]
    scores = [Answer(np.linspace(1, 2, len(fold.gallery))[np.newaxis]) for fold in folds]
    run = Answered(folds, scores, records.records, asked)
    parts = identification.TASK.parts(run)
    growth = growth_of(parts, [OperatingPoint(3)])
    assert [point.size for point in growth.curves[0].points] == [None]
    assert whole(growth.curves[0]) == 0.5
    assert growth_figure(growth, "a") is None
    with pytest.raises(UsageError, match="a search has 4 mates, which stay"):
        growth_of(parts, [OperatingPoint(3)], [3])


def test_a_probe_without_any_mate_is_no_hit_rate() -> None:
    asked = protocol("identification", HITS)
    records = dataset([3])
    names = list(records.records)
    fold = Fold("1", (), (names[0],), tuple(names[1:]))
    run = Answered([fold], [Answer(np.ones((1, 2)))], records.records, asked)
    with pytest.raises(UsageError, match="no search has a mate"):
        growth_of(identification.TASK.parts(run), [OperatingPoint(1)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rank", "0"), "0 is not in the range x>=1"),
        (("--size", "0"), "0 is not in the range x>=1"),
        (("--threshold", "nan"), "not a finite number"),
        (("--threshold", "many"), "'many' is not a valid float"),
    ],
)
def test_what_is_no_rank_size_or_threshold_is_refused(
    golden: Run, words: tuple[str, ...], said: str
) -> None:
    refused = run_harness("scale", golden.folder, *words)
    assert refused.code == 2
    assert said in refused.err


def test_a_run_whose_answers_changed_is_refused(golden: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(golden.folder, folder)
    changed = next(folder.glob("units/*/scores/*.np[yz]"))
    changed.write_bytes(changed.read_bytes() + b"\0")
    refused = run_harness("scale", folder)
    assert refused.code == 3
    assert str(changed.relative_to(folder)) in refused.err


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ((10, 10**6), "what more of them would do"),
        ((56,), "searches were made among"),
        ((1,), "mate"),
    ],
)
def test_sizes_beyond_the_run_are_refused(golden: Run, sizes: tuple[int, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        growth_in(golden, sizes=sizes)


def test_ranks_and_thresholds_can_be_asked_for(golden: Run) -> None:
    found = growth_in(golden, ranks=(3, 5), thresholds=(0.5,), sizes=(20,))
    assert [(c.rate, c.point.rank, c.point.threshold) for c in found.curves] == [
        ("fnir", 3, 0.5),
        ("fnir", 5, 0.5),
    ]
    assert [point.size for point in found.curves[0].points] == [20, found.smallest, None]


@pytest.mark.parametrize("name", ["detection-hog-svm"])
def test_questions_that_search_no_gallery_are_refused(name: str) -> None:
    run = read_run(run_of(name, GOLDEN))
    with pytest.raises(UsageError, match="searches no gallery"):
        growth_in(run)


def test_the_verb_prints_every_rate_and_json_holds_the_same(golden: Run) -> None:
    said = run_harness("scale", golden.folder, "--rank", "1", "--size", "10")
    assert said.code == 0
    assert "Hit rate within rank 1, among n references" in said.out
    assert "as searched" in said.out
    told = json.loads(run_harness("scale", golden.folder, "--json").out)
    growth = growth_in(golden)
    assert told[0]["smallest"] == growth.smallest
    values = [p["estimate"]["value"] for p in told[0]["curves"][0]["points"]]
    assert values == [p.estimate.value for p in growth.curves[0].points]
    refused = run_harness("scale", golden.folder, "--size", "100000")
    assert refused.code == 2
    assert refused.err.count("\n") == 1


def test_the_figure_has_a_line_for_each_rate_and_its_numbers(golden: Run) -> None:
    growth = growth_in(golden, dense=True)
    figure = growth_figure(growth, "<b>colours</b>")
    assert figure is not None
    assert "<b>" not in figure.svg
    assert len(figure.table.rows) < len(figure.csv.splitlines())
    points = sum(len(curve.points) for curve in growth.curves)
    assert len(figure.csv.splitlines()) == points + 1
    assert figure.csv.startswith("rate,rank,threshold,references,value,low,high,chance")
    assert figure.table.columns[0] == "Rank"
    ranks = {str(curve.point.rank): label(curve) for curve in growth.curves}
    assert {row[0] for row in figure.table.rows} == set(ranks)
    first = next(rank for rank, words in ranks.items() if words == label(growth.curves[0]))
    shown = [row[1].replace("\N{WORD JOINER}", "") for row in figure.table.rows if row[0] == first]
    assert shown == ["5", "10", "20", "50", "54", "54–55, as searched"]
    assert figure.summary.startswith("Hit rate of <b>colours</b> within rank ")


def test_rows_of_numbers_have_rate_rank_and_threshold_in_cells_of_their_own() -> None:
    rows = [
        _point_cells(GrowthCurve("hit-rate", OperatingPoint(20), [])),
        _point_cells(GrowthCurve("fnir", OperatingPoint(5, 0.6258, 0.1), [])),
        _point_cells(GrowthCurve("fpir", OperatingPoint(1, np.inf, 0.1), [])),
    ]
    assert rows == [
        ("Hit rate", "20", ""),
        ("FNIR", "5", "0.6258"),
        ("FPIR", "", "a threshold above all scores"),
    ]


def test_a_run_of_one_reference_has_no_figure() -> None:
    point = OperatingPoint(1)
    assert growth_figure(Growth(1, 1, 0, 0, []), "a") is None
    assert label(GrowthCurve("fpir", OperatingPoint(1, 0.5, 0.1), [])).startswith("False positive")
    assert label(GrowthCurve("hit-rate", point, []), short=True) == "Hit rate within rank 1"


@pytest.mark.parametrize("failed", [(), ("t01/00.png", "t05/01.png", "t07/02.png")])
def test_a_hit_among_as_many_as_are_listed_is_certain_unless_a_probe_failed(
    failed: tuple[str, ...],
) -> None:
    task, _, answered, _ = world("closed-set", failed)
    growth = growth_of(task.parts(answered), [OperatingPoint(3)], [2, 3, 4, 5])
    points = growth.curves[0].points
    sure = [CERTAIN in point.estimate.flags for point in points if point.size is not None]
    assert sure[:4] == [not failed, not failed, False, False]
    for point, certain in zip(points, sure, strict=False):
        assert (point.estimate.low is None) == certain
        assert point.estimate.value == 1.0 or not certain
    figure = growth_figure(growth, "algorithm")
    assert figure is not None
    assert "95 % interval of the" in str(figure.legend)
    cells = [cell for row in figure.table.rows for cell in row]
    assert (CERTAIN in cells) == (not failed)
