"""Searchers in protocols that draw: every draw is searched in its own gallery, by lists alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.data.records import Draw, Fold, Record
from harness.record.record import read_run
from harness.tasks.answers import Answer, ListsOfDraws
from harness.tasks.drawing import draws_of, each_draw
from harness.tasks.searches import FoldSearches
from tests.conftest import run_harness

pytestmark = pytest.mark.xdist_group("lists-of-draws")

LENGTH = 6
LISTS = '''
from dataclasses import dataclass
import numpy as np
from harness import Candidates, Matcher, Searcher
from PIL import Image

@dataclass
class Lists(Searcher):
    """What `colours` finds, cut to lists."""

    def extract(self, image):
        cells = np.array(Image.fromarray(image).resize((4, 4), Image.Resampling.BOX), float)
        return cells - cells.mean(axis=(0, 1))

    def finalise(self, references):
        self._gallery = list(references)

    def search(self, probe, length):
        scores = Matcher.compare(self, [probe], self._gallery)[0]
        best = np.argsort(-scores, kind="stable")[:length]
        return Candidates(best, scores[best])
'''
ASKED = {
    "open-set": ("fnir@fpir=0.1,rank=1", "fnir@fpir=0.2,rank=4", "open-set-eer@rank=1"),
    "closed-set": ("hit-rate@rank=1", "hit-rate@rank=5"),
}
BEYOND = {
    "open-set": ("fnir@fpir=0.1,rank=7", "open-set-eer@rank=7"),
    "closed-set": ("hit-rate@rank=7", "map"),
}
Floats = npt.NDArray[np.float64]


def a_run(folder: Path, protocol: str, algorithm: Path | str, *words: str) -> Path:
    """Run one fold of a protocol that asks for ranks within the lists and beyond them."""
    file = folder / f"{protocol}.toml"
    if not file.exists():
        source = Path(__file__).parents[2] / "protocols" / f"{protocol}.toml"
        head, _, rest = source.read_text().partition("metrics = [")
        metrics = json.dumps([*ASKED[protocol], *BEYOND[protocol]])
        headline = next(line for line in head.splitlines() if line.startswith("headline"))
        head = head.replace(headline, f'headline = "{ASKED[protocol][0]}"')
        file.write_text(f"{head}metrics = {metrics}{rest.partition(']')[2]}")
    out = folder / f"{protocol}-{Path(algorithm).stem}"
    asked = ("run", "--protocol", file, "--fold", "2", "--algo", algorithm, "--on", "in-process")
    found = run_harness(*asked, "--out", out, *words)
    assert found.code == 0, found.err
    (run,) = (one.parent for one in out.glob("*/*/manifest.json"))
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("lists")
    (folder / "lists.py").write_text(LISTS)
    length = ("--param", f"candidates={LENGTH}")
    return {
        (protocol, name): a_run(folder, protocol, algorithm, *words)
        for protocol in ASKED
        for name, algorithm, words in (
            ("scores", "colours", ()),
            ("lists", folder / "lists.py", length),
        )
    }


def cut(run: Path) -> list[tuple[Floats, npt.NDArray[np.bool_]]]:
    """Return the scores of every draw of a run of all scores, cut to lists by brute force."""
    kept = read_run(run)
    ((fold,), (answer,)) = kept.folds, kept.answers
    found = []
    for draw in fold.draws:
        rows = []
        for probe in draw.probes:
            row = answer.scores[fold.probes.index(probe)]
            scores = [float(row[fold.gallery.index(name)]) for name in draw.gallery]
            bar = sorted(scores, reverse=True)[LENGTH - 1]
            rows.append([score if score >= bar else -np.inf for score in scores])
        truth = [[(p, r) in fold.mates for r in draw.gallery] for p in draw.probes]
        found.append((np.array(rows), np.array(truth)))
    return found


def summed(run: Path) -> tuple[list[tuple[int, float]], list[float]]:
    """Return rank and score of the mate of each search that has one, and other searches' tops."""
    mates, tops = [], []
    for scores, truth in cut(run):
        for row, mated in zip(scores.tolist(), truth.tolist(), strict=True):
            own = [score for score, is_mate in zip(row, mated, strict=True) if is_mate]
            if not own:
                tops.append(max(row))
            elif max(own) == -np.inf:
                mates.append((10**9, -np.inf))
            else:
                others = [score for score, is_mate in zip(row, mated, strict=True) if not is_mate]
                mates.append((1 + sum(one >= max(own) for one in others), max(own)))
    return mates, tops


