"""Scores that somebody else produced are judged, kept and reported like those of an algorithm."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.records import Dataset
from harness.errors import UsageError
from harness.metrics.verification import eer
from harness.record import record
from harness.runs.finishing import finish
from harness.runs.importing import listed_as
from tests.conftest import Ran, run_harness

Command = Callable[..., Ran]


@pytest.fixture(scope="module")
def finished(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of ours."""
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--json"),
        *("--data", small_set, "--out", tmp_path_factory.mktemp("runs")),
    )
    assert ran.code == 0, ran.err
    return Path(ran.json["runs"][0]["folder"])


def metrics(folder: Path) -> bytes:
    (found,) = folder.glob("runs/*/*/metrics.json")
    return found.read_bytes()


@pytest.mark.parametrize("form", ["csv", "npy"])
def test_exported_scores_come_back_to_the_same_numbers(
    harness: Command, finished: Path, small_set: Path, tmp_path: Path, form: str
) -> None:
    exported = harness("export", finished, "--format", form, "--out", "files")
    assert exported.code == 0, exported.err
    given = "files/scores.csv" if form == "csv" else "files"
    ran = harness("score", "--scores", given, "--protocol", "similarity", "--data", small_set)
    assert ran.code == 0, ran.err
    assert metrics(tmp_path / "work") == (finished / "metrics.json").read_bytes()


def test_candidate_lists_are_judged_as_far_as_they_go(
    harness: Command, finished: Path, small_set: Path, tmp_path: Path
) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    for file in (finished / "candidates").iterdir():
        head = [line for line in file.read_text().splitlines() if int(line.split("|")[1]) <= 3]
        (lists / file.name).write_text("\n".join(head) + "\n")
    ran = harness(
        *("score", "--candidates", lists, "--protocol", "similarity", "--data", small_set),
        *("--name", "vendor-1"),
    )
    assert ran.code == 0, ran.err
    pooled = json.loads(metrics(tmp_path / "work"))["pooled"]
    ours = json.loads((finished / "metrics.json").read_text())["pooled"]
    assert pooled["hit-rate@rank=1"] == ours["hit-rate@rank=1"]
    assert pooled["hit-rate@rank=10"]["value"] is None
    assert pooled["eer"]["flags"][0].startswith("not available from lists of 3: ")
    (folder,) = (tmp_path / "work" / "runs" / "similarity").glob("vendor-1-*")
    assert harness("verify", folder).code == 0
    assert harness("score", folder).code == 0
    assert (
        metrics(tmp_path / "work")
        == json.dumps(json.loads(metrics(tmp_path / "work")), indent=1, ensure_ascii=False).encode()
        + b"\n"
    )


def test_a_missing_probe_is_a_miss_and_is_named(
    harness: Command, finished: Path, small_set: Path, tmp_path: Path
) -> None:
    harness("export", finished, "--format", "csv", "--out", "files")
    path = tmp_path / "work" / "files" / "scores.csv"
    kept = [line for line in path.read_text().splitlines() if "f1g0p1.png" not in line]
    path.write_text("\n".join(kept) + "\n")
    ran = harness("score", "--scores", path, "--protocol", "similarity", "--data", small_set)
    assert ran.code == 0, ran.err
    assert "missing: f1g0p1.png (fold 1) counts as a miss" in ran.err
    assert json.loads(metrics(tmp_path / "work"))["counts"]["failed_probes"] == 1


def test_faults_of_a_file_are_told_with_their_lines(
    harness: Command, finished: Path, small_set: Path, tmp_path: Path
) -> None:
    harness("export", finished, "--format", "csv", "--out", "files")
    path = tmp_path / "work" / "files" / "scores.csv"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("f1g0", "f1g9")
    lines[4] = lines[4].rsplit(",", 1)[0] + ",nan"
    path.write_text("\n".join([*lines, lines[6]]) + "\n")
    ran = harness("score", "--scores", path, "--protocol", "similarity", "--data", small_set)
    assert ran.code == 2
    for number in (3, 5, len(lines) + 1):
        assert f"scores.csv:{number}" in ran.err, ran.err
    assert not (tmp_path / "work" / "runs").exists()


