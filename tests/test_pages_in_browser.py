"""Every kind of page, on a phone, a desk and a wide screen, light, dark and on paper.

Measured is what a reader would see at once: a page that scrolls sideways, words that are cut or
stand over each other, letters too small or too faint, a table that leaves the paper.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest

from harness.boards.building import build
from harness.reporting.report import render
from harness.web.desk import AnnotationServer
from tests.browsing import chromium, faint_words, quiet_page
from tests.conftest import PREAMBLE, run_harness, save_png
from tests.reporting.conftest import make_manifest, make_outcome, section_input
from tests.runs.repeats.conftest import LEARNS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A browser on a busy machine takes its time, and so do the runs.
# In one process, so that the pages are made once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pages")]

QUESTIONS = (
    *("detection", "verification", "open-set", "closed-set", "style", "tagging"),
    *("segmentation", "search"),
)
REPORTS = (
    *QUESTIONS,
    *("removal", "similarity", "likelihood ratios", "attacked", "strange names"),
)
KINDS = (
    *REPORTS,
    *("fits", "overview", "board", "algorithm", "comparison", "validation", "annotation"),
)
CRITERIA = """
title = "Validation of colours on sketches"
[statement]
purpose = "To be looked at, on screens and on paper"
[[criterion]]
characteristic = "accuracy"
metric = "cllr"
at-most = 0.4
reason = "A reason that takes a few words more than its column is broad"
[[criterion]]
characteristic = "discriminating-power"
metric = "hit-rate@rank=10"
at-least = 0.1
[[criterion]]
characteristic = "robustness"
metric = "hit-rate@rank=1"
by = "style"
at-least = 0.5
"""
"""Of which rows pass, fail and are not supported."""

WIDTHS = (390, 1280, 1920)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WHAT_IS_SHOWN = """[...document.body.querySelectorAll("*")].map(
    one => Number(one.checkVisibility({visibilityProperty: true, opacityProperty: true}))
).join("")"""
UNFOLD = """document.querySelectorAll("details:not([open])").forEach(
    one => { one.dataset.folded = ""; one.open = true; })"""
FOLD = """document.querySelectorAll("details[data-folded]").forEach(
    one => { delete one.dataset.folded; one.open = false; })"""
SMALLEST_ON_SCREEN = 10.5
# 8 pt, in the pixels of a browser, of which an inch has 96.
SMALLEST_ON_PAPER = 8 * 96 / 72 - 0.07
# What A4 leaves between its margins, upright and on its side.
UPRIGHT, ON_ITS_SIDE = 673, 1001


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def addresses(
    tmp_path_factory: pytest.TempPathFactory, small_set: Path
) -> Iterator[dict[str, str]]:
    """One page of every kind, of runs that take seconds."""
    place = tmp_path_factory.mktemp("pages")
    runs = place / "runs"

    def run(*words: str | Path) -> None:
        ran = run_harness("run", "--out", runs, *words, timeout=600)
        assert ran.code == 0, ran.err

    def report(pattern: str) -> str:
        (found,) = runs.glob(f"{pattern}/report.html")
        return found.as_uri()

    learner = place / "learns.py"
    learner.write_text(PREAMBLE + LEARNS, encoding="utf-8")
    run("--protocol", ",".join(QUESTIONS), "--algo", "random", "--fold", "1")
    run("--protocol", "removal", "--algo", "unchanged", "--fold", "1")
    run("--protocol", "mixed-media", "--algo", "colours,random", "--likelihood-ratios")
    run("--protocol", "mixed-media", "--algo", "colours", "--fold", "1", "--attack", "unchanged")
    run("--protocol", "similarity", "--algo", learner, "--data", small_set, "--repeats", "3")
    found = {kind: report(f"{kind}/random-*") for kind in QUESTIONS}
    found["removal"] = report("removal/unchanged-*")
    found["similarity"] = next(
        page.as_uri()
        for page in runs.glob("similarity/learns-*/report.html")
        if "-x3-" not in str(page)
    )
    found["fits"] = report("similarity/learns-x3-*")
    found["likelihood ratios"] = report("mixed-media/colours-*")
    found["attacked"] = report("mixed-media+unchanged/colours-*")

    build([runs], place / "site", with_reports=True)
    found["overview"] = (place / "site" / "index.html").as_uri()
    found["board"] = next(
        page.as_uri()
        for page in (place / "site").glob("board-mixed-media-*")
        if "unch" not in page.name
    )
    found["algorithm"] = next((place / "site").glob("algorithm-colours-*")).as_uri()
    sides = [next(runs.glob(f"mixed-media/{name}-*")) for name in ("colours", "random")]
    assert run_harness("compare", *sides, "--out", place / "compare.html").code == 0
    found["comparison"] = (place / "compare.html").as_uri()
    criteria = place / "criteria.toml"
    criteria.write_text(CRITERIA, encoding="utf-8")
    words = ("--criteria", criteria, "--checklist", "19795-1", "--allow-inconclusive")
    ran = run_harness("validate", sides[0], *words, "--out", place / "validated")
    assert ran.code in (0, 1), ran.err
    found["validation"] = (place / "validated" / "validation.html").as_uri()

    manifest, outcome = make_manifest(), make_outcome()
    manifest.title = manifest.origin.algorithm = "name_of_two_hundred_characters" * 7
    names = ("x" * 200, "وشم الكتف الأيسر.png", "a b " * 60)
    for search, name in zip(outcome.searches, names, strict=False):
        search.probe = name
        search.candidates[0].reference = name + " (1).png"
    outcome.failures[0].name, outcome.failures[1].reason = "x" * 200, "no keypoints " * 40
    (place / "strange.html").write_text(render(section_input(manifest, outcome)), encoding="utf-8")
    found["strange names"] = (place / "strange.html").as_uri()

    pictures = place / "pictures"
    pictures.mkdir()
    for name in ("a long name of a file " * 6, "b", "c"):
        noise = np.random.default_rng(1).normal(128, 40, (90, 120, 3))
        save_png(pictures / f"{name}.png", noise)
    desk = AnnotationServer(pictures)
    thread = threading.Thread(target=desk.serve_forever, args=(0.02,))
    thread.start()
    found["annotation"] = desk.address
    yield found
    desk.shutdown()
    desk.server_close()
    thread.join()


def looked_at(page: Page, smallest: float) -> list[str]:
    """Return what is wrong with a page as it stands."""
    measure = Path(__file__).with_name("page_faults.js").read_text(encoding="utf-8")
    found: list[str] = page.evaluate(measure, smallest)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_holds_together_on_screens_of_every_width_light_and_dark(
    browser: Browser, addresses: dict[str, str], kind: str
) -> None:
    with quiet_page(browser) as page:
        page.goto(addresses[kind], wait_until="networkidle")
        seen: set[tuple[str, str]] = set()
        for width, scheme in itertools.product(WIDTHS, SCHEMES):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            assert looked_at(page, SMALLEST_ON_SCREEN) == [], (scheme, width)
            # The colours of a word follow from the scheme; the width decides whether it is shown.
            shown = (scheme, page.evaluate(WHAT_IS_SHOWN))
            if shown not in seen:
                assert faint_words(page) == [], (scheme, width)
                seen.add(shown)
            # What is folded away has to hold as well.
            page.evaluate(UNFOLD)
            assert looked_at(page, SMALLEST_ON_SCREEN) == [], (scheme, width, "unfolded")
            page.evaluate(FOLD)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_holds_together_on_paper(
    browser: Browser, addresses: dict[str, str], kind: str
) -> None:
    with quiet_page(browser) as page:
        page.goto(addresses[kind], wait_until="networkidle")
        page.emulate_media(media="print")
        broad = page.evaluate("getComputedStyle(document.body).page === 'wide'")
        page.set_viewport_size({"width": ON_ITS_SIDE if broad else UPRIGHT, "height": 900})
        assert looked_at(page, SMALLEST_ON_PAPER) == []


@pytest.mark.parametrize("kind", REPORTS)
def test_every_table_of_a_report_says_on_what_was_measured_what_it_holds(
    addresses: dict[str, str], kind: str
) -> None:
    page = Path(url2pathname(urlparse(addresses[kind]).path)).read_text(encoding="utf-8")
    said = re.findall(r'</table>\s*<p class="conditions">[^<]', page)
    assert len(said) == page.count("<table") > 2


@pytest.mark.parametrize("kind", ["verification", "comparison"])
def test_on_a_phone_the_contents_are_folded_and_on_a_desk_they_stand_beside(
    browser: Browser, addresses: dict[str, str], kind: str
) -> None:
    for width, folded in ((390, True), (1280, False)):
        with quiet_page(browser, viewport={"width": width, "height": 844}) as page:
            page.goto(addresses[kind])
            last = page.locator(".contents a").last
            assert last.is_visible() is not folded
            if folded:
                page.locator(".contents summary").click()
                assert last.is_visible()


def test_one_faint_word_among_many_of_its_kind_is_found(browser: Browser) -> None:
    rows = [f"<p class='row'>{k}</p>" for k in range(60)]
    rows[37] = "<p class='row' style='color: #ccc'>faint by itself</p>"
    rows[41] = "<div style='background: #333'><p class='row'>faint by what is behind</p></div>"
    with quiet_page(browser) as page:
        page.set_content("<body style='background: #fff; color: #222'>" + "".join(rows))
        found = " ".join(faint_words(page))
    assert "faint by itself" in found
    assert "faint by what is behind" in found
    assert found.count("<p") == 2
