"""The hash of a data set changes with whatever can change a number, and with nothing else."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.data.fingerprints import content_hashes, fingerprint
from harness.data.readers.layouts import open_dataset
from harness.data.records import Dataset
from harness.errors import DataError

from .sets import picture, tatt_c

CASE = "tattoo_identification"


def small(root: Path) -> Dataset:
    return open_dataset(tatt_c(root), use_case=CASE)


def test_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    data = small(tmp_path)
    hashes = content_hashes(data)
    assert list(hashes) == list(data.records)
    raw = data.records["p1-1.png"].path.read_bytes()
    assert hashes["p1-1.png"] == hashlib.sha256(raw).hexdigest()
    assert list(content_hashes(data, ["p1-1.png", "p1-1.png"])) == ["p1-1.png"]


def test_where_the_data_lies_and_the_order_of_records_do_not_matter(tmp_path: Path) -> None:
    data = small(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    moved = open_dataset(tmp_path / "two", use_case=CASE)
    turned = replace(moved, records=dict(reversed(list(moved.records.items()))), name="other")
    assert fingerprint(data) == fingerprint(turned)
    assert fingerprint(data, hashes=content_hashes(data)) == fingerprint(data)


@pytest.mark.parametrize(
    "change",
    [
        {"tattoo": "t"},
        {"subject": "s"},
        {"group": "g"},
        {"source": "s"},
        {"style": "tribal"},
        {"media": "sketch"},
        {"role": "train"},
        {"fold": "9"},
        {"box": (1, 2, 3, 4)},
        {"label": "tattoo"},
        {"tags": ("rose",)},
    ],
)
def test_every_truth_counts(tmp_path: Path, change: dict[str, Any]) -> None:
    data = small(tmp_path)
    changed = dict(data.records) | {"p1-1.png": replace(data.records["p1-1.png"], **change)}
    assert fingerprint(replace(data, records=changed)) != fingerprint(data)


@pytest.mark.parametrize("part", ["train", "probes", "gallery", "mates", "train_mates"])
def test_every_list_of_a_fold_counts(tmp_path: Path, part: str) -> None:
    data = small(tmp_path)
    first, *rest = data.folds
    fewer = getattr(first, part)
    fewer = fewer[1:] if isinstance(fewer, tuple) else frozenset(sorted(fewer)[1:])
    change: dict[str, Any] = {part: fewer}
    changed = (replace(first, **change), *rest)
    assert fingerprint(replace(data, folds=changed)) != fingerprint(data)


def test_the_bytes_of_the_images_count(tmp_path: Path) -> None:
    data = small(tmp_path)
    before = fingerprint(data)
    path = data.records["p1-1.png"].path
    path.write_bytes(path.read_bytes() + b"x")
    assert fingerprint(data) != before


def test_records_that_are_not_used_do_not_count(tmp_path: Path) -> None:
    data = small(tmp_path)
    used = [name for name in data.records if name != "g2-2.png"]
    before = fingerprint(data, used)
    picture(data.records["g2-2.png"].path, 99)
    assert fingerprint(data, used) == before
    assert fingerprint(data) != before


def test_neighbouring_values_do_not_run_together(tmp_path: Path) -> None:
    data = small(tmp_path)

    def with_truth(**truth: str) -> str:
        record = replace(data.records["p1-1.png"], tattoo=None, subject=None)
        changed = dict(data.records) | {"p1-1.png": replace(record, **truth)}  # type: ignore[arg-type]
        return fingerprint(replace(data, records=changed))

    assert with_truth(tattoo="ab", subject="c") != with_truth(tattoo="a", subject="bc")
    assert with_truth(tattoo="None") != with_truth()


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    data = small(tmp_path)
    data.records["p1-1.png"].path.unlink()
    data.records["g1-1.png"].path.unlink()
    os.mkfifo(data.records["g1-1.png"].path)
    with pytest.raises(DataError) as caught:
        content_hashes(data)
    assert len(caught.value.problems) == 2
    assert "'p1-1.png' cannot be read" in str(caught.value)
