"""Small runs of one matcher on one made data set, of which groups are known to differ."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from harness.record.record import read_run
from harness.runs.validation.criteria import parse_criteria
from harness.runs.validation.matrix import Validation, validate
from tests.conftest import run_harness, save_png

IDENTITIES, IMAGES = 60, 3
NOISE = {"fair": 190, "dark": 320}
"""Of the pictures, by the column `skin`: it is harder to tell dark ones apart."""
QUALITY = {"fair": 0.8, "dark": 0.3}
"""By the same column, of all but the first identity."""
FEW = 9
"""Identities of a set that supports nothing."""


class Runs(NamedTuple):
    """Folders of runs of one algorithm, and the data set of all but `elsewhere` and `few`."""

    data: Path
    verification: Path
    identification: Path
    attacked: Path
    elsewhere: Path
    few: Path


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run `colours` once for all tests: verification, searches, and attacked ones."""
    place = tmp_path_factory.mktemp("validated")
    data, other, few = place / "pictures", place / "others", place / "few"
    write_pictures(data, 3)
    write_pictures(other, 4)
    write_pictures(few, 5, FEW)

    def run(protocol: str, *more: str, on: Path = data) -> Path:
        words = ("--protocol", protocol, "--algo", "colours", "--data", on)
        ran = run_harness("run", *words, *more, "--json", "--out", place / "runs")
        assert ran.code == 0, ran.err
        (made,) = ran.json["runs"]
        return Path(made["folder"])

    return Runs(
        data,
        run("verification"),
        run("identification"),
        run("identification", "--attack", "unchanged"),
        run("verification", on=other),
        run("verification", on=few),
    )


class Others(NamedTuple):
    """Folders of searches like `Runs.identification`: of finer templates, and on other data."""

    finer: Path
    elsewhere: Path


@pytest.fixture(scope="session")
def others(runs: Runs) -> Others:
    """Run the searches again, once for all tests."""
    data, place = runs.data, runs.data.parent

    def run(on: Path, *more: str) -> Path:
        words = ("--protocol", "identification", "--algo", "colours", "--data", on)
        ran = run_harness("run", *words, *more, "--json", "--out", place / "runs")
        assert ran.code == 0, ran.err
        (made,) = ran.json["runs"]
        return Path(made["folder"])

    return Others(run(data, "--param", "cells=6"), run(place / "others"))


@pytest.fixture(scope="session")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of `sift`, which rates pictures, on a set that does so, too."""
    place = tmp_path_factory.mktemp("rated")
    write_pictures(place / "large", 6, 18, enlarged=16, noisy=0.02)
    words = ("--protocol", "verification", "--algo", "sift", "--data", place / "large")
    ran = run_harness("run", *words, "--json", "--out", place / "runs")
    assert ran.code == 0, ran.err
    (made,) = ran.json["runs"]
    return Path(made["folder"])


def write_pictures(
    root: Path, seed: int, identities: int = IDENTITIES, *, enlarged: int = 3, noisy: float = 1
) -> None:
    """Write noisy pictures of patterns, an identity each; boxes have two sizes, skin two kinds."""
    rng = np.random.default_rng(seed)
    root.mkdir()
    rows = []
    for identity in range(identities):
        pattern = rng.integers(0, 256, (4, 4, 3))
        skin = "fair" if identity % 2 else "dark"
        for image in range(IMAGES):
            name = f"i{identity:02d}-{image}.png"
            picture = np.kron(pattern, np.ones((enlarged, enlarged, 1)))
            save_png(root / name, picture + rng.normal(0, noisy * NOISE[skin], picture.shape))
            box = "0 0 5 5" if identity < identities // 3 else "0 0 11 11"
            known = (skin, QUALITY[skin]) if identity else ("", "")
            rows.append((name, f"t{identity}", *known, box, identity % 3 + 1))
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "tattoo", "skin", "quality", "box", "fold"))
        writer.writerows(rows)


def held(folders: list[Path], *rows: str, head: str = "") -> Validation:
    """Return the matrix of criteria whose rows are these."""
    text = 'title = "T"\n' + head + "".join(f"\n[[criterion]]\n{row}\n" for row in rows)
    return validate(folders, parse_criteria(text.encode(), "t.toml"), text.encode())[0]


def row(characteristic: str, metric: str, rest: str = "at-most = 0.5") -> str:
    """Return a row of a file of criteria."""
    return f'characteristic = "{characteristic}"\nmetric = "{metric}"\n{rest}'


def comparisons(folder: Path) -> list[tuple[float, str, str, bool]]:
    """Return score, images and truth of every comparison, read from the folder by hand."""
    run = read_run(folder)
    found = []
    for fold, answer in zip(run.folds, run.answers, strict=True):
        place = {name: i for i, name in enumerate(fold.probes)}
        for pairs, mated in ((fold.mates, True), (fold.nonmates, False)):
            for one, other in pairs:
                found.append((float(answer.scores[place[one], place[other]]), one, other, mated))
    return found
