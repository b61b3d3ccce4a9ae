"""Omniglot's one-shot runs: folds, mates, what is learned from, and what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from harness.data.readers.layouts import detect, open_dataset
from harness.data.readers.omniglot import BACKGROUND, read_omniglot


def drawing(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), shade).save(path)


def omniglot(root: Path, runs: str = "runs/") -> Path:
    """Two runs of three characters, two background alphabets and one to be judged."""
    shade = iter(range(1, 200))
    for alphabet in ("Greek", "images_background/Korean", "Angelic"):
        for character in ("character01", "character02"):
            for k in (1, 2):
                drawing(root / alphabet / character / f"0{k}.png", next(shade))
    for run in ("run01", "run02"):
        lines = []
        for k in (1, 2, 3):
            drawing(root / runs / run / "training" / f"class0{k}.png", next(shade))
            drawing(root / runs / run / "test" / f"item0{k}.png", next(shade))
            lines.append(f"{run}/test/item0{k}.png {run}/training/class0{k % 3 + 1}.png\n")
        (root / runs / run / "class_labels.txt").write_text("".join(lines), encoding="utf-8")
    return root


@pytest.mark.parametrize("runs", ["", "runs/"])
def test_every_run_is_a_fold_that_searches_its_own_characters(tmp_path: Path, runs: str) -> None:
    root = omniglot(tmp_path, runs)
    assert detect(root) == "omniglot"
    data = open_dataset(root)
    assert data.problems == ()
    assert [fold.name for fold in data.folds] == ["run01", "run02"]
    fold = data.folds[1]
    assert fold.probes == tuple(f"{runs}run02/test/item0{k}.png" for k in (1, 2, 3))
    assert fold.gallery == tuple(f"{runs}run02/training/class0{k}.png" for k in (1, 2, 3))
    assert (f"{runs}run02/test/item03.png", f"{runs}run02/training/class01.png") in fold.mates
    assert len(fold.mates) == 3


def test_a_relative_path_to_the_runs_is_remembered_as_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    omniglot(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    data = open_dataset(Path("set"))
    assert data == open_dataset(tmp_path / "set")
    assert all(one.path.is_relative_to(data.root) for one in data.records.values())


def test_only_background_alphabets_are_learned_from_and_in_every_fold_alike(tmp_path: Path) -> None:
    data = read_omniglot(omniglot(tmp_path))
    first, second = data.folds
    assert first.train == second.train
    assert len(first.train) == 8
    assert {name.split("/")[-3] for name in first.train} == {"Greek", "Korean"}
    assert {data.records[name].tattoo for name in first.train} == {
        *(f"Greek/character0{k}" for k in (1, 2)),
        *(f"images_background/Korean/character0{k}" for k in (1, 2)),
    }
    assert not any("Angelic" in name for name in data.records)
    assert len(BACKGROUND) == 30


def test_a_label_of_an_image_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    root = omniglot(tmp_path)
    labels = root / "runs/run01/class_labels.txt"
    labels.write_text(labels.read_text().replace("class02", "class09"), encoding="utf-8")
    problems = " ".join(read_omniglot(root).problems)
    assert (
        "runs/run01/class_labels.txt:1: 'run01/test/item01.png run01/training/class09" in problems
    )
    assert "says nothing of 'run01/test/item01.png'" in problems


def test_an_image_of_another_run_is_no_mate(tmp_path: Path) -> None:
    root = omniglot(tmp_path)
    labels = root / "runs/run01/class_labels.txt"
    labels.write_text(labels.read_text().replace("run01/training", "run02/training"))
    assert "is not '<test image> <training image>' of this run" in " ".join(
        read_omniglot(root).problems
    )


def test_runs_without_drawings_to_learn_from_say_so(tmp_path: Path) -> None:
    root = omniglot(tmp_path)
    for alphabet in ("Greek", "images_background"):
        (root / alphabet).rename(root / f".{alphabet}")
    assert "no drawing of a background alphabet" in " ".join(read_omniglot(root).problems)


PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "omniglot"


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="Omniglot is not beside the project")
def test_the_published_archives_are_read(tmp_path: Path) -> None:
    import zipfile

    for name, place in (("omniglot28.zip", "."), ("one_shot_runs.zip", "runs")):
        with zipfile.ZipFile(PUBLISHED / name) as archive:
            archive.extractall(tmp_path / place)
    data = open_dataset(tmp_path)
    assert data.problems == ()
    assert len(data.folds) == 20
    assert {(len(f.train), len(f.probes), len(f.gallery)) for f in data.folds} == {(19280, 20, 20)}
