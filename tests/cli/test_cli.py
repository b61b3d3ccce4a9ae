"""The command line, as a user types it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from harness.cli import commands
from harness.cli.group import SECTIONS
from tests.conftest import Ran

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]


def test_run_prints_the_metrics_and_where_the_report_lies(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    ran = harness("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set)
    assert ran.code == 0, ran.err
    assert "similarity / colours: 24 searches, 12 identities, 3 folds, in galleries of 8" in ran.out
    assert "This set cannot answer the question, since galleries hold 8 images" in ran.out
    (line,) = [line for line in ran.out.splitlines() if line.startswith("report")]
    assert (tmp_path / "work" / line.split()[1]).read_text().startswith("<!DOCTYPE html>")
    assert "done in" in ran.err


def test_several_algorithms_and_protocols_run_in_one_call_where_they_fit(
    harness: Command, small_set: Path
) -> None:
    ran = harness(
        *("run", "--protocol", "similarity,detection", "--algo", "colours,hog-svm,oracle"),
        *("--data", small_set, "--json"),
    )
    assert ran.code == 0, ran.err
    told = {run["protocol"]: run["verdict"] for run in ran.json["runs"]}
    assert told["similarity"]["answerable"] is False
    assert told["similarity"]["sentences"][0].startswith("This set cannot answer the question")
    assert told["detection"]["answerable"] is True
    assert {(run["protocol"], run["algorithm"]) for run in ran.json["runs"]} == {
        ("similarity", "colours"),
        ("similarity", "oracle"),
        ("detection", "hog-svm"),
        ("detection", "oracle"),
    }


def test_one_fold_can_be_run_alone(harness: Command, small_set: Path) -> None:
    ran = harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--fold", "2"),
        *("--data", small_set, "--json"),
    )
    assert [fold["name"] for fold in ran.json["runs"][0]["metrics"]["folds"]] == ["2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--protocol", "similarity", "--algo", "colors"), "Did you mean 'colours'?"),
        (("run", "--protocol", "similarty", "--algo", "colours"), "Did you mean 'similarity'?"),
        (("run", "--protocol", "detection", "--algo", "colours"), "needs a Detector"),
        (
            ("run", "--protocol", "similarity", "--algo", "colours", "--param", "cels=2"),
            "no parameter is called 'cels'. Did you mean 'cells'?",
        ),
        (
            ("run", "--protocol", "similarity", "--algo", "colours", "--param", "cells"),
            "--param 'cells' should read NAME=VALUE",
        ),
        (
            ("run", "--protocol", "similarity", "--algo", "colours", "--data", "nowhere"),
            "There is no nowhere",
        ),
        (("rn",), "there is no command 'rn'. Did you mean 'run'?"),
        (("describe", "triplt"), "Did you mean 'triplet'?"),
        (("list", "--plugins", "nowhere"), "nowhere"),
    ],
)
def test_what_a_user_can_fix_is_said_without_a_traceback(
    harness: Command, words: tuple[str, ...], said: str
) -> None:
    ran = harness(*words)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_an_algorithm_that_no_protocol_needs_is_an_error_not_silence(harness: Command) -> None:
    ran = harness("run", "--protocol", "similarity", "--algo", "colours,hog-svm")
    assert ran.code == 2
    assert "hog-svm: none of the protocols similarity needs what it can do" in ran.err


def test_problems_of_a_data_set_are_one_list_before_anything_runs(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    import shutil

    root = tmp_path / "spoilt"
    shutil.copytree(small_set, root)
    (root / "tattoo_similarity/images/f1g0p1.png").unlink()
    with (root / "5-fold/tattoo_similarity/ground_truth.txt").open("a") as file:
        file.write("stranger.png|f1g0r1.png\n")
    ran = harness("run", "--protocol", "similarity", "--algo", "colours", "--data", root)
    assert ran.code == 2
    assert "f1g0p1.png" in ran.err
    assert "stranger.png" in ran.err
    assert not (tmp_path / "work" / "runs").exists()


def test_describe_shows_parameters_with_types_defaults_and_meaning(harness: Command) -> None:
    out = harness("describe", "triplet").out
    assert "abilities  Matcher" in out
    assert "margin: float = " in out
    assert str(Path("algorithms", "siamese")) in out
    assert "Di" in out.split("citation")[1].splitlines()[0]
    assert "preset paper" in out


def test_describe_shows_a_protocol_s_rules(harness: Command) -> None:
    assert 'headline = "hit-rate@rank=10"' in harness("describe", "similarity").out
    assert harness("describe", "similarity", "--json").json["data"]["mated-by"] == "group"


def test_describe_shows_how_a_metric_is_defined(harness: Command) -> None:
    out = harness("describe", "fnmr@fmr=1e-3").out
    assert "metrics.verification:fnmr_at_fmr" in out
    assert "Lowest FNMR over all thresholds" in out


def test_list_names_every_algorithm_and_protocol_with_what_it_can_do(harness: Command) -> None:
    table = harness("list", "--json").json
    abilities = {entry["name"]: entry["abilities"] for entry in table["algorithms"]}
    assert abilities["triplet"] == ["Matcher"]
    assert abilities["hog-svm"] == ["Detector"]
    assert abilities["oracle"] == ["Control"]
    assert all(entry["about"] for entry in table["algorithms"])
    assert {"similarity", "detection"} <= {entry["name"] for entry in table["protocols"]}


def test_new_writes_an_algorithm_that_passes_check_and_runs(
    harness: Command, small_set: Path
) -> None:
    assert harness("new", "algorithm", "my-first").code == 0
    checked = harness("check", "my-first.py")
    assert checked.code == 0, checked.out + checked.err
    assert " 0 failed" in checked.out
    ran = harness("run", "--protocol", "similarity", "--algo", "my-first.py", "--data", small_set)
    assert ran.code == 0, ran.err


def test_check_fails_an_algorithm_that_breaks_the_interface(
    harness: Command, plugin: WriteFile
) -> None:
    path = plugin(
        "dice",
        '@dataclass\nclass Dice(Matcher):\n    """Throws dice."""\n\n'
        "    def extract(self, image):\n        return np.random.default_rng().normal(size=4)\n",
    )
    ran = harness("check", path)
    assert ran.code == 3
    assert "FAIL" in ran.out


def cpu_of(command: list[str]) -> tuple[float, str]:
    """Return the processor time of a command in seconds, and what it says on stderr."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stderr.strip()


