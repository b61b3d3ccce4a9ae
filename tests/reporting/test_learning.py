"""Learning curves in the report: every recorded quantity is drawn, with all fits of the run."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from harness.reporting.learning import POINTS, learning_figures
from harness.training import curves


def a_run(folder: Path, **units: curves.Curve) -> Path:
    for name, curve in units.items():
        model = folder / "units" / name / "model"
        model.mkdir(parents=True)
        curves.write(model, curve)
    return folder


def test_every_quantity_has_a_figure_with_a_line_for_every_fit(tmp_path: Path) -> None:
    one: curves.Curve = {"iteration": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "eer": [None, None, 0.25]}
    two: curves.Curve = {"iteration": [1, 2, 3], "loss": [3.0, 2.0, 0.5]}
    loss, eer = learning_figures(a_run(tmp_path, one=one, two=two))
    assert loss.summary == "The loss of 2 fits ends at 0.5 to 1 after 3 iterations."
    assert loss.table.columns == ("Iteration", "one", "two")
    assert loss.table.rows[-1] == ("3", "1", "0.5")
    assert eer.summary == "The eer of 1 fit ends at 0.25 after 3 iterations."
    assert loss.name != eer.name
    for figure in (loss, eer):
        ElementTree.fromstring(figure.svg)  # noqa: S314 - drawn here


def test_a_run_without_learning_has_no_figure(tmp_path: Path) -> None:
    assert learning_figures(tmp_path) == []
    (tmp_path / "units" / "fold-1" / "model").mkdir(parents=True)
    (tmp_path / "units" / "fold-1" / "model" / curves.FILE).write_text("{", encoding="utf-8")
    assert learning_figures(tmp_path) == []


def test_a_column_without_a_value_is_left_out(tmp_path: Path) -> None:
    curve: curves.Curve = {"iteration": [1, 2], "loss": [None, None]}
    assert learning_figures(a_run(tmp_path, one=curve)) == []


def test_a_long_fit_makes_a_small_figure(tmp_path: Path) -> None:
    long: curves.Curve = {
        "iteration": list(range(1, 1901)),
        "loss": [1 / k for k in range(1, 1901)],
    }
    (figure,) = learning_figures(a_run(tmp_path, one=long))
    assert len(figure.svg) < 60 * POINTS
    assert figure.table.rows[-1][0] == "1,900"


def test_names_that_a_plugin_chose_are_escaped(tmp_path: Path) -> None:
    curve: curves.Curve = {"iteration": [1, 2], "<script>": [1.0, 2.0]}
    (figure,) = learning_figures(a_run(tmp_path, one=curve))
    assert "<script>" not in figure.svg
