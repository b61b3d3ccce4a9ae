"""Runs of one recipe with other seeds, or in other environments, are one entry of a board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.run_folders import make_run
from harness.boards.boards import Leaderboard
from harness.boards.building import build, gather
from harness.boards.exports import to_json, to_markdown
from harness.boards.groups import Outcomes, group
from harness.boards.site import render_site

HEADLINE = "hit-rate@rank=10"
SKILLS = (0.5, 0.6, 0.4, 0.55)


def fits(place: Path, skills: tuple[float, ...] = SKILLS, **facts: Any) -> None:
    """Write one run for each skill, with seeds in a row."""
    for seed, skill in enumerate(skills):
        make_run(
            place / f"{facts.get('algorithm', 'learner')}-{seed}",
            **{"algorithm": "learner", "learns": True, **facts},
            skill=skill,
            parameters={"seed": seed, "size": 3},
            result_hash=f"{seed:064x}",
            environment_hash="e" * 64,
        )


def entries(leaderboard: Leaderboard) -> list[dict[str, Any]]:
    (board,) = json.loads(to_json(leaderboard))["boards"]
    found: list[dict[str, Any]] = board["entries"]
    return found


def test_seeds_are_one_entry_whose_value_is_the_mean_over_fits(tmp_path: Path) -> None:
    fits(tmp_path)
    found = gather([tmp_path])
    (entry,) = entries(found)
    values = [fit["value"] for fit in entry["fits"]]
    assert [fit["seed"] for fit in entry["fits"]] == [0, 1, 2, 3]
    headline = entry["metrics"][HEADLINE]
    assert headline["value"] == pytest.approx(np.mean(values))
    assert headline["fits"] == pytest.approx(values)
    assert len(set(values)) > 1
    assert headline["low"] < headline["value"] < headline["high"]
    assert headline["components"]["fits"] >= 0
    assert "4 fits" in headline["method"]
    assert entry["label"] == "learner"
    assert found.left_out == ()


def test_the_interval_of_fits_that_differ_is_wider_than_that_of_equal_ones(tmp_path: Path) -> None:
    fits(tmp_path / "apart", (0.2, 0.8, 0.5))
    fits(tmp_path / "alike", (0.5, 0.5, 0.5))

    def width(place: Path) -> float:
        (entry,) = entries(gather([place]))
        headline = entry["metrics"][HEADLINE]
        return float(headline["high"] - headline["low"])

    assert width(tmp_path / "apart") > 2 * width(tmp_path / "alike")


def test_every_metric_has_its_mean_and_an_interval_no_narrower_than_that_of_a_fit(
    tmp_path: Path,
) -> None:
    fits(tmp_path)
    (entry,) = entries(gather([tmp_path]))
    alone = [entries(gather([tmp_path / f"learner-{seed}"]))[0] for seed in range(len(SKILLS))]
    for metric, estimate in entry["metrics"].items():
        values = [one["metrics"][metric]["value"] for one in alone]
        assert estimate["value"] == pytest.approx(np.mean(values))
        if metric != HEADLINE:
            narrowest = min(
                one["metrics"][metric]["high"] - one["metrics"][metric]["low"] for one in alone
            )
            assert estimate["high"] - estimate["low"] >= narrowest


def test_seeds_stand_apart_when_that_is_asked_for(tmp_path: Path) -> None:
    fits(tmp_path)
    found = entries(gather([tmp_path], separate_seeds=True))
    assert {entry["label"] for entry in found} == {f"learner seed={seed}" for seed in range(4)}
    assert all(entry["one_fit"] for entry in found)


def test_one_fit_of_a_learner_is_marked_and_several_are_counted(tmp_path: Path) -> None:
    fits(tmp_path)
    fits(tmp_path, (0.5,), algorithm="once")
    make_run(tmp_path / "fixed", algorithm="fixed", skill=0.5)
    found = gather([tmp_path])
    flagged = {entry["algorithm"]: entry["one_fit"] for entry in entries(found)}
    assert flagged == {"learner": False, "once": True, "fixed": False}
    (page,) = (text for name, text in render_site(found).items() if name.startswith("board-"))
    assert page.count('<span class="mark">one fit</span>') == 1
    assert page.count('<span class="mark">4 fits</span>') == 1
    assert "once (one fit)" in to_markdown(found)


def test_the_fits_are_listed_on_the_page_of_their_algorithm(tmp_path: Path) -> None:
    fits(tmp_path / "runs")
    built = build([tmp_path / "runs"], tmp_path / "site")
    (page,) = built.overview.parent.glob("algorithm-learner-*.html")
    text = page.read_text()
    for seed in range(len(SKILLS)):
        assert f"seed {seed}: " in text
        assert f"learner-{seed}" in text


def test_one_recipe_in_two_environments_is_one_entry_with_two_replicates(tmp_path: Path) -> None:
    same: dict[str, Any] = {"algorithm": "learner", "parameters": {"seed": 0}, "learns": True}
    for i, skill in enumerate((0.6, 0.4)):
        make_run(
            tmp_path / str(i),
            **same,
            skill=skill,
            environment_hash=f"{i:064x}",
            result_hash=f"{i:064x}",
            finished=f"2026-01-0{i + 1}T00:00:00+00:00",
        )
    found = gather([tmp_path])
    assert found.left_out == ()
    (entry,) = entries(found)
    assert len(entry["fits"]) == 2
    assert len({fit["identity"] for fit in entry["fits"]}) == 1
    assert entry["metrics"][HEADLINE]["value"] == pytest.approx(
        np.mean([fit["value"] for fit in entry["fits"]])
    )
    (page,) = (text for name, text in render_site(found).items() if name.startswith("board-"))
    assert "2 environments" in page
    assert not entry["one_fit"]


def test_the_same_result_in_two_environments_is_no_second_fit(tmp_path: Path) -> None:
    for i in range(2):
        make_run(tmp_path / str(i), learns=True, environment_hash=f"{i:064x}", result_hash="a" * 64)
    (entry,) = entries(gather([tmp_path]))
    assert len(entry["fits"]) == 2
    assert entry["one_fit"]
    (alone,) = entries(gather([tmp_path / "0"]))
    assert entry["metrics"] == alone["metrics"]


def test_a_copy_counts_once_and_another_result_of_one_environment_is_not_lost(
    tmp_path: Path,
) -> None:
    for name, result in (("a", "1"), ("b", "1"), ("c", "2")):
        make_run(tmp_path / name, result_hash=result * 64, environment_hash="e" * 64)
    found = gather([tmp_path])
    assert [Path(one.folder).name for one in found.left_out] == ["a"]
    assert "superseded duplicate" in found.left_out[0].reason
    (entry,) = entries(found)
    assert [Path(fit["folder"]).name for fit in entry["fits"]] == ["b", "c"]


def test_a_later_source_takes_the_place_of_all_fits_of_the_earlier_one(tmp_path: Path) -> None:
    fits(tmp_path)
    make_run(
        tmp_path / "new",
        algorithm="learner",
        parameters={"seed": 0, "size": 3},
        source="changed",
        finished="2027-01-01T00:00:00+00:00",
    )
    found = gather([tmp_path])
    assert len(found.left_out) == len(SKILLS)
    (entry,) = entries(found)
    assert entry["fits"] == []
    assert len(entries(gather([tmp_path], history=True))) == 2


def outcomes(hits: Any) -> Outcomes:
    values = np.asarray(hits, dtype=float)
    keys = tuple(("1", f"p{i}") for i in range(values.shape[-1]))
    many = values if values.ndim > 1 else None
    return Outcomes(keys, tuple(p for _, p in keys), np.atleast_2d(values).mean(axis=0), many)


def test_entries_whose_fits_differ_more_than_they_do_are_not_told_apart() -> None:
    """The means are .75 and .55, over 200 identities: surely apart, were it not for the fits."""
    many = np.arange(200)

    def fit(rate: float, seed: int) -> Any:
        return np.random.default_rng(seed).permutation(many) < rate * 200

    steady = [
        outcomes([fit(rate, 10 * i + j) for j in range(3)]) for i, rate in enumerate((0.75, 0.55))
    ]
    assert group(steady) == [1, 2]
    swaying = [
        outcomes([fit(rate + sway, 10 * i + j) for j, sway in enumerate((-0.22, 0, 0.22))])
        for i, rate in enumerate((0.75, 0.55))
    ]
    assert group(swaying) == [1, 1]
