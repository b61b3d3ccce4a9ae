"""Judging tags: figures against plain loops, chance against simulation, failures never help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.plugins.places import bundled
from harness.tasks import tagging
from harness.tasks.answers import Answer
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol
from harness.tasks.results import Outcome
from harness.tasks.tagging import TASK, TaggingRules
from tests.tasks.trials_kept import without_trials


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not depend on them; intervals and chance are wide enough here."""
    monkeypatch.setattr(tagging, "RESAMPLES", 60)
    monkeypatch.setattr(tagging, "RANDOM_ANSWERS", 200)


METRICS = [
    "tag-map",
    "f1-micro",
    "f1-macro",
    "precision-micro",
    "recall-micro",
    "precision-macro",
    "recall-macro",
    "tag-credit@more-than=1,per-hit=0.5",
    "tag-credit@more-than=15,per-hit=0.25",
]


def protocol(minimum_use: int = 1, folds: int = 5) -> Protocol:
    return Protocol.model_validate(
        {
            "version": 1,
            "title": "t",
            "question": "q",
            "task": "tagging",
            "headline": "tag-map",
            "metrics": METRICS,
            "data": {"use-case": "u"},
            "rules": TaggingRules.model_validate({"minimum-use": minimum_use}),
            "folds": {"count": folds},
        }
    )


TAGS = {
    "a": "rose flower",
    "b": "rose",
    "c": "skull",
    "d": "",
    "e": "skull rose flower",
    "f": "anchor",
}
RECORDS = {
    name: Record(name, Path("x"), group=f"g-{name}", tags=tuple(tags.split()))
    for name, tags in TAGS.items()
}
FOLD = Fold("1", (), tuple(RECORDS))
WORDS = ["anchor", "flower", "rose", "skull"]
TRUTH = TASK.truth_matrix(FOLD, RECORDS, WORDS)
SCORES = np.random.default_rng(3).random(TRUTH.shape)


def judged(scores: npt.NDArray[Any], failures: dict[str, str] | None = None) -> Outcome:
    return TASK.judge([FOLD], [Answer(scores, failures or {})], RECORDS, protocol())


def value(outcome: Outcome, metric: str) -> float | None:
    return outcome.metrics.pooled[metric].value


def test_the_vocabulary_has_the_tags_that_enough_images_carry_in_alphabetical_order() -> None:
    assert TASK.vocabulary(RECORDS, protocol()) == WORDS
    assert TASK.vocabulary(RECORDS, protocol(minimum_use=2)) == ["flower", "rose", "skull"]
    assert TASK.vocabulary(RECORDS, protocol(minimum_use=3)) == ["rose"]


def test_a_tag_written_twice_on_an_image_is_one_use() -> None:
    twice = {"x": Record("x", Path("x"), tags=("rose", "rose"))}
    with pytest.raises(DataError, match=r"2 images or more; the commonest: rose \(1\)"):
        TASK.vocabulary(twice, protocol(minimum_use=2))


def test_a_data_set_without_tags_is_refused_with_what_to_do() -> None:
    dataset = Dataset("set", Path("/"), "csv", {"x": Record("x", Path("x"))})
    with pytest.raises(DataError, match="no image has any tag. The column 'tags'"):
        TASK.lay_out(dataset, protocol())


def test_the_truth_is_what_the_records_say() -> None:
    assert TRUTH.astype(int).tolist() == [
        [0, 1, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 1, 1, 1],
        [1, 0, 0, 0],
    ]
    fold = Fold("1", ("e", "d"), ("a",))
    assert TASK.training_truth(fold, RECORDS, protocol()) == {"tags": [[1, 2, 3], []]}


def test_folds_of_a_set_without_lists_share_no_group_of_look_alikes() -> None:
    records = {
        f"{group}-{i}": Record(f"{group}-{i}", Path("x"), group=f"g{group}", tags=("rose",))
        for group in range(7)
        for i in range(3)
    }
    folds = TASK.lay_out(Dataset("set", Path("/"), "csv", records), protocol(folds=3))
    assert sorted(name for fold in folds for name in fold.probes) == sorted(records)
    for fold in folds:
        inside = {records[name].group for name in fold.probes}
        assert not inside & {records[name].group for name in fold.train}
        assert set(fold.train) | set(fold.probes) == set(records)


