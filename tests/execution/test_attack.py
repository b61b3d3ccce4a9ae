"""Attacked probes: who sees what, who learns from what, and that plain and attacked stay apart."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from harness.data.records import Dataset, Draw, Fold, Picture, Record
from harness.execution.unit import Unit
from tests.conftest import Ran, save_png

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Harness = Callable[..., Ran]
Plugin = Callable[[str, str], Path]

BLACK = '''
from harness import Remover

@dataclass
class Black(Remover):
    """Paints all black."""

    def remove(self, image):
        return np.zeros_like(image)
'''

MEAN = '''
@dataclass
class Mean(Matcher):
    """The mean colour, alone."""

    def extract(self, image):
        return image.mean(axis=(0, 1)) + 1.0

    def compare(self, probes, references):
        return -np.abs(np.stack(probes)[:, None] - np.stack(references)).sum(axis=2)
'''


@pytest.fixture
def identities(tmp_path: Path) -> Path:
    """Six identities of three shades each, told apart by their mean colour."""
    root = tmp_path / "people"
    rng = np.random.default_rng(1)
    for i in range(6):
        (root / f"p{i}").mkdir(parents=True)
        for j in range(3):
            shade = 70 + 25 * i + rng.normal(0, 2)
            # No two are the same picture, byte for byte.
            save_png(root / f"p{i}" / f"{j}.png", shade + rng.normal(0, 1, (24, 24, 3)))
    return root


def run(harness: Harness, data: Path, algorithm: Path, *more: Any) -> Ran:
    return harness(
        *("run", "--protocol", "identification", "--data", data, "--algo", algorithm, "--json"),
        *("--workers", "2", *more),
    )


def test_probes_are_retouched_and_references_are_not(
    harness: Callable[..., Ran],
    plugin: Callable[[str, str], Path],
    identities: Path,
    tmp_path: Path,
) -> None:
    matcher, remover = plugin("mean", MEAN), plugin("black", BLACK)
    out = tmp_path / "out"
    plain = run(harness, identities, matcher, "--out", out)
    assert plain.code == 0, plain.err
    attacked = run(harness, identities, matcher, "--attack", remover, "--out", out)
    assert attacked.code == 0, attacked.err
    (before,), (after,) = plain.json["runs"], attacked.json["runs"]
    rank1 = "hit-rate@rank=1"
    assert before["metrics"]["pooled"][rank1]["value"] == 1
    # Black probes are nearest to the darkest reference of their fold, whoever that is.
    assert after["metrics"]["pooled"][rank1]["value"] < 1
    assert after["protocol"] == "identification+black"
    assert after["identity"] != before["identity"]
    folder = tmp_path / "work" / after["folder"]
    scores = [np.load(file) for file in sorted(folder.glob("units/fold-*/scores/scores.npy"))]
    # A probe of zeros is 1 everywhere in its template: its score tells the reference's colour.
    assert all((s < -3 * 40).all() and np.ptp(s, axis=0).max() == 0 for s in scores)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["origin"]["attack"]["algorithm"] == "black"
    assert manifest["retouched"]["pictures"] == sum(len(s) for s in scores)
    assert "--attack" in manifest["command"]
    assert "probes retouched by black" in (folder / "report.html").read_text()
    assert harness("verify", folder).code == 0
    table = harness("compare", "--attack", tmp_path / "work" / before["folder"], folder)
    assert table.code == 0, table.err
    assert "95 % interval" in table.out
    (row,) = [line for line in table.out.splitlines() if line.split()[-1:] == ["black"]]
    assert row.split()[1] == "mean"
    markdown = harness(
        "compare", "--attack", tmp_path / "work" / before["folder"], folder, "--markdown"
    )
    assert "| `mean` |" in markdown.out
    refused = harness("compare", tmp_path / "work" / before["folder"], folder)
    assert refused.code == 4
    assert "probes retouched by nobody against 'black'" in refused.err
    lonely = harness("compare", "--attack", folder)
    assert lonely.code == 4
    assert "as they are" in lonely.err
    assert harness("compare", "--attack", tmp_path / "work" / before["folder"]).code == 2


def test_a_second_matcher_takes_over_what_was_retouched_for_the_first(
    harness: Callable[..., Ran],
    plugin: Callable[[str, str], Path],
    identities: Path,
    tmp_path: Path,
) -> None:
    first, remover = plugin("mean", MEAN), plugin("black", BLACK)
    second = plugin("mean2", MEAN.replace("Mean", "Mean2"))
    run(harness, identities, first, "--attack", remover, "--out", tmp_path / "out")
    ran = run(harness, identities, second, "--attack", remover, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    (found,) = ran.json["runs"]
    assert "attack-1" in found["kept"]
    assert "attack-1" not in found["done"]
    assert harness("verify", tmp_path / "work" / found["folder"]).code == 0


def test_an_attack_needs_a_remover_and_a_question_about_probes(
    harness: Harness, plugin: Plugin, identities: Path
) -> None:
    matcher = plugin("mean", MEAN)
    no_remover = run(harness, identities, matcher, "--attack", matcher)
    assert no_remover.code == 2
    assert "is no Remover" in no_remover.err
    wrong = run(harness, identities, matcher, "--attack", "similarity")
    assert wrong.code == 2
    assert "asks for no removal" in wrong.err
    question = harness("run", "--protocol", "removal", "--algo", "unchanged", "--attack", "inpaint")
    assert question.code == 2
    assert "Matcher or a Detector" in question.err


def removal_data(folder: Path) -> Dataset:
    """Four tattooed pictures of four tattoos and two without one."""
    records = {}
    for i in range(6):
        file = folder / f"r{i}.png"
        save_png(file, np.full((24, 24, 3), 90 + i))
        mask = folder / f"m{i}.png"
        PIL.Image.fromarray(np.full((24, 24), 255, np.uint8)).save(mask)
        known = i < 4
        records[file.name] = Record(
            file.name,
            file,
            tattoo=f"t{i}" if known else None,
            source=f"s{i}",
            label="tattoo" if known else "non-tattoo",
            mask=mask if known else None,
            clean=file if known else None,
        )
    return Dataset("removals", folder, "csv", records)


class _Learns:
    class description:  # noqa: N801 - stands for an attribute
        learns = True


def test_a_remover_never_learns_from_what_shares_anything_with_its_probes(tmp_path: Path) -> None:
    from harness.runs import attacking

    data = removal_data(tmp_path)

    class Learnt:
        dataset = data
        names = sorted(data.records)

    attack = attacking.Attack("x", _Learns(), Learnt())  # type: ignore[arg-type]
    copy = tmp_path / "copy.png"
    copy.write_bytes((tmp_path / "r5.png").read_bytes())
    other = tmp_path / "other.png"
    save_png(other, np.zeros((9, 9, 3)))
    probes = {
        "same tattoo": Record("same tattoo", other, tattoo="t0"),
        "same source": Record("same source", other, source="s2"),
        "same file": Record("same file", copy),
        "a stranger": Record("a stranger", other, tattoo="somebody's"),
    }
    judged = Dataset("judged", tmp_path, "csv", probes)

    def learnable(*names: str) -> set[str]:
        return set(attacking._learnable(attack, judged, Fold("1", (), names)))

    everything = set(data.records)
    assert learnable("a stranger") == everything
    assert learnable("same tattoo") == everything - {"r0.png"}
    assert learnable("same source") == everything - {"r2.png"}
    assert learnable("same file") == everything - {"r5.png"}
    assert learnable(*probes) == everything - {"r0.png", "r2.png", "r5.png"}


ALGORITHM: dict[str, Any] = {
    "algorithm": "a",
    "file": "",
    "attribute": "",
    "module": "",
    "parameters": {},
}


def test_shared_templates_keep_references_and_each_fold_makes_those_of_its_probes() -> None:
    from harness.runs.attacking import attacked

    common = {"ability": "Matcher", **ALGORITHM}
    given = {name: Picture(f"{name}.png") for name in ("p", "q", "g", "h")}
    chunk = Unit("templates-001", pictures=given, extract=list(given), score=False, **common)
    place = "units/templates-001/templates"
    folds = [Fold("1", (), ("p",), ("g",)), Fold("2", (), ("q",), ("h", "p"))]
    units = [
        Unit(f"fold-{f.name}", pictures={}, templates=[place], probes=list(f.probes), **common)
        for f in folds
    ]
    shown = {"1": {"p": Picture("p-retouched.png")}, "2": {"q": Picture("q-retouched.png")}}
    first, second = attacked([[chunk], units], folds, shown)
    # The picture that is a reference of the second fold stays as it is there.
    assert first[0].extract == ["p", "g", "h"]
    assert first[0].pictures["p"].path == "p.png"
    assert [unit.name for unit in first[1:]] == ["templates-probes-1", "templates-probes-2"]
    assert first[1].pictures == {"p": Picture("p-retouched.png")}
    assert second[0].templates == [place, "units/templates-probes-1/templates"]
    assert second[1].templates == [place, "units/templates-probes-2/templates"]


def test_every_draw_that_is_searched_by_itself_is_shown_the_retouched_probes() -> None:
    from harness.runs.attacking import attacked

    common = {"ability": "Searcher", **ALGORITHM}
    probes, references = (
        Unit(
            f"{kind}-001",
            pictures={name: Picture(f"{name}.png")},
            extract=[name],
            role=role,
            score=False,
            **common,
        )
        for kind, name, role in (("templates", "p", ""), ("enrolled", "g", "reference"))
    )
    fold = Fold("1", (), ("p",), ("g",), draws=(Draw(("p",), ("g",)),))
    draw = Unit(
        "fold-1-draw-01",
        pictures={},
        templates=["units/templates-001/templates"],
        enrolled=["units/enrolled-001/templates"],
        probes=["p"],
        gallery=["g"],
        **common,
    )
    shown = {"1": {"p": Picture("p-retouched.png")}}
    first, second = attacked([[probes, references], [draw]], [fold], shown)
    assert [(unit.name, unit.role) for unit in first] == [
        ("enrolled-001", "reference"),
        ("templates-probes-1", ""),
    ]
    assert first[1].pictures == shown["1"]
    assert second[0].templates == ["units/templates-probes-1/templates"]
    assert second[0].enrolled == draw.enrolled


BLACK_PROGRAM = """#!/bin/sh
# Paints all black, or white as the second word says.
while IFS= read -r line; do
    n=${line##*'"bytes":'}; n=${n%%[!0-9]*}
    case $line in *'"bytes":'*) head -c "$n" >/dev/null;; esac
    case $line in
    *'"hello"'*) echo '{"name":"black","version":"1","protocol":1,"abilities":["remove"]}';;
    *'"remove"'*) echo "{\\"bytes\\":$n}"; head -c "$n" /dev/zero | tr '\\000' "$1";;
    *'"goodbye"'*) echo '{"ok":true}'; exit 0;;
    *) echo '{"ok":true}';;
    esac
