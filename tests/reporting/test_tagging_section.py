"""The tagging section: every tag in the table, examples with their tags, nothing unescaped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image

from harness.data.records import Record
from harness.reporting.sections import tags
from harness.reporting.sections.tags import hits
from harness.statistics.estimate import Estimate
from harness.tasks.results import (
    Candidate,
    Curves,
    Judgement,
    Metrics,
    Outcome,
    TagFigures,
)
from tests.reporting.conftest import make_manifest, section_input

EVIL = "<script>alert(1)</script>"


def search(name: str, truth: str, *said: tuple[str, float]) -> Judgement:
    carried = truth.split()
    return Judgement(
        fold="1",
        probe=name,
        identity=name,
        truth=truth,
        candidates=[Candidate(tag, score, tag in carried) for tag, score in said],
    )


OUTCOME = Outcome(
    metrics=Metrics(
        "tagging",
        "tag-map",
        {"images": 2},
        {"tag-map": Estimate(0.5, 0.4, 0.6, "m", 2, 0.2)},
        [],
        tags=[
            TagFigures("rose", 1, 0.25, 0.1, 0.4, 0.5, 0.0, 0.0, 0.0),
            TagFigures(EVIL, 2, 0.75, 0.6, 0.9, 0.5, 1.0, 0.5, 0.667),
            TagFigures("never", 0, None, None, None, None, None, None, None),
        ],
    ),
    curves=Curves(),
    searches=[
        search("a/good.png", f"{EVIL}", (EVIL, 0.9), ("rose", 0.1)),
        search("b/bad.png", f"rose {EVIL}", ("never", 0.8), (EVIL, 0.7), ("rose", 0.2)),
        search("c/bare.png", "", ("rose", 0.3)),
    ],
    failures=[],
)


def test_an_image_is_judged_by_its_tags_among_as_many_of_its_best() -> None:
    assert [hits(s) for s in OUTCOME.searches[:2]] == [1.0, 0.5]
    assert np.isnan(hits(OUTCOME.searches[2]))


def test_the_page_has_every_tag_best_first_with_examples_and_escapes_them(tmp_path: Path) -> None:
    image = tmp_path / "good.png"
    PIL.Image.fromarray(np.full((60, 80, 3), 200, dtype=np.uint8)).save(image)
    model = tmp_path / "units" / "fold-1" / "model"
    model.mkdir(parents=True)
    (model / "notes.json").write_text(json.dumps({f"Copies {EVIL}": 1200.0, "Share": 0.25}))
    page = shown(tmp_path, {"a/good.png": Record("a/good.png", image)})
    places = [page.index(f'<th scope="row">{tag}') for tag in ("&lt;script", "rose", "never")]
    assert places == sorted(places)
    assert page.index("a/good.png") < page.index("b/bad.png")
    assert "✓ &lt;script&gt;alert(1)&lt;/script&gt; 0.90; × rose 0.10" in page
    assert "<td>1,200</td>" in page
    assert "<td>0.250</td>" in page
    assert EVIL not in page
    assert page.count('<img src="data:image/jpeg;base64,') == 1
    assert "No picture at hand. Best tags: × never 0.80" in page


def shown(folder: Path, records: dict[str, Record]) -> str:
    found = tags.section(
        section_input(make_manifest("tagging"), OUTCOME, folder=folder, records=records)
    )
    assert found is not None
    return found.content


def test_notes_that_are_not_numbers_are_left_out(tmp_path: Path) -> None:
    model = tmp_path / "units" / "fold-1" / "model"
    model.mkdir(parents=True)
    for text in ("[1]", "{", '{"a": "b", "c": Infinity}'):
        (model / "notes.json").write_text(text)
        assert "Training</h3>" not in shown(tmp_path, {})
