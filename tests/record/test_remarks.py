"""What is said beside answers: kept by image, read as untrusted data, shown with what has none."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.data.records import Draw, Fold, Picture
from harness.errors import BadFile
from harness.execution.storage import REMARKS_FILE, Remarks, load_remarks
from harness.execution.unit import REFERENCE, Unit, write_unit
from harness.record.qualities import TemplateQuality, fold_qualities, template_qualities
from harness.record.record import read_run, result_hash
from harness.record.remarks import read_remarks
from harness.record.run_tables import RunTables
from harness.record.verifying import verify_run
from harness.reporting.drawing.qualities import BINS, quality_figure, quality_table
from tests.conftest import run_harness
from tests.strangers.mutations import seal_again


def a_unit(folder: Path, name: str, quality: dict[str, float], *names: str, **more: Any) -> None:
    """Write a unit whose templates have qualities; names without one have failed."""
    facts = {"ability": "Searcher", "algorithm": "mine", "file": "", "attribute": "", "module": ""}
    unit = Unit(name=name, parameters={}, pictures={"a": Picture("a.png")}, **{**facts, **more})
    place = folder / "units" / name
    place.mkdir(parents=True)
    write_unit(place, msgspec.structs.replace(unit, extract=list(names)))
    if names:
        (place / "templates").mkdir()
        index = {"names": list(quality), "stacked": True}
        index["failures"] = {name: "too dark" for name in names if name not in quality}
        (place / "templates" / "index.json").write_text(json.dumps(index))
        Remarks(quality=quality).save(place / "templates")


def test_the_qualities_of_a_fold_are_those_of_the_templates_that_it_was_judged_by(
    tmp_path: Path,
) -> None:
    a_unit(tmp_path, "templates-001", {"a": 0.25, "b": 1.0}, "a", "b", "c")
    a_unit(tmp_path, "enrolled-001", {"a": 0.0, "d": 0.5}, "d", "a", role=REFERENCE)
    a_unit(tmp_path, "templates-002", {"x": 0.75}, "x", algorithm="another")
    shared = {"templates": ["units/templates-001/templates"]}
    shared["enrolled"] = ["units/enrolled-001/templates"]
    a_unit(tmp_path, "fold-1", {}, probes=["a", "b"], gallery=["d"], **shared)
    for k, gallery in enumerate((["a"], ["d"]), start=1):
        draw = {"probes": ["b"], "gallery": gallery, **shared}
        a_unit(tmp_path, f"fold-2-draw-{k:02d}", {}, **draw)
    assert template_qualities(tmp_path, "mine") == [
        TemplateQuality("d", True, 0.5, ""),
        TemplateQuality("a", True, 0.0, ""),
        TemplateQuality("a", False, 0.25, ""),
        TemplateQuality("b", False, 1.0, ""),
        TemplateQuality("c", False, None, "too dark"),
    ]
    found = fold_qualities(tmp_path, Fold("1", (), ("a", "b"), ("d",)))
    assert (found.probes, found.references) == ({"a": 0.25, "b": 1.0}, {"d": 0.5})
    draws = (Draw(("b",), ("a",)), Draw(("b",), ("d",)))
    found = fold_qualities(tmp_path, Fold("2", (), ("b",), ("a", "d"), draws=draws))
    assert (found.probes, found.references) == ({"b": 1.0}, {"a": 0.0, "d": 0.5})


def test_where_nothing_is_said_no_file_is_written_and_nothing_is_known(tmp_path: Path) -> None:
    a_unit(tmp_path, "templates-001", {"a": 0.5}, "a")
    (tmp_path / "units/templates-001/templates" / REMARKS_FILE).unlink()
    Remarks().save(tmp_path)
    assert not (tmp_path / REMARKS_FILE).exists()
    assert load_remarks(tmp_path) == Remarks()
    assert template_qualities(tmp_path, "mine") == []
    assert quality_figure([]) is None
    assert quality_table([]) is None
    assert quality_figure([TemplateQuality("a", False, None, "")]) is None


FAULTS = {
    '{"quality":{"z":0.5}}': "names 'z', which has no answer here",
    '{"quality":{"a":1.5}}': "says a quality of 1.5; it lies in [0, 1]",
    '{"quality":{"a":-0.5}}': "says a quality of -0.5",
    '{"quality":{"a":1e999}}': "out of range",
    '{"quality":{"a":NaN}}': "malformed",
    '{"quality":{"a":"high"}}': "expected `float`",
    '{"quality":{"a":0.5,"a":0.6}}': "has the key 'a' twice",
    '{"boxes":{"a":[[0,0,1,1]]}}': "says boxes of answers that have none",
    '{"quality":': "truncated",
}


@pytest.mark.parametrize("text", FAULTS)
def test_remarks_that_cannot_be_are_refused_by_file_and_place(text: str, tmp_path: Path) -> None:
    (tmp_path / REMARKS_FILE).write_text(text)
    with pytest.raises(BadFile) as reason:
        read_remarks(tmp_path.parent, tmp_path.name, {"a"}, boxes=False)
    assert REMARKS_FILE in str(reason.value)
    assert FAULTS[text] in str(reason.value)


BOXES = {
    "[[0,0,0,5]]": "says boxes that are none",
    "[[-1,0,5,5]]": "says boxes that are none",
    "[[0,0,9999999,5]]": "says boxes that are none",
    "[]": "says boxes that are none",
    "[[0,0,5]]": "length 4",
    "[[0,0,5,0.5]]": "expected `int`",
}


@pytest.mark.parametrize("text", BOXES)
def test_boxes_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / REMARKS_FILE).write_text(f'{{"boxes":{{"a":{text}}}}}')
    with pytest.raises(BadFile) as reason:
        read_remarks(tmp_path.parent, tmp_path.name, {"a"}, boxes=True)
    assert BOXES[text] in str(reason.value)
    (tmp_path / REMARKS_FILE).write_text('{"boxes":{"a":[[3,4,5,6]]}}')
    assert read_remarks(tmp_path.parent, tmp_path.name, {"a"}, boxes=True).boxes == {
        "a": [(3, 4, 5, 6)]
    }


def test_a_link_in_the_place_of_remarks_is_refused(tmp_path: Path) -> None:
    (tmp_path / REMARKS_FILE).symlink_to("/dev/zero")
    with pytest.raises(BadFile, match="is a link"):
        read_remarks(tmp_path.parent, tmp_path.name, {"a"}, boxes=True)


def shown(*qualities: float | None) -> tuple[Any, Any]:
    templates = [
        TemplateQuality(str(i), False, value, "" if value is not None else "too dark")
        for i, value in enumerate(qualities)
    ]
    return quality_figure(templates), quality_table(templates)


def test_a_quality_on_an_edge_is_in_the_bin_above_it_and_1_in_the_last() -> None:
    figure, _ = shown(0.0, 0.05, 0.15, 0.30000000000000004, 0.95, 1.0, 1.0)
    shares = np.array(figure.data["pictures"])
    assert shares.sum() == pytest.approx(1)
    expected = np.bincount([0, 1, 3, 6, 19, 19, 19], minlength=BINS) / 7
    assert np.allclose(shares, expected)
    assert figure.table.rows[-1] == ("0.95", "1.00", "42.9\u202f%")


def test_a_figure_of_qualities_counts_what_has_none_and_names_the_median() -> None:
    figure, table = shown(0.2, 0.4, 0.6, 0.8, None)
    # The lower of the two in the middle: half of the templates have at most that.
    assert figure.summary == (
        "The median quality of templates is 0.4 of pictures; 1 template could not be made."
    )
    assert table.rows == (("Pictures", "5", "1", "0", "0.2", "0.2", "0.4", "0.8", "0.8"),)
    equal, table = shown(0.5, 0.5)
    assert table.rows == (("Pictures", "2", "0", "0", *["0.5"] * 5),)
    assert "The median quality of templates is 0.5 of pictures." in equal.summary


PROGRAM = """#!/usr/bin/env python3
import hashlib, json, sys
come, go = sys.stdin.buffer, sys.stdout.buffer
kept = {}
while line := come.readline():
    asked, more = json.loads(line), b""
    data, said = come.read(asked.get("bytes", 0)), {"ok": True}
    if asked["do"] == "hello":
        said = {"name": "says", "version": "1", "protocol": 1, "abilities": ["search", "detect"]}
        said["survey"] = True
        said["parameters"] = [{"name": "able", "type": "str", "default": "search,detect"}]
    elif asked["do"] == "prepare":
        able = asked["parameters"]["able"].split(",")
    elif asked["do"] == "survey":
        said = {"abilities": able}
    elif asked["do"] in ("template", "enrol"):
        more = hashlib.sha256(data).digest()
        if more[0] < 40:
            said, more = {"failure": "refused", "message": "too dark"}, b""
        else:
            said = {"bytes": len(more)}
            if more[0] < 200:
                said["quality"] = more[1] / 255
    elif asked["do"] == "reference":
        kept[asked["number"]] = data
    elif asked["do"] == "finalise":
        said["size"] = 1000 + asked["count"]
    elif asked["do"] == "search":
        found = [[sum(a == b for a, b in zip(data, kept[i])), i] for i in range(len(kept))]
        found = sorted(found, key=lambda one: (-one[0], one[1]))[:asked["length"]]
        said = {"candidates": [[i, score] for score, i in found]}
    elif asked["do"] == "detect":
        first = hashlib.sha256(data).digest()[0]
        said = {"score": first / 255, "boxes": [[0, 0, asked["width"], 1]] * (first > 128)}
    go.write(json.dumps(said).encode() + b"\\n" + more)
    go.flush()
    if asked["do"] == "goodbye":
        break
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of a program that says qualities, boxes and the size of its gallery, by protocol."""
    folder = tmp_path_factory.mktemp("said")
    program = folder / "says.py"
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    found = run_harness(
        *("run", "--protocol", "mixed-media,detection", "--fold", "1", "--on", "in-process"),
        *("--algo", f"exec:{program}", "--json"),
        cwd=folder,
    )
    assert found.code == 0, found.err
    return {"program": program} | {
        run["protocol"]: folder / run["folder"] for run in found.json["runs"]
    }


def test_what_a_program_says_beside_its_answers_is_in_its_run_tables_and_report(
    said: dict[str, Path],
) -> None:
    run = said["mixed-media"]
    assert verify_run(run) == []
    tables = RunTables(run)
    templates = list(tables["templates"].rows())
    qualities = [one for one in templates if one[2] is not None]
    assert {one[3] for one in templates if one not in qualities} >= {"too dark"}
    assert not any(one[3] for one in qualities)
    silent = [one for one in templates if one[2] is None and not one[3]]
    assert silent
    assert len(qualities) + len(silent) < len(templates) == 36
    operations = {row[0]: row[1:] for row in tables["operations"].rows()}
    count, unit = operations["gallery"][1], operations["gallery"][0]
    enrolled = sum(bool(one[1]) and not one[3] for one in templates)
    assert (unit, count, operations["gallery"][2]) == ("bytes", 1, 1000 + enrolled)
    assert operations["enrolled"][:3] == ("bytes", enrolled, 32)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "The median quality of templates is" in page
    assert "Gallery as the program keeps it" in page


def test_boxes_are_part_of_the_answers_and_of_the_hash_of_the_result(
    said: dict[str, Path], tmp_path: Path
) -> None:
    run = read_run(said["detection"])
    (answer,), (fold,) = run.answers, run.folds
    assert answer.boxes.keys() == {
        name for name, score in zip(fold.probes, answer.scores, strict=True) if score > 128 / 255
    }
    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    place = copy / "units/fold-1/scores" / REMARKS_FILE
    place.write_text(place.read_text().replace("[0,0,", "[1,0,", 1))
    assert result_hash(copy) != run.manifest.result_hash
    seal_again(copy)
    assert any("journal" in one for one in verify_run(copy))


LIES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda said: said["quality"].update({"nobody.png": 0.5}), "names 'nobody.png'"),
    (lambda said: said["quality"].update({min(said["quality"]): 7}), "says a quality of 7"),
]


@pytest.mark.parametrize(("change", "words"), LIES)
def test_verify_names_qualities_that_cannot_be(
    change: Callable[[dict[str, Any]], Any], words: str, said: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(said["mixed-media"], copy)
    place = copy / "units/templates-001/templates" / REMARKS_FILE
    text = json.loads(place.read_text())
    change(text)
    place.write_text(json.dumps(text))
    seal_again(copy)
    assert any(words in one for one in verify_run(copy))


def test_a_program_has_the_abilities_that_it_names_once_it_is_prepared(
    said: dict[str, Path],
) -> None:
    name = f"exec:{said['program']}"
    words = ["run", "--protocol", "detection", "--on", "in-process", "--algo", name]
    found = run_harness(*words, "--param", "able=search")
    assert found.code == 2
    assert "protocol 'detection' needs a Detector, which 'says' is not" in found.err
    found = run_harness(*words, "--param", "able=remove")
    assert found.code == 3
    assert "'remove', which its hello does not name" in found.err
