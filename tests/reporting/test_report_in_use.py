"""The report under a reader's hands: pictures enlarged, curves read, files taken, nothing cut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browsing import chromium, quiet_page, serious_faults
from tests.reporting.conftest import make_manifest, make_outcome, picture_of, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Picture = Callable[[str], bytes | None]
PHONE, DESK, WIDE = ({"width": w, "height": 844} for w in (390, 1280, 1920))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    outcome = make_outcome()
    outcome.metrics.counts |= {"smallest_gallery": 54, "largest_gallery": 54}
    text = render(make_manifest(), outcome, picture_of, use_case="tattoo_similarity")
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


def test_a_picture_opens_large_beside_its_probe_and_the_keyboard_does_it_all(
    browser: Browser, address: str
) -> None:
    with quiet_page(browser, viewport=DESK) as page:
        page.goto(address)
        thumb = page.locator(".search .candidates .enlarge").nth(2)
        name = thumb.locator("img").get_attribute("data-name")
        thumb.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        assert dialog.is_visible()
        probe = page.locator(".search .probe img").first.get_attribute("data-name")
        assert dialog.locator("code").all_inner_texts() == [probe, name]
        assert serious_faults(page) == []
        page.keyboard.press("ArrowRight")
        later = page.locator(".search .candidates img").nth(3).get_attribute("data-name")
        assert dialog.locator("code").nth(1).inner_text() == later
        whole = dialog.locator("img").nth(1).bounding_box()
        page.keyboard.press("+")
        page.keyboard.press("+")
        large = dialog.locator("img").nth(1).bounding_box()
        assert whole is not None
        assert large is not None
        assert large["width"] == pytest.approx(2 * whole["width"], rel=0.05)
        page.keyboard.press("Escape")
        assert not dialog.is_visible()
        # Where one was before, one is again.
        focused = page.evaluate("document.activeElement.querySelector('img').dataset.name")
        assert focused == name


def test_a_probe_that_is_pressed_is_shown_beside_its_first_candidate(
    browser: Browser, address: str
) -> None:
    with quiet_page(browser, viewport=PHONE) as page:
        page.goto(address)
        page.locator(".search .probe .enlarge").first.click()
        dialog = page.get_by_role("dialog")
        first = page.locator(".search .candidates img").first.get_attribute("data-name")
        assert dialog.locator("code").nth(1).inner_text() == first
        assert "Candidate 1" in dialog.inner_text()
        box = dialog.bounding_box()
        assert box is not None
        assert box["width"] <= 390
        dialog.get_by_role("button", name="Copy name").first.click()
        said = dialog.locator(".file [role=status]").first.inner_text()
        assert re.match(r"Copied\.|Selected", said)
        dialog.get_by_role("button", name="Close").click()
        assert not dialog.is_visible()


def test_without_a_script_the_page_is_whole_and_offers_what_needs_none(
    browser: Browser, address: str
) -> None:
    with quiet_page(browser, viewport=DESK, java_script_enabled=False) as page:
        page.goto(address)
        assert page.locator(".search img").count() > 20
        assert page.locator("button:visible").count() == 0
        assert page.get_by_role("link", name="Failures").is_visible()
        assert page.locator("#figure-cmc a[download]").get_attribute("href", timeout=20_000)


def test_a_curve_tells_its_values_to_the_pointer_and_to_the_arrow_keys(
    browser: Browser, address: str
) -> None:
    with quiet_page(browser, viewport=DESK) as page:
        page.goto(address)
        plot = page.locator("#figure-cmc svg.plot")
        plot.scroll_into_view_if_needed()
        plot.hover()
        tip = page.locator("#figure-cmc .readout text")
        assert re.match(r"Rank \d+: [\d.]+", tip.text_content() or "")
        plot.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert (tip.text_content() or "").startswith("Rank 2:")
        assert page.locator("#figure-cmc p[role=status]").inner_text().startswith("Rank 2:")
        page.keyboard.press("Escape")
        assert not tip.is_visible()


@pytest.mark.parametrize("figure", ["cmc", "det", "scores"])
def test_a_figure_is_saved_as_a_drawing_a_picture_and_numbers(
    browser: Browser, address: str, figure: str, tmp_path: Path
) -> None:
    with quiet_page(browser, viewport=DESK, color_scheme="dark", accept_downloads=True) as page:
        page.goto(address)
        saved = {}
        for kind in ("CSV", "SVG", "PNG"):
            with page.expect_download() as waiting:
                page.locator(f"#figure-{figure} .downloads").get_by_text(kind, exact=False).click()
            place = tmp_path / waiting.value.suggested_filename
            waiting.value.save_as(place)
            saved[place.name] = place.read_bytes()
        assert set(saved) == {f"{figure}.{kind}" for kind in ("csv", "svg", "png")}
        assert saved[f"{figure}.png"].startswith(b"\x89PNG")
        drawing = saved[f"{figure}.svg"].decode()
        assert drawing.startswith("<svg")
        # Its looks are in it, as on white paper although the page is dark.
        assert "rgb(29, 79, 139)" in drawing
        assert 'class="hit"' not in drawing


@pytest.mark.parametrize("screen", [DESK, WIDE])
def test_no_table_is_cut_on_a_screen_and_none_is_broader_than_it(
    browser: Browser, address: str, screen: dict[str, int]
) -> None:
    with quiet_page(browser, viewport=screen) as page:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        cut = page.evaluate(
            "Array.from(document.querySelectorAll('.scroll'))"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.ariaLabel)"
        )
        assert cut == []
        assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
        assert page.locator(".more:visible").count() == 0


def test_on_a_phone_the_verdict_is_in_view_and_a_table_that_is_cut_says_so(
    browser: Browser, address: str
) -> None:
    with quiet_page(browser, viewport=PHONE) as page:
        page.goto(address)
        verdict = page.locator(".verdict").last.bounding_box()
        assert verdict is not None
        assert verdict["y"] + verdict["height"] < 844
        assert not page.get_by_role("link", name="How it was counted").is_visible()
        page.locator(".contents summary").click()
        assert page.get_by_role("link", name="How it was counted").is_visible()
        table = page.locator("#folds .scroll")
        assert "scroll sideways" in table.inner_text()
        assert not page.get_by_text("In the strips the dot").is_visible()


def test_on_paper_no_table_is_set_below_eight_points_and_the_curve_is_on_the_first_page(
    browser: Browser, address: str
) -> None:
    with quiet_page(browser, viewport={"width": 673, "height": 980}) as page:  # A4 less its margins
        page.goto(address)
        page.emulate_media(media="print")
        smallest = page.evaluate(
            "Math.min(...Array.from(document.querySelectorAll('td, th'), "
            "e => parseFloat(getComputedStyle(e).fontSize)))"
        )
        assert smallest >= 8 * 96 / 72 - 0.01
        plot = page.locator("#figure-cmc svg.plot").bounding_box()
        assert plot is not None
        assert plot["y"] + plot["height"] < 980
