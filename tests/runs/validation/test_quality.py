"""Coherence by quality: in quarters of the probes, by the column and by the algorithm's word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.api import Matcher
from harness.data.images import decode
from harness.plugins import registry
from harness.record.record import read_run
from harness.record.told_apart import COLUMN, OWN, ToldApart
from harness.runs.validation.deciding import UNSUPPORTED
from harness.runs.validation.grouping import in_bins
from harness.runs.validation.judged import judged_run
from tests.runs.validation.conftest import Runs, comparisons, held, row

pytestmark = pytest.mark.xdist_group("validation")


def test_bins_of_a_quality_are_of_every_source_and_say_which(rated: Path) -> None:
    run = read_run(rated)
    folders, whole = [rated], row("accuracy", "cllr", "at-most = 9")
    found = held(folders, whole, row("coherence", "cllr", 'by = "quality"\nat-most = 9')).rows[1:]
    sift = registry.load(registry.find_algorithm("sift"))()
    assert isinstance(sift, Matcher)
    probes = {name for fold in run.folds for name in fold.probes}
    said = {name: sift.quality(decode(run.records[name].path)) for name in probes}
    stated = {name: run.records[name].quality for name in probes}
    assert None in stated.values()
    scores = comparisons(rated)
    for source, known, words in (
        ("algorithm", said, OWN),
        ("column", {name: one for name, one in stated.items() if one is not None}, COLUMN),
    ):
        rows = [one for one in found if one.group.endswith(f", by the {source}")]
        ends = [one.group.removeprefix("quality ").partition(",")[0].split(" to ") for one in rows]
        low, high = [float(one[0]) for one in ends], [float(one[-1]) for one in ends]
        assert f"{min(known.values()):.3f}" == f"{min(low):.3f}"
        assert f"{max(known.values()):.3f}" == f"{max(high):.3f}"
        for one, first, last in zip(rows, low, high, strict=True):
            inside = {n for n, value in known.items() if first <= round(value, 3) <= last}
            mated = sum(m and probe in inside for _, probe, _, m in scores)
            nonmated = sum(not m and probe in inside for _, probe, _, m in scores)
            assert one.data.startswith(f"large: {mated:,} mated and {nonmated:,} non-mated ")
            assert words in one.experiment
    assert {one.group for one in found if "column" in one.group} == {
        "quality 0.300, by the column",
        "quality 0.800, by the column",
    }
    assert sum("by the algorithm" in one.group for one in found) == 4


def test_of_an_algorithm_that_rates_nothing_the_column_alone_counts(runs: Runs) -> None:
    found = held([runs.verification], row("coherence", "eer", 'by = "quality"\nat-most = 0.9'))
    assert [one.group for one in found.rows] == [
        "quality 0.300, by the column",
        "quality 0.800, by the column",
    ]
    assert all("in no group" in one.experiment for one in found.rows)


def test_without_any_quality_both_places_are_named_where_one_could_be(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToldApart, "qualities", lambda _: {})
    (found,) = held(
        [runs.verification], row("coherence", "eer", 'by = "quality"\nat-most = 0.9')
    ).rows
    assert found.verdict == UNSUPPORTED
    assert "'pictures' states the quality of no probe, and algorithm 'colours' gives" in found.why


def test_an_image_with_another_quality_in_each_fold_is_in_no_bin(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = judged_run(runs.verification, [], "logistic")
    first = judged.run.folds[0]
    probes = [*first.probes[:8]]
    twice = replace(judged.run, folds=(first, replace(first, name="again")))
    qualities = [{name: k / 10 for k, name in enumerate(probes)} for _ in range(2)]
    qualities[1][probes[0]] = 0.9
    monkeypatch.setattr(ToldApart, "qualities", lambda _: {OWN: (qualities, [{}, {}])})
    (found,) = in_bins(replace(judged, run=twice), "quality")
    assert found.images.keys() == set(probes[1:])
    assert found.source == f"{OWN}, 1 image with several left out"
