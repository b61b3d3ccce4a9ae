"""Style: folds by design, probabilities from scores, and every number against counting by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.tasks import style
from harness.tasks.answers import Answer
from harness.tasks.protocol import Protocol
from harness.tasks.style import StyleRules
from harness.tasks.trials import Values
from tests.tasks.trials_kept import without_trials

STYLES = ["tribal", "fineline", "japanese"]


def protocol(styles: list[str] = STYLES, folds: int = 2) -> Protocol:
    return Protocol.model_validate(
        {
            "version": 1,
            "title": "t",
            "question": "q",
            "task": "style",
            "headline": "top-k-accuracy@k=1",
            "metrics": [
                *("top-k-accuracy@k=1", "top-k-accuracy@k=2", "macro-recall", "brier"),
                *("log-loss", "calibration-error@bins=5"),
            ],
            "data": {"use-case": "x", "background": True},
            "rules": StyleRules(styles=tuple(styles)),
            "folds": {"count": folds},
        }
    )


def records(*rows: tuple[str, str | None, str, str | None]) -> dict[str, Record]:
    """Make records of (name, style, group, role)."""
    return {
        name: Record(name, Path(name), style=own, group=group, role=role)
        for name, own, group, role in rows
    }


def test_folds_share_no_design_and_background_is_only_learned_from() -> None:
    rows = [(f"i{k}", STYLES[k % 3], f"g{k // 2}", "probe") for k in range(12)]
    rows += [("bg", "tribal", "g0", "background"), ("bg2", "tribal", "other", "background")]
    told = records(*rows, ("plain", None, "g1", "probe"), ("oil", "realism", "g2", "probe"))
    folds = style.TASK.lay_out(Dataset("d", Path(), "csv", told), protocol())
    judged = [name for fold in folds for name in fold.probes]
    assert sorted(judged) == sorted(f"i{k}" for k in range(12))
    for fold in folds:
        inside = {told[name].group for name in fold.probes}
        assert not inside & {told[name].group for name in fold.train}
        assert "bg2" in fold.train
        assert ("bg" in fold.train) == ("g0" not in inside)


def test_a_protocol_without_styles_and_a_data_set_without_one_of_them_are_refused() -> None:
    told = records(("a", "tribal", "g", "probe"), ("b", "fineline", "h", "probe"))
    data = Dataset("d", Path(), "csv", told)
    with pytest.raises(UsageError, match="two or more"):
        style.TASK.lay_out(data, protocol(["tribal"]))
    with pytest.raises(DataError, match="no image of style 'japanese'.*fineline, tribal"):
        style.TASK.lay_out(data, protocol())


def test_every_number_is_what_counting_gives() -> None:
    told = records(
        ("a", "tribal", "1", None),
        ("b", "tribal", "2", None),
        ("c", "fineline", "3", None),
        ("d", "japanese", "4", None),
        ("e", "japanese", "5", None),
    )
    fold = Fold("1", (), tuple(told))
    scores = np.array(
        [
            [0.8, 0.1, 0.1],  # right
            [0.4, 0.4, 0.0],  # tied: wrong, but among two
            [0.0, 0.0, 0.0],  # no score at all: a third each, tied
            [0.2, 0.0, 0.6],  # right with 3/4
            [np.nan, np.nan, np.nan],  # failed
        ]
    )
    found = style.TASK.judge([fold], [Answer(scores, {"e": "dark"})], told, protocol())
    value = {key: estimate.value for key, estimate in found.metrics.pooled.items()}
    assert value["top-k-accuracy@k=1"] == pytest.approx(2 / 5)
    assert value["top-k-accuracy@k=2"] == pytest.approx(3 / 5)
    assert value["macro-recall"] == pytest.approx((1 / 2 + 0 + 1 / 2) / 3)
    losses = [-math.log(p) for p in (0.8, 0.5, 1 / 3, 0.75, 1e-6)]
    assert value["log-loss"] == pytest.approx(sum(losses) / 5)
    squares = [0.04 + 0.01 + 0.01, 0.25 + 0.25, 4 / 9 + 2 / 9, 1 / 16 + 1 / 16, 2]
    assert value["brier"] == pytest.approx(sum(squares) / 5)
    assert found.metrics.pooled["top-k-accuracy@k=1"].chance == pytest.approx(2 / 5)
    assert found.metrics.counts["images_of_the_most_common_style"] == 2
    assert found.curves.confusion == {
        "tribal": [1, 1, 0],
        "fineline": [1, 0, 0],
        "japanese": [0, 0, 1],
        "": [0, 0, 1],
    }
    right = {search.probe: search.correct for search in found.searches}
    assert right == {"a": True, "b": False, "c": False, "d": True, "e": False}
    assert [failure.reason for failure in found.failures] == ["dark"]


def test_the_same_answer_for_all_is_never_right_and_the_truth_always() -> None:
    told = records(*[(f"i{k}", STYLES[k % 3], f"g{k}", None) for k in range(9)])
    fold = Fold("1", (), tuple(told))
    truth = style.TASK.truth_matrix(fold, told, STYLES)
    for scores, wanted in ((np.full((9, 3), 0.5), 0.0), (truth.astype(float), 1.0)):
        found = style.TASK.judge([fold], [Answer(scores)], told, protocol())
        assert found.metrics.pooled["top-k-accuracy@k=1"].value == wanted


def test_every_metric_but_the_calibration_error_can_be_compared() -> None:
    told = records(
        ("a", "tribal", "1", None), ("b", "fineline", "2", None), ("c", "japanese", "3", None)
    )
    fold = Fold("1", (), tuple(told))
    answer = Answer(np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.6, 0.3, 0.1]]))
    given = style.TASK.trials([fold], [answer], told, protocol())
    first, second, *_ = protocol().metric_ids
    found = given(first)
    assert isinstance(found, Values)
    assert found.values.tolist() == [1.0, 0.0, 0.0]
    assert len(set(found.identities)) == 3
    again = given(second)
    assert isinstance(again, Values)
    assert again.values.tolist() == [1.0, 1.0, 0.0]
    missing = without_trials([fold], [answer], told, protocol())
    assert {name.partition("@")[0] for name in missing} == {"calibration-error"}
