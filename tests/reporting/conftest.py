"""A made-up run whose numbers follow from made-up scores, for tests of the report."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from harness.data.records import Record
from harness.plugins.places import bundled
from harness.record.manifest import Manifest, Origin, Step
from harness.reporting import report
from harness.reporting.sections.section import SectionInput
from harness.statistics.estimate import Estimate
from harness.tasks.reading import read_protocol
from harness.tasks.results import (
    Candidate,
    Curves,
    Failure,
    FoldMetrics,
    Judgement,
    Metrics,
    Outcome,
)

Picture = Callable[[str], bytes | None]


def picture_of(name: str) -> bytes | None:
    """Return a simple picture that depends on the name only; names with ``gone`` have none."""
    if "gone" in name:
        return None
    numbers = np.random.default_rng(list(name.encode()))
    width, height = (112, 84) if numbers.random() < 0.5 else (90, 112)
    image = Image.new("RGB", (width, height), tuple(int(v) for v in numbers.integers(150, 230, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        corners = [int(v) for v in numbers.integers(5, 80, 4)]
        box = (min(corners[::2]), min(corners[1::2]), max(corners[::2]) + 9, max(corners[1::2]) + 9)
        draw.ellipse(box, outline=tuple(int(v) for v in numbers.integers(0, 110, 3)), width=4)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return data.getvalue()


def section_input(
    manifest: Manifest,
    outcome: Outcome,
    picture: Picture = picture_of,
    use_case: str = "",
    folder: Path = Path("nowhere"),
    records: Mapping[str, Record] | None = None,
) -> SectionInput:
    """Return what sections are made from, under a bundled protocol that asks the run's question."""
    name = {"identification": "similarity"}.get(outcome.metrics.task, outcome.metrics.task)
    file = bundled("protocols") / f"{name}.toml"
    protocol, _ = read_protocol(file if file.exists() else file.with_name("similarity.toml"))
    data = protocol.data.model_copy(update={"use_case": use_case})
    protocol = protocol.model_copy(update={"data": data})
    return SectionInput(folder, protocol, manifest, outcome, records or {}, picture)


def render(manifest: Manifest, outcome: Outcome, picture: Picture, use_case: str = "") -> str:
    """Return the page of a made-up run."""
    return report.render(section_input(manifest, outcome, picture, use_case))


def make_manifest(task: str = "identification", failures: int = 0) -> Manifest:
    """Return a manifest as a run of the built-in similarity protocol would write it."""
    origin = Origin(
        rule=1,
        protocol="similarity" if task == "identification" else "detection",
        protocol_hash="ab" * 32,
        data_hash="cd" * 32,
        algorithm="triplet" if task == "identification" else "alexnet_svm",
        source_hash="ef" * 32,
        parameters={
            "margin": 0.005,
            "iterations": 40000,
            "seed": 7,
            "flips": True,
            "weights": None,
        },
        weight_hashes={},
        failure_policy="A probe without a template is a miss at every rank.",
        folds=["1", "2", "3", "4", "5"],
    )
    return Manifest(
        format=1,
        identity="0123456789abcdef" * 4,
        origin=origin,
        title="Tattoo similarity" if task == "identification" else "Tattoo detection",
        question="Is a visually similar tattoo on another subject in the gallery?"
        if task == "identification"
        else "Is there a tattoo in the image?",
        reference="NISTIR 8078 (2015), section 3.4",
        task=task,
        abilities=["match"],
        control=False,
        citation="Di and Patel 2016, Deep Tattoo Recognition",
        about="Siamese network with triplet loss on gray 56x46 images",
        dataset={
            "name": "Tatt-C mini",
            "layout": "tatt-c",
            "path": "fixtures/mini",
            "synthetic": "yes",
        },
        counts={"images": 614, "folds": 5, "tattoos": 96},
        versions={
            "python": "3.11.9",
            "tattoo-harness": "0.1.0",
            "numpy": "2.2.1",
            "torch": "2.6.0",
        },
        machine={"system": "Linux", "processor": "x86_64", "cores": "2"},
        git={"commit": "7e4af3a0c0ffee", "dirty": True},
        command="harness run --protocol similarity --algo triplet --data fixtures/mini "
        "--param margin=0.005 --seed 7",
        started="2025-06-01T10:00:00Z",
        finished="2025-06-01T10:04:12Z",
        steps=[
            Step(f"fold-{fold}", step, seconds, items)
            for fold in range(1, 6)
            for step, seconds, items in (
                ("fit", 31.2, 460),
                ("extract", 1.4, 88),
                ("compare", 0.02, 1836),
            )
        ],
        failures=failures,
    )


