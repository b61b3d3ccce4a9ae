"""Candidate lists of open-set searches made elsewhere: what lies outside a list is a miss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.metrics.verification import fnmr_at_fmr
from harness.scorefiles import export_scores, read_candidates, withhold
from harness.tasks.answers import Answer
from harness.tasks.drawing import draws_of
from harness.tasks.kinds import task_of
from tests.tasks.drawn import answers, dataset, protocol

METRICS = ["fnir@fpir=0.1,rank=1", "open-set-eer@rank=1", "fnir@fpir=0.1,rank=9"]


@pytest.mark.parametrize("form", ["tatt-c", "nist"])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_heads_of_lists_give_fnir_and_fpir(form: str, length: int, tmp_path: Path) -> None:
    asked = protocol("open-set", METRICS, folds={"draws": 3, "unknown": 0.4})
    world = dataset([3] * 10)
    folds = task_of(asked).lay_out(world, asked)
    (path,) = export_scores(tmp_path, folds, answers(folds), form)
    first = 0 if form == "nist" else 1
    separator = " " if form == "nist" else "|"
    kept = [
        line
        for line in path.read_text().splitlines()
        if not (rank := line.split(separator)[1]).isdigit() or int(rank) < first + length
    ]
    path.write_text("".join(f"{line}\n" for line in kept))
    found = read_candidates(path, folds, world.records)
    assert found.depth == length
    outcome = task_of(asked).judge(folds, found.answers, world.records, asked)
    pooled = withhold(outcome, found.depth).metrics.pooled
    # By hand: a mate counts if it leads its draw's part of the list, a stranger's best is its top.
    mates, tops = [], []
    for part, answer in draws_of(zip(folds, found.answers, strict=True)):
        for i, probe in enumerate(part.probes):
            row = answer.scores[i]
            mated = np.array([(probe, r) in part.mates for r in part.gallery])
            if mated.any():
                leads = row[mated].max() > row[~mated].max(initial=-np.inf)
                mates.append(row[mated].max() if leads else -np.inf)
            else:
                assert np.isfinite(row).all()  # at most what stands at the end of the list
                tops.append(row.max())
    expected = fnmr_at_fmr(np.array(mates), np.array(tops), 0.1)
    assert pooled["fnir@fpir=0.1,rank=1"].value == pytest.approx(expected)
    assert pooled["open-set-eer@rank=1"].value is not None
    assert pooled["fnir@fpir=0.1,rank=9"].value is None
    assert withhold(outcome, found.depth).curves.det


def test_a_search_that_rightly_finds_nothing_has_not_failed(tmp_path: Path) -> None:
    asked = protocol("open-set", METRICS[:1], folds={"draws": 1, "unknown": 0.3})
    world = dataset([2] * 6)
    folds = task_of(asked).lay_out(world, asked)
    (fold,) = folds
    stranger = next(p for p in fold.probes if p not in {probe for probe, _ in fold.mates})
    (path,) = export_scores(tmp_path, folds, answers(folds), "nist")
    lines = [line for line in path.read_text().splitlines() if line.split()[0] != stranger]
    nulls = [f"{stranger} {rank} 0 0  0 0" for rank in range(len(fold.gallery))]
    path.write_text("".join(f"{line}\n" for line in [*lines, *nulls]))
    (answer,) = read_candidates(path, folds, world.records).answers
    assert isinstance(answer, Answer)
    assert stranger not in answer.failures
    row = answer.scores[fold.probes.index(stranger)]
    assert np.isfinite(row).all()
    assert row.max() < -1e300
