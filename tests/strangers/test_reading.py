"""What is refused of the files of a run folder, and how it is said."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import BadFile, Damaged
from harness.record import record
from harness.record.files import digest, files_below, open_file, read_bytes, read_json, sound
from tests.strangers.commands import carry_out
from tests.strangers.mutations import seal_again

SCORES = "units/fold-1/scores/scores.npy"


def changed(path: Path, change: Callable[[Any], Any]) -> None:
    """Change the content of a JSON file."""
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(change(value) or value), encoding="utf-8")


def put(*keys: Any, value: Any) -> Callable[[Any], None]:
    """Return what puts a value somewhere into JSON."""

    def change(whole: Any) -> None:
        for key in keys[:-1]:
            whole = whole[key]
        whole[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("name", "change", "place", "fault"),
    [
        ("manifest.json", put("origin", "folds", value=1), "$.origin.folds", "expected `array`"),
        ("manifest.json", put("learns", value="yes"), "$.learns", "expected `bool`, got `str`"),
        ("manifest.json", put("format", value=7), "$.format", "this harness reads 1"),
        ("manifest.json", put("dataset", value={}), "$.dataset", "does not say the name"),
        ("manifest.json", put("findings", value=[{"code": "a"}]), "$.findings[0]", "missing"),
        (
            "manifest.json",
            put("findings", value=[{"code": "a", "severity": "odd", "text": ""}]),
            "$.findings[0].severity",
            "invalid enum value 'odd'",
        ),
        ("truth.json", put("folds", value=[]), "$.folds", "has no fold"),
        ("truth.json", put("folds", 0, "mates", value=[["a"]]), "$.folds[0].mates[0]", "length 2"),
        ("truth.json", put("folds", 0, "mates", value=[["a", "b"]]), "$.folds[0].mates", "no pair"),
        ("truth.json", put("folds", 1, "probes", 0, value="x"), "$.folds[1].probes", "no record"),
        ("truth.json", put("folds", 1, "name", value="1"), "$.folds[1].name", "of two folds"),
        ("truth.json", put("folds", 0, "name", value="a\x1b[2J"), "$.folds[0].name", "control"),
        (
            "truth.json",
            put("records", "f1-0-p1.png", "size", value=[0, 3]),
            "$.records['f1-0-p1.png'].size",
            "less than one pixel",
        ),
        (
            "units/fold-1/scores/failures.json",
            put("f1-5-p1.png", value=3),
            "$[...]",
            "expected `str`, got `int`",
        ),
        ("units/fold-1/scores/failures.json", put("who", value="?"), "", "no image of the run"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place_and_what_was_expected(
    run_folder: Path, name: str, change: Callable[[Any], None], place: str, fault: str
) -> None:
    changed(run_folder / name, change)
    with pytest.raises(BadFile) as found:
        record.read_run(run_folder)
    assert (found.value.path, found.value.place) == (run_folder / name, place)
    assert fault in str(found.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 200_000, "nested too deeply|expected `object`"),
        ('{"folds": ' + '{"a":' * 100_000, "nested too deeply|expected `array`"),
        ('{"folds": [], "folds": [], "records": {}}', "has the key 'folds' twice"),
        ('{"folds": [], "records": {"a": {"path": "x", "path": "y"}}}', "the key 'path' twice"),
        ('{"folds": [], "records": {"a": {"path": "x", "text_score": NaN}}}', "malformed"),
        ('{"folds": [], "records": {"a": {"path": "x", "text_score": 1e999}}}', "out of range"),
        ("", "truncated"),
        ("\ufeff{}", "malformed"),
    ],
)
def test_json_that_no_encoder_writes_is_refused(run_folder: Path, text: str, fault: str) -> None:
    (run_folder / "truth.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=fault):
        record.read_run(run_folder)


def header(shape: str, kind: str = "<f8") -> bytes:
    """Return the start of a .npy file that promises a shape."""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (header("(141421, 141421)"), "have shape (141421, 141421), the truth says (12, 12)"),
        (header("(12, 12)"), "its header promises 1,280"),
        (header("(12, 12)") + bytes(5000), "its header promises 1,280"),
        (header("(12, 12)", "|O"), "allow_pickle=False"),
        (header("(12, 12)", "<i8") + bytes(1152), "holds int64; expected floating point"),
        (header("(" * 90), "is no .npy file"),
        (b"\x93NUMPY\x07\x00", "is no .npy file|version (7, 0)"),
        (b"", "is no .npy file"),
    ],
)
def test_scores_are_judged_by_header_and_size_before_anything_is_allocated(
    run_folder: Path, content: bytes, fault: str
) -> None:
    (run_folder / SCORES).write_bytes(content)
    with pytest.raises(BadFile) as found:
        record.read_run(run_folder)
    assert any(one in str(found.value) for one in fault.split("|"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_no_algorithm_may_give_are_named_with_their_pair(
    run_folder: Path, value: float
) -> None:
    scores = np.load(run_folder / SCORES)
    scores[2, 3] = value
    np.save(run_folder / SCORES, scores)
    seal_again(run_folder, through=True)
    with pytest.raises(BadFile, match=r"f1-1-p1.png and f1-1-r2.png.*expected finite") as found:
        record.read_run(run_folder)
    assert found.value.place == "[2, 3]"
    for words in (("verify",), ("score",), ("gate", "--baseline", run_folder, "--candidate")):
        ended = carry_out(*words, run_folder)
        assert (ended.code, ended.fault) == (3, "")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(".", os.O_RDONLY)
        os.chdir(path.parent)
        one.bind(path.name)
        os.fchdir(here)
        os.close(here)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _away(path: Path) -> None:
    path.symlink_to(path.with_name("aside"))


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("name", ["manifest.json", "truth.json", "protocol.toml", SCORES])
@pytest.mark.parametrize(
    ("instead", "fault"),
    [
        (_pipe, "is a named pipe"),
        (_socket, "is a socket"),
        (_loop, "is a link"),
        (_away, "is a link"),
        (_device, "is a link"),
        (Path.mkdir, "is a folder"),
    ],
)
def test_only_regular_files_are_opened_and_no_link_is_followed(
    run_folder: Path, name: str, instead: Callable[[Path], None], fault: str
) -> None:
    path = run_folder / name
    path.rename(path.with_name("aside"))
    instead(path)
    with pytest.raises(BadFile, match=fault):
        record.read_run(run_folder)
    seal_again(run_folder)
    ended = carry_out("verify", run_folder)
    assert (ended.code, ended.fault) == (3, "")


@pytest.mark.parametrize("folder", ["units", "units/fold-1", "units/fold-1/scores"])
def test_a_folder_that_is_a_link_is_not_entered(run_folder: Path, folder: str) -> None:
    outside = run_folder.parent / "outside"
    (run_folder / folder).rename(outside)
    (run_folder / folder).symlink_to(outside)
    with pytest.raises(BadFile, match="below something that is a link"):
        record.read_run(run_folder)
    ended = carry_out("verify", run_folder)
    assert ended.code == 3
    assert f"{folder}: is a link" in ended.out


def test_a_run_folder_may_itself_be_reached_through_a_link(run_folder: Path) -> None:
    link = run_folder.with_name("latest")
    link.symlink_to(run_folder)
    assert carry_out("verify", link).code == 0


@pytest.mark.parametrize("name", ["", ".", "..", "/etc/passwd", "a/../b", "a//b", "./a", "a/"])
def test_names_that_are_not_plain_or_lead_out_are_no_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(BadFile, match="is no name of a file"):
        open_file(tmp_path, name)


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(BadFile):
            open_file(tmp_path, name)


def test_files_of_many_bytes_are_refused_by_their_size(run_folder: Path) -> None:
    for name in ("manifest.json", "truth.json", "checksums.sha256", "protocol.toml"):
        path = run_folder / name
        before = path.read_bytes()
        with path.open("r+b") as file:
            file.truncate(3 << 30)
        ended = carry_out("gate", "--baseline", run_folder, "--candidate", run_folder)
        assert (ended.code, ended.fault) == (3, "")
        assert "bytes; at most" in ended.err
        path.write_bytes(before)
    with pytest.raises(BadFile, match="at most 3 are read"):
        read_bytes(run_folder, "journal.json", 3)


def test_a_file_that_is_all_hole_is_not_hashed(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 43)
    with pytest.raises(BadFile, match="promises 8,796,093,022,208 bytes and holds 0"):
        digest(tmp_path, "big")


def test_what_lies_below_a_folder_is_told_with_its_kind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert sorted(files_below(tmp_path)) == [
        ("a/b", ""),
        ("loop", "a link"),
        ("pipe", "a named pipe"),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{first}", "a second time"),
        ("{digest}  ../outside.txt", "is not a checksum line"),
        ("{digest}  ./truth.json", "is not a checksum line"),
        ("{digest}  /etc/passwd", "is not a checksum line"),
        ("{digest}  units//fold-1/unit.json", "is not a checksum line"),
        ("{upper}  truth.txt", "is not a checksum line"),
        ("truth.json", "is not a checksum line"),
    ],
)
def test_checksums_name_every_file_once_and_plainly(
    run_folder: Path, line: str, fault: str
) -> None:
    path = run_folder / "checksums.sha256"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    text = line.format(first=first, digest=first[:64], upper="A" * 64)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")
    with pytest.raises(BadFile, match=fault) as found:
        record.read_checksums(run_folder)
    assert found.value.place.startswith("line ")
    assert carry_out("verify", run_folder).code == 3


def test_what_the_harness_itself_writes_is_read_without_a_second_look(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1.50, "b": ["\\u00e9"]}', encoding="utf-8")
    assert read_json(tmp_path, "a.json", dict[str, Any]) == {"a": 1.5, "b": ["é"]}


def test_an_error_that_says_nothing_names_the_folder_and_our_own_line(tmp_path: Path) -> None:
    match = r"run\\x1b: it cannot be done .* ValueError 'od.*x1bd'"
    with (
        pytest.raises(Damaged, match=match) as found,
        sound(tmp_path / "run\x1b", "it cannot be done"),
    ):
        raise ValueError("od\x1bd")
    assert found.value.exit_code == 3
    with pytest.raises(KeyError), sound(tmp_path, "it cannot be done", (KeyError,)):
        raise KeyError


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("ranks = 1000000000", "less than or equal to 100000"),
        ('metrics = ["hit-rate@rank=-1"]', "rank is a whole number from 1 to 100,000, got -1"),
        ('metrics = ["hit-rate@rank=1.5"]', "got 1.5"),
        ('metrics = ["hit-rate@rank=99999999999"]', "got 99999999999"),
        ('metrics = ["fnmr@fmr=7"]', "fmr is a share from 0 to 1, got 7"),
        (f"metrics = {['eer'] * 5000}", "at most 100 items"),
        ("x = " + "[" * 20_000, "protocol.toml"),
    ],
)
def test_a_protocol_cannot_keep_a_command_waiting(run_folder: Path, line: str, fault: str) -> None:
    path = run_folder / "protocol.toml"
    key = line.partition(" ")[0]
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [one for one in lines if not one.startswith(f"{key} =")]
    path.write_text("\n".join([line, *kept]), encoding="utf-8")
    with pytest.raises(BadFile) as found:
        record.read_run(run_folder)
    assert fault in str(found.value)
