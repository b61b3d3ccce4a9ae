"""Train on one data set, test on another: what is learned from, what is judged, what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.readers.layouts import open_dataset
from harness.errors import DataError
from harness.execution.plan import plan
from harness.execution.pool import Limits
from harness.plugins.registry import find_protocol
from harness.runs.preparing import Prepared, Request, command, prepare
from harness.tasks.elsewhere import PREFIX, train_on
from harness.tasks.kinds import task_of
from harness.tasks.reading import read_protocol
from tests.conftest import Ran
from tests.data.sets import lines, picture

LEARNER = """
@dataclass
class Learner(Matcher):
    def fit(self, train):
        self.told_ = np.array([len(train.images), len(set(train.identities.tolist())),
                               np.mean([image.mean() for image in train.images])])

    def extract(self, image):
        return np.append(image.mean(axis=(0, 1)), self.told_)

    def save(self, folder):
        np.save(folder / "told.npy", self.told_)

    def load(self, folder):
        self.told_ = np.load(folder / "told.npy")
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder per identity: three of two images, and one of one."""
    for identity, number in (("a", 2), ("b", 2), ("c", 2), ("d", 1)):
        for k in range(number):
            picture(tmp_path / "other" / identity / f"f1g0p{k}.png")
    return tmp_path / "other"


def test_every_fold_learns_from_all_of_the_other_set_and_judges_as_before(
    small_set: Path, other: Path
) -> None:
    judged = open_dataset(small_set, use_case="tattoo_similarity")
    protocol, _ = read_protocol(find_protocol("similarity"))
    folds = task_of(protocol).lay_out(judged, protocol)
    both, new, told = train_on(judged, folds, open_dataset(other), mated_by="group", path="other")
    assert len(new) == len(folds) == 3
    assert len(told.images) == 7
    for before, after in zip(folds, new, strict=True):
        assert set(after.train) == told.images == {n for n in after.train if n.startswith(PREFIX)}
        assert (after.probes, after.gallery) == (before.probes, before.gallery)
        assert after.mates == before.mates
        truth = task_of(protocol).training_truth(after, both.records, protocol)
        assert sorted(truth["identities"].count(i) for i in set(truth["identities"])) == [
            1,
            2,
            2,
            2,
        ]
    assert all(both.records[name].path.is_file() for name in both.records)
    assert all(record.path.is_relative_to(both.root) for record in both.records.values())


def test_lists_of_the_other_set_say_what_is_mated_in_it(small_set: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_set, copy)
    for number, file in enumerate(sorted(copy.rglob("*.png"))):
        picture(file, value=number)
    judged = open_dataset(small_set, use_case="tattoo_similarity")
    theirs = open_dataset(copy, use_case="tattoo_similarity")
    protocol, _ = read_protocol(find_protocol("similarity"))
    folds = task_of(protocol).lay_out(judged, protocol)
    both, new, told = train_on(judged, folds, theirs, mated_by="group", path="copy")
    assert len(told.images) == len(theirs.records)
    truth = task_of(protocol).training_truth(new[0], both.records, protocol)
    # Twelve groups of two probes and two references.
    assert sorted(truth["identities"].count(i) for i in set(truth["identities"])) == [4] * 12
    assert len(truth["mated"]) == 12 * 4


def test_an_image_that_would_be_learned_from_and_judged_is_refused(
    small_set: Path, other: Path
) -> None:
    judged = open_dataset(small_set, use_case="tattoo_similarity")
    stolen = small_set / "tattoo_similarity" / "images" / "f2g1p1.png"
    shutil.copy(stolen, other / "a" / "innocent.png")
    protocol, _ = read_protocol(find_protocol("similarity"))
    folds = task_of(protocol).lay_out(judged, protocol)
    with pytest.raises(DataError, match=r"shares images") as caught:
        train_on(judged, folds, open_dataset(other), mated_by="group", path="other")
    assert "'f2g1p1.png' is 'a/innocent.png'" in str(caught.value)


def test_data_without_any_two_images_of_one_identity_teach_nothing(
    small_set: Path, tmp_path: Path
) -> None:
    picture(tmp_path / "x" / "1.png")
    picture(tmp_path / "x" / "2.png")
    path = lines(tmp_path / "x" / "manifest.csv", ["image,tattoo", "1.png,a", "2.png,b"])
    judged = open_dataset(small_set, use_case="tattoo_similarity")
    with pytest.raises(DataError, match="no two images of one 'group'"):
        train_on(judged, (), open_dataset(path), mated_by="group", path="x")


def test_runs_with_other_training_data_are_other_runs_on_the_same_judged_data(
    small_set: Path, other: Path, plugin: Callable[[str, str], Path], tmp_path: Path
) -> None:
    learner = str(plugin("learner", LEARNER))

    def prepared(train: Path | None) -> tuple[str, str]:
        request = Request((learner,), ("similarity",), small_set, train_data=train)
        (run,) = prepare(request)
        return run.identity, run.origin.data_hash

    plain, here = prepared(None), prepared(other)
    assert plain[0] != here[0]
    assert plain[1] == here[1]
    assert prepared(other) == here
    picture(other / "a" / "one more.png")
    more = prepared(other)
    assert more[0] != here[0]
    assert more[1] == here[1]


def test_a_run_fits_once_says_on_what_and_can_be_scored_and_verified(
    small_set: Path,
    other: Path,
    plugin: Callable[[str, str], Path],
    harness: Callable[..., Ran],
    tmp_path: Path,
) -> None:
    out = tmp_path / "runs"
    ran = harness(
        *("run", "--protocol", "similarity", "--algo", plugin("learner", LEARNER)),
        *("--data", small_set, "--train-data", other, "--out", out),
    )
    assert ran.code == 0, ran.err
    (folder,) = (place for place in (out / "similarity").iterdir() if place.is_dir())
    (told,) = folder.glob("units/*/model/told.npy")
    import numpy as np

    assert np.load(told)[:2].tolist() == [7, 4]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["dataset"]["trained_on"] == f"{other} (7 images)"
    assert manifest["dataset"]["name"] == f"{small_set.name}/tattoo_similarity"
    assert manifest["origin"]["training_hash"] == manifest["dataset"]["trained_on_hash"]
    assert f"--train-data {other}" in manifest["command"]
    assert str(other) in (folder / "report.html").read_text(encoding="utf-8")
    assert harness("verify", folder).code == 0
    ran = harness(
        *("run", "--protocol", "similarity", "--algo", plugin("learner", LEARNER)),
        *("--data", small_set, "--out", out),
    )
    (plain,) = (p for p in (out / "similarity").iterdir() if p.is_dir() and p != folder)
    compared = harness("compare", plain, folder)
    assert compared.code == 0, compared.err
    again = harness("score", folder)
    assert "the same as before" in again.err


def test_protocols_of_detectors_refuse_it(small_set: Path, other: Path) -> None:
    from harness.errors import UsageError

    with pytest.raises(UsageError, match="protocols of matchers"):
        prepare(Request(("constant",), ("detection",), small_set, train_data=other))


def test_a_recipe_is_drawn_from_in_every_fold_and_is_part_of_what_the_run_is(
    small_set: Path, plugin: Callable[[str, str], Path], tmp_path: Path
) -> None:
    learner, recipe = str(plugin("learner", LEARNER)), tmp_path / "mine.toml"
    text = "identities = 3\nimages = 4\ncaptures = 4\n"
    recipe.write_text(text, encoding="utf-8")

    def prepared() -> Prepared:
        given = Path(f"recipe:{recipe}")
        (run,) = prepare(Request((learner,), ("similarity",), small_set, train_data=given))
        return run

    one = prepared()
    assert all(not fold.train for fold in one.judged.folds)
    assert f"--train-data recipe:{recipe}" in command(one)
    units = [unit for wave in plan(one.entry, one.judged, Limits()) for unit in wave]
    (fit,) = (unit for unit in units if unit.training is not None)
    assert fit.training is not None
    assert fit.training.drawn is not None
    assert fit.training.drawn.digest == one.origin.training_hash
    recipe.write_text(text + "seed = 1\n", encoding="utf-8")
    assert prepared().identity != one.identity
    assert prepared().origin.data_hash == one.origin.data_hash
