"""Runs on real images, where they are at hand: Omniglot's drawings and emoji by four artists.

They are looked for in the folder that HARNESS_REAL_DATA names, or in `shared/data` beside the
checkout, as `omniglot/omniglot28.zip` and `emoji4/`; without them the tests are skipped.
"""

from __future__ import annotations

import csv
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from harness.plugins.places import PACKAGE
from tests.conftest import run_harness

DATA = Path(os.environ.get("HARNESS_REAL_DATA", PACKAGE.parent.parent / "shared" / "data"))
OMNIGLOT, EMOJI = DATA / "omniglot" / "omniglot28.zip", DATA / "emoji4"


@pytest.mark.slow
@pytest.mark.skipif(not OMNIGLOT.is_file(), reason=f"Omniglot is not at {OMNIGLOT}")
def test_omniglot_is_searched_as_one_folder_per_character(tmp_path: Path) -> None:
    root = tmp_path / "omniglot"
    with zipfile.ZipFile(OMNIGLOT) as archive:
        for name in archive.namelist():
            # Two of the alphabets to learn from, and two to search.
            if name.startswith(("Greek/", "Latin/", "Tengwar/", "Glagolitic/")):
                archive.extract(name, root)
    ran = run_harness(
        *("run", "--protocol", "omniglot", "--algo", "sift", "--data", root, "--json"),
        *("--out", tmp_path / "runs"),
    )
    assert ran.code == 0, ran.err
    metrics = ran.json["runs"][0]["metrics"]
    assert metrics["counts"]["searches"] == metrics["counts"]["references"] == 70
    assert metrics["counts"]["training_images"] == 50 * 20
    headline = metrics["pooled"]["hit-rate@rank=1"]
    assert headline["low"] > headline["chance_high"]


@pytest.mark.skipif(not EMOJI.is_dir(), reason=f"the emoji are not at {EMOJI}")
def test_line_art_is_searched_in_colour_drawings_through_a_manifest(tmp_path: Path) -> None:
    root = tmp_path / "emoji"
    rows = []
    with (EMOJI / "metadata.csv").open(encoding="utf-8") as file:
        designs = [row["hexcode"] for row in csv.DictReader(file) if row["group"] == "objects"]
    for design in designs[:120]:
        for artist, medium, role in (
            ("openmoji_line", "sketch", "probe"),
            ("twemoji", "photo", "reference"),
        ):
            name = f"{artist}/{design}.png"
            (root / artist).mkdir(parents=True, exist_ok=True)
            shutil.copy(EMOJI / "images" / name, root / name)
            rows.append([name, design, medium, role])
    with (root / "set.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["image", "tattoo", "media", "role"], *rows])
    ran = run_harness(
        *("run", "--protocol", "mixed-media", "--algo", "colours", "--json"),
        *("--data", root / "set.csv", "--out", tmp_path / "runs"),
    )
    assert ran.code == 0, ran.err
    metrics = ran.json["runs"][0]["metrics"]
    assert metrics["counts"]["searches"] == 120
    assert metrics["counts"]["folds"] == 5
    headline = metrics["pooled"]["hit-rate@rank=10"]
    assert headline["low"] > headline["chance"]
