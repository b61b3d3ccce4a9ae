"""Tables of a run, written for others: the same cells come back, in each format's own reader."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.data.records import Fold
from harness.data.table_files import write_csv
from harness.data.typed_tables import Cell, Column, TypedTable, joined, typed_table
from harness.errors import UsageError
from harness.plugins.places import PACKAGE
from harness.record import record
from harness.record.run_tables import COLUMNS, FITS, RunTables
from harness.runs.exchange.forms import FORMS
from harness.runs.exchange.mlflow_store import log_runs, metric_key, store_uri
from harness.runs.exchange.tables import write_tables
from harness.scorefiles.export import EXPORT_FORMS
from harness.scorefiles.score_tables import COMPARISONS, IMAGES, LINES, WORDS
from tests.conftest import run_harness
from tests.strangers.whole_runs import write_run

ROOT = PACKAGE.parent
TASKS = ("similarity", "detection", "tagging", "segmentation")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("exchange")
    return {name: write_run(place / name / "run", name, short=True) for name in TASKS}


def every_table(folder: Path) -> dict[str, TypedTable]:
    tables = RunTables(folder)
    found = dict(tables)
    if not tables.no_scores:
        found["scores"] = joined(tables.scores())
    return found


def parsed(text: str, column: Column) -> Any:
    """Read a cell as somebody else would who knows its type."""
    if text == "":
        return None
    if column.dtype == "bool":
        return {"true": True, "false": False}[text]
    return {"str": str, "float64": float, "int64": int}[column.dtype](text)


@pytest.mark.parametrize("name", TASKS)
def test_csv_has_every_cell_exactly(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    written = write_tables(runs[name], tmp_path / "out", "csv")
    tables = every_table(runs[name])
    names = {path.stem for path in written.files if path.suffix == ".csv"}
    assert names == set(tables)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {p.name for p in written.files}
    for key, table in tables.items():
        with (tmp_path / "out" / f"{key}.csv").open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
        assert header == list(table.columns)
        columns = list(table.columns.values())
        back = [tuple(map(parsed, line, columns)) for line in lines]
        assert back == list(table.rows()), key
    assert [("no scores.csv" in note) for note in written.notes] == [True] * (
        name == "segmentation"
    )


def test_the_data_package_says_what_every_column_of_every_file_is(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    write_tables(runs["similarity"], tmp_path / "out", "csv")
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    assert "synthetic" in package["description"]
    for resource in package["resources"]:
        content = (tmp_path / "out" / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)
        fields = resource["schema"]["fields"]
        assert [field["name"] for field in fields] == content.decode().splitlines()[0].split(",")
        assert all(field["description"] for field in fields)


@pytest.mark.parametrize("name", TASKS)
def test_parquet_keeps_types_and_meanings(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_tables(runs[name], tmp_path / "out", "parquet")
    kinds = {"str": "string", "float64": "double", "int64": "int64", "bool": "bool"}
    for key, table in every_table(runs[name]).items():
        back = parquet.read_table(tmp_path / "out" / f"{key}.parquet")
        assert [tuple(row.values()) for row in back.to_pylist()] == list(table.rows()), key
        for column, what in table.columns.items():
            field = back.schema.field(column)
            assert str(field.type) == kinds[what.dtype]
            assert field.metadata[b"meaning"].decode() == what.meaning


@pytest.mark.slow
def test_pandas_reads_the_same_numbers(runs: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    for form, read in (("csv", pandas.read_csv), ("parquet", pandas.read_parquet)):
        write_tables(runs["similarity"], tmp_path / form, form)
        for key, table in every_table(runs["similarity"]).items():
            frame = read(tmp_path / form / f"{key}.{form}")
            assert list(frame.columns) == list(table.columns)
            for column, what in table.columns.items():
                if what.dtype in ("float64", "int64") and len(table):
                    cells = [None if cell != cell else cell for cell in frame[column].tolist()]
                    own = list(table.columns).index(column)
                    assert cells == [row[own] for row in table.rows()], (form, key, column)


def test_what_is_odd_in_a_cell_comes_back_as_it_was(tmp_path: Path) -> None:
    words = ["=1+1", "-2", "@x", 'a "b", c', "line\nbreak", " space ", "01", "NA", "é", "\ttab"]
    numbers = [0.1 + 0.2, 5e-324, -0.0, 1.7976931348623157e308, -math.inf, 1e22, 3.0, 2.5]
    columns = {"word": Column("str", "w"), "number": Column("float64", "n")}
    cells: dict[str, list[Cell]] = {"word": [*words], "number": [*numbers, None, math.inf]}
    write_csv(tmp_path / "t.csv", [typed_table("t", "", columns, cells)])
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        _, *lines = csv.reader(file)
    assert [line[0] for line in lines] == words
    assert [math.copysign(1, float(n or "nan")) for _, n in lines[:8]] == [
        math.copysign(1, n) for n in numbers
    ]
    assert [float(text) for _, text in lines[:8]] == numbers
    assert [text for _, text in lines[8:]] == ["", "INF"]


def test_names_that_look_like_formulas_are_kept_and_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", "similarity", short=True)
    searches = record.read_run(folder).judge()
    for one in searches.searches:
        one.identity = f"={one.identity}"
    record.write_outcome(folder, searches)
    record.seal(folder)
    ran = run_harness("export", folder, "--format", "csv", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert f"{len(searches.searches)} cells begin with = + - or @" in ran.err
    with (tmp_path / "out" / "searches.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["identity"].startswith("=") for row in csv.DictReader(file))


def test_folds_that_share_probes_have_a_file_of_scores_each(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunTables, "apart", property(lambda tables: ["1", "2"]))
    written = write_tables(runs["similarity"], tmp_path / "out", "csv")
    names = {path.relative_to(tmp_path / "out").as_posix() for path in written.files}
    assert {"scores/1.csv", "scores/2.csv"} <= names
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    assert {"scores-1", "scores-2"} <= {resource["name"] for resource in package["resources"]}


def test_folds_share_probes_where_a_name_stands_in_two(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RunTables(runs["similarity"]).apart == []
    tables = RunTables(runs["similarity"])
    shared = record.read_run(runs["similarity"])
    object.__setattr__(shared, "folds", [Fold(name, (), ("p",), ("g",)) for name in ("a", "b")])
    monkeypatch.setattr(type(tables._runs[0]), "run", shared)
    assert tables.apart == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "cvs"), "no format 'cvs'. Did you mean 'csv'?"),
        (("--format", "csv", "--fold", "1"), "--fold and --plugins belong to --format onnx"),
        (("again", "--format", "parquet"), "--format parquet takes one run; 2 were named"),
        (("--format", "csv", "--out", "full"), "full is there already"),
        (("--format", "croissant", "--out", "file"), "file is there already"),
        (("--format", "mlflow", "--out", "full"), "full is no MLflow store of ours"),
        (("--format", "pyeer"), "compares no images"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(
    runs: dict[str, Path], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    run = runs["tagging"]
    named = [run if word == "again" else word for word in words]
    ran = run_harness("export", run, "--out", "new", *named, cwd=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_unfinished_and_changed_runs_are_not_exported(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(runs["detection"], tmp_path / "run")
    (folder / "truth.json").write_bytes((folder / "truth.json").read_bytes() + b" ")
    ran = run_harness("export", folder, "--format", "csv", "--out", tmp_path / "out")
    assert ran.code == 3
    assert "truth.json: its bytes changed" in ran.err
    (folder / record.CHECKSUMS).unlink()
    ran = run_harness("export", folder, "--format", "csv", "--out", tmp_path / "out")
    assert ran.code == 3
    assert "unfinished" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("form", "package", "how"),
    [
        ("parquet", "pyarrow", "pyarrow"),
        ("croissant", "pyarrow", "pyarrow"),
        ("mlflow", "mlflow", "mlflow-skinny"),
        ("mlflow", "alembic", "alembic"),
    ],
)
def test_an_absent_package_is_named_with_what_installs_it(
    runs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    package: str,
    how: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    ran = run_harness("export", runs["detection"], "--format", form, "--out", tmp_path / "out")
    assert ran.code == 2
    assert f"{how}, which is not installed: pip install" in ran.err
    assert not (tmp_path / "out").exists()


def test_every_format_is_listed_with_what_it_is(tmp_path: Path) -> None:
    assert set(EXPORT_FORMS) <= set(FORMS)
    ran = run_harness("export", "--help")
    flat = " ".join(ran.out.split())
    for name, form in FORMS.items():
        assert f" {name} {form.about}" in flat


def test_the_page_names_every_format_and_every_column_of_every_table() -> None:
    page = ROOT / "docs" / "exchange.md"
    if not page.is_file():
        pytest.skip("the documents are in the checkout")
    cells: dict[str, str] = {}
    names: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        row = line.split("|")
        if len(row) > 3:
            # A row without a name goes on with the one above it.
            names = re.findall(r"`([\w-]+)`", row[1]) or names * (not row[1].strip())
            for name in names:
                cells[name] = cells.get(name, "") + line
    assert set(FORMS) <= set(cells)
    columns = {**COLUMNS, "fits": FITS}
    for name, own in columns.items():
        if name != "subsets":
            assert set(own) <= set(re.findall(r"`([^`]+)`", cells[name])), name
    for own in (COMPARISONS, IMAGES, WORDS, LINES):
        assert ", ".join(f"`{name}`" for name in own) in cells["scores"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_frictionless_finds_no_fault(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    frictionless = pytest.importorskip("frictionless")
    write_tables(runs[name], tmp_path / "out", "csv")
    package = frictionless.Package(str(tmp_path / "out" / "datapackage.json"))
    report = package.validate()
    assert report.valid, report.flatten(["type", "message"])
    for resource in package.resources:
        rows = resource.read_rows()
        expected = list(every_table(runs[name])[resource.name].rows())
        assert [tuple(_plain(value) for value in row.values()) for row in rows] == expected


def _plain(value: Any) -> Any:
    return float(value) if type(value).__name__ == "Decimal" else value


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_mlcroissant_yields_the_same_rows(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    write_tables(runs[name], tmp_path / "out", "croissant")
    found = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not found.metadata.issues.errors
    tables = every_table(runs[name])
    assert {one.id for one in found.metadata.record_sets} == set(tables)
    for key, table in tables.items():
        assert list(_rows(found.records(key))) == list(table.rows()), key


def _rows(records: Any) -> Iterator[tuple[Any, ...]]:
    for one in records:
        cells = (cell.decode() if isinstance(cell, bytes) else cell for cell in one.values())
        yield tuple(None if cell != cell else cell for cell in cells)


@pytest.mark.slow
def test_mlflow_reads_its_store_back(runs: dict[str, Path], tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    out = tmp_path / "store"
    lines = list(log_runs([runs["similarity"], runs["tagging"]], out))
    assert len(lines) == 2
    client = mlflow.MlflowClient(store_uri(out), registry_uri=store_uri(out))
    for name in ("similarity", "tagging"):
        experiment = client.get_experiment_by_name(f"{name} on made")
        (run,) = client.search_runs([experiment.experiment_id])
        kept = json.loads((runs[name] / "metrics.json").read_text())["pooled"]
        manifest = record.read_manifest(runs[name])
        for metric, estimate in kept.items():
            key = metric_key(metric)
            assert run.data.metrics[key] == estimate["value"]
            for end in ("low", "high", "chance", "n"):
                assert run.data.metrics.get(f"{key}.{end}") == estimate.get(end)
        assert run.data.params["param.seed"] == "0"
        assert run.data.params["algorithm"] == "made"
        assert run.data.tags["harness.identity"] == manifest.identity
        assert run.data.tags["harness.source-hash"] == manifest.origin.source_hash
        artifacts = {one.path for one in client.list_artifacts(run.info.run_id)}
        assert {"metrics.json", "manifest.json", "report.html", "protocol.toml"} <= artifacts
        page = client.download_artifacts(run.info.run_id, "report.html", str(tmp_path))
        assert Path(page).read_bytes() == (runs[name] / "report.html").read_bytes()
    with pytest.raises(UsageError, match="in .* already, as run"):
        log_runs([runs["tagging"]], out)
    assert list(log_runs([runs["detection"]], out)) != []


def test_names_of_metrics_in_mlflow_are_those_that_it_takes() -> None:
    assert metric_key("eer") == "eer"
    assert metric_key("hit-rate@rank=10") == "hit-rate/rank_10"
    assert metric_key("tag-credit@more-than=15,per-hit=0.25") == (
        "tag-credit/more-than_15/per-hit_0.25"
    )
