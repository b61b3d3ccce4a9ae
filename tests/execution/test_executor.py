"""Algorithms inside the harness: the same scores, and a record that says what did not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from harness.cli.verbs.run import run
from harness.execution.cluster.choosing import HOW, is_known
from harness.execution.executor import EXECUTORS
from tests.conftest import Ran, run_harness, run_process

Command = Callable[..., Ran]
PRINTS = """
@dataclass
class Prints(Matcher):
    \"\"\"Says something.\"\"\"

    def extract(self, image):
        print("seen by nobody")
        return np.asarray(image, dtype=np.float64).mean((0, 1))
"""


def asked(small_set: Path, algorithm: str | Path, *more: str) -> tuple[str | Path, ...]:
    return (
        *("run", "--protocol", "similarity", "--algo", algorithm, "--data", small_set),
        *("--json", *more),
    )


@pytest.mark.slow
@pytest.mark.own_workers
def test_scores_are_those_of_processes_and_both_runs_stay(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    runs = []
    for place in ("subprocess", "in-process", "subprocess", "in-process"):
        ran = harness(*asked(small_set, "colours", "--on", place))
        assert ran.code == 0, ran.err
        runs += ran.json["runs"]
    fenced, inside, again, also = runs
    assert fenced["result_hash"] == inside["result_hash"]
    assert fenced["identity"] == inside["identity"]
    assert fenced["folder"] != inside["folder"]
    assert [again["folder"], also["folder"]] == [fenced["folder"], inside["folder"]]
    assert not again["done"]
    assert not also["done"]
    assert harness("verify", fenced["folder"], inside["folder"]).code == 0


def test_the_record_the_report_and_the_terminal_say_that_nothing_was_kept_from_it(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    ran = harness(*asked(small_set, "colours"))
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["protection"]["processes"] == "inside the harness"
    assert manifest["environments"][0]["environment"]["inside"] is True
    said = "nothing kept it from files"
    for text in (
        (folder / "report.html").read_text(encoding="utf-8"),
        harness("verify", folder).out,
        json.dumps(manifest["findings"]),
    ):
        assert said in text


def test_what_it_prints_goes_to_the_log_and_not_into_the_output(
    harness: Command, small_set: Path, tmp_path: Path, plugin: Callable[[str, str], Path]
) -> None:
    ran = harness(*asked(small_set, plugin("prints", PRINTS)))
    assert ran.code == 0, ran.err
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    logs = [log.read_text(encoding="utf-8") for log in folder.glob("units/*/worker.log")]
    assert any("seen by nobody" in log for log in logs)
    assert "seen by nobody" not in ran.out


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
        ("return None", "extract returned None"),
        ("return np.array([np.nan])", "contains NaN"),
        ("raise SystemExit(3)", "ended its process"),
    ],
)
def test_a_faulty_algorithm_fails_the_run_with_the_sentence_of_a_process(
    harness: Command, small_set: Path, plugin: Callable[[str, str], Path], body: str, said: str
) -> None:
    text = f"@dataclass\nclass Faulty(Matcher):\n    def extract(self, image):\n        {body}\n"
    ran = harness(*asked(small_set, plugin("faulty", text)))
    assert ran.code == 3
    assert said in ran.err


def test_a_helper_that_changed_makes_another_run_with_its_own_scores(
    small_set: Path,
    tmp_path: Path,
    plugin: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = (
        "import beside\n\n@dataclass\nclass Uses(Matcher):\n    def extract(self, image):\n"
        "        return beside.features(image)\n"
    )
    file = plugin("uses", body)
    monkeypatch.syspath_prepend(str(file.parent))
    hashes = []
    for axis in ("(0, 1)", "(1, 2)"):
        helper = file.with_name("beside.py")
        helper.write_text(
            f"import numpy as np\ndef features(image):\n"
            f"    return np.asarray(image, dtype=np.float64).mean({axis}).ravel()\n"
        )
        ran = run_harness(*asked(small_set, file, "--out", str(tmp_path / "runs")))
        assert ran.code == 0, ran.err
        (run,) = ran.json["runs"]
        hashes.append((run["identity"], run["result_hash"]))
    assert len(set(hashes)) == 2
    assert len({identity for identity, _ in hashes}) == 2


def test_there_is_no_other_executor(small_set: Path) -> None:
    ran = run_process(*asked(small_set, "colours", "--on", "moon"))
    assert ran.code == 2
    assert "in-process" in ran.err


def test_the_command_line_offers_every_executor() -> None:
    (offered,) = (option for option in run.params if option.name == "on")
    assert isinstance(offered, click.Option)
    for name in (*EXECUTORS, "dask", "slurm", "pbs"):
        assert name in (offered.help or "")
        assert name in HOW
        assert is_known(name)
