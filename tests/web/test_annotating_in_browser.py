"""The annotation page in a real browser, used by mouse, keys and touch as people use it."""

from __future__ import annotations

import csv
import http.server
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import pytest

from harness.data.readers.layouts import open_dataset
from harness.data.readers.manifest import read_manifest
from tests.browsing import serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.slow,
    pytest.mark.xdist_group("annotating"),
]
WIDTH, HEIGHT = 400, 300
STRANGER = "tattoos.example"
ODD = ["<img src=x onerror=alert(1)>.png", 'a "b", c.png', "two\nlines.png", "Zoë 漢.png"]


@dataclass
class Command:
    """A running `harness annotate`."""

    process: subprocess.Popen[str]
    address: str

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "fotos"
    place.mkdir()
    rng = np.random.default_rng(5)
    for name in ("1.png", "2.png", "3.png"):
        noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        PIL.Image.fromarray(noise).save(place / name)
    return place


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait(timeout=60)


@pytest.fixture
def start(folder: Path, running: list[subprocess.Popen[str]]) -> Callable[..., Command]:
    def begin(*words: str) -> Command:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "annotate", str(folder), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        return Command(process, process.stdout.readline().strip())

    return begin


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright.expect.set_options(timeout=30_000)
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
                f"--host-resolver-rules=MAP {STRANGER} 127.0.0.1",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, running: list[subprocess.Popen[str]]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    made = context.new_page()
    complaints: list[str] = []
    made.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda fault: complaints.append(str(fault)))
    made.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    yield made
    context.close()
    # A server that is gone is part of a test, and one that was killed may have been in the midst of
    # an answer; everything else the browser dislikes is a fault.
    killed = any(process.returncode == -signal.SIGKILL for process in running)
    excused = ("ERR_CONNECTION", *(("ERR_CONTENT_LENGTH_MISMATCH",) if killed else ()))
    assert [text for text in complaints if not any(word in text for word in excused)] == []


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-ready]")


def saved(page: Page) -> None:
    playwright.expect(page.locator("#saved")).to_have_text("Saved")


def shows(page: Page, file: str) -> None:
    """Wait until an image is there, not only its name."""
    playwright.expect(page.locator("#file")).to_have_text(file)
    page.wait_for_selector("#image[src]")


def drag(page: Page, x1: int, y1: int, x2: int, y2: int) -> None:
    """Drag from one pixel of the image to another, once it is there."""
    page.wait_for_selector("#image[src]")
    area = page.locator("#boxes").bounding_box()
    assert area is not None
    scale = area["width"] / WIDTH
    page.mouse.move(area["x"] + x1 * scale, area["y"] + y1 * scale)
    page.mouse.down()
    page.mouse.move(area["x"] + x2 * scale, area["y"] + y2 * scale, steps=3)
    page.mouse.up()


