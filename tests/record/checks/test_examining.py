"""Runs are examined by all checks, ours and others'; what is silenced says why; CI can stop."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.findings import Finding
from harness.errors import UsageError
from harness.record.checks.check import CODE, SEVERITIES, Checked
from harness.record.checks.examining import examine, examine_folder, firing, taken_up
from harness.record.checks.registry import CHECKS, checks, find_check, page_of
from harness.reporting.examined import check_lines, summary, warned
from harness.reporting.sections.section import SectionInput
from harness.tasks.protocol import CheckRules
from tests.conftest import Ran, run_here
from tests.record.checks.conftest import Made, made_manifest
from tests.reporting.conftest import make_outcome, section_input
from tests.snippets import ROOT, blocks

MADE = Made()
PAGE = ROOT / "docs" / "checks.md"
Command = Callable[..., Ran]


def of(found: Sequence[Checked], code: str) -> Checked:
    return next(one for one in found if one.code == code)


def plugin(folder: Path, text: str, name: str = "mine") -> Path:
    """Write a check into a plugin folder."""
    (folder / "checks").mkdir(parents=True, exist_ok=True)
    (folder / "checks" / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


MINE = """from harness.record.checks import *


class Mine(Check):
    code = "mine"
    title = "Is it mine?"

    def look(self, run):
        {body}
"""


def test_every_check_answers_for_every_run_and_what_is_wrong_comes_first() -> None:
    found = examine(MADE.run(MADE.scores(0.0)))
    assert {one.code for one in found} == {kind.code for kind in CHECKS}
    places = [SEVERITIES.index(one.severity) for one in found]
    assert places == sorted(places)
    assert found[0].severity == "issue"


def test_codes_are_words_and_each_check_says_what_it_does() -> None:
    for kind in CHECKS:
        assert CODE.fullmatch(kind.code)
        assert kind.title.endswith("?")
        assert len(kind.explained().split("\n\n")) > 1, "what it is about, and when it fires"


@pytest.mark.skipif(not PAGE.exists(), reason="the documents are in the checkout")
def test_the_page_has_a_heading_for_every_code_in_the_order_of_the_registry() -> None:
    text = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\S+)\n\n(.*)$", text, re.MULTILINE))
    assert list(sections) == [kind.code for kind in CHECKS]
    for kind in CHECKS:
        assert sections[kind.code].startswith(kind.title)
        assert page_of(kind()) == f"docs/checks.md#{kind.code}"


def test_what_is_silenced_shows_its_reason_and_fires_nothing() -> None:
    run = MADE.run(MADE.scores(0.0))
    found = examine(run, silenced={"at-chance": "a test set"})
    one = of(found, "at-chance")
    assert (one.severity, one.because) == ("silenced", "a test set")
    assert "at-chance" not in {fired.code for fired in firing(found, ("at-chance", "issue", "tip"))}
    assert any("(silenced: a test set)" in line for line in check_lines(found))


def test_a_protocol_silences_too_and_what_passes_is_not_silenced() -> None:
    run = MADE.run(MADE.scores(0.0))
    rules = CheckRules(silence={"at-chance": "small", "refused": "few", "no-such": "old"})
    found = examine(replace(run, protocol=run.protocol.model_copy(update={"checks": rules})))
    assert (of(found, "at-chance").severity, of(found, "at-chance").because) == (
        "silenced",
        "small",
    )
    assert (of(found, "refused").severity, of(found, "refused").because) == ("passed", "")
    assert "no check of this code is known" in of(found, "no-such").sentence


def test_a_reason_is_needed_and_a_code_has_to_be_known() -> None:
    with pytest.raises(ValueError, match="at-chance"):
        CheckRules(silence={"at-chance": " "})
    with pytest.raises(UsageError, match="Did you mean 'at-chance'"):
        examine(MADE.run(MADE.scores(1.0)), silenced={"at-chanse": "why"})


def test_what_stops_a_caller_are_codes_issues_or_tips() -> None:
    def one(code: str, severity: str) -> Checked:
        return Checked(code, severity, "", "", {}, "")  # type: ignore[arg-type]

    found = [one("a", "issue"), one("b", "tip"), one("c", "passed"), one("d", "silenced")]
    asked = {
        words: [fired.code for fired in firing(found, words.split())]
        for words in ("", "issue", "tip", "b", "c d", "b issue")
    }
    expected = {"": "", "issue": "a", "tip": "ab", "b": "b", "c d": "", "b issue": "ab"}
    assert {key: "".join(codes) for key, codes in asked.items()} == expected


# Checks of others.


@pytest.mark.skipif(not PAGE.exists(), reason="the documents are in the checkout")
def test_a_newcomer_s_check_is_one_class_in_one_file(tmp_path: Path) -> None:
    """The exercise of CONTRIBUTING, with the very file of the documentation."""
    (text,) = blocks(PAGE, "python")
    name = re.match(r"# mine/(checks/\w+\.py)\n", text)
    assert name is not None
    (tmp_path / "checks").mkdir()
    (tmp_path / name[1]).write_text(text)
    found = of(examine(MADE.run(MADE.scores(1.0)), [tmp_path]), "small-set")
    assert (found.severity, found.sentence) == ("tip", "only 40 searches")
    assert found.evidence == {"searches": 40}
    assert found.page == "https://wiki.example.org/small-set"
    assert "too few for our laboratory" in find_check("small-set", checks([tmp_path])).explained()


def test_plugin_folders_of_the_environment_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "HARNESS_PLUGINS", str(plugin(tmp_path, MINE.format(body="return passed('')")))
    )
    assert of(examine(MADE.run(MADE.scores(1.0))), "mine").severity == "passed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINE.format(body="return 1 / 0"), "ZeroDivisionError"),
        (MINE.format(body="return True"), "answered with bool, and not with a verdict"),
        (MINE.format(body="return passed('')").replace('"mine"', '"Mine!"'), "lower-case words"),
        (MINE.format(body="return passed('')").replace('"Is it mine?"', '""'), "has no title"),
        ("import no_such_package", "no_such_package"),
        ("x = 1", "exactly one public class derived from Check"),
        (MINE.format(body="return passed('')").replace('"mine"', '"at-chance"'), "another"),
    ],
)
def test_a_check_that_fails_has_not_passed(tmp_path: Path, text: str, said: str) -> None:
    found = examine(MADE.run(MADE.scores(1.0)), [plugin(tmp_path, text)])
    (own,) = [one for one in found if one.code not in {kind.code for kind in CHECKS}]
    assert own.severity == "issue"
    assert said in own.sentence
    assert "\n" not in own.sentence


def test_a_package_offers_a_check_as_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text(MINE.format(body="return passed('')"))
    info = tmp_path / "theirs-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tattoo_harness.checks]\nmine = theirs:Mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "mine" in {one.code for one in checks()}


# Pages, terminals, programs.


def test_the_report_names_what_is_wrong_and_escapes_what_checks_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "return issue('<script>alert(1)</script>', {'<b>x': '<i>y'})"
    monkeypatch.setenv("HARNESS_PLUGINS", str(plugin(tmp_path, MINE.format(body=body))))
    page = _report()
    assert "<script>alert(1)" not in page
    assert "<b>x" not in page
    assert "<i>y" not in page
    assert "<script>alert(1)</script>" in html.unescape(page)
    assert 'data-check="mine"' in page


def test_a_finding_that_a_check_takes_up_stands_in_the_report_once() -> None:
    shortcut = Finding("shortcut-size", "warning", "a search by width and height alone finds it")
    other = Finding("skipped-pictures", "warning", "skipped 6 pictures")
    page = html.unescape(_report(shortcut, other))
    assert page.count(shortcut.text) == 1
    assert page.count(other.text) == 1
    assert 'data-check="shortcut"' in page
    assert 'data-code="skipped-pictures"' in page


def _report(*findings: Finding) -> str:
    from harness.reporting import report

    manifest = made_manifest()
    manifest.findings = list(findings)
    given: SectionInput = section_input(manifest, make_outcome())
    return report.render(given)


def test_how_many_there_are_is_said_in_words() -> None:
    found = examine(MADE.run(MADE.scores(0.0)))
    issues = sum(one.severity == "issue" for one in found)
    assert warned(found).startswith(f"{issues} issue")
    assert summary(found).startswith(f"{len(CHECKS)} checks looked at this run: ")
    assert taken_up([Finding("one-fit", "warning", "x")], found) == []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a control of which every score is the same."""
    place = tmp_path_factory.mktemp("finished")
    ran = run_here("run", "--protocol", "identification", "--algo", "constant", cwd=place)
    assert ran.code == 0, ran.err
    assert "issue ties-decide: " in ran.out
    (folder,) = (place / "runs" / "identification").glob("constant-*")
    return folder


