"""Ways of cheating, end to end: each gains nothing, and a rival's run stays what it was."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.execution import landlock, namespaces
from harness.plugins.places import bundled
from tests.conftest import Ran

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

FENCED = sys.platform == "linux" and landlock.version() > 0 and not namespaces.offered()

HONEST = '''
@dataclass
class Honest(Matcher):
    """Mean colour."""

    def extract(self, image):
        return image.mean(axis=(0, 1)) - 128

    def compare(self, probes, references):
        return -np.array([[np.abs(p - r).sum() for r in references] for p in probes])
'''

CHEAT = '''
import gc, pathlib, socket, subprocess, sys

DATA, RUNS, FIXTURES, SERVER, HARNESS = {data!r}, {runs!r}, {fixtures!r}, {server!r}, {harness!r}
NAMES = re.compile(r"f\\dg\\d[pr]\\d\\.png")


def read(place, pattern):
    found = [p for p in pathlib.Path(place).rglob(pattern) if p.read_bytes()]
    return [str(p) for p in found]


def frames():
    found, frame = [], sys._getframe()
    while frame is not None:
        found += [repr(value) for value in (*frame.f_locals.values(), *frame.f_globals.values())]
        frame = frame.f_back
    return [text for text in found if NAMES.search(text)][:1]


def memory():
    return [text for text in gc.get_objects() if isinstance(text, (str, bytes, list, dict, tuple))
            and NAMES.search(repr(text)[:2000]) and "NAMES" not in repr(text)[:2000]][:1]


def listed(place):
    return [name for _, _, names in os.walk(place) for name in names][:3]


def write():
    made = []
    for folder in pathlib.Path(RUNS).glob("*/*"):
        (folder / "units" / "fold-1" / "scores").mkdir(parents=True)
        made.append(str(folder))
    pathlib.Path(RUNS, "mine").write_text("x")
    return ["written", *made]


def spoil():
    for path in pathlib.Path(RIVAL).rglob("*"):
        path.write_bytes(b"")
    return os.listdir(RIVAL)


def connect():
    return [socket.create_connection(("127.0.0.1", SERVER), 2)]


def datagram():
    return [socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", SERVER))]


def signalled():
    os.kill(HARNESS, 0)
    return ["signalled"]


RIVAL = {rival!r}
ATTEMPTS = {{
    "truth of the run": lambda: read(RUNS, "truth.json"),
    "data": lambda: read(DATA, "*.txt"),
    "pictures": lambda: read(DATA, "*.png"),
    "names of pictures": lambda: listed(DATA),
    "fixtures": lambda: read(FIXTURES, "*.csv"),
    "arguments": lambda: [a for a in sys.argv if NAMES.search(a) or a.startswith(RUNS)],
    "frames": frames,
    "memory": memory,
    "write": write,
    "rival": spoil,
    "tcp": connect,
    "udp": datagram,
    "signal": signalled,
    "by another program": lambda: [subprocess.run(
        ["/bin/sh", "-c", "cat '" + DATA + "'/5-fold/*/*.txt"], capture_output=True).stdout
        or 1 / 0],
}}


def attempt(step):
    for name, act in ATTEMPTS.items():
        try:
            found = act()
        except Exception as reason:
            found = []
        print("TRIED", step, name, "LEAK" if found else "nothing", str(found)[:80], flush=True)
    subprocess.Popen(["/bin/sleep", "98765"], start_new_session=True)


@dataclass
class Cheat(Matcher):
    """Mean colour, and every way of knowing more that comes to mind."""

    def fit(self, train):
        attempt("fit")
        self.seen_ = len(train.images)

    def extract(self, image):
        if "tried" not in vars(self):
            attempt("extract")
            self.tried = True
        return image.mean(axis=(0, 1)) - 128

    def compare(self, probes, references):
        if "compared" not in vars(self):
            attempt("compare")
            self.compared = True
        return -np.array([[np.abs(p - r).sum() for r in references] for p in probes])
'''


def tree_hashes(folder: Path) -> dict[str, str]:
    """Return the content of every file of a folder, hashed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def scores(run: Path) -> list[list[list[float]]]:
    """Return the scores of all folds."""
    files = sorted((run / "units").glob("fold-*/scores/scores.npy"))
    assert len(files) == 3
    return [np.load(file).tolist() for file in files]


@pytest.mark.skipif(not FENCED, reason="this system offers no full fence")
def test_an_entry_that_tries_everything_learns_nothing_and_changes_nothing(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["run", "--protocol", "similarity", "--data", small_set, "--out", out, "--algo"]
    assert harness(*words, plugin("honest", HONEST)).code == 0
    (rival,) = (out / "similarity").glob("honest-*")
    before = tree_hashes(rival)
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = "import re\n" + CHEAT.format(
            data=str(small_set),
            runs=str(out),
            fixtures=str(bundled("fixtures")),
            server=server.getsockname()[1],
            harness=os.getpid(),
            rival=str(rival),
        )
        cheat = plugin("cheat", body)
        unfenced = found_by(cheat, ["data", "pictures", "names of pictures", "fixtures", "tcp"])
        assert unfenced == {"LEAK"}, "what is tried below works where there is no fence"
        server.accept()
        ran = harness(*words, cheat)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert ran.code == 0, ran.err
    (run,) = (out / "similarity").glob("cheat-*")
    said = "\n".join(p.read_text() for p in (run / "units").glob("*/worker.log"))
    tried = re.findall(r"TRIED (\w+) (.+?) (LEAK|nothing) (.*)", said)
    assert {step for step, *_ in tried} == {"fit", "extract", "compare"}
    assert [one for one in tried if one[2] == "LEAK"] == []
    assert tree_hashes(rival) == before
    assert not (out / "mine").exists()
    assert harness("verify", rival).code == 0
    assert scores(run) == scores(rival)
    assert not sleeping("98765")


def found_by(cheat: Path, names: list[str]) -> set[str]:
    """Try some of it in a process without a fence."""
    lines = (
        f"import sys; sys.path.insert(0, {str(cheat.parent)!r}); import cheat\n"
        f"for name in {names!r}: print('LEAK' if cheat.ATTEMPTS[name]() else 'nothing')"
    )
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def sleeping(seconds: str) -> list[str]:
    """List the processes that sleep for so long."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"/bin/sleep", seconds.encode()]:
            found.append(folder.name)
    return found
