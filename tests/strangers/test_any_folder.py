"""Whatever a run folder holds, a command ends with a sentence and a code of its own."""

from __future__ import annotations

import os
import random
import resource
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.strangers.commands import Ended, carry_out, try_all
from tests.strangers.mutations import copy_of, mutate
from tests.strangers.whole_runs import write_run

QUICK, MANY = 24, int(os.environ.get("HARNESS_STRANGE_FOLDERS", "250"))
"""Spoiled folders; before a release 1,500 are tried, which takes minutes."""

MEMORY = 1 << 30
"""Bytes by which all of the commands together may make this process grow."""


def attempt(
    bases: Sequence[tuple[Path, Path]], place: Path, count: int, seed: int, commands: int
) -> tuple[int, list[str]]:
    """Return how many commands were carried out, and what is wrong with how some of them ended."""
    tried, faults = 0, []
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        base, good = bases[number % len(bases)]
        work = place / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        strange = copy_of(base, work / "strange")
        said = mutate(strange, rng)
        for ended in try_all(strange, good, work / "out", rng, commands):
            tried += 1
            if ended.fault:
                faults.append(f"{seed}/{number}: {said}: {_words(ended)}: {ended.fault[-800:]}")
    return tried, faults


def _words(ended: Ended) -> str:
    return " ".join(word for word in ended.words if "/" not in word)


def test_commands_on_some_spoiled_folders_end_with_a_sentence_and_a_code(
    made: Path, tmp_path: Path
) -> None:
    bases = [(made / p / "made-0", made / p / "made-1") for p in ("similarity", "detection")]
    tried, faults = attempt(bases, tmp_path, QUICK, 1, 2)
    assert tried >= QUICK
    assert not faults, "\n\n".join(faults)


@pytest.mark.slow
@pytest.mark.long
def test_commands_on_many_spoiled_folders_end_with_a_sentence_and_a_code(
    made: Path, tmp_path: Path
) -> None:
    bases = [(made / p / "made-0", made / p / "made-1") for p in ("similarity", "detection")]
    for protocol in ("tagging", "segmentation"):
        folder = write_run(tmp_path / protocol / "made-0", protocol, short=True)
        bases.append((folder, folder))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tried, faults = attempt(bases, tmp_path, MANY, 2, 1)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert tried >= MANY * 0.9  # a folder that cannot be copied has nothing written into it
    assert not faults, f"{len(faults)} of {tried}:\n\n" + "\n\n".join(faults)
    assert grown < MEMORY


def test_what_a_whole_run_cannot_give_is_no_fault_of_its_folder(made: Path, tmp_path: Path) -> None:
    folder = made / "detection" / "made-0"
    ended = carry_out("export", folder, "--format", "pyeer", "--out", tmp_path / "out")
    assert (ended.code, ended.fault) == (2, "")
    assert "compares no images" in ended.err
