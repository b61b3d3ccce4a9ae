"""What a run would do is said without doing anything of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import FOLDS, Ran

Command = Callable[..., Ran]


def asked(small_set: Path, *more: str | Path) -> tuple[str | Path, ...]:
    return ("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set, *more)


def test_nothing_is_written_and_the_numbers_are_those_of_the_data(
    here: Command, small_set: Path, tmp_path: Path
) -> None:
    ran = here(*asked(small_set, "--dry-run", "--json"))
    assert ran.code == 0, ran.err
    assert list(tmp_path.iterdir()) == []
    (plan,) = ran.json["plans"]
    assert (plan["state"], plan["done"], plan["images"]) == ("new", 0, 48)
    assert len(plan["folds"]) == FOLDS
    assert {fold["comparisons"] for fold in plan["folds"]} == {8 * 8}
    assert plan["kept"] == ["templates", "all raw scores"]
    assert plan["seconds"] is None
    shown = here(*asked(small_set, "--dry-run")).out
    assert "3 folds, each: 8 probes, 8 references, 192 comparisons in all" in shown
    assert "not known: no finished run" in shown
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_wrongly_is_refused_as_by_a_run(here: Command, small_set: Path) -> None:
    assert here(*asked(small_set, "--dry-run", "--param", "cels=2")).code == 2
    assert here(*asked(small_set, "--dry-run", "--fold", "9")).code == 2


def test_one_fold_and_several_fits_are_planned_as_they_would_run(
    here: Command, small_set: Path
) -> None:
    ran = here(*asked(small_set, "--dry-run", "--json", "--fold", "fold-2"))
    assert [fold["name"] for fold in ran.json["plans"][0]["folds"]] == ["2"]
    ran = here(
        *("run", "--protocol", "detection", "--algo", "hog-svm", "--data", small_set),
        *("--dry-run", "--json", "--repeats", "3", "--seed", "5"),
    )
    assert [plan["seed"] for plan in ran.json["plans"]] == [5, 6, 7]
    assert {fold["learned"] for fold in ran.json["plans"][0]["folds"]} == {24}
    assert ran.json["plans"][0]["kept"] == ["what each fit learned", "all raw answers"]


@pytest.mark.parametrize("change", ["none", "parameter", "begun"])
def test_an_earlier_run_tells_how_long_it_takes(
    here: Command, small_set: Path, tmp_path: Path, change: str
) -> None:
    done = here(*asked(small_set, "--json", "--workers", "1"))
    assert done.code == 0, done.err
    (run,) = done.json["runs"]
    work = sum(
        s["seconds"] for s in json.loads(Path(run["folder"], "manifest.json").read_text())["steps"]
    )
    more = ("--param", "cells=3") if change == "parameter" else ()
    if change == "begun":
        Path(run["folder"], "checksums.sha256").unlink()
    ran = here(*asked(small_set, "--dry-run", "--json", "--workers", "1", *more))
    (plan,) = ran.json["plans"]
    if change == "none":
        assert (plan["state"], plan["done"]) == ("finished", plan["units"])
    elif change == "parameter":
        assert plan["earlier"]["same"] is False
        assert plan["seconds"] == pytest.approx(work)
        assert "with other parameters" in here(*asked(small_set, "--dry-run", *more)).out
    else:
        assert (plan["state"], plan["done"], plan["seconds"]) == ("begun", plan["units"], None)