def test_a_set_with_lists_judges_probes_and_references_but_no_background() -> None:
    records = {**RECORDS, "bg": Record("bg", Path("x"), role="background")}
    lists = (Fold("7", ("a", "b"), ("c",), ("d", "c", "bg")),)
    (fold,) = TASK.lay_out(Dataset("set", Path("/"), "tatt-c", records, lists), protocol())
    assert fold == Fold("7", ("a", "b"), ("c", "d"))


def test_every_figure_is_what_plain_loops_give() -> None:
    outcome = judged(SCORES)
    precisions = []
    for scores, truth in zip(SCORES.T, TRUTH.T, strict=True):
        ranked = [t for _, t in sorted(zip(-scores, truth, strict=True))]
        hits = [i for i, carried in enumerate(ranked, start=1) if carried]
        precisions.append(np.mean([k / place for k, place in enumerate(hits, start=1)]))
    assert value(outcome, "tag-map") == pytest.approx(np.mean(precisions))
    given = SCORES >= 0.5
    right = sum(int(g and t) for g, t in zip(given.flat, TRUTH.flat, strict=True))
    assert value(outcome, "precision-micro") == pytest.approx(right / given.sum())
    assert value(outcome, "recall-micro") == pytest.approx(right / TRUTH.sum())
    assert value(outcome, "f1-micro") == pytest.approx(2 * right / (given.sum() + TRUTH.sum()))
    f1 = [2 * (g & t).sum() / (g.sum() + t.sum()) for g, t in zip(given.T, TRUTH.T, strict=True)]
    assert value(outcome, "f1-macro") == pytest.approx(np.mean(f1))
    # With four tags, all are among the six best: each image that carries two or more gets it all.
    assert value(outcome, "tag-credit@more-than=1,per-hit=0.5") == 1
    assert outcome.metrics.pooled["tag-credit@more-than=1,per-hit=0.5"].n == 2
    for figures, precision, share in zip(outcome.metrics.tags, precisions, f1, strict=True):
        assert figures.average_precision == pytest.approx(precision)
        assert figures.f1 == pytest.approx(share)
    assert [(f.tag, f.images) for f in outcome.metrics.tags] == list(
        zip(WORDS, [1, 2, 3, 2], strict=True)
    )


def test_the_credit_of_the_slides_needs_images_with_that_many_tags() -> None:
    words = [f"t{i:02d}" for i in range(38)]
    records = {
        f"i{n}": Record(f"i{n}", Path("x"), group=str(n), tags=tuple(words[:n]))
        for n in (15, 16, 38)
    }
    fold = Fold("1", (), tuple(records))
    scores = np.tile(np.linspace(1, 0, 38), (3, 1))
    scores[1] = scores[1][::-1]  # the six best of the second image are all wrong
    outcome = TASK.judge([fold], [Answer(scores)], records, protocol())
    found = outcome.metrics.pooled["tag-credit@more-than=15,per-hit=0.25"]
    assert (found.value, found.n) == (0.5, 2)
    assert found.chance is not None
    # Six draws of 38 tags, 16 of them right: four hits and more give it all.
    rng = np.random.default_rng(0)
    drawn = [min(1, 0.25 * (rng.permutation(38)[:6] < 16).sum()) for _ in range(20_000)]
    assert found.chance == pytest.approx((1 + np.mean(drawn)) / 2, abs=0.005)
    assert judged(SCORES).metrics.pooled["tag-credit@more-than=15,per-hit=0.25"].flags == [
        "no image carries more than 15 of the 4 tags"
    ]


