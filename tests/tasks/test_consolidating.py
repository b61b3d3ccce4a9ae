"""Consolidated galleries: an identity has one template, and ranks count identities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algorithms.colours import Colours
from harness.data.images import decode
from harness.data.records import Draw, Fold, Record
from harness.errors import BadFile, DataError
from harness.record.record import read_run
from harness.record.truth import FoldTruth, Truth, folds_in, write_truth
from harness.tasks.consolidating import consolidated, noted
from harness.tasks.drawing import each_draw
from tests.conftest import run_harness

pytestmark = pytest.mark.xdist_group("consolidated")

RECORDS = {
    name: Record(name, Path(f"{name}.png"), tattoo=tattoo, source=source)
    for name, tattoo, source in (
        ("p1", "one", "s1"),
        ("p2", "two", None),
        ("a1", "one", None),
        ("a2", "one", "s1"),
        ("b1", "two", None),
        ("c1", "three", None),
        ("c2", "three", None),
        ("d1", None, None),
        ("d2", None, None),
    )
}
FOLD = Fold(
    "1",
    train=(),
    probes=("p1", "p2"),
    gallery=("c2", "a2", "d2", "a1", "b1", "c1", "d1"),
    mates=frozenset({("p1", "a1"), ("p1", "a2"), ("p2", "b1")}),
)


def test_an_identity_stands_once_in_the_gallery_and_a_mate_is_the_identity() -> None:
    (found,) = consolidated([FOLD], RECORDS, "tattoo")
    # What no probe is mated with is told by its column; without one it is itself.
    assert found.gallery == ("c1", "a1", "d2", "b1", "d1")
    assert found.consolidated == (("a1", "a2"), ("c1", "c2"))
    assert found.mates == {("p1", "a1"), ("p2", "b1")}
    assert found.probes == FOLD.probes
    assert sorted(found.pictures_of_references) == sorted(FOLD.gallery)
    assert consolidated([found], RECORDS, "tattoo") == (found,)
    text = noted([found]).text
    assert "(5 templates of 7 pictures, 2 of them of several)" in text
    assert "ranks count identities" in text


def test_a_gallery_of_single_pictures_stays_as_it_is() -> None:
    single = replace(FOLD, gallery=("a1", "b1"), mates=frozenset({("p1", "a1"), ("p2", "b1")}))
    (found,) = consolidated([single], RECORDS, "tattoo")
    assert (found.consolidated, set(found.gallery), found.mates) == ((), {"a1", "b1"}, single.mates)


def test_draws_of_one_reference_each_stay_and_galleries_by_role_are_consolidated() -> None:
    drawn = replace(FOLD, draws=(Draw(("p1",), ("a1", "b1")), Draw(("p1",), ("a2", "b1"))))
    assert consolidated([drawn], RECORDS, "tattoo") == (drawn,)
    by_role = replace(FOLD, draws=(Draw(FOLD.probes, FOLD.gallery),))
    (found,) = consolidated([by_role], RECORDS, "tattoo")
    (draw,) = each_draw(found)
    assert draw.gallery == found.gallery == ("c1", "a1", "d2", "b1", "d1")
    assert draw.consolidated == found.consolidated


def test_what_is_left_out_for_one_probe_cannot_be_taken_out_of_a_template() -> None:
    left_out = replace(FOLD, excluded=frozenset({("p1", "a2")}))
    with pytest.raises(DataError, match="cannot be taken out of a template of several pictures"):
        consolidated([left_out], RECORDS, "tattoo")


def test_a_run_folder_keeps_what_templates_are_made_of(tmp_path: Path) -> None:
    (found,) = consolidated([FOLD], RECORDS, "tattoo")
    records = {n: replace(r, path=tmp_path / r.path) for n, r in RECORDS.items()}
    for record in records.values():
        record.path.touch()
    write_truth(tmp_path, [found], records, tmp_path)
    kept = json.loads((tmp_path / "truth.json").read_text())
    assert kept["folds"][0]["consolidated"] == [["a1", "a2"], ["c1", "c2"]]
    assert set(kept["records"]) == set(RECORDS)
    write_truth(tmp_path, [FOLD], records, tmp_path)
    assert "consolidated" not in (tmp_path / "truth.json").read_text()


@pytest.mark.parametrize(
    ("together", "words"),
    [
        ([["a1", "nobody"]], "'nobody' has no record"),
        ([["a1", "a2"], ["c1", "a2"]], "has a reference in two templates"),
        ([["a1", "c1"]], "has a reference in two templates"),
        ([["a1"]], "makes a template of references that the gallery does not have"),
        ([["a2", "c2"]], "makes a template of references that the gallery does not have"),
    ],
)
def test_a_truth_whose_templates_cannot_be_is_refused(
    together: list[list[str]], words: str, tmp_path: Path
) -> None:
    fold = FoldTruth("1", [], ["p1"], ["a1", "c1"], [("p1", "a1")], consolidated=together)
    facts: Any = dict.fromkeys(RECORDS)
    with pytest.raises(BadFile, match=words):
        folds_in(tmp_path, Truth([fold], facts))


MEANS = '''
from dataclasses import dataclass
import numpy as np
import PIL.Image
from harness import Candidates, FailureToEnroll, Matcher, Searcher, parameter

@dataclass
class Means(Searcher):
    """The mean of the colours of all pictures of an identity."""

    gallery: str = parameter("unconsolidated", "Kind.", choices=("unconsolidated", "consolidated"))
    fails: int = parameter(0, "Pictures of an identity with which it gives up.")

    def extract(self, image):
        box = PIL.Image.Resampling.BOX
        colours = np.array(PIL.Image.fromarray(image).resize((4, 4), box), dtype=np.float64)
        return colours - colours.mean(axis=(0, 1))

    def enrol_together(self, images):
        if len(images) == self.fails:
            raise FailureToEnroll("too many")
        return np.mean([self.extract(image) for image in images], axis=0)

    def finalise(self, references):
        self._gallery = list(references)

    def search(self, probe, length):
        scores = Matcher.compare(self, [probe], self._gallery)[0]
        best = np.argsort(-scores, kind="stable")[:length]
        return Candidates(best, scores[best])
'''
ASKED = ("run", "--protocol", "mixed-media", "--fold", "1", "--on", "in-process")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("consolidated")
    (folder / "means.py").write_text(MEANS)
    found = {}
    for name, words in {
        "pictures": (),
        "identities": ("--param", "gallery=consolidated"),
        "failing": ("--param", "gallery=consolidated", "--param", "fails=2"),
    }.items():
        out = folder / name
        ran = run_harness(*ASKED, "--algo", folder / "means.py", "--out", out, *words)
        assert ran.code == 0, ran.err
        assert ("ranks count identities" in ran.err) == (name != "pictures")
        (found[name],) = (one.parent for one in out.glob("*/*/manifest.json"))
    return found


def by_hand(run: Path, without: int = 0) -> dict[str, int]:
    """Return the rank of the mate of each probe of a run of pictures, counted over identities.

    An identity of `without` references is in the gallery and never matches.
    """
    kept = read_run(run)
    (fold,) = kept.folds
    colours = Colours()
    made = {
        name: np.ravel(np.asarray(colours.extract(decode(kept.records[name].path))))
        for name in (*fold.probes, *fold.gallery)
    }
    whose = {name: str(kept.records[name].tattoo) for name in made}
    members = {
        who: [made[n] for n in fold.gallery if whose[n] == who] for who in set(whose.values())
    }
    means = {who: np.mean(each, axis=0) for who, each in members.items() if each}
    ranks = {}
    for probe in fold.probes:
        left = made[probe] / np.linalg.norm(made[probe])
        scores = {
            who: -np.inf if len(members[who]) == without else left @ mean / np.linalg.norm(mean)
            for who, mean in means.items()
        }
        own = scores.pop(whose[probe])
        ranks[probe] = 1 + sum(score >= own for score in scores.values())
        if own == -np.inf:
            ranks[probe] = 10**6
    return ranks


def ranks_of(run: Path) -> dict[str, int]:
    found = read_run(run).judge().searches
    return {one.probe: 10**6 if one.rank is None else one.rank for one in found}


@pytest.mark.slow
def test_ranks_are_those_of_identities_by_brute_force(runs: dict[str, Path]) -> None:
    ranks = by_hand(runs["pictures"])
    assert ranks_of(runs["identities"]) == ranks
    assert ranks != ranks_of(runs["pictures"])
    pooled = json.loads((runs["identities"] / "metrics.json").read_text())["pooled"]
    for rank in (1, 10):
        hits = np.mean([one <= rank for one in ranks.values()])
        assert pooled[f"hit-rate@rank={rank}"]["value"] == pytest.approx(hits)
    (fold,) = read_run(runs["identities"]).folds
    chance = np.mean([1 / len(fold.gallery)] * len(fold.probes))
    assert pooled["hit-rate@rank=1"]["chance"] == pytest.approx(chance)


@pytest.mark.slow
def test_an_identity_whose_template_fails_is_in_the_gallery_and_never_matches(
    runs: dict[str, Path],
) -> None:
    ranks = by_hand(runs["pictures"], without=2)
    assert 10**6 in ranks.values()
    assert ranks_of(runs["failing"]) == ranks


@pytest.mark.slow
def test_record_and_report_say_that_galleries_are_consolidated(runs: dict[str, Path]) -> None:
    run = runs["identities"]
    text = "ranks count identities"
    assert text in (run / "manifest.json").read_text()
    assert text in (run / "report.html").read_text()
    metrics = json.loads((run / "metrics.json").read_text())
    (fold,) = read_run(runs["pictures"]).folds
    assert metrics["counts"]["pictures_of_references"] == len(fold.gallery)
    assert metrics["counts"]["references"] < len(fold.gallery)
    assert run_harness("verify", run).code == 0
    before = (run / "metrics.json").read_bytes()
    assert run_harness("score", run).code == 0
    assert (run / "metrics.json").read_bytes() == before
    refused = run_harness("compare", run, runs["pictures"])
    assert refused.code == 4
    assert "not the same probes, galleries or mates" in refused.err
    unit = json.loads(next(run.glob("units/enrolled-1-*/unit.json")).read_text())
    assert set(unit["pictures"]) == set(fold.gallery)


def test_who_cannot_make_a_template_of_several_pictures_says_so(tmp_path: Path) -> None:
    lacking = MEANS.replace("def enrol_together", "def enrol_all")
    (tmp_path / "means.py").write_text(lacking)
    words = ("--algo", tmp_path / "means.py", "--param", "gallery=consolidated")
    found = run_harness(*ASKED, *words, "--out", tmp_path / "runs")
    assert found.code == 3
    assert "Means does not define `enrol_together`" in found.err
