"""Fits in a run: shared where folds learn alike, resumable after a kill, with their curve kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Ran

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

LEARNER = '''
@dataclass
class Learner(Matcher):
    """Counts its fits, and dies in the middle of the first one if it is told to."""

    dies: bool = False

    def fit(self, train):
        place = train.checkpoints
        place.mkdir(parents=True, exist_ok=True)
        begun = (place / "begun").exists()
        (place / "begun").touch()
        if self.dies and not begun:
            import os
            os._exit(9)
        self.went_on_ = float(begun)
        self.learning_curve_ = {"iteration": [1, 2], "loss": [2.0, 1.0 if begun else 1.5]}

    def extract(self, image):
        return image.reshape(-1)[:50].astype(float) + self.went_on_
'''


def data_set(folder: Path) -> Path:
    """Two named folds and images that only train."""
    rng = np.random.default_rng(0)
    lines = ["image,tattoo,role,fold"]
    for k in range(6):
        for role in ("probe", "reference"):
            Image.fromarray(rng.integers(0, 255, (9, 9, 3), np.uint8)).save(
                folder / f"{k}{role}.png"
            )
            lines.append(f"{k}{role}.png,t{k},{role},{'one' if k < 3 else 'two'}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def the_run(out: Path) -> Path:
    (run,) = out.glob("*/*/manifest.json")
    return run.parent


def test_a_fit_that_died_goes_on_with_what_it_left_and_leaves_nothing(
    harness: Command, plugin: WriteFile, tmp_path: Path
) -> None:
    path = plugin("learner", LEARNER)
    data = tmp_path / "data"
    data.mkdir()
    words = (
        *("run", "--protocol", "identification", "--algo", path, "--data", data_set(data)),
        *("--param", "dies=true", "--out", tmp_path / "out"),
    )
    assert harness(*words).code == 3
    assert list((tmp_path / "out").glob("*/*/units/*/checkpoints/begun"))
    for _ in range(3):  # each fold dies once
        done = harness(*words)
    assert done.code == 0, done.err
    run = the_run(tmp_path / "out")
    assert not list(run.glob("units/*/checkpoints"))
    curves = [json.loads(f.read_text()) for f in run.glob("units/*/model/learning.json")]
    assert curves == [{"iteration": [1, 2], "loss": [2.0, 1.0]}] * 2
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "Learning: loss" in report
    assert "The loss of 2 fits ends at 1 after 2 iterations." in report
