"""Searchers: a probe is answered with a list of candidates, and what lies outside is a miss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.api import Algorithm, Candidates, Searcher
from harness.errors import UsageError
from harness.execution.answers import BadAnswer, Unusable, checked_candidates
from harness.plugins.description import describe
from harness.plugins.scaffold import write_program
from harness.tasks.kinds import KINDS
from tests.conftest import run_harness

TWINS = '''
from dataclasses import dataclass
import numpy as np
from harness import Candidates, FailureToEnroll, {kind}

@dataclass
class {name}({kind}):
    """Shares of dark pixels in rows and columns."""

    def extract(self, image):
        if image.sum() % 11 == 0:
            raise FailureToEnroll("a sum that it does not like")
        dark = image.mean(axis=2) < 110
        rows = [part.mean() for part in np.array_split(dark, 6, axis=0)]
        return np.array(rows + [part.mean() for part in np.array_split(dark, 6, axis=1)])
'''
MATCHES = """
    def compare(self, probes, references):
        return np.array([[-np.abs(p - r).sum() for r in references] for p in probes])
"""
SEARCHES = """
    def enrol(self, image):
        return np.append(self.extract(image), 7.0)

    def finalise(self, references):
        assert all(len(one) == 13 for one in references)
        self._gallery = [one[:12] for one in references]

    def search(self, probe, length):
        scores = np.array([-np.abs(probe - one).sum() for one in self._gallery])
        best = np.argsort(-scores, kind="stable")[:length]
        return Candidates(best, scores[best])
