"""The kit of questions: sound ones pass, and each fault is named by the check that finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.conformance.questions import examine_question
from harness.data.records import Dataset, Fold
from harness.runs.preparing import (
    Request,
    judged_by,
)
from harness.statistics.estimate import Estimate
from harness.tasks.identification import Identification
from harness.tasks.kinds import KINDS
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.protocol import Protocol
from harness.tasks.searches import PooledSearches
from tests.conftest import run_harness

Verdicts = dict[str, bool]


def asked(name: str, data: Path) -> ProtocolOnData:
    return judged_by(name, Request((), (name,), data=data))


def verdicts(judged: ProtocolOnData) -> Verdicts:
    return {finding.name: finding.passed for finding in examine_question(judged)}


@pytest.mark.parametrize("name", ["similarity", "detection"])
def test_a_question_of_scores_passes_every_check(name: str, small_set: Path) -> None:
    found = verdicts(asked(name, small_set))
    assert all(found.values())
    assert {"nothing is better than the truth", "chance is what random answers get"} <= found.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["removal", "segmentation", "tagging", "style", "search"])
def test_a_question_of_pictures_or_words_passes_every_check(name: str) -> None:
    judged = judged_by(name, Request((), (name,)))
    few = replace(judged.folds[0], probes=judged.folds[0].probes[:24])
    failed = [f for f in examine_question(replace(judged, folds=(few,))) if not f.passed]
    assert not failed


class Turned(Identification):
    """Calls the worst the best."""

    def estimates(self, whole: PooledSearches, protocol: Protocol) -> dict[str, Estimate]:
        found = super().estimates(whole, protocol)
        for estimate in found.values():
            estimate.value = None if estimate.value is None else 1 - estimate.value
        return found


class Hopeful(Identification):
    """States a level of chance that is none."""

    def estimates(self, whole: PooledSearches, protocol: Protocol) -> dict[str, Estimate]:
        found = super().estimates(whole, protocol)
        for estimate in found.values():
            estimate.chance = estimate.chance_low = estimate.chance_high = 0.999
        return found


class Restless(Identification):
    """Gives other numbers every time."""

    def estimates(self, whole: PooledSearches, protocol: Protocol) -> dict[str, Estimate]:
        found = super().estimates(whole, protocol)
        for estimate in found.values():
            estimate.n += int(np.random.default_rng().integers(1 << 30))
        return found


class Forgetful(Identification):
    """Keeps no trials."""

    def trials_in(self, whole: PooledSearches, metric: Any, protocol: Protocol) -> None:
        return None


class Broken(Identification):
    """Raises."""

    def curves(self, whole: PooledSearches, protocol: Protocol) -> Any:
        raise KeyError("rank")


@pytest.mark.parametrize(
    ("task", "check"),
    [
        (Turned, "nothing is better than the truth"),
        (Hopeful, "chance is what random answers get"),
        (Restless, "equal answers have equal numbers"),
        (Forgetful, "runs can be compared"),
        (Broken, "nothing is better than the truth"),
    ],
)
def test_a_fault_fails_the_check_that_names_it(
    task: Callable[[], Identification],
    check: str,
    small_set: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = asked("similarity", small_set)
    monkeypatch.setitem(KINDS, "identification", task())
    assert verdicts(judged)[check] is False


def test_a_fold_that_learns_from_what_it_judges_is_named(
    small_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Leaking(Identification):
        def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
            folds: Sequence[Fold] = super().lay_out(dataset, protocol)
            return [replace(fold, train=(*fold.train, fold.probes[0])) for fold in folds]

    monkeypatch.setitem(KINDS, "identification", Leaking())
    judged = asked("similarity", small_set)
    (finding,) = [f for f in examine_question(judged) if "kept apart" in f.name]
    assert not finding.passed
    assert "learns from what it judges" in finding.message


def test_the_command_line_prints_them_and_fails_for_a_fault() -> None:
    ran = run_harness("check", "identification")
    assert ran.code == 0, ran.err
    assert "nothing is better than the truth: hit-rate@rank=10 of the truth is 1.0000" in ran.out