def test_score_lists_need_no_names(harness: Command, finished: Path) -> None:
    harness("export", finished, "--format", "pyeer", "--out", "files")
    ran = harness("score", "--mated", "files/genuine.txt", "--nonmated", "files/impostor.txt")
    assert ran.code == 0, ran.err
    value = json.loads((finished / "metrics.json").read_text())["pooled"]["eer"]["value"]
    assert f" * eer              {value:.3f}" in ran.out
    assert "PyEER" in ran.out


def test_the_report_shows_what_another_program_computed(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    (opinion,) = manifest["opinions"]
    assert opinion["metric"] == "eer"
    assert opinion["program"].startswith("PyEER")
    assert "computed independently by PyEER" in (finished / "report.html").read_text()
    ours = json.loads((finished / "metrics.json").read_text())["pooled"]["eer"]["value"]
    assert opinion["value"] == pytest.approx(ours, abs=0.03)


def test_a_figure_that_another_program_contradicts_fails_verify_and_is_red(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (opinion,) = manifest["opinions"]
    assert run_harness("verify", folder).code == 0
    opinion["value"] += opinion["tolerance"] + 0.01
    (folder / "manifest.json").write_text(json.dumps(manifest))
    record.seal(folder)
    ran = run_harness("verify", folder)
    assert ran.code == 3
    assert "computes eer" in ran.out
    assert "of the same scores they differ by at most" in ran.out
    run = record.read_run(folder)
    finish(folder, run.manifest, run.judge(), Dataset("d", tmp_path, "csv", {}))
    page = (folder / "report.html").read_text()
    assert "do not rely on this figure" in page
    assert page.index('<p class="flag">Equal error rate') < page.index("do not rely")
    # Computed again, it is that of these scores.
    assert run_harness("score", folder).code == 0
    assert run_harness("verify", folder).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("score",), "name one thing to score"),
        (("score", "--scores", "x.csv"), "say with --protocol"),
        (("score", "--mated", "x.txt"), "belong together"),
        (("score", "--scores", "x.csv", "--candidates", "y"), "name one thing"),
    ],
)
def test_what_is_missing_on_the_command_line_is_said(
    harness: Command, words: tuple[str, ...], said: str
) -> None:
    ran = harness(*words)
    assert ran.code == 2
    assert said in ran.err


def test_a_name_cannot_lead_out_of_the_folder_of_runs(
    harness: Command, finished: Path, small_set: Path
) -> None:
    harness("export", finished, "--format", "csv", "--out", "files")
    ran = harness(
        *("score", "--scores", "files/scores.csv", "--protocol", "similarity"),
        *("--data", small_set, "--name", "../evil"),
    )
    assert ran.code == 2
    assert "--name '../evil' should be" in ran.err


