"""How the committed pictures were taken tells nothing of a tattoo: counted on all of them."""

from __future__ import annotations

import csv
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from harness.data.records import Fold
from harness.runs.shortcuts.evidence import answered_by, found_by
from harness.runs.shortcuts.features import border_of, file_of, size_of

MINI = Path(__file__).parents[3] / "fixtures" / "mini"
MATCHING = {
    "tattoo_identification": "tattoo",
    "region_of_interest": "tattoo",
    "mixed_media": "tattoo",
    "tattoo_similarity": "group",
    "tattoo_verification": "tattoo",
}


@cache
def rows() -> list[dict[str, str]]:
    with (MINI / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def features() -> dict[str, dict[str, np.ndarray]]:
    """Return size, file, colour and noise of the border, and mean colour of every picture."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for row in rows():
        if row["use_case"] == "background":
            continue
        data = (MINI / row["image"]).read_bytes()
        with PIL.Image.open(MINI / row["image"]) as image:
            pixels = np.asarray(image.convert("RGB"))
        border = border_of(pixels)
        found[row["image"]] = {
            "size": size_of(pixels.shape[1], pixels.shape[0]),
            "length": file_of(data)[:1],
            "tables": file_of(data)[1:],
            "border colour": border[:3],
            "border noise": border[3:],
            "mean colour": pixels.mean(axis=(0, 1)) / 255,
        }
    return found


FEATURES = ("size", "length", "tables", "border colour", "border noise", "mean colour")


@pytest.mark.parametrize("feature", FEATURES)
def test_pictures_of_one_tattoo_are_no_more_alike_than_others(feature: str) -> None:
    for use_case, key in MATCHING.items():
        named = [r for r in rows() if r["use_case"] == use_case]
        folds = []
        for fold in "12345":
            probes = [r for r in named if r["fold"] == fold and r["role"] == "probe"]
            gallery = [r for r in named if r["fold"] == fold and r["role"] == "reference"]
            mates = {(p["image"], g["image"]) for p in probes for g in gallery if p[key] == g[key]}
            here, there = (tuple(r["image"] for r in some) for some in (probes, gallery))
            folds.append(Fold(fold, (), here, there, mates=frozenset(mates)))
        vectors = {r["image"]: features()[r["image"]][feature] for r in named}
        found = found_by(folds, vectors, 1)
        assert found is not None
        # One of a thousand deals of the pictures would be above this.
        assert not found.above, (use_case, found)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("asked", ["label", "style"])
def test_how_a_picture_was_taken_does_not_say_what_it_shows(feature: str, asked: str) -> None:
    use_case = {"label": "tattoo_detection", "style": "tattoo_similarity"}[asked]
    named = [r for r in rows() if r["use_case"] == use_case]
    folds = [
        Fold(fold, (), tuple(r["image"] for r in named if r["fold"] == fold)) for fold in "12345"
    ]
    vectors = {r["image"]: features()[r["image"]][feature] for r in named}
    found = answered_by(folds, vectors, {r["image"]: r[asked] for r in named})
    assert found is not None
    assert not found.above, found


def test_the_shape_of_pictures_of_one_tattoo_varies_as_that_of_any_two() -> None:
    shape = {name: float(np.subtract(*seen["size"])) for name, seen in features().items()}
    for use_case, key in MATCHING.items():
        named = [r for r in rows() if r["use_case"] == use_case]
        within = [
            abs(shape[a["image"]] - shape[b["image"]])
            for a, b in combinations(named, 2)
            if a[key] == b[key]
        ]
        others = [
            abs(shape[a["image"]] - shape[b["image"]])
            for a, b in combinations(named, 2)
            if a[key] != b[key] and a["fold"] == b["fold"]
        ]
        # Three standard errors of the mean of as many differences.
        error = 3 * np.std(others) / len(within) ** 0.5
        assert np.mean(within) == pytest.approx(np.mean(others), abs=error), use_case


def test_tattoos_and_other_pictures_come_from_the_same_cameras() -> None:
    from scipy.stats import ks_2samp

    named = [r for r in rows() if r["use_case"] == "tattoo_detection"]
    for feature in FEATURES:
        for part in range(len(features()[named[0]["image"]][feature])):
            split = [
                [features()[r["image"]][feature][part] for r in named if r["label"] == label]
                for label in ("tattoo", "non-tattoo")
            ]
            assert ks_2samp(*split).pvalue > 1e-3, (feature, part)