def by_hand(mates: list[tuple[int, float]], tops: list[float], fpir: float, rank: int) -> float:
    """Return the lowest FNIR of all thresholds whose FPIR is low enough."""
    rates = []
    known = [score for score in (*(score for _, score in mates), *tops) if score > -np.inf]
    for least in (*known, *np.nextafter(known, np.inf)):
        if sum(top >= least for top in tops) <= fpir * len(tops):
            rates += [np.mean([at > rank or score < least for at, score in mates])]
    return float(min(rates))


def values(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "metrics.json").read_text())["pooled"].items())


@pytest.mark.slow
def test_open_set_rates_of_lists_are_those_of_full_scores_cut_to_lists(
    runs: dict[tuple[str, str], Path],
) -> None:
    lists, scores = values(runs["open-set", "lists"]), values(runs["open-set", "scores"])
    mates, tops = summed(runs["open-set", "scores"])
    assert len(tops) > 20
    for fpir, rank in ((0.1, 1), (0.2, 4)):
        name = f"fnir@fpir={fpir},rank={rank}"
        assert lists[name]["value"] == pytest.approx(by_hand(mates, tops, fpir, rank))
    for name in ASKED["open-set"]:  # intervals and chance as well, to the last digit
        for one in (lists, scores):
            one[name].pop("flags", None)
        assert lists[name] == scores[name]
        assert lists[name]["value"] is not None


@pytest.mark.slow
def test_closed_set_rates_of_lists_are_those_of_full_scores_cut_to_lists(
    runs: dict[tuple[str, str], Path],
) -> None:
    lists, scores = values(runs["closed-set", "lists"]), values(runs["closed-set", "scores"])
    mates, tops = summed(runs["closed-set", "scores"])
    assert not tops
    for rank in (1, 5):
        name = f"hit-rate@rank={rank}"
        assert lists[name]["value"] == np.mean([at <= rank for at, _ in mates])
        assert lists[name] == scores[name]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ASKED)
