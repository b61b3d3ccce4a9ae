"""Sections of a report for one kind of question: what they show, and that names are escaped."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.data.records import Fold, Record
from harness.plugins.places import bundled
from harness.reporting.sections.sections import SectionInput, sections_of
from harness.tasks import style
from harness.tasks.answers import Answer
from harness.tasks.reading import read_protocol

PROTOCOL, _ = read_protocol(bundled("protocols") / "style.toml")


def told(scores: list[list[float]], name: str = "a") -> SectionInput:
    records = {
        f"{name}{k}": Record(f"{name}{k}", Path("gone"), style="tribal", group=str(k))
        for k in range(len(scores))
    }
    fold = Fold("1", (), tuple(records))
    outcome = style.TASK.judge([fold], [Answer(np.array(scores))], records, PROTOCOL)
    return SectionInput(Path("nowhere"), outcome, records)


def test_styles_show_the_confusion_and_the_surest_mistakes_in_words() -> None:
    right, wrong = [0, 0, 1.0, 0, 0, 0], [0, 0, 0.1, 0, 0.9, 0]
    (section,) = sections_of(told([right, right, wrong]))
    assert "tribal taken for fineline, 1 times" in section.content
    assert "<b>tribal</b> taken for fineline, 90" in section.content
    assert "<b>2</b>" in section.content


def test_names_from_a_data_set_are_escaped() -> None:
    (section,) = sections_of(told([[0, 0, 0.1, 0, 0.9, 0]], "<script>alert(1)</script>"))
    assert "<script>" not in section.content
    assert "&lt;script&gt;" in section.content


def test_a_search_shows_both_orders_and_says_which_results_have_no_tattoo() -> None:
    from harness.tasks.results import Curves, Judgement, Metrics, Outcome

    searches = [
        Judgement("1", f"r{k}", "rose", rank=k, score=1.0, truth=truth, values=dict(values))
        for k, truth, values in (
            (1, "tattoo", {"rank-before": 2.0, "text-score": 5.0, "concentration": 0.5}),
            (2, "non-tattoo", {"rank-before": 1.0, "text-score": 9.0, "concentration": 0.0}),
        )
    ]
    outcome = Outcome(Metrics("search", "x", {}, {}, []), Curves(), searches, [])
    (section,) = sections_of(SectionInput(Path("nowhere"), outcome, {}))
    before, after = section.content.split("Penalised by concentration")
    assert before.index("r1") > before.index("r2")
    assert after.index("r1") < after.index("r2")
    assert "1 no tattoo" in before


def test_masks_without_their_run_folder_or_a_task_without_a_section_show_nothing() -> None:
    from harness.tasks.results import Curves, Metrics, Outcome

    for task in ("segmentation", "search", "style", "identification"):
        outcome = Outcome(Metrics(task, "x", {}, {}, []), Curves(), [], [])
        assert sections_of(SectionInput(Path("nowhere"), outcome, {})) == []
