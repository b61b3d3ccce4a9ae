"""Small made runs: scores, mates and records by hand, and the numbers that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.plugins.places import bundled
from harness.record.checks.examined import ExaminedRun
from harness.record.manifest import Manifest
from harness.record.record import Run
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answer
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol
from harness.tasks.results import Metrics
from tests.reporting.conftest import make_manifest

Floats = npt.NDArray[np.float64]


@dataclass
class Made:
    """Folds of searches, each of one probe for each of `count` tattoos among as many references."""

    count: int = 40
    folds: int = 1
    seed: int = 0

    def names(self, fold: int) -> tuple[list[str], list[str]]:
        """Return probes and references of a fold; those of one number are mates."""
        ids = range(self.count)
        return [f"{fold}p{i}" for i in ids], [f"{fold}r{i}" for i in ids]

    def scores(self, shift: float) -> list[Floats]:
        """Return normal scores of each fold, those of mates raised by a shift."""
        rng = np.random.default_rng(self.seed)
        size = (self.count, self.count)
        return [rng.normal(size=size) + shift * np.eye(self.count) for _ in range(self.folds)]

    def records(self, **columns: Mapping[str, str]) -> dict[str, Record]:
        """Return a record for each image, with its tattoo, and columns by name of the image."""
        found = {}
        for fold in range(self.folds):
            for names in self.names(fold):
                for i, name in enumerate(names):
                    facts = {c: values[name] for c, values in columns.items() if name in values}
                    tattoo = f"{fold}t{i}"
                    found[name] = Record(name, Path(f"{name}.png"), tattoo=tattoo, **facts)  # type: ignore[arg-type]
        return found

    def run(
        self,
        scores: Sequence[Floats],
        folder: Path = Path("nowhere"),
        *,
        protocol: str = "identification",
        failures: Sequence[str] = (),
        records: Mapping[str, Record] | None = None,
        train: Mapping[int, Sequence[str]] | None = None,
    ) -> ExaminedRun:
        """Return the run of these scores, judged; what failed has no score."""
        manifest = made_manifest()
        asked = protocol_of(protocol)
        known = dict(records or self.records())
        folds, answers = [], []
        for fold, matrix in enumerate(scores):
            probes, references = self.names(fold)
            learned = tuple((train or {}).get(fold, ()))
            mates = frozenset(zip(probes, references, strict=True))
            said = {n: "too dark" for n in (*probes, *references) if n in failures}
            kept = np.array(matrix)
            kept[[i for i, name in enumerate(probes) if name in said]] = np.nan
            kept[:, [j for j, name in enumerate(references) if name in said]] = np.nan
            nonmates: frozenset[tuple[str, str]] = frozenset()
            if protocol == "verification":
                # All images are compared with one another, of which these pairs count.
                nonmates = frozenset(product(probes, references)) - mates
                kept = np.block([[np.zeros_like(kept), kept], [kept.T, np.zeros_like(kept)]])
                probes = references = [*probes, *references]
            folds.append(
                Fold(
                    *(str(fold), learned, tuple(probes), tuple(references), mates),
                    nonmates=nonmates,
                )
            )
            answers.append(Answer(kept, said))
        run = Run(folder, manifest, asked, folds, known, answers)
        outcome = run.judge()
        manifest.failures = len(outcome.failures)
        return ExaminedRun(folder, asked, manifest, outcome.metrics, outcome.searches, known, run)


def protocol_of(name: str) -> Protocol:
    """Return a protocol of ours."""
    return read_protocol(bundled("protocols") / f"{name}.toml")[0]


def made_manifest() -> Manifest:
    """Return a manifest of somebody's algorithm on data that state nothing of themselves."""
    manifest = make_manifest()
    manifest.dataset = {"name": "made", "layout": "folders", "path": "made"}
    manifest.findings = []
    return manifest


def with_figures(
    run: ExaminedRun, name: str, headline: Estimate, **others: Estimate
) -> ExaminedRun:
    """Return a run whose figures are its headline, and others by the names of their metrics."""
    pooled = {name: headline, **others}
    return replace(run, metrics=Metrics("made", name, {"identities": 100}, pooled, []))
