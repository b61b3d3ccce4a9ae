"""The leaderboard in a real browser, opened from disk: sorted, filtered, selected, linked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.run_folders import make_run
from harness.boards.building import build
from tests.browsing import chromium, quiet_page, serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A browser on a busy machine takes its time.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("boards")]

ENTRIES = 11


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("leaderboard")
    for i in range(ENTRIES):
        make_run(
            place / "runs" / str(i),
            algorithm=f"matcher-{i}" if i else 'quo"te <b>é</b> | bar',
            skill=0.9 - i / 15,
            forensic=i in (0, 1, 7),
            parameters={"seed": i},
        )
    make_run(place / "runs" / "r", algorithm="random", skill=0.02, control=True)
    make_run(place / "runs" / "m", algorithm="matcher-3", protocol="mixed-media", title="Mixed")
    (make_run(place / "runs" / "u", algorithm="slow") / "checksums.sha256").unlink()
    build([place / "runs"], place / "site")
    return place / "site"


def board_of(site: Path, protocol: str = "similarity") -> str:
    (page,) = site.glob(f"board-{protocol}-*.html")
    return page.as_uri()


def names(page: Page) -> list[str]:
    rows = page.locator("tbody.entries tr:visible th[scope=row] a:first-child")
    return [words.strip() for words in rows.all_text_contents()]


def choose(page: Page, *columns: str) -> None:
    """Tick further columns."""
    page.locator(".chooser summary").click()
    for column in columns:
        page.get_by_label(column, exact=True).check()


def shown(page: Page, figure: str) -> list[str]:
    curves = page.locator(f"#figure-{figure} .curve:not([hidden])")
    return [str(curve.get_attribute("data-entry")) for curve in curves.all()]


def test_a_click_on_a_head_sorts_and_another_turns_it_round(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        ranked = names(page)
        assert len(ranked) == ENTRIES
        choose(page, "Seed")
        seed = page.get_by_role("button", name="Seed")
        seed.click()
        assert names(page)[1] == "matcher-1"
        assert page.locator("th[data-key=seed]").get_attribute("aria-sort") == "ascending"
        assert page.locator("th[aria-sort]").count() == 1
        seed.click()
        # As numbers: as words 9 would come before 10.
        assert names(page)[:2] == ["matcher-10", "matcher-9"]
        page.get_by_role("button", name="Rank", exact=True).click()
        assert names(page) == ranked
        # Chance and controls stay where they are.
        assert page.locator("tbody").nth(1).get_attribute("aria-label") == "Chance"


def test_the_keyboard_sorts_as_well(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        choose(page, "Date")
        page.get_by_role("button", name="Date").focus()
        page.keyboard.press("Enter")
        assert page.locator("th[data-key=date]").get_attribute("aria-sort") == "descending"


def test_a_filter_leaves_the_entries_that_have_all_its_words(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        page.get_by_label("Filter entries").fill("MATCHER seed=7")
        assert names(page) == ["matcher-7"]
        assert page.get_by_role("status").inner_text() == f"1 of {ENTRIES} entries"
        page.get_by_label("Filter entries").fill("é</b> |")
        assert names(page) == ['quo"te <b>é</b> | bar']
        page.get_by_label("Filter entries").fill("")
        assert len(names(page)) == ENTRIES


def test_two_selected_entries_show_their_curves_in_every_plot(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        assert len(shown(page, "cmc")) == 4
        page.get_by_role("button", name="Clear curves").click()
        assert shown(page, "cmc") == []
        chosen = []
        for name in ("matcher-1", "matcher-7"):
            box = page.get_by_label(f"Show the curves of {name}", exact=True)
            box.check()
            chosen.append(box.locator("xpath=ancestor::tr").get_attribute("data-entry"))
        for figure in ("cmc", "det", "tippett"):
            assert sorted(shown(page, figure)) == sorted(map(str, chosen))
            labels = page.locator(f"#figure-{figure} .legend li[data-entry]").all_text_contents()
            assert [words.split()[0] for words in labels] == ["matcher-1", "matcher-7"]
            looks = [
                page.locator(f"#figure-{figure} .curve:not([hidden]) path.line")
                .nth(i)
                .evaluate("e => [getComputedStyle(e).stroke, getComputedStyle(e).strokeDasharray]")
                for i in (0, -1)
            ]
            # Told apart by colour, and by dashes where there is no colour.
            assert looks[0][0] != looks[1][0]
            assert looks[0][1] != looks[1][1]
            assert page.locator(f"#figure-{figure} .curve:not([hidden])").first.is_visible()
        page.locator("#figure-cmc summary").click()
        numbers = page.locator("#numbers-cmc tbody tr")
        assert numbers.count() == 2
        assert "no value" not in numbers.first.inner_text()


def test_a_ninth_curve_is_refused_with_a_word(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        boxes = page.locator("tbody.entries input[type=checkbox]")
        for i in range(4, 8):
            boxes.nth(i).check()
        boxes.nth(8).click()
        assert not boxes.nth(8).is_checked()
        assert "At most 8" in page.get_by_role("status").inner_text()
        styles = page.locator("#figure-cmc .curve:not([hidden])").evaluate_all(
            "curves => curves.map(c => c.getAttribute('class'))"
        )
        assert len(set(styles)) == 8


def test_values_show_on_hover(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        for figure in ("cmc", "det", "tippett"):
            tips = page.locator(f"#figure-{figure} .curve:not([hidden]) .hit title")
            assert tips.count() >= 4
            assert "%" in str(tips.first.text_content())


def test_a_deep_link_shows_what_its_sender_saw(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(board_of(site))
        choose(page, "Seed", "Equal error rate (EER)")
        page.get_by_role("button", name="Seed").click()
        page.get_by_label("Filter entries").fill("matcher")
        page.locator("tbody.entries tr:visible input").first.check()
        page.locator("tbody.entries tr:visible input").last.check()
        address, order, curves = page.url, names(page), shown(page, "cmc")
        assert "sort=seed%3Aasc" in address
        assert "columns=eer,seed" in address
        assert "filter=matcher" in address
    with quiet_page(browser) as page:
        page.goto(address)
        assert names(page) == order
        assert shown(page, "cmc") == curves
        assert page.get_by_label("Filter entries").input_value() == "matcher"
        assert heads(page)[-2:] == ["eer", "seed"]


def heads(page: Page) -> list[str]:
    """Keys of the columns that show."""
    found = page.locator("#ranking thead th[data-key]:visible")
    return [str(head.get_attribute("data-key")) for head in found.all()]


@pytest.mark.parametrize("scripts", [True, False])
def test_columns_are_chosen_with_and_without_scripts_and_printed_as_chosen(
    browser: Browser, site: Path, scripts: bool
) -> None:
    always = ["rank", "entry", "headline", "group", "failures"]
    with quiet_page(browser, java_script_enabled=scripts) as page:
        page.goto(board_of(site))
        assert heads(page) == always
        choose(page, "Mean average precision", "Commit")
        assert heads(page) == [*always, "map", "commit"]
        page.emulate_media(media="print")
        assert heads(page) == [*always, "map", "commit"]
        page.emulate_media(media="screen")
        page.get_by_label("Commit", exact=True).uncheck()
        assert heads(page) == [*always, "map"]


def test_on_a_phone_rank_entry_and_headline_are_in_view(browser: Browser, site: Path) -> None:
    with quiet_page(browser, viewport={"width": 390, "height": 844}) as page:
        page.goto(board_of(site))
        for cell in page.locator("tbody.entries td.head").all():
            box = cell.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 390
        assert not page.locator("#ranking td.pick").first.is_visible()


def test_seven_boards_of_one_kind_fit_into_1200_pixels(browser: Browser, tmp_path: Path) -> None:
    for i in range(7):
        make_run(tmp_path / "runs" / str(i), algorithm="x", protocol=f"p{i}", title=f"Question {i}")
    make_run(tmp_path / "runs" / "one", algorithm="alone", protocol="p0", title="Question 0")
    build([tmp_path / "runs"], tmp_path / "site")
    with quiet_page(browser) as page:
        page.goto((tmp_path / "site" / "index.html").as_uri())
        table = page.locator("table.overview").bounding_box()
        assert table is not None
        assert table["x"] + table["width"] <= 1240
        assert page.locator(".overview .entry-head").evaluate(
            "e => getComputedStyle(e).position"
        ) == ("sticky")
        # Nor does what only screen readers read of missing runs make a phone's page wider.
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_tables_of_the_overview_are_sorted_and_filtered_as_one(
    browser: Browser, tmp_path: Path
) -> None:
    for name in "ab":
        for task in ("identification", "detection"):
            make_run(
                tmp_path / "runs" / f"{name}-{task}",
                algorithm=name,
                skill=0.5 if name == "a" else 0.9,
                protocol=task,
                task=task,
            )
    build([tmp_path / "runs"], tmp_path / "site")
    with quiet_page(browser) as page:
        page.goto((tmp_path / "site" / "index.html").as_uri())
        assert names(page) == ["b", "a", "b", "a"]  # by mean rank
        page.get_by_role("button", name="Entry").first.click()
        assert names(page) == ["a", "b", "a", "b"]
        # A column of one table sorts that table; the other stands as it was made.
        page.get_by_role("button", name="Tattoo similarity").first.click()
        page.get_by_role("button", name="Tattoo similarity").first.click()
        assert names(page) == ["a", "b", "b", "a"]
        page.get_by_label("Filter entries").fill("b")
        assert names(page) == ["b", "b"]
        assert page.get_by_role("status").inner_text() == "1 of 2 entries"


def test_an_address_made_up_by_somebody_does_no_harm(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto(
            board_of(site)
            + "#sort=%22%5D:x&filter=%3Cimg src=x onerror=alert(1)%3E&show=a,%00,&q=%"
        )
        assert names(page) == []
        assert shown(page, "cmc") == []
        page.goto(board_of(site) + "#sort=constructor:asc&show=__proto__")
        assert len(names(page)) == ENTRIES


def test_a_link_on_the_overview_leads_to_the_row_of_the_entry(browser: Browser, site: Path) -> None:
    with quiet_page(browser) as page:
        page.goto((site / "index.html").as_uri())
        row = page.locator("tbody.entries tr", has_text="matcher-3").first
        row.locator("a.value-link").last.click()
        target = page.locator("tr:target")
        assert "matcher-3" in target.inner_text()
        assert target.is_visible()
        page.locator("tr:target th a").first.click()
        assert page.locator("h1").inner_text() == "matcher-3"
        assert page.locator("#results tbody tr").count() == 2


def test_the_pages_read_without_scripts(browser: Browser, site: Path) -> None:
    with quiet_page(browser, java_script_enabled=False) as page:
        page.goto(board_of(site))
        assert len(names(page)) == ENTRIES
        assert len(shown(page, "cmc")) == 4
        # What needs a script is not offered.
        assert not page.get_by_label("Filter entries").is_visible()
        assert page.locator("input[type=checkbox]:visible").count() == 0


def test_scripts_move_nothing(browser: Browser, site: Path) -> None:
    measured = []
    for scripts in (False, True):
        with quiet_page(browser, java_script_enabled=scripts) as page:
            page.goto(board_of(site))
            boxes = [
                page.locator(f"#{part}").bounding_box() for part in ("ranking", "cmc", "facts")
            ]
            measured.append([box and (round(box["x"]), round(box["y"])) for box in boxes])
    assert measured[0] == measured[1]


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_page_scrolls_sideways(browser: Browser, site: Path, width: int) -> None:
    with quiet_page(browser, viewport={"width": width, "height": 800}) as page:
        for path in sorted(site.glob("*.html")):
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Browser, site: Path, scheme: str) -> None:
    algorithm = next(site.glob("algorithm-matcher-3-*.html"))
    for address in ((site / "index.html").as_uri(), board_of(site), algorithm.as_uri()):
        with quiet_page(browser, color_scheme=scheme) as page:
            page.goto(address)
            assert serious_faults(page) == []