"""


def twins(folder: Path) -> tuple[Path, Path]:
    matcher, searcher = folder / "matcher.py", folder / "searcher.py"
    matcher.write_text(TWINS.format(kind="Matcher", name="One") + MATCHES)
    searcher.write_text(TWINS.format(kind="Searcher", name="Other") + SEARCHES)
    return matcher, searcher


def a_run(folder: Path, algorithm: Path | str, *words: str) -> Path:
    """Run one fold of the look-alikes, and return the run."""
    out = folder / f"runs-{len(list(folder.glob('runs-*')))}"
    found = run_harness(
        "run", "--protocol", "similarity", "--fold", "1", "--algo", algorithm, "--out", out, *words
    )
    assert found.code == 0, found.err
    (run,) = (one.parent for one in out.glob("similarity/*/manifest.json"))
    return run


def values(run: Path) -> dict[str, Any]:
    pooled = json.loads((run / "metrics.json").read_text())["pooled"]
    return {name: one["value"] for name, one in pooled.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("searchers")
    matcher, searcher = twins(folder)
    return {
        "scores": a_run(folder, matcher),
        "whole": a_run(folder, searcher, "--param", "candidates=1000"),
        "lists": a_run(folder, searcher, "--param", "candidates=15"),
    }


@pytest.mark.slow
@pytest.mark.xdist_group("searchers")
def test_whole_lists_give_every_number_that_scores_give(runs: dict[str, Path]) -> None:
    for name in ("metrics.json", "searches.jsonl", "curves.json"):
        if (runs["scores"] / name).exists():
            assert (runs["whole"] / name).read_bytes() == (runs["scores"] / name).read_bytes()
    assert json.loads((runs["whole"] / "manifest.json").read_text())["lists"] is None


@pytest.mark.slow
@pytest.mark.xdist_group("searchers")
def test_short_lists_give_the_ranks_that_they_reach_and_say_the_rest_is_not_available(
    runs: dict[str, Path],
) -> None:
    scores, lists = values(runs["scores"]), values(runs["lists"])
    for rank in (1, 10):
        assert lists[f"hit-rate@rank={rank}"] == scores[f"hit-rate@rank={rank}"] is not None
    others = [name for name in scores if name not in ("hit-rate@rank=1", "hit-rate@rank=10", "fte")]
    assert len(others) > 4
    pooled = json.loads((runs["lists"] / "metrics.json").read_text())["pooled"]
    for name in others:
        assert lists[name] is None
        assert pooled[name]["flags"][0].startswith("not available from lists of 15: ")
    assert "fte" not in scores or lists["fte"] == scores["fte"]
    curves = [json.loads((runs[one] / "curves.json").read_text()) for one in ("lists", "scores")]
    assert curves[0]["cmc"]["hit_rate"] == curves[1]["cmc"]["hit_rate"][:15]
    assert "det" not in curves[0]
    assert "not available from lists of 15" in (runs["lists"] / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.xdist_group("searchers")
def test_a_run_of_lists_is_verified_scored_again_and_compared_up_to_its_rank(
    runs: dict[str, Path],
) -> None:
    run = runs["lists"]
    assert run_harness("verify", run).code == 0
    before = (run / "metrics.json").read_bytes()
    assert run_harness("score", run).code == 0
    assert (run / "metrics.json").read_bytes() == before
    refused = run_harness("score", run, "--likelihood-ratios", "logistic")
    assert refused.code == 2
    assert "not available from lists of 15" in refused.err
    assert run_harness("scale", run).code == 2
    compared = run_harness("compare", run, runs["scores"])
    assert compared.code == 0, compared.err


@pytest.mark.slow
@pytest.mark.xdist_group("searchers")
def test_a_program_that_searches_gives_what_it_gives_as_a_matcher(tmp_path: Path) -> None:
    matcher = write_program("both", tmp_path)
    searcher = tmp_path / "lists.py"
    text = matcher.read_text()
    searcher.write_text(text.replace('["compare", "detect"]', '["search", "detect"]'))
    searcher.chmod(0o755)
    scores = values(a_run(tmp_path, f"exec:{matcher}"))
    lists = values(a_run(tmp_path, f"exec:{searcher}", "--param", "candidates=12"))
    assert lists["hit-rate@rank=10"] == scores["hit-rate@rank=10"] is not None
    assert lists["eer"] is None


WRONG = {
    "of three in the place of twenty": (
        "best[:3]",
        "has 3 candidates and 0 empty places where",
    ),
    "with a reference that there is not": ("[(2.0, 4000)] + best[1:]", "names reference 4000"),
    "with the worst first": ("best[::-1]", "is not sorted: rank"),
    "with one reference many times": ("best[:1] * len(best)", "more than once"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WRONG)
def test_a_program_whose_list_is_none_fails_the_run_by_name(what: str, tmp_path: Path) -> None:
    does, words = WRONG[what]
    file = write_program("hostile", tmp_path)
    text = file.read_text().replace('["compare", "detect"]', '["search"]')
    file.write_text(text.replace("for score, i in best]", f"for score, i in {does}]"))
    found = run_harness(
        *("run", "--protocol", "similarity", "--fold", "1", "--algo", f"exec:{file}"),
        *("--param", "candidates=20", "--out", tmp_path / "runs"),
    )
    assert found.code == 3
    assert words in found.err
    assert "search: the list of" in found.err


LISTS = {
    "nothing": (None, "return Candidates"),
    "what cannot be a list": (Unusable("a str", "x"), "return Candidates"),
    "scores of another length": (([0, 1], [0.5], 0), "one score for each place"),
    "places that are shares": (([0.5, 1.5, 2.0], [3.0, 2.0, 1.0], 0), "return integers"),
    "a negative place": (([0, -1, 2], [3.0, 2.0, 1.0], 0), "names reference -1"),
    "NaN": (([0, 1, 2], [3.0, np.nan, 1.0], 0), "NaN or infinity"),
    "infinity": (([0, 1, 2], [np.inf, 2.0, 1.0], 0), "NaN or infinity"),
    "too many": (([0, 1, 2, 3], [4.0, 3.0, 2.0, 1.0], 0), "where 3 are asked for"),
    "too many empty places": (([0], [4.0], 4), "where 3 are asked for"),
    "fewer than no empty places": (([0, 1, 2, 3], [4.0, 3.0, 2.0, 1.0], -1), "-1 empty"),
}


@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_is_none_is_refused_with_what_is_wrong(what: str) -> None:
    answer, words = LISTS[what]
    with pytest.raises(BadAnswer) as said:
        checked_candidates(answer, 3, 4, "probe-1")
    assert words in str(said.value)
    assert "probe-1" in str(said.value)


def test_a_list_may_have_empty_places_if_it_says_so_and_equal_scores() -> None:
    found = checked_candidates(Candidates(np.array([3, 0]), np.array([1, 1]), 1), 3, 4, "probe-1")
    assert found.places.tolist() == [3, 0]
    assert found.scores.dtype == np.float64
    assert checked_candidates(([], [], 2), 2, 4, "probe-1").places.shape == (0,)


def test_who_gives_all_scores_is_asked_for_them_and_lists_answer_searches_alone() -> None:
    task = KINDS["identification"]
    assert task.asked_of(["Searcher", "Matcher"]) == "Matcher"
    assert task.asked_of(["Detector", "Searcher"]) == "Searcher"
    assert task.asked_of(["Detector"]) == ""
    for name in ("identification", "open-set", "closed-set"):
        assert KINDS[name].asked_of(["Searcher"]) == "Searcher"
    for name in ("verification", "embeddings", "detection", "tagging"):
        assert KINDS[name].asked_of(["Searcher"]) == ""


def test_a_searcher_that_learns_is_refused() -> None:
    from dataclasses import dataclass

    @dataclass
    class Learned(Searcher):
        def extract(self, image: Any) -> Any:
            return image

        def fit(self, train: Any) -> None:
            self.known_ = 1

    kind: type[Algorithm] = Learned
    with pytest.raises(UsageError, match="a Searcher does not learn"):
        describe(kind)
