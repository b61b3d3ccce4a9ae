"""`verify` calls whole only what is: seals, steps, templates, fence and lists agree."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from harness.record.verifying import verify_run
from tests.strangers.commands import carry_out
from tests.strangers.mutations import seal_again
from tests.strangers.test_reading import changed, put

TEMPLATES = "units/templates-1/templates"


def test_a_whole_run_is_called_whole_with_what_kept_the_algorithm_from_the_truth(
    made: Path,
) -> None:
    for protocol in ("similarity", "detection"):
        ended = carry_out("verify", made / protocol / "made-0")
        assert (ended.code, ended.err) == (0, "")
        assert "whole, and its numbers follow from its scores" in ended.out
        assert "Landlock 7" in ended.out
        assert "6 pictures and 3 comparisons were answered again" in ended.out


@pytest.mark.parametrize("name", ["manifest.json", "report.html", "metrics.json", "units"])
def test_a_file_that_is_a_link_out_is_named_though_the_seal_agrees(
    run_folder: Path, name: str
) -> None:
    outside = run_folder.parent / "outside"
    (run_folder / name).rename(outside)
    (run_folder / name).symlink_to(outside)
    assert f"{name}: is a link; a run folder holds files alone" in verify_run(run_folder)


def _vectors(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / TEMPLATES / "templates.safetensors"
        save_file({"vectors": change(load_file(path)["vectors"]).copy()}, path)

    return apply


def _cut(folder: Path) -> None:
    path = folder / TEMPLATES / "templates.safetensors"
    path.write_bytes(path.read_bytes()[:-7])


def _index(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    return lambda folder: changed(folder / TEMPLATES / "index.json", change)


def _with_nan(vectors: Any) -> Any:
    vectors[3, 1] = np.nan
    return vectors


DAMAGE = [
    (_cut, "is no whole safetensors file"),
    (_vectors(_with_nan), "holds NaN or infinity"),
    (_vectors(lambda vectors: vectors[:-1]), "one vector for each of 23 names"),
    (_vectors(lambda vectors: vectors[::-1]), "do not follow from the templates"),
    (_vectors(lambda vectors: -np.abs(vectors)), "do not follow from the templates"),
    (_index(lambda index: put("names", value=index["names"][:-2])(index)), "each of 21 names"),
    (_index(put("names", value="all")), "expected `array`, got `str`"),
    (_index(put("stacked", value=False)), "a template for each of 23 names"),
    (_index(put("names", 1, value="f1-0-p1.png")), "names an image twice"),
]


@pytest.mark.parametrize(("damage", "fault"), DAMAGE)
def test_damaged_templates_are_found_though_everything_was_sealed_again(
    run_folder: Path, damage: Callable[[Path], None], fault: str
) -> None:
    damage(run_folder)
    seal_again(run_folder)
    found = "\n".join(verify_run(run_folder))
    assert f"{TEMPLATES}: is not what journal.json noted when it was stored" in found
    seal_again(run_folder, through=True)
    found = "\n".join(verify_run(run_folder))
    assert "journal.json" not in found
    assert fault in found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("fold-1/scores", value="0" * 64), "units/fold-1/scores: is not what journal.json"),
        (lambda noted: noted.pop("fold-2/scores") and None, "does not note fold-2/scores"),
        (put("fold-1/model", value="0" * 64), "units/fold-1/model: is noted in journal.json"),
        (put("fold-1/scores", value=3), "expected `str`, got `int`"),
    ],
)
def test_the_journal_has_to_agree_with_what_is_stored(
    run_folder: Path, change: Callable[[Any], Any], fault: str
) -> None:
    changed(run_folder / "journal.json", change)
    seal_again(run_folder)
    assert fault in "\n".join(verify_run(run_folder))


def test_a_journal_that_is_missing_is_missed(run_folder: Path) -> None:
    (run_folder / "journal.json").unlink()
    seal_again(run_folder)
    assert [f for f in verify_run(run_folder) if f.endswith("journal.json: is missing")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("protection", "landlock", value=9), "its protection is not that of the steps"),
        (put("protection", "network", value="open"), "its protection is not that of the steps"),
        (put("protection", "words", value="Nobody cheats."), "is not that of the steps"),
        (put("protection", value=None), "does not say what kept the algorithm from the truth"),
    ],
)
def test_a_fence_that_steps_did_not_have_is_not_believed(
    run_folder: Path, change: Callable[[Any], Any], fault: str
) -> None:
    changed(run_folder / "manifest.json", change)
    seal_again(run_folder)
    assert fault in "\n".join(verify_run(run_folder))


@pytest.mark.parametrize("how", ["changed", "missing", "more"])
def test_candidate_lists_have_to_follow_from_the_scores(run_folder: Path, how: str) -> None:
    path = run_folder / "candidates" / "1.txt"
    if how == "changed":
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(lines[1:] + lines[:1]) + "\n", encoding="utf-8")
    elif how == "missing":
        path.unlink()
    else:
        shutil.copyfile(path, path.with_name("3.txt"))
    seal_again(run_folder)
    name = "3" if how == "more" else "1"
    assert verify_run(run_folder) == [f"candidates/{name}.txt: does not follow from the raw scores"]


def test_a_seal_inside_the_folder_is_a_file_like_any_other(run_folder: Path) -> None:
    (run_folder / "units" / "checksums.sha256").write_text("unseen", encoding="utf-8")
    assert verify_run(run_folder) == ["units/checksums.sha256: was added later"]


def test_units_that_were_asked_for_other_images_are_named(run_folder: Path) -> None:
    changed(run_folder / "units/fold-1/unit.json", put("probes", 0, value="f1-5-p2.png"))
    seal_again(run_folder, through=True)
    assert verify_run(run_folder) == [
        "units/fold-1/unit.json: asked for other images than the truth names"
    ]


def test_joined_runs_that_are_links_are_not_followed(made: Path, tmp_path: Path) -> None:
    from harness.runs.joining import join

    for seed in (0, 1):
        shutil.copytree(made / "similarity" / f"made-{seed}", tmp_path / f"made-{seed}")
    folder = join([tmp_path / "made-0", tmp_path / "made-1"], tmp_path, "harness run")
    assert carry_out("verify", folder).code == 0
    (tmp_path / "made-1").rename(tmp_path / "elsewhere")
    (tmp_path / "made-1").symlink_to(tmp_path / "elsewhere")
    ended = carry_out("verify", folder)
    assert (ended.code, ended.fault) == (3, "")
    assert "is a link" in ended.out + ended.err
    joined = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    for fits in ([], joined["fits"][:1] * 2, [{**joined["fits"][0], "folder": "../../x"}]):
        changed(folder / "entry.json", put("fits", value=fits))
        seal_again(folder)
        ended = carry_out("verify", folder)
        assert (ended.code, ended.fault) == (3, "")
