"""In the fence a worker reads what it needs, writes its scratch folder, and reaches nobody."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.execution import fence, fenced, landlock, namespaces, readable
from harness.plugins.places import bundled

pytestmark = [
    pytest.mark.own_process,
    pytest.mark.skipif(sys.platform != "linux", reason="fences are built for Linux alone"),
]

NEEDS_LANDLOCK = pytest.mark.skipif(landlock.version() < 1, reason="the kernel has no Landlock")
REFUSAL = namespaces.offered()
NEEDS_NAMESPACES = pytest.mark.skipif(bool(REFUSAL), reason=f"no user namespaces: {REFUSAL}")

TRY = """
    import json, os, pathlib, signal, socket, subprocess, sys
    def tried(act):
        try:
            answer = act()
        except BaseException as reason:
            return type(reason).__name__
        return answer if isinstance(answer, (str, int, list, bool)) else "done"
"""

Inside = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A plugin's folder that holds a data set and other runs, too, and a scratch folder."""
    for name in ("plugin", "plugin/data", "plugin/runs/similarity/rival", "plugin/near", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "plugin/data/manifest.csv").write_text("image,identity\nf.png,t01\n")
    (tmp_path / "plugin/runs/similarity/rival/truth.json").write_text("{}")
    (tmp_path / "plugin/near/weights.bin").write_text("weights")
    (tmp_path / "elsewhere.txt").write_text("not named")
    return tmp_path


@pytest.fixture
def inside(place: Path) -> Inside:
    """Run lines in the fence; the value of `found` comes back, with the fence that held."""

    def run(lines: str, **rules: tuple[str, ...]) -> tuple[Any, fence.Fence]:
        text = textwrap.dedent(TRY) + textwrap.dedent(lines) + "\nprint(json.dumps(found))\n"
        (place / "plugin" / "tried_inside.py").write_text(text)
        hidden = (str(place / "plugin/data"), str(place / "plugin/runs"), str(bundled("fixtures")))
        scratch = str(place / "scratch")
        known = {**os.environ, "PYTHONPATH": str(place / "plugin")}
        worker = fenced.start(
            "tried_inside",
            [str(place)],
            fence.Rules(
                scratch,
                readable=rules.get("readable", (str(place / "plugin"),)),
                named=rules.get("named", ()),
                hidden=rules.get("hidden", hidden),
            ),
            environment=fenced.surroundings(scratch, known),
            stdout=subprocess.PIPE,
        )
        try:
            assert worker.process.stdout is not None
            said = worker.process.stdout.read()
            assert worker.process.wait(30) == 0
        finally:
            worker.end()
        return json.loads(said), worker.fence

    return run


@NEEDS_LANDLOCK
def test_data_other_runs_and_the_bundled_fixtures_cannot_be_read(inside: Inside) -> None:
    found, held = inside(
        f"""
        plugin = pathlib.Path(__file__).parent
        found = [
            tried((plugin / "data" / "manifest.csv").read_text),
            tried((plugin / "near" / ".." / "data" / "manifest.csv").read_text),
            tried((plugin / "runs" / "similarity" / "rival" / "truth.json").read_text),
            tried(pathlib.Path({str(bundled("fixtures") / "mini" / "manifest.csv")!r}).read_text),
            tried((plugin.parent / "elsewhere.txt").read_text),
            tried(lambda: subprocess.run(["cat", plugin / "data" / "manifest.csv"],
                                         capture_output=True, check=True)),
            tried(lambda: os.symlink(plugin / "data", os.environ["TMPDIR"] + "/link")),
            tried(pathlib.Path(os.environ["TMPDIR"], "link", "manifest.csv").read_text),
        ]
        """
    )
    assert held.landlock == landlock.version()
    refused = {"PermissionError", "FileNotFoundError", "CalledProcessError"}
    assert set(found[:6]) <= refused
    assert found[6] == "done", "a link may be made, but leads nowhere"
    assert found[7] in refused


@NEEDS_LANDLOCK
def test_names_in_hidden_folders_cannot_be_listed(inside: Inside) -> None:
    found, _ = inside(
        """
        plugin = pathlib.Path(__file__).parent
        found = [
            tried(lambda: os.listdir(plugin / "data")),
            tried(lambda: os.listdir(plugin / "runs" / "similarity")),
            tried(lambda: [str(p) for p in plugin.rglob("manifest.csv")]),
        ]
        """
    )
    assert all(answer in ([], "PermissionError", "FileNotFoundError") for answer in found)


