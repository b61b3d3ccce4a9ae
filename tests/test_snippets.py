"""Commands and Python of README and docs, carried out as they stand, in the order of the page."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Ran, run_here, save_png
from tests.snippets import (
    ROOT,
    blocks,
    commands,
    documents,
    name_of,
    not_carried_out,
    only_compiled,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("documents"),
    pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the documents are in the checkout"),
]

SHELL = set("|&;<>$`")
REGRESSED = ("harness gate ", "harness checks ")
"""Commands that end with 1 where they find what they look for."""

Prepare = Callable[[Path], None]


def photographs(place: Path) -> None:
    """Six tattoos, three photographs of each, told apart by their pattern."""
    rng = np.random.default_rng(3)
    for tattoo in range(6):
        folder = place / "photographs" / f"tattoo-{tattoo}"
        folder.mkdir(parents=True)
        pattern = rng.integers(0, 256, (6, 6, 3))
        for shot in range(3):
            picture = np.kron(pattern, np.ones((16, 16, 1))) + rng.normal(0, 25, (96, 96, 3))
            save_png(folder / f"{shot}.png", picture)


def embeddings(place: Path) -> None:
    """Twenty probes, forty references and a table of mates."""
    rng = np.random.default_rng(4)
    probes = rng.normal(size=(20, 16)).astype(np.float32)
    references = rng.normal(size=(40, 16)).astype(np.float32)
    references[:20] += probes
    np.save(place / "probes.npy", probes)
    np.save(place / "references.npy", references)
    pairs = "".join(f"{row},{row}\n" for row in range(20))
    (place / "pairs.csv").write_text(f"probe,reference\n{pairs}")


def model(place: Path) -> None:
    """An ONNX model that makes eight by eight means of a picture of 32 by 32."""
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node(
            "AveragePool", ["picture"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]
        ),
        helper.make_node("Flatten", ["cells"], ["template"]),
    ]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("picture", kind, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("template", kind, ["n", 192])],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), place / "model.onnx")


def matcher(place: Path) -> None:
    """The algorithm that the page on CI calls `my_matcher.py`."""
    shutil.copy(ROOT / "algorithms" / "colours.py", place / "my_matcher.py")
    text = (place / "my_matcher.py").read_text().replace("class Colours", "class MyMatcher")
    (place / "my_matcher.py").write_text(text)


def people(place: Path) -> None:
    """A table that says of the people of the fixtures, who are drawn, what sex they have."""
    lines = [f"s-ver{k:04d},{'fm'[k % 2]}" for k in range(125)]
    (place / "people.csv").write_text("\n".join(["subject,sex", *lines]))


def criteria(place: Path) -> None:
    """The file that the page on validation shows."""
    (text,) = blocks(ROOT / "docs" / "validation.md", "toml")
    (place / "sift-on-tattoos.toml").write_text(text)


def small_set(place: Path) -> None:
    """The check that the page on checks calls `mine/checks/small_set.py`."""
    (place / "mine" / "checks").mkdir(parents=True)
    (text,) = blocks(ROOT / "docs" / "checks.md", "python")
    (place / "mine" / "checks" / "small_set.py").write_text(text)


NEEDED: dict[str, tuple[Prepare, ...]] = {
    "docs/by-example.md": (photographs, embeddings),
    "docs/data.md": (photographs,),
    "docs/annotate.md": (photographs,),
    "docs/differentials.md": (people,),
    "docs/matching.md": (embeddings,),
    "docs/checks.md": (small_set,),
    "docs/ci.md": (matcher,),
    "docs/validation.md": (criteria,),
    "docs/tutorials/vendor.md": (model, embeddings),
}
"""What a page takes for granted; the others begin in an empty folder."""

RUNS = {"docs/growth.md": ("harness run --protocol mixed-media --algo sift",)}
"""What the reader of a page has done before."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that several pages ask for: the same command again recomputes nothing."""
    place = tmp_path_factory.mktemp("finished")
    ran = run_here("run", "--protocol", "mixed-media", "--algo", "sift,colours", cwd=place)
    assert ran.code == 0, ran.err
    return place / "runs"


@pytest.fixture
def place(tmp_path: Path, finished: Path) -> Iterator[Path]:
    shutil.copytree(finished, tmp_path / "runs")
    before = {key: os.environ.get(key) for key in ("GIT_CEILING_DIRECTORIES",)}
    os.environ["GIT_CEILING_DIRECTORIES"] = str(tmp_path.parent)
    yield tmp_path
    for key, value in before.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


def carried_out(command: str, place: Path) -> Ran:
    """Run a command in this process where it is the harness's and needs no shell."""
    redirected, _, target = command.partition(" > ")
    if command.startswith("harness ") and not SHELL & set(redirected):
        words = []
        for word in shlex.split(redirected)[1:]:
            found = (
                sorted(str(p.relative_to(place)) for p in place.glob(word)) if "*" in word else []
            )
            words += found or [word]
        ran = run_here(*words, cwd=place)
        if target:
            (place / target.strip()).write_text(ran.out)
        return ran
    here = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=place,
        env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


WITH_COMMANDS = [
    pytest.param(path, id=name_of(path))
    for path in (documents() if (ROOT / "docs").exists() else [])
    if any(True for _ in commands(path))
]


WITH_PYTHON = [
    pytest.param(path, id=name_of(path))
    for path in (documents() if (ROOT / "docs").exists() else [])
    if {(name_of(path), block.split("\n")[0]) for block in blocks(path, "python")}
    - set(only_compiled())
]


@pytest.mark.parametrize("path", WITH_COMMANDS)
def test_every_command_of_a_page_can_be_carried_out(path: Path, place: Path) -> None:
    excepted = not_carried_out()
    for prepare in NEEDED.get(name_of(path), ()):
        prepare(place)
    for command in (*RUNS.get(name_of(path), ()), *commands(path)):
        what, _ = excepted.get(command, ("", ""))
        if what == "options":
            continue
        ran = carried_out(f"{command} --dry-run" if what == "dry run" else command, place)
        allowed = (0, 1, 5) if command.startswith(REGRESSED) else (0,)
        assert ran.code in allowed, f"{command}\n{ran.out[-2000:]}\n{ran.err[-2000:]}"


@pytest.mark.parametrize("path", WITH_PYTHON)
def test_every_block_of_python_of_a_page_can_be_carried_out(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = set(only_compiled())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_ON", "in-process")
    wanted = [
        b for b in blocks(path, "python") if (name_of(path), b.split("\n")[0]) not in left_out
    ]
    # As in a notebook, a later block knows what an earlier one has made.
    (tmp_path / "page.py").write_text("\n\n".join(wanted))
    done = subprocess.run(
        [sys.executable, "page.py"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_vendor_s_engine_keeps_to_the_interface(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "tutorials" / "vendor.md", "python")
    (tmp_path / "engine.py").write_text(block)
    ran = run_here("check", tmp_path / "engine.py")
    assert ran.code == 0, ran.out
    assert "17 passed, 0 failed" in ran.out  # the page says how many questions there are