done
"""


def test_a_program_retouches_probes_as_a_file_does(
    harness: Callable[..., Ran],
    plugin: Callable[[str, str], Path],
    identities: Path,
    tmp_path: Path,
) -> None:
    matcher, out = plugin("mean", MEAN), tmp_path / "out"
    program = tmp_path / "a black.sh"
    program.write_text(BLACK_PROGRAM)
    program.chmod(0o755)
    attack = f"exec:'{program}' '\\000'"
    of_file = run(harness, identities, matcher, "--attack", plugin("black", BLACK), "--out", out)
    of_program = run(harness, identities, matcher, "--attack", attack, "--out", out)
    assert of_program.code == 0, of_program.err
    assert "and may change without being another entry" in of_program.err
    (one,), (other,) = of_file.json["runs"], of_program.json["runs"]
    assert (one["protocol"], other["protocol"]) == (
        "identification+black",
        "identification+a-black",
    )
    assert one["result_hash"] == other["result_hash"]
    manifest = json.loads((Path(other["folder"]) / "manifest.json").read_text())
    assert manifest["origin"]["attack"]["version"] == "black 1"
    assert not manifest["learns"]
    assert harness("verify", other["folder"]).code == 0
    words = shlex.split(manifest["command"])
    again = harness(*words[words.index("harness") + 1 :], "--out", out, "--json")
    assert again.json["runs"][0]["identity"] == other["identity"]
    white = run(
        harness, identities, matcher, "--attack", attack.replace("000", "377"), "--out", out
    )
    assert white.json["runs"][0]["identity"] != other["identity"]
    assert white.json["runs"][0]["result_hash"] != other["result_hash"]


def test_a_program_that_removes_nothing_is_refused_as_a_remover(
    harness: Callable[..., Ran],
    plugin: Callable[[str, str], Path],
    identities: Path,
    tmp_path: Path,
) -> None:
    program = tmp_path / "detects.sh"
    program.write_text(BLACK_PROGRAM.replace('"remove"', '"detect"'))
    program.chmod(0o755)
    found = run(harness, identities, plugin("mean", MEAN), "--attack", f"exec:{program}")
    assert found.code == 2
    assert "is no Remover" in found.err
