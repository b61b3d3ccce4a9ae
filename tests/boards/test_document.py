"""What `docs/leaderboard.md` says is true: its commands, options, links and pictures."""

from __future__ import annotations

import re
import shlex

import pytest

from harness.boards.groups import REPLICATES
from harness.cli import commands
from harness.plugins.places import PACKAGE
from harness.reporting.drawing.overlay_plot import MARKS
from harness.web.loopback import LOOPBACK
from harness.web.runs import LOOK_EVERY

DOCS = PACKAGE.parent / "docs"
PAGE = DOCS / "leaderboard.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documents are in the checkout")


def test_its_commands_exist_with_their_options() -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        _, verb, *rest = shlex.split(line.split("#")[0])
        options = {option for p in commands.commands[verb].params for option in p.opts}
        assert {word for word in rest if word.startswith("--")} <= options
    for verb in ("leaderboard", "serve"):
        assert "--history" in {o for p in commands.commands[verb].params for o in p.opts}


def test_its_links_lead_somewhere_and_its_pictures_are_small() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE.read_text())
    assert len(targets) >= 3
    for target in targets:
        path = DOCS / target
        assert path.exists(), target
        if path.suffix == ".png":
            assert path.stat().st_size < 300_000


def test_its_figures_are_those_of_the_code() -> None:
    text = PAGE.read_text()
    assert f"({REPLICATES:,} draws)" in text
    assert f"http://{LOOPBACK}:8765/" in text
    assert LOOK_EVERY == 1.0
    assert "every second" in text
    assert len(MARKS) == 8
    assert "up to eight entries" in text
