"""Learning curves: a table by column, small on disk, and nothing else is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.training import curves


def test_a_row_of_the_same_iteration_is_filled_in_and_others_stay_empty() -> None:
    curve: curves.Curve = {}
    curves.add(curve, 5, loss=2.0)
    curves.add(curve, 9, loss=float("nan"), rate=0.1)
    curves.add(curve, 9, eer=0.5)
    assert curve == {
        "iteration": [5, 9],
        "loss": [2.0, None],
        "rate": [None, 0.1],
        "eer": [None, 0.5],
    }


def test_a_curve_survives_its_file(tmp_path: Path) -> None:
    curve: curves.Curve = {"iteration": [1, 2], "loss": [0.1, None]}
    curves.write(tmp_path, curve)
    assert json.loads((tmp_path / curves.FILE).read_text()) == curve


def test_a_long_curve_keeps_its_ends_and_every_measurement(tmp_path: Path) -> None:
    curve: curves.Curve = {"iteration": [], "loss": []}
    for step in range(1, 9001):
        curves.add(curve, step, loss=1 / step)
        if step % 777 == 0:
            curves.add(curve, step, eer=step / 1e5)
    curves.write(tmp_path, curve)
    kept = curves.checked(json.loads((tmp_path / curves.FILE).read_text()))
    assert len(kept["iteration"]) < curves.LONGEST
    assert (kept["iteration"][0], kept["iteration"][-1]) == (1, 9000)
    assert [v for v in kept["eer"] if v is not None] == [k * 777 / 1e5 for k in range(1, 12)]


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ([1, 2], "with a column 'iteration'"),
        ({"loss": [1.0]}, "with a column 'iteration'"),
        ({"iteration": 3}, "a list for each"),
        ({"iteration": [1], "loss": ["low"]}, "'loss' of the learning curve holds more"),
        ({"iteration": [1], "loss": [1.0, 2.0]}, "differ in length"),
    ],
)
def test_what_is_no_curve_is_refused(curve: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=message):
        curves.write(tmp_path, curve)
    assert not list(tmp_path.iterdir())
