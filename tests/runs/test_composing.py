"""Composites as runs: their scores against those of their parts, what they share, and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.execution.storage import load_answer
from harness.plugins.places import bundled
from harness.record import record
from harness.record.manifest import Manifest
from tests.conftest import Ran, run_harness, save_png
from tests.tasks.test_composites import bounded, by_hand

PARTS = '''
@dataclass
class Grey(Matcher):
    """Grey levels of cells; compared by distance."""

    cells: int = parameter(3, "Cells along a side.", minimum=1)
    presets = {"coarse": {"cells": 1}}

    def extract(self, image):
        if image.mean() > BRIGHT or min(image.shape[:2]) < 6:
            raise FailureToEnroll("too bright, or too small")
        size = image.shape[0] // self.cells
        rows = [[image[i*size:(i+1)*size, j*size:(j+1)*size].mean() for j in range(self.cells)]
                for i in range(self.cells)]
        return np.array(rows).ravel()

    def compare(self, probes, references):
        return np.array([[-float(np.abs(p - r).mean()) for r in references] for p in probes])
'''
LEARNER = '''
@dataclass
class Learner(Matcher):
    """Red and blue, each less its mean in training; says to a file what it is shown."""

    def fit(self, train):
        images = list(train.images)
        say("fit", images)
        self.mean_ = np.mean([image.mean(axis=(0, 1)) for image in images], axis=0)

    def extract(self, image):
        say("extract", [image])
        return image.mean(axis=(0, 1)) - self.mean_

def say(what, images):
    with open(LOG, "a") as file:
        print(what, *[zlib.crc32(image.tobytes()) for image in images], file=file)
'''
Write = Callable[[str, str], Path]


@pytest.fixture
def grey(plugin: Write) -> Path:
    return plugin("grey", f"from typing import ClassVar\nBRIGHT = 1000\n{PARTS}")


@pytest.fixture
def learner(plugin: Write, tmp_path: Path) -> Path:
    return plugin("learner", f"import zlib\nLOG = {str(tmp_path / 'log.txt')!r}\n{LEARNER}")


def made(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    (found,) = ran.json["runs"]
    return dict(found)


class Here:
    """Runs of the small set in one folder."""

    def __init__(self, data: Path, place: Path) -> None:
        self.data, self.place = data, place
        self.place.mkdir(exist_ok=True)

    def ran(self, algorithm: object, *words: object, protocol: str = "similarity") -> Ran:
        fixed = ("run", "--protocol", protocol, "--data", self.data, "--algo", str(algorithm))
        return run_harness(*fixed, "--json", *map(str, words), cwd=self.place)

    def __call__(self, algorithm: object, *words: object, **options: str) -> dict[str, Any]:
        return made(self.ran(algorithm, *words, **options))

    def folder(self, found: dict[str, Any]) -> Path:
        return self.place / str(found["folder"])

    def manifest(self, found: dict[str, Any]) -> Manifest:
        return record.read_manifest(self.folder(found))

    def answers(self, found: dict[str, Any], prefix: str = "") -> list[Any]:
        place = self.folder(found) / "units"
        return [load_answer(place / f"{prefix}fold-{n}" / "scores") for n in (1, 2, 3)]


@pytest.fixture
def here(small_set: Path, tmp_path: Path) -> Here:
    return Here(small_set, tmp_path / "one")


def params(**values: object) -> list[str]:
    return [
        word
        for name, value in values.items()
        for word in ("--param", f"{name.replace('__', '.')}={value}")
    ]


@pytest.mark.parametrize("k", [1, 3, 8])
def test_reranking_is_what_the_two_parts_give_by_hand(
    k: int, here: Here, grey: Path, small_set: Path, tmp_path: Path
) -> None:
    apart = Here(small_set, tmp_path / "apart")
    first, second = apart("colours"), apart(grey)
    found = here("rerank", *params(first="colours", second=grey, k=k))
    run = record.read_run(here.folder(found))
    hits = searches = 0
    for fold, answer, one, two in zip(
        run.folds, run.answers, apart.answers(first), apart.answers(second), strict=True
    ):
        names = list(fold.gallery)
        expected = by_hand(one.scores, two.scores, names, k)
        assert [[names[j] for j in np.argsort(-row)] for row in answer.scores] == expected
        listed = np.array([[name in order[:k] for name in names] for order in expected])
        assert np.array_equal(answer.scores[listed], two.scores[listed])
        for probe, order in zip(fold.probes, expected, strict=True):
            mates = {mate for name, mate in fold.mates if name == probe}
            searches += 1
            hits += bool(mates & set(order[:k]))
        if k == 1:
            assert answer.scores.argmax(axis=1).tolist() == one.scores.argmax(axis=1).tolist()
        if k == 8:
            assert np.array_equal(answer.scores, two.scores)
    composition = run.manifest.composition
    assert composition is not None
    assert composition.ceiling is not None
    assert (composition.ceiling.found, composition.ceiling.searches) == (hits, searches)
    counts = {part: stage.comparisons for part, stage in composition.stages.items()}
    assert counts == {"first": 3 * 8 * 8, "second": 3 * 8 * k}
    assert composition.stages["second"].costs["compare"].count == 24


def test_the_fused_score_is_another_logistic_regression_of_the_parts_scores(
    here: Here, grey: Path
) -> None:
    found = here("fuse", *params(first="colours", second=grey))
    run = record.read_run(here.folder(found))
    for n, (fold, answer) in enumerate(zip(run.folds, run.answers, strict=True)):
        parts = [here.answers(found, f"{p}.")[n].scores for p in ("first", "second")]
        asked = [here.answers(found, f"{p}.calibration.")[n].scores for p in ("first", "second")]
        units = here.folder(found) / "units"
        unit = json.loads((units / f"first.calibration.fold-{fold.name}/unit.json").read_text())
        there = ~np.isnan(asked[0])
        mated = np.array([[p[:4] == r[:4] for r in unit["gallery"]] for p in unit["probes"]])
        # Probes with references among the training images: 8 groups of 2 and 2.
        assert (mated[there].sum(), (~mated[there]).sum()) == (8 * 4, 16 * 16 - 8 * 4)
        *weights, offset = bounded(np.stack([one[there] for one in asked]), mated[there])
        expected = sum(w * one for w, one in zip(weights, parts, strict=True)) + offset
        assert np.allclose(answer.scores, expected, atol=1e-2)
    assert found["metrics"]["pooled"]["eer"]["value"] is not None


def test_what_runs_of_the_parts_made_is_not_made_again_and_the_other_way_round(
    here: Here, grey: Path, learner: Path, tmp_path: Path
) -> None:
    alone = here(learner)
    said = (tmp_path / "log.txt").read_text()
    both = here("rerank", *params(first=learner, second=grey, k=3))
    assert {name for name in both["done"] if name.startswith("first.")} == set()
    stages = here.manifest(both).composition
    assert stages is not None
    assert stages.stages["first"].taken_over == {
        Path(alone["folder"]).name: ["first.fold-1", "first.fold-2", "first.fold-3"]
    }
    lines = (tmp_path / "log.txt").read_text().removeprefix(said).splitlines()
    assert not any(line.startswith("fit") for line in lines)
    # Spot checks ask for some pictures again, and nobody else does.
    assert len(lines) <= 3 * (32 + 1)
    # The second part alone: its templates are there, and only its other scores are missing.
    second = here(grey)
    assert second["kept"] == ["templates-001"]
    assert sorted(second["done"]) == ["fold-1", "fold-2", "fold-3"]
    again = here("rerank", *params(first=learner, second=grey, k=3))
    assert (again["done"], again["kept"]) == ([], ["everything"])
    # Other parameters of a part are another part.
    other = here("rerank", *params(first=learner, second=grey, k=3, second__cells=2))
    assert other["identity"] != both["identity"]
    assert "second.templates-001" in other["done"]
    assert "first.fold-1" in other["kept"]


def test_weights_are_learned_without_the_images_that_are_judged_or_fitted_on(
    here: Here, grey: Path, learner: Path, tmp_path: Path
) -> None:
    found = here("fuse", *params(first=learner, second=grey, held_out=0.5))
    place = here.folder(found) / "units"
    fits = [
        set(line.split()[1:])
        for line in (tmp_path / "log.txt").read_text().splitlines()
        if line.startswith("fit")
    ]
    run = record.read_run(here.folder(found))
    for fold in run.folds:
        judged = {*fold.probes, *fold.gallery}
        whole = json.loads((place / f"first.fold-{fold.name}/unit.json").read_text())
        assert judged.isdisjoint(whole["training"]["images"])
        for part in ("first", "second"):
            unit = json.loads(
                (place / f"{part}.calibration.fold-{fold.name}/unit.json").read_text()
            )
            asked = {*unit["probes"], *unit["gallery"]}
            assert len({name[:4] for name in asked}) == 4  # of 8 groups
            assert judged.isdisjoint(asked)
            assert set(unit.get("pictures", {})).isdisjoint(judged)
        unit = json.loads((place / f"first.calibration.fold-{fold.name}/unit.json").read_text())
        learned = {name[:4] for name in unit["training"]["images"]}
        assert learned.isdisjoint({name[:4] for name in asked})
        assert {name[:4] for name in asked} | learned == {n[:4] for n in fold.train}
    # The spy itself: three fits on 32 images, and three on half of them.
    assert sorted(map(len, fits)) == [16, 16, 16, 32, 32, 32]
    weighing = here.manifest(found).composition
    assert weighing is not None
    assert [one.identities for one in weighing.weighing] == [4, 4, 4]
    assert all(one.refitted for one in weighing.weighing)


@pytest.mark.slow  # twenty processes
@pytest.mark.own_workers
def test_scores_are_the_same_in_processes_and_with_any_number_of_workers(
    here: Here, grey: Path, small_set: Path, tmp_path: Path
) -> None:
    words = params(first="colours", second=grey, k=3)
    found = [
        Here(small_set, tmp_path / name)("rerank", *words, *options)["result_hash"]
        for name, options in (
            ("here", ("--on", "in-process")),
            ("one", ("--workers", "1")),
            ("three", ("--workers", "3")),
        )
    ]
    assert len(set(found)) == 1


@pytest.mark.slow
@pytest.mark.own_workers
def test_a_cluster_gives_the_same_scores(
    here: Here, grey: Path, small_set: Path, tmp_path: Path
) -> None:
    for name, words in (
        ("rerank", params(first="colours", second=grey, k=3)),
        ("fuse", params(first="colours", second=grey)),
    ):
        other = Here(small_set, tmp_path / f"cluster-{name}")
        there = other(name, *words, "--on", "dask", "--workers", "2")
        assert there["result_hash"] == here(name, *words)["result_hash"]


def test_images_that_a_part_gives_up_on_are_judged_by_what_is_left(
    here: Here, plugin: Write, grey: Path, small_set: Path, tmp_path: Path
) -> None:
    shy = plugin("shy", f"from typing import ClassVar\nBRIGHT = 128\n{PARTS}")
    alone = Here(small_set, tmp_path / "alone")
    failed = [answer.failures for answer in alone.answers(alone(shy))]
    assert any(failed)
    assert not all(len(one) == 16 for one in failed)
    second = here("rerank", *params(first=grey, second=shy, k=4))
    run = record.read_run(here.folder(second))
    for fold, answer, lost, one in zip(
        run.folds, run.answers, failed, here.answers(second, "first."), strict=True
    ):
        assert not answer.failures
        for probe, row, by_first in zip(fold.probes, answer.scores, one.scores, strict=True):
            if probe in lost:  # it keeps its place by the first
                assert np.argsort(-row).tolist() == np.argsort(-by_first).tolist()
    first = here("rerank", *params(first=shy, second=grey, k=4))
    assert [dict(a.failures) for a in here.answers(first)] == [dict(one) for one in failed]
    fused = here("fuse", *params(first=shy, second=grey))
    for answer, lost in zip(here.answers(fused), failed, strict=True):
        assert not answer.failures  # the other part can use every image
        assert np.isfinite(answer.scores).all()
        assert lost
    assert here.manifest(first).composition.stages["first"].failed  # type: ignore[union-attr]
    assert run_harness("verify", here.folder(first), cwd=here.place).code == 0


def test_every_draw_of_a_closed_set_is_a_search_with_a_short_list_of_its_own(
    here: Here, grey: Path, tmp_path: Path
) -> None:
    names = [f"t{i}/{j}.png" for i in range(9) for j in range(3)]
    data = tmp_path / "folders"
    rng = np.random.default_rng(0)
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        save_png(data / name, rng.integers(0, 256, (24, 24, 3)))
    there = Here(data, tmp_path / "drawn")
    found = there(
        "rerank", *params(first="colours", second=grey, k=2), "--folds", 1, protocol="closed-set"
    )
    run = record.read_run(there.folder(found))
    draws = run.answers[0].draws  # type: ignore[attr-defined]
    units = there.folder(found) / "units"
    whole = [load_answer(units / f"{p}.fold-test" / "scores").scores for p in ("first", "second")]
    (fold,) = run.folds
    for draw, answer in zip(fold.draws, draws, strict=True):
        rows = [fold.probes.index(name) for name in draw.probes]
        columns = [fold.gallery.index(name) for name in draw.gallery]
        one, two = (scores[np.ix_(rows, columns)] for scores in whole)
        expected = by_hand(one, two, list(draw.gallery), 2)
        got = [[draw.gallery[j] for j in np.argsort(-row)] for row in answer.scores]
        assert got == expected
    ranks = there(
        "fuse",
        *params(first="colours", second=grey, how="ranks"),
        "--folds",
        1,
        protocol="closed-set",
    )
    assert ranks["metrics"]["pooled"]["map"]["value"] is not None
    untaught = there.ran(
        "fuse", *params(first="colours", second=grey), "--folds", 1, protocol="closed-set"
    )
    assert untaught.code == 2
    assert "no training image on this data: name a set to learn from with --train-data, or" in (
        untaught.err
    )


def test_what_a_protocol_leaves_out_takes_no_place_in_a_short_list(
    grey: Path, tmp_path: Path
) -> None:
    data = tmp_path / "photographs"
    data.mkdir()
    rng = np.random.default_rng(3)
    lines = ["image,tattoo,source,role"]
    for tattoo in range(4):
        for photograph in range(2):
            picture = rng.integers(0, 256, (24, 24, 3))
            for copy, role in enumerate(("reference", "probe")):
                name = f"{tattoo}-{photograph}-{role}.png"
                save_png(data / name, picture + copy)
                lines.append(f"{name},{tattoo},{tattoo}-{photograph},{role}")
    (data / "manifest.csv").write_text("\n".join(lines) + "\n")
    protocol = bundled("protocols") / "bivtatt.toml"
    there = Here(data, tmp_path / "apart-runs")
    for k in (1, 2):
        found = there("rerank", *params(first="colours", second=grey, k=k), protocol=str(protocol))
        run = record.read_run(there.folder(found))
        (fold,), (answer,) = run.folds, run.answers
        assert fold.excluded
        stages = run.manifest.composition.stages  # type: ignore[union-attr]
        assert stages["second"].comparisons == k * len(fold.probes)
        assert stages["first"].comparisons == len(fold.probes) * (len(fold.gallery) - 1)
        (one,) = [
            load_answer(there.folder(found) / "units" / f"first.fold-{fold.name}" / "scores").scores
        ]
        for i, probe in enumerate(fold.probes):
            left = [j for j, name in enumerate(fold.gallery) if (probe, name) not in fold.excluded]
            assert np.isfinite(answer.scores[i, left]).all()
            if k == 1:
                assert max(left, key=lambda j: one[i, j]) == max(
                    left, key=lambda j: answer.scores[i, j]
                )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (params(first__cels=2), "first (GREY): Grey: no parameter is called 'cels'. Did you mean"),
        (params(frist__cells=2), "no part 'frist'. Did you mean 'first'"),
        (params(first__seed=2), "first.seed follows --seed"),
        (params(kk=2), "no parameter is called 'kk'"),
        (params(second="nobody"), "second (nobody): no algorithm is called 'nobody'"),
        (params(second="oracle"), "a control that is shown the truth"),
        (params(second="hog-svm"), "is a Detector; a part is a Matcher"),
        (params(second="fuse"), "is a composite itself"),
        (params(k=0), "parameter k"),
    ],
)
def test_what_cannot_be_a_part_or_a_parameter_is_told(
    words: list[str], said: str, here: Here, grey: Path
) -> None:
    ran = here.ran("rerank", *params(first=grey, second="colours"), *words)
    assert ran.code == 2
    assert said.replace("GREY", str(grey)) in ran.err


@pytest.mark.parametrize(
    ("algorithm", "protocol", "words", "said"),
    [
        ("rerank", "verification", [], "compares listed pairs, and searches no gallery"),
        ("fuse", "verification", params(how="ranks"), "compares listed pairs"),
        ("fuse", "open-set", params(how="ranks"), "asks whether anybody is"),
        ("rerank", "identification", ["--attack", "inpaint"], "--attack is for runs of its parts"),
    ],
)
def test_questions_that_a_composite_cannot_answer_are_refused_in_a_sentence(
    algorithm: str,
    protocol: str,
    words: list[str],
    said: str,
    grey: Path,
    tmp_path: Path,
    harness: Callable[..., Ran],
) -> None:
    parts = params(first=grey, second="colours")
    ran = harness("run", "--protocol", protocol, "--algo", algorithm, *parts, *words)
    assert ran.code == 2, ran.out
    assert said in ran.err


def test_fusing_works_for_pairs_that_are_listed(
    grey: Path, harness: Callable[..., Ran], tmp_path: Path
) -> None:
    words = params(first=grey, second="colours", comparisons=200)
    ran = harness(
        "run", "--protocol", "verification", "--algo", "fuse", *words, "--fold", 1, "--json"
    )
    pooled = made(ran)["metrics"]["pooled"]
    assert pooled["eer"]["value"] is not None


def test_terminal_record_and_report_say_what_the_parts_did(here: Here, grey: Path) -> None:
    words = params(first=f"{grey.parent / 'grey.py'}:coarse", second="colours", k=3)
    found = here("rerank", *words)
    manifest = here.manifest(found)
    assert manifest.origin.parameters["first.cells"] == 1
    assert manifest.origin.parts["first"].algorithm == "grey"
    ran = run_harness(
        "run",
        "--protocol",
        "similarity",
        "--data",
        here.data,
        "--algo",
        "rerank",
        *words,
        cwd=here.place,
    )
    text = " ".join(ran.out.split())
    assert "first (grey): 192 comparisons, 8.0 a search" in text
    assert "second (colours): 72 comparisons, 3.0 a search" in text
    one = manifest.composition.ceiling  # type: ignore[union-attr]
    assert one is not None
    assert f"a mate is among the best 3 of the first part in {one.found} of 24 searches" in text
    assert "eer" in text.partition("without a value: ")[2]
    assert "of the best 3 of each search are colours's" in text
    page = (here.folder(found) / "report.html").read_text()
    assert "Parts of the composite" in page
    assert "among the best 3 of the first part" in page
    for verb in ("verify", "report"):
        again = run_harness(verb, here.folder(found), cwd=here.place)
        assert again.code == 0, again.err
    assert here.manifest(found).composition == manifest.composition
    assert found["composition"]["ceiling"]["found"] == one.found
    other = here("colours")
    compared = run_harness(
        "compare", here.folder(found), here.folder(other), "--json", cwd=here.place
    )
    assert compared.code == 0, compared.err
    ratios = run_harness("score", here.folder(found), "--likelihood-ratios", cwd=here.place)
    assert ratios.code == 2
    assert "one threshold for all scores" in ratios.err


def test_a_changed_file_of_a_part_is_another_composite(here: Here, grey: Path) -> None:
    words = params(first=grey, second="colours", k=3)
    before = here("rerank", *words)
    grey.write_text(grey.read_text() + "\n# changed\n")
    after = here("rerank", *words)
    assert before["identity"] != after["identity"]
    assert before["result_hash"] == after["result_hash"]
    assert "first.templates-001" in after["done"]
    assert "second.templates-001" in after["kept"]


def test_a_composite_is_checked_by_its_parts(grey: Path, harness: Callable[..., Ran]) -> None:
    ran = harness("check", "rerank", *params(first=grey, second="colours"))
    assert ran.code == 0, ran.out + ran.err
    assert "first is a matcher: grey" in ran.out
    assert "second: " in ran.out
