"""The searches of a fold, and of all folds together, as everything that is measured needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.metrics import identification as searching
from harness.results import Candidate, Failure, Search
from harness.tasks.answers import Answer, finite
from harness.tasks.folds import components

CANDIDATES = 50
"""Length of the candidate lists written; the scores of all comparisons are kept as well."""


def truth_matrix(fold: Fold, records: Mapping[str, Record]) -> npt.NDArray[np.bool_]:
    """Return which comparisons are mated: bool, shape (probes, references)."""
    column = {name: j for j, name in enumerate(fold.gallery)}
    row = {name: i for i, name in enumerate(fold.probes)}
    truth = np.zeros((len(fold.probes), len(fold.gallery)), dtype=bool)
    for probe, reference in fold.mates:
        truth[row[probe], column[reference]] = True
    return truth


def searches_of(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
) -> list[FoldSearches]:
    """Return the searches of every fold; identities are what mated pairs connect in any fold."""
    clusters = components(sorted(pair for fold in folds for pair in fold.mates))
    return [
        FoldSearches(fold, answer, records, clusters)
        for fold, answer in zip(folds, answers, strict=True)
    ]


class FoldSearches:
    """One fold's scores with their truth, failures folded in as minus infinity.

    Parameters
    ----------
    fold
        Its lists and mates.
    answer
        Raw scores, shape (probes, references), and failures.
    records
        For the sources of the images.
    clusters
        Identity of every name that has a mate in any fold; other names are their own.

    Attributes
    ----------
    scores, truth
        Shape (probes, references).
    ranks, precision, mates, gallery, probe_clusters
        Of every search, shape (probes,).
    mated, mated_clusters, mated_sources
        Score, identity and whether both show one photograph, of every mated comparison.
    nonmated, nonmated_probe_clusters, nonmated_reference_clusters
        Of every non-mated comparison that took place.
    failed
        Of every image, whether the algorithm gave up on it.
    """

    def __init__(
        self,
        fold: Fold,
        answer: Answer,
        records: Mapping[str, Record],
        clusters: Mapping[str, str],
    ) -> None:
        self.fold, self.answer, self.records = fold, answer, records
        self.failed_probes = np.array([name in answer.failures for name in fold.probes], dtype=bool)
        self.failed_references = np.array(
            [name in answer.failures for name in fold.gallery], dtype=bool
        )
        # One entry for each image of the fold, for the failure-to-enrol rate.
        self.failed = np.array(
            [n in answer.failures for n in dict.fromkeys((*fold.probes, *fold.gallery))], dtype=bool
        )
        self.usable = ~(self.failed_probes[:, None] | self.failed_references[None, :])
        self.scores = np.where(self.usable, answer.scores, -np.inf)
        self.truth = truth_matrix(fold, records)
        self.ranks = searching.mate_ranks(self.scores, self.truth)
        self.precision = searching.average_precision(self.scores, self.truth)
        self.mates = self.truth.sum(axis=1)
        self.gallery = np.full(len(fold.probes), len(fold.gallery))
        self.probe_clusters = np.array([clusters.get(name, name) for name in fold.probes])
        self.reference_clusters = np.array([clusters.get(name, name) for name in fold.gallery])
        rows, columns = np.nonzero(self.truth)
        self.mated = self.scores[rows, columns]
        self.mated_clusters = self.probe_clusters[rows]
        self.mated_sources = np.array(
            [self._same_source(int(i), int(j)) for i, j in zip(rows, columns, strict=True)],
            dtype=np.bool_,
        )
        # A failed comparison can never be a false match, and is not counted as a chance to be one.
        rows, columns = np.nonzero(~self.truth & self.usable)
        self.nonmated = self.scores[rows, columns]
        self.nonmated_probe_clusters = self.probe_clusters[rows]
        self.nonmated_reference_clusters = self.reference_clusters[columns]

    def _same_source(self, row: int, column: int) -> bool:
        probe = self.records[self.fold.probes[row]].source
        return probe is not None and probe == self.records[self.fold.gallery[column]].source

    def counts(self) -> dict[str, int]:
        """Return what is counted in a fold."""
        return {
            "searches": len(self.fold.probes),
            "references": len(self.fold.gallery),
            "training_images": len(self.fold.train),
            "mated_comparisons": len(self.mated),
            "same_source_mated": int(self.mated_sources.sum()),
            "nonmated_comparisons": int((~self.truth).sum()),
            "failed_probes": int(self.failed_probes.sum()),
            "failed_references": int(self.failed_references.sum()),
        }

    def searches(self) -> list[Search]:
        """Return every search with the head of its candidate list."""
        names = np.array(self.fold.gallery)
        by_name = np.argsort(names, kind="stable")
        found = []
        for i, probe in enumerate(self.fold.probes):
            # Ties are listed by name, so that the list does not depend on the gallery's order.
            order = by_name[np.argsort(-self.scores[i][by_name], kind="stable")]
            mate_scores = self.scores[i][self.truth[i]]
            others = self.scores[i][~self.truth[i]]
            mates = np.flatnonzero(self.truth[i])
            best = mates[np.argmax(self.scores[i][mates])] if len(mates) else None
            rank = int(self.ranks[i])
            found.append(
                Search(
                    fold=self.fold.name,
                    probe=probe,
                    identity=str(self.probe_clusters[i]),
                    rank=rank if 0 < rank < searching.MISS else None,
                    mates=len(mates),
                    gallery=len(names),
                    average_precision=finite(self.precision[i]),
                    score=finite(mate_scores.max(initial=-np.inf)),
                    best_nonmate=finite(others.max(initial=-np.inf)),
                    failed=bool(self.failed_probes[i]),
                    same_source=best is not None and self._same_source(i, int(best)),
                    candidates=[
                        Candidate(str(names[j]), finite(self.scores[i, j]), bool(self.truth[i, j]))
                        for j in order[:CANDIDATES]
                    ],
                )
            )
        return found

    def failures(self) -> list[Failure]:
        """List failures once per fold, a name that is probe and reference as a probe."""
        roles = dict.fromkeys(self.fold.gallery, "reference") | dict.fromkeys(
            self.fold.probes, "probe"
        )
        return [
            Failure(self.fold.name, name, roles[name], reason)
            for name, reason in sorted(self.answer.failures.items())
            if name in roles
        ]


class PooledSearches:
    """The folds together: searches pooled, comparisons pooled."""

    def __init__(self, parts: Sequence[FoldSearches]) -> None:
        def join(name: str) -> npt.NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        self.ranks, self.precision = join("ranks"), join("precision")
        self.mates, self.gallery = join("mates"), join("gallery")
        self.mated, self.nonmated = join("mated"), join("nonmated")
        self.failed = join("failed")
        names = np.concatenate(
            [np.concatenate([part.probe_clusters, part.reference_clusters]) for part in parts]
        )
        known = np.unique(names)

        def numbered(name: str) -> npt.NDArray[np.int64]:
            return np.searchsorted(known, join(name)).astype(np.int64)

        self.clusters = numbered("probe_clusters")
        self.mated_clusters = numbered("mated_clusters")
        self.nonmated_probe_clusters = numbered("nonmated_probe_clusters")
        self.nonmated_reference_clusters = numbered("nonmated_reference_clusters")
