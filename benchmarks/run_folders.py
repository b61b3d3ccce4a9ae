"""Finished run folders made from drawn numbers: many, cheaply, and sealed like real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.record import record
from harness.record.manifest import Manifest, Origin, Step
from harness.record.searches import encoded
from harness.runs.preparing import RULE
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import wilson
from harness.statistics.likelihood.assessment import Assessment
from harness.tasks.results import (
    Candidate,
    Curves,
    FoldMetrics,
    Judgement,
    Metrics,
)

PROTOCOL = """version = {version}
title = {title}
task = "identification"
headline = "hit-rate@rank=10"

[data]
use-case = "{use_case}"
"""
RANKS = 50


def make_run(
    folder: Path,
    *,
    algorithm: str = "matcher",
    protocol: str = "similarity",
    version: int = 1,
    title: str = "Tattoo similarity",
    use_case: str = "tattoo_similarity",
    data: str = "set",
    skill: float = 0.5,
    parameters: Mapping[str, Any] | None = None,
    source: str = "source",
    control: bool = False,
    finished: str = "2026-01-02T03:04:05+00:00",
    searches: int = 120,
    candidates: int = 3,
    forensic: bool = False,
    seed: int = 0,
    words: str = "",
    **changes: Any,
) -> Path:
    """Write one sealed run folder and return it.

    Parameters
    ----------
    skill
        Probability with which a search finds its mate first; the others draw a rank evenly.
    searches, candidates
        Number of searches, two of each identity, and length of their candidate lists.
    forensic
        Whether it has likelihood ratios.
    seed
        Of the draws: equal seeds give equally hard searches, so that runs can be paired.
    words
        Added to everything that a stranger may have written.
    changes
        Further fields of the manifest.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    hard = rng.random(searches)
    ranks = np.where(hard < skill, 1, 1 + (hard * 7919 % 1 * RANKS).astype(int))
    told = [
        Judgement(
            fold=str(1 + i % 5),
            probe=f"probe{i:05d}{words}.jpg",
            identity=f"tattoo{i // 2:05d}",
            rank=int(ranks[i]),
            mates=1,
            gallery=RANKS,
            average_precision=1 / int(ranks[i]),
            score=0.5,
            best_nonmate=0.4,
            candidates=[
                Candidate(f"reference{j:05d}.jpg", 0.5 - j / 100, j == 0) for j in range(candidates)
            ],
        )
        for i in range(searches)
    ]
    text = PROTOCOL.format(
        version=version, title=msgspec.json.encode(title).decode(), use_case=use_case
    )
    (folder / record.PROTOCOL).write_text(text, encoding="utf-8")
    origin = Origin(
        rule=RULE,
        protocol=protocol,
        protocol_hash=hashlib.sha256(text.encode()).hexdigest(),
        data_hash=hashlib.sha256(data.encode()).hexdigest(),
        algorithm=algorithm,
        source_hash=hashlib.sha256(source.encode()).hexdigest(),
        parameters=dict(parameters or {"seed": 0}),
        weight_hashes={},
        failure_policy=f"A failed probe is a miss.{words}",
        folds=["1", "2", "3", "4", "5"],
    )
    manifest = Manifest(
        format=record.FORMAT,
        identity=record.identity_of(origin),
        origin=origin,
        title=title,
        question=f"Which tattoos look like the probe's?{words}",
        reference="",
        task="identification",
        abilities=["Matcher"],
        control=control,
        citation=f"Somebody, 2020{words}",
        about=f"Compares pictures{words}",
        dataset={"name": f"{data}{words}", "layout": "tatt-c", "path": ".", "synthetic": "true"},
        counts={"images": searches + RANKS},
        versions={"python": "3.11.7"},
        machine={},
        git={"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        command=f"harness run --algo x{words}",
        started=finished,
        finished=finished,
        steps=[Step("fold-1", "templates", 1.5, 100), Step("fold-1", "scores", 0.5, 5000)],
        failures=2,
    )
    for name, value in changes.items():
        setattr(manifest, name, value)
    record.write_manifest(folder, manifest)
    _write(folder / record.METRICS, _metrics(ranks))
    _write(folder / record.CURVES, _curves(ranks, skill))
    (folder / record.SEARCHES).write_bytes(encoded(told))
    if forensic:
        _write(folder / record.FORENSIC, _assessment(skill))
    (folder / record.REPORT).write_text("<!DOCTYPE html><title>report</title>", encoding="utf-8")
    record.seal(folder)
    return folder


def _metrics(ranks: Any) -> Metrics:
    n = len(ranks)
    pooled = {}
    for rank in (1, 10, 20, 30):
        hits = int((ranks <= rank).sum())
        interval, chance = wilson(hits, n), rank / RANKS
        by_chance = wilson(round(chance * n), n)
        pooled[f"hit-rate@rank={rank}"] = Estimate(
            hits / n,
            interval.low,
            interval.high,
            "Wilson",
            n,
            chance,
            by_chance.low,
            by_chance.high,
        )
    pooled["map"] = Estimate(float((1 / ranks).mean()), 0.0, 1.0, "", n)
    pooled["eer"] = Estimate(0.3, 0.25, 0.35, "", n, 0.5, flags=["fewer than 30 errors"])
    counts = {"folds": 5, "searches": n, "identities": n // 2, "mated_comparisons": n}
    folds = [FoldMetrics(str(i), {"searches": n // 5}, {}) for i in range(1, 6)]
    return Metrics("identification", "hit-rate@rank=10", counts, pooled, folds)


def _curves(ranks: Any, skill: float) -> Curves:
    at = np.arange(1, RANKS + 1)
    hit = [(float((ranks <= r).mean())) for r in at]
    fmr = np.geomspace(1e-4, 1, 300)
    cmc = {
        "rank": at.astype(float).tolist(),
        "hit_rate": hit,
        "chance": (at / RANKS).tolist(),
    }
    return Curves(cmc, {"fmr": fmr.tolist(), "fnmr": ((1 - fmr) ** (1 + 9 * skill)).tolist()}, {})


def _assessment(skill: float) -> Assessment:
    at = np.linspace(-3, 3, 60)
    tippett = {
        "log10_lr": at.tolist(),
        "mated": (1 / (1 + np.exp(2 * at - 4 * skill))).tolist(),
        "nonmated": (1 / (1 + np.exp(2 * at + 4 * skill))).tolist(),
    }
    return Assessment("logistic", {}, {}, [], tippett, {}, {})


def _write(path: Path, value: Any) -> None:
    path.write_bytes(msgspec.json.encode(value) + b"\n")