def make_outcome(failures: int = 4, folds: int = 5, probes: int = 34, gallery: int = 54) -> Outcome:
    """Return the outcome of an identification run, counted from scores drawn at random."""
    numbers = np.random.default_rng(5)
    searches: list[Judgement] = []
    mated, nonmated = [], []
    for fold in range(1, folds + 1):
        for p in range(probes):
            mates = int(numbers.integers(1, 4))
            truth = np.arange(gallery) < mates
            scores = numbers.normal(0.3, 0.12, gallery) + np.where(truth, 0.14, 0.0)
            numbers.shuffle(names := [f"gallery/f{fold}/t{i:03d}.jpg" for i in range(gallery)])
            order = np.argsort(-scores)
            searches.append(
                Judgement(
                    fold=str(fold),
                    probe=f"probe/f{fold}/p{p:03d}.jpg",
                    identity=f"tattoo-{fold}-{p % 20}",
                    rank=1 + int(np.sum(scores[~truth] >= scores[truth].max())),
                    mates=mates,
                    gallery=gallery,
                    average_precision=0.5,
                    score=float(scores[truth].max()),
                    best_nonmate=float(scores[~truth].max()),
                    same_source=p == 3,
                    candidates=[
                        Candidate(names[i], float(scores[i]), bool(truth[i])) for i in order[:20]
                    ],
                )
            )
            mated += list(scores[truth])
            nonmated += list(scores[~truth])
    rank = np.array([s.rank for s in searches])
    n = len(searches)
    hit = [float(np.mean(rank <= r)) for r in range(1, gallery + 1)]
    half = [1.96 * (h * (1 - h) / n) ** 0.5 for h in hit]
    chance = [1 - (1 - r / gallery) ** 2 for r in range(1, gallery + 1)]
    wide = [1.96 * (c * (1 - c) / n) ** 0.5 for c in chance]
    cmc = {
        "rank": [float(r) for r in range(1, gallery + 1)],
        "hit_rate": hit,
        "low": [max(0.0, h - w) for h, w in zip(hit, half, strict=True)],
        "high": [min(1.0, h + w) for h, w in zip(hit, half, strict=True)],
        "chance": chance,
        "chance_low": [max(0.0, c - w) for c, w in zip(chance, wide, strict=True)],
        "chance_high": [min(1.0, c + w) for c, w in zip(chance, wide, strict=True)],
    }
    m, non = np.array(mated), np.array(nonmated)
    edges = np.linspace(min(m.min(), non.min()), max(m.max(), non.max()), 41)
    cuts = np.quantile(non, np.linspace(0, 1, 160))
    fmr = [float(np.mean(non >= t)) for t in cuts]
    fnmr = [float(np.mean(m < t)) for t in cuts]
    cross = int(np.argmin(np.abs(np.array(fmr) - np.array(fnmr))))
    pooled = {
        f"hit-rate@rank={r}": Estimate(
            hit[r - 1],
            cmc["low"][r - 1],
            cmc["high"][r - 1],
            "identities resampled 2,000 times, percentile",
            n,
            chance[r - 1],
            cmc["chance_low"][r - 1],
            cmc["chance_high"][r - 1],
            hit[r - 1],
            0.041,
        )
        for r in (1, 10, 20, 30)
    }
    pooled["map"] = Estimate(0.312, 0.271, 0.355, "identities resampled 2,000 times, percentile", n)
    pooled["eer"] = Estimate((fmr[cross] + fnmr[cross]) / 2, None, None, "", len(mated))
    pooled["fnmr@fmr=1e-3"] = Estimate(
        0.94,
        0.91,
        0.97,
        "Wilson",
        len(mated),
        0.999,
        flags=["9 false matches at this threshold: fewer than 30"],
    )
    pooled["fnir@fpir=0.01,rank=1"] = Estimate(None, flags=["no searches without a mate"])
    counts = {
        "identities": 20 * folds,
        "searches": n,
        "mated": len(mated),
        "nonmated": len(nonmated),
        "failures": failures,
    }
    per_fold = [
        FoldMetrics(
            str(f),
            {"searches": probes, "mated": len(mated) // folds, "failures": 0},
            {
                key: None if e.value is None else float(np.clip(e.value + 0.03 * (f - 3), 0, 1))
                for key, e in pooled.items()
            },
        )
        for f in range(1, folds + 1)
    ]
    return Outcome(
        Metrics("identification", "hit-rate@rank=10", counts, pooled, per_fold),
        Curves(
            cmc,
            {"fmr": fmr, "fnmr": fnmr},
            {
                "low": [float(v) for v in edges[:-1]],
                "high": [float(v) for v in edges[1:]],
                "mated": [float(v) for v in np.histogram(m, edges)[0] / len(m)],
                "nonmated": [float(v) for v in np.histogram(non, edges)[0] / len(non)],
            },
        ),
        searches,
        [
            Failure(str(1 + i % folds), f"probe/bad{i:03d}.jpg", "probe", "no keypoints found")
            for i in range(failures)
        ],
    )


def make_detection() -> Outcome:
    """Return the outcome of a detection run."""
    numbers = np.random.default_rng(11)
    searches = []
    for i in range(240):
        truth = "tattoo" if i % 2 else "non-tattoo"
        score = float(numbers.normal(1.0 if i % 2 else -1.0, 0.8))
        searches.append(
            Judgement(
                fold=str(1 + i % 5),
                probe=f"images/{truth}{i:03d}.jpg",
                identity="",
                score=score,
                truth=truth,
                correct=(score >= 0) == (truth == "tattoo"),
            )
        )
    yes = np.array([s.score for s in searches if s.truth == "tattoo"])
    no = np.array([s.score for s in searches if s.truth != "tattoo"])
    edges = np.linspace(-4, 4, 33)
    cuts = np.linspace(-4, 4, 81)
    accuracy = float(np.mean([bool(s.correct) for s in searches]))
    pooled = {
        "accuracy": Estimate(accuracy, 0.85, 0.93, "Wilson", 240, 0.5, 0.44, 0.56, accuracy, 0.02),
        "tattoo-accuracy": Estimate(0.9, 0.83, 0.94, "Wilson", 120),
        "non-tattoo-accuracy": Estimate(0.89, 0.82, 0.94, "Wilson", 120),
        "tpdr@fpdr=0.01": Estimate(0.6, 0.51, 0.68, "Wilson", 120, flags=["1 false detection"]),
    }
    return Outcome(
        Metrics(
            "detection", "accuracy", {"tattoo": 120, "non-tattoo": 120, "failures": 0}, pooled, []
        ),
        Curves(
            {},
            {
                "fmr": [float(np.mean(no >= t)) for t in cuts],
                "fnmr": [float(np.mean(yes < t)) for t in cuts],
            },
            {
                "low": [float(v) for v in edges[:-1]],
                "high": [float(v) for v in edges[1:]],
                "mated": [float(v) for v in np.histogram(yes, edges)[0] / len(yes)],
                "nonmated": [float(v) for v in np.histogram(no, edges)[0] / len(no)],
            },
        ),
        searches,
        [],
    )


@pytest.fixture
def manifest() -> Manifest:
    """Give a manifest that a test may change."""
    return make_manifest()


@pytest.fixture
def outcome() -> Outcome:
    """Give an outcome that a test may change."""
    return make_outcome()


@pytest.fixture
def detection() -> Outcome:
    """Give the outcome of a detection run."""
    return make_detection()


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Give a source of pictures."""
    return picture_of
