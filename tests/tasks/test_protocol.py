"""Protocols are checked before anything slow, and all their faults are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plugins import registry
from harness.tasks.kinds import task_of
from harness.tasks.reading import read_protocol

GOOD = """
version = 1
title = "Mine"
question = "Which?"
task = "identification"
headline = "hit-rate@rank=10"
metrics = ["hit-rate@rank=10", "fnmr@fmr=1e-2"]
[data]
use-case = "mine"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", list(registry.protocols()))
def test_every_built_in_protocol_is_without_fault(name: str) -> None:
    protocol, digest = read_protocol(registry.find_protocol(name))
    assert len(digest) == 64
    assert protocol.headline_id in {str(metric) for metric in protocol.metric_ids}
    assert task_of(protocol).failure_policy


def test_the_five_use_cases_of_tatt_c_are_protocols() -> None:
    five = {"identification", "region", "mixed-media", "similarity", "detection"}
    assert five <= set(registry.protocols())


def test_metric_ids_are_read_in_any_spelling_of_their_numbers(tmp_path: Path) -> None:
    protocol, _ = read_protocol(written(tmp_path, GOOD))
    assert [str(metric) for metric in protocol.metric_ids] == ["hit-rate@rank=10", "fnmr@fmr=0.01"]


def test_a_changed_byte_changes_the_hash_of_a_protocol(tmp_path: Path) -> None:
    _, before = read_protocol(written(tmp_path, GOOD))
    _, after = read_protocol(written(tmp_path, GOOD + "# a comment\n"))
    assert before != after


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = """
    version = "one"
    titel = "Mine"
    question = "Which?"
    task = "identification"
    headline = "hit-rate@rank=5"
    metrics = ["hit-rat@rank=10", "fnmr@fpr=0.1", "map@", "map"]
    [data]
    use-case = "mine"
    mated_by = "group"
    [folds]
    count = 0
    """
    with pytest.raises(UsageError) as caught:
        read_protocol(written(tmp_path, text))
    said = str(caught.value)
    assert "version: Input should be a valid integer" in said
    assert "title: is missing" in said
    assert "titel: no such key. Did you mean 'title'?" in said
    assert "data.mated_by: no such key. Did you mean 'mated-by'?" in said
    assert "folds.count: Input should be greater than or equal to 1, got 0" in said
    assert "no metric 'hit-rat'. Did you mean 'hit-rate'?" in said
    assert "'fnmr@fpr=0.1' should read 'fnmr@fmr=...'" in said
    assert "map@" in said


def test_the_headline_must_be_among_the_metrics(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="headline: is not among the metrics"):
        read_protocol(written(tmp_path, GOOD.replace("rank=10", "rank=1", 1)))


def test_what_is_not_toml_is_said_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "version = \n")
    with pytest.raises(UsageError, match="is not TOML: .*line 1"):
        read_protocol(path)
    assert registry.title_of(path).startswith("cannot be read")


def test_an_unknown_task_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"task: .*'palmistry'.*Known: identification,"):
        read_protocol(written(tmp_path, GOOD.replace('"identification"', '"palmistry"')))
