"""A protocol on a data set: what is asked of whom, with the hashes by which runs are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.data.findings import Finding, once
from harness.data.fingerprints import fingerprint
from harness.data.records import Dataset, Fold
from harness.tasks.answers import Answer
from harness.tasks.elsewhere import ExternalTrainingData
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol
from harness.tasks.results import Outcome


@dataclass(frozen=True)
class ProtocolOnData:
    """A protocol with the data set it is asked on."""

    name: str
    file: Path
    protocol: Protocol
    protocol_hash: str
    dataset: Dataset
    folds: tuple[Fold, ...]
    data_path: str
    elsewhere: ExternalTrainingData | None = None
    leaks: tuple[str, ...] = ()

    def judge(self, answers: Sequence[Answer]) -> Outcome:
        """Compute every number from the answers of the folds.

        Raises
        ------
        DataError
            If truth and answers do not fit.
        """
        protocol = self.protocol
        return task_of(protocol).judge(self.folds, answers, self.dataset.records, protocol)

    @property
    def findings(self) -> list[Finding]:
        """What is odd about the data, each said once."""
        return once(one for one in self.dataset.findings if one.severity == "warning")

    @cached_property
    def names(self) -> list[str]:
        """Every record that the folds touch, sorted."""
        return sorted(
            {
                name
                for fold in self.folds
                for name in (*fold.train, *fold.probes, *fold.pictures_of_references)
            }
        )

    @cached_property
    def data_hash(self) -> str:
        """Hash of the images and the truth that the folds touch.

        What is learned from elsewhere has a hash of its own, so that runs that learned from
        different data can be compared on the same.
        """
        kinds = task_of(self.protocol).truth_files
        learned = frozenset[str]() if self.elsewhere is None else self.elsewhere.images
        names = [name for name in self.names if name not in learned]
        return fingerprint(self.dataset, names, truth_files=kinds)

    @cached_property
    def layout_hash(self) -> str:
        """Hash of the folds that the images were dealt into: who is compared with whom."""
        return hash_of(
            [
                [
                    fold.name,
                    fold.probes,
                    fold.gallery,
                    sorted(fold.mates),
                    sorted(fold.nonmates),
                    sorted(fold.excluded),
                    [(draw.probes, draw.gallery) for draw in fold.draws],
                    *([fold.consolidated] if fold.consolidated else []),
                ]
                for fold in self.folds
            ]
        )

    @cached_property
    def learning_hash(self) -> str:
        """Hash of the images that each fold learns from and of the truth about them.

        Masks and clean captures are hashed with the data.
        """
        truth = task_of(self.protocol).training_truth
        known = [truth(fold, self.dataset.records, self.protocol) for fold in self.folds]
        plain, own = ("identities", "mated", "tattoo", "tags"), ("vocabulary",)
        return hash_of(
            [
                [
                    fold.name,
                    fold.train,
                    {n: each.get(n) for n in (*plain, *own) if n in (*plain, *each)},
                ]
                for fold, each in zip(self.folds, known, strict=True)
            ]
        )


def hash_of(value: Any) -> str:
    """Return the SHA-256 of a plain value, in hexadecimal; the order of keys does not count."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