def test_chance_is_what_random_scores_get(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(11)
    estimates = judged(SCORES).metrics.pooled
    monkeypatch.setattr(tagging, "RESAMPLES", 2)  # only figures are asked for from here on
    monkeypatch.setattr(tagging, "RANDOM_ANSWERS", 2)
    drawn = [judged(rng.random(TRUTH.shape)).metrics.pooled for _ in range(40)]
    for metric in METRICS[:5]:
        values = [float(found[metric].value or 0) for found in drawn]
        chance = estimates[metric].chance
        assert chance is not None
        assert chance == pytest.approx(np.mean(values), abs=4 * np.std(values) / np.sqrt(40))


def test_the_oracle_is_perfect_and_ties_never_help_a_constant() -> None:
    perfect = judged(TRUTH.astype(float))
    assert {value(perfect, metric) for metric in METRICS[:8]} == {1.0}
    flat = judged(np.full(TRUTH.shape, 0.5))
    assert value(flat, "recall-micro") == 1
    assert value(flat, "precision-micro") == pytest.approx(TRUTH.mean())
    constant = flat.metrics.pooled["tag-map"]
    assert constant.value is not None
    assert constant.chance is not None
    assert constant.value < constant.chance


@pytest.mark.parametrize("name", list(RECORDS))
def test_refusing_an_image_never_helps_the_tags_it_carries(name: str) -> None:
    scores = SCORES.copy()
    scores[list(RECORDS).index(name)] = np.nan
    before, after = judged(SCORES), judged(scores, {name: "dark"})
    for old, new in zip(before.metrics.tags, after.metrics.tags, strict=True):
        if old.tag in RECORDS[name].tags:
            assert (new.average_precision or 0) <= (old.average_precision or 0)
            assert (new.recall or 0) <= (old.recall or 0)
    assert after.metrics.counts["failed_probes"] == 1
    assert [failure.reason for failure in after.failures] == ["dark"]
    (search,) = (search for search in after.searches if search.probe == name)
    assert (search.failed, search.candidates) == (True, [])


def test_intervals_are_equal_for_equal_scores_and_hold_the_value() -> None:
    first, again = judged(SCORES), judged(SCORES.copy())
    assert first == again
    for metric in ("tag-map", "f1-micro"):
        found = first.metrics.pooled[metric]
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert found.low <= found.value <= found.high
        assert found.method == "bootstrap of 6 identities"


def test_every_metric_can_be_compared() -> None:
    missing = without_trials([FOLD], [Answer(SCORES)], RECORDS, protocol())
    assert missing == {METRICS[-1]}, "nobody carries so many tags"


def test_one_identity_has_no_interval() -> None:
    records = {n: Record(n, Path("x"), group="g", tags=("rose",)) for n in "ab"}
    outcome = TASK.judge(
        [Fold("1", (), ("a", "b"))], [Answer(np.array([[0.9], [0.1]]))], records, protocol()
    )
    assert (outcome.metrics.pooled["tag-map"].value, outcome.metrics.pooled["tag-map"].low) == (
        1.0,
        None,
    )


def test_every_image_is_kept_with_its_best_tags_and_whether_it_carries_them() -> None:
    search = judged(SCORES).searches[4]
    assert (search.probe, search.truth) == ("e", "flower rose skull")
    assert [c.reference for c in search.candidates] == [WORDS[j] for j in np.argsort(-SCORES[4])]
    assert {c.reference: c.mated for c in search.candidates} == {
        word: word != "anchor" for word in WORDS
    }


def test_scores_for_another_vocabulary_are_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(6, 3\), but 6 images and 4 tags"):
        judged(SCORES[:, :3])


def test_the_shipped_protocol_asks_the_tests_of_the_slides_and_misspelt_rules_are_named(
    tmp_path: Path,
) -> None:
    file = bundled("protocols") / "tagging.toml"
    shipped, _ = read_protocol(file)
    assert TaggingRules.of(shipped).minimum_use == 20
    assert {"tag-credit@more-than=15,per-hit=0.25", "tag-credit@more-than=20,per-hit=0.2"} <= set(
        shipped.metrics
    )
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(file.read_text().replace("minimum-use", "minimum-uses"))
    with pytest.raises(UsageError, match="tagging.minimum-uses: no such key.*minimum-use"):
        read_protocol(wrong)