def test_what_lies_beyond_the_lists_is_not_available(
    protocol: str, runs: dict[tuple[str, str], Path]
) -> None:
    run = runs[protocol, "lists"]
    assert json.loads((run / "manifest.json").read_text())["lists"] == LENGTH
    lists, scores = values(run), values(runs[protocol, "scores"])
    for name in BEYOND[protocol]:
        assert scores[name]["value"] is not None
        assert lists[name]["value"] is None
        assert "low" not in lists[name]
        (flag,) = lists[name]["flags"]
        assert flag.startswith(f"not available from lists of {LENGTH}: ")
    folds = json.loads((run / "metrics.json").read_text())["folds"]
    assert len(folds) == 10
    assert all(one["values"][name] is None for one in folds for name in BEYOND[protocol])


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ASKED)
def test_every_draw_is_a_search_of_its_own_gallery_and_is_verified_and_judged_again(
    protocol: str, runs: dict[tuple[str, str], Path]
) -> None:
    run = runs[protocol, "lists"]
    kept = read_run(run)
    ((fold,), (answer,)) = kept.folds, kept.answers
    assert isinstance(answer, ListsOfDraws)
    for draw, one in zip(fold.draws, answer.draws, strict=True):
        assert one.scores.shape == (len(draw.probes), len(draw.gallery))
        assert (np.isfinite(one.scores).sum(axis=1) == LENGTH).all()
    for (scores, _), one in zip(cut(runs[protocol, "scores"]), answer.draws, strict=True):
        assert np.array_equal(np.isfinite(one.scores), np.isfinite(scores))
    assert run_harness("verify", run).code == 0
    before = (run / "metrics.json").read_bytes()
    assert run_harness("score", run).code == 0
    assert (run / "metrics.json").read_bytes() == before
    refused = run_harness("score", run, "--likelihood-ratios", "logistic")
    assert refused.code == 2
    assert f"not available from lists of {LENGTH}" in refused.err
    refused = run_harness("export", run, "--format", "nist", "--out", run.parent / "x")
    assert refused.code == 2
    assert "every draw was searched in a gallery of its own" in refused.err
    compared = run_harness("compare", run, runs[protocol, "scores"])
    assert compared.code == 0, compared.err


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ASKED)
def test_lists_of_whole_galleries_give_every_number_but_have_no_score_of_a_comparison(
    protocol: str, runs: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    (tmp_path / "lists.py").write_text(LISTS)
    (tmp_path / f"{protocol}.toml").write_bytes(
        (runs[protocol, "lists"] / "protocol.toml").read_bytes()
    )
    run = a_run(tmp_path, protocol, tmp_path / "lists.py")
    assert json.loads((run / "manifest.json").read_text())["lists"] is None
    assert values(run) == values(runs[protocol, "scores"])
    assert run_harness("verify", run).code == 0
    for words in (("differentials", run), ("score", run, "--likelihood-ratios", "logistic")):
        refused = run_harness(*words)
        assert refused.code == 2, refused.err
        assert "each draw" in refused.err
    refused = run_harness("differentials", runs[protocol, "lists"])
    assert f"not available from lists of {LENGTH}" in refused.err


@pytest.mark.slow
def test_scores_behind_open_set_rates_are_exported_from_lists(
    runs: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    for name in ("lists", "scores"):
        run, out = runs["open-set", name], tmp_path / name
        assert run_harness("export", run, "--format", "pyeer", "--out", out).code == 0
    for name in ("genuine.txt", "impostor.txt"):
        one, other = (np.loadtxt(tmp_path / kind / name) for kind in ("lists", "scores"))
        # Products of matrices of another height differ in the last digit.
        assert np.allclose(one, other, rtol=1e-12, atol=0)


def test_lists_of_a_question_about_pairs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lists.py").write_text(LISTS)
    found = run_harness("run", "--protocol", "verification", "--algo", tmp_path / "lists.py")
    assert found.code == 2
    assert "protocol 'verification' needs a Matcher, which 'lists' is not" in found.err


def drawn(scores: list[list[float]], failures: dict[str, str] | None = None) -> Answer:
    """Return what a draw of the probes a (enrolled) and b (unknown) is judged by."""
    fold = Fold(
        "1",
        train=(),
        probes=("a", "b"),
        gallery=("r", "s"),
        mates=frozenset({("a", "r")}),
        draws=(Draw(("a", "b"), ("r", "s")),),
    )
    ((part, answer),) = draws_of([(fold, ListsOfDraws([Answer(np.array(scores), failures or {})]))])
    assert part == next(each_draw(fold))
    return answer


def test_an_empty_list_is_right_without_a_mate_and_a_miss_with_one() -> None:
    nothing = -np.inf
    found = drawn([[nothing, nothing], [nothing, nothing]]).scores
    assert np.isneginf(found[0]).all()
    assert (found[1] == np.finfo(float).min).all()
    found = drawn([[0.5, nothing], [np.nan, np.nan]], {"b": "refused"}).scores
    assert found[0].tolist() == [0.5, nothing]
    assert np.isnan(found[1]).all()
    assert drawn([[0.5, nothing], [nothing, 0.25]]).scores[1].tolist() == [nothing, 0.25]


def test_scores_of_lists_of_draws_are_those_of_all_draws_and_failures_are_of_any() -> None:
    one, other = Answer(np.ones((2, 2)), {"a": "x"}), Answer(np.zeros((1, 3)), {"b": "y"})
    found = ListsOfDraws([one, other])
    assert found.scores.tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert found.failures == {"a": "x", "b": "y"}
    assert ListsOfDraws([]).scores.shape == (0,)


def test_how_many_are_returned_is_known_as_far_as_lists_reach_below_the_threshold() -> None:
    nothing = -np.inf
    fold = Fold("1", (), ("a", "b", "c"), ("r", "s", "t"), frozenset({("a", "r"), ("c", "s")}))
    records = {name: Record(name, Path(name)) for name in (*fold.probes, *fold.gallery)}
    scores = np.array([[0.9, 0.5, nothing], [nothing] * 3, [np.nan] * 3])
    part = FoldSearches(fold, Answer(scores, {"c": "refused"}), records, {})
    # An empty list returns nobody; a search that failed returns all.
    for threshold, returned in {0.95: [0, 0, 3], 0.6: [1, 0, 3]}.items():
        found = part.returned(threshold)
        assert found is not None
        assert found.tolist() == returned
    assert part.returned(0.5) is None
    assert part.returned(0.1) is None
    whole = np.array([[0.9, 0.5, 0.1], [0.4, 0.3, 0.2], [np.nan] * 3])
    found = FoldSearches(fold, Answer(whole, {"c": "refused"}), records, {}).returned(0.3)
    assert found is not None
    assert found.tolist() == [2, 2, 3]
