"""All pictures are decoded before anything slow, and all that cannot be are told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from harness.data.decoding import look_at_masks, say_orientations, undecodable
from harness.data.findings import Findings
from harness.data.records import Record
from tests.conftest import Ran, save_png

NOISE = np.random.default_rng(3).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def cut(path: Path, form: str) -> Path:
    """Write a picture whose end is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(NOISE).save(path, form)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
def test_a_truncated_picture_of_every_format_is_found(tmp_path: Path, form: str) -> None:
    path = cut(tmp_path / "a", form)
    (said,) = undecodable({"a": Record("a", path)}, ["a"], crop=False)
    assert said.startswith("'a' ")


def test_a_box_beside_its_picture_is_found_where_boxes_are_shown(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", NOISE)
    records = {"a": Record("a", tmp_path / "a.png", box=(100, 100, 120, 120))}
    assert undecodable(records, ["a"], crop=False) == []
    (said,) = undecodable(records, ["a"], crop=True)
    assert said == "'a' has 30 x 40 pixels, of which the box 100 100 120 120 shows nothing"


def test_clean_captures_are_looked_at_where_they_are_used(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", NOISE)
    save_png(tmp_path / "small.png", NOISE[:9])
    for clean, said in (
        (cut(tmp_path / "c.png", "PNG"), "the clean capture of 'a' is damaged"),
        (tmp_path / "small.png", "the clean capture of 'a' has 30 x 9 pixels, its image 30 x 40"),
    ):
        records = {"a": Record("a", tmp_path / "a.png", clean=clean)}
        assert undecodable(records, ["a"], crop=False) == []
        (found,) = undecodable(records, ["a"], crop=False, clean=True)
        assert found.startswith(said)


@pytest.mark.parametrize(
    ("label", "marked", "said"),
    [
        ("tattoo", np.zeros((40, 30)), "marks nothing, yet the label says 'tattoo'"),
        ("non-tattoo", np.full((40, 30), 255), "marks 100.0% of it, yet the label says"),
        (None, np.zeros((30, 40)), "has 40 x 30 pixels, its image 30 x 40"),
    ],
)
def test_masks_that_contradict_their_picture_or_label_are_found(
    tmp_path: Path, label: str | None, marked: np.ndarray, said: str
) -> None:
    save_png(tmp_path / "a.png", NOISE)
    save_png(tmp_path / "m.png", marked)
    record = Record("a", tmp_path / "a.png", label=label, mask=tmp_path / "m.png")
    (found,), _ = look_at_masks({"a": record}, ["a"])
    assert said in found


def test_a_run_names_all_damaged_pictures_at_once_and_starts_nothing(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    root = tmp_path / "set"
    rng = np.random.default_rng(0)
    for number in range(15):
        for side in "ab":
            path = root / f"t{number:02d}" / f"{side}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_png(path, rng.integers(0, 256, (20, 20, 3)))
    damaged = [f"t{number:02d}/b.png" for number in range(13)]
    for name in damaged:
        path = root / name
        path.write_bytes(path.read_bytes()[:700])
    ran = harness("run", "--protocol", "identification", "--algo", "colours", "--data", root)
    assert ran.code == 2
    assert "13 of 30 pictures cannot be used" in ran.err
    assert all(f"'{name}' is damaged or truncated" in ran.err for name in damaged)
    assert not (tmp_path / "work" / "runs").exists()


EXIF = {
    "cut": b"Exif\0\0II*\0\x08\0\0\0\x05\0",
    "far": b"Exif\0\0MM\0*\xff\xff\xff\xff",
    "no order": b"Exif\0\0XX\0*\0\0\0\x08\0\0\0\0\0\0",
    "nine": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0\0\0\0\0",
    "six": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    "nought": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0",
    "none": b"",
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
@pytest.mark.parametrize("kind", EXIF)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_pictures_whose_exif_data_do_not_say_how_they_lie_are_said(
    tmp_path: Path, kind: str, form: str
) -> None:
    path = tmp_path / "a.jpg"
    options = {"exif": EXIF[kind]} if EXIF[kind] else {}
    PIL.Image.fromarray(NOISE.astype(np.uint8)).save(path, form, **options)
    findings = Findings()
    say_orientations({"a": Record("a", path)}, ["a"], findings)
    said = [one.code for one in findings.all]
    expected = [] if kind in ("six", "nought", "none") else ["pictures-whose-orientation-is-lost"]
    assert said == expected
