"""A witness's words search a gallery: who is mated, what is counted, who can be asked."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.api import Matcher, describes
from harness.conformance import examine
from harness.conformance.questions import examine_question
from harness.data.formats import UnreadableImage
from harness.data.words import LONGEST, read_words
from harness.errors import DataError
from harness.metrics.identification import MISS, NO_MATE, median_rank
from harness.plugins.places import bundled
from harness.record.record import read_run
from harness.runs.preparing import Request, judged_by
from harness.runs.survey import survey
from harness.tasks.on_data import ProtocolOnData
from tests.conftest import Ran, run_harness, save_png

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

FIXTURE = bundled("fixtures") / "described"

# Colours are words here: a picture's mean against the mean of what is named.
COLOURS = '''
NAMED = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


@dataclass
class Named(Matcher):
    """Mean colour."""

    def extract(self, image):
        return image.mean(axis=(0, 1)) + 1.0

    def describe_text(self, query):
        assert isinstance(query, str) and query == " ".join(query.split())
        found = [colour for name, colour in NAMED.items() if name in query]
        if not found:
            raise FailureToEnroll("no colour in it")
        return np.mean(found, axis=0)
'''
SHADES = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200)}
SAID = {
    "d1.txt": ("something  red,\nI think", "t0", "red", ""),
    "d2.txt": ("<b>green</b> on the arm", "t1", "green", "arm"),
    "d3.txt": ("red & blue", "", "red blue", ""),
    "d4.txt": ("nothing", "t2", "", "neck"),
}
"""Words, tattoo, tags and site of each description."""


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Six tattoos of one or two colours in two photographs each, and four descriptions."""
    root = tmp_path / "described"
    root.mkdir()
    lines = ["image,tattoo,tags,site"]
    rng = np.random.default_rng(0)
    names = ["red", "green", "blue", "red blue", "red", "green"]
    for k, colours in enumerate(names):
        for take in "ab":
            picture = np.zeros((12, 12, 3)) + np.mean([SHADES[c] for c in colours.split()], axis=0)
            noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255)
            save_png(root / f"{k}{take}.png", noisy.astype(np.uint8))
            lines.append(f"{k}{take}.png,t{k},{colours},{'arm' if k % 2 else 'neck'}")
    for name, (words, tattoo, tags, site) in SAID.items():
        (root / name).write_text(words + "\n", encoding="utf-8")
        lines.append(f"{name},{tattoo},{tags},{site}")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    return root


def asked(data: Path, protocol: str = "description", count: int | None = 1) -> ProtocolOnData:
    return judged_by(protocol, Request((), (protocol,), data=data, fold_count=count))


def by_tattoo(tmp_path: Path) -> str:
    """Return a protocol that goes by the tattoo that was seen."""
    text = (bundled("protocols") / "description.toml").read_text()
    file = tmp_path / "seen.toml"
    file.write_text(text.replace('mated = "fits"', 'mated = "tattoo"'))
    return str(file)


def change(data: Path, old: str, new: str) -> None:
    file = data / "manifest.csv"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_every_picture_that_has_all_that_is_stated_is_mated(described: Path) -> None:
    (fold,) = asked(described).folds
    assert set(fold.gallery) == {f"{k}{take}.png" for k in range(6) for take in "ab"}
    found: dict[str, set[str]] = {}
    for probe, reference in fold.mates:
        found.setdefault(probe, set()).add(reference[0])
    # Red ones of four tattoos and not of one; site and tag together; a tattoo of both colours.
    assert found == {
        "d1.txt": {"0", "3", "4"},
        "d2.txt": {"1", "5"},
        "d3.txt": {"3"},
        "d4.txt": {"0", "2", "4"},
    }
    assert len(fold.mates) == 2 * sum(map(len, found.values()))


def test_by_tattoo_only_pictures_of_the_one_that_was_seen_are_mated(
    described: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"1 description has no tattoo .*'d3.txt'"):
        asked(described, by_tattoo(tmp_path))
    change(described, "d3.txt,,", "d3.txt,t5,")  # and what it states is wrong, which is allowed
    (fold,) = asked(described, by_tattoo(tmp_path)).folds
    assert fold.mates == {
        (f"d{n}.txt", f"{k}{take}.png")
        for n, k in ((1, 0), (2, 1), (3, 5), (4, 2))
        for take in "ab"
    }


