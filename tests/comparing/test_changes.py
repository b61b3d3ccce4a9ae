"""What two runs do not share, as their records say it: recipe and environment, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.comparing.announcing import markdown
from harness.comparing.changes import changes
from harness.comparing.gate import gate
from harness.comparing.pairing import read_sides
from tests.comparing.conftest import Altered, reversed_order


def between(first: Path, second: Path) -> list[tuple[str, str, str, str]]:
    found = changes(*read_sides([first, second]))
    return [(one.kind, one.what, one.first, one.second) for one in found]


def environments_of(finished: Path, **facts: Any) -> Any:
    """The environments of the run, with other facts of each."""
    found = json.loads((finished / "manifest.json").read_text())["environments"]
    for one in found:
        one["environment"] |= facts
    return found


def test_a_run_has_nothing_that_it_does_not_share_with_itself(finished: Path) -> None:
    assert between(finished, finished) == []
    assert "What changed: nothing that is recorded" in markdown(gate(finished, finished))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"parameters": {"cells": 6, "seed": 0}}, ("recipe", "parameter cells", "4", "6")),
        ({"parameters": {"cells": 4, "seed": 7}}, ("recipe", "seed", "0", "7")),
        ({"source_hash": "ab" * 32}, ("recipe", "source", None, "ab" * 5)),
        ({"weight_hashes": {"model": "cd" * 32}}, ("recipe", "weights model", "", "cd" * 5)),
        (
            {"git": {"commit": "ef" * 20, "dirty": True}},
            ("recipe", "commit", None, f"{'ef' * 5} with changes"),
        ),
    ],
)
def test_what_was_asked_differently_is_named(
    finished: Path, altered: Altered, facts: dict[str, Any], expected: tuple[str | None, ...]
) -> None:
    (found,) = between(finished, altered("other", **facts))
    assert all(want is None or want == got for want, got in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"threads": 64}, ("environment", "threads", None, "64")),
        ({"processor": "a faster one"}, ("environment", "processor", None, "a faster one")),
        ({"libraries": {"numpy": "0.1"}}, ("environment", "version of numpy", None, "0.1")),
        ({"device": "GPU, driver 1"}, ("environment", "device", "", "GPU, driver 1")),
    ],
)
def test_where_it_was_computed_is_named_where_that_differs(
    finished: Path, altered: Altered, facts: dict[str, Any], expected: tuple[str | None, ...]
) -> None:
    other = altered("other", environments=environments_of(finished, **facts))
    found = next(one for one in between(finished, other) if one[1] == expected[1])
    assert all(want is None or want == got for want, got in zip(expected, found, strict=True))


def test_of_instruction_sets_those_of_one_side_alone_are_named(
    finished: Path, altered: Altered
) -> None:
    one = altered("one", environments=environments_of(finished, features=["AVX2", "SSE"]))
    two = altered("two", environments=environments_of(finished, features=["AVX512F", "SSE"]))
    assert ("environment", "instruction sets of one alone", "AVX2", "AVX512F") in between(one, two)


def test_scores_made_elsewhere_have_no_environment_to_differ(
    finished: Path, altered: Altered
) -> None:
    assert between(finished, altered("brought", environments=[])) == []


def test_the_verdict_shows_what_changed_as_text_and_counts_it(
    finished: Path, altered: Altered
) -> None:
    other = altered("other", reversed_order, parameters={"cells": "<b>|@all", "seed": 0})
    found = gate(finished, other)
    assert [one.what for one in found.changes] == ["parameter cells"]
    text = markdown(found)
    assert "<summary>What changed: 1 in the recipe</summary>" in text
    row = next(line for line in text.splitlines() if line.startswith("| parameter cells"))
    assert row.count("|") == 4
    assert "<b>" not in row
    assert "@all" not in row
