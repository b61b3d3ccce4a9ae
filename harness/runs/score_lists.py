"""Runs made of scores that carry their own truth: no data set, no protocol of somebody's."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from harness.data.findings import Finding
from harness.data.records import Dataset, Fold, Record
from harness.record.manifest import Import
from harness.runs.importing import ImportedRun, keep, listed_as
from harness.scorefiles.imported import Imported
from harness.scorefiles.lists import ListedScores
from harness.tasks.answers import Answer
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.reading import parse_protocol
from harness.tasks.score_lists import MATED, NONMATED

PROTOCOL = """\
# Scores that carry their own truth; written by `harness score`.
version = 1
title = "Score lists"
question = "How well do these scores tell mated from non-mated comparisons?"
reference = "ISO/IEC 19795-1"
task = "score-lists"
headline = "eer"
metrics = ["eer", "eer-convex-hull", "fnmr@fmr=0.1", "fnmr@fmr=0.01", "fnmr@fmr=0.001"]

[data]
use-case = ""
"""
NAME = "score-lists"


@dataclass(frozen=True)
class _Lists(ProtocolOnData):
    """The question about two lists; their bytes are all the data there is."""

    sha256: str = ""

    @property
    def data_hash(self) -> str:
        """Hash of the files that the scores were read from."""
        return self.sha256


def import_score_lists(
    lists: ListedScores, path: Path, words: list[str], *, out: Path, name: str | None = None
) -> ImportedRun:
    """Judge scores with their own truth and write their run folder.

    Parameters
    ----------
    lists
        Read before.
    path
        File or folder, for the name under which the run is listed.
    words
        Of the command that reads them again, after ``harness score``.
    out
        Where run folders go.
    name
        Under which the run is listed; that of the file unless given.
    """
    judged = _judged(lists, path)
    answers = tuple(Answer(part.values) for part in (lists.mated, lists.nonmated))
    outcome = judged.judge(answers)
    notes = list(lists.notes)
    eer = outcome.metrics.pooled["eer"].value
    if eer is not None and eer > 0.5:
        notes.append(
            f"the equal error rate is {eer:.2f}: mated scores are lower than non-mated ones. "
            "Higher has to mean more alike (write distances as negative numbers); or are the "
            "lists, or the labels, the wrong way round?"
        )
    imported = Imported(answers, lists.forms, lists.sha256, notes=tuple(notes))
    return keep(
        judged,
        imported,
        outcome,
        PROTOCOL.encode(),
        about=f"Scores from {lists.files}, computed elsewhere.",
        imported_as=Import(lists.files, list(lists.forms), None, [], notes),
        command=shlex.join(["harness", "score", *words]),
        out=out,
        listed=listed_as(name, path),
        findings=[Finding("score-files", "warning", note) for note in notes],
    )


def _judged(found: ListedScores, given: Path) -> ProtocolOnData:
    records: dict[str, Record] = {}
    folds = []
    root = (given if given.is_dir() else given.parent).resolve()
    for kind, part in ((MATED, found.mated), (NONMATED, found.nonmated)):
        # The same name for both files is no reason to take their lines for the same.
        lines = [f"{kind}: {place}" for place in part.places]
        folds.append(Fold(name=kind, train=(), probes=tuple(lines)))
        for line, (probe, reference) in zip(lines, part.identities, strict=False):
            records[line] = Record(line, root / given.name, tattoo=probe, group=reference)
    dataset = Dataset(found.files, root, "scores", records)
    return _Lists(
        NAME,
        Path(NAME),
        parse_protocol(PROTOCOL.encode(), NAME),
        hashlib.sha256(PROTOCOL.encode()).hexdigest(),
        dataset,
        tuple(folds),
        str(given),
        sha256=found.sha256,
    )