@NEEDS_LANDLOCK
def test_what_lies_beside_the_plugin_can_be_read_and_imported(inside: Inside, place: Path) -> None:
    (place / "plugin" / "sibling.py").write_text("VALUE = 41 + 1\n")
    found, _ = inside(
        """
        import sibling
        found = [sibling.VALUE, (pathlib.Path(__file__).parent / "near/weights.bin").read_text()]
        """
    )
    assert found == [42, "weights"]


@NEEDS_LANDLOCK
def test_a_named_file_in_a_hidden_folder_can_be_read_and_its_neighbour_cannot(
    inside: Inside, place: Path
) -> None:
    model = place / "plugin/runs/similarity/rival/model.onnx"
    model.write_text("model")
    found, _ = inside(
        """
        folder = pathlib.Path(__file__).parent / "runs/similarity/rival"
        found = [tried((folder / name).read_text) for name in ("model.onnx", "truth.json")]
        """,
        named=(str(model),),
    )
    assert found == ["model", "PermissionError"]


@NEEDS_LANDLOCK
def test_a_readable_folder_inside_a_hidden_one_stays_hidden(inside: Inside, place: Path) -> None:
    data = str(place / "plugin/data")
    found, _ = inside(
        f"found = tried(pathlib.Path({data!r}, 'manifest.csv').read_text)",
        readable=(str(place / "plugin"), data),
    )
    assert found in ("PermissionError", "FileNotFoundError")


@NEEDS_LANDLOCK
def test_nothing_is_written_outside_the_scratch_folder(inside: Inside, place: Path) -> None:
    found, _ = inside(
        """
        place = pathlib.Path(sys.argv[1])
        scratch = place / "scratch"
        found = {
            "scratch": tried(lambda: (scratch / "a").write_text("x")),
            "renamed": tried(lambda: (scratch / "a").rename(scratch / "tmp" / "b")),
            "beside": tried(lambda: (place / "plugin" / "a").write_text("x")),
            "over": tried(lambda: (place / "plugin" / "near" / "weights.bin").write_text("x")),
            "removed": tried((place / "plugin" / "near" / "weights.bin").unlink),
            "truncated": tried(lambda: os.truncate(place / "plugin/near/weights.bin", 0)),
            "out": tried(lambda: (place / "plugin/runs/similarity/rival/truth.json").unlink()),
            "made": tried(lambda: (place / "new").mkdir()),
            "tmp": tried(lambda: pathlib.Path("/tmp/harness-test-fence").write_text("x")),
            "linked": tried(lambda: os.link(place / "plugin/near/weights.bin", scratch / "hard")),
        }
        """
    )
    assert found.pop("scratch") == 1
    assert found.pop("renamed") == "done"
    truncated = found.pop("truncated")
    assert truncated == "PermissionError" or landlock.version() < 3
    assert {*found.values()} <= {"PermissionError", "FileNotFoundError", "OSError"}
    assert (place / "plugin/near/weights.bin").read_text() == "weights"
    assert (place / "plugin/runs/similarity/rival/truth.json").read_text() == "{}"


