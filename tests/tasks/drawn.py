"""A small world of identities with images, sources and scores, for the tasks that draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.data.records import Dataset, Fold, Record
from harness.tasks.answers import Answer
from harness.tasks.protocol import Protocol


def protocol(task: str, metrics: list[str], **tables: dict[str, object]) -> Protocol:
    """A protocol of one fold over the whole world."""
    return Protocol.model_validate(
        {
            "version": 1,
            "title": "t",
            "question": "q",
            "task": task,
            "headline": metrics[0],
            "metrics": metrics,
            "data": {"use-case": "u", **tables.get("data", {})},
            "folds": {"count": 1, **tables.get("folds", {})},
        }
    )


def dataset(sizes: list[int], *, photographs: int = 2) -> Dataset:
    """One identity per size, of so many images; every `photographs` of them show one capture."""
    records = {}
    for i, size in enumerate(sizes):
        for k in range(size):
            name = f"t{i:02d}/{k:02d}.png"
            source = f"t{i:02d}-{k // photographs}"
            records[name] = Record(name, Path(name), tattoo=f"t{i:02d}", source=source)
    return Dataset("world", Path(), "csv", records)


def answers(folds: list[Fold], seed: int = 0, failed: tuple[str, ...] = ()) -> list[Answer]:
    """Scores with many ties; failures as a worker leaves them."""
    rng = np.random.default_rng(seed)
    found = []
    for fold in folds:
        scores = np.round(rng.normal(size=(len(fold.probes), len(fold.gallery))), 1)
        for probe, reference in fold.mates:
            scores[fold.probes.index(probe), fold.gallery.index(reference)] += 1
        for i, name in enumerate(fold.probes):
            if name in failed:
                scores[i] = np.nan
        for j, name in enumerate(fold.gallery):
            if name in failed:
                scores[:, j] = np.nan
        found.append(Answer(scores, dict.fromkeys(failed, "dark")))
    return found
