"""Checking a data set: what its files and folds show to be wrong."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from harness.data.findings import SHOWN, Finding, Findings
from harness.data.fingerprints import content_hashes
from harness.data.problems import check
from harness.data.readers.folders import read_folders
from harness.data.records import Dataset, Fold, Record

from .sets import picture


def dataset(root: Path, *names: str, folds: tuple[Fold, ...] = ()) -> Dataset:
    records = {name: Record(name, root / name) for name in names}
    return Dataset("set", root, "csv", records, folds)


def test_what_a_reader_found_is_kept_and_nothing_is_said_twice(tmp_path: Path) -> None:
    before = (Finding("x", "problem", "found before"), Finding("y", "warning", "odd"))
    data = replace(dataset(tmp_path, "a.png"), findings=before)
    once = check(data)
    assert once.problems == (
        "found before",
        f"'a.png' is missing: there is no file {tmp_path / 'a.png'}",
    )
    assert once.warnings == ("odd",)
    assert check(once) == once


def test_only_the_records_in_use_are_looked_at(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    data = dataset(tmp_path, "a.png", "missing.png")
    assert check(data, names=["a.png"]).problems == ()


def test_folders_pipes_and_files_that_are_no_images_are_problems(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello\n")
    said = check(dataset(tmp_path, "folder.png", "pipe.png", "empty.png", "text.png")).problems
    assert said == (
        f"'folder.png' is not a file: {tmp_path / 'folder.png'}",
        f"'pipe.png' is not a file: {tmp_path / 'pipe.png'}",
        "'empty.png' is empty",
        "'text.png' is text, not an image",
    )


def test_a_record_outside_the_root_is_a_problem_and_its_file_is_not_opened(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hello\n")
    root = tmp_path / "set"
    root.mkdir()
    data = Dataset("set", root, "csv", {"a": Record("a", secret)})
    assert check(data).problems == (f"'a' leads out of {root}",)


def test_masks_and_clean_images_are_checked_too(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "mask.png").write_text("hello\n")
    record = Record("a", tmp_path / "a.png", mask=tmp_path / "mask.png")
    assert check(Dataset("set", tmp_path, "csv", {"a": record})).problems == (
        "the mask of 'a' is text, not an image",
    )


def test_folds_that_a_protocol_laid_out_can_be_checked(tmp_path: Path) -> None:
    for name in "abcd":
        picture(tmp_path / name)
    fold = Fold("1", ("a", "d"), ("a", "b"), ("c",), frozenset({("a", "c")}))
    assert check(dataset(tmp_path, *"abcd", folds=(fold,))).problems == (
        "fold 1: 'a' is a probe and in the training set",
        "fold 1: probe 'b' has no mate in it",
    )


def test_one_picture_of_two_tattoos_says_so(tmp_path: Path) -> None:
    picture(tmp_path / "heart" / "1.png", 5)
    picture(tmp_path / "rose" / "1.png", 5)
    assert check(read_folders(tmp_path)).warnings == (
        "'heart/1.png' and 'rose/1.png' are the same picture, byte for byte, yet of tattoos "
        "'heart' and 'rose'",
    )


def test_copies_are_found_from_hashes_made_before(tmp_path: Path) -> None:
    picture(tmp_path / "a", 5)
    picture(tmp_path / "b", 5)
    picture(tmp_path / "c")
    data = dataset(tmp_path, "a", "b", "c")
    hashes = content_hashes(data)
    assert check(data, hashes=hashes) == check(data)
    assert len(check(data).warnings) == 1


def test_a_picture_under_very_many_names_does_not_fill_the_list(tmp_path: Path) -> None:
    names = [f"{n}.png" for n in range(300)]
    for name in names:
        picture(tmp_path / name, 7)
    said = check(dataset(tmp_path, *names)).warnings
    assert len(said) == SHOWN + 1
    assert said[-1].endswith("more like this (the same picture under two names)")


def test_findings_of_one_kind_stand_together_and_are_shortened() -> None:
    findings = Findings()
    for number in range(SHOWN + 1):
        findings.problem("missing files", f"missing {number}")
        findings.problem("odd files", f"odd {number}")
    findings.problem("odd files", "odd, too")
    said = findings.problems
    assert said[: SHOWN + 1] == tuple(f"missing {n}" for n in range(SHOWN + 1))
    assert said[-1] == "... and 2 more like this (odd files)"
    assert findings.warnings == ()
