"""Pictures of real pages for the documentation: `python docs/_ext/pictures.py`, with Chromium.

They are taken of the gallery, in light and in dark, and kept in `docs/pictures`: building the
documentation needs no browser. Taken again when the look of a page changes.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "build" / "gallery" / "pages" / "gallery"
PLACE = ROOT / "docs" / "pictures"
TALLEST = 900
"""Pixels of a picture; what is longer is cut at the bottom."""

EDGE = 20
"""Pixels left round a section."""


@dataclass(frozen=True)
class Shot:
    """One picture: of a page as it opens, or of a section of it."""

    name: str
    page: str
    selector: str = ""
    width: int = 1040
    height: int = 700


SECTIONS = (
    *("result", "checks", "card", "failures", "searches", "growth-section", "det-section"),
    *("scores-section", "forensic", "differentials", "published", "folds", "run", "reproduce"),
    *("protection", "counting"),
)
"""Of a report that `docs/reading-a-report.md` shows, by their ids."""


def shots() -> Iterator[Shot]:
    """Return what is pictured."""
    report = "reports/mixed-media-sift.html"
    yield Shot("report", report, width=1280, height=860)
    for section in SECTIONS:
        yield Shot(f"report-{section.removesuffix('-section')}", report, f"#{section}")
    (board,) = (PAGES / "board").glob("board-mixed-media-*.html")
    yield Shot("board", f"board/{board.name}", width=1280, height=860)
    yield Shot("overview", "board/index.html", width=1280, height=700)
    yield Shot("comparison", "comparison.html", width=1280, height=860)


def main() -> int:
    """Take all pictures."""
    sys.path.insert(0, str(Path(__file__).parent))
    from gallery import make

    make(ROOT / "build" / "gallery")
    PLACE.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chrome"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(device_scale_factor=1)
        for shot in shots():
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                _take(page, shot, PLACE / f"{shot.name}-{scheme}.webp")
        browser.close()
    return 0


def _take(page: Page, shot: Shot, path: Path) -> None:
    page.set_viewport_size({"width": shot.width, "height": shot.height})
    page.goto((PAGES / shot.page).as_uri(), wait_until="networkidle")
    clip = None
    if shot.selector:
        box = page.locator(shot.selector).bounding_box()
        if box is None:
            raise RuntimeError(f"{shot.page} has no {shot.selector}")
        clip = {
            "x": max(0, box["x"] - EDGE),
            "y": max(0, box["y"]),
            "width": box["width"] + 2 * EDGE,
            "height": min(box["height"] + EDGE, TALLEST),
        }
    taken = page.screenshot(full_page=bool(clip), clip=clip)  # type: ignore[arg-type]
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    picture.save(path, quality=72, method=6)


if __name__ == "__main__":
    sys.exit(main())
