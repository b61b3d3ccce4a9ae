"""A whole run's scores judged again, and numbers that heads of lists cannot support held back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.data.readers.layouts import open_dataset
from harness.data.records import Dataset, Fold
from harness.scorefiles import (
    Imported,
    export_scores,
    read_candidates,
    read_detections,
    read_scores,
    withhold,
)
from harness.tasks.answers import Answer
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol
from harness.tasks.results import Outcome

PROTOCOLS = Path(__file__).parents[2] / "protocols"


def asked(name: str, root: Path) -> tuple[Protocol, Dataset, list[Fold]]:
    protocol, _ = read_protocol(PROTOCOLS / f"{name}.toml")
    dataset = open_dataset(root, use_case=protocol.data.use_case)
    return protocol, dataset, task_of(protocol).lay_out(dataset, protocol)


def random_answers(folds: list[Fold]) -> list[Answer]:
    rng = np.random.default_rng(5)
    answers = []
    for fold in folds:
        shape = (len(fold.probes), len(fold.gallery)) if fold.gallery else len(fold.probes)
        scores = rng.normal(size=shape)
        scores[1] = np.nan
        answers.append(Answer(scores, {fold.probes[1]: "too dark"}))
    return answers


def judged(protocol: Protocol, dataset: Dataset, folds: list[Fold], found: Imported) -> Outcome:
    outcome: Outcome = task_of(protocol).judge(folds, found.answers, dataset.records, protocol)
    return withhold(outcome, found.depth)


@pytest.mark.parametrize("form", ["csv", "npy", "tatt-c", "nist"])
def test_exported_scores_give_the_numbers_of_the_run(
    form: str, small_set: Path, tmp_path: Path
) -> None:
    protocol, dataset, folds = asked("similarity", small_set)
    answers = random_answers(folds)
    wanted = task_of(protocol).judge(folds, answers, dataset.records, protocol)
    files = export_scores(tmp_path, folds, answers, form)
    read = read_candidates if form in ("tatt-c", "nist") else read_scores
    found = read(files[0] if len(files) == 1 else tmp_path, folds, dataset.records)
    got = judged(protocol, dataset, folds, found)
    assert msgspec.json.encode(got.metrics) == msgspec.json.encode(wanted.metrics)
    assert msgspec.json.encode(got.curves) == msgspec.json.encode(wanted.curves)


def test_exported_detections_give_the_numbers_of_the_run(small_set: Path, tmp_path: Path) -> None:
    protocol, dataset, folds = asked("detection", small_set)
    answers = random_answers(folds)
    wanted = task_of(protocol).judge(folds, answers, dataset.records, protocol)
    (file,) = export_scores(tmp_path, folds, answers, "csv")
    got = judged(protocol, dataset, folds, read_detections(file, folds, dataset.records))
    assert got.metrics == wanted.metrics


def test_heads_of_lists_answer_hit_rates_up_to_their_end_and_nothing_else(
    small_set: Path, tmp_path: Path
) -> None:
    protocol, dataset, folds = asked("similarity", small_set)
    answers = random_answers(folds)
    wanted = task_of(protocol).judge(folds, answers, dataset.records, protocol)
    (file,) = export_scores(tmp_path, folds, answers, "tatt-c")
    lines = file.read_text().splitlines()
    head = tmp_path / "head.txt"
    head.write_text("".join(f"{line}\n" for line in lines if int(line.split("|")[1]) <= 3))
    found = read_candidates(head, folds, dataset.records)
    got = judged(protocol, dataset, folds, found)
    assert found.depth == 3
    for name, estimate in got.metrics.pooled.items():
        if name == "hit-rate@rank=1":
            assert estimate == wanted.metrics.pooled[name]
        else:
            assert estimate.value is None
            assert "not available from lists of 3" in estimate.flags[0]
            assert all(fold.values[name] is None for fold in got.metrics.folds)
    assert got.curves.cmc["hit_rate"] == wanted.curves.cmc["hit_rate"][:3]
    assert got.curves.det == got.curves.distribution == {}
    assert all(search.average_precision is None for search in got.searches)