def lines(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def box(line: dict[str, str]) -> list[int]:
    return [int(number) for number in line["box"].split()]


def test_boxes_drawn_with_the_mouse_are_in_the_file(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    drag(page, 40, 30, 200, 150)
    page.get_by_role("combobox", name=re.compile("^Tattoo")).fill("heart, anna's")
    page.get_by_role("combobox", name="Style").fill("tribal")
    page.get_by_role("combobox", name=re.compile("^Tags")).fill("rose  dagger")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#boxes g.chosen")).to_be_focused()
    drag(page, 250, 200, 380, 290)
    saved(page)
    first, second = lines(folder)
    assert np.abs(np.subtract(box(first), [40, 30, 200, 150])).max() <= 1
    assert np.abs(np.subtract(box(second), [250, 200, 380, 290])).max() <= 1
    assert (first["tattoo"], first["style"], first["tags"]) == (
        *("heart, anna's", "tribal"),
        "rose, dagger",
    )
    data = open_dataset(folder)
    assert data.problems == ()
    assert list(data.records) == ["1.png", "1.png#2"]
    assert {record.source for record in data.records.values()} == {"1.png"}


def test_a_box_is_moved_and_resized_by_dragging_it(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    drag(page, 40, 30, 140, 130)
    drag(page, 90, 80, 120, 100)
    drag(page, 170, 150, 200, 190)
    saved(page)
    (line,) = lines(folder)
    assert np.abs(np.subtract(box(line), [70, 50, 200, 190])).max() <= 2
    drag(page, 100, 100, 900, 900)  # pushed into the corner, it keeps its size
    saved(page)
    (line,) = lines(folder)
    assert box(line)[2:] == [WIDTH, HEIGHT]


def test_everything_can_be_done_with_keys(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    press = page.keyboard.press
    press("a")
    press("ArrowRight")
    press("Shift+ArrowDown")
    press("Control+Shift+ArrowRight")
    press("Alt+ArrowUp")
    press("Enter")
    page.keyboard.type("skull-1")
    press("Escape")
    press("PageDown")
    shows(page, "2.png")
    press("a")
    press("ArrowLeft")
    press("s")
    press("a")
    press("ArrowLeft")
    press("[")
    press("Delete")
    press("PageDown")
    shows(page, "3.png")
    press("x")
    saved(page)
    w, h = round(WIDTH / 3), round(HEIGHT / 3)
    x, y = round((WIDTH - w) / 2), round((HEIGHT - h) / 2)
    first, second, third = lines(folder)
    assert box(first) == [x + 1, y + 10, x + w + 11, y + h + 9]
    assert [line["tattoo"] for line in (first, second, third)] == ["skull-1", "", ""]
    assert second["image"] == "2.png"
    assert (third["box"], third["label"]) == ("", "non-tattoo")
    press("Control+z")
    press("Control+z")
    saved(page)
    assert [(line["image"], line["tattoo"]) for line in lines(folder)] == [
        ("1.png", "skull-1"),
        ("2.png", "skull-1"),
        ("2.png", ""),
    ]
    press("Control+Shift+z")
    saved(page)
    assert len(lines(folder)) == 2


def test_a_box_that_nobody_has_placed_is_not_written(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    press = page.keyboard.press
    for way in ("Escape", "PageDown", "Delete", "w", "x", "g"):
        page.evaluate("document.getElementById('stage').focus()")
        press("a")
        playwright.expect(page.locator("#boxes g.draft")).to_be_focused()
        press("Enter")  # which would lead to the name of a box that is one
        playwright.expect(page.locator("#form")).to_be_hidden()
        press(way)
        playwright.expect(page.locator("#boxes g.draft")).to_have_count(0)
        if way in "wx":
            press("Control+z")
        elif way in "g":
            press("g")
        page.wait_for_timeout(100)
    saved(page)
    assert not (folder / "manifest.csv").exists() or lines(folder) == []
    press("a")
    area = page.locator("#boxes g.draft .over").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + 20, area["y"] + 20)
    page.mouse.down()
    page.mouse.move(area["x"] + 60, area["y"] + 40, steps=3)
    page.mouse.up()
    saved(page)
    assert len(lines(folder)) == 1


def test_one_key_says_that_the_whole_image_is_the_tattoo(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    press = page.keyboard.press
    press("w")
    press("Enter")
    page.keyboard.type("koi")
    press("Escape")
    press("PageDown")
    shows(page, "2.png")
    press("w")
    press("s")
    press("PageDown")
    shows(page, "3.png")
    drag(page, 50, 50, 150, 150)
    press("w")  # instead of the box
    saved(page)
    written = [
        (line["image"], line["box"], line["tattoo"], line["label"]) for line in lines(folder)
    ]
    assert written == [
        ("1.png", "", "koi", "tattoo"),
        ("2.png", "", "koi", "tattoo"),
        ("3.png", "", "", "tattoo"),
    ]
    playwright.expect(page.locator("#done")).to_have_text("3 of 3")
    press("Control+z")
    saved(page)
    assert lines(folder)[2]["box"] != ""
    data = open_dataset(folder)
    assert data.problems == ()
    assert data.records["1.png"].box is None


def test_medium_role_and_skin_are_chosen_and_go_to_the_next_box_of_the_picture(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    (folder / "manifest.csv").write_text("image,x_taken\n3.png,2026-01-01\n")
    opened(page, start().address)
    drag(page, 40, 30, 200, 150)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("combobox", name="Medium").select_option("sketch")
    page.get_by_role("combobox", name="Role").select_option("probe")
    page.get_by_role("combobox", name=re.compile("^Skin tone")).fill("fitzpatrick-3")
    page.get_by_role("combobox", name="taken").fill("2026-02-01")
    page.keyboard.press("Enter")
    drag(page, 250, 200, 380, 290)
    saved(page)
    assert page.locator("#more-told").inner_text() == "sketch, probe"
    found = {r.name: (r.media, r.role, r.skin) for r in open_dataset(folder).records.values()}
    assert found == {
        "1.png": ("sketch", "probe", "fitzpatrick-3"),
        "1.png#2": ("sketch", "probe", None),
        "3.png": (None, None, None),
    }
    assert [line["x_taken"] for line in lines(folder)] == ["2026-01-01", "2026-02-01", ""]
    # A line that knows the picture alone says nothing of a tattoo.
    playwright.expect(page.locator("#done")).to_have_text("1 of 3")


def test_what_cannot_be_written_is_said_and_undone_with_one_press(
    folder: Path, start: Callable[..., Command], browser: Browser
) -> None:
    page = browser.new_context().new_page()  # whose console says 422
    opened(page, start().address)
    drag(page, 40, 30, 200, 150)
    saved(page)
    page.get_by_role("combobox", name=re.compile("^Tags")).fill('["rose"')
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#alarm")).to_contain_text("is no tag")
    playwright.expect(page.locator("#saved")).to_have_text("Not saved")
    page.get_by_role("button", name="Undo it").click()
    saved(page)
    page.get_by_role("combobox", name=re.compile("^Tags")).fill("rose")
    page.keyboard.press("Enter")
    saved(page)
    assert [line["tags"] for line in lines(folder)] == ["rose"]
    page.context.close()


def test_small_copies_come_for_images_in_sight_alone(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    source = (folder / "1.png").read_bytes()
    for number in range(200):
        (folder / f"n{number:03}.png").write_bytes(source)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, start().address)
    playwright.expect(page.locator("#files img").first).to_have_js_property("complete", True)
    page.wait_for_timeout(500)
    assert 0 < len([url for url in asked if "/part/" in url]) < 60


def test_two_people_see_each_other_s_work(
    folder: Path, start: Callable[..., Command], browser: Browser
) -> None:
    address = start().address
    anna, ben = (browser.new_context().new_page() for _ in range(2))
    for page in (anna, ben):
        opened(page, address)
    drag(anna, 40, 30, 200, 150)
    saved(anna)
    ben.keyboard.press("PageDown")
    shows(ben, "2.png")
    drag(ben, 50, 50, 150, 150)
    saved(ben)
    assert [line["image"] for line in lines(folder)] == ["1.png", "2.png"]
    playwright.expect(ben.locator("#done")).to_have_text("2 of 3")
    playwright.expect(anna.locator("#done")).to_have_text("2 of 3", timeout=30_000)
    for page in (anna, ben):
        page.context.close()


@pytest.mark.parametrize(
    ("choice", "left"), [("Take what is there now", "ben"), ("Put mine in its place", "anna")]
)
def test_two_people_on_one_image_are_asked_whose_work_stays(
    folder: Path, start: Callable[..., Command], browser: Browser, choice: str, left: str
) -> None:
    address = start().address
    anna, ben = (browser.new_context().new_page() for _ in range(2))
    for page in (anna, ben):
        opened(page, address)
    anna.route("**/news*", lambda route: route.abort())  # she has not heard of it
    for page, name in ((ben, "ben"), (anna, "anna")):
        page.keyboard.press("w")
        page.keyboard.press("Enter")
        page.keyboard.type(name)
        page.unroute_all()
        page.keyboard.press("Escape")
        if page is ben:
            saved(ben)
    playwright.expect(anna.locator("#alarm")).to_contain_text("1.png was changed", timeout=30_000)
    anna.get_by_role("button", name=choice).click()
    saved(anna)
    assert [line["tattoo"] for line in lines(folder)] == [left]
    playwright.expect(anna.locator("#alarm")).to_be_hidden()
    playwright.expect(anna.locator("#list")).to_have_text(f"1. {left} (whole image)")
    for page in (anna, ben):
        page.context.close()


def test_a_manifest_changed_by_another_program_is_said_before_anything_is_lost(
    folder: Path, start: Callable[..., Command], browser: Browser
) -> None:
    page = browser.new_context().new_page()  # whose console says 409
    opened(page, start().address)
    drag(page, 40, 30, 200, 150)
    saved(page)
    (folder / "manifest.csv").write_text("image,tattoo\n2.png,by hand\n")
    playwright.expect(page.locator("#alarm")).to_contain_text("another program", timeout=30_000)
    page.get_by_role("button", name="Load the page again").click()
    page.wait_for_selector("html[data-ready]")
    playwright.expect(page.locator("#done")).to_have_text("1 of 3")
    assert lines(folder) == [{"image": "2.png", "tattoo": "by hand"}]
    page.context.close()


def test_signs_that_turn_a_name_round_are_shown_as_signs(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    (folder / "1.png").rename(folder / "a\u202egnp.exe.png")
    opened(page, start().address)
    page.locator("#files button").last.click()
    for place in ("#file", "#files li:last-child"):
        playwright.expect(page.locator(place)).to_contain_text("a⟨U+202E⟩gnp.exe.png")
    drag(page, 40, 30, 200, 150)
    page.get_by_role("combobox", name=re.compile("^Tattoo")).fill("a\u2066b")
    page.keyboard.press("Enter")
    saved(page)
    page.get_by_role("button", name="Same tattoos").click()
    assert "\u202e" not in page.locator("body").inner_text()
    assert "\u2066" not in page.locator("body").inner_text()
    assert [record.path.name for record in open_dataset(folder).records.values()] == [
        "a\u202egnp.exe.png"
    ]


def test_same_tattoos_are_grouped_by_ticking_them(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    for number in (1, 2, 3):
        shows(page, f"{number}.png")
        drag(page, 50, 50, 150, 150)
        page.keyboard.press("PageDown")
    page.get_by_role("button", name="Same tattoos").click()
    ticks = page.locator("#crops input")
    playwright.expect(ticks).to_have_count(3)
    ticks.nth(0).check()
    ticks.nth(2).check()
    page.get_by_role("combobox", name="Name", exact=True).fill("anchor")
    page.get_by_role("button", name="Beside each other").click()
    playwright.expect(page.locator("#beside img")).to_have_count(2)
    areas = [one.bounding_box() for one in page.locator("#beside img").all()]
    widths = [area["width"] for area in areas if area is not None]
    assert min(widths) > 450
    page.keyboard.press("Escape")
    page.get_by_role("button", name="These are the same tattoo").click()
    saved(page)
    assert [line["tattoo"] for line in lines(folder)] == ["anchor", "", "anchor"]
    page.get_by_role("button", name="Undo").click()
    saved(page)
    assert [line["tattoo"] for line in lines(folder)] == ["", "", ""]


def test_a_killed_command_has_lost_nothing_and_the_page_says_that_it_is_gone(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    command = start()
    opened(page, command.address)
    drag(page, 40, 30, 200, 150)
    saved(page)
    command.kill()
    assert len(lines(folder)) == 1
    page.keyboard.press("ArrowRight")
    playwright.expect(page.locator("#alarm")).to_contain_text("does not answer")
    playwright.expect(page.locator("#saved")).to_have_text("Not saved")
    again = start()
    assert again.address != command.address
    page.on("dialog", lambda dialog: dialog.accept())
    other = page.context.new_page()
    opened(other, again.address)
    other.get_by_role("button", name="1.png").click()
    shows(other, "1.png")
    playwright.expect(other.locator("#list button")).to_have_count(1)
    drag(other, 250, 200, 380, 290)
    saved(other)
    assert len(lines(folder)) == 2


def test_many_kills_while_boxes_are_moved_leave_a_whole_manifest(
    folder: Path, start: Callable[..., Command], browser: Browser
) -> None:
    context = browser.new_context()
    for turn in range(3):
        command = start()
        page = context.new_page()
        opened(page, command.address)
        page.get_by_role("button", name="1.png").click()
        shows(page, "1.png")
        if turn == 0:
            page.keyboard.press("a")
        else:
            page.keyboard.press("]")
        for _ in range(10):
            page.keyboard.press("ArrowLeft")
        command.kill()
        data = read_manifest(folder / "manifest.csv")
        assert data.problems == ()
        assert len(data.records) == 1
    context.close()


def test_a_second_command_in_the_same_folder_is_refused(
    folder: Path, start: Callable[..., Command]
) -> None:
    start()
    done = subprocess.run(
        [sys.executable, "-m", "harness", "annotate", str(folder)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "being annotated already" in done.stderr


def test_a_page_of_another_origin_can_neither_read_nor_write(
    folder: Path, start: Callable[..., Command], browser: Browser, tmp_path: Path
) -> None:
    """Not even one that has found out the address, nor one whose name points to this machine."""
    page = browser.new_context().new_page()  # whose console is full of refusals
    address = start().address
    opened(page, address)
    (tmp_path / "evil.html").write_text("<title>evil</title>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(tmp_path))

        def log_message(self, *words: Any) -> None:
            pass

    evil = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    try:
        stranger = page.context.new_page()
        stranger.goto(f"http://127.0.0.1:{evil.server_address[1]}/evil.html")
        tried = stranger.evaluate(
            """async (address) => {
                const said = [];
                const body = JSON.stringify({revision: 2, images: {0: []}});
                const ways = [{}, {mode: "no-cors"}, {method: "POST", body, mode: "no-cors"},
                  {method: "POST", body, headers: {"Content-Type": "application/json"}}];
                for (const way of ways) {
                  try { const a = await fetch(address + (way.method ? "change" : "state"), way);
                        said.push(a.type + a.status); }
                  catch (fault) { said.push("refused"); }
                }
                const frame = document.createElement("iframe");
                frame.src = address;
                document.body.append(frame);
                await new Promise((done) => { frame.onload = done; });
                said.push(frame.contentDocument === null ? "closed" : "open");
                return said;
            }""",
            address,
        )
        assert tried == ["refused", "refused", "refused", "refused", "closed"]
    finally:
        evil.shutdown()
        evil.server_close()
    assert not (folder / "manifest.csv").exists()
    answer = page.goto(address.replace("127.0.0.1", STRANGER))
    assert answer is not None
    assert answer.status == 403
    page.context.close()


def test_odd_file_names_show_as_text_and_come_back(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    for path in folder.iterdir():
        path.unlink()
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    for number, name in enumerate(ODD):
        PIL.Image.fromarray(noise + np.uint8(number)).save(folder / name)
    opened(page, start().address)
    shown = []
    for _ in ODD:
        shown.append(page.locator("#file").text_content())
        drag(page, 50, 50, 150, 150)
        saved(page)
        page.keyboard.press("PageDown")
        page.wait_for_timeout(250)
    assert sorted(shown, key=str) == sorted(ODD)
    assert page.locator("#work img[src=x]").count() == 0
    data = open_dataset(folder)
    assert data.problems == ()
    assert sorted(record.path.name for record in data.records.values()) == sorted(ODD)
    assert sorted(line["image"] for line in lines(folder)) == sorted(ODD)


def test_a_picture_that_cannot_be_shown_says_why_and_the_next_one_works(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    (folder / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n nonsense")
    context = page.context.browser
    assert context is not None
    other = context.new_page()  # its console says 422, as it should
    opened(other, start().address)
    playwright.expect(other.locator("#fault")).to_contain_text("cannot be shown")
    other.keyboard.press("PageDown")
    playwright.expect(other.locator("#boxes")).to_be_visible()
    other.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_sideways_scrolling_and_boxes_are_drawn_by_touch(
    folder: Path, start: Callable[..., Command], browser: Browser, scheme: Any
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    page = context.new_page()
    opened(page, start().address)
    area = page.locator("#boxes").bounding_box()
    assert area is not None
    session = context.new_cdp_session(page)
    points = [(0.2, 0.2), (0.4, 0.5), (0.7, 0.8)]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        spot = {"x": area["x"] + x * area["width"], "y": area["y"] + y * area["height"]}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [spot]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    saved(page)
    (line,) = lines(folder)
    assert np.abs(np.subtract(box(line), [80, 60, 280, 240])).max() <= 3
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    dark = sum(map(int, ink[4:-1].split(","))) > sum(map(int, paper[4:-1].split(",")))
    assert dark == (scheme == "dark")
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_view_of_the_page_has_a_serious_fault_of_accessibility(
    folder: Path, start: Callable[..., Command], browser: Browser, width: int, scheme: Any
) -> None:
    (folder / "manifest.csv").write_text(
        "image,tattoo,media\n1.png,koi,photo\n2.png,koi,sketch\n3.png,,\n"
    )
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    opened(page, start().address)
    page.locator("#number").fill("1")
    page.keyboard.press("Enter")
    shows(page, "1.png")
    page.locator("#more summary").click()
    assert serious_faults(page) == []
    page.locator("#sheet-toggle").click()
    for tick in page.locator("#crops input").all():
        tick.check()
    assert serious_faults(page) == []
    page.locator("#beside-open").click()
    assert serious_faults(page) == []
    page.keyboard.press("Escape")
    page.locator("#help-open").click()
    assert serious_faults(page) == []
    context.close()


def test_every_control_has_a_name_that_a_screen_reader_can_say(
    folder: Path, start: Callable[..., Command], page: Page
) -> None:
    opened(page, start().address)
    drag(page, 50, 50, 150, 150)
    nameless = page.evaluate(
        """() => {
            const said = (e) => e.getAttribute("aria-label") || e.textContent.trim()
              || [...(e.labels || [])].some((label) => label.textContent.trim());
            const every = "button, input, select, [role=button], [tabindex]";
            return [...document.querySelectorAll(every)]
              .filter((e) => e.getClientRects().length && !said(e)).map((e) => e.outerHTML);
        }"""
    )
    assert nameless == []
    assert page.locator("#boxes g").get_attribute("aria-label") is not None
