"""The researcher's notebook runs from top to bottom, and its figures are the command line's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import run_here
from tests.snippets import DOCS

NOTEBOOK = DOCS / "tutorials" / "researcher.ipynb"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("notebook"),
    pytest.mark.skipif(not NOTEBOOK.exists(), reason="the documents are in the checkout"),
]

FIGURES = """
import json

print(json.dumps({
    "runs": {
        str(one.__fspath__()): dict(zip(one.metrics["metric"], one.metrics["value"].tolist()))
        for one in (run, mine, *grid, *several.fits)
    },
    "changes": dict(zip(changes["metric"], changes["change"].tolist())),
    "verdict": verdict.verdict,
    "theirs": theirs.headline.value,
    "fold": float(mine.folds.query("metric == 'hit-rate@rank=1' and fold == '1'")["value"].iloc[0]),
    "board": dict(zip(board["algorithm"], board["value"].tolist())),
    "whole": again.verify() == [],
}))
"""
"""A last cell: the figures that the notebook has come to."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def figures(place: Path) -> Any:
    nbformat = pytest.importorskip("nbformat", reason="the extra docs is not installed")
    client = pytest.importorskip("nbclient", reason="the extra docs is not installed")
    pytest.importorskip("ipykernel", reason="the extra docs is not installed")
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells), "outputs are made, not committed"
    book.cells.append(nbformat.v4.new_code_cell(FIGURES))
    client.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(place)}}
    ).execute()
    (output,) = (one for one in book.cells[-1].outputs if one.get("name") == "stdout")
    return json.loads(output.text)


def test_every_run_has_the_figures_that_harness_score_computes(figures: Any, place: Path) -> None:
    assert len(figures["runs"]) >= 6
    for folder, values in figures["runs"].items():
        ran = run_here("score", folder, "--json", cwd=place)
        assert ran.code == 0, ran.err
        pooled = ran.json["metrics"]["pooled"]
        assert values == {name: one["value"] for name, one in pooled.items()}, folder


def test_the_command_makes_the_notebook_s_run_and_says_the_same(figures: Any, place: Path) -> None:
    words = ("run", "--protocol", "mixed-media", "--algo", "colours", "--json")
    (run,) = run_here(*words, cwd=place).json["runs"]
    folder, ours = next(iter(figures["runs"].items()))
    assert run["identity"].startswith(folder.rpartition("colours-")[2])
    assert ours == {name: one["value"] for name, one in run["metrics"]["pooled"].items()}


def test_comparison_gate_and_board_are_those_of_the_commands(figures: Any, place: Path) -> None:
    first, second = list(figures["runs"])[:2]
    compared = run_here("compare", first, second, "--json", cwd=place).json
    changes = {one["metric"]: one["change"] for one in compared["pairs"][0]["rows"]}
    assert figures["changes"] == changes
    gate = run_here("gate", "--baseline", first, "--candidate", second, "--json", cwd=place)
    assert figures["verdict"] == gate.json["verdict"]
    board = run_here("leaderboard", "runs", "--out", "site", "--json", cwd=place)
    assert board.code == 0, board.err
    assert figures["theirs"] == figures["fold"]
    assert figures["whole"]
    assert set(figures["board"]) == {"colours", "gradients", "projected"}
