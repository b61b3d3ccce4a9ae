"""Sections of a report: each shows what a run has, names are escaped, and a new one is one file."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.data.records import Fold, Record
from harness.plugins.places import bundled
from harness.reporting import report, sections
from harness.reporting.sections.section import Section, SectionInput
from harness.tasks import style
from harness.tasks.answers import Answer
from harness.tasks.kinds import KINDS
from harness.tasks.reading import read_protocol
from harness.tasks.results import Curves, Judgement, Metrics, Outcome
from tests.reporting.conftest import make_detection, make_manifest, make_outcome, section_input

PROTOCOL, _ = read_protocol(bundled("protocols") / "style.toml")
HOUSE = Path(harness.__file__).parent

NEWCOMER = '''
"""The section on the loudest search."""

from harness.reporting.sections.section import Section, filled


def section(run):
    scored = [search for search in run.outcome.searches if search.score is not None]
    if not scored:
        return None
    loudest = max(scored, key=lambda search: search.score)
    text = "<p>Loudest: <b>{{ name }}</b></p>"
    content = filled(text, name=loudest.probe)
    return Section("loudest", "The loudest", content, ("Loud is what scores high.",))
'''


def shown(run: SectionInput) -> dict[str, Section]:
    """Return the sections of a run by name."""
    found = [section(run) for section in sections.SECTIONS]
    return {section.name: section for section in found if section is not None}


def styled(scores: list[list[float]], name: str = "a") -> SectionInput:
    records = {
        f"{name}{k}": Record(f"{name}{k}", Path("gone"), style="tribal", group=str(k))
        for k in range(len(scores))
    }
    fold = Fold("1", (), tuple(records))
    outcome = style.TASK.judge([fold], [Answer(np.array(scores))], records, PROTOCOL)
    return section_input(make_manifest("style"), outcome, lambda name: None, records=records)


def test_styles_show_the_confusion_and_the_surest_mistakes_in_words() -> None:
    right, wrong = [0, 0, 1.0, 0, 0, 0], [0, 0, 0.1, 0, 0.9, 0]
    content = shown(styled([right, right, wrong]))["styles"].content
    assert "tribal taken for fineline, 1 times" in content
    assert "<b>tribal</b> taken for fineline, 90" in content
    assert "<b>2</b>" in content


def test_names_from_a_data_set_are_escaped() -> None:
    content = shown(styled([[0, 0, 0.1, 0, 0.9, 0]], "<script>alert(1)</script>"))["styles"].content
    assert "<script>" not in content
    assert "&lt;script&gt;" in content


def test_a_search_shows_both_orders_and_says_which_results_have_no_tattoo() -> None:
    searches = [
        Judgement("1", f"r{k}", "rose", rank=k, score=1.0, truth=truth, values=dict(values))
        for k, truth, values in (
            (1, "tattoo", {"rank-before": 2.0, "text-score": 5.0, "concentration": 0.5}),
            (2, "non-tattoo", {"rank-before": 1.0, "text-score": 9.0, "concentration": 0.0}),
        )
    ]
    outcome = Outcome(Metrics("search", "x", {}, {}, []), Curves(), searches, [])
    run = section_input(make_manifest("search"), outcome, lambda name: None)
    before, after = shown(run)["reranking"].content.split("Penalised by concentration")
    assert before.index("r1") > before.index("r2")
    assert after.index("r1") < after.index("r2")
    assert "1 no tattoo" in before


@pytest.mark.parametrize("task", KINDS)
def test_a_run_that_has_nothing_shows_no_section_of_results(task: str) -> None:
    outcome = Outcome(Metrics(task, "x", {}, {}, []), Curves(), [], [])
    found = shown(section_input(make_manifest(task), outcome, lambda name: None))
    filled = {name for name, section in found.items() if section.content}
    always = {"result", "checks", "failures", "run", "reproduce", "counting"}
    assert filled - {"published", "retouched"} == always


def test_what_searches_and_decisions_are_counted_by_is_told_once_and_apart() -> None:
    pages = [
        report.render(section_input(make_manifest(outcome.metrics.task), outcome))
        for outcome in (make_outcome(), make_detection())
    ]
    assert [page.count("The rank of a search is one plus") for page in pages] == [1, 0]
    assert [page.count("is decided to show a tattoo") for page in pages] == [0, 1]


@pytest.mark.parametrize("name", ["p1.jpg", "<img src=x>"])
def test_a_new_section_is_one_file_and_its_place_on_the_page(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loudest.py").write_text(NEWCOMER)
    monkeypatch.setattr(sections, "__path__", [*sections.__path__, str(tmp_path)])
    from harness.reporting.sections import loudest  # type: ignore[attr-defined]

    first, *others = sections.SECTIONS
    monkeypatch.setattr(sections, "SECTIONS", (first, loudest.section, *others))
    outcome = make_outcome()
    outcome.searches = [Judgement("1", name, "", score=9.0)]
    page = report.render(section_input(make_manifest(), outcome))
    escaped = name.replace("<", "&lt;").replace(">", "&gt;")
    assert f"<p>Loudest: <b>{escaped}</b></p>" in page
    assert page.index('id="result"') < page.index('id="loudest"') < page.index('id="failures"')
    assert '<li><a href="#loudest">The loudest</a></li>' in page
    assert "<li>Loud is what scores high.</li>" in page.split('id="counting"')[1]
    outcome.searches = []
    assert "Loud" not in report.render(section_input(make_manifest(), outcome))


def test_every_module_with_a_section_has_its_place_on_the_page() -> None:
    folder = Path(inspect.getfile(sections)).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__", "section"}
    assert files == {make.__module__.rpartition(".")[2] for make in sections.SECTIONS}
    assert len(sections.SECTIONS) == len(files)


def asked_by_name(text: str) -> list[int]:
    """Return the lines of a module that compare the name of a task, or look something up by it.

    The table of the kinds of question themselves is another matter.
    """

    def is_task(node: ast.expr) -> bool:
        return isinstance(node, ast.Attribute) and node.attr == "task"

    def names_kinds(node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == "KINDS"

    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Compare(left=left, comparators=others):
                asks = any(map(is_task, (left, *others)))
            case ast.Match(subject=subject):
                asks = is_task(subject)
            case ast.Subscript(value=table, slice=key):
                asks = is_task(key) and not names_kinds(table)
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[key, *_]):
                asks = is_task(key) and not names_kinds(table)
            case _:
                asks = False
        if asks:
            found.append(getattr(node, "lineno", 0))
    return found


@pytest.mark.parametrize("package", ["reporting", "boards", "comparing"])
def test_nothing_that_shows_or_compares_runs_asks_for_a_task_by_name(package: str) -> None:
    found = [
        f"{file.name}:{line}"
        for file in sorted((HOUSE / package).rglob("*.py"))
        if file.name != "aigtatt.py"  # a format of another system, which has these three tasks
        for line in asked_by_name(file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        'if metrics.task == "detection":\n    pass',
        'x = 1 if "style" != run.protocol.task else 2',
        'y = m.task in ("removal", "style")',
        "z = NAMES[manifest.task]",
        "z = {'style': 1}.get(manifest.task, 2)",
        'match run.task:\n    case "style":\n        pass',
    ],
)
def test_asking_for_a_task_by_name_is_seen(text: str) -> None:
    assert asked_by_name(text) == [1]
    assert asked_by_name("run.task.ability is not Detector; f(run.task); KINDS[m.task]") == []