@pytest.mark.parametrize(("word", "most"), [("--help", 2), ("list", 8)])
def test_help_and_list_are_quick_and_import_no_framework(word: str, most: float) -> None:
    """Beside Python's own start with some of its library, as machines differ."""
    program = (
        "import sys; sys.argv[1:] = sys.argv[2:]\n"
        "from harness.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = set('torch tensorflow keras cv2 sklearn pandas matplotlib scipy numpy'.split())\n"
        "print('imported:', *sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    library = "import asyncio, email.message, http.client, importlib.metadata, unittest.mock"
    command = [sys.executable, "-c", program, "harness", word]
    cpu_of(command)  # compiles what was not compiled
    turns = [(cpu_of(command), cpu_of([sys.executable, "-c", library])) for _ in range(3)]
    assert {said for (_, said), _ in turns} == {"imported:"}
    ours, pythons = (min(seconds for seconds, _ in side) for side in zip(*turns, strict=True))
    # Alone, half of that: python -m benchmarks --only starting
    assert ours < most * pythons


def test_every_command_and_option_has_a_help_text() -> None:
    for name, command in commands.commands.items():
        assert command.help, name


def test_ctrl_c_ends_the_run_with_130_and_leaves_no_worker(
    plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    import signal
    import time

    path = plugin(
        "sleepy",
        '@dataclass\nclass Sleepy(Matcher):\n    """Sleeps."""\n\n'
        "    def extract(self, image):\n        time.sleep(600)\n",
    )
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "harness", "run", "--protocol", "similarity"),
            *("--algo", str(path), "--data", str(small_set), "--out", str(tmp_path / "runs")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list((tmp_path / "runs").rglob("worker.log")):
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in said


def test_help_names_every_verb_once_in_lines_that_fit_80_columns(harness: Command) -> None:
    shown = [verb for verbs in SECTIONS.values() for verb in verbs]
    assert sorted(shown) == sorted(commands.commands)
    ran = harness("--help")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    for verbs in SECTIONS.values():
        for verb, line in verbs.items():
            assert len(line) <= 55
            assert any(row.split(maxsplit=1) == [verb, line] for row in ran.out.splitlines())


@pytest.mark.parametrize("folds", [(), ("--fold", "1")])
def test_a_control_that_learned_answers_by_what_it_learned_in_one_fold_or_all(
    harness: Command, small_set: Path, folds: tuple[str, ...]
) -> None:
    ran = harness(
        *("run", "--protocol", "detection", "--algo", "majority", "--data", small_set, "--json"),
        *folds,
    )
    assert ran.code == 0, ran.err
    (run,) = ran.json["runs"]
    assert run["metrics"]["pooled"]["accuracy"]["value"] >= 0.5


@pytest.mark.parametrize(
    "name", [name for name, one in commands.commands.items() if isinstance(one, click.Group)]
)
def test_the_help_of_a_group_cuts_no_sentence_and_fits_80_columns(
    harness: Command, name: str
) -> None:
    out = harness(name, "--help").out
    assert "..." not in out.replace("[ARGS]...", "")
    assert max(map(len, out.splitlines())) <= 80
