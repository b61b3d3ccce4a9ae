"""The report of a run held against axe-core, with every kind of section and of an unknown task."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.record.manifest import Manifest
from harness.statistics.estimate import Estimate
from harness.tasks.results import (
    Curves,
    Outcome,
)
from tests.browsing import chromium, quiet_page, serious_faults
from tests.reporting.conftest import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Picture = Callable[[str], bytes | None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_a_report(
    browser: Browser,
    scheme: str,
    manifest: Manifest,
    outcome: Outcome,
    picture: Picture,
    tmp_path: Path,
) -> None:
    page_file = tmp_path / "report.html"
    text = render(manifest, outcome, picture, use_case="tattoo_identification")
    page_file.write_text(text, encoding="utf-8")
    with quiet_page(browser, color_scheme=scheme) as page:
        page.goto(page_file.as_uri())
        assert serious_faults(page) == []
        # Long tables of published figures are folded up, and their heads still say what they are.
        assert page.locator("#published details").count() >= 1


def test_a_report_with_pictures_stays_under_two_megabytes(
    manifest: Manifest, outcome: Outcome
) -> None:
    large = bytes(60_000)
    page = render(manifest, outcome, lambda name: large, use_case="tattoo_identification")
    assert len(page.encode()) < 2_000_000
    assert page.count("data:image/jpeg") > 10


def test_a_kind_of_question_that_the_report_has_never_heard_of_is_told_without_guessing(
    manifest: Manifest, outcome: Outcome
) -> None:
    outcome.metrics.task = manifest.task = "something-new"
    outcome.metrics.headline = "novelty"
    outcome.metrics.pooled = {"novelty": Estimate(12.5, 11.0, 13.0, "bootstrap", 40)}
    outcome.metrics.folds = []
    outcome.curves = Curves()
    outcome.searches = []
    page = render(manifest, outcome, lambda name: None)
    # What is checked of runs names things that this one does not have.
    page = re.sub(r'<section id="checks".*?</section>', "", page, flags=re.DOTALL)
    words = re.sub(r"<[^>]+>", " ", page[page.index("<main") :])
    assert "novelty" in words
    assert "12.500" in words
    # Nothing is said of searches, probes' galleries or thresholds that there were not.
    assert "own gallery" not in words
    assert "rank of a search" not in words
    assert "threshold" not in words.split("Terms")[0]
