"""`harness match` judges embeddings that somebody else made, and says what is odd about them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.matching import units
from harness.metrics import identification, verification
from harness.metrics.open_set import Searches, fnir_at_fpir
from harness.record.searches import read_searches
from tests.conftest import Ran, run_here
from tests.matching.worlds import World, identities, scores_of, unit

Command = Callable[..., Ran]

# So that what vectors as they are come to is asked once.
pytestmark = pytest.mark.xdist_group("match")


@pytest.fixture(scope="module")
def world() -> World:
    """Some probes have several mates, some none."""
    return identities(3, 90, 2500, dimension=16, count=1200, noise=0.8)


@pytest.fixture(scope="module")
def few() -> World:
    """The same of fewer vectors, for what does not depend on how many there are."""
    return identities(3, 20, 200, dimension=16, count=100, noise=0.8)


def write(folder: Path, world: World, **changed: Any) -> list[str | Path]:
    """Save arrays and pairs, and return the words that name them."""
    folder.mkdir(exist_ok=True)
    np.save(folder / "P.npy", changed.get("probes", world.probes))
    np.save(folder / "R.npy", changed.get("references", world.references))
    lines: Sequence[Any] = changed.get("pairs", world.mated.tolist())
    with (folder / "M.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(changed.get("header", ("probe", "reference")))
        table.writerows(lines)
    return [
        *("match", "--probes", folder / "P.npy", "--references", folder / "R.npy"),
        *("--pairs", folder / "M.csv", "--name", "vendor", "--out", folder / "runs"),
    ]


def run_of(folder: Path) -> Path:
    (found,) = (folder / "runs" / "embeddings").glob("[!.]*")
    return found


def values(folder: Path) -> dict[str, float]:
    metrics = json.loads((run_of(folder) / "metrics.json").read_text())
    return {name: one["value"] for name, one in metrics["pooled"].items()}


@pytest.fixture(scope="module")
def plain(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The numbers of the world as it is."""
    folder = tmp_path_factory.mktemp("plain")
    done = run_here(*write(folder, world))
    assert done.code == 0, done.err
    return values(folder)


def test_every_number_is_that_of_the_whole_matrix_of_cosines(
    here: Command, tmp_path: Path, world: World
) -> None:
    rng = np.random.default_rng(0)
    longer = world.probes * rng.uniform(0.1, 9, (90, 1)).astype(np.float32)
    done = here(*write(tmp_path, world, probes=longer), "--json")
    assert done.code == 0, done.err
    scores = scores_of(unit(longer.astype(np.float64)), unit(world.references.astype(np.float64)))
    truth = world.truth
    ranks = identification.mate_ranks(scores, truth)
    mated, nonmated = scores[truth], scores[~truth]
    searches = Searches.of(scores, truth)
    expected = {
        "hit-rate@rank=1": identification.hit_rate(ranks, 1),
        "hit-rate@rank=10": identification.hit_rate(ranks, 10),
        "map": np.nanmean(identification.average_precision(scores, truth)),
        "eer": verification.eer(mated, nonmated),
        "fnmr@fmr=0.001": verification.fnmr_at_fmr(mated, nonmated, 0.001),
        "fnmr@fmr=1e-05": verification.fnmr_at_fmr(mated, nonmated, 1e-5),
        "fnir@fpir=0.1,rank=1": fnir_at_fpir(searches, 0.1, 1),
    }
    found = values(tmp_path)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6), name
    curves = json.loads((run_of(tmp_path) / "curves.json").read_text())
    assert curves["open_set"]["fpir"][-1] in (0.0, 1.0)
    rows = (run_of(tmp_path) / "candidates" / "all.txt").read_text().splitlines()
    best = int(np.argmax(scores[0]))
    assert rows[0].startswith(f"probe-0|1|reference-{best}|")
    assert f"{int((~truth.any(axis=1)).sum())} of 90 probes have no mate" in done.err


@pytest.mark.slow
def test_the_run_is_whole_and_is_judged_and_listed_like_any_other(
    here: Command, tmp_path: Path, world: World
) -> None:
    here(*write(tmp_path, world))
    run = run_of(tmp_path)
    assert here("verify", run).code == 0
    again = here("score", run)
    assert again.code == 0
    assert "the metrics are the same as before" in again.err
    assert here("leaderboard", tmp_path / "runs", "--out", tmp_path / "site").code == 0
    page = (run / "report.html").read_text()
    assert "references" in page
    assert "vendor" in page


@pytest.mark.slow
def test_shards_and_workers_and_files_change_no_byte(
    here: Command, tmp_path: Path, world: World
) -> None:
    kept: dict[str, bytes] = {}
    for i, (shards, files) in enumerate([(1, 1), (7, 4), (64, 11)]):
        folder = tmp_path / str(i)
        words = write(folder, world)
        (folder / "many").mkdir()
        for j, part in enumerate(np.array_split(world.references, files)):
            np.save(folder / "many" / f"part-{j}.npy", part)
        words[words.index(folder / "R.npy")] = folder / "many"
        assert here(*words, "--shards", shards).code == 0
        run = run_of(folder)
        names = ("metrics.json", "curves.json", "searches.npz", "candidates/all.txt")
        scores = sorted((run / "units" / "fold-all" / "scores").glob("matching.*"))
        found = {name: (run / name).read_bytes() for name in names}
        found |= {path.name: path.read_bytes() for path in scores}
        kept = kept or found
        assert len(found) == 6
        assert found == kept
        # The same vectors are the same run, whatever files they are spread over.
        assert run.name == run_of(tmp_path / "0").name


