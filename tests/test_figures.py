"""Every marked figure of the documents is that of `docs/figures.json`, and is written anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import figures
from benchmarks.marks import names_in, rendered, rewritten

pytestmark = pytest.mark.skipif(not figures.FILE.exists(), reason="documents are in the checkout")

MEASURED: dict[str, dict[str, Any]] = {
    "p/a": {
        "output": "p / a: 3 searches\n * eer      0.1\n   eer-hull 0.2",
        "counts": {"images": 1470},
        "metrics": {
            "eer": {"value": 0.1234, "low": -0.05, "high": 0.2, "chance": 0.5},
            "psnr": {"value": 18.94, "low": 17.6, "high": 20.44},
            "none": {"value": 0.0},
        },
    }
}


def book() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(figures.FILE.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", figures.documents(), ids=lambda path: path.name)
def test_every_marked_figure_is_the_one_that_was_measured(path: Path) -> None:
    before = path.read_text(encoding="utf-8")
    text, faults = rewritten(before, figures.figures_of(book()))
    assert faults == []
    assert text == before


def test_the_main_job_s_figure_is_marked_wherever_it_stands() -> None:
    marked = [
        p.name for p in figures.documents() if "similarity/triplet-x5" in names_in(p.read_text())
    ]
    assert {"README.md", "synthetic-data.md"} <= set(marked)
    measured = figures.figures_of(book())["similarity/triplet-x5"]
    value = measured["metrics"]["hit-rate@rank=10"]["value"]
    output = measured["output"]
    assert f" * hit-rate@rank=10  {value:.3f}  [" in output


def test_every_command_has_a_name_of_its_own_and_stands_after_what_it_needs() -> None:
    names = [item["name"] for item in book()["commands"]]
    assert len(set(names)) == len(names)
    for place, item in enumerate(book()["commands"]):
        assert set(item.get("after", [])) <= set(names[:place])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("EER .9<!-- figure p/a eer value -->.", "EER .123<!-- figure p/a eer value -->."),
        ("| **.9**<!-- figure p/a eer value --> |", "| **.123**<!-- figure p/a eer value --> |"),
        ("0 to 1<!-- figure p/a eer range -->", "-.050 to .200<!-- figure p/a eer range -->"),
        ("0.1-0.2<!-- figure p/a psnr dash.0 -->", "18-20<!-- figure p/a psnr dash.0 -->"),
        (
            "9 [8, 10]<!-- figure p/a psnr full.1 -->",
            "18.9 [17.6, 20.4]<!-- figure p/a psnr full.1 -->",
        ),
        ("7<!-- figure p/a none value -->", "0<!-- figure p/a none value -->"),
        (
            ".1<!-- figure p/a eer value --> of .2<!-- figure p/a eer chance -->",
            ".123<!-- figure p/a eer value --> of .500<!-- figure p/a eer chance -->",
        ),
    ],
)
def test_a_figure_is_written_anew_before_its_mark(before: str, after: str) -> None:
    assert rewritten(before, MEASURED) == (after, [])


@pytest.mark.parametrize("fence", [("```text\n", "```\n"), ("", "")])
def test_what_a_command_prints_takes_the_place_of_the_block_after_its_mark(
    fence: tuple[str, str],
) -> None:
    text = "a\n\n<!-- output p/a{} -->\n" + fence[0] + "old\nlines\n" + fence[1] + "\nb\n"
    found, faults = rewritten(text.format(""), MEASURED)
    assert faults == []
    lines = MEASURED["p/a"]["output"] + "\n"
    assert found == "a\n\n<!-- output p/a -->\n" + fence[0] + lines + fence[1] + "\nb\n"
    found, _ = rewritten(text.format(" eer"), MEASURED)
    assert fence[0] + " * eer      0.1\n" + fence[1] + "\nb" in found
    assert "eer-hull" not in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".1<!-- figure p/b eer value -->", "nothing was measured under the name 'p/b'"),
        (".1<!-- figure p/a map value -->", "there is no such figure"),
        (".1<!-- figure p/a none range -->", "there is no such figure"),
        ("about<!-- figure p/a eer value -->", "no figure stands before it"),
        ("<!-- output p/b -->\n```text\nx\n```\n", "nothing was measured"),
    ],
)
def test_a_mark_of_nothing_is_a_fault(text: str, said: str) -> None:
    found, faults = rewritten(text, MEASURED)
    assert found == text
    assert len(faults) == 1
    assert said in faults[0]


def test_counts_are_figures_too() -> None:
    assert rendered(MEASURED["p/a"], "counts", "images") == "1,470"


def run_folder(place: Path, *, fits: int = 1) -> None:
    """Make the files of a run, or of several joined, that figures are read from."""
    place.mkdir(parents=True)
    (place / "metrics.json").write_text(
        json.dumps({"counts": {"images": 7}, "pooled": {"eer": {"value": 0.25, "method": "m"}}})
    )
    manifest = {
        "origin": {"protocol": "p", "algorithm": "a", "data_hash": "d"},
        "finished": "2026-11-28T06:00:00+00:00",
        "versions": {"tattoo-harness": "1"},
        "machine": {"processor": "x"},
    }
    where = place if fits == 1 else place.parent / "fit"
    where.mkdir(exist_ok=True)
    (where / "manifest.json").write_text(json.dumps(manifest))
    if fits > 1:
        entry = {"fits": [{"folder": "../fit"}] * fits}
        (place / "entry.json").write_text(json.dumps(entry))


@pytest.mark.parametrize("fits", [1, 5])
def test_a_command_is_measured_by_what_it_prints_and_the_runs_it_names(
    tmp_path: Path, fits: int
) -> None:
    run_folder(tmp_path / "runs" / "a", fits=fits)
    found = figures.measured(
        "echo hello; echo; echo 'report  runs/a/report.html'; exit 5", tmp_path
    )
    assert found["output"] == "hello\nreport  runs/a/report.html"
    assert (found["repeats"], found["date"], found["data_hashes"]) == (
        fits,
        "2026-11-28",
        {"p": "d"},
    )
    assert found["metrics"] == {"eer": {"value": 0.25}}


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        figures.measured("exit 3", tmp_path)


def test_what_was_measured_on_other_data_is_stale_and_all_that_follows_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "_data_hash", lambda protocol, present: f"now-{protocol}")
    items: list[dict[str, Any]] = [
        {"name": "new", "measured": {"data_hashes": {"p": "now-p", "p+attack": "now-p"}}},
        {"name": "old", "measured": {"data_hashes": {"p": "before"}}},
        {"name": "never", "measured": None},
        {"name": "follows", "measured": {"output": "x"}, "after": ["old"], "own_data": True},
        {"name": "apart", "measured": {"output": "x"}, "after": ["new"], "own_data": True},
    ]
    assert [item["name"] for item in figures.stale(items)] == ["old", "never", "follows"]
