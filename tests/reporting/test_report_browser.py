"""The report in a real browser: nothing refused, nothing cut off, on a phone and on paper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.record.manifest import Manifest
from harness.tasks.results import Outcome
from tests.reporting.conftest import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

Picture = Callable[[str], bytes | None]

# Puts the report into a frame as wide as a phone and writes down what it measures there.
PHONE = """<!DOCTYPE html>
<iframe id="f" src="report.html" style="width:380px;height:800px;border:0"></iframe>
<pre id="out">waiting</pre><script>
document.getElementById("f").addEventListener("load", function () {
  var inner = this.contentDocument;
  var wide = Array.from(inner.querySelectorAll("main *")).filter(function (e) {
    return !e.closest(".scroll") && !e.closest("svg") && e.getBoundingClientRect().right > 381;
  });
  document.getElementById("out").textContent = JSON.stringify({
    page: inner.documentElement.scrollWidth,
    wide: wide.map(function (e) { return e.className + "/" + e.tagName; })
  });
});</script>"""


def browse(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page without a window and return what the browser wrote."""
    return subprocess.run(
        [
            str(CHROMIUM),
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            f"--user-data-dir={profile}",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_the_page_opens_offline_without_complaints(
    manifest: Manifest, outcome: Outcome, picture: Picture, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(render(manifest, outcome, picture), encoding="utf-8")
    shot = tmp_path / "report.png"
    done = browse(
        page,
        tmp_path / "profile",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--screenshot={shot}",
        "--window-size=1280,900",
        "--dump-dom",
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    # The copy button shows itself only if the page's own script was let through.
    assert re.search(r'<button type="button" data-copy="command"', done.stdout)
    assert "finds a mate for" in done.stdout


def test_a_phone_shows_the_page_without_sideways_scrolling(
    manifest: Manifest, outcome: Outcome, picture: Picture, tmp_path: Path
) -> None:
    manifest.title = manifest.origin.algorithm = "name_of_two_hundred_characters" * 7
    outcome.searches[0].probe = outcome.failures[0].name = "x" * 200
    (tmp_path / "report.html").write_text(render(manifest, outcome, picture), encoding="utf-8")
    frame = tmp_path / "phone.html"
    frame.write_text(PHONE, encoding="utf-8")
    done = browse(frame, tmp_path / "profile", "--virtual-time-budget=3000", "--dump-dom")
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout)
    assert found
    measured = json.loads(found[1])
    assert measured["page"] <= 380
    assert measured["wide"] == []


def test_print_opens_every_table(
    manifest: Manifest, outcome: Outcome, picture: Picture, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(render(manifest, outcome, picture), encoding="utf-8")
    document = tmp_path / "report.pdf"
    browse(page, tmp_path / "profile", f"--print-to-pdf={document}", "--no-pdf-header-footer")
    # Closed, the tables of the three plots would leave out several pages.
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", document.read_bytes()))
    assert pages >= 9