@pytest.mark.slow
def test_names_in_the_place_of_numbers_give_the_same_run(
    here: Command, tmp_path: Path, world: World, plain: dict[str, float]
) -> None:
    named = write(
        tmp_path / "names",
        world,
        header=("Reference", "PROBE"),
        pairs=[(f"ref {j}", f"søk {i}") for i, j in world.mated.tolist()],
    )
    (tmp_path / "p.txt").write_text("".join(f"søk {i}\n" for i in range(90)), encoding="utf-8")
    (tmp_path / "r.txt").write_text("".join(f"ref {j}\n" for j in range(2500)))
    options = ("--probe-names", tmp_path / "p.txt", "--reference-names", tmp_path / "r.txt")
    done = here(*named, *options)
    assert done.code == 0, done.err
    assert values(tmp_path / "names") == plain
    searches = read_searches((run_of(tmp_path / "names") / "searches.npz").read_bytes())
    assert searches[3].probe == "søk 3"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["<f2", "<f8", ">f4"])
def test_vectors_of_any_precision_and_order_are_read(
    here: Command, tmp_path: Path, world: World, plain: dict[str, float], dtype: str
) -> None:
    turned = np.asfortranarray(world.references.astype(dtype))
    done = here(*write(tmp_path, world, probes=world.probes.astype(dtype), references=turned))
    assert done.code == 0, done.err
    assert values(tmp_path)["hit-rate@rank=10"] == pytest.approx(
        plain["hit-rate@rank=10"], abs=0.03
    )


@pytest.mark.slow
def test_vectors_that_are_none_count_as_failures_and_are_said(
    here: Command, tmp_path: Path, world: World
) -> None:
    probes, references = world.probes.copy(), world.references.copy()
    probes[[4, 9]], references[17] = np.nan, np.inf
    references[30], probes[2] = 0, 0
    done = here(*write(tmp_path, world, probes=probes, references=references))
    assert done.code == 0, done.err
    assert "2 of 90 probes hold NaN or infinity and count as failures (rows 4, 9)" in done.err
    assert "1 of 2,500 references hold NaN or infinity" in done.err
    assert "1 of 2,500 references are zeros: their score with everything is 0 (rows 30)" in done.err
    metrics = json.loads((run_of(tmp_path) / "metrics.json").read_text())
    assert metrics["counts"]["failed_probes"] == 2
    assert metrics["counts"]["failed_references"] == 1
    assert here("verify", run_of(tmp_path)).code == 0


def test_a_copy_of_a_probe_among_the_references_is_said(
    here: Command, tmp_path: Path, few: World
) -> None:
    references = few.references.copy()
    references[120] = few.probes[7] * 2
    pairs = [pair for pair in few.mated.tolist() if pair != [7, 120]]
    done = here(*write(tmp_path, few, references=references, pairs=pairs))
    assert "1 probe has a reference with the same vector" in done.err
    assert "row 7" in done.err


