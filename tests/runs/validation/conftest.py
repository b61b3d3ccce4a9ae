"""Small runs of one matcher on one made data set, of which groups are known to differ."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.conftest import run_harness, save_png

IDENTITIES, IMAGES = 60, 3
NOISE = {"fair": 190, "dark": 320}
"""Of the pictures, by the column `skin`: it is harder to tell dark ones apart."""


class Runs(NamedTuple):
    """Folders of runs of one algorithm, and the data set of all but `elsewhere`."""

    data: Path
    verification: Path
    identification: Path
    attacked: Path
    elsewhere: Path


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run `colours` once for all tests: verification, searches, and attacked ones."""
    place = tmp_path_factory.mktemp("validated")
    data, other = place / "pictures", place / "others"
    write_pictures(data, 3)
    write_pictures(other, 4)

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
    )


def write_pictures(root: Path, seed: int) -> None:
    """Write noisy pictures of patterns, an identity each; boxes have two sizes, skin two kinds."""
    rng = np.random.default_rng(seed)
    root.mkdir()
    rows = []
    for identity in range(IDENTITIES):
        pattern = rng.integers(0, 256, (4, 4, 3))
        skin = "fair" if identity % 2 else "dark"
        for image in range(IMAGES):
            name = f"i{identity:02d}-{image}.png"
            picture = np.kron(pattern, np.ones((3, 3, 1)))
            save_png(root / name, picture + rng.normal(0, NOISE[skin], picture.shape))
            box = "0 0 5 5" if identity < IDENTITIES // 3 else "0 0 11 11"
            rows.append((name, f"t{identity}", skin if identity else "", box, identity % 3 + 1))
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "tattoo", "skin", "box", "fold"))
        writer.writerows(rows)
