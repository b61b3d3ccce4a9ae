"""Whatever a library does wrong, its run fails or counts it by name, and the harness goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import run_harness
from tests.plugins.conftest import Build

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hostile")]


class Wrong(NamedTuple):
    """What a library does wrong, and what comes of it.

    Parameters
    ----------
    run
        Said of the run: one of these.
    kit
        Said by the conformance kit; empty where it is not asked, since it has no limits of its own.
    words
        Of the command, where limits are needed that hold for another process only.
    detects
        Whether its detections are well.
    """

    run: str | tuple[str, ...]
    kit: str
    words: tuple[str, ...] = ("--on", "in-process")
    detects: bool = True


OWN = ("--on", "subprocess")
HOSTILE = {
    "crash in search 7": Wrong(
        "failed at 'search': the library was ended in identifyTemplate by SIGSEGV",
        "the library was ended in identifyTemplate by SIGSEGV",
    ),
    "exit": Wrong(
        "the library ended its process in createTemplate with exit code 0",
        "the library ended its process in createTemplate with exit code 0",
    ),
    "loop": Wrong(
        "no sign of life for 4 s in search, so it was stopped", "", (*OWN, "--timeout=4")
    ),
    "leak": Wrong(  # the system or the harness is first to refuse what it asks for
        ("createTemplate threw an exception: std::bad_alloc", "of memory together in"),
        "",
        (*OWN, "--memory-limit=700M"),
    ),
    "3 of 20": Wrong(
        "has 3 candidates and 0 empty places where 20 are asked for",
        "has 3 candidates and 0 empty places where 12 are asked for",
    ),
    "unknown": Wrong(
        "identifyTemplate named a candidate that is not in the manifest: 22",
        "identifyTemplate named a candidate that is not in the manifest: 12",
    ),
    "unsorted": Wrong("is not sorted: rank 2 has the score", "is not sorted: rank 2 has the score"),
    "NaN": Wrong(
        "identifyTemplate gave candidate 1 a score that is no finite number: nan",
        "identifyTemplate gave candidate 1 a score that is no finite number: nan",
        detects=False,
    ),
    "write config": Wrong(
        "createTemplate wrote into a folder that is read-only: {config}/learned", ""
    ),
    "state": Wrong(
        "when it was asked for again apart from the others in another process",
        "a search does not depend on others: searches in another order gave other lists",
    ),
}


def hostile(library: Build, folder: Path, does: str) -> list[str]:
    """Return the words that name the library which does one thing wrong."""
    config = folder / "config"
    config.mkdir()
    (config / "does").write_text(does)
    return [f"tatte:{library('hostile')}", "--param", f"config={config}"]


def a_run(protocols: str, out: Path) -> list[str | Path]:
    """Return the words of a run of one fold, but for its algorithm."""
    return ["run", "--protocol", protocols, "--fold", "1", "--out", out]


@pytest.mark.own_workers
@pytest.mark.parametrize("does", HOSTILE)
def test_a_run_of_a_hostile_library_fails_by_name_and_the_next_one_is_made(
    does: str, library: Build, tmp_path: Path
) -> None:
    wrong = HOSTILE[does]
    words = a_run("mixed-media,detection", tmp_path / "r")
    words += ["--algo", *hostile(library, tmp_path, does), "--param", "candidates=20", *wrong.words]
    found = run_harness(*words)
    assert found.code == 3
    assert "mixed-media / tatte-hostile-001: " in found.err
    named = [wrong.run] if isinstance(wrong.run, str) else wrong.run
    assert any(one.format(config=tmp_path / "config") in found.err for one in named)
    assert "Traceback" not in found.err
    assert not list(tmp_path.glob("r/mixed-media/*/checksums.sha256"))
    assert not list(tmp_path.glob("r/mixed-media/*/metrics.json"))
    assert len(list(tmp_path.glob("r/detection/*/metrics.json"))) == wrong.detects


@pytest.mark.own_workers
@pytest.mark.parametrize("does", [name for name, wrong in HOSTILE.items() if wrong.kit])
def test_the_kit_finds_what_a_hostile_library_does_by_name(
    does: str, library: Build, tmp_path: Path
) -> None:
    found = run_harness("check", *hostile(library, tmp_path, does))
    assert found.code == 3
    assert HOSTILE[does].kit in found.out
    assert "Traceback" not in found.out + found.err
    # What follows is asked all the same, of another process.
    assert "ok    ends when it is told to: goodbye, and exit code 0" in found.out


@pytest.mark.own_workers
def test_the_fence_keeps_a_library_from_its_configuration(library: Build, tmp_path: Path) -> None:
    words = a_run("mixed-media", tmp_path / "r")
    found = run_harness(*words, "--algo", *hostile(library, tmp_path, "write config"))
    assert found.code == 0, found.err
    assert [one.name for one in (tmp_path / "config").iterdir()] == ["does"]


COUNTED = {
    "refuse": ("failed_references", "createTemplate returned RefuseInput"),
    "blank": ("failed_references", "createTemplate returned Success and a template of 0 bytes"),
    "bad template": ("failed_probes", "identifyTemplate returned TemplateFormatError: of another"),
}


@pytest.mark.parametrize("does", COUNTED)
def test_what_a_library_refuses_is_counted_with_its_words(
    does: str, library: Build, tmp_path: Path
) -> None:
    words = a_run("mixed-media", tmp_path / "r")
    asked = hostile(library, tmp_path, does)
    found = run_harness(*words, "--on", "in-process", "--algo", *asked)
    assert found.code == 0, found.err
    (run,) = (file.parent for file in tmp_path.glob("r/mixed-media/*/metrics.json"))
    counts = json.loads((run / "metrics.json").read_text())["counts"]
    what, reason = COUNTED[does]
    total = {"failed_references": "references", "failed_probes": "searches"}[what]
    assert counts[what] == counts[total] > 0
    assert reason in (run / "report.html").read_text()


def test_what_a_library_prints_is_in_the_log_and_changes_no_number(
    library: Build, tmp_path: Path
) -> None:
    numbers = []
    for does in ("nothing wrong", "garbage"):
        folder = tmp_path / does
        folder.mkdir()
        words = a_run("mixed-media", folder / "r")
        asked = hostile(library, folder, does)
        found = run_harness(*words, "--on", "in-process", "--algo", *asked)
        assert found.code == 0, found.err
        (run,) = (file.parent for file in folder.glob("r/mixed-media/*/metrics.json"))
        numbers.append((run / "metrics.json").read_bytes())
        log = (run / "units" / "fold-1" / "worker.log").read_text()
        assert ("loading" in log) == (does == "garbage")
    assert numbers[0] == numbers[1]
