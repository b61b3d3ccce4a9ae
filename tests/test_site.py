"""The documentation as it is built: whole, quiet, and readable on any screen."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

import pytest

from harness.cli.group import SECTIONS
from harness.plugins import registry
from harness.tasks.catalogue import CATALOGUE
from tests.browsing import chromium, faint_words, quiet_page, serious_faults
from tests.snippets import DOCS, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("site"),
    pytest.mark.skipif(not DOCS.exists(), reason="the documents are in the checkout"),
]

OWN = ("gallery/", "_static/", "_sources/")
"""What the site carries and Sphinx has not written: such pages have tests of their own."""

LOOKED_AT = (
    *("index", "reading-a-report", "python", "data", "search", "tutorials/researcher"),
    *("reference/gallery", "reference/commands/run"),
    *("reference/protocols/mixed-media", "reference/algorithms/triplet"),
)
"""One page of each kind: what styles them is the same for all others of it."""


@pytest.fixture(scope="module")
def site() -> Path:
    """The site in `build/site`, where CI has it, too: only what changed is built again."""
    pytest.importorskip("sphinx", reason="the extra docs is not installed")
    out = ROOT / "build" / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", str(DOCS), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def pages(site: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith(OWN):
            yield name.removesuffix(".html"), path


class Links(HTMLParser):
    """What a page loads, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.led: list[str] = []
        self.unsaid: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        if tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loaded.append(found["src"])
        if tag == "link" and found.get("rel") not in (
            "index",
            "search",
            "next",
            "prev",
            "canonical",
        ):
            self.loaded.append(found.get("href", ""))
        if tag == "a" and "href" in found:
            self.led.append(found["href"])
        if tag == "img" and not found.get("alt"):
            self.unsaid.append(found.get("src", ""))


def links_of(path: Path) -> Links:
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for name, path in pages(site):
        assert [one for one in links_of(path).loaded if "//" in one] == [], name
    for sheet in (site / "_static").rglob("*.css"):
        text = sheet.read_text(encoding="utf-8", errors="replace")
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']+", text) == [], sheet


def test_every_link_within_the_site_leads_to_a_page_and_a_place_of_it(site: Path) -> None:
    ids: dict[Path, set[str]] = {}
    for name, path in pages(site):
        for target in links_of(path).led:
            if re.match(r"[a-z]+:", target):
                continue
            file, _, place = unquote(target).partition("#")
            found = (path.parent / file).resolve() if file else path
            assert found.is_file(), f"{name} leads to {target}"
            if place and found.suffix == ".html":
                if found not in ids:
                    ids[found] = set(re.findall(r'\bid="([^"]+)"', found.read_text()))
                assert place in ids[found], f"{name} leads to {target}"


def test_every_picture_is_described(site: Path) -> None:
    for name, path in pages(site):
        assert links_of(path).unsaid == [], name


def test_side_columns_have_names_and_columns_of_tables_have_heads(site: Path) -> None:
    for name, path in pages(site):
        text = path.read_text(encoding="utf-8")
        assert len(set(re.findall(r"<aside[^>]* aria-label=\S+", text))) == 2, name
        assert text.count("<aside") == 2, name
        assert re.search(r'<th class="head[^>]*>\s*(<p>\s*</p>)?\s*</th>', text) is None, name


def test_every_protocol_algorithm_verb_and_metric_has_its_page_or_place(site: Path) -> None:
    names = {name for name, _ in pages(site)}
    wanted = {f"reference/protocols/{name}" for name in registry.protocols()}
    wanted |= {f"reference/algorithms/{name}" for name in registry.algorithms()}
    wanted |= {f"reference/commands/{verb}" for verbs in SECTIONS.values() for verb in verbs}
    assert wanted - names == set()
    glossary = (site / "reference" / "metrics.html").read_text()
    assert [name for name in CATALOGUE if f'id="metric-{name}"' not in glossary] == []


def test_a_protocol_s_page_has_published_and_measured_figures(site: Path) -> None:
    text = (site / "reference" / "protocols" / "similarity.html").read_text()
    page = re.sub(r"<[^>]+>", "", text)
    assert "NISTIR 8078" in page
    assert "MITRE" in page
    assert "harness run --protocol similarity --algo triplet --repeats 5" in page


def test_every_section_of_a_report_is_explained(site: Path) -> None:
    text = (DOCS / "reading-a-report.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    report = (site / "gallery" / "reports" / "mixed-media-sift.html").read_text()
    titles = re.findall(r'<h2 id="[^"]+-heading">([^<]+)', report)
    assert len(titles) >= 12
    assert set(titles) - explained == set()


def test_the_gallery_has_the_reports_that_its_page_names(site: Path) -> None:
    gallery = links_of(site / "reference" / "gallery.html").led
    assert sum("/gallery/reports/" in one for one in gallery) >= 6
    assert (site / "gallery" / "board" / "index.html").is_file()
    assert "synthetic" in (site / "gallery" / "comparison.html").read_text()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


SCREENS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (1280, "light"),
    (390, "dark"),
)


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site on a server of this machine: axe-core asks for style sheets, which files refuse."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def long_ones(site: Path) -> set[str]:
    """Return pages that somebody wrote, and the two longest of each folder of generated ones."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, path in pages(site):
        folder = name.rpartition("/")[0] if name.startswith("reference/") else name
        found.setdefault(folder, []).append((path.stat().st_size, name))
    return {name for sizes in found.values() for _, name in sorted(sizes)[-2:]}


def test_no_page_scrolls_sideways_on_a_phone_or_is_closed_to_somebody(
    site: Path, address: str, browser: Browser
) -> None:
    read_out = long_ones(site) - set(LOOKED_AT)
    with quiet_page(browser, viewport={"width": 390, "height": 800}) as page:
        for name, _ in pages(site):
            page.goto(f"{address}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
            if name in read_out:
                assert serious_faults(page, contrast=False) == [], name


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_page_is_read_by_everyone_light_and_dark(
    address: str, browser: Browser, name: str
) -> None:
    with quiet_page(browser) as page:
        for width, scheme in SCREENS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{address}/{name}.html")
            found = serious_faults(page) if scheme == "light" else faint_words(page)
            assert found == [], (scheme, width)


def test_the_search_finds_pages_without_a_network(site: Path, browser: Browser) -> None:
    with quiet_page(browser) as page:
        page.goto((site / "search.html").as_uri() + "?q=inconclusive")
        page.wait_for_selector("#search-results li a", timeout=30_000)
        found = page.locator("#search-results li a").all_inner_texts()
        assert any("Questions that people ask" in one for one in found)