def test_folds_share_no_tattoo_learn_from_pictures_alone_and_count_what_fits_nothing(
    described: Path,
) -> None:
    change(described, "d3.txt,,red blue", "d3.txt,,red green")
    judged = asked(described, count=2)
    records = judged.dataset.records
    for fold in judged.folds:
        tattoos = {records[name].tattoo for name in (*fold.probes, *fold.gallery)} - {None}
        assert tattoos.isdisjoint(records[name].tattoo for name in fold.train)
        assert all(name.endswith(".png") for name in (*fold.train, *fold.gallery))
        assert {probe for probe, _ in fold.mates} == set(fold.probes)
    assert sum("d3.txt" in fold.unmated for fold in judged.folds) == 1
    assert any("'d3.txt' has no mate" in one.text for one in judged.findings)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("d1.txt,t0,red", "d1.txt,t0,", "1 description has nothing .*'d1.txt'"),
        ("d1.txt,t0,red", "d1.txt,t0,blue", "a picture of their own tattoo does not have"),
    ],
)
def test_what_is_stated_must_be_there_and_true_of_the_tattoo_described(
    described: Path, old: str, new: str, words: str
) -> None:
    change(described, old, new)
    with pytest.raises(DataError, match=words):
        asked(described)


def test_a_set_without_descriptions_is_told_how_to_have_some(described: Path) -> None:
    lines = (described / "manifest.csv").read_text().splitlines()
    (described / "manifest.csv").write_text("\n".join(n for n in lines if ".txt" not in n) + "\n")
    with pytest.raises(DataError, match=r"has no description: a line .* with a text file"):
        asked(described)


def test_other_questions_leave_descriptions_out_and_say_so(described: Path) -> None:
    judged = asked(described, "identification")
    assert not any(name.endswith(".txt") for name in judged.names)
    assert any(one.text.startswith("4 descriptions are left out") for one in judged.findings)
    found = survey(described)
    assert (found.pictures, found.descriptions) == (12, 4)
    assert "description" in [answer.protocol for answer in found.answers if answer.can]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b" \n", "says nothing"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b"a\x00b", "characters that no text has"),
        (b"a" * (LONGEST + 1), "is longer than"),
    ],
)
def test_a_file_that_is_no_description_is_named_with_the_reason(
    described: Path, content: bytes, reason: str
) -> None:
    (described / "d1.txt").write_bytes(content)
    with pytest.raises(UnreadableImage, match=reason):
        read_words(described / "d1.txt")
    with pytest.raises(DataError) as refused:
        asked(described)
    assert any("'d1.txt'" in one and reason in one for one in refused.value.problems)


def run(out: Path, *words: str | Path) -> dict[str, Path]:
    """Return the folders of runs, by their algorithms."""
    done = run_harness("run", "--protocol", "description", *words, "--json", "--out", out)
    assert done.code == 0, done.err
    return {one["algorithm"]: Path(one["folder"]) for one in done.json["runs"]}


