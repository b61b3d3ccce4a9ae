"""What two runs are compared by is what their metrics are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from harness.comparing.gate import value_of
from harness.data.records import Fold, Record
from harness.tasks.answers import Answer
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol


def without_trials(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> set[str]:
    """Check that the trials of each metric come to its value; return the metrics without any."""
    task = task_of(protocol)
    judged = task.judge(folds, answers, records, protocol).metrics.pooled
    given = task.trials(folds, answers, records, protocol)
    missing = set()
    for metric in protocol.metric_ids:
        trials, value = given(metric), judged[str(metric)].value
        if trials is None or value is None:
            missing.add(str(metric))
            continue
        assert value_of(trials) == pytest.approx(value, abs=1e-12), metric
    return missing
