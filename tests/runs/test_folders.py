"""One recipe has a folder for each environment; with a changed file it is another recipe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.execution.storage import STEP_FILE
from harness.execution.unit import SCORES
from harness.plugins.registry import Plugin
from harness.runs.folders import loaded_by
from tests.conftest import Ran, run_harness

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

WriteFile = Callable[[str, str], Path]

USES_A_MODULE = '''
import sys
sys.path.insert(0, os.path.dirname(__file__))
from beside_it import embed


@dataclass
class Uses(Matcher):
    """Uses a module beside it."""

    def extract(self, image):
        return embed(image)
'''

READS_LATE = '''
@dataclass
class Reads(Matcher):
    """Reads a file beside it while it works, under a name that does not stand in its text."""

    def extract(self, image):
        path = os.path.join(os.path.dirname(__file__), "".join(["late", ".", "txt"]))
        return image.mean(axis=(0, 1)) * np.loadtxt(path)
'''

NAMES_ONE = '''
@dataclass
class Names(Matcher):
    """Lets compiled code read a file, whose name stands in the text."""

    def extract(self, image):
        path = os.path.join(os.path.dirname(__file__), "late.txt")
        number = os.open(path, os.O_RDONLY)
        os.close(number)
        return image.mean(axis=(0, 1))
'''

GOOD = "def embed(image):\n    return image.mean(axis=(0, 1))\n"
BAD = "def embed(image):\n    return image[0, 0] * 1.0\n"


def run(algorithm: Path, data: Path, out: Path, *more: str, **variables: str) -> Ran:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        return run_harness(
            *("run", "--protocol", "similarity", "--algo", str(algorithm), "--json"),
            *("--data", str(data), "--out", str(out), "--fold", "1", *more),
        )
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def only(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    (one,) = ran.json["runs"]
    found: dict[str, Any] = one
    return found


def manifest_in(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text())
    return found


@pytest.mark.parametrize(
    ("body", "file", "before", "after"),
    [
        (USES_A_MODULE, "beside_it.py", GOOD, BAD),
        (READS_LATE, "late.txt", "1 1 1\n", "1 0 0\n"),
        (NAMES_ONE, "late.txt", "1 1 1\n", "1 0 0\n"),
    ],
)
def test_a_changed_file_beside_an_algorithm_is_another_run_and_the_old_one_stays(
    small_set: Path,
    tmp_path: Path,
    plugin: WriteFile,
    body: str,
    file: str,
    before: str,
    after: str,
) -> None:
    path = plugin("uses", body)
    helper = path.with_name(file)
    helper.write_text(before)
    out = tmp_path / "runs"
    first = only(run(path, small_set, out))
    assert manifest_in(first["folder"])["loaded"].keys() == {file}
    assert only(run(path, small_set, out))["kept"] == ["everything"]
    helper.write_text(after)
    second = only(run(path, small_set, out))
    assert second["done"]
    assert second["identity"] != first["identity"]
    assert second["folder"] != first["folder"]
    assert run_harness("verify", first["folder"]).code == 0
    assert run_harness("verify", second["folder"]).code == 0
    helper.write_text(before)
    again = only(run(path, small_set, out))
    assert (again["folder"], again["kept"]) == (first["folder"], ["everything"])


def test_another_file_beside_an_algorithm_changes_nothing(
    small_set: Path, tmp_path: Path, plugin: WriteFile
) -> None:
    path = plugin("uses", USES_A_MODULE)
    path.with_name("beside_it.py").write_text(GOOD)
    out = tmp_path / "runs"
    first = only(run(path, small_set, out))
    path.with_name("notes.txt").write_text("nothing of it")
    plugin("another", "")
    assert only(run(path, small_set, out))["folder"] == first["folder"]


def test_a_unit_that_was_done_with_another_version_of_a_file_is_done_again(
    small_set: Path, tmp_path: Path, plugin: WriteFile
) -> None:
    path = plugin("reads", READS_LATE)
    late = path.with_name("late.txt")
    late.write_text("1 1 1\n")
    out = tmp_path / "runs"
    first = only(run(path, small_set, out))
    result = manifest_in(first["folder"])["result_hash"]
    # As if it had been killed: unfinished, and named as before its files were known.
    folder = Path(first["folder"])
    for name in ("checksums.sha256", "manifest.json"):
        (folder / name).unlink()
    (lock,) = folder.parent.glob(".reads-*.lock")
    folder.rename(folder.with_name(lock.name.removeprefix(".").removesuffix(".lock")))
    late.write_text("1 0 0\n")
    again = only(run(path, small_set, out))
    assert "templates-001" in again["done"]
    assert manifest_in(again["folder"])["result_hash"] != result
    late.write_text("1 1 1\n")
    assert manifest_in(only(run(path, small_set, out))["folder"])["result_hash"] == result


def test_the_same_recipe_with_other_threads_or_kernels_is_a_run_beside_the_first(
    small_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    colours = Path("colours")
    one = only(run(colours, small_set, out))
    two = only(run(colours, small_set, out, "--threads", "2"))
    three = only(run(colours, small_set, out, OPENBLAS_CORETYPE="Nehalem"))
    four = only(run(colours, small_set, out, ATEN_CPU_CAPABILITY="avx2"))
    assert {each["identity"] for each in (two, three, four)} == {one["identity"]}
    folders = [Path(each["folder"]) for each in (one, two, three, four)]
    assert len(set(folders)) == 4
    assert folders[0].name == f"colours-{one['identity'][:10]}"
    for folder in folders[1:]:
        assert folder.name.startswith(f"{folders[0].name}-")
    manifests = [manifest_in(str(folder)) for folder in folders]
    assert len({each["environment_hash"] for each in manifests}) == 4
    assert "--threads 2" in manifests[1]["command"]
    for manifest, setting in (
        (manifests[2], "OPENBLAS_CORETYPE=Nehalem"),
        (manifests[3], "ATEN_CPU_CAPABILITY=avx2"),
    ):
        # Beside those that this machine has for all of its processes.
        settings, _, rest = manifest["command"].partition("harness run ")
        assert setting in settings.split()
        assert rest
    ran = run_harness("leaderboard", out, "--out", tmp_path / "site", "--json")
    (entry,) = ran.json["boards"][0]["entries"]
    assert {fit["folder"] for fit in entry["fits"]} == {str(folder) for folder in folders}
    assert ran.json["left_out"] == []
    for each, more in ((one, ()), (two, ("--threads", "2"))):
        again = only(run(colours, small_set, out, *more))
        assert (again["folder"], again["kept"]) == (each["folder"], ["everything"])


def test_verify_holds_the_result_against_its_hash(small_set: Path, tmp_path: Path) -> None:
    from harness.record.record import seal

    folder = Path(only(run(Path("colours"), small_set, tmp_path / "runs"))["folder"])
    text = manifest_in(str(folder))
    text["result_hash"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(text))
    seal(folder)
    ran = run_harness("verify", folder)
    assert ran.code == 3
    assert "the hash of the result" in ran.out


def test_what_a_killed_worker_left_half_written_tells_nothing_of_a_unit(tmp_path: Path) -> None:
    (tmp_path / SCORES).mkdir()
    (tmp_path / SCORES / STEP_FILE).write_text('{"loaded": {"beside.py": "12"}}')
    (tmp_path / f"{SCORES}.part-0123456789abcdef").mkdir()
    (tmp_path / f"{SCORES}.part-0123456789abcdef" / STEP_FILE).write_text('{"loaded": {"bes')
    plugin = Plugin("mine", tmp_path / "mine.py")
    assert loaded_by([tmp_path], plugin) == {"beside.py": "12"}