@pytest.fixture(scope="module")
def controls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of the controls on the shipped set, by name."""
    return run(tmp_path_factory.mktemp("controls"), "--algo", "oracle,constant,random")


@pytest.mark.parametrize(
    "executor", ["in-process", pytest.param("", marks=pytest.mark.own_workers)]
)
def test_words_are_compared_with_pictures_and_what_is_refused_is_a_miss(
    plugin: WriteFile, described: Path, tmp_path: Path, executor: str
) -> None:
    on = ("--on", executor) if executor else ()
    file = plugin("named", COLOURS)
    folder = run(tmp_path, "--algo", file, "--data", described, "--folds", "1", *on)["named"]
    found = read_run(folder)
    (fold,), (answer,) = found.folds, found.answers
    assert answer.failures == {"d4.txt": "no colour in it"}
    # Each score by hand: cosine of the mean colour and of what is named.
    from harness.data.images import decode

    named = {"d1.txt": (1, 0, 0), "d2.txt": (0, 1, 0), "d3.txt": (0.5, 0, 0.5)}
    for i, probe in enumerate(fold.probes):
        for j, reference in enumerate(fold.gallery):
            if probe in named:
                mean = decode(described / reference).mean(axis=(0, 1)) + 1.0
                word = np.array(named[probe])
                cosine = mean @ word / np.linalg.norm(mean) / np.linalg.norm(word)
                assert answer.scores[i, j] == pytest.approx(cosine, abs=1e-12)
    metrics = found.judge().metrics.pooled
    # One of four searches failed: a miss, behind all of the gallery.
    assert metrics["hit-rate@rank=1"].value == 0.75
    assert metrics["fte"].value == pytest.approx(1 / 16)
    assert metrics["median-rank"].value == 1
    assert found.manifest.costs["describe_text"].count == 4
    assert found.manifest.costs["extract"].count == 12
    assert run_harness("verify", folder).code == 0


def test_a_program_or_matcher_without_the_method_is_refused_with_a_sentence(
    harness: Command, plugin: WriteFile, described: Path
) -> None:
    deaf = plugin("deaf", COLOURS.partition("    def describe_text")[0])
    done = harness("run", "--protocol", "description", "--algo", deaf, "--data", described)
    assert done.code == 2
    assert "needs a Matcher that takes a witness's words (method `describe_text`)" in done.err
    assert "'deaf' is not" in done.err
    done = harness(
        *("run", "--protocol", "description", "--algo", "random", "--attack", "removal"),
        *("--data", described),
    )
    assert done.code == 2, done.err


def test_controls_stand_where_they_must_and_every_check_of_the_question_passes(
    controls: dict[str, Path],
) -> None:
    found: Any = {
        name: read_run(folder).judge().metrics.pooled for name, folder in controls.items()
    }
    assert found["oracle"]["hit-rate@rank=1"].value == found["oracle"]["map"].value == 1
    assert found["oracle"]["median-rank"].value == 1
    assert found["constant"]["hit-rate@rank=10"].value == 0
    chance = found["random"]["hit-rate@rank=1"]
    assert chance.chance_low <= chance.value <= chance.chance_high
    judged = judged_by("description", Request((), ("description",)))
    assert all(finding.passed for finding in examine_question(judged))


def test_every_figure_of_random_answers_agrees_with_one_computed_the_slow_way(
    controls: dict[str, Path],
) -> None:
    found: Any = read_run(controls["random"])
    with (FIXTURE / "manifest.csv").open() as file:
        lines = {line["image"]: line for line in csv.DictReader(file)}

    def words(name: str) -> set[str]:
        line = lines[name]
        return {w for w in (*line["tags"].split(), line["style"], line["site"]) if w}

    ranks, precisions, sizes = [], [], []
    rng = np.random.default_rng(0)
    shuffled: list[np.ndarray[Any, Any]] = []
    for fold, answer in zip(found.folds, found.answers, strict=True):
        for i, probe in enumerate(fold.probes):
            fits = np.array([words(probe) <= words(name) for name in fold.gallery])
            row = answer.scores[i]
            best = row[fits].max()
            ranks.append(1 + int((row[~fits] >= best).sum()))
            order = np.argsort(-row)
            hits = fits[order]
            precisions.append(np.mean((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits]))
            sizes.append(int(fits.sum()))
            places = rng.permuted(np.tile(np.arange(1, len(fits) + 1), (400, 1)), axis=1)
            shuffled.append(places[:, : sizes[-1]].min(axis=1))
    pooled = found.judge().metrics.pooled
    assert pooled["hit-rate@rank=1"].value == np.mean(np.array(ranks) == 1)
    assert pooled["hit-rate@rank=10"].value == np.mean(np.array(ranks) <= 10)
    assert pooled["map"].value == pytest.approx(np.mean(precisions))
    assert pooled["median-rank"].value == sorted(ranks)[(len(ranks) - 1) // 2]
    assert pooled["median-rank"].low <= pooled["median-rank"].value <= pooled["median-rank"].high
    medians = np.sort(np.array(shuffled), axis=0)[(len(ranks) - 1) // 2]
    assert abs(pooled["median-rank"].chance - np.median(medians)) <= 1
    # Parts by what is stated: they hold all searches, and their means make the whole.
    parts = [part["hit-rate@rank=1"] for part in found.judge().metrics.subsets.values()]
    assert sum(part.n for part in parts) == len(ranks)
    whole = sum(part.n * part.value for part in parts) / len(ranks)
    assert whole == pytest.approx(pooled["hit-rate@rank=1"].value)
    stated = [len(words(name)) for fold in found.folds for name in fold.probes]
    assert [part.n for part in parts] == [
        sum(min(n, 4) == k for n in stated) for k in sorted({min(n, 4) for n in stated})
    ]
    expected: dict[int, list[float]] = {}
    for size, gallery, n in zip(
        sizes, (len(f.gallery) for f in found.folds for _ in f.probes), stated, strict=True
    ):
        expected.setdefault(min(n, 4), []).append(size / gallery)
    assert [part.chance for part in parts] == pytest.approx(
        [np.mean(expected[k]) for k in sorted(expected)]
    )


def test_descriptions_of_one_tattoo_resample_together(controls: dict[str, Path]) -> None:
    found = read_run(controls["random"])
    outcome = found.judge()
    assert all(one.identity == found.records[one.probe].tattoo for one in outcome.searches)
    assert outcome.metrics.counts["identities"] == 40


def test_two_runs_are_compared_and_gated(controls: dict[str, Path], tmp_path: Path) -> None:
    one, other = controls["oracle"], controls["random"]
    compared = run_harness("compare", one, other, "--json")
    assert compared.code == 0, compared.err
    page = tmp_path / "page.html"
    assert run_harness("compare", one, other, "--out", page).code == 0
    assert '<p class="said">' in page.read_text()
    assert run_harness("gate", "--candidate", one, "--baseline", one).code == 0
    assert run_harness("gate", "--candidate", other, "--baseline", one).code == 1


def test_features_of_pictures_are_not_looked_for_in_words(controls: dict[str, Path]) -> None:
    done = run_harness("checks", controls["random"])
    assert "not applicable  shortcut: the probes are words" in done.out


def test_the_report_shows_the_words_escaped(
    plugin: WriteFile, described: Path, tmp_path: Path
) -> None:
    file = plugin("named", COLOURS)
    folder = run(tmp_path, "--algo", file, "--data", described, "--folds", "1")["named"]
    page = (folder / "report.html").read_text()
    assert '<p class="said">&lt;b&gt;green&lt;/b&gt; on the arm</p>' in page
    assert "Exact words and vague ones" in page


@pytest.mark.parametrize("seed", range(5))
def test_the_median_rank_is_the_lowest_within_which_half_of_the_searches_hit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranks = rng.integers(0, 9, size=int(rng.integers(1, 12)))
    mated = ranks[ranks != NO_MATE]
    if not len(mated):
        assert np.isnan(median_rank(ranks))
        return
    slow = next(r for r in range(1, 10) if np.mean(mated <= r) >= 0.5)
    assert median_rank(ranks) == slow
    assert median_rank(np.array([MISS, MISS, 1])) == np.inf


WRONG = {
    "no array": "        return query\n",
    "another each time": "        return np.random.default_rng().normal(size=3)\n",
    "too short": "        return np.ones(2)\n",
    "deaf": '        raise FailureToEnroll("what?")\n',
}


@pytest.mark.parametrize("fault", [None, *WRONG])
def test_the_kit_finds_what_is_wrong_with_templates_of_words(
    plugin: WriteFile, tmp_path: Path, fault: str | None
) -> None:
    from harness.plugins.registry import find_algorithm, load

    body = COLOURS.replace('"red"', '"dark"')
    if fault:
        body = body.partition("        assert")[0] + WRONG[fault]
    kind = load(find_algorithm(str(plugin("named", body))))
    assert describes(kind)
    assert not describes(Matcher)
    found = {one.name: one for one in examine(kind, folder=tmp_path)}
    assert found["words compare with pictures"].passed is (fault is None)


def test_what_synthetic_witnesses_state_is_what_they_say_and_true() -> None:
    with (FIXTURE / "manifest.csv").open() as file:
        lines = list(csv.DictReader(file))
    pictures = [line for line in lines if line["image"].endswith(".jpg")]
    known = {w for p in pictures for w in (*p["tags"].split(), p["style"], p["site"])}
    plain = {word: word.replace("_", " ").replace("-", " ") for word in known}
    for line in lines:
        if not line["image"].endswith(".txt"):
            continue
        text = (FIXTURE / line["image"]).read_text()
        stated = {w for w in (*line["tags"].split(), line["style"], line["site"]) if w}
        assert all(plain[word] in text for word in stated)
        own = [p for p in pictures if p["tattoo"] == line["tattoo"]]
        assert all(stated <= {*p["tags"].split(), p["style"], p["site"]} for p in own)
        # Whatever else of the set's words stands there is part of one that is stated.
        rest = text
        for word in sorted(stated, key=len, reverse=True):
            rest = rest.replace(plain[word], " ")
        said = set(rest.replace(",", " ").replace(":", " ").split())
        assert said.isdisjoint(plain.values())
