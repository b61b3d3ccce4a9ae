"""Every metric has an id that prints and parses, and a function that says what it is."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.metrics.entry import Entry
from harness.metrics.ids import Metric
from harness.tasks.catalogue import CATALOGUE, entry_of
from harness.tasks.kinds import KINDS


def example(name: str, entry: Entry) -> str:
    options = ",".join(f"{option}={value}" for option, value in entry.options)
    return f"{name}@{options}" if options else name


@pytest.mark.parametrize(("name", "entry"), CATALOGUE.items())
def test_an_id_prints_and_parses_and_leads_to_a_documented_function(
    name: str, entry: Entry
) -> None:
    metric, found = entry_of(example(name, entry))
    assert found is entry
    assert metric is not None
    assert Metric.parse(str(metric)) == metric
    assert entry_of(str(metric))[0] == metric
    assert "Parameters" in entry.doc()
    assert entry.better in ("higher", "lower", "")
    assert entry.span > 0
    assert entry.guess is None or entry.span == 1


@pytest.mark.parametrize("task", KINDS)
def test_what_a_protocol_may_ask_for_is_in_the_catalogue(task: str) -> None:
    assert set(KINDS[task].metrics) <= set(CATALOGUE)


def test_what_is_not_a_metric_is_said_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="Did you mean 'hit-rate'"):
        entry_of("hitrate@rank=1")
    with pytest.raises(UsageError, match=r"should read 'fnir@fpir=0.01,rank=1'"):
        entry_of("fnir@fpir=0.1")
    with pytest.raises(UsageError, match="should read 'eer'"):
        entry_of("eer@fmr=0.1")