@NEEDS_NAMESPACES
def test_there_is_no_network(inside: Inside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        found, held = inside(
            f"""
            port = {server.getsockname()[1]}
            found = [
                tried(lambda: socket.create_connection(("127.0.0.1", port), 2)),
                tried(lambda: socket.create_server(("127.0.0.1", 0))),
                tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                      .sendto(b"x", ("127.0.0.1", port))),
                tried(lambda: socket.getaddrinfo("localhost.example.org", 80)),
            ]
            """
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert held.network == "namespace"
    assert set(found) <= {"PermissionError", "OSError", "gaierror", "ConnectionRefusedError"}


def test_an_abstract_socket_of_the_harness_cannot_be_reached(inside: Inside) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(f"\0harness-test-{os.getpid()}")
        server.listen()
        found, held = inside(
            f"""
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found = tried(lambda: line.connect("\\0harness-test-{os.getpid()}"))
            """
        )
    if held.network != "namespace" and held.landlock < 6:
        pytest.skip(f"nothing here keeps abstract sockets apart: {held}")
    assert found in ("ConnectionRefusedError", "PermissionError")


def test_the_harness_cannot_be_signalled(inside: Inside) -> None:
    found, held = inside(
        f"found = [tried(lambda: os.kill({os.getpid()}, 0)), tried(lambda: os.kill(1, 9))]"
    )
    if held.processes != "pid namespace" and held.landlock < 6:
        pytest.skip(f"nothing here keeps signals back: {held}")
    assert set(found) <= {"ProcessLookupError", "PermissionError"}


@NEEDS_NAMESPACES
def test_other_processes_and_their_shared_memory_cannot_be_seen(inside: Inside) -> None:
    found, _ = inside(
        """
        shared = pathlib.Path("/dev/shm")
        found = [
            sorted(int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdecimal()),
            [p.name for p in shared.iterdir()],
            tried(lambda: (shared / "own").write_text("x")),
        ]
        """
    )
    assert found == [[1, 2], [], 1]
    assert not Path("/dev/shm/own").exists()  # noqa: S108


def test_descriptors_passed_on_keep_working(place: Path) -> None:
    (place / "plugin/echo_inside.py").write_text(
        "import os, socket, sys\n"
        "line = socket.socket(fileno=int(sys.argv[1]))\n"
        "line.sendall(line.recv(100)[::-1])\n"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = fenced.start(
            "echo_inside",
            [str(theirs.fileno())],
            fence.Rules(str(place / "scratch"), (str(place / "plugin"),)),
            environment={**os.environ, "PYTHONPATH": str(place / "plugin")},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.sendall(b"abc")
        assert ours.recv(100) == b"cba"
        assert ours.recv(100) == b"", "its end is seen at once"
        assert worker.process.wait(10) == 0
        worker.end()


@pytest.mark.parametrize(("line", "code"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), 11)", -11)])
def test_a_fenced_process_ends_as_the_module_ends(place: Path, line: str, code: int) -> None:
    (place / "plugin/ends_inside.py").write_text(f"import os, sys\n{line}\n")
    worker = fenced.start(
        "ends_inside",
        [],
        fence.Rules(str(place / "scratch"), (str(place / "plugin"),)),
        environment={**os.environ, "PYTHONPATH": str(place / "plugin")},
    )
    assert worker.process.wait(10) == code
    worker.end()


def test_what_held_can_be_asked_after_the_end_and_reads_as_a_sentence(inside: Inside) -> None:
    _, held = inside("found = 0")
    assert held.sentence.startswith("A worker ")
    assert str(held.landlock) in held.sentence
    assert fence.Fence(missing=("x",)).sentence == (
        "A worker was ended with all that it started (process group). Missing: x."
    )


def test_hidden_folders_are_taken_out_of_readable_ones(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / name).mkdir(parents=True)
    allowed, above = readable.without(
        [str(tmp_path / "a"), str(tmp_path / "e")], [str(tmp_path / "a/b/c"), str(tmp_path / "e")]
    )
    assert allowed == [str(tmp_path / "a/d")]
    assert above == [str(tmp_path / "a"), str(tmp_path / "a/b")]


def test_what_is_hidden_need_not_be_there_yet(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    allowed, above = readable.without([str(tmp_path)], [str(tmp_path / "later")])
    assert allowed == [str(tmp_path / "a")]
    assert above == [str(tmp_path)]


def test_python_stays_readable_in_a_hidden_folder(tmp_path: Path) -> None:
    (tmp_path / "python/data").mkdir(parents=True)
    (tmp_path / "python/lib").mkdir()
    hidden = [str(tmp_path), str(tmp_path / "python/data")]
    allowed, _ = readable.without([str(tmp_path / "python")], hidden, needed=True)
    assert allowed == [str(tmp_path / "python/lib")]


def test_of_a_folder_that_many_share_only_python_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("mine.py", "other.py", "secret.csv"):
        (tmp_path / name).touch()
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "pictures").mkdir()
    found = {Path(path).name for path in readable.beside(tmp_path / "mine.py")}
    assert found == {"mine.py", "other.py", "package"}
