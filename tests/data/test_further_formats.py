"""HEIC and AVIF are read where a library is there, upright, within the limits; else they are said.

``pictures/*.heic`` show red, green, blue and white quarters of 32 x 16 pixels: plain, turned by 90
degrees, and with a left half that is transparent.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from harness.data import further_formats
from harness.data.formats import MEGAPIXELS, UnreadableImage, header_fault
from harness.data.images import decode, size_of
from harness.data.likeness import looks_of
from harness.data.readers.folders import read_folders
from harness.data.readers.layouts import open_dataset
from harness.data.readers.manifest import read_manifest
from tests.data.sets import lines, picture

PICTURES = Path(__file__).with_name("pictures")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)

HEIC = pytest.mark.skipif(further_formats.reader_of("HEIC") is None, reason="no library for HEIC")
AVIF = pytest.mark.skipif(further_formats.reader_of("AVIF") is None, reason="no AVIF in Pillow")


@pytest.fixture
def without_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which neither format is read."""
    for name in further_formats.LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    further_formats.reader_of.cache_clear()
    yield
    further_formats.reader_of.cache_clear()


def corners(path: Path) -> list[tuple[int, ...]]:
    """Colours in the corners, in the order of reading, to the nearest of black and full."""
    pixels = decode(path)
    found = [pixels[y, x] for y in (2, -3) for x in (2, -3)]
    return [tuple(round(v / 255) * 255 for v in colour) for colour in found]


def quarters() -> PIL.Image.Image:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :16], pixels[:8, 16:], pixels[8:, :16], pixels[8:, 16:] = RED, GREEN, BLUE, WHITE
    return PIL.Image.fromarray(pixels)


@HEIC
@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("plain.heic", (32, 16), [RED, GREEN, BLUE, WHITE]),
        ("turned.heic", (16, 32), [BLUE, RED, WHITE, GREEN]),
        ("alpha.heic", (32, 16), [WHITE, GREEN, WHITE, WHITE]),
    ],
)
def test_heic_is_read_upright_and_on_white(
    name: str, size: tuple[int, int], expected: list[tuple[int, ...]]
) -> None:
    assert corners(PICTURES / name) == expected
    assert size_of(PICTURES / name) == size
    assert decode(PICTURES / name).shape == (size[1], size[0], 3)


@AVIF
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_avif_is_read_upright(tmp_path: Path, orientation: int) -> None:
    image = quarters()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.avif", exif=exif.tobytes(), quality=90)
    turned = {
        1: [RED, GREEN, BLUE, WHITE],
        3: [WHITE, BLUE, GREEN, RED],
        6: [BLUE, RED, WHITE, GREEN],
        8: [GREEN, WHITE, RED, BLUE],
    }
    assert corners(tmp_path / "a.avif") == turned[orientation]
    assert size_of(tmp_path / "a.avif") == ((32, 16) if orientation < 5 else (16, 32))


@HEIC
@pytest.mark.parametrize("ending", [".heic", ".HEIC", ".heif", ".jpg"])
def test_folders_and_manifests_with_heic_are_data_sets_like_any(
    tmp_path: Path, ending: str
) -> None:
    (tmp_path / "a").mkdir()
    shutil.copy(PICTURES / "plain.heic", tmp_path / "a" / f"1{ending}")
    picture(tmp_path / "a" / "2.png")
    data = open_dataset(tmp_path)
    assert data.findings == ()
    assert sorted(data.records) == [f"a/1{ending}", "a/2.png"]
    listed = lines(tmp_path / "m.csv", ["image,tattoo", f"a/1{ending},a", "a/2.png,a"])
    assert open_dataset(listed).findings == ()
    looks = looks_of({"one": tmp_path / "a" / f"1{ending}"})
    assert looks.names == ("one",)


@HEIC
def test_heic_that_is_cut_off_too_large_or_no_picture_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = (PICTURES / "plain.heic").read_bytes()
    cut = tmp_path / "cut.heic"
    cut.write_bytes(raw[:-200])
    with pytest.raises(UnreadableImage, match="is damaged or truncated"):
        decode(cut)
    bare = tmp_path / "bare.heic"
    bare.write_bytes(raw[:24])
    assert header_fault(bare) == "is HEIC, and its header is damaged"
    video = tmp_path / "video.heic"
    video.write_bytes(b"\0\0\0\x14ftypqt  \0\0\2\0qt  " + bytes(50))
    assert "is a video" in str(header_fault(video))
    # 40,000 x 40,000 pixels, says the header.
    large = tmp_path / "large.heic"
    place = raw.index(b"ispe") + 8
    large.write_bytes(raw[:place] + (40_000).to_bytes(4, "big") * 2 + raw[place + 8 :])
    with pytest.raises(UnreadableImage, match="megapixels|header is damaged|Security limit"):
        decode(large)


@HEIC
def test_files_of_a_folder_that_only_claim_to_be_heic_are_skipped_and_said(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    for number in range(3):
        (tmp_path / "a" / f"IMG_{number}.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    data = read_folders(tmp_path)
    assert list(data.records) == ["a/1.png"]
    (said,) = data.warnings
    assert "skipped 3 pictures with the ending .heic: they cannot be opened" in said
    assert "'a/IMG_0.HEIC' is HEIC" in said


@pytest.mark.usefixtures("without_libraries")
@pytest.mark.parametrize(
    ("ending", "advice"),
    [
        (".HEIC", "'tattoo-harness[heic]'"),
        (".heif", "'tattoo-harness[heic]'"),
        (".avif", "'pillow>=11.3'"),
    ],
)
def test_without_a_library_they_are_counted_and_it_is_said_what_to_install(
    tmp_path: Path, ending: str, advice: str
) -> None:
    picture(tmp_path / "a" / "1.png")
    kind = b"avif" if ending == ".avif" else b"heic"
    for number in range(2):
        (tmp_path / "a" / f"x{number}{ending}").write_bytes(b"\0\0\0\x18ftyp" + kind + bytes(12))
    (said,) = read_folders(tmp_path).warnings
    assert said.startswith(f"skipped 2 pictures with the ending {ending.lower()}")
    assert f"pip install {advice}" in said
    named = lines(tmp_path / "m.csv", ["image,tattoo", f"a/x0{ending},a"])
    assert read_manifest(named).problems == ()
    (problem,) = open_dataset(named).problems
    assert f"pip install {advice}" in problem


@AVIF
@pytest.mark.parametrize("limit", ["1", "1.5", "900"])
def test_the_limit_is_the_users_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    PIL.Image.new("RGB", (1600, 1000)).save(tmp_path / "a.avif", speed=10)
    monkeypatch.setenv(MEGAPIXELS, limit)
    if limit == "900":
        assert decode(tmp_path / "a.avif").shape == (1000, 1600, 3)
    else:
        with pytest.raises(UnreadableImage, match="--megapixels 2"):
            decode(tmp_path / "a.avif")
