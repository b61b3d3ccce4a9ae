"""Manifests and protocols that were damaged at random are read, or refused with a sentence."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from harness.boards import boards
from harness.data.marker import MARKER, read_marker
from harness.data.readers.layouts import open_dataset
from harness.errors import HarnessError, UsageError
from harness.plugins.places import bundled
from harness.plugins.registry import title_of
from harness.tasks.kinds import task_of
from harness.tasks.reading import (
    parse_protocol,
    read_protocol,
)
from tests.conftest import save_png

MANIFESTS, PROTOCOLS = 250, 200
LONGEST = 60_000
"""Characters of all that is said about one file."""

MANIFEST = (
    b"image,tattoo,subject,group,media,role,fold,box,label,tags,mask,clean,name,text_score\n"
    b"0.png,t1,s1,g1,photo,probe,1,0 0 4 4,tattoo,a;b,1.png,2.png,n0,1.5\n"
    b"1.png,t1,s1,g1,sketch,reference,1,,tattoo,,,,n1,\n"
    b"2.png,t2,s2,g1,photo,train,2,1 1 5 5,,\"['x','y']\",,,n2,2\n"
)

CELLS = (
    *(b"\0", b'"', b"\xff\xfe", b"\xed\xa0\x80", b"\n", b"\r", b",", b";", b"\t", b"|", b"sep=;\n"),
    *(b"/" * 300, b"a" * 300, b"a" * 5000, b"b" * 140_000, b"d/" * 3000, "🌹".encode() * 90),
    *(b"../../x", b".", b"..", b"~", b"=1", b"\\" * 400, b"n" * 252 + b".png", b"\x1b[31m"),
    *(b"9" * 5000, b"1e999", b"nan", b"-1", b"0x10", b"[[" * 2000, b"{" * 3000, b"['a", b"(" * 900),
    *("e\u0301".encode(), "\u202e".encode(), b"\xef\xbb\xbf"),
)

VALUES = (
    *(b"[" * 2000, b"{a=" * 2000, b"a." * 3000 + b"a=1\n", b"x = " + b"[" * 900 + b"]" * 900),
    *(b"9" * 5000, b"0x" + b"f" * 5000, b"1e999", b"nan", b"-inf", b"-1", b"1.5", b"true", b"[]"),
    *(b'"""', b"'''", b"\0", b"\xff", b'"\\ud800"', b'"\\u202e\\u0000"', b'""', b"= ", b"{}"),
    *(b"[[a]]\n", b"[a.b]\n", b"[a" + b".a" * 3000 + b"]\nb=1\n", b"1979-05-27T07:32:00Z", b"[{}]"),
    *(b'task = ["a"]\n', b'metrics = [[["eer"]]]\n', b'"' + b"m" * 50_000 + b'"', b"k" * 50_000),
)


def damaged(rng: random.Random, text: bytes, pieces: tuple[bytes, ...]) -> bytes:
    """Return a text with one to four things done to it."""
    found = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(found) + 1)
        other = rng.randrange(len(found) + 1)
        match rng.randrange(6):
            case 0:
                found[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                found[at:at] = rng.choice(pieces)
            case 2:
                del found[at : at + rng.randint(1, 40)]
            case 3:
                found[at:at] = found[min(at, other) : max(at, other)][:2000]
            case 4:
                found[at : at + rng.randint(1, 12)] = rng.choice(pieces)
            case _:
                del found[at:]
    return bytes(found)


def faults_of(manifest: Path) -> str:
    """Read a manifest and return its problems, a line each."""
    found = open_dataset(manifest).findings
    return "\n".join(one.text for one in found if one.severity == "problem")


def question_of(text: bytes) -> str:
    """Read a protocol and find the kind of question that it asks."""
    assert task_of(parse_protocol(text, "p.toml"))
    return ""


def said(act: Callable[[], str]) -> str:
    """Return what is said of a text; what is raised besides a refusal is a fault."""
    try:
        text = act()
    except HarnessError as reason:
        text = str(reason)
    assert len(text) < LONGEST
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures for manifests to name."""
    root = tmp_path_factory.mktemp("mutated")
    for number in range(3):
        save_png(root / f"{number}.png", [[[number] * 3] * 8] * 8)
    return root


def test_a_manifest_damaged_at_random_is_read_or_refused(folder: Path) -> None:
    rng, refused = random.Random(20), 0
    for _ in range(MANIFESTS):
        (folder / "m.csv").write_bytes(damaged(rng, MANIFEST, CELLS))
        refused += bool(said(lambda: faults_of(folder / "m.csv")))
    assert MANIFESTS / 3 < refused < MANIFESTS, "some are still sound"


def test_a_protocol_damaged_at_random_is_read_or_refused() -> None:
    sound = [file.read_bytes() for file in sorted(bundled("protocols").glob("*.toml"))]
    rng, refused = random.Random(21), 0
    for _ in range(PROTOCOLS):
        text = damaged(rng, rng.choice(sound), VALUES)
        refused += bool(said(partial(question_of, text)))
    assert PROTOCOLS / 3 < refused < PROTOCOLS, "some are still sound"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a" * 256 + ".png", "a part longer than a name may be (255 bytes)"),
        ("é" * 128, "a part longer than a name may be (255 bytes)"),
        ("x/" + "🌹" * 64 + "/a.png", "a part longer than a name may be (255 bytes)"),
        ("dd/" * 1400 + "a.png", "is longer than a path may be (4,095 bytes)"),
        ("b" * 140_000, "field larger than field limit"),
    ],
    ids=["ASCII", "letters of two bytes", "a folder", "a long path", "a long cell"],
)
@pytest.mark.parametrize("column", ["image", "mask"])
def test_a_name_that_no_file_can_have_is_refused_briefly(
    folder: Path, name: str, fault: str, column: str
) -> None:
    other = {"image": "mask", "mask": "image"}[column]
    (folder / "m.csv").write_text(f"{column},{other}\n{name},0.png\n", encoding="utf-8")
    said = faults_of(folder / "m.csv")
    assert said.startswith("m.csv:2: ")
    assert fault in said
    assert len(said) < 2100


NESTED = {
    "lists": b"x = " + b"[" * 20_000 + b"]" * 20_000,
    "tables in a line": b"x = " + b"{a=" * 20_000,
    "lists of tables": b"x = " + b"[{a=" * 9_000,
}


@pytest.mark.parametrize("how", NESTED)
def test_toml_nested_without_end_is_refused_wherever_it_is_read(tmp_path: Path, how: str) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(NESTED[how])
    with pytest.raises(UsageError, match=r"p\.toml is not TOML: it is nested too deeply"):
        read_protocol(file)
    assert title_of(file) == "cannot be read: it is nested too deeply"
    (tmp_path / MARKER).write_bytes(NESTED[how][:60_000])
    assert read_marker(tmp_path) == ("not stated", f"{MARKER} is not TOML: it is nested too deeply")
    assert boards._table(NESTED[how]) == {}


def test_a_protocol_that_is_no_file_or_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no file"):
        read_protocol(tmp_path)
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UsageError, match="is larger than 1,048,576 bytes"):
        read_protocol(huge)
