"""The run folder: it says what it is, is checked by the byte, and needs no algorithm any more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.errors import Damaged, UsageError
from harness.record.record import candidate_lines, read_run
from harness.tasks.results import Candidate, Judgement
from tests.conftest import Ran, run_harness

Command = Callable[..., Ran]


@pytest.fixture(scope="module")
def finished(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs")
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--param", "cells=3"),
        *("--data", small_set, "--out", out, "--json"),
    )
    assert ran.code == 0, ran.err
    return Path(ran.json["runs"][0]["folder"])


@pytest.fixture
def run_folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_the_folder_holds_what_its_docstring_lists(finished: Path) -> None:
    expected = {
        *("manifest.json", "protocol.toml", "truth.json", "units", "candidates"),
        "journal.json",
        *("metrics.json", "curves.json", "searches.npz", "report.html", "checksums.sha256"),
    }
    assert {path.name for path in finished.iterdir()} == expected


def test_the_manifest_says_what_went_into_the_run(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    origin = manifest["origin"]
    assert finished.name == f"colours-{manifest['identity'][:10]}"
    assert origin["parameters"] == {"cells": 3, "seed": 0}
    assert origin["folds"] == ["1", "2", "3"]
    assert manifest["counts"]["searches"] == 24
    assert manifest["versions"]["numpy"] == np.__version__
    assert {step["step"] for step in manifest["steps"]} == {"templates", "scores"}
    assert "--param cells=3" in manifest["command"]


def test_candidate_lists_have_the_form_of_tatt_c(finished: Path) -> None:
    lines = (finished / "candidates" / "1.txt").read_text().splitlines()
    assert len(lines) == 8 * 8
    scores = []
    for place, line in enumerate(lines):
        probe, rank, reference, score = line.split("|")
        assert (probe[:2], reference[:2], int(rank)) == ("f1", "f1", place % 8 + 1)
        scores.append(float(score))
    assert scores[:8] == sorted(scores[:8], reverse=True)


def test_a_failed_search_is_a_full_list_of_null_candidates() -> None:
    search = Judgement(
        fold="1",
        probe="p.jpg",
        identity="p",
        failed=True,
        gallery=2,
        candidates=[Candidate("a.jpg", None, True), Candidate("b.jpg", None, False)],
    )
    assert candidate_lines(search) == ["p.jpg|1||0", "p.jpg|2||0"]


def test_a_whole_run_verifies(finished: Path) -> None:
    ran = run_harness("verify", finished)
    assert (ran.code, ran.err) == (0, "")
    assert "whole" in ran.out


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_verify_detects_a_changed_bit_in_any_file(run_folder: Path) -> None:
    from harness.record.verifying import verify_run

    files = [path for path in run_folder.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        before = path.read_bytes()
        if not before:
            continue
        spoil(path)
        try:
            found = verify_run(run_folder)
        except Damaged as reason:
            found = [str(reason)]
        assert found, f"{path} was changed unseen"
        path.write_bytes(before)
    assert verify_run(run_folder) == []


def test_verify_names_missing_and_added_files(run_folder: Path) -> None:
    (run_folder / "candidates" / "2.txt").unlink()
    (run_folder / "notes.txt").write_text("mine")
    ran = run_harness("verify", run_folder)
    assert ran.code == 3
    assert "candidates/2.txt: is missing" in ran.out
    assert "notes.txt: was added later" in ran.out


def test_verify_sees_numbers_that_do_not_follow_from_the_scores(run_folder: Path) -> None:
    from harness.record.record import seal
    from harness.record.verifying import verify_run

    metrics = run_folder / "metrics.json"
    value = json.loads(metrics.read_text())["pooled"]["hit-rate@rank=10"]["value"]
    metrics.write_text(metrics.read_text().replace(f'"value": {value}', '"value": 0.123', 1))
    seal(run_folder)
    assert verify_run(run_folder) == ["metrics.json: does not follow from the raw scores"]


def test_score_rebuilds_every_number_without_the_algorithm(run_folder: Path) -> None:
    rebuilt = ("metrics.json", "searches.npz", "report.html")
    wanted = {name: (run_folder / name).read_bytes() for name in rebuilt}
    for name in (*wanted, "curves.json", "candidates/1.txt"):
        (run_folder / name).unlink()
    ran = run_harness("score", run_folder)
    assert ran.code == 0, ran.err
    assert "* hit-rate@rank=10" in ran.out
    assert {name: (run_folder / name).read_bytes() for name in wanted} == wanted
    assert b"Thresholds: scores of" in wanted["report.html"]
    assert run_harness("verify", run_folder).code == 0


def test_score_refuses_scores_that_changed(run_folder: Path) -> None:
    spoil(run_folder / "units/fold-1/scores/scores.npy")
    ran = run_harness("score", run_folder)
    assert ran.code == 3
    assert "units/fold-1/scores/scores.npy: its bytes changed" in ran.err


def test_a_report_can_be_written_again_where_the_images_are_gone(run_folder: Path) -> None:
    manifest = run_folder / "manifest.json"
    text = json.loads(manifest.read_text())
    from harness.record.record import seal

    text["dataset"]["path"] = "/nowhere"
    manifest.write_text(json.dumps(text))
    seal(run_folder)
    ran = run_harness("report", run_folder)
    assert ran.code == 0, ran.err
    assert "data:image/jpeg" not in (run_folder / "report.html").read_text()


def test_pickled_scores_of_a_stranger_are_not_loaded(run_folder: Path) -> None:
    np.save(run_folder / "units/fold-1/scores/scores.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(Damaged, match="allow_pickle"):
        read_run(run_folder)


@pytest.mark.parametrize("name", ["../evil", "/etc", ".", ""])
def test_a_stranger_s_fold_name_does_not_leave_the_folder(run_folder: Path, name: str) -> None:
    truth = json.loads((run_folder / "truth.json").read_text())
    truth["folds"][0]["name"] = name
    (run_folder / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(Damaged, match="not the name of a fold"):
        read_run(run_folder)


def test_a_stranger_s_image_path_does_not_leave_the_data_set(run_folder: Path) -> None:
    truth = json.loads((run_folder / "truth.json").read_text())
    next(iter(truth["records"].values()))["path"] = "../../etc/passwd"
    (run_folder / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(Damaged, match="leads out of its folder"):
        read_run(run_folder)


def test_what_is_no_run_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run folder"):
        read_run(tmp_path)
    assert run_harness("verify", tmp_path / "none").code == 2
    for verb in ("score", "verify", "report"):
        ran = run_harness(verb, tmp_path)
        assert ran.code == 2
        assert "is not a run folder" in ran.err


def test_likelihood_ratios_are_added_on_request_and_verified_with_the_rest(
    run_folder: Path,
) -> None:
    from harness.record.record import seal
    from harness.record.verifying import verify_run

    assert "Likelihood ratios" not in (run_folder / "report.html").read_text()
    ran = run_harness("score", run_folder, "--forensic", "pav")
    assert ran.code == 0, ran.err
    report = (run_folder / "report.html").read_text()
    assert "Likelihood ratios" in report
    assert "Probe and reference show visually similar tattoos on different people." in report
    forensic = run_folder / "forensic.json"
    kept = json.loads(forensic.read_text())
    assert kept["method"] == "pav"
    assert 0 <= kept["estimates"]["cllr-min"]["value"] <= kept["estimates"]["cllr"]["value"]
    assert verify_run(run_folder) == []
    kept["estimates"]["cllr"]["value"] = 0.5
    forensic.write_text(json.dumps(kept))
    seal(run_folder)
    assert verify_run(run_folder) == ["forensic.json: does not follow from the raw scores"]
    # Whatever is computed again keeps the calibrator that was asked for first.
    assert run_harness("score", run_folder).code == 0
    assert verify_run(run_folder) == []


def test_likelihood_ratios_need_comparisons_and_a_known_calibrator(
    run_folder: Path, small_set: Path, tmp_path: Path
) -> None:
    ran = run_harness("score", run_folder, "--forensic", "magic")
    assert ran.code == 2
    assert "logistic" in ran.err
    ran = run_harness(
        *("run", "--protocol", "detection", "--algo", "hog-svm", "--data", small_set),
        *("--out", tmp_path / "runs", "--forensic"),
    )
    assert ran.code == 2
    assert "likelihood ratios need comparisons" in ran.err