@pytest.mark.slow
def test_lines_that_say_they_are_no_mates_are_not_taken_for_mates(
    here: Command, tmp_path: Path, world: World, plain: dict[str, float]
) -> None:
    others = np.argwhere(~world.truth)[:40].tolist()
    lines = [(i, j, 1) for i, j in world.mated.tolist()] + [(i, j, 0) for i, j in others]
    header = ("probe", "reference", "label")
    done = here(*write(tmp_path, world, header=header, pairs=[*lines, lines[0], lines[0]]))
    assert done.code == 0, done.err
    assert "40 lines say that they are no mates" in done.err
    assert "2 lines name a pair that another line names, too; it counts once" in done.err
    assert values(tmp_path) == plain


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"pairs": [(0, 2500)]},
            "reference 2,500 does not exist: there are 2,500, from 0 to 2,499",
        ),
        ({"pairs": [(90, 1)]}, "probe 90 does not exist"),
        ({"pairs": [(-1, 1)]}, "probe is '-1'; expected a row from 0 to 89"),
        ({"pairs": [(1.5, 1)]}, "probe is '1.5'; expected a row"),
        ({"pairs": [("a.png", 1)]}, "--probe-names FILE with a name for every row"),
        ({"pairs": []}, "names no mated pair"),
        ({"header": ("left", "right")}, "expected 'probe' and 'reference'"),
        (
            {"header": ("probe", "reference", "label"), "pairs": [(0, 1, "maybe")]},
            "label is 'maybe'; expected 1 for mates and 0 for others",
        ),
        (
            {"header": ("probe", "reference", "mated"), "pairs": [(0, 1, 1), (0, 1, 0)]},
            "no mates which another line says are mates",
        ),
        ({"probes": np.zeros((90, 16), np.float32)}, "all 90 probes are zeros"),
        ({"references": np.full((2500, 16), np.nan)}, "all 2,500 references hold NaN"),
        ({"probes": np.ones((90, 8), np.float32)}, "vectors of 8 numbers and"),
        ({"probes": np.ones((90, 16), np.int8)}, "holds int8; expected float16"),
        ({"references": np.array([[{}]], object)}, "pickled objects, and none is unpickled"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(
    here: Command, tmp_path: Path, world: World, changed: dict[str, Any], sentence: str
) -> None:
    done = here(*write(tmp_path, world, **changed))
    assert done.code == 2
    assert sentence in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("a\nb\n", "has 2 names, and there are 90 probes"),
        ("a\n" * 90, "'a' is the name of row 0 already"),
        ("".join(f"reference-{i}\n" for i in range(90)), "'reference-0' is the name of a probe"),
        ("".join(f"n{i}\n" for i in range(90)), "'0' is not the name of a probe"),
    ],
)
def test_names_that_fit_nothing_are_said(
    here: Command, tmp_path: Path, world: World, names: str, sentence: str
) -> None:
    pairs = [(name, 5) for name in names.split()[:1]]
    own = {} if "n0" in names else {"pairs": pairs}
    (tmp_path / "names.txt").write_text(names)
    done = here(*write(tmp_path, world, **own), "--probe-names", tmp_path / "names.txt")
    assert done.code == 2
    assert sentence in " ".join(done.err.split())


def test_an_interrupted_command_goes_on_and_does_nothing_twice(
    here: Command, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*write(tmp_path, world), "--shards", "2"]
    real, begun, stop = units.do_one, list[str](), True

    def stops(folder: Path, *rest: Any) -> None:
        begun.append(folder.name)
        if stop and folder.name == "count-0-00000-00001":
            raise KeyboardInterrupt
        real(folder, *rest)

    monkeypatch.setattr("harness.execution.matched.do_one", stops)
    assert here(*words).code == 130
    stop = False
    assert here(*words).code == 0
    twice = [name for name in set(begun) if begun.count(name) > 1]
    assert twice == ["count-0-00000-00001"]
    assert run_of(tmp_path)  # and nothing that is unfinished beside it


def test_all_mates_known_leaves_no_question_of_an_open_set(
    here: Command, tmp_path: Path, few: World
) -> None:
    mated = np.flatnonzero(few.truth.any(axis=1))
    assert len(mated) < len(few.probes)
    place = {int(old): new for new, old in enumerate(mated)}
    pairs = [(place[i], j) for i, j in few.mated.tolist()]
    done = here(*write(tmp_path, few, probes=few.probes[mated], pairs=pairs))
    assert done.code == 0, done.err
    assert not any(name.startswith(("fnir", "open-set")) for name in values(tmp_path))


def test_smaller_galleries_are_told_from_what_was_kept(
    here: Command, tmp_path: Path, world: World
) -> None:
    here(*write(tmp_path, world))
    folder = run_of(tmp_path)
    (told,) = json.loads(here("scale", folder, "--json").out)
    printed = values(tmp_path)
    whole = {
        (one["rate"], one["point"]["rank"], one["point"]["fpir"]): one["points"][-1]["estimate"]
        for one in told["curves"]
    }
    assert whole["hit-rate", 10, None]["value"] == printed["hit-rate@rank=10"]
    assert whole["fnir", 1, 0.1]["value"] == printed["fnir@fpir=0.1,rank=1"]
    assert whole["fpir", 1, 0.1]["value"] <= 0.1
    assert not told["notes"]
    # Galleries of 600 references, again and again.
    scores = scores_of(unit(world.probes.astype(float)), unit(world.references.astype(float)))
    point = next(one["point"] for one in told["curves"] if one["point"]["fpir"] == 0.1)
    (exact,) = json.loads(here("scale", folder, "--size", "600", "--json").out)
    rates = {
        one["rate"]: one["points"][0]["estimate"]["value"]
        for one in exact["curves"]
        if one["point"] == point
    }
    rng, returned = np.random.default_rng(0), []
    strangers = scores[~world.truth.any(axis=1)]
    for _ in range(300):
        chosen = rng.permutation(scores.shape[1])[:600]
        returned.append((strangers[:, chosen] >= point["threshold"]).any(axis=1).mean())
    assert rates["fpir"] == pytest.approx(np.mean(returned), abs=0.02)
    assert rates["fnir"] <= printed["fnir@fpir=0.1,rank=1"]
    # Where more references score so high than a list holds, there is no rate, and that is said.
    low = here("scale", folder, "--rank", "1", "--threshold", "-1")
    assert "no FPIR at scores from -1: more references score so" in low.out
    assert "False positive" not in low.out
    assert "Size of the gallery" in (folder / "report.html").read_text(encoding="utf-8")
