"""What size, file, border and mean colour find, against brute force and against chance."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from harness.data.records import Fold, Record
from harness.plugins.registry import find_protocol
from harness.runs.shortcuts.evidence import FEATURES, Evidence, answered_by, found_by, shortcuts
from harness.runs.shortcuts.features import border_of, file_of, mean_colour_of, noise_of
from harness.tasks.reading import read_protocol


def folds_of(
    rng: np.random.Generator, leak: float, number: int = 3
) -> tuple[list[Fold], dict[str, np.ndarray]]:
    """Return folds of 15 tattoos with a probe and two mates, and one feature that leaks or not."""
    folds, vectors = [], {}
    for f in range(number):
        mates = set()
        for k in range(15):
            own = rng.normal()
            for name in (f"{f}p{k}", f"{f}a{k}", f"{f}b{k}"):
                vectors[name] = np.array([leak * own + (1 - leak) * rng.normal()])
            mates |= {(f"{f}p{k}", f"{f}a{k}"), (f"{f}p{k}", f"{f}b{k}")}
        gallery = tuple(f"{f}{m}{k}" for k in range(15) for m in "ab")
        probes = tuple(f"{f}p{k}" for k in range(15))
        folds.append(Fold(str(f), (), probes, gallery, mates=frozenset(mates)))
    return folds, vectors


def test_a_feature_that_mates_share_is_above_chance_and_another_is_not() -> None:
    folds, vectors = folds_of(np.random.default_rng(1), leak=0.98)
    told = found_by(folds, vectors, 2)
    assert told is not None
    assert told.above
    assert told.number == 45
    blind = found_by(*folds_of(np.random.default_rng(2), leak=0.0), 2)
    assert blind is not None
    assert not blind.above
    # 1 - C(28, 2) / C(30, 2): two of thirty references are mates, two are looked at.
    assert blind.chance == pytest.approx(1 - 28 * 27 / (30 * 29), abs=0.01)


def test_the_share_found_is_that_of_a_search_done_by_hand() -> None:
    folds, vectors = folds_of(np.random.default_rng(3), leak=0.6)
    hits = []
    for fold in folds:
        for probe in fold.probes:
            near = sorted(fold.gallery, key=lambda r: abs(vectors[r][0] - vectors[probe][0]))[:3]
            hits.append(any((probe, one) in fold.mates for one in near))
    found = found_by(folds, vectors, 3)
    assert found is not None
    assert found.value == pytest.approx(np.mean(hits))


def test_chance_alone_seldom_counts_as_evidence() -> None:
    alarms = 0
    for seed in range(60):
        found = found_by(*folds_of(np.random.default_rng(seed), leak=0.0, number=2), 1)
        alarms += found is not None and found.above
    assert alarms <= 1  # .06 are expected


def test_pictures_all_alike_find_nothing() -> None:
    folds, vectors = folds_of(np.random.default_rng(4), leak=0.5)
    found = found_by(folds, {name: np.zeros(1) for name in vectors}, 1)
    assert found is not None
    assert not found.above
    assert found_by([Fold("1", (), ("a",), ("b",))], {"a": np.zeros(1), "b": np.ones(1)}, 1) is None


def test_a_picture_is_not_found_by_itself() -> None:
    names = tuple(f"i{k}" for k in range(20))
    mates = frozenset((f"i{k}", f"i{k + 1}") for k in range(0, 20, 2))
    rng = np.random.default_rng(5)
    fold = Fold("1", (), names, names, mates=mates)
    found = found_by([fold], {name: rng.normal(size=1) for name in names}, 1)
    assert found is not None
    assert found.number == 20
    assert found.value < 0.5


def answers(leak: float, seed: int = 0) -> Evidence | None:
    rng = np.random.default_rng(seed)
    labels = {
        f"{f}i{k}": "yes" if rng.random() < 0.6 else "no" for f in range(4) for k in range(40)
    }
    vectors = {
        name: np.array([leak * (label == "yes") + rng.normal(), rng.normal()])
        for name, label in labels.items()
    }
    folds = [Fold(str(f), (), tuple(f"{f}i{k}" for k in range(40))) for f in range(4)]
    return answered_by(folds, vectors, labels)


def test_a_feature_that_tells_the_answer_is_above_the_most_frequent_answer() -> None:
    told, blind = answers(3.0), answers(0.0)
    assert told is not None
    assert blind is not None
    assert told.above
    assert told.value > 0.85
    assert not blind.above
    assert 0.45 < blind.chance < 0.65


def test_there_is_nothing_to_tell_where_all_answers_are_one() -> None:
    folds = [Fold("1", (), ("a", "b")), Fold("2", (), ("c",))]
    same = dict.fromkeys("abc", "yes")
    assert answered_by(folds, {n: np.ones(2) for n in "abc"}, same) is None


@pytest.fixture
def leaky(tmp_path: Path) -> tuple[list[Fold], dict[str, Record]]:
    """Tattoos of which each has pictures of one size of its own."""
    rng = np.random.default_rng(6)
    folds, records = [], {}
    for f in range(2):
        mates = set()
        for k in range(10):
            side = 30 + 3 * k
            for role in "pr":
                name = f"{f}{role}{k}.png"
                pixels = rng.integers(0, 256, (side, 60, 3), dtype=np.uint8)
                PIL.Image.fromarray(pixels).save(tmp_path / name)
                records[name] = Record(name, tmp_path / name)
            mates.add((f"{f}p{k}.png", f"{f}r{k}.png"))
        probes, gallery = (tuple(f"{f}{r}{k}.png" for k in range(10)) for r in "pr")
        folds.append(Fold(str(f), (), probes, gallery, mates=frozenset(mates)))
    return folds, records


def protocol(name: str = "similarity") -> Any:
    return read_protocol(find_protocol(name))[0]


def test_a_run_is_told_what_finds_mates_beside_the_tattoo(
    leaky: tuple[list[Fold], dict[str, Record]],
) -> None:
    found = {finding.code: finding for finding in shortcuts(*leaky, protocol("mixed-media"))}
    # Pixels are noise: the length of a file follows from its size, the border tells nothing.
    assert set(found) == {"shortcut-size", "shortcut-file"}
    assert found["shortcut-size"].severity == "warning"
    assert "finds the mate first in 100.0 % of the searches" in found["shortcut-size"].text


def test_a_picture_that_cannot_be_read_is_for_the_run_to_report(
    leaky: tuple[list[Fold], dict[str, Record]],
) -> None:
    folds, records = leaky
    records["0p0.png"].path.write_bytes(b"no picture")
    assert shortcuts(folds, records, protocol()) == []


def test_features_of_a_jpeg_are_its_tables_and_those_of_a_png_are_none() -> None:
    pixels = PIL.Image.fromarray(np.full((40, 60, 3), 90, np.uint8))
    files = {}
    for quality in (50, 90):
        data = io.BytesIO()
        pixels.save(data, "JPEG", quality=quality)
        files[quality] = file_of(data.getvalue())
    assert files[50][1] > files[90][1] > 0
    data = io.BytesIO()
    pixels.save(data, "PNG")
    assert np.array_equal(file_of(data.getvalue())[1:], np.zeros(5))
    assert np.array_equal(file_of(b"")[1:], np.zeros(5))


@pytest.mark.parametrize("sigma", [2.0, 6.0, 12.0])
def test_the_noise_of_a_flat_border_is_measured(sigma: float) -> None:
    rng = np.random.default_rng(7)
    grey = 120 + rng.normal(0, sigma, (400, 300, 1))
    image = np.clip(grey.repeat(3, axis=2), 0, 255).astype(np.uint8)
    assert noise_of((image,)) == pytest.approx(sigma, rel=0.15)
    assert border_of(image)[:3] == pytest.approx(120 / 255, abs=0.01)
    assert border_of(image[:1, :1]).shape == (4,)
    assert noise_of(()) == 0


def test_a_task_without_a_gallery_is_asked_for_its_own_column_or_for_nothing(
    leaky: tuple[list[Fold], dict[str, Record]],
) -> None:
    _, records = leaky
    asked = [Fold(str(part), (), tuple(sorted(records)[part::4])) for part in range(4)]
    told = {
        name: replace(r, label="tattoo" if int(name[2]) > 4 else "non-tattoo", tags=("a",))
        for name, r in records.items()
    }
    codes = [one.code for one in shortcuts(asked, told, protocol("detection"))]
    assert "shortcut-size" in codes
    assert "shortcut-border" not in codes
    assert shortcuts(asked, told, protocol("tagging")) == []
    assert shortcuts(asked, told, protocol("style")) == []


def tinted(
    place: Path, *, shared: bool, inside: bool = False
) -> tuple[list[Fold], dict[str, Record]]:
    """Write noise within one grey frame, tinted alike where mates share it, each by itself else.

    The tint is all that mates can share: sizes, borders and lengths of files are the same for all.
    It fills the picture within the frame, or with `inside` the record's box alone, and what is
    round the box has a tint that nobody shares.
    """
    rng = np.random.default_rng(8)
    folds, records = [], {}
    for f in range(2):
        mates = set()
        for k in range(10):
            tint = rng.uniform(60, 190, 3)
            for role in "pr":
                name = f"{f}{role}{k}.png"
                pixels = rng.normal(128, 20, (60, 60, 3))
                own = rng.uniform(60, 190, 3)
                pixels[6:-6, 6:-6] += (tint if shared and not inside else own) - 128
                if inside:
                    pixels[25:35, 25:35] = rng.normal(tint, 20, (10, 10, 3))
                # Without compression all files are of one length.
                image = PIL.Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
                image.save(place / name, compress_level=0)
                records[name] = Record(name, place / name, box=(25, 25, 35, 35))
            mates.add((f"{f}p{k}.png", f"{f}r{k}.png"))
        probes, gallery = (tuple(f"{f}{r}{k}.png" for k in range(10)) for r in "pr")
        folds.append(Fold(str(f), (), probes, gallery, mates=frozenset(mates)))
    return folds, records


@pytest.mark.parametrize("shared", [True, False])
def test_mates_of_one_tint_are_found_by_mean_colour_and_of_their_own_tints_by_nothing(
    tmp_path: Path, shared: bool
) -> None:
    found = shortcuts(*tinted(tmp_path, shared=shared), protocol("mixed-media"))
    assert [one.code for one in found] == ["shortcut-mean-colour"] * shared
    for one in found:
        assert "mean colour of the pictures alone finds the mate first" in one.text
        assert "light, camera, skin and ink all make it" in one.text
        assert one.text.endswith("run the control 'mean-colour' beside it")


@pytest.mark.parametrize("crop", [True, False])
def test_the_mean_colour_is_that_of_what_a_protocol_shows(tmp_path: Path, crop: bool) -> None:
    asked = protocol("mixed-media")
    asked = asked.model_copy(update={"data": asked.data.model_copy(update={"crop": crop})})
    found = shortcuts(*tinted(tmp_path, shared=True, inside=True), asked)
    assert ("shortcut-mean-colour" in [one.code for one in found]) is crop


def test_the_mean_colour_is_the_sum_of_all_pixels_wherever_they_lie() -> None:
    rng = np.random.default_rng(9)
    image = rng.integers(0, 256, (7, 5, 3), dtype=np.uint8)
    sums = [sum(int(v) for v in image[:, :, k].ravel().tolist()) for k in range(3)]
    assert mean_colour_of(image) == pytest.approx([one / (35 * 255) for one in sums], abs=1e-15)
    elsewhere = rng.permutation(image.reshape(-1, 3)).reshape(5, 7, 3)
    assert mean_colour_of(elsewhere) == pytest.approx(mean_colour_of(image), abs=1e-15)
    assert mean_colour_of(np.full((1, 1, 3), 255, np.uint8)).tolist() == [1.0, 1.0, 1.0]


def test_a_large_jpeg_that_is_decoded_small_has_the_mean_colour_of_the_whole(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(10)
    picture = np.kron(rng.integers(0, 256, (8, 10, 3)), np.ones((130, 130, 1))).astype(np.uint8)
    PIL.Image.fromarray(picture).save(tmp_path / "large.jpg", quality=90)
    found = FEATURES["mean-colour"](tmp_path / "large.jpg", None)
    # A hundredth of what pictures of a set differ by.
    assert found == pytest.approx(mean_colour_of(picture), abs=0.002)
