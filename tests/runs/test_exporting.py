"""A run's model as an ONNX file: its scores are the run's, and what cannot be exported says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.errors import Damaged
from harness.execution.storage import load_answer
from harness.execution.unit import Unit
from harness.record.models import model_of_fold
from tests.conftest import Ran, run_harness, save_png

Harness = Callable[..., Ran]

TOLERANCE = 1e-4
"""Of the largest score: onnxruntime adds in another order than torch."""

FAST = ("--fold", "1", "--param", "iterations=4")


def only_run(folder: Path) -> Path:
    (found,) = (path for path in folder.iterdir() if path.is_dir())
    return found


def scores(run: Path) -> np.ndarray:
    return load_answer(run / "units" / "fold-1" / "scores").scores


@pytest.mark.slow
def test_an_exported_model_scores_as_the_run_it_comes_from(small_set: Path, tmp_path: Path) -> None:
    common = ("run", "--protocol", "similarity", "--data", small_set, "--out", tmp_path)
    ran = run_harness(*common, "--algo", "triplet", *FAST, timeout=400)
    assert ran.code == 0, ran.err
    torchs = only_run(tmp_path / "similarity")
    model = tmp_path / "model.onnx"
    exported = run_harness("export", torchs, "--format", "onnx", "--out", model, timeout=300)
    assert exported.code == 0, exported.err
    assert exported.out.strip() == str(model)
    again = tmp_path / "again"
    ran = run_harness(*common[:-1], again, "--algo", "onnx", "--param", f"model={model}")
    assert ran.code == 2
    assert "Judge it on folds without them: --fold 1" in ran.err
    ran = run_harness(
        *(*common[:-1], again, "--fold", "1", "--algo", "onnx", "--param", f"model={model}"),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    one, other = scores(torchs), scores(only_run(again / "similarity"))
    assert np.isfinite(one).all()
    assert np.ptp(one) > 0
    assert np.abs(one - other).max() <= TOLERANCE * np.abs(one).max()


@pytest.fixture(scope="module")
def trained(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over two folds of an algorithm of the user's own that learns and cannot be exported."""
    place = tmp_path_factory.mktemp("trained")
    (place / "plugins").mkdir()
    (place / "plugins" / "mine.py").write_text(MINE)
    ran = run_harness(
        *("run", "--protocol", "similarity", "--data", small_set, "--algo", "mine"),
        *("--plugins", place / "plugins", "--fold", "1", "--fold", "2", "--out", place),
    )
    assert ran.code == 0, ran.err
    return place


MINE = '''
from dataclasses import dataclass
from pathlib import Path

from harness import Matcher


@dataclass
class Mine(Matcher):
    """Learns a number."""

    factor: float = 2.0

    def fit(self, train):
        self.learned_ = float(len(train))

    def extract(self, image):
        return self.learned_ * image.mean(axis=(0, 1))
'''
EXPORTING = """
    def export_onnx(self, file: Path):
        file.write_text(f"{self.learned_ * self.factor}")
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with an algorithm of the user's own that learns and can be exported."""
    place = tmp_path / "plugins"
    place.mkdir()
    (place / "mine.py").write_text(MINE + EXPORTING)
    return place


def export(place: Path, *words: str | Path) -> Ran:
    return run_harness(
        *("export", only_run(place / "similarity"), "--format", "onnx"),
        *("--out", place / "m.onnx", *words),
    )


def test_a_run_of_several_folds_asks_for_one(trained: Path) -> None:
    ran = export(trained)
    assert ran.code == 2
    assert "choose one with --fold: 1, 2" in ran.err
    ran = export(trained, "--fold", "7")
    assert ran.code == 2
    assert "no fold '7'" in ran.err


def test_an_algorithm_is_found_by_its_name_alone(trained: Path) -> None:
    """A run folder may come from a stranger: a path in it is never run."""
    ran = export(trained, "--fold", "1")
    assert ran.code == 2
    assert "no algorithm is called 'mine'" in ran.err
    assert "--plugins DIR" in ran.err


def test_an_algorithm_without_the_method_says_what_it_needs(trained: Path) -> None:
    ran = export(trained, "--fold", "1", "--plugins", trained / "plugins")
    assert ran.code == 2
    assert "mine cannot be exported: it has no method `export_onnx(file)`" in ran.err
    assert not list(trained.glob("*.onnx*"))


def test_any_algorithm_with_the_method_is_exported_after_load_with_the_run_s_parameters(
    small_set: Path, plugins: Path, tmp_path: Path
) -> None:
    ran = run_harness(
        *("run", "--protocol", "similarity", "--data", small_set, "--algo", "mine"),
        *("--plugins", plugins, "--fold", "1", "--param", "factor=3", "--out", tmp_path),
    )
    assert ran.code == 0, ran.err
    ran = export(tmp_path, "--plugins", plugins)
    assert ran.code == 0, ran.err
    # Two folds of four groups with four images each were learned from.
    assert (tmp_path / "m.onnx").read_text() == "96.0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.onnx", "plugins", "similarity"]


def test_a_model_that_several_folds_share_is_exported_without_naming_one(
    small_set: Path, plugins: Path, tmp_path: Path
) -> None:
    for number in range(6):
        place = tmp_path / "elsewhere" / f"tattoo-{number // 2}"
        place.mkdir(parents=True, exist_ok=True)
        save_png(place / f"{number}.png", np.full((9, 9, 3), 20 * number + 7))
    ran = run_harness(
        *("run", "--protocol", "similarity", "--data", small_set, "--algo", "mine"),
        *("--plugins", plugins, "--train-data", tmp_path / "elsewhere", "--out", tmp_path),
    )
    assert ran.code == 0, ran.err
    ran = export(tmp_path, "--plugins", plugins)
    assert ran.code == 0, ran.err
    assert (tmp_path / "m.onnx").read_text() == "12.0"


@pytest.mark.parametrize(
    "place", ["../elsewhere/model", "units/../model", "/etc/model", "units/gone/model", "units"]
)
def test_a_model_outside_the_run_folder_is_refused(tmp_path: Path, place: str) -> None:
    run = tmp_path / "run"
    unit = Unit("fold-1", "Tagger", "mine", "mine.py", "", "", {}, {}, model=place)
    (run / "units" / "fold-1").mkdir(parents=True)
    (run / "units" / "fold-1" / "unit.json").write_bytes(msgspec.json.encode(unit))
    for other in (tmp_path / "elsewhere" / "model", run / "model"):
        other.mkdir(parents=True)
    with pytest.raises(Damaged, match="which is not in it"):
        model_of_fold(run, "1")


def test_a_source_that_changed_since_the_run_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE + EXPORTING)
    ran = export(trained, "--fold", "1", "--plugins", tmp_path)
    assert ran.code == 2
    assert "changed since the run" in ran.err
    assert "harness run --protocol similarity" in ran.err


def test_a_run_that_learned_nothing_has_no_model(small_set: Path, tmp_path: Path) -> None:
    ran = run_harness(
        *("run", "--protocol", "similarity", "--data", small_set, "--algo", "colours"),
        *("--fold", "1", "--out", tmp_path),
    )
    assert ran.code == 0, ran.err
    ran = export(tmp_path)
    assert ran.code == 2
    assert "'colours' learned nothing in this run" in ran.err


def test_options_of_models_are_refused_with_scores(trained: Path) -> None:
    ran = run_harness(
        *("export", only_run(trained / "similarity"), "--format", "csv"),
        *("--fold", "1", "--out", trained / "csv"),
    )
    assert ran.code == 2
    assert "belong to --format onnx" in ran.err
