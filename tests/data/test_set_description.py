"""The description of a data set for others: read by them, and no part of the data."""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.croissant import CROISSANT, Described
from harness.data.fingerprints import fingerprint
from harness.data.importers.bivtatt import write_manifest
from harness.data.readers.layouts import detect, open_dataset
from harness.data.readers.manifest import COLUMNS
from harness.data.set_description import MEANINGS, describe_set
from tests.conftest import run_harness, save_png

SAID = Described("mine", "Drawn for a test.")


def drawn(root: Path, rows: list[dict[str, str]], *, folder: str = "images") -> Path:
    """Write a manifest with pictures."""
    rng = np.random.default_rng(3)
    for row in rows:
        (root / row["image"]).parent.mkdir(parents=True, exist_ok=True)
        save_png(root / row["image"], rng.integers(0, 256, (12, 12, 3)))
    with (root / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return root


def rows_of(number: int, **further: str) -> list[dict[str, str]]:
    return [
        {"image": f"images/t{i}/a.png", "tattoo": f"t{i}", "fold": str(i) if i % 2 else ""}
        | further
        for i in range(number)
    ]


def said_in(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / CROISSANT).read_text(encoding="utf-8"))
    return found


def test_every_column_of_a_manifest_has_a_meaning() -> None:
    assert set(MEANINGS) == set(COLUMNS)


def test_files_have_their_hashes_and_columns_their_types(tmp_path: Path) -> None:
    drawn(tmp_path, rows_of(4, x_camera="A"))
    assert describe_set(tmp_path, SAID) == tmp_path / CROISSANT
    said = said_in(tmp_path)
    (manifest,) = [one for one in said["distribution"] if one["name"] == "manifest.csv"]
    content = (tmp_path / "manifest.csv").read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["contentSize"] == f"{len(content)} B"
    fields = {one["name"]: one["dataType"] for one in said["recordSet"][0]["field"]}
    assert fields == {
        "image": "sc:Text",
        "tattoo": "sc:Text",
        "fold": "cr:Int64",
        "x_camera": "sc:Text",
    }
    assert "does not state whether" in said["description"]
    assert "license" not in said


@pytest.mark.parametrize("stated", ["true", "false"])
def test_it_says_whether_the_pictures_are_synthetic(tmp_path: Path, stated: str) -> None:
    drawn(tmp_path, rows_of(1))
    (tmp_path / "dataset.toml").write_text(f"synthetic = {stated}\n")
    describe_set(tmp_path, SAID)
    word = "synthetic" if stated == "true" else "real"
    assert f"pictures are {word}" in said_in(tmp_path)["description"]


def test_a_description_of_somebody_else_s_stays_and_ours_is_written_again(tmp_path: Path) -> None:
    drawn(tmp_path, rows_of(2))
    for theirs in ('{"@type": "sc:Dataset", "keywords": ["a"]}', "[]", "no JSON"):
        (tmp_path / CROISSANT).write_text(theirs)
        assert describe_set(tmp_path, SAID) is None
        assert (tmp_path / CROISSANT).read_text() == theirs
    (tmp_path / CROISSANT).unlink()
    describe_set(tmp_path, SAID)
    before = (tmp_path / CROISSANT).read_bytes()
    assert describe_set(tmp_path, SAID) is not None
    assert (tmp_path / CROISSANT).read_bytes() == before


def _csv(root: Path) -> Path:
    return drawn(root, rows_of(6))


def _folders(root: Path) -> Path:
    drawn(root, rows_of(6))
    (root / "manifest.csv").unlink()
    shutil.move(root / "images", root / "set")
    return root / "set"


def _tatt_c(root: Path, small_set: Path) -> Path:
    return Path(shutil.copytree(small_set, root / "set"))


@pytest.mark.parametrize("layout", ["csv", "folders", "tatt-c"])
def test_the_description_is_no_part_of_a_data_set(
    tmp_path: Path, small_set: Path, layout: str
) -> None:
    root = {"csv": _csv, "folders": _folders}.get(layout, lambda p: _tatt_c(p, small_set))(tmp_path)
    use_case = "tattoo_similarity" if layout == "tatt-c" else None
    assert detect(root) == layout
    before = open_dataset(root, use_case=use_case)
    describe_set(root, SAID)
    assert detect(root) == layout
    after = open_dataset(root, use_case=use_case)
    assert fingerprint(after) == fingerprint(before)
    assert after.findings == before.findings
    assert after.records.keys() == before.records.keys()


def test_a_manifest_that_is_none_is_no_reason_to_stop(tmp_path: Path) -> None:
    for content in (b"image,tattoo\n\xff\xfe,1\n", b""):
        (tmp_path / "manifest.csv").write_bytes(content)
        assert describe_set(tmp_path, SAID) is not None
        assert "recordSet" not in said_in(tmp_path)


def test_names_that_no_id_can_have_get_ids_of_their_own(tmp_path: Path) -> None:
    row = {"image": "Bilder [1]/ein Bild.png", "tattoo": "a", "x_a b": "1", "x_a-b": "2"}
    drawn(tmp_path, [row])
    (tmp_path / "my notes.md").write_text("x")
    describe_set(tmp_path, SAID)
    said = said_in(tmp_path)
    fields = said["recordSet"][0]["field"]
    assert [one["name"] for one in fields] == list(row)
    parts = [*said["distribution"], *said["recordSet"], *fields]
    ids = [one["@id"] for one in parts]
    assert len(set(ids)) == len(ids)
    assert not any(set(one) & set(" <>[]%#?") for one in ids)
    (pictures,) = [one for one in said["distribution"] if "includes" in one]
    assert fnmatch.fnmatch(row["image"], pictures["includes"][0])


@pytest.mark.slow
def test_mlcroissant_reads_what_is_made_and_what_is_imported(tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    from generators.procedural.bivtatt import write_bivtatt

    made, brought = tmp_path / "made", tmp_path / "brought"
    ran = run_harness(
        "synth", made, "--identities", "2", "--images", "2", "--size", "48", "--pairs"
    )
    assert ran.code == 0, ran.err
    write_bivtatt(brought, tattoos=2, photographs=2, long_side=48)
    write_manifest(brought)
    own = drawn(tmp_path / "own set", rows_of(5, **{"x_a b": "ü <b>", "x_c/d": "=1"}))
    (own / "my notes.md").write_text("x")
    describe_set(own, SAID)
    for root in (made, brought, own):
        found = mlcroissant.Dataset(jsonld=str(root / CROISSANT))
        assert not found.metadata.issues.errors
        with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert list(_cells(found.records("manifest"), list(lines[0]))) == lines
        paths = [one["images/path"].decode() for one in found.records("images")]
        assert sorted(paths) == sorted(line["image"] for line in lines)
        picture = next(iter(found.records("images")))["images/content"]
        assert min(picture.size) > 0
    kinds = {one.id for one in mlcroissant.Dataset(str(made / CROISSANT)).metadata.record_sets}
    assert kinds == {"manifest", "images", "masks", "clean"}


def _cells(records: Any, columns: list[str]) -> Iterator[dict[str, str]]:
    for one in records:
        yield {
            column: "" if cell is None else cell.decode() if isinstance(cell, bytes) else str(cell)
            for column, cell in zip(columns, one.values(), strict=True)
        }
