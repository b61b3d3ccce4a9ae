"""The Python interface comes to what the command line comes to, to the byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

import harness
from harness.boards.exports import CSV_COLUMNS, to_json
from harness.errors import NotComparable, UsageError
from harness.record.run_tables import COLUMNS
from tests.conftest import run_here


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_set: Path) -> Iterator[Path]:
    """A folder to work in, with three runs: in `py` by calls, in `cli` by commands."""
    folder = tmp_path_factory.mktemp("session")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_ON", "in-process")
        for name in ("colours", "border", "sift"):
            done = run_here(
                *("run", "--protocol", "similarity", "--algo", name, "--data", small_set),
                *("--out", "cli"),
            )
            assert done.code == 0, done.err
            harness.run("similarity", name, data=small_set, out="py")
        yield folder


def made(name: str, out: str = "py") -> Path:
    (folder,) = Path(out).glob(f"similarity/{name}-*")
    return folder


def as_json(facts: msgspec.Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(facts), indent=1).decode() + "\n"


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what a run came to: its numbers, raw scores and lists."""
    kept = ["metrics.json", "curves.json", "searches.npz", "truth.json", "protocol.toml"]
    paths = [folder / name for name in kept]
    paths += [*folder.glob("units/*/scores/*.npy"), *folder.glob("candidates/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_run_by_call_is_the_run_of_the_command(place: Path) -> None:
    ours, theirs = made("colours"), made("colours", "cli")
    assert ours.name == theirs.name  # named after the identity
    assert files_of(ours) == files_of(theirs)
    run = harness.load(ours)
    command = json.loads((theirs / "manifest.json").read_bytes())["command"]
    assert run.manifest.command == command


def test_the_metrics_of_a_run_are_those_of_its_file(place: Path) -> None:
    run = harness.load(made("colours"))
    said = json.loads((run.folder / "metrics.json").read_bytes())
    assert list(run.metrics["metric"]) == list(said["pooled"])
    row: Any
    for row in run.metrics.itertuples():
        estimate = said["pooled"][row.metric]
        assert row.value == estimate["value"]
        assert row.low == estimate["low"]
        assert row.high == estimate["high"]
        assert row.chance == estimate["chance"]
        assert row.n == estimate["n"]
        assert (row.metric == said["headline"]) == row.headline
    assert run.headline.value == said["pooled"][said["headline"]]["value"]
    assert str(run.metrics["value"].dtype) == "float64"
    assert str(run.metrics["n"].dtype) == "Int64"


def test_ranks_in_the_frame_of_searches_are_those_of_the_matrix(place: Path) -> None:
    run = harness.load(made("colours"))
    scores = run.matrix(1)
    mates = run.scores().query("fold == '1' and mated")[["probe", "reference"]]
    for probe, own in mates.groupby("probe"):
        row = scores.loc[probe]
        best = row[list(own["reference"])].max()
        others = row.drop(list(own["reference"]))
        rank = 1 + int(np.count_nonzero(others >= best))  # ties against the algorithm
        found = run.searches.query("fold == '1' and probe == @probe")["rank"].item()
        assert found == rank
    first = run.candidates.query("fold == '1' and rank == 1").set_index("probe")["score"]
    assert (first == scores.max(axis=1).loc[first.index]).all()


def test_every_frame_has_its_columns_also_without_a_row(place: Path) -> None:
    run = harness.load(made("colours"))
    assert run.failures.empty
    assert list(run.failures) == list(COLUMNS["failures"])
    told = run.columns("searches")
    assert list(told["column"])[: len(COLUMNS["searches"])] == list(COLUMNS["searches"])
    with pytest.raises(UsageError, match="there is no table 'tags'"):
        run.table("tags")
    with pytest.raises(UsageError, match="there is no fold '9'; there is 1, 2, 3"):
        run.matrix(9)


def test_a_comparison_is_that_of_the_command(place: Path) -> None:
    found = harness.compare(made("colours"), made("border"), made("sift"), seed=3)
    words = ("compare", made("colours"), made("border"), made("sift"), "--seed", "3")
    said = run_here(*words, "--json")
    assert as_json(found.facts) == said.out
    rows = [row for pair in said.json["pairs"] for row in pair["rows"]]
    assert found.metrics["change"].tolist() == [row["change"] for row in rows]
    assert list(found.metrics["algorithm"].unique()) == ["border", "sift"]
    shown = run_here(*words, "--out", "there.html")
    assert str(found) + "\npage  there.html\n" == shown.out
    assert found.to_html("here.html").read_bytes() == Path("there.html").read_bytes()


def test_a_gate_is_that_of_the_command(place: Path) -> None:
    found = harness.gate(made("colours"), made("sift"), margin=0.1)
    runs = ("--baseline", made("colours"), "--candidate", made("sift"))
    said = run_here("gate", *runs, "--margin", "0.1", "--json")
    assert as_json(found.facts) == said.out
    assert found.verdict == said.json["verdict"] != ""
    assert found.passed == (found.verdict == "passed")
    assert list(found.metrics["subject"]) == [one["subject"] for one in said.json["trials"]]
    assert str(found) + "\n" == run_here("gate", *runs, "--margin", "0.1").out
    with pytest.raises(UsageError, match="margin=-1"):
        harness.gate(made("colours"), made("sift"), margin=-1)


def test_a_baseline_may_be_named(place: Path) -> None:
    kept = run_here("baseline", "set", made("colours"), "--name", "kept", "--why", "it is first")
    assert kept.code == 0, kept.err
    assert harness.gate("kept", made("colours")).verdict == "passed"


def test_boards_are_those_of_the_command(place: Path) -> None:
    found = harness.leaderboard("py")
    said = run_here("leaderboard", "py", "--out", "site", "--json")
    assert to_json(found.facts).decode() == said.out
    table = pd.read_csv(Path("site/leaderboard.csv"), dtype=str, keep_default_na=False)
    assert list(found.metrics) == list(CSV_COLUMNS) == list(table)
    assert [*found.metrics["metric"]] == [*table["metric"]]
    assert [*found.metrics["value"]] == [float(one) for one in table["value"]]
    assert len(found.entries) == 3
    assert found.entries["headline"].all()
    pages = {path.name: path.read_bytes() for path in Path("site").iterdir() if path.is_file()}
    overview = harness.leaderboard("py").to_html("again")
    assert {path.name: path.read_bytes() for path in overview.parent.iterdir()} == pages


def test_boards_of_runs_are_boards_of_their_folders(place: Path) -> None:
    runs = [harness.load(made(name)) for name in ("colours", "sift")]
    assert sorted(harness.leaderboard(runs).entries["algorithm"]) == ["colours", "sift"]


def test_a_matrix_is_scored_as_the_same_file_is(place: Path, small_set: Path) -> None:
    run = harness.load(made("colours"))
    long = run.scores()[["probe", "reference", "score"]]
    long.to_csv("sheet.csv", index=False)
    said = run_here(
        *("score", "--scores", "sheet.csv", "--protocol", "similarity", "--data", small_set),
        *("--name", "by-file", "--out", "scored", "--json"),
    )
    assert said.code == 0, said.err
    by_frame = harness.score(
        long, protocol="similarity", data=small_set, name="by-frame", out="scored"
    )
    by_file = Path(said.json["folder"])
    for name in ("metrics.json", "searches.npz", "curves.json"):
        assert (by_frame.folder / name).read_bytes() == (by_file / name).read_bytes()
    kept = json.loads((run.folder / "metrics.json").read_bytes())["pooled"]
    assert by_frame.headline.value == kept["hit-rate@rank=10"]["value"]


@pytest.mark.parametrize("given", ["matrix", "identities", "pairs", "frame"])
def test_scores_with_mates_beside_them_need_no_data_set(place: Path, given: str) -> None:
    run = harness.load(made("colours"))
    wide, pairs = run.matrix(2), run.scores().query("fold == '2' and mated")
    probes, gallery = list(wide.index), list(wide.columns)
    truth = np.zeros(wide.shape, bool)
    pair: Any
    for pair in pairs.itertuples():
        truth[probes.index(pair.probe), gallery.index(pair.reference)] = True
    group = {name: name[:4] for name in (*probes, *gallery)}  # f2g0, of f2g0p1.png
    mates: Any = {
        "matrix": truth,
        "identities": ([group[n] for n in probes], [group[n] for n in gallery]),
        "pairs": pairs[["probe", "reference"]],
        "frame": truth.tolist(),
    }[given]
    scores = wide if given == "frame" else wide.to_numpy()
    names: dict[str, Any] = {} if given == "frame" else {"probes": probes, "gallery": gallery}
    found = harness.score(
        scores, **names, mates=mates, protocol="similarity", name=f"by-{given}", out="scored"
    )
    kept = run.folds.query("fold == '2'").set_index("metric")["value"]
    own = found.metrics.set_index("metric")["value"]
    assert own.to_dict() == pytest.approx(kept.to_dict(), rel=0, abs=0, nan_ok=True)
    assert found.verify() == []


@pytest.mark.parametrize("protocol", ["verification", "open-set", "closed-set", "identification"])
def test_a_question_about_comparisons_takes_a_matrix(place: Path, protocol: str) -> None:
    rng = np.random.default_rng(5)
    whose = np.arange(40)
    scores = rng.normal(size=(40, 40)) + 2.0 * np.eye(40)
    found = harness.score(
        scores, mates=(whose, whose), protocol=protocol, name="drawn", out="scored"
    )
    mated, others = scores[np.eye(40, dtype=bool)], scores[~np.eye(40, dtype=bool)]
    value = found.metrics.set_index("metric")["value"]
    first = float(np.mean(scores.argmax(axis=1) == whose))
    if protocol == "verification":
        # The threshold that at most 1 in 100 of non-mated scores reach.
        threshold = np.sort(others)[::-1][int(0.01 * len(others))]
        assert value["fnmr@fmr=0.01"] == float(np.mean(mated <= threshold))
    elif protocol != "open-set":
        assert value["hit-rate@rank=1"] == first
    assert found.verify() == []


def test_what_cannot_be_scored_is_refused_with_what_to_do(place: Path) -> None:
    with pytest.raises(UsageError, match="nothing says who is whose mate"):
        harness.score(np.eye(3))
    with pytest.raises(UsageError, match="say with protocol="):
        harness.score(np.eye(3), mates=np.eye(3))
    ask: dict[str, Any] = {"mates": np.eye(3), "protocol": "closed-set"}
    for scores, said in (
        (np.eye(4), "mates: shape"),
        (np.full((3, 3), np.inf), "9 scores are infinite"),
        ([["a", "b", "c"]] * 3, "the scores are no numbers"),
        (np.array([[1, np.nan, 0], [1, 0, 1], [0, 0, 1]]), "1 score is NaN between images"),
    ):
        with pytest.raises(harness_error(), match=said):
            harness.score(scores, **ask)
    with pytest.raises(harness_error(), match="is the name of two probes"):
        harness.score(np.eye(3), probes=["a", "a", "b"], **ask)
    with pytest.raises(harness_error(), match="2 names for 3 references"):
        harness.score(np.eye(3), gallery=["a", "b"], **ask)
    with pytest.raises(harness_error(), match="is a probe and a reference"):
        harness.score(np.eye(3), probes=["a", "b", "c"], gallery=["c", "d", "e"], **ask)
    with pytest.raises(harness_error(), match="no probe has a mate"):
        harness.score(np.eye(3), mates=np.zeros((3, 3)), protocol="closed-set")
    with pytest.raises(UsageError, match="compares no images"):
        harness.score(np.eye(3), mates=np.eye(3), protocol="detection")


def harness_error() -> type[Exception]:
    from harness.errors import DataError

    return DataError


def test_a_whole_row_of_nan_is_a_failure(place: Path) -> None:
    scores = np.eye(4) + np.linspace(0, 0.1, 16).reshape(4, 4)
    scores[2] = np.nan
    found = harness.score(
        scores, mates=np.eye(4), protocol="closed-set", name="holes", out="scored"
    )
    assert list(found.failures["name"]) == ["probe-2"]
    assert found.headline.value == 0.75


def test_a_run_is_scored_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (made("border") / "metrics.json").read_bytes()
    assert harness.score(harness.load(made("border"))).folder == made("border")
    assert "the metrics are the same as before" in capsys.readouterr().err
    assert (made("border") / "metrics.json").read_bytes() == before


def test_runs_are_loaded_by_short_names(place: Path) -> None:
    assert harness.load("similarity/sift", runs="py").folder == made("sift")
    with pytest.raises(UsageError, match="there is no run folder 'similarity/onnx'"):
        harness.load("similarity/onnx", runs="py")


def test_runs_of_other_questions_are_not_compared(place: Path, small_set: Path) -> None:
    other = harness.run("detection", "constant", data=small_set, out="py2")
    with pytest.raises(NotComparable):
        harness.compare(made("colours"), other)


def test_a_frame_is_a_data_set(place: Path, small_set: Path) -> None:
    pictures = sorted((small_set / "tattoo_similarity" / "images").glob("*.png"))
    frame = pd.DataFrame({"image": [str(one) for one in pictures]})
    frame["tattoo"] = [one.name[:4] for one in pictures]
    frame["role"] = ["probe" if "p" in one.stem else "reference" for one in pictures]
    frame["skin"] = [None, *["light"] * (len(pictures) - 1)]
    sheet = frame.assign(image=[one.name for one in pictures])
    sheet.to_csv(pictures[0].parent / "sheet.csv", index=False)
    by_frame = harness.run("identification", "colours", data=frame, fold_count=2, out="framed")
    by_file = harness.run(
        "identification",
        "colours",
        data=pictures[0].parent / "sheet.csv",
        fold_count=2,
        out="framed",
    )
    (pictures[0].parent / "sheet.csv").unlink()
    assert by_frame.manifest.origin == by_file.manifest.origin
    assert (
        "data=frame"
        in harness.run(
            "identification", "border", data=frame, fold_count=2, out="framed"
        ).manifest.command
    )
    with pytest.raises(UsageError, match="needs a column 'image', and this one has a, b"):
        harness.run("identification", "colours", data=pd.DataFrame({"a": [1], "b": [2]}))


def test_what_a_notebook_shows_is_escaped(place: Path) -> None:
    run = harness.load(made("colours"))
    html = run._repr_html_()
    for sentence in run.sentences[:1]:
        assert sentence.split(" for ")[0] in html
    frame = pd.DataFrame({"name": ["<script>alert(1)</script>"]})
    from harness.verbs.cells import table_html, text_html

    assert "<script>" not in table_html(frame) + text_html("<script>")
    assert repr(run).startswith("<Run similarity/colours: hit-rate@rank=10 ")
    assert "colours" in str(run)


def test_several_runs_at_once_are_refused(place: Path, small_set: Path) -> None:
    with pytest.raises(UsageError, match="name 2 runs; harness.run makes one"):
        harness.run("similarity", "colours,border", data=small_set, out="py")


def test_an_interrupted_run_goes_on_where_it_was(
    place: Path, small_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.execution.doing import DONE, Event
    from harness.verbs import running

    done: list[str] = []

    class Interrupting:
        def __enter__(self) -> Interrupting:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def __call__(self, event: Event) -> None:
            if event.step == "score" and event.unit.startswith("fold-3"):
                raise KeyboardInterrupt
            if event.step == DONE:
                done.append(event.unit)

    with monkeypatch.context() as patch:
        patch.setattr(running, "progress_for", lambda label: Interrupting())
        with pytest.raises(KeyboardInterrupt):
            harness.run("similarity", "colours", parameters={"cells": 3}, data=small_set, out="cut")
    whole = harness.run("similarity", "colours", parameters={"cells": 3}, data=small_set, out="cut")
    assert whole.verify() == []
    there = harness.run(
        "similarity", "colours", parameters={"cells": 3}, data=small_set, out="uncut"
    )
    assert files_of(whole.folder) == files_of(there.folder)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys, time; import harness; assert 'numpy' not in sys.modules\n"
        "harness.load, harness.compare, harness.gate, harness.leaderboard, harness.score\n"
        "print(sorted({'torch', 'tensorflow', 'keras', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "[]"


def test_tab_offers_calls_and_what_authors_import() -> None:
    assert {"run", "load", "score", "gate", "compare", "leaderboard", "Matcher"} <= set(
        dir(harness)
    )
    for name in harness.__all__:
        assert getattr(harness, name) is not None


SESSION = """
import sys
import time
import harness

run = harness.run(sys.argv[1], sys.argv[2], data=sys.argv[3], out=sys.argv[4], timeout=60)
print(run.verify())
"""


@pytest.mark.slow
@pytest.mark.own_process
def test_ctrl_c_in_a_session_leaves_no_worker_and_a_run_that_goes_on(
    plugin: Callable[[str, str], Path], small_set: Path, tmp_path: Path
) -> None:
    algorithm = plugin(
        "waits",
        '@dataclass\nclass Waits(Matcher):\n    """Waits, the first time."""\n\n'
        "    def extract(self, image):\n"
        '        flag = os.path.join(os.path.dirname(__file__), "waited")\n'
        "        time.sleep(60 * (not os.path.exists(flag)) * (image.mean() > 0))\n"
        "        return image.mean(axis=(0, 1))\n",
    )
    words = [sys.executable, "-c", SESSION, "similarity", algorithm, small_set, tmp_path / "runs"]
    environment = {**os.environ, "HARNESS_ON": "subprocess"}
    first = subprocess.Popen(
        list(map(str, words)), stderr=subprocess.PIPE, text=True, env=environment
    )
    while not list((tmp_path / "runs").rglob("worker.log")):
        assert first.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    workers = children_of(first.pid)
    assert workers
    os.kill(first.pid, signal.SIGINT)
    _, said = first.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    algorithm.with_name("waited").touch()
    second = subprocess.run(
        list(map(str, words)),
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert second.stdout == "[]\n", second.stderr


def children_of(pid: int) -> list[int]:
    """Return the processes below one, however deep."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    own = [word for thread in threads for word in thread.read_text().split()]
    return [one for child in map(int, own) for one in (child, *children_of(child))]
