"""One picture twice in a fold is a problem where it decides the answer, and is said elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.findings import Findings
from harness.data.records import Dataset, Draw, Fold, Record
from harness.tasks.copies import check_compared, copies_of, learned_and_judged

PROBES = tuple(f"p{i}" for i in range(4))
GALLERY = tuple(f"r{i}" for i in range(4))
FOLD = Fold("1", ("t0", "t1"), PROBES, GALLERY, frozenset(zip(PROBES, GALLERY, strict=True)))


def world(folder: Path, same: dict[str, str], **facts: str) -> Dataset:
    """Every picture has bytes of its own, but for those that are copies of another."""
    records = {}
    for name in (*FOLD.train, *PROBES, *GALLERY):
        path = folder / name
        path.write_bytes(same.get(name, name).encode().rjust(8))
        records[name] = Record(name, path, source=facts.get(name))
    return Dataset("world", folder, "csv", records)


def found(dataset: Dataset, fold: Fold) -> list[tuple[str, str]]:
    findings = Findings()
    check_compared(dataset, [fold], copies_of(dataset, dataset.records), findings)
    return [(one.severity, one.text) for one in findings.all]


def test_a_picture_compared_with_itself_is_a_problem(tmp_path: Path) -> None:
    ((severity, text),) = found(world(tmp_path, {"r1": "p1"}), FOLD)
    assert severity == "problem"
    assert "'p1' and 'r1' are the same picture, byte for byte" in text
    # As another's reference, too: a match there would count as false.
    ((severity, _),) = found(world(tmp_path, {"r2": "p1"}), FOLD)
    assert severity == "problem"


@pytest.mark.parametrize(
    "fold",
    [
        replace(FOLD, excluded=frozenset({("p1", "r1")})),
        replace(FOLD, nonmates=frozenset({("p0", "r1")}), mates=frozenset({("p1", "r0")})),
        replace(FOLD, draws=(Draw(("p1",), ("r0",)), Draw(("p0",), ("r1",)))),
        replace(FOLD, probes=("p0", "p2")),
    ],
)
def test_what_does_not_meet_is_not_compared(fold: Fold, tmp_path: Path) -> None:
    assert found(world(tmp_path, {"r1": "p1"}), fold) == []


def test_a_declared_source_and_one_copy_among_very_many_are_only_said(tmp_path: Path) -> None:
    same_source = world(tmp_path, {"r1": "p1"}, p1="shot", r1="shot")
    assert [severity for severity, _ in found(same_source, FOLD)] == ["warning"]
    many = replace(FOLD, probes=(*PROBES, *(f"x{i}" for i in range(200))))
    assert [severity for severity, _ in found(world(tmp_path, {"r1": "p1"}), many)] == ["warning"]


def test_two_records_of_one_file_are_no_copies(tmp_path: Path) -> None:
    dataset = world(tmp_path, {})
    records = {**dataset.records, "r1": replace(dataset.records["r1"], path=tmp_path / "p1")}
    assert copies_of(replace(dataset, records=records), records) == {}


@pytest.mark.parametrize(
    "same",
    [{"r0": "p0"}, {"r3": "p0"}, {"p2": "r1"}, {"r1": "p1", "r2": "p2"}, {"p1": "p0", "r2": "p0"}],
)
def test_whichever_copies_meet_are_all_told(same: dict[str, str], tmp_path: Path) -> None:
    told = found(world(tmp_path, same), FOLD)
    assert {severity for severity, _ in told} == {"problem"}
    for copy in same:
        assert copy == "p1" or any(f"{copy!r}" in text for _, text in told)


@pytest.mark.parametrize("judged", ["p0", "p2", "r1", "r3"])
def test_what_is_learned_from_and_judged_is_told(judged: str, tmp_path: Path) -> None:
    dataset = world(tmp_path, {judged: "t1"})
    (sentence,) = learned_and_judged([FOLD], copies_of(dataset, dataset.records))
    assert f"{judged!r} is judged and is the same picture" in sentence
    assert "'t1', which is learned from" in sentence
    assert learned_and_judged([FOLD], {}) == []
