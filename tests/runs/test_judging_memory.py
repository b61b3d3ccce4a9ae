"""Judging that takes more memory than it was given says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.runs import judging_memory
from harness.runs.judging_memory import JUDGING_MEMORY, judged_in, remark_on_memory
from tests.conftest import run_harness

MB = 10**6


@pytest.mark.parametrize(
    ("memory", "held", "most", "said"),
    [
        (1000, 170, 990, ""),
        (300, 170, 740, "740 MB of memory, and --memory says 300 MB: 170 MB were held"),
        # A notebook held more than libraries before, which is not judging's.
        (1000, 4000, 4600, ""),
        (500, 4000, 4600, "judging took 910 MB of memory, and --memory says 500 MB: 310 MB"),
    ],
)
def test_what_is_beyond_the_memory_given_is_said_with_its_reason(
    memory: int, held: int, most: int, said: str
) -> None:
    found = remark_on_memory(memory * MB, 15_000_000, held * MB, most * MB)
    assert (found is None) == (not said)
    if found is not None:
        assert (found.code, found.severity) == (JUDGING_MEMORY, "warning")
        assert said in found.text
        assert "15,000,000 comparisons" in found.text
    without = remark_on_memory(memory * MB, 0, held * MB, most * MB)
    assert without is None or "of every picture" in without.text


def test_a_peak_from_before_is_not_judging_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging_memory, "held_bytes", lambda: 200 * MB)
    peaks = [900 * MB, 900 * MB, 900 * MB, 950 * MB]
    monkeypatch.setattr(judging_memory, "peak_bytes", lambda: peaks.pop(0))
    with judged_in(100 * MB, 7) as found:
        pass
    assert found == []
    with judged_in(100 * MB, 7) as found:
        pass
    assert [one.code for one in found] == [JUDGING_MEMORY]


@pytest.mark.slow
def test_a_run_says_it_on_the_terminal_and_in_its_record(
    small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks = iter(range(2 * 10**9, 10**10, 10**8))
    monkeypatch.setattr(judging_memory, "peak_bytes", lambda: next(peaks))
    monkeypatch.setattr(judging_memory, "held_bytes", lambda: 10**9)
    words = ("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set)
    ran = run_harness(*words, "--out", tmp_path, "--json")
    assert ran.code == 0, ran.err
    assert "judging took" in ran.err
    manifest = next(iter(tmp_path.glob("*/*/manifest.json"))).read_text()
    assert JUDGING_MEMORY in manifest
