"""`harness tag`: tags from a fitted model, drawn on images, with names and tags of any kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tests.conftest import Ran, run_harness, save_png

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

BODY = '''
@dataclass
class {name}(Tagger):
    """Tags by how light an image is; learns the mean of its training images."""

    def fit(self, train):
        self.mean_ = float(np.mean([image.mean() for image in train.images]))
        self.words_ = len(train.vocabulary)

    def tag(self, image):
        if image.mean() == 0:
            raise FailureToEnroll("too\\x1b[31m dark")
        light = float(image.mean() > self.mean_)
        return np.array([light, 1 - light, 0.25][: self.words_])
'''
HEADER = """
from dataclasses import dataclass
import numpy as np
from harness import FailureToEnroll, Tagger
"""
# In alphabetical order: light images first, dark ones second, and a hostile one.
LIGHT, DARK, EVIL = "aa-light", "bb-dark", "cc-<script_src=//x.example/y"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Return folder, algorithm file and run folder of a tagger that was run."""
    folder = tmp_path_factory.mktemp("tagging")
    (folder / "set").mkdir()
    lines = ["image,tattoo,tags"]
    for number in range(8):
        light = number % 2 == 0
        shade = (200 if light else 60) + number  # no two are the same picture
        save_png(folder / "set" / f"{number}.png", np.full((9, 9, 3), shade))
        lines.append(f"{number}.png,t{number},{LIGHT if light else DARK} {EVIL}")
    (folder / "set" / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    protocol = folder / "few.toml"
    protocol.write_text(
        'version = 1\ntitle = "t"\nquestion = "q"\ntask = "tagging"\nheadline = "tag-map"\n'
        'metrics = ["tag-map", "f1-micro"]\n[data]\nuse-case = "u"\n[folds]\ncount = 2\n'
    )
    plugin = folder / "light.py"
    plugin.write_text(HEADER + BODY.format(name="Light"))
    ran = run_harness(
        *("run", "--protocol", protocol, "--algo", plugin, "--data", folder / "set"),
        *("--out", folder / "runs", "--json"),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    (run,) = (folder / "runs").glob("*/light-*")
    return folder, plugin, run


def tag(made: tuple[Path, Path, Path], *words: str | Path) -> Ran:
    known = ("--algo", made[1], "--runs", made[0] / "runs")
    return run_harness("tag", *known, *words, timeout=400)


def test_a_tagger_is_run_judged_and_verified_like_any_other(made: tuple[Path, Path, Path]) -> None:
    metrics = json.loads((made[2] / "metrics.json").read_text())
    assert [figures["tag"] for figures in metrics["tags"]] == [LIGHT, DARK, EVIL]
    assert metrics["pooled"]["tag-map"]["value"] == 1
    assert "<script_src" not in (made[2] / "report.html").read_text(encoding="utf-8")
    verified = run_harness("verify", made[2], timeout=400)
    assert verified.code == 0, verified.out


def test_images_are_tagged_and_drawn_whatever_they_are_called(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    names = ["a\nb.png", "<script>ねこ.png"]
    for name, level in zip(names, (250, 20), strict=True):
        save_png(tmp_path / name, np.full((40, 300, 3), level))
    ran = tag(made, *(tmp_path / name for name in names), "--out", tmp_path / "drawn", "--top", "2")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        f"{tmp_path}/a\ufffdb.png: {LIGHT} 1.00, {EVIL} 0.25",
        f"{tmp_path}/<script>ねこ.png: {DARK} 1.00, {EVIL} 0.25",
    ]
    drawn = sorted((tmp_path / "drawn").iterdir())
    assert [path.name for path in drawn] == ["<script>ねこ-tags.png", "a\nb-tags.png"]
    with PIL.Image.open(drawn[0]) as image:
        assert np.asarray(image).std() > 10


def test_json_has_every_score_and_failures_with_their_reason(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    save_png(tmp_path / "black.png", np.zeros((9, 9, 3)))
    save_png(tmp_path / "white.png", np.full((9, 9, 3), 255))
    words = (tmp_path / "black.png", tmp_path / "white.png")
    ran = run_harness("tag", *words, "--run", made[2], "--algo", made[1], "--json", timeout=400)
    assert ran.code == 0, ran.err
    black, white = ran.json
    assert black["tags"] == {}
    assert "dark" in black["failure"]
    assert white["tags"] == {LIGHT: 1.0, DARK: 0.0, EVIL: 0.25}


def test_what_cannot_be_done_is_said_without_a_traceback(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    image = tmp_path / "white.png"
    save_png(image, np.full((9, 9, 3), 255))
    (tmp_path / "text.png").write_text("no image")
    cases = {
        "text.png": (tmp_path / "text.png",),
        "is one of the images": (image, "--out", image),
        "should end in .png": (image, "--out", tmp_path / "drawn.tif"),
        "has no fold '9'": (image, "--fold", "9"),
        "no finished run of 'light'": (image, "--runs", tmp_path),
    }
    for said, words in cases.items():
        ran = tag(made, *words)
        assert ran.code == 2, said
        assert said in ran.err
        assert "Traceback" not in ran.err
    assert run_harness("tag", image, timeout=400).err.startswith("error: say whose tags")


def test_a_file_that_a_run_folder_names_is_never_executed(
    made: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    image = tmp_path / "white.png"
    save_png(image, np.full((9, 9, 3), 255))
    # The run was made with a file of the user's; its folder alone does not lead to that file.
    alone = run_harness("tag", image, "--run", made[2], timeout=400)
    assert alone.code == 2
    assert "--algo" in alone.err
    changed = tmp_path / "changed"
    shutil.copytree(made[2], changed)
    (model,) = changed.glob("units/fold-1/model/learned.json")
    model.write_text('{"mean_": 0, "words_": 3}')
    ran = run_harness("tag", image, "--run", changed, "--algo", made[1], timeout=400)
    assert ran.code != 0
    assert "learned.json: its bytes changed" in ran.err
