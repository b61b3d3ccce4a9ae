"""A headless Chromium for tests of pages, and what a page must never do in one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
_OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser, or skip the test with the reason."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def quiet_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """Give a page; at the end it must have written nothing to its console and asked nobody.

    Only addresses of files and of this machine may be asked.
    """
    options.setdefault("viewport", {"width": 1280, "height": 900})
    context = browser.new_context(**options)
    context.set_default_timeout(30_000)
    page = context.new_page()
    said: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            said.append(f"asked for {request.url}")

    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", watch)
    try:
        yield page
        assert said == []
    finally:
        context.close()


_KINDS_OF_WORDS = """() => {
    const kinds = new Set();
    const looks = one => {
        const own = getComputedStyle(one);
        return [one.tagName, one.getAttribute("class"), own.color, own.opacity,
            own.backgroundColor, own.backgroundImage];
    };
    document.querySelectorAll("[data-kind-of-words]").forEach(
        one => one.removeAttribute("data-kind-of-words"));
    for (const one of document.body.querySelectorAll("*")) {
        const words = [...one.childNodes].some(
            node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        const seen = {visibilityProperty: true, opacityProperty: true};
        if (!words || one.closest("svg") || !one.checkVisibility(seen)) continue;
        const own = getComputedStyle(one), kind = [own.fontSize, own.fontWeight, own.textShadow];
        for (let above = one; above; above = above.parentElement) kind.push(looks(above));
        const key = JSON.stringify(kind);
        if (!kinds.has(key)) one.setAttribute("data-kind-of-words", "");
        kinds.add(key);
    }
    return kinds.size;
}"""
"""Marks one element of each kind of words: whose classes, colours, letters and what is behind them
are the same, from itself up to the root of the page."""


def serious_faults(page: Page, contrast: bool = True) -> list[str]:
    """Return what axe-core finds serious or critical in a page, WCAG 2.2 AA included.

    The contrast of words takes it longer than all else, and follows from the style sheet.
    """
    rules = {
        "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        "rules": {"color-contrast": {"enabled": False}},
    }
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in _violations(page, rules)
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ] + (faint_words(page) if contrast else [])


def faint_words(page: Page) -> list[str]:
    """Return what axe-core finds of words that differ too little from what is behind them.

    One element of each kind is looked at: a table of a thousand lines has few.
    """
    if not page.evaluate(_KINDS_OF_WORDS):
        return []
    rule = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    found = _violations(page, rule, "[data-kind-of-words]")
    return [node["html"][:200] for fault in found for node in fault["nodes"]]


def _violations(page: Page, rules: dict[str, Any], context: str | None = None) -> list[Any]:
    """Return what axe-core finds in a page, or in the elements that a selector names."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core here")
    # Of what passes one element is told, not all: most of a page passes.
    found = axe.Axe().run(page, context, {**rules, "resultTypes": ["violations"]})
    violations: list[Any] = found.response["violations"]
    return violations
