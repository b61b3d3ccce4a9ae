"""Judging searches: every figure against one computed the slow way, and against the controls."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.records import Dataset, Fold, Record
from harness.tasks.answers import Answer
from harness.tasks.identification import TASK
from harness.tasks.needs import look_at_mates
from harness.tasks.protocol import Protocol
from harness.tasks.results import Outcome
from tests.conftest import Ran, save_png

METRICS = ["hit-rate@rank=1", "hit-rate@rank=3", "map", "eer", "fnmr@fmr=0.2"]
PROTOCOL = Protocol.model_validate(
    {
        "version": 1,
        "title": "t",
        "question": "q",
        "task": "identification",
        "headline": "hit-rate@rank=3",
        "metrics": METRICS,
        "data": {"use-case": "u"},
    }
)


def world(
    seed: int, *, ties: bool = False, failures: bool = False
) -> tuple[list[Fold], list[Answer], dict[str, Record]]:
    """Random folds with several mates, scores and failures."""
    rng = np.random.default_rng(seed)
    folds, answers, records = [], [], {}
    for k in range(3):
        probes = tuple(f"{k}p{i}" for i in range(int(rng.integers(4, 8))))
        gallery = tuple(f"{k}r{j}" for j in range(int(rng.integers(6, 12))))
        mates = frozenset(
            (probe, gallery[int(j)])
            for probe in probes
            for j in rng.choice(len(gallery), size=int(rng.integers(1, 4)), replace=False)
        )
        scores = rng.normal(size=(len(probes), len(gallery)))
        if ties:
            scores = np.round(scores)
        failed = (
            {name: "dark" for name in (*probes, *gallery) if rng.random() < 0.2} if failures else {}
        )
        for i, probe in enumerate(probes):
            for j, reference in enumerate(gallery):
                if probe in failed or reference in failed:
                    scores[i, j] = np.nan
        folds.append(Fold(str(k), (), probes, gallery, mates))
        answers.append(Answer(scores, failed))
        for name in (*probes, *gallery):
            records[name] = Record(name, Path(name), source=f"s{rng.integers(0, 40)}")
    return folds, answers, records


def slowly(folds: list[Fold], answers: list[Answer]) -> dict[str, float]:
    """The same figures by looking at one comparison after the other."""
    hits: dict[int, list[bool]] = {1: [], 3: []}
    precisions, mated, nonmated = [], [], []
    for fold, answer in zip(folds, answers, strict=True):
        for i, probe in enumerate(fold.probes):
            row = {
                reference: (
                    -math.inf if math.isnan(answer.scores[i, j]) else float(answer.scores[i, j])
                )
                for j, reference in enumerate(fold.gallery)
            }
            mates = [reference for reference in row if (probe, reference) in fold.mates]
            others = [reference for reference in row if reference not in mates]
            mated += [row[mate] for mate in mates]
            nonmated += [row[other] for other in others if row[other] > -math.inf]
            best = max(row[mate] for mate in mates)
            rank = 1 + sum(row[other] >= best for other in others)
            for limit, found in hits.items():
                found.append(best > -math.inf and rank <= limit)
            total = 0.0
            for place, mate in enumerate(sorted(mates, key=lambda m: -row[m]), start=1):
                if row[mate] > -math.inf:
                    total += place / (place + sum(row[other] >= row[mate] for other in others))
            precisions.append(total / len(mates))
    best_fnmr = min(
        sum(score < t for score in mated) / len(mated)
        for t in [*mated, *nonmated, math.inf]
        if t > -math.inf and sum(score >= t for score in nonmated) / len(nonmated) <= 0.2
    )
    return {
        "hit-rate@rank=1": sum(hits[1]) / len(hits[1]),
        "hit-rate@rank=3": sum(hits[3]) / len(hits[3]),
        "map": sum(precisions) / len(precisions),
        "fnmr@fmr=0.2": best_fnmr,
    }


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("ties", "failures"), [(False, False), (True, False), (True, True)])
def test_every_figure_agrees_with_the_slow_way(seed: int, ties: bool, failures: bool) -> None:
    folds, answers, records = world(seed, ties=ties, failures=failures)
    outcome = TASK.judge(folds, answers, records, PROTOCOL)
    for name, value in slowly(folds, answers).items():
        assert outcome.metrics.pooled[name].value == pytest.approx(value, abs=1e-12), name


def judged(score: Any, seed: int = 0) -> Outcome:
    """Judge scores that are a function of the truth."""
    folds, _, records = world(seed)
    answers = [Answer(score(TASK.truth_matrix(fold, records))) for fold in folds]
    return TASK.judge(folds, answers, records, PROTOCOL)


def test_the_oracle_is_perfect() -> None:
    pooled = judged(lambda truth: truth.astype(float)).metrics.pooled
    assert [pooled[name].value for name in METRICS] == [1, 1, 1, 0, 0]


def test_a_constant_gains_nothing_from_its_ties() -> None:
    outcome = judged(lambda truth: np.zeros(truth.shape))
    pooled = outcome.metrics.pooled
    assert pooled["hit-rate@rank=1"].value == 0
    assert pooled["hit-rate@rank=3"].value == 0
    assert pooled["eer"].value == 0.5
    assert pooled["fnmr@fmr=0.2"].value == 1
    assert all(search.rank == 1 + search.gallery - search.mates for search in outcome.searches)


def test_the_chance_row_is_what_all_rankings_get_on_average() -> None:
    folds = [Fold("1", (), ("p",), ("a", "b", "c", "d"), frozenset({("p", "a"), ("p", "c")}))]
    records = {name: Record(name, Path(name)) for name in "pabcd"}
    found: dict[str, list[float]] = {name: [] for name in METRICS[:3]}
    for order in itertools.permutations(range(4)):
        outcome = TASK.judge(folds, [Answer(np.array([order], dtype=float))], records, PROTOCOL)
        for name, values in found.items():
            value = outcome.metrics.pooled[name].value
            assert value is not None
            values.append(value)
    for name, values in found.items():
        assert outcome.metrics.pooled[name].chance == pytest.approx(np.mean(values)), name


def test_an_algorithm_never_gains_by_refusing_images() -> None:
    for seed in range(20):
        folds, answers, records = world(seed, ties=True)
        before = TASK.judge(folds, answers, records, PROTOCOL).metrics.pooled
        refused = [
            Answer(np.where(np.arange(a.scores.shape[0])[:, None] == 0, np.nan, a.scores), {p: "x"})
            for a, p in ((a, f.probes[0]) for f, a in zip(folds, answers, strict=True))
        ]
        after = TASK.judge(folds, refused, records, PROTOCOL).metrics
        for name in METRICS[:3]:
            low, high = after.pooled[name].value, before[name].value
            assert low is not None
            assert high is not None
            assert low <= high, name
        assert after.counts["failed_probes"] == 3


def test_failures_are_listed_once_with_their_reason_and_role() -> None:
    folds, answers, records = world(3, failures=True)
    outcome = TASK.judge(folds, answers, records, PROTOCOL)
    listed = {(f.fold, f.name): f for f in outcome.failures}
    assert len(listed) == sum(len(answer.failures) for answer in answers)
    assert {f.role for f in listed.values()} == {"probe", "reference"}
    assert all(f.reason == "dark" for f in listed.values())


def test_candidates_are_best_first_with_ties_by_name_whatever_the_gallery_s_order() -> None:
    records = {name: Record(name, Path(name)) for name in "pabc"}
    heads = []
    for gallery in (("a", "b", "c"), ("c", "b", "a")):
        fold = Fold("1", (), ("p",), gallery, frozenset({("p", "b")}))
        scores = np.array([[{"a": 1.0, "b": 1.0, "c": 2.0}[name] for name in gallery]])
        (search,) = TASK.judge([fold], [Answer(scores)], records, PROTOCOL).searches
        heads.append([candidate.reference for candidate in search.candidates])
        assert search.rank == 3
    assert heads == [["c", "a", "b"], ["c", "a", "b"]]


def test_mated_comparisons_of_one_source_are_counted_apart() -> None:
    fold = Fold("1", (), ("p", "q"), ("a", "b"), frozenset({("p", "a"), ("q", "b")}))
    sources = {"p": "shot-1", "a": "shot-1", "q": "shot-2", "b": "shot-3"}
    records = {name: Record(name, Path(name), source=s) for name, s in sources.items()}
    outcome = TASK.judge([fold], [Answer(np.eye(2))], records, PROTOCOL)
    assert outcome.metrics.counts["same_source_mated"] == 1
    assert [search.same_source for search in outcome.searches] == [True, False]


def test_folds_have_their_own_figures_with_mean_and_deviation() -> None:
    folds, answers, records = world(5)
    metrics = TASK.judge(folds, answers, records, PROTOCOL).metrics
    values = [fold.values["map"] for fold in metrics.folds]
    assert metrics.pooled["map"].fold_mean == pytest.approx(np.mean(values))  # type: ignore[arg-type]
    assert metrics.pooled["map"].fold_sd == pytest.approx(np.std(values, ddof=1))  # type: ignore[arg-type]
    assert metrics.counts["searches"] == sum(fold.counts["searches"] for fold in metrics.folds)


def test_an_interval_holds_its_value_and_is_never_a_point() -> None:
    for outcome in (judged(lambda t: t.astype(float)), judged(lambda t: np.zeros(t.shape))):
        for name in ("hit-rate@rank=1", "eer", "fnmr@fmr=0.2"):
            estimate = outcome.metrics.pooled[name]
            assert estimate.value is not None
            if estimate.value == 0.5:  # of equal scores: no draw of identities gives another
                assert estimate.low is None
                assert "no interval: every draw of identities gives the same value" in (
                    estimate.flags
                )
                continue
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.low <= estimate.value <= estimate.high
            if estimate.value in (0, 1):
                assert estimate.high > estimate.low, name


def test_training_truth_numbers_identities_and_keeps_listed_pairs() -> None:
    records = {name: Record(name, Path(name)) for name in "abcde"}
    fold = Fold("1", tuple("abcde"), (), train_mates=frozenset({("a", "c"), ("e", "c")}))
    truth = TASK.training_truth(fold, records, PROTOCOL)
    assert truth == {"identities": [0, 1, 0, 2, 0], "mated": [[0, 2], [4, 2]]}


def test_further_metrics_may_be_asked_for() -> None:
    metrics = ["hit-rate@rank=3", "auc", "d-prime", "fte"]
    asked = PROTOCOL.model_copy(update={"metrics": tuple(metrics)})
    folds, answers, records = world(4, failures=True)
    pooled = TASK.judge(folds, answers, records, asked).metrics.pooled
    images = sum(len(fold.probes) + len(fold.gallery) for fold in folds)
    failed = sum(len(answer.failures) for answer in answers)
    assert pooled["fte"].value == failed / images
    assert pooled["fte"].n == images
    assert pooled["fte"].low is not None
    mated, nonmated = [], []
    for fold, answer in zip(folds, answers, strict=True):
        truth = TASK.truth_matrix(fold, records)
        scores = np.where(np.isnan(answer.scores), -np.inf, answer.scores)
        mated += scores[truth].tolist()
        nonmated += scores[~truth & np.isfinite(scores)].tolist()
    wins = [(m > n) + (m == n) / 2 for m in mated for n in nonmated]
    assert pooled["auc"].value == pytest.approx(np.mean(wins))
    known = [score for score in mated if score > -math.inf]
    spread = math.sqrt((np.var(known) + np.var(nonmated)) / 2)
    assert pooled["d-prime"].value == pytest.approx((np.mean(known) - np.mean(nonmated)) / spread)


def test_training_images_keep_the_roles_of_the_folds_that_judge_them() -> None:
    media = ("sketch", "photo", "photo")
    records = {
        f"{tattoo}-{n}.png": Record(
            f"{tattoo}-{n}.png", Path(f"{tattoo}-{n}.png"), tattoo=tattoo, media=medium
        )
        for tattoo in "abcdef"
        for n, medium in enumerate(media)
    }
    records["z.png"] = Record("z.png", Path("z.png"), tattoo="z", role="train")
    asked = PROTOCOL.model_copy(
        update={"folds": PROTOCOL.folds.model_copy(update={"count": 3, "probe_media": ("sketch",)})}
    )
    for fold in TASK.lay_out(Dataset("d", Path(), "csv", records), asked):
        truth = TASK.training_truth(fold, records, asked)
        told = zip(fold.train, truth["probes"], truth["references"], strict=True)
        for name, probe, reference in told:
            assert probe == (name != "z.png" and records[name].media == "sketch")
            assert reference == (name != "z.png" and records[name].media == "photo")


def test_a_training_set_whose_images_have_no_roles_says_none() -> None:
    records = {n: Record(n, Path(n), tattoo=n[0]) for n in ("a1", "a2")}
    assert set(TASK.training_truth(Fold("1", ("a1", "a2"), ()), records, PROTOCOL)) == {
        "identities"
    }


@pytest.mark.parametrize(
    ("roles", "unmated"),
    [
        ({"a": ("probe", "reference"), "b": ("probe", None)}, {"b0"}),
        ({"a": ("probe", "reference"), "b": ("probe", "probe")}, {"b0", "b1"}),
        ({"a": ("probe", "reference"), "b": ("reference", "reference")}, set()),
        ({"a": (None, None), "b": (None, None)}, set()),
    ],
)
def test_declared_probes_without_a_mate_are_kept_to_be_counted(
    roles: dict[str, tuple[str | None, str | None]], unmated: set[str]
) -> None:
    records = {
        f"{tattoo}{n}": Record(f"{tattoo}{n}", Path(f"{tattoo}{n}"), tattoo=tattoo, role=role)
        for tattoo, both in roles.items()
        for n, role in enumerate(both)
        if role is not None or tattoo == "a" or both == (None, None)
    }
    asked = PROTOCOL.model_copy(update={"folds": PROTOCOL.folds.model_copy(update={"count": 1})})
    folds = TASK.lay_out(Dataset("d", Path(), "csv", records), asked)
    assert {name for fold in folds for name in fold.unmated} == unmated
    said = look_at_mates(Dataset("d", Path(), "csv", records), asked, folds).warnings
    assert len(said) == len(unmated)
    assert all("has no mate in it, and is not judged" in sentence for sentence in said)
    scores = [Answer(np.zeros((len(f.probes), len(f.gallery)))) for f in folds]
    counts = TASK.judge(folds, scores, records, asked).metrics.counts
    assert counts.get("probes_without_a_mate", 0) == len(unmated)


def test_probes_without_a_mate_stand_beside_the_searches_and_stay_in_the_record(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    lines = ["image,tattoo,role"]
    for number in range(8):
        for role in ("probe", "reference") if number < 6 else ("probe",):
            save_png(tmp_path / f"{number}{role}.png", rng.integers(0, 256, (16, 16, 3)))
            lines.append(f"{number}{role}.png,t{number},{role}")
    (tmp_path / "set.csv").write_text("\n".join(lines))
    words = ("run", "--protocol", "identification", "--algo", "oracle", "--folds", "2")
    ran = harness(*words, "--data", tmp_path / "set.csv", "--out", tmp_path / "runs")
    assert ran.code == 0, ran.err
    assert "2 probes without a mate are not judged" in ran.out
    assert ran.err.count("has no mate in it, and is not judged") == 2
    (run,) = (tmp_path / "runs" / "identification").glob("oracle-*")
    metrics = (run / "metrics.json").read_bytes()
    assert harness("score", run).code == 0
    assert (run / "metrics.json").read_bytes() == metrics
    assert b'"probes_without_a_mate": 2' in metrics
