"""The sections on groups of people and on the time between captures, the verb, and the frames."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness.execution import plan
from harness.record.record import read_run
from harness.reporting.sections import ageing, differentials
from harness.reporting.sections.section import SectionInput, filled_from
from tests.conftest import run_here, save_png

TONES = ("light", "<b>dark</b>", "rare")


def write_people(root: Path, identities: int = 36) -> Path:
    """Three captures of each identity; those of the dark are dark, and alike."""
    rng = np.random.default_rng(0)
    lines = [("image", "tattoo", "source", "skin", "taken")]
    for k in range(identities):
        tone = TONES[2] if k < 4 else TONES[k % 2]
        design = rng.integers(0, 40 if tone == TONES[1] else 255, (4, 4, 3))
        for take in range(3):
            name = f"t{k:02d}-{take}.png"
            noise = rng.integers(-30, 30, (16, 16, 3))
            save_png(root / name, np.clip(np.kron(design, np.ones((4, 4, 1))) + noise, 0, 255))
            lines.append((name, f"t{k:02d}", name, tone, f"{2001 + 3 * take + k % 3}-05"))
    with (root / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Run]:
    place = tmp_path_factory.mktemp("people")
    (place / "data").mkdir()
    data = write_people(place / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_ON", "in-process")
        patch.chdir(place)
        yield harness.run("verification", "colours", data=data, out=place / "runs", fold_count=2)


def page_of(run: harness.Run) -> str:
    return (run.folder / "report.html").read_text(encoding="utf-8")


def part(page: str, name: str) -> str:
    return page.split(f'<section id="{name}"')[1].split("</section>")[0]


def given(folder: Path) -> SectionInput:
    kept = read_run(folder)
    outcome = kept.judge()
    return SectionInput(
        folder, kept.protocol, kept.manifest, outcome, kept.records, lambda name: None
    )


def test_the_report_shows_groups_of_people_and_the_years_between_captures(
    run: harness.Run,
) -> None:
    shown = part(page_of(run), "differentials")
    assert "One threshold holds for all groups" in shown
    assert "By skin tone" in shown
    assert "By place" not in shown
    assert "Gini coefficient" in shown
    assert "is no group of people and is not compared: rare" in " ".join(shown.split())
    assert "years apart" in part(page_of(run), "ageing")


def test_where_no_group_is_compared_nothing_is_said_of_strips(run: harness.Run) -> None:
    shown = part(page_of(run), "differentials")
    assert "The block in the strips" in shown
    alone: dict[str, Any] = {"what": "skin tone", "said": ["not compared"], "notes": []}
    alone |= dict.fromkeys(("rows", "spread", "shifts"))
    bare = filled_from("differentials", parts=[alone], drawn=False, threshold="", notes=[])
    assert "not compared" in bare
    assert "strips" not in bare
    assert "Other columns" in bare


def test_names_of_groups_are_escaped(run: harness.Run) -> None:
    shown = part(page_of(run), "differentials")
    assert "&lt;b&gt;dark&lt;/b&gt;" in shown
    assert "<b>dark" not in shown


def test_without_the_columns_there_is_no_section(run: harness.Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    truth = json.loads((folder / "truth.json").read_text())
    for record in truth["records"].values():
        del record["skin"], record["taken"]
    (folder / "truth.json").write_text(json.dumps(truth))
    bare = given(folder)
    assert (differentials.section(bare), ageing.section(bare)) == (None, None)


def test_of_too_many_scores_the_section_says_who_reads_them(
    run: harness.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.record.kept_run.MOST", 10)
    found = differentials.section(given(run.folder))
    assert found is not None
    assert "too many scores" in found.content
    assert "harness differentials RUN" in found.content
    assert ageing.section(given(run.folder)) is None


def test_the_verb_prints_what_the_report_has_and_all_of_it_as_json(run: harness.Run) -> None:
    told = run_here("differentials", run.folder)
    assert told.code == 0
    assert "One threshold holds for all groups" in told.out
    assert "others" in told.out
    assert "Time between captures: " in told.out
    (found,) = json.loads(run_here("differentials", run.folder, "--json").out)
    (skin,) = found["differentials"]
    rows = {row["group"]: row for row in skin["rows"]}
    assert set(rows) == {"light", "<b>dark</b>", "others", "all"}
    assert found["ageing"]["comparisons"] == 36 * 3
    frame = run.differentials("skin")
    assert frame["group"].tolist() == [row["group"] for row in skin["rows"]]
    for column in ("fnmr", "fnmr_low", "fmr", "fte_high", "median_mated", "shift_mated"):
        listed = np.array([row[column] for row in skin["rows"]], np.float64)
        np.testing.assert_array_equal(frame[column].to_numpy(np.float64), listed)
    assert run.spreads("skin")["measure"].tolist() == ["fmr", "fnmr", "fte"]
    assert len(run.ageing()) == len(found["ageing"]["bins"]) >= 2


def test_another_column_is_asked_for_by_name_and_a_wrong_one_is_refused(run: harness.Run) -> None:
    told = run_here("differentials", run.folder, "--groups", "style")
    assert told.code == 0
    assert "nothing is known of any identity's style" in told.out
    wrong = run_here("differentials", run.folder, "--groups", "skins")
    assert (wrong.code, "Did you mean 'skin'" in wrong.err) == (2, True)


def test_of_scores_that_were_summed_up_failures_and_mated_scores_are_left(
    run: harness.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "STREAM_ABOVE", 0)
    monkeypatch.setenv("HARNESS_ON", "in-process")
    data = Path(run.manifest.dataset["path"])
    streamed = harness.run("identification", "colours", data=data, out=tmp_path, fold_count=2)
    assert not list(streamed.folder.rglob("scores.npy"))
    told = run_here("differentials", streamed.folder).out
    assert "FNMR and FMR of groups cannot be had" in told
    assert "FNMR: no slope, since scores of the non-mated comparisons were summed up" in told
    rows = streamed.differentials().set_index("group")
    assert rows["fnmr"].isna().all()
    assert rows["median_mated"].notna().all()
    assert rows.loc["light", "fte"] == 0.0
    assert rows["fte"].isna().to_dict()["others"]
    shown = part(page_of(streamed), "differentials")
    assert "cannot be had" in shown
    assert "too few" in shown


def test_groups_may_stand_in_a_table_of_one_s_own(run: harness.Run, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    lines = [f"t{k:02d},{'young' if k % 3 else 'old'}" for k in range(36)]
    table.write_text("\n".join(["tattoo,x_age", *lines]), encoding="utf-8")
    told = run_here("differentials", run.folder, "--table", table, "--groups", "x_age")
    assert told.code == 0
    assert "Errors by age, at one threshold" in told.out
    frame = run.differentials("x_age", table=table)
    assert frame.set_index("group")["identities"].to_dict() == {"old": 12, "young": 24, "all": 36}
    assert run.spreads("x_age", table=table)["groups"].max() == 2
    alone = run_here("differentials", run.folder, "--table", table)
    assert (alone.code, "--table needs --groups COLUMN" in alone.err) == (2, True)


def test_a_question_that_compares_nothing_is_refused_with_those_that_do(small_set: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_ON", "in-process")
        made: Any = harness.run("detection", "constant", data=small_set, out=small_set / "made")
    said = run_here("differentials", made.folder)
    assert said.code == 2
    assert "compares no images with one another" in said.err
    shutil.rmtree(small_set / "made")


def test_the_figures_are_the_same_each_time(run: harness.Run) -> None:
    first, second = (run_here("differentials", run.folder, "--json").out for _ in range(2))
    assert first == second


def test_the_verb_reads_no_run_whose_scores_changed(run: harness.Run, tmp_path: Path) -> None:
    folder = shutil.copytree(run.folder, tmp_path / "run")
    path = next(folder.glob("units/fold-*/scores/failures.json"))
    path.write_text(path.read_text() + "\n")
    told = run_here("differentials", folder)
    assert told.code == 3
    assert "failures.json" in told.err
