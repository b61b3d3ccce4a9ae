"""Whatever stands in a name is text: on a terminal, in Markdown, in XML and in HTML."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from harness.comparing.announcing import markdown_text
from harness.errors import visible
from tests.comparing.conftest import Altered, junit_of, reversed_order
from tests.conftest import run_harness

HOSTILE = "<script>alert('x')</script>|\"\n# Überläufer @all \x1b[31m‮ ` [a](b)"


@pytest.fixture
def hostile(altered: Altered) -> Path:
    """A run of an algorithm, on a protocol, with names that try everything."""
    return altered("hostile", reversed_order, algorithm=HOSTILE, title=HOSTILE, protocol=HOSTILE)


def test_a_terminal_gets_one_line_without_control_characters(
    finished: Path, altered: Altered, hostile: Path
) -> None:
    before = altered("before", algorithm=HOSTILE, title=HOSTILE, protocol=HOSTILE)
    for words in (
        ("gate", "--baseline", before, "--candidate", hostile),
        ("compare", before, hostile),
    ):
        ran = run_harness(*words)
        assert ran.code in (0, 1), ran.err
        assert not set(ran.out) & {"\x1b", "‮"}
        assert visible(HOSTILE) in ran.out


def test_markdown_shows_the_name_and_nothing_else(
    altered: Altered, hostile: Path, tmp_path: Path
) -> None:
    before = altered("before", algorithm=HOSTILE, title=HOSTILE, protocol=HOSTILE)
    run_harness("gate", "--baseline", before, "--candidate", hostile, "--out", tmp_path / "out")
    text = (tmp_path / "out" / "gate.md").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "@all" not in text
    assert "](" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {rows[0].count("|")}
    (shown, *_) = re.findall(r"<code>(.*?)</code>", text)
    assert html.unescape(shown) == visible(HOSTILE)


def test_junit_is_xml_whatever_the_names(altered: Altered, hostile: Path, tmp_path: Path) -> None:
    before = altered("before", algorithm=HOSTILE, title=HOSTILE, protocol=HOSTILE)
    run_harness("gate", "--baseline", before, "--candidate", hostile, "--out", tmp_path / "out")
    suite = junit_of(tmp_path / "out" / "junit.xml")
    assert suite.get("name") == f"harness gate {visible(HOSTILE)}"
    assert visible(HOSTILE) in str(suite[0].get("classname"))


def test_json_keeps_the_name_as_it_is(altered: Altered, hostile: Path, tmp_path: Path) -> None:
    before = altered("before", algorithm=HOSTILE, title=HOSTILE, protocol=HOSTILE)
    ran = run_harness("gate", "--baseline", before, "--candidate", hostile, "--json")
    assert json.loads(ran.out)["candidate"]["algorithm"] == HOSTILE


def test_a_refusal_shows_names_as_text_too(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    other = altered("other", protocol=HOSTILE, protocol_hash="0" * 64)
    ran = run_harness(
        *("gate", "--baseline", finished, "--candidate", other, "--out", tmp_path / "out"),
    )
    assert ran.code == 4
    assert not set(ran.err) & {"\x1b", "\u202e"}
    text = (tmp_path / "out" / "gate.md").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "@all" not in text
    error = junit_of(tmp_path / "out" / "junit.xml")[0][0]
    assert "<script>alert" in str(error.get("message"))


def test_the_page_of_a_comparison_shows_names_as_text(
    altered: Altered, hostile: Path, tmp_path: Path
) -> None:
    before = altered("before", algorithm=HOSTILE + "2", title=HOSTILE, protocol=HOSTILE)
    ran = run_harness("compare", before, hostile, "--out", tmp_path / "page.html")
    assert ran.code == 0, ran.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert page.count("<script>") == 1
    assert "\u202e" not in page
    assert "⟨U+202E⟩" in page


@pytest.mark.parametrize("text", ["plain", "größer als 3", "a|b*c_d`e<f>&g@h#i[j](k)\\l~m"])
def test_markdown_text_comes_out_as_it_went_in(text: str) -> None:
    written = markdown_text(text)
    assert html.unescape(written.removeprefix("<code>").removesuffix("</code>")) == text
    assert not set(written[6:-7]) & set("|*_`<>@[]()\\~")
