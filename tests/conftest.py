"""A small Tatt-C-style data set made on the spot, and a way to run commands as a user does."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from harness.plugins.places import bundled

if TYPE_CHECKING:
    from harness.data.readers.manifest import Row
    from harness.data.records import Dataset

FOLDS = 3
GROUPS_PER_FOLD = 4


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the harness finds out about algorithms beside what pytest keeps, not the user's.

    Modules of the project are compiled once, whatever the user's processes do, not by each that a
    test starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A job in the background ignores Ctrl+C, and so would all that it starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))
    cache = getattr(config, "cache", None)
    if cache is not None:
        os.environ["XDG_CACHE_HOME"] = str(cache.mkdir("harness"))
    # Every test has algorithms of its own; those about the examination switch it on.
    os.environ.setdefault("HARNESS_EXAMINATION", "off")


def pytest_collection_finish() -> None:
    """Keep nothing compiled of what tests write and change again within the same second.

    Python tells by second and size whether a module is still what was compiled of it.
    """
    sys.dont_write_bytecode = True


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out modules without a word of `slow` where only such tests are asked for.

    Each process of pytest-xdist would import all of them, and take none of their tests.
    """
    if config.getoption("markexpr") != "slow" or not collection_path.match("test_*.py"):
        return None
    return "slow" not in collection_path.read_text(encoding="utf-8") or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what collecting makes, half a million objects, without looking for what can go."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what has to run in one process, or takes long, so that nobody waits for it."""
    first = ("xdist_group", "long")
    items.sort(key=lambda item: not any(map(item.get_closest_marker, first)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a module whose tests are marked `xdist_group` run in one process.

    pytest-xdist 3.8 writes the group into names of tests, which pytest 9.2 no longer lets it do,
    and then tests of a group are spread like others, without a word.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    @cache
    def shares(module: str) -> bool:
        return "pytest.mark.xdist_group(" in (config.rootpath / module).read_text(encoding="utf-8")

    class ByModule(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if shares(module) else nodeid

    return ByModule(config, log)


@pytest.fixture(autouse=True, scope="session")
def _shipped_set_is_read_once() -> Iterator[None]:
    """Read the data set that comes with the harness, and look at its files, once in a process.

    Nothing changes it.
    """
    from harness.data.findings import Findings
    from harness.data.paths import Root
    from harness.data.problems import check
    from harness.data.readers import layouts, tatt_c
    from harness.data.readers.manifest import read_rows

    shipped, layout = bundled("fixtures") / "mini", layouts.LAYOUTS["tatt-c"]
    once = cache(layout.read)

    @cache
    def shipped_rows() -> list[Row]:
        findings = Findings()
        rows = list(read_rows(shipped / "manifest.csv", Root(shipped), "manifest.csv", findings))
        assert not findings.all
        return rows

    def rows_of(path: Path, root: Root, *rest: Any) -> Iterable[Row]:
        return shipped_rows() if path.parent == shipped else read_rows(path, root, *rest)

    def read(path: Path, use_case: str | None, background: bool) -> Dataset:
        return (once if path == shipped else layout.read)(path, use_case, background)

    checked: dict[int, Dataset] = {}

    def check_once(dataset: Dataset) -> Dataset:
        if dataset.root != shipped:
            return check(dataset)
        if id(dataset.records) not in checked:
            checked[id(dataset.records)] = check(dataset)  # which keeps its records
        return checked[id(dataset.records)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layouts, "check", check_once)
        patch.setitem(layouts.LAYOUTS, "tatt-c", replace(layout, read=read))
        patch.setattr(tatt_c, "read_rows", rows_of)
        yield


@dataclass(frozen=True)
class Ran:
    """What a finished command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


_own_process = False
"""Whether commands run as a user runs them, which takes a second or more for each process."""

_own_workers = False
"""Whether algorithms run in processes of their own, whose fences and ends a test is about."""


@pytest.fixture(autouse=True)
def _where_commands_run(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give commands, or algorithms alone, processes where a test is marked to need them."""
    global _own_process, _own_workers
    _own_process = request.node.get_closest_marker("own_process") is not None
    _own_workers = request.node.get_closest_marker("own_workers") is not None
    yield
    _own_process = _own_workers = False


def run_harness(
    *words: str | Path, cwd: Path | None = None, timeout: float = 120, own_process: bool = False
) -> Ran:
    """Run the `harness` command: in this process, as far as the test is not about processes."""
    if own_process or _own_process:
        return run_process(*words, cwd=cwd, timeout=timeout)
    return run_here(*words, cwd=cwd)


def run_process(*words: str | Path, cwd: Path | None = None, timeout: float = 120) -> Ran:
    """Run the `harness` command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class _Kept(io.BytesIO):
    """What was written, for as long as somebody has it: the command closes its streams."""

    def close(self) -> None:
        """Keep it."""


def run_here(*words: str | Path, cwd: Path | None = None) -> Ran:
    """Run the `harness` command in this process, and algorithms, too, if not `own_workers`."""
    from harness.cli.ending import carried_out

    said = [io.TextIOWrapper(_Kept(), encoding="utf-8") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        kept = [stream.buffer for stream in said]
        patch.setattr(sys, "stdout", said[0])
        patch.setattr(sys, "stderr", said[1])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        if "HARNESS_ON" not in os.environ and not _own_workers:
            patch.setenv("HARNESS_ON", "in-process")
        if cwd is not None:
            patch.chdir(cwd)
        code = carried_out(list(map(str, words)))
        for stream in (sys.stdout, sys.stderr, *said):
            stream.flush()
    out, err = (one.getvalue().decode() for one in kept)
    return Ran(code, out, err)


@pytest.fixture
def harness(tmp_path: Path) -> Callable[..., Ran]:
    """The command, started in an empty folder."""
    place = tmp_path / "work"
    place.mkdir()
    return lambda *words, **options: run_harness(*words, cwd=place, **options)


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folds of four groups; two probes and two references of each, told apart by colour.

    The path has a space and a letter beyond ASCII, as users' paths have.
    """
    root = tmp_path_factory.mktemp("sets") / "små set"
    write_similarity(root)
    write_detection(root)
    return root


def write_similarity(root: Path) -> None:
    """Write the similarity use case: a group's images share a pattern, with noise on it."""
    rng = np.random.default_rng(7)
    lists = root / "5-fold" / "tattoo_similarity"
    images = root / "tattoo_similarity" / "images"
    lists.mkdir(parents=True)
    images.mkdir(parents=True)
    truth = []
    for fold in range(1, FOLDS + 1):
        probes, gallery = [], []
        for group in range(GROUPS_PER_FOLD):
            pattern = rng.integers(0, 256, (4, 4, 3))
            names = [f"f{fold}g{group}{kind}.png" for kind in ("p1", "p2", "r1", "r2")]
            for name in names:
                picture = np.kron(pattern, np.ones((6, 6, 1))) + rng.normal(0, 25, (24, 24, 3))
                save_png(images / name, picture)
            probes += names[:2]
            gallery += names[2:]
            truth += [f"{probe}|{mate}" for probe in names[:2] for mate in names[2:]]
        (lists / f"probes{fold}.txt").write_text("\n".join(probes) + "\n")
        (lists / f"gallery{fold}.txt").write_text("\n".join(gallery) + "\n")
    (lists / "ground_truth.txt").write_text("\n".join(truth) + "\n")


def write_detection(root: Path) -> None:
    """Write the detection use case: tattoo images are darker, most of the time."""
    rng = np.random.default_rng(8)
    lists = root / "5-fold" / "tattoo_detection"
    images = root / "tattoo_detection" / "images"
    lists.mkdir(parents=True)
    images.mkdir(parents=True)
    truth = []
    for fold in range(1, FOLDS + 1):
        names = []
        for i in range(12):
            name, tattoo = f"f{fold}i{i}.png", i % 3 != 0
            level = 90 if tattoo else 150
            save_png(images / name, rng.normal(level, 40, (16, 16, 3)))
            names.append(name)
            truth.append(f"{name}|{'tattoo' if tattoo else 'non-tattoo'}")
        (lists / f"probes{fold}.txt").write_text("\n".join(names) + "\n")
    (lists / "ground_truth.txt").write_text("\n".join(truth) + "\n")


def save_png(path: Path, picture: Any) -> None:
    """Write an array as a PNG file, clipped to what one can hold."""
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write an algorithm file with a given body after the usual imports."""

    def write(name: str, body: str) -> Path:
        folder = tmp_path / "plugins"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.py"
        path.write_text(PREAMBLE + body, encoding="utf-8")
        return path

    return write


PREAMBLE = """\
import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from harness import Control, Detector, FailureToEnroll, Matcher, parameter


"""
