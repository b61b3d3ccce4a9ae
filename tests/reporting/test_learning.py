"""Learning curves in the report: every recorded quantity is drawn, with all fits of the run."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from harness.reporting.sections.learning import POINTS, learning_figures
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


def paths(svg: str, style: str) -> list[str]:
    return re.findall(rf'<path class="{style}" d="([^"]*)"', svg)


def test_fits_are_one_line_of_means_within_a_band(tmp_path: Path) -> None:
    fits: dict[str, curves.Curve] = {
        f"fold-{k}": {"iteration": [1, 2, 3], "loss": [3.0, 2.0, float(k)]} for k in range(5)
    }
    (figure,) = learning_figures(a_run(tmp_path, **fits))
    assert len(paths(figure.svg, "s0")) == 1
    assert len(paths(figure.svg, "s0-band")) == 1
    assert "Iteration 3: 2 (0 to 4)" in figure.svg
    assert figure.legend[0] == ("s0", "line", "mean of 5 fits")


def test_fits_that_are_the_same_are_drawn_once_and_said_to_be_the_same(tmp_path: Path) -> None:
    schedule: curves.Curve = {"iteration": [1, 2, 3], "rate": [0.1, 0.1, 0.01]}
    (figure,) = learning_figures(a_run(tmp_path, one=schedule, two=dict(schedule)))
    assert len(paths(figure.svg, "s0")) == 1
    assert paths(figure.svg, "s0-band") == []
    assert figure.legend == (("s0", "line", "the same in 2 fits"),)


def test_a_noisy_line_is_smoothed_and_the_page_says_over_how_much(tmp_path: Path) -> None:
    steps: list[float | None] = [float(k) for k in range(400)]
    noisy: curves.Curve = {"iteration": steps, "loss": [float(k % 2) for k in range(400)]}
    steady: curves.Curve = {"iteration": steps, "loss": [1 / (k + 1) for k in range(400)]}
    (rough,) = learning_figures(a_run(tmp_path / "a", one=noisy))
    assert any("means over 11 recorded points" in note for note in rough.notes)
    (smooth,) = learning_figures(a_run(tmp_path / "b", one=steady))
    assert not any("smoothed" in note for note in smooth.notes)
    # The table and the file hold what was recorded.
    assert {row[1] for row in rough.table.rows} <= {"0", "1"}


def test_where_one_fit_is_shorter_the_mean_ends_and_the_page_says_so(tmp_path: Path) -> None:
    long: curves.Curve = {"iteration": [1, 2, 3, 4], "loss": [4.0, 3.0, 2.0, 1.0]}
    short: curves.Curve = {"iteration": [1, 2], "loss": [4.0, 3.0]}
    (figure,) = learning_figures(a_run(tmp_path, one=long, two=short))
    assert any("the longest has 4" in note for note in figure.notes)
    late: curves.Curve = {"iteration": [100, 200], "loss": [1.0, 1.0]}
    (apart,) = learning_figures(a_run(tmp_path / "late", one=short, two=late))
    ElementTree.fromstring(apart.svg)  # noqa: S314 - drawn here
