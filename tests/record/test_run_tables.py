"""The tables of a run say what its folder says, cell by cell, whatever the task."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.data.typed_tables import TypedTable, joined, typed_table
from harness.errors import Damaged, UsageError
from harness.record import record
from harness.record.run_tables import ABOUT, COLUMNS, FIT, RunTables
from harness.record.searches import read_searches
from tests.strangers.whole_runs import write_run

TASKS = ("similarity", "detection", "tagging", "segmentation")
KINDS = {"str": "O", "float64": "f", "int64": "i", "bool": "b"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("tables")
    return {name: write_run(place / name / "run", name, short=True) for name in TASKS}


def rows(table: TypedTable) -> list[dict[str, object]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows()]


@pytest.mark.parametrize("name", TASKS)
def test_every_column_has_its_type_and_its_meaning(runs: dict[str, Path], name: str) -> None:
    tables = RunTables(runs[name])
    assert {"metrics", "folds", "counts", "searches", "candidates", "failures"} <= set(tables)
    for key, table in tables.items():
        assert table.name == key
        assert table.about == ABOUT[key]
        assert list(table.columns)[: len(COLUMNS[key])] == list(COLUMNS[key])
        for column, what in table.columns.items():
            assert what.meaning, column
            assert table.arrays[column].dtype.kind == KINDS[what.dtype]
            assert table.missing[column].shape == table.arrays[column].shape == (len(table),)


@pytest.mark.parametrize("name", TASKS)
def test_metrics_folds_and_counts_are_those_of_the_folder(runs: dict[str, Path], name: str) -> None:
    tables, kept = RunTables(runs[name]), json.loads((runs[name] / record.METRICS).read_text())
    for row in rows(tables["metrics"]):
        estimate = kept["pooled"].pop(row["metric"])
        assert row["value"] == estimate["value"]
        assert (row["low"], row["high"]) == (estimate.get("low"), estimate.get("high"))
        assert row["flags"] == ("; ".join(estimate.get("flags", [])) or None)
        assert row["headline"] == (row["metric"] == kept["headline"])
    assert kept["pooled"] == {}
    found = {(row["fold"], row["metric"]): row["value"] for row in rows(tables["folds"])}
    assert found == {(f["name"], m): v for f in kept["folds"] for m, v in f["values"].items()}
    counts = {row["name"]: row["count"] for row in rows(tables["counts"]) if row["fold"] is None}
    assert counts == kept["counts"]


@pytest.mark.parametrize("name", TASKS)
def test_searches_and_candidates_are_those_that_were_judged(
    runs: dict[str, Path], name: str
) -> None:
    tables = RunTables(runs[name])
    judged = read_searches((runs[name] / record.SEARCHES).read_bytes())
    lists = iter(rows(tables["candidates"]))
    for row, search in zip(rows(tables["searches"]), judged, strict=True):
        for field in ("fold", "probe", "rank", "mates", "score", "failed", "correct"):
            assert row[field] == getattr(search, field), field
        assert {key: row[key] for key in search.values} == search.values
        for rank, candidate in enumerate(search.candidates, start=1):
            line = next(lists)
            assert (line["fold"], line["probe"], line["rank"]) == (search.fold, search.probe, rank)
            assert line["reference"] == candidate.reference
            assert (line["score"], line["mated"]) == (candidate.score, candidate.mated)
    assert next(lists, None) is None


def test_failures_are_named_with_their_reason(runs: dict[str, Path]) -> None:
    for name in TASKS:
        run = record.read_run(runs[name])
        expected = [(f.fold, f.name, f.role, f.reason) for f in run.judge().failures]
        assert expected, name
        assert list(RunTables(runs[name])["failures"].rows()) == expected


def test_scores_are_those_that_the_protocol_counts(runs: dict[str, Path]) -> None:
    run = record.read_run(runs["similarity"])
    found = {
        (row["fold"], row["probe"], row["reference"]): (row["mated"], row["score"])
        for table in RunTables(runs["similarity"]).scores()
        for row in rows(table)
    }
    kept = 0
    for fold, answer in zip(run.folds, run.answers, strict=True):
        for i, probe in enumerate(fold.probes):
            for j, reference in enumerate(fold.gallery):
                if {probe, reference} & answer.failures.keys():
                    continue
                kept += 1
                mated, score = found[fold.name, probe, reference]
                assert mated == ((probe, reference) in fold.mates)
                assert score == float(answer.scores[i, j])
    assert len(found) == kept > 0


def test_scores_of_words_have_a_row_for_each_word(runs: dict[str, Path]) -> None:
    run = record.read_run(runs["tagging"])
    tables = list(RunTables(runs["tagging"]).scores())
    for table, fold, answer in zip(tables, run.folds, run.answers, strict=True):
        there = [i for i, name in enumerate(fold.probes) if name not in answer.failures]
        scores = table.arrays["score"].reshape(len(there), -1)
        np.testing.assert_array_equal(scores, answer.scores[there])
        carried = {row["word"] for row in rows(table) if row["carried"]}
        assert carried <= {tag for name in fold.probes for tag in run.records[name].tags}


def test_pictures_have_no_scores_and_the_reason_says_so(runs: dict[str, Path]) -> None:
    tables = RunTables(runs["segmentation"])
    assert "pictures" in tables.no_scores
    with pytest.raises(UsageError, match="are pictures"):
        next(tables.scores())


def test_a_file_that_changed_is_not_read(runs: dict[str, Path], tmp_path: Path) -> None:
    for name, table in ((record.METRICS, "metrics"), (record.SEARCHES, "searches")):
        folder = shutil.copytree(runs["similarity"], tmp_path / table)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content.replace(b"1", b"2", 1))
        with pytest.raises(Damaged, match="changed since the run"):
            RunTables(folder)[table]
    with pytest.raises(UsageError, match="not a run folder"):
        RunTables(tmp_path)


def test_numbers_that_no_column_holds_are_a_fault_of_the_folder(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(runs["detection"], tmp_path / "run")
    kept = json.loads((folder / record.METRICS).read_text())
    for value in (1 << 63, 1 << 80):
        kept["counts"]["images"] = value
        (folder / record.METRICS).write_text(json.dumps(kept))
        record.seal(folder)
        with pytest.raises(Damaged):
            RunTables(folder)["counts"]


def test_rows_of_several_fits_say_which_and_what_only_some_have_is_missing() -> None:
    one = typed_table("t", "", {"a": FIT}, {"a": [1, None]})
    other = typed_table("t", "", {"a": FIT, "b": COLUMNS["tags"]["f1"]}, {"a": [3], "b": [0.5]})
    assert list(joined([one, other]).rows()) == [(1, None), (None, None), (3, 0.5)]
    with pytest.raises(ValueError, match="different lengths"):
        typed_table("t", "", {"a": FIT, "b": FIT}, {"a": [1], "b": []})
