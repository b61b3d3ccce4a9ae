"""Whatever a worker starts ends with it, and with the harness, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.execution import fence, fenced

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fences are built for Linux alone")

STARTS = {
    "a child": "subprocess.Popen(SLEEP)",
    "a session of its own": "subprocess.Popen(SLEEP, start_new_session=True)",
    "a daemon by two forks": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(SLEEP[0], SLEEP)
    os._exit(0)
os.wait()
""",
    "twenty in twenty sessions": """
for _ in range(20):
    subprocess.Popen(SLEEP, start_new_session=True)
""",
    "one that ignores every signal": """
subprocess.Popen(["/bin/sh", "-c", "trap '' TERM HUP INT; exec " + " ".join(SLEEP)],
                 preexec_fn=os.setsid)
""",
    "one that starts others for ever": """
if os.fork() == 0:
    os.setsid()
    while True:
        if os.fork() == 0:
            os.execv(SLEEP[0], SLEEP)
        time.sleep(0.005)
""",
}

ENDINGS = {
    "ends": "",
    "ends at once": "os._exit(0)",
    "fails": "raise ValueError",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
}

Start = Callable[[str], fenced.Fenced]


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[str]:
    """A number of seconds to sleep by which a process started here is known."""
    seconds = str(100_000 + os.getpid() + time.monotonic_ns() % 100_000)
    yield seconds
    for left in sleeping(seconds):
        os.kill(left, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path, marker: str) -> Start:
    """Start lines in a fence, with a command to sleep at hand."""
    (tmp_path / "scratch").mkdir()

    def begin(lines: str) -> fenced.Fenced:
        write(tmp_path, lines, marker)
        return fenced.start(
            "starts_inside",
            [],
            fence.Rules(str(tmp_path / "scratch"), (str(tmp_path),)),
            environment={**os.environ, "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    return begin


def write(folder: Path, lines: str, marker: str) -> None:
    head = "import os, signal, subprocess, sys, time\n"
    sleep = f"SLEEP = ['/bin/sleep', '{marker}']\n"
    (folder / "starts_inside.py").write_text(head + sleep + textwrap.dedent(lines))


def sleeping(marker: str) -> list[int]:
    """List the processes that sleep for so many seconds."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"/bin/sleep", marker.encode()]:
                found.append(int(folder.name))
    return found


def gone(marker: str, within: float = 5) -> bool:
    until = time.monotonic() + within
    while sleeping(marker):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("what", STARTS)
def test_what_a_worker_starts_is_gone_with_it(
    start: Start, marker: str, what: str, ending: str
) -> None:
    worker = start(
        STARTS[what] + "\ntime.sleep(0.2)\nprint('there', flush=True)\n" + ENDINGS[ending]
    )
    assert worker.process.stdout is not None
    assert worker.process.stdout.readline() == b"there\n"
    worker.process.wait(20)
    worker.end()
    assert gone(marker, 0.5)


@pytest.mark.parametrize("what", STARTS)
def test_a_worker_at_work_is_ended_with_all_it_started(
    start: Start, marker: str, what: str
) -> None:
    worker = start(STARTS[what] + "\nprint('there', flush=True)\ntime.sleep(1000)\n")
    assert worker.process.stdout is not None
    assert worker.process.stdout.readline() == b"there\n"
    worker.end()
    assert worker.process.returncode is not None
    assert gone(marker, 0.5)
    worker.end()


@pytest.mark.parametrize("what", STARTS)
def test_nothing_outlives_a_harness_that_is_killed(tmp_path: Path, marker: str, what: str) -> None:
    (tmp_path / "scratch").mkdir()
    write(tmp_path, STARTS[what] + "\nprint('there', flush=True)\ntime.sleep(1000)\n", marker)
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, threading\n"
            "from harness.execution import fence, fenced\n"
            f"rules = fence.Rules({str(tmp_path / 'scratch')!r}, ({str(tmp_path)!r},))\n"
            f"env = {{**os.environ, 'PYTHONPATH': {str(tmp_path)!r}}}\n"
            "def begin():\n"
            "    global worker\n"
            "    worker = fenced.start('starts_inside', [], rules, environment=env)\n"
            "thread = threading.Thread(target=begin)\n"
            "thread.start(); thread.join()\n"
            "worker.process.wait()\n",
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"there\n", "the thread that began it may end"
    parent.kill()
    parent.wait()
    assert gone(marker)
    parent.stdout.close()


def test_a_worker_that_closes_everything_is_noticed_and_ended(start: Start, marker: str) -> None:
    worker = start("os.closerange(0, 4096)\nos.execv(SLEEP[0], SLEEP)\n")
    assert worker.process.stdout is not None
    assert worker.process.stdout.read() == b""
    assert worker.process.poll() is None
    worker.end()
    assert gone(marker, 0.5)


def test_descendants_end_without_namespaces_too(tmp_path: Path, marker: str) -> None:
    write(tmp_path, STARTS["twenty in twenty sessions"], marker)
    text = (tmp_path / "starts_inside.py").read_text() + STARTS["a daemon by two forks"]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from harness.execution import processes\nprocesses.adopt_orphans()\n"
            + text
            + "\ntime.sleep(0.2)\nprint(processes.end_descendants())\n",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
    assert gone(marker, 0.2)


def test_a_process_ends_like_another(tmp_path: Path) -> None:
    for status, code in ((0, 0), (5 << 8, 5), (9, -9)):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from harness.execution import processes; processes.end_like({status})",
            ],
            check=False,
        )
        assert done.returncode == code
