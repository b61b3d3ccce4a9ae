"""Whatever an algorithm does, the harness goes on, says what happened and exits with 3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

GOOD = '''
@dataclass
class Good(Matcher):
    """Mean colour."""

    def extract(self, image):
        return image.mean(axis=(0, 1)) - 128
'''


def spoilt(line: str) -> str:
    """A matcher that does something wrong when it makes a template."""
    return GOOD.replace("        return", f"        {line}\n        return").replace("Good", "Bad")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (spoilt("os.kill(os.getpid(), signal.SIGSEGV)"), "SIGSEGV (a crash inside a compiled"),
        (spoilt("os.kill(os.getpid(), signal.SIGKILL)"), "SIGKILL (often the system ending"),
        (spoilt("os._exit(7)"), "exit code 7 without an answer"),
        (spoilt("raise KeyError('iris')"), "extract failed: KeyError: 'iris'"),
        (spoilt("return None"), "extract returned None for f3g2p2.png"),
        (spoilt("return np.array(['a'])"), "is an array of <U1; return a NumPy array of numbers"),
        (spoilt("return image.mean(axis=(0, 1)) * np.nan"), "contains NaN or infinity"),
        (spoilt("image[0, 0] = 0"), "read-only"),
        (
            GOOD + "\n    def extract_batch(self, images):\n        return [np.zeros(3)]\n",
            "1 answers for 32 images",
        ),
        (
            GOOD
            + "\n    def compare(self, probes, references):\n        return np.zeros((1, 2))\n",
            "compare returned shape (1, 2); expected (1, 8)",
        ),
        (
            GOOD
            + "\n    def compare(self, probes, references):\n"
            + "        return np.full((len(probes), len(references)), np.inf)\n",
            "compare returned NaN or infinity for 8 of 8 scores",
        ),
    ],
)
def test_a_bad_algorithm_is_a_failed_run_with_its_reason(
    harness: Command, plugin: WriteFile, small_set: Path, body: str, said: str
) -> None:
    ran = harness(
        "run", "--protocol", "similarity", "--algo", plugin("bad", body), "--data", small_set
    )
    assert ran.code == 3, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert "log: " in ran.err


def test_a_worker_that_hangs_is_stopped(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    ran = harness(
        *("run", "--protocol", "similarity", "--algo", plugin("bad", spoilt("time.sleep(600)"))),
        *("--data", small_set, "--timeout", "1.5"),
    )
    assert ran.code == 3
    assert "no sign of life for 2 s in extract, so it was stopped" in ran.err


def test_the_author_s_own_line_is_quoted(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    path = plugin("bad", spoilt("raise KeyError('iris')"))
    number = path.read_text().splitlines().index("        raise KeyError('iris')") + 1
    ran = harness("run", "--protocol", "similarity", "--algo", path, "--data", small_set)
    assert f"{path}, line {number}" in ran.err
    assert "    raise KeyError('iris')" in ran.err


def test_other_runs_of_the_same_command_go_on(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    bad, good = plugin("bad", spoilt("os._exit(7)")), plugin("good", GOOD)
    ran = harness(
        *("run", "--protocol", "similarity", "--algo", bad, "--algo", good),
        *("--data", small_set, "--json"),
    )
    assert ran.code == 3
    assert [run["algorithm"] for run in ran.json["runs"]] == ["good"]
    assert [run["algorithm"] for run in ran.json["failed"]] == ["bad"]


def test_what_an_algorithm_prints_goes_to_its_log_and_nowhere_else(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    path = plugin("loud", spoilt("print('{\"step\": 5}'); os.write(1, b'raw noise\\n')"))
    ran = harness("run", "--protocol", "similarity", "--algo", path, "--data", small_set, "--json")
    assert ran.code == 0, ran.err
    assert "noise" not in ran.out + ran.err
    logs = (Path(ran.json["runs"][0]["folder"]), "units/templates-001/worker.log")
    place = next(path.parent.parent.glob("work")) / logs[0] / logs[1]
    assert "raw noise" in place.read_text()


def test_images_that_an_algorithm_refuses_are_counted_and_never_dropped(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    path = plugin("picky", spoilt("if image[0, 0, 0] % 5 == 0: raise FailureToEnroll('too <dim>')"))
    ran = harness("run", "--protocol", "similarity", "--algo", path, "--data", small_set, "--json")
    assert ran.code == 0, ran.err
    (run,) = ran.json["runs"]
    counts = run["metrics"]["counts"]
    assert counts["searches"] == 24
    assert counts["failed_probes"] + counts["failed_references"] > 0
    folder = path.parent.parent / "work" / run["folder"]
    reasons = [(folder / f"units/fold-{k}/scores/failures.json").read_text() for k in (1, 2, 3)]
    assert "too <dim>" in "".join(reasons)
    assert "too &lt;dim&gt;" in (folder / "report.html").read_text()
    assert "too <dim>" not in (folder / "report.html").read_text()


def test_a_plugin_that_dies_on_import_is_named_before_anything_runs(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    ran = harness(
        *("run", "--protocol", "similarity", "--data", small_set),
        *("--algo", plugin("deadly", "os._exit(9)\n")),
    )
    assert ran.code == 3
    assert "deadly.py: its import ended the process (exit code 9)" in ran.err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (spoilt("os._exit(0)"), "its examination ended the process (exit code 0)"),
        (spoilt("raise SystemExit(0)"), "ended its process: SystemExit: 0"),
        (GOOD + "os._exit(0)\n", "its import ended the process (exit code 0)"),
        (spoilt("os.kill(os.getppid(), signal.SIGKILL)"), "Operation not permitted"),
    ],
)
def test_an_algorithm_cannot_end_the_check_of_it_as_if_all_were_well(
    harness: Command, plugin: WriteFile, body: str, said: str
) -> None:
    ran = harness("check", plugin("bad", body))
    assert ran.code == 3
    assert said in ran.err + ran.out
    assert "Traceback" not in ran.err
