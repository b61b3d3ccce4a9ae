"""What a console cannot show is written plainly; who has stopped reading is no fault."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.streams import Said, guard
from harness.errors import Unwritable

TEXT = "loss −0.02, ≥ 3 …, Łódź, 刺青, 🌹, \udcff"


def said(encoding: str, text: str) -> str:
    raw = io.BytesIO()
    guard()
    stream = Said(io.TextIOWrapper(raw, encoding=encoding), "it", talk=False)
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "cp932", "cp949", "koi8-r"])
def test_every_code_page_shows_every_text(encoding: str) -> None:
    shown = said(encoding, TEXT)
    # Japanese code pages have a minus sign, a wide one.
    assert shown.startswith(("loss -0.02", "loss －0.02"))
    assert "\\udcff" in shown
    assert "?" not in shown


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp949"])
def test_json_stays_the_same_json(encoding: str) -> None:
    value = {"name": "Łódź 刺青 🌹", "quote": "“”"}
    assert json.loads(said(encoding, json.dumps(value, ensure_ascii=False))) == value


def test_utf_8_is_left_alone() -> None:
    assert said("utf-8", "−0.5 刺青") == "−0.5 刺青"


def test_after_the_reader_has_gone_nothing_is_said_and_nothing_fails() -> None:
    read, write = os.pipe()
    os.close(read)
    stream = Said(io.TextIOWrapper(os.fdopen(write, "wb")), "it", talk=False)
    for _ in range(3):
        stream.write("gone\n")
        stream.flush()
    assert stream.settle() is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_a_sentence_that_is_said_until_it_is_heard() -> None:
    full = Path("/dev/full").open("w", buffering=1, encoding="utf-8")  # noqa: SIM115
    stream = Said(full, "it", talk=False)
    for _ in range(2):
        with pytest.raises(Unwritable, match="it cannot be written: No space left"):
            stream.write("a line\n")
    assert stream.settle() is not None
    assert stream.settle() is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("list >/dev/full", 3),
        ("--help >/dev/full", 3),
        ("list 2>/dev/full", 0),
        ("nonsense 2>/dev/full", 2),
        ("list >&-", 0),
        ("list --json | head -c0; exit ${PIPESTATUS[0]}", 0),
        ("nonsense 2>&1 | head -c0; exit ${PIPESTATUS[0]}", 2),
    ],
)
def test_where_nothing_can_be_written_the_code_still_says_what_happened(
    shell: str, code: int
) -> None:
    command = f"{sys.executable} -m harness {shell}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