def labelled(path: Path, *, identities: bool = False) -> Path:
    """Write scores of 20 identities, two probes each, with their own truth."""
    rng = random.Random(5)
    lines = ["probe_subject_id,bio_ref_subject_id,score" if identities else "score,label"]
    for i in range(20):
        for j in range(20):
            for _ in range(2):
                score = f"{rng.gauss(2.0 * (i == j), 1.0):.4f}"
                lines.append(f"c{i},c{j},{score}" if identities else f"{score},{int(i == j)}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("identities", [False, True])
def test_scores_with_their_own_truth_become_a_run(
    harness: Command, tmp_path: Path, identities: bool
) -> None:
    path = labelled(tmp_path / "theirs.csv", identities=identities)
    ran = harness("score", "--scores", path, "--forensic", "--json", "--out", "r")
    assert ran.code == 0, ran.err
    told = ran.json
    folder = tmp_path / "work" / told["folder"]
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    truth = [(r[0] == r[1], r[2]) if identities else (r[1] == "1", r[0]) for r in rows]
    mated = [score for kind, score in truth if kind]
    nonmated = [score for kind, score in truth if not kind]
    assert (len(mated), len(nonmated)) == (40, 760)
    expected = eer(np.array(mated, float), np.array(nonmated, float))
    estimate = told["metrics"]["pooled"]["eer"]
    assert estimate["value"] == pytest.approx(expected)
    assert ("low" in estimate and estimate["low"] is not None) == identities
    assert any("no interval" in flag for flag in estimate.get("flags", [])) != identities
    (opinion,) = told["opinions"]
    assert opinion["value"] == pytest.approx(expected, abs=opinion["tolerance"])
    assert 0 < told["forensic"]["estimates"]["cllr"]["value"] < 1
    assert harness("verify", folder).code == 0
    page = (folder / "report.html").read_text()
    assert "Likelihood ratios" in page
    assert ("shared an identity, which the files do not say" in page) != identities
    board = harness("leaderboard", "r", "--out", "site")
    assert board.code == 0, board.err
    # What was written for others says the same.
    assert harness("export", folder, "--format", "pyeer", "--out", "lists").code == 0
    again = harness("score", "--scores", "lists", "--json")
    assert again.json["metrics"]["pooled"]["eer"]["value"] == pytest.approx(expected)


def test_lists_print_how_far_likelihood_ratios_go(harness: Command, tmp_path: Path) -> None:
    path = labelled(tmp_path / "theirs.csv")
    assert harness("score", "--scores", path, "--out", "r").code == 0
    (run,) = (tmp_path / "work" / "r" / "score-lists").iterdir()
    assert harness("export", run, "--format", "pyeer", "--out", "lists").code == 0
    ran = harness(
        *("score", "--mated", "lists/genuine.txt", "--nonmated", "lists/impostor.txt"),
        *("--forensic", "--name", "vendor"),
    )
    assert ran.code == 0, ran.err
    assert re.search(r"Cllr +0\.\d{3,}  +\[0\.\d{3,}, [01]\.\d{3,}\]", ran.out)
    assert re.search(r"ELUB +ratios from 1/[\d.]+ to [\d.,]+ are supported", ran.out)
    assert next((tmp_path / "work" / "runs" / "score-lists").glob("vendor-*/report.html"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--mated", "a", "--nonmated", "b", "--data", "d"), "--data: belongs to scores that"),
        (("--scores", "x.csv", "--fold", "1"), "say with --protocol which"),
        (("--candidates", "x.txt"), "say with --protocol which question the candidates answer"),
        (("--scores", "nowhere.csv"), "there is no file nowhere.csv"),
    ],
)
def test_options_without_an_effect_are_refused(
    harness: Command, words: tuple[str, ...], said: str
) -> None:
    ran = harness("score", *words)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize(
    "name", ["1", "42", "candidates", "Scores_2", "non-mated", "results.3", "fold-1", "my_scores"]
)
def test_a_name_that_says_nothing_of_whose_scores_they_are_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="says nothing of whose scores they are"):
        listed_as(name, Path("vendor.csv"))


@pytest.mark.parametrize("name", ["vendor-1", "resnet50", "run-of-lab-7", "größe", "V2"])
def test_any_other_name_is_taken(name: str) -> None:
    assert listed_as(name, Path("1.csv")) == name


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("vendor 2.csv", "vendor-2"),
        ("acme/1.csv", "acme"),
        ("acme/scores/candidates.txt", "acme"),
        ("sift-49f4f8218c/candidates", "sift-49f4f8218c"),
        ("runs/1/scores/2.csv", "unnamed-system"),
    ],
)
def test_scores_without_a_name_are_listed_by_the_nearest_word_that_says_whose_they_are(
    place: str, name: str
) -> None:
    assert listed_as(None, Path("/") / place) == name
