"""Where a system refuses a part of the fence, the others hold, and what is missing is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from harness.execution import landlock, namespaces

CALLS = {"x86_64": (0xC000003E, 272), "aarch64": (0xC00000B7, 97)}
MACHINE = os.uname().machine if sys.platform == "linux" else ""

pytestmark = pytest.mark.skipif(MACHINE not in CALLS, reason="needs a filter of system calls")

REFUSE = """
import ctypes, struct
def refuse(architecture, calls, error):
    lines = [(0x20, 0, 0, 0)]
    for call in calls:
        lines += [(0x15, 0, 1, call), (0x06, 0, 0, 0x50000 | error)]
    lines.append((0x06, 0, 0, 0x7FFF0000))
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    held = ctypes.create_string_buffer(code, len(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)
    program = struct.pack("@HP", len(lines), ctypes.addressof(held))
    assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
"""

HARNESS = """
import json, os, subprocess, sys
from harness.execution import fence, fenced
place = sys.argv[1]
worker = fenced.start(
    "tried_here", [place],
    fence.Rules(place + "/scratch", (place + "/plugin",), hidden=(place + "/plugin/data",)),
    environment={**os.environ, "PYTHONPATH": place + "/plugin", "TMPDIR": place + "/scratch"},
    stdout=subprocess.PIPE,
)
said = worker.process.stdout.read()
code = worker.process.wait()
worker.end()
held = worker.fence
left = [p for p in os.listdir("/proc") if p.isdecimal() and sleeps(p, place)]
print(json.dumps([code, json.loads(said), left, held.__dict__, held.sentence]))
"""

SLEEPS = """
def sleeps(number, place):
    try:
        words = open(f"/proc/{number}/cmdline").read().split("\\0")
    except OSError:
        return False
    return words[:1] == ["harness-test-sleep-" + place]
"""

TRIED = """
import json, os, signal, socket, subprocess, sys
place = sys.argv[1]
def tried(act):
    try:
        act()
    except OSError as reason:
        return type(reason).__name__
    return "done"
subprocess.Popen(["harness-test-sleep-" + place, "1000"], executable="/bin/sleep",
                 start_new_session=True, stdout=subprocess.DEVNULL)
if os.fork() == 0:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
    os.execv("/bin/sleep", ["harness-test-sleep-" + place, "1000"])
print(json.dumps({
    "data": tried(lambda: open(place + "/plugin/data/manifest.csv").read()),
    "write": tried(lambda: open(place + "/plugin/new", "w")),
    "udp": tried(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9))),
    "tcp": tried(lambda: socket.create_server(("127.0.0.1", 0))),
    "pair": tried(socket.socketpair),
    "signal": tried(lambda: os.kill(int(os.environ["HARNESS_TEST_PID"]), 0)),
}))
"""


def run(place: Path, calls: list[int]) -> Any:
    (place / "scratch").mkdir()
    (place / "plugin/data").mkdir(parents=True)
    (place / "plugin/data/manifest.csv").write_text("image,identity\n")
    (place / "plugin/tried_here.py").write_text(TRIED)
    architecture = CALLS[MACHINE][0]
    script = f"{REFUSE}\nrefuse({architecture}, {calls}, 1)\n{SLEEPS}\n{textwrap.dedent(HARNESS)}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(place)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HARNESS_TEST_PID": str(os.getpid())},
    )
    return json.loads(done.stdout)


LANDLOCK = [landlock.CREATE_RULESET, landlock.ADD_RULE, landlock.RESTRICT_SELF]
UNSHARE = [CALLS.get(MACHINE, (0, 0))[1]]
REFUSED = {"PermissionError", "FileNotFoundError"}


def test_without_namespaces_files_sockets_and_orphans_are_still_kept(tmp_path: Path) -> None:
    code, found, left, held, sentence = run(tmp_path, UNSHARE)
    assert (code, left) == (0, [])
    assert held["landlock"] == landlock.version()
    assert (held["network"], held["processes"]) == ("sockets refused", "subreaper")
    assert any("namespaces" in reason for reason in held["missing"])
    assert "namespaces" in sentence
    assert found["udp"] == found["tcp"] == "PermissionError"
    assert found["pair"] == "done", "pipes between processes of one entry are its own affair"
    if held["landlock"]:
        assert found["data"] in REFUSED
        assert found["write"] == "PermissionError"
        # Its folder is one that Python imports from, so Python must be able to list it.
        assert any("list the names" in reason for reason in held["missing"])
    if held["landlock"] >= 6:
        assert found["signal"] == "PermissionError"


@pytest.mark.skipif(bool(namespaces.offered()), reason="the system offers no user namespaces")
def test_without_landlock_hidden_folders_are_covered_and_that_others_are_open_is_said(
    tmp_path: Path,
) -> None:
    code, found, left, held, sentence = run(tmp_path, LANDLOCK)
    assert (code, left) == (0, [])
    assert held["landlock"] == 0
    assert (held["network"], held["processes"]) == ("namespace", "pid namespace")
    assert found["data"] == "FileNotFoundError"
    assert found["write"] == "done"
    assert found["udp"] == "OSError"
    assert any("Landlock" in reason for reason in held["missing"])
    assert "read only what it needs" not in sentence


def test_with_neither_a_worker_still_works_and_ends_whole(tmp_path: Path) -> None:
    code, found, left, held, sentence = run(tmp_path, [*LANDLOCK, *UNSHARE])
    assert (code, left) == (0, [])
    assert (held["landlock"], held["network"]) == (0, "sockets refused")
    assert held["processes"] == "subreaper"
    assert found["data"] == found["write"] == "done"
    assert found["udp"] == "PermissionError"
    assert "Landlock" in sentence
    assert "namespaces" in sentence
