"""What workers may use: limits that follow from the machine, and who is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import PluginError
from harness.execution import bounds
from harness.execution.asking import ask
from harness.execution.bounds import Account, Bounds, Started, killed_for_memory, machine_memory
from harness.execution.nursery import Nursery
from harness.plugins import registry
from tests.conftest import Ran
from tests.execution.hostile import Hostile

pytestmark = [pytest.mark.own_process, pytest.mark.slow]

WriteFile = Callable[[str, str], Path]
linux = pytest.mark.skipif(sys.platform != "linux", reason="what Linux says of processes")

GB, MB = 1 << 30, 1 << 20


def machine(root: Path, groups: str, files: dict[str, str]) -> Path:
    """Write what Linux says of a machine of 8 GB below a folder."""
    facts = {"proc/meminfo": f"MemFree: 1 kB\nMemTotal: {8 << 20} kB\n", "proc/self/cgroup": groups}
    for name, text in (facts | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


GROUPS = {
    "no group": ("", {}, 8 * GB, 0),
    "version 2": (
        "0::/user/shell\n",
        {
            "sys/fs/cgroup/user/memory.max": f"{3 * GB}\n",
            "sys/fs/cgroup/user/shell/memory.max": "max\n",
            "sys/fs/cgroup/user/shell/memory.events": "low 0\noom 3\noom_kill 2\n",
        },
        *(3 * GB, 2),
    ),
    "version 2, in a container": (
        "0::/\n",
        {"sys/fs/cgroup/memory.max": f"{GB}\n", "sys/fs/cgroup/memory.events": "oom_kill 7\n"},
        *(GB, 7),
    ),
    "version 1": (
        "9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/\n",
        {
            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": f"{2 * GB}\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/docker/abc/memory.oom_control": "under_oom 0\noom_kill 1\n",
        },
        *(2 * GB, 1),
    ),
    "nonsense": ("what\n\n", {"sys/fs/cgroup/memory.max": "lots\n"}, 8 * GB, 0),
}


@pytest.mark.parametrize("how", GROUPS)
def test_the_memory_of_a_machine_is_that_of_the_container_it_is_seen_from(
    tmp_path: Path, how: str
) -> None:
    groups, files, memory, killed = GROUPS[how]
    root = machine(tmp_path, groups, files)
    assert machine_memory(root) == memory
    assert killed_for_memory(root) == killed


def test_limits_are_shares_of_the_machine_unless_given() -> None:
    assert Bounds().memory == int(0.8 * machine_memory())
    assert Bounds(memory=5 * MB).memory == 5 * MB
    assert Bounds(memory=5 * MB).account.most == Bounds().memory
    assert Bounds(memory=1 << 50).account.most == 1 << 50


def test_of_several_workers_the_largest_is_stopped_when_they_hold_too_much_together() -> None:
    account = Account(10 * GB)
    assert account.note("a", 6 * GB) == 0
    assert account.note("b", 3 * GB) == 0
    assert account.note("b", 5 * GB) == 0, "it is not the largest"
    assert account.note("a", 6 * GB) == 11 * GB
    account.leave("a")
    assert account.note("b", 5 * GB) == 0


def test_a_unit_is_over_when_its_time_is() -> None:
    assert not Started.now(Bounds(time=60)).is_over
    begun = Started.now(Bounds(time=0.01))
    time.sleep(0.02)
    assert begun.is_over
    assert "0 s, all that --time-limit allows" in begun.overdue("in fit")


HOLDERS = {
    "its own": ("x = bytearray(60 << 20)", 60),
    "a child's": ("import os\nif os.fork() == 0: x = bytearray(60 << 20)", 60),
    "shared by parent and children": (
        "import os\nx = bytearray(b'x') * (60 << 20)\n"
        "for _ in range(3):\n    if os.fork() == 0: break",
        60,
    ),
    "a file without a name": (
        "import os\nf = os.memfd_create('x')\nfor _ in range(60): os.write(f, bytes(1 << 20))",
        60,
    ),
    "a file that is only read": (
        "import mmap, sys\nf = open(sys.argv[1], 'rb')\n"
        "m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\nn = sum(m[:: mmap.PAGESIZE])",
        0,
    ),
}


@linux
@pytest.mark.parametrize("how", HOLDERS)
def test_memory_is_what_a_process_and_all_below_it_hold_and_no_file_lends(
    tmp_path: Path, how: str
) -> None:
    code, expected = HOLDERS[how]
    (tmp_path / "file").write_bytes(b"f" * (60 << 20))
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint(flush=True)\nimport time\ntime.sleep(60)", "file"],
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    found, until = 0, time.monotonic() + 30
    while found < expected * MB and time.monotonic() < until:
        time.sleep(0.1)
        found = bounds.memory_of(process.pid)
    most = bounds.at_most(process.pid)
    os.killpg(process.pid, 9)
    process.wait()
    process.stdout.close()
    assert expected * MB <= found < (expected + 30) * MB
    assert most >= expected * MB


@linux
def test_an_import_is_bounded_before_a_run_begins(plugin: WriteFile) -> None:
    head = "@dataclass\nclass A(Matcher):\n    def extract(self, image): return image\n"
    hungry = plugin("hungry", "held = []\nwhile True: held.append(np.ones(1 << 22))\n" + head)
    found = registry.find_algorithm(str(hungry), ())
    with pytest.raises(PluginError) as refusal:
        ask(found, bounds=Bounds(memory=300 * MB))
    said = str(refusal.value)
    assert said.startswith(f"{hungry}, line 12: cannot be imported: MemoryError")
    assert "A worker may hold 300.0 MB with all that it starts; harness run --memory-limit" in said


@linux
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "os.write(2, b'x' * (50 << 20) + b'\\nlast'); os._exit(4)",
            "(exit code 4); it last said: last",
        ),
        ("os.closerange(0, 4096); time.sleep(60)", "its import closed its line to the harness"),
        (
            "os.write(1, b'x' * (50 << 20)); os._exit(4)",
            "its import ended the process (exit code 4)",
        ),
        ("raise GeneratorExit('g')", "cannot be imported: GeneratorExit: g"),
        ("raise ValueError('m' * 40_000_000)", "cannot be imported: ValueError: mmmmm"),
    ],
)
def test_whatever_an_import_does_its_reason_is_short(
    plugin: WriteFile, body: str, said: str
) -> None:
    found = registry.find_algorithm(str(plugin("bad", body + "\n")), ())
    with pytest.raises(Exception, match=r"bad\.py") as refusal:
        ask(found)
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 2300


@linux
def test_the_largest_of_several_workers_is_stopped_where_memory_is_short(tmp_path: Path) -> None:
    nursery = Nursery(tmp_path, ["numpy"], dict(os.environ))
    small, large = (Hostile(_made(tmp_path / name), nursery) for name in ("small", "large"))
    shared = Bounds(silence=60)
    shared.account.most = 500 * MB
    said: dict[str, str] = {}

    def hold(name: str, one: Hostile, size: int) -> None:
        code = f"held = np.ones({size * MB // 8}); time.sleep(6)"
        said[name] = one.told("init", code, shared)

    # Each has a file of its own, and one nursery forks one file's workers at a time.
    threads = [threading.Thread(target=hold, args=("large", large, 400))]
    threads[0].start()
    time.sleep(0.5)
    threads.append(threading.Thread(target=hold, args=("small", small, 150)))
    threads[1].start()
    for thread in threads:
        thread.join()
    nursery.close()
    assert said["small"] == ""
    assert "so it was stopped as the largest: use fewer --workers" in said["large"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@linux
def test_the_process_that_forks_workers_ends_with_the_harness_in_the_midst_of_a_call(
    tmp_path: Path,
) -> None:
    # A module whose import is one long call in C, as the loading of a large library is.
    (tmp_path / "PIL.py").write_text(
        "import hashlib, pathlib\npathlib.Path(__file__).with_name('there').touch()\n"
        "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 1 << 30)\n"
    )
    code = (
        "import os, pathlib, time\n"
        "from harness.execution.nursery import Nursery\n"
        f"env = {{**os.environ, 'PYTHONPATH': {str(tmp_path)!r}}}\n"
        "n = Nursery(pathlib.Path('x'), ['PIL'], env)\n"
        "n._ready()\nprint(n._process.pid, flush=True)\ntime.sleep(100)\n"
    )
    harness = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    pid = int(harness.stdout.readline())
    until = time.monotonic() + 60
    while not (tmp_path / "there").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.2)
    harness.kill()
    harness.wait()
    harness.stdout.close()
    began = time.monotonic()
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() - began < 30
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--time-limit", "0", "0"),
        ("--time-limit", "nan", "nan"),
        ("--memory-limit", "12", "is not an amount of memory"),
        ("--memory-limit", "much", "is not an amount of memory"),
    ],
)
def test_limits_that_are_none_are_refused(
    harness: Callable[..., Ran], option: str, value: str, said: str
) -> None:
    ran = harness("run", "--protocol", "similarity", "--algo", "colours", option, value)
    assert ran.code == 2
    assert option in ran.err
    assert said in ran.err