def test_a_finished_run_is_examined_alike_on_the_terminal_in_json_report_and_python(
    finished: Path,
) -> None:
    import harness

    found = examine_folder(finished)
    assert not [one for one in found if "the check failed" in one.sentence]
    ran = run_here("checks", finished, "--json")
    (listed,) = ran.json["runs"]
    assert [one["code"] for one in listed["checks"]] == [one.code for one in found]
    frame = harness.load(finished).checks
    assert frame[["code", "severity"]].values.tolist() == [[o.code, o.severity] for o in found]
    page = (finished / "report.html").read_text()
    assert re.findall(r'data-check="([^"]*)"', page) == [one.code for one in found]
    again = json.loads(run_here("score", "--json", finished).out)
    assert again["checks"] == listed["checks"]


def test_exit_codes_say_whether_something_fired_that_was_asked_for(finished: Path) -> None:
    def code(*words: str) -> int:
        return run_here("checks", finished, *words).code

    assert code() == 0
    assert code("--fail-on", "issue") == 1
    assert code("--fail-on", "ties-decide") == 1
    assert code("--fail-on", "refused") == 0
    silenced = ("--silence", "ties-decide", "--because", "a control")
    assert code("--fail-on", "ties-decide", *silenced) == 0
    assert code("--silence", "ties-decide") == 2
    ran = run_here("checks", finished, "--fail-on", "tie-decide")
    assert (ran.code, "Did you mean 'ties-decide'" in ran.err) == (2, True)


def test_a_run_that_changed_is_not_examined(finished: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    text = (copy / "metrics.json").read_text().replace("0.5", "0.6", 1)
    (copy / "metrics.json").write_text(text)
    ran = run_here("checks", copy)
    assert (ran.code, "metrics.json" in ran.err) == (3, True)


def test_a_check_is_described_and_listed(finished: Path) -> None:
    ran = run_here("describe", "few-errors")
    assert "Doddington" in ran.out
    assert "few-errors" in run_here("list", "checks").out
