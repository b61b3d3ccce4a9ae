"""The gate as a pipeline uses it: its verdicts, refusals, exit codes and files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.comparing.gate import gate
from harness.errors import NotComparable
from harness.record.record import seal
from harness.runs.joining import join
from tests.comparing.conftest import Altered, a_little_noise, junit_of, reversed_order
from tests.conftest import Ran, run_harness

Command = Callable[..., Ran]


def gated(baseline: Path | str, candidate: Path, *more: Any) -> Ran:
    return run_harness("gate", "--baseline", baseline, "--candidate", candidate, *more)


def test_identical_runs_pass_at_once(finished: Path, altered: Altered) -> None:
    ran = gated(finished, altered("same"), "--json")
    assert ran.code == 0, ran.err
    assert ran.json["verdict"] == "passed"
    assert ran.json["identical"]
    assert {trial["reason"] for trial in ran.json["trials"]} == {"the raw scores are identical"}


def test_what_the_records_say_of_their_data_stands_beside_the_verdict(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    known = [{"code": "same-pictures", "severity": "warning", "text": "two pictures <b> are one"}]
    odd = altered("odd", findings=known)
    ran = gated(finished, odd, "--json", "--out", tmp_path / "gate")
    assert ran.code == 0, ran.err
    assert ran.json["candidate"]["findings"] == known
    kept = json.loads((tmp_path / "gate" / "gate.json").read_text())
    assert kept["candidate"]["findings"] == known
    assert "* note: two pictures &#60;b&#62; are one" in (tmp_path / "gate/gate.md").read_text()


def test_identical_runs_take_little_work(finished: Path) -> None:
    import resource

    gated(finished, finished)  # compiles what was not compiled
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert gated(finished, finished).code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 2.0  # most of it is the start of Python and its imports


def test_a_clear_loss_exits_with_1_and_says_by_how_much(finished: Path, altered: Altered) -> None:
    ran = gated(finished, altered("worse", reversed_order))
    assert ran.code == 1, ran.err
    assert ran.out.startswith("REGRESSED  similarity: colours against colours")
    assert "more than the margin of 0.0200" in ran.out
    assert "would be called regressed here with a probability of 90 %" in ran.out


def test_a_clear_gain_passes(finished: Path, altered: Altered) -> None:
    ran = gated(altered("worse", reversed_order), finished)
    assert ran.code == 0, ran.out
    assert ran.out.startswith("PASSED")


def test_what_cannot_be_told_exits_with_5_and_with_0_where_that_is_allowed(
    finished: Path, altered: Altered
) -> None:
    other = altered("noise", a_little_noise)
    ran = gated(finished, other)
    assert ran.code == 5, ran.err
    assert ran.out.startswith("INCONCLUSIVE")
    assert "identities would settle it, and there are 12" in ran.out
    assert gated(finished, other, "--strict").code == 5
    assert gated(finished, other, "--allow-inconclusive").code == 0
    assert gated(finished, other, "--allow-inconclusive", "--strict").code == 2


def test_one_fit_of_a_learner_decides_nothing_unless_the_scores_are_the_same(
    finished: Path, altered: Altered
) -> None:
    first = altered("first", learns=True)
    for name, scores in (("worse", reversed_order), ("noise", a_little_noise)):
        ran = gated(first, altered(name, scores, learns=True), "--json")
        assert ran.code == 5, ran.err
        assert ran.json["trials"][0]["verdict"] == "inconclusive"
        assert "one fit each: another seed may move this as much" in ran.out
    ran = gated(finished, altered("one", reversed_order, learns=True), "--json")
    assert "one fit of the candidate" in ran.json["trials"][0]["reason"]
    assert gated(first, altered("same", learns=True)).code == 0


def test_fits_that_were_joined_are_gated_by_their_means(altered: Altered, tmp_path: Path) -> None:
    def joined(name: str, change: Callable[[Any], Any] | None) -> Path:
        fits = [
            altered(
                f"{name}-{seed}",
                lambda scores, seed=seed: moved(scores if change is None else change(scores), seed),
                learns=True,
                parameters={"seed": seed},
                identity=f"{seed}" * 64,
                result_hash=f"{name}-{seed}",
            )
            for seed in range(3)
        ]
        return join(fits, tmp_path, "made up")

    first, second = joined("first", None), joined("second", reversed_order)
    found = gate(first, second)
    assert found.fits == (3, 3)
    assert found.verdict == "regressed"
    assert "widened by 3 fits" in found.trials[0].method  # of pairs with one seed
    assert gate(first, joined("again", lambda scores: moved(scores, 9))).verdict == "inconclusive"
    assert gate(first, first).verdict == "passed"


def moved(scores: Any, seed: int) -> Any:
    return scores + np.random.default_rng(seed).normal(0, 1e-3, scores.shape)


def test_what_the_protocol_declares_detectable_is_printed(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    ran = gated(finished, altered("noise", a_little_noise), "--out", tmp_path)
    assert "the protocol declares a loss of 0." in ran.out
    assert " detectable on fixtures/mini" in ran.out
    told = json.loads((tmp_path / "gate.json").read_text())
    assert told["detectable"] > 0
    assert told["detectable_on"] == "fixtures/mini"
    assert told["fits"] == [1, 1]
    assert "the protocol declares a loss of 0." in (tmp_path / "gate.md").read_text()


def test_new_failures_are_judged_apart_from_the_metric(finished: Path, altered: Altered) -> None:
    """Everything fails: the failure rate regresses in a trial of its own."""
    names = json.loads((finished / "truth.json").read_text())["records"]
    ran = gated(finished, altered("failing", failures=dict.fromkeys(names, "dark")), "--json")
    assert ran.code == 1
    metric, failures = ran.json["trials"]
    assert (failures["subject"], failures["verdict"]) == ("failure-rate", "regressed")
    assert (failures["baseline"], failures["candidate"]) == (0, 1)
    assert metric["candidate"] == 0


def test_failures_that_were_there_before_pass(finished: Path, altered: Altered) -> None:
    failed = {"f1g0p1.png": "dark"}
    before = altered("before", failures=failed)
    ran = gated(before, altered("after", a_little_noise, failures=failed), "--json")
    assert ran.json["trials"][1]["verdict"] == "passed"
    assert ran.json["trials"][1]["reason"] == "no image fails that did not fail before"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"protocol": "region", "protocol_hash": "0" * 64}, "other protocols: 'similarity'"),
        ({"protocol_hash": "0" * 64}, "other files of protocol 'similarity', though both say"),
        ({"data_hash": "0" * 64}, "other images or another truth"),
        ({"folds": ["1", "2"]}, "other folds: 1, 2, 3 against 1, 2"),
        ({"failure_policy": "dropped"}, "failures are counted differently"),
        ({"control": True}, "'colours' is a control"),
    ],
)
def test_runs_that_cannot_be_compared_exit_with_4_and_name_the_difference(
    finished: Path, altered: Altered, facts: dict[str, Any], said: str
) -> None:
    ran = gated(finished, altered("other", **facts))
    assert ran.code == 4, ran.out + ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_another_version_of_the_protocol_is_named(finished: Path, altered: Altered) -> None:
    other = altered("other", protocol_hash="0" * 64)
    text = (other / "protocol.toml").read_text()
    (other / "protocol.toml").write_text(text.replace("version = 1", "version = 2"))
    seal(other)
    ran = gated(finished, other)
    assert ran.code == 4
    assert "other versions of protocol 'similarity': 1 against 2" in ran.err


def test_all_differences_are_told_at_once(finished: Path, altered: Altered) -> None:
    ran = gated(finished, altered("other", data_hash="0" * 64, folds=["9"]))
    assert "other images" in ran.err
    assert "other folds" in ran.err


def test_other_probes_under_the_same_names_are_seen(finished: Path, altered: Altered) -> None:
    other = altered("other")
    truth = json.loads((other / "truth.json").read_text())
    truth["folds"][0]["mates"] = truth["folds"][0]["mates"][1:]
    (other / "truth.json").write_text(json.dumps(truth))
    seal(other)
    ran = gated(finished, other)
    assert ran.code == 4
    assert "not the same probes, galleries or mates" in ran.err


def test_nothing_compared_is_no_pass(finished: Path, altered: Altered) -> None:
    """A run without a single mate has no hit rate, whoever it is compared with."""
    empty = altered("empty")
    truth = json.loads((empty / "truth.json").read_text())
    for fold in truth["folds"]:
        fold["mates"] = []
    (empty / "truth.json").write_text(json.dumps(truth))
    seal(empty)
    ran = gated(empty, empty)
    assert ran.code == 4
    assert "nothing was compared" in ran.err


def test_scores_beyond_the_end_of_candidate_lists_are_not_compared(
    finished: Path, altered: Altered
) -> None:
    brought = {"files": "x", "forms": ["tatt-c"], "depth": 3, "missing": [], "notes": []}
    other = altered("lists", imported=brought)
    ran = gated(finished, other, "--metric", "hit-rate@rank=10", "--margin", "0.02")
    assert ran.code == 4
    assert "does not keep what hit-rate@rank=10 is made of" in ran.err
    ran = gated(finished, other)
    assert ran.code == 0, ran.err


def test_a_run_that_did_not_finish_or_changed_exits_with_3(
    finished: Path, altered: Altered
) -> None:
    other = altered("broken")
    (other / "units/fold-1/scores/failures.json").write_text('{"f1g0p1.png": "mine"}')
    ran = gated(finished, other)
    assert ran.code == 3
    assert "units/fold-1/scores/failures.json: its bytes changed" in ran.err
    (other / "checksums.sha256").unlink()
    ran = gated(finished, other)
    assert ran.code == 3
    assert "unfinished: it has no checksums.sha256, which a run writes last" in ran.err


def test_raw_scores_that_are_missing_exit_with_3(finished: Path, altered: Altered) -> None:
    other = altered("broken")
    (other / "units/fold-1/scores/scores.npy").unlink()
    ran = gated(other, finished)
    assert ran.code == 3
    assert "scores.npy: is missing" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--metric", "hit-rate@rank=11"), "Did you mean 'hit-rate@rank=1'?"),
        (("--metric", "hit rate"), "--metric"),
        (("--metric", "map"), "say --margin for map"),
        (("--margin", "-1"), "--margin"),
        (("--margin", "1"), "no two values of hit-rate@rank=1 are further apart than 1"),
        (("--margin", "2"), "write a loss of 2 points of a rate as 0.02"),
        (("--metric", "eer", "--margin", "1.5"), "no two values of eer are further apart"),
        (("--seed", "-1"), "--seed"),
    ],
)
def test_what_a_user_can_fix_exits_with_2(
    finished: Path, words: tuple[str, ...], said: str
) -> None:
    ran = gated(finished, finished, *words)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_folders_that_are_no_runs_exit_with_2(finished: Path, tmp_path: Path) -> None:
    ran = gated(finished, tmp_path / "nowhere")
    assert ran.code == 2
    assert "there is no run folder" in ran.err
    assert gated(finished, tmp_path).code == 2
    assert gated("nowhere", finished).code == 2


def test_without_a_declared_margin_the_command_line_has_to_say(
    finished: Path, altered: Altered
) -> None:
    other = altered("undeclared")
    path = other / "protocol.toml"
    path.write_text(path.read_text().split("[gate]")[0])
    seal(other)
    ran = gated(other, other)
    assert ran.code == 2
    assert "declares no margin; add a table [gate]" in ran.err
    ran = gated(other, other, "--margin", "0.05", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["declared"], ran.json["trials"][0]["margin"]) == (False, 0.05)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("margin = 1", "'margin' of protocol 'similarity' is 1"),
        ("margin = 100\nfailures = 0.1", "'margin' of protocol 'similarity' is 100"),
        ("margin = 0.1\nfailures = 1", "'failures' of protocol 'similarity' is 1"),
    ],
)
def test_a_declared_margin_that_no_loss_can_be_above_is_refused(
    finished: Path, altered: Altered, rule: str, said: str
) -> None:
    other = altered("lenient")
    path = other / "protocol.toml"
    path.write_text(path.read_text().split("[gate]")[0] + f"[gate]\n{rule}\n")
    seal(other)
    ran = gated(other, other)
    assert ran.code == 2
    assert said in ran.err
    assert gated(other, other, "--margin", "0.999").code == (2 if "failures'" in said else 0)


@pytest.mark.parametrize("metric", ["eer", "fnmr@fmr=0.1", "map", "eer-convex-hull"])
def test_any_metric_of_the_protocol_can_be_gated(
    finished: Path, altered: Altered, metric: str
) -> None:
    found = gate(finished, altered("worse", reversed_order), metric=metric, margin=0.02)
    assert found.verdict == "regressed"
    assert found.trials[0].loss > 0.02


def test_the_values_are_those_of_the_report(finished: Path, altered: Altered) -> None:
    other = altered("noise", a_little_noise)
    pooled = json.loads((finished / "metrics.json").read_text())["pooled"]
    for metric in ("hit-rate@rank=10", "eer", "fnmr@fmr=0.01", "map", "eer-convex-hull"):
        found = gate(finished, other, metric=metric, margin=0.02)
        assert found.trials[0].baseline == pytest.approx(pooled[metric]["value"], abs=1e-12)


def test_detection_is_gated_too(small_set: Path, tmp_path: Path) -> None:
    runs = []
    for seed in ("1", "2"):
        ran = run_harness(
            *("run", "--protocol", "detection", "--algo", "random", "--seed", seed, "--json"),
            *("--data", small_set, "--out", tmp_path / "runs"),
        )
        assert ran.code == 0, ran.err
        runs.append(Path(ran.json["runs"][0]["folder"]))
    pooled = json.loads((runs[0] / "metrics.json").read_text())["pooled"]
    for metric, estimate in pooled.items():
        found = gate(runs[0], runs[1], metric=metric, margin=0.02)
        assert found.trials[0].baseline == pytest.approx(estimate["value"], abs=1e-12), metric


def test_equal_input_gives_equal_bytes(finished: Path, altered: Altered, tmp_path: Path) -> None:
    other = altered("noise", a_little_noise)
    for out in ("one", "two"):
        gated(finished, other, "--out", tmp_path / out)
    for name in ("gate.json", "gate.md", "junit.xml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_summary_of_a_github_job_is_added_to(
    finished: Path, altered: Altered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    for candidate in (altered("worse", reversed_order), altered("other", data_hash="0" * 64)):
        gated(finished, candidate)
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert "harness gate: regressed" in text
    assert "harness gate: no verdict" in text


def test_junit_tells_the_trials_apart(finished: Path, altered: Altered, tmp_path: Path) -> None:
    gated(finished, altered("worse", reversed_order), "--out", tmp_path)
    suite = junit_of(tmp_path / "junit.xml")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["hit-rate@rank=1", "failure-rate"]
    noisy = altered("noise", a_little_noise)
    gated(finished, noisy, "--out", tmp_path)
    (failure,) = junit_of(tmp_path / "junit.xml").iter("failure")
    assert failure.get("type") == "inconclusive"
    gated(finished, noisy, "--allow-inconclusive", "--out", tmp_path)
    assert junit_of(tmp_path / "junit.xml").get("skipped") == "1"
    assert junit_of(tmp_path / "junit.xml").get("failures") == "0"


def test_a_refusal_is_written_where_a_verdict_was_asked_for(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    ran = gated(finished, altered("other", data_hash="0" * 64), "--out", tmp_path / "out")
    assert ran.code == 4
    refusal = json.loads((tmp_path / "out" / "gate.json").read_text())
    assert refusal["verdict"] == "not comparable"
    assert junit_of(tmp_path / "out" / "junit.xml").get("errors") == "1"
    assert "no verdict" in (tmp_path / "out" / "gate.md").read_text()


def test_a_gate_needs_no_images_and_nothing_that_follows_from_the_scores(
    finished: Path, tmp_path: Path
) -> None:
    slim = tmp_path / "slim"
    shutil.copytree(finished, slim, ignore=shutil.ignore_patterns("*.html", "candidates", "cur*"))
    seal(slim)
    assert gate(slim, finished).verdict == "passed"


def test_one_control_may_be_gated_against_another(altered: Altered) -> None:
    controls = [altered(name, control=True) for name in ("one", "two")]
    assert gate(*controls).verdict == "passed"
    with pytest.raises(NotComparable, match="is a control"):
        gate(controls[0], altered("real"))


def test_scores_of_one_identity_settle_nothing(finished: Path, altered: Altered) -> None:
    folders = []
    for name, change in (("one", None), ("two", a_little_noise)):
        folder = altered(name, change)
        truth = json.loads((folder / "truth.json").read_text())
        only = truth["folds"][0]["mates"][0]
        for fold in truth["folds"]:
            fold["mates"] = [pair for pair in fold["mates"] if pair == only]
        (folder / "truth.json").write_text(json.dumps(truth))
        seal(folder)
        folders.append(folder)
    found = gate(*folders)
    assert found.trials[0].verdict == "inconclusive"
    assert found.trials[0].settled_by is None
    assert "fewer than two identities" in found.trials[0].reason
    assert np.isfinite(found.trials[0].loss)
