"""What changes a finished run changes it whole or not at all, and one harness at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from harness.data.whole_files import write_whole
from harness.errors import RunFailed
from harness.execution.storage import whole
from harness.record.renewing import alone, or_as_before
from tests.conftest import Ran

Command = Callable[..., Ran]


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder that looks like a run."""
    folder = tmp_path / "algorithm-1"
    for name in ("checksums.sha256", "metrics.json", "candidates/1.txt", "units/fold-1/s.npy"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"first {name}")
    return folder


def fill(target: Path) -> None:
    """Write half a step before the disk is full."""
    with whole(target) as part:
        (part / "half").write_text("x")
        raise OSError(28, "No space left on device")


def renew(folder: Path, fault: type[BaseException] | None) -> None:
    """Change some files, remove one, add one, and fail."""
    with or_as_before(folder):
        (folder / "checksums.sha256").unlink()
        write_whole(folder / "metrics.json", "second")
        shutil.rmtree(folder / "candidates")
        write_whole(folder / "report.html", "new")
        if fault is not None:
            raise fault


@pytest.mark.parametrize("fault", [OSError, KeyboardInterrupt, MemoryError, RunFailed])
def test_a_run_is_as_before_where_its_renewal_fails(run: Path, fault: type[BaseException]) -> None:
    before = contents(run)
    with pytest.raises(fault):
        renew(run, fault)
    assert contents(run) == before
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_run_is_as_before_where_files_have_no_second_names(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    before = contents(run)
    with pytest.raises(OSError):  # noqa: PT011 - raised here
        renew(run, OSError)
    assert contents(run) == before


def test_a_renewal_that_succeeds_leaves_nothing_else(run: Path) -> None:
    renew(run, None)
    assert set(contents(run)) == {"metrics.json", "report.html", "units/fold-1/s.npy"}
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_folder_is_one_harness_s_at_a_time(run: Path) -> None:
    with (
        alone(run),
        pytest.raises(RunFailed, match="another harness is at work in .*wait for it"),
        alone(run),
    ):
        pytest.fail("both were let in")
    with alone(run):
        assert run.is_dir()


def test_what_cannot_be_written_is_named_and_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError, match=r"Is a directory: '.*/there'"):
        write_whole(tmp_path / "there", "text")
    with pytest.raises(OSError, match=r"No space left on device: '.*/step'"):
        fill(tmp_path / "step")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.slow
def test_two_harnesses_in_one_folder_do_not_meet(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    words = ("run", "--protocol", "similarity", "--algo", "constant", "--data", small_set, "--json")
    first = harness(*words)
    assert first.code == 0, first.err
    folder = tmp_path / "work" / first.json["runs"][0]["folder"]
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        for command in (words, ("report", folder)):
            second = harness(*command)
            assert second.code == 3
            assert f"another harness is at work in {folder.name}" in second.err.replace(
                f"{folder.parent}{os.sep}", ""
            ).replace("runs/similarity/", "")
    assert harness("report", folder).code == 0
    assert harness("verify", folder).code == 0


FULL = """
set -e
mount -t tmpfs -o size={size} none {place}
say() {{ set +e; "$@" >{out} 2>{err}; echo "code $?"; set -e; tail -n 2 {err}; }}
"""


def confined(tmp_path: Path, size: str, lines: str) -> list[str]:
    """Run commands in a place of their own that has little room; return what they said."""
    place, data = tmp_path / "place", {"out": tmp_path / "out", "err": tmp_path / "err"}
    place.mkdir()
    head = FULL.format(size=size, place=place, **data)
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    tried = subprocess.run(
        ["unshare", *own, "--mount", "sh", "-c", f"mount -t tmpfs none {place}"],
        capture_output=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip("no file system can be mounted here")
    done = subprocess.run(
        ["unshare", *own, "--mount", "sh", "-c", head + lines.format(place=place)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=300,
    )
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def command(small_set: Path) -> str:
    """Words of a command that makes a run in a folder."""
    python = f"{sys.executable} -m harness"
    return f"{python} run --protocol similarity --algo constant --data '{small_set}'"


linux = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("unshare") is None, reason="needs unshare"
)


@linux
@pytest.mark.slow
@pytest.mark.parametrize("size", ["8k", "48k", "128k"])
def test_a_disk_that_fills_up_during_a_run_is_said_and_the_run_goes_on_later(
    tmp_path: Path, command: str, size: str
) -> None:
    said = confined(
        tmp_path,
        size,
        f"say {command} --out {{place}}/runs\n"
        "mount -o remount,size=50M {place}\n"
        f"say {command} --out {{place}}/runs\n"
        "find {place} -name '*.part-*'\n",
    )
    assert said[0] == "code 3"
    assert "No space left on device; make room and give the same command again" in said[1]
    assert "/place/runs" in said[1]
    assert said[2] == "code 0"
    assert "part-" not in "".join(said)


@linux
@pytest.mark.slow
def test_report_and_gate_on_a_full_disk_lose_nothing(tmp_path: Path, command: str) -> None:
    python = f"{sys.executable} -m harness"
    said = confined(
        tmp_path,
        "20M",
        f"{command} --out {{place}}/runs >/dev/null 2>&1\n"
        "run=$(echo {place}/runs/similarity/constant-*)\n"
        "(cat /dev/zero > {place}/fill) 2>/dev/null || true\n"
        f"say {python} report $run\n"
        f"say {python} gate --baseline $run --candidate $run --out {{place}}/gate\n"
        f"say {python} verify $run\n"
        "find {place} -name '*.part-*' -o -name '*.before-*'\n"
        "rm {place}/fill\n"
        f"say {python} report $run\n"
        f"say {python} gate --baseline $run --candidate $run --out {{place}}/gate\n"
        "ls {place}/gate\n",
    )
    assert [line for line in said if line.startswith("code")] == [
        *("code 3", "code 3", "code 0", "code 0", "code 0")
    ]
    full = [line for line in said if "No space left on device; make room and give" in line]
    assert len(full) == 2
    assert "/metrics.json: " in full[0]
    assert "/gate/gate.json: " in full[1]
    assert not [line for line in said if "part-" in line or "before-" in line]
    assert "gate.json" in said


@linux
@pytest.mark.slow
def test_a_place_that_cannot_be_written_is_a_sentence_and_a_code(
    tmp_path: Path, command: str
) -> None:
    python = f"{sys.executable} -m harness"
    said = confined(
        tmp_path,
        "20M",
        f"{command} --out {{place}}/runs >/dev/null 2>&1\n"
        "run=$(echo {place}/runs/similarity/constant-*)\n"
        "mount -o remount,ro {place}\n"
        f"say {command} --out {{place}}/others\n"
        f"say {python} report $run\n"
        f"say {python} gate --baseline $run --candidate $run --out {{place}}/gate\n"
        f"say {python} verify $run\n",
    )
    assert [line for line in said if line.startswith("code")] == [*["code 3"] * 3, "code 0"]
    refused = [line for line in said if "Read-only file system; choose a place that can" in line]
    assert len(refused) == 3
