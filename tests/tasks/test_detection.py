"""Judging detections: accuracies, rates at a threshold, and failures that never help."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.data.records import Fold, Record
from harness.tasks.answers import Answer
from harness.tasks.detection import TASK
from harness.tasks.protocol import Protocol
from harness.tasks.results import Outcome

METRICS = ["accuracy", "tattoo-accuracy", "non-tattoo-accuracy", "tpdr@fpdr=0.25", "auc", "eer"]
PROTOCOL = Protocol.model_validate(
    {
        "version": 1,
        "title": "t",
        "question": "q",
        "task": "detection",
        "headline": "accuracy",
        "metrics": METRICS,
        "data": {"use-case": "u"},
    }
)
LABELS = ["tattoo", "tattoo", "tattoo", "tattoo", "non-tattoo", "non-tattoo"]
RECORDS = {f"i{i}": Record(f"i{i}", Path("x"), label=label) for i, label in enumerate(LABELS)}
FOLD = Fold("1", (), tuple(RECORDS))


def judged(scores: list[float], failures: dict[str, str] | None = None) -> Outcome:
    return TASK.judge([FOLD], [Answer(np.array(scores), failures or {})], RECORDS, PROTOCOL)


def values(outcome: Outcome) -> list[float | None]:
    return [outcome.metrics.pooled[name].value for name in METRICS]


def test_the_accuracies_are_those_of_tatt_c() -> None:
    found = values(judged([0.9, 0.5, 0.49, 0.8, 0.1, 0.7]))
    assert found[:3] == [4 / 6, 3 / 4, 1 / 2]
    # Of eight pairs of a tattoo and another image, six are in order.
    assert found[4] == 6 / 8


def test_the_oracle_is_perfect_and_a_constant_is_not() -> None:
    assert values(judged([1, 1, 1, 1, 0, 0])) == [1, 1, 1, 1, 1, 0]
    found = values(judged([0, 0, 0, 0, 0, 0]))
    assert found == [2 / 6, 0, 1, 0, 0.5, 0.5]


def test_a_constant_is_not_better_than_chance() -> None:
    for answer in (0.0, 1.0):
        pooled = judged([answer] * 6).metrics.pooled
        accuracy = pooled["accuracy"]
        assert accuracy.chance == 4 / 6  # always the more common answer
        assert accuracy.value is not None
        assert accuracy.chance_low is not None
        assert accuracy.chance_high is not None
        assert accuracy.chance_low <= accuracy.value <= accuracy.chance_high
        assert pooled["tattoo-accuracy"].chance is None
        assert any(flag.startswith("no level") for flag in pooled["tattoo-accuracy"].flags)


def test_a_perfect_result_is_bounded_by_the_identities_behind_it() -> None:
    pooled = judged([1, 1, 1, 1, 0, 0]).metrics.pooled
    for name, low in (("accuracy", 0.54), ("tpdr@fpdr=0.25", 0.15), ("auc", 0.15)):
        estimate = pooled[name]
        assert estimate.low == pytest.approx(low, abs=0.07), name
        assert estimate.high == 1.0
    # Two images without a tattoo: 1 - 0.025 ** (1 / 2)
    assert pooled["eer"].low == 0.0
    assert pooled["eer"].high == pytest.approx(1 - 0.025**0.5)


@pytest.mark.parametrize("name", list(RECORDS))
def test_refusing_an_image_never_helps(name: str) -> None:
    scores = [0.9, 0.6, 0.2, 0.8, 0.1, 0.7]
    before = judged(scores)
    scores[list(RECORDS).index(name)] = np.nan
    after = judged(scores, {name: "dark"})
    for metric, old, new in zip(METRICS, values(before), values(after), strict=True):
        assert old is not None
        assert new is not None
        assert new >= old if metric == "eer" else new <= old, metric
    assert after.metrics.counts["failed_probes"] == 1
    assert [f.reason for f in after.failures] == ["dark"]


def test_a_folder_of_one_class_has_no_answer_for_the_other() -> None:
    fold = Fold("1", (), ("i0", "i1"))
    outcome = TASK.judge([fold], [Answer(np.array([0.9, 0.8]))], RECORDS, PROTOCOL)
    assert outcome.metrics.pooled["non-tattoo-accuracy"].value is None
    assert outcome.metrics.pooled["tattoo-accuracy"].value == 1


def test_every_image_is_kept_with_its_truth_and_decision() -> None:
    searches = judged([0.9, 0.5, 0.49, 0.8, 0.1, 0.7]).searches
    assert [search.correct for search in searches] == [True, True, False, True, True, False]
    assert [search.truth for search in searches] == LABELS
