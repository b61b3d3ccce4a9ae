"""Masks are read as what they mark, however tools write them; others are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from harness.data.decoding import look_at_masks, say_masks, say_same_files
from harness.data.findings import Findings
from harness.data.formats import UnreadableImage
from harness.data.masks import (
    ALPHA,
    COLOURS,
    LEVELS,
    PALETTE,
    SEVERAL,
    SIGNED,
    read_mask,
    read_mask_as,
)
from harness.data.records import Record

MARKED = np.zeros((6, 9), dtype=bool)
MARKED[1:4, 2:7] = True


def written(tmp_path: Path, values: np.ndarray, mode: str | None = None) -> Path:
    path = tmp_path / "m.png"
    PIL.Image.fromarray(values, mode).save(path) if mode else PIL.Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize("high", [1, 2, 38, 100, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_two_values_are_nothing_and_the_tattoo(tmp_path: Path, high: int, kind: type) -> None:
    values = np.where(MARKED, kind(high), kind(0)).astype(kind)
    found, taken = read_mask_as(written(tmp_path, values))
    assert np.array_equal(found, MARKED)
    assert taken == ("" if high == 255 else LEVELS)
    assert not found.flags.writeable


def test_sixteen_bits_and_one_bit_are_read_by_their_own_white(tmp_path: Path) -> None:
    deep = np.where(MARKED, np.uint16(65535), np.uint16(0))
    assert np.array_equal(read_mask(written(tmp_path, deep)), MARKED)
    assert np.array_equal(read_mask(written(tmp_path, MARKED)), MARKED)


def test_soft_edges_are_cut_in_the_middle(tmp_path: Path) -> None:
    values = np.where(MARKED, 255, 0).astype(np.uint8)
    values[0, 0], values[0, 1] = 127, 128
    found = read_mask(written(tmp_path, values))
    assert (found[0, 0], found[0, 1]) == (False, True)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 10, 10)])
def test_an_alpha_channel_marks_what_is_opaque(tmp_path: Path, colour: tuple[int, ...]) -> None:
    values = np.zeros((6, 9, 4), np.uint8)
    values[..., :3] = colour
    values[..., 3] = np.where(MARKED, 255, 0)
    found, taken = read_mask_as(written(tmp_path, values))
    assert np.array_equal(found, MARKED)
    assert taken == ALPHA


def test_of_an_opaque_part_that_is_light_and_dark_the_light_is_marked(tmp_path: Path) -> None:
    values = np.zeros((6, 9, 4), np.uint8)
    values[..., 3], values[0, :, 3] = 255, 0
    values[MARKED, :3] = 255
    assert np.array_equal(read_mask(written(tmp_path, values)), MARKED)


def test_an_alpha_channel_without_holes_says_nothing(tmp_path: Path) -> None:
    values = np.full((6, 9, 4), 255, np.uint8)
    values[..., :3] = np.where(MARKED, 255, 0)[..., None]
    assert np.array_equal(read_mask(written(tmp_path, values)), MARKED)


@pytest.mark.parametrize("colour", [(0, 255, 0), (128, 0, 0), (0, 0, 200), (255, 0, 255)])
def test_a_colour_on_black_marks(tmp_path: Path, colour: tuple[int, ...]) -> None:
    values = np.zeros((6, 9, 3), np.uint8)
    values[MARKED] = colour
    found, taken = read_mask_as(written(tmp_path, values))
    assert np.array_equal(found, MARKED)
    assert taken == COLOURS


@pytest.mark.parametrize("colour", [(128, 0, 0), (64, 0, 0), (255, 255, 255)])
def test_a_palette_marks_all_but_its_first_colour_if_that_is_black(
    tmp_path: Path, colour: tuple[int, ...]
) -> None:
    image = PIL.Image.fromarray(MARKED.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, *colour])
    image.save(tmp_path / "m.png")
    found, taken = read_mask_as(tmp_path / "m.png")
    assert np.array_equal(found, MARKED)
    assert taken == ("" if colour == (255, 255, 255) else PALETTE)


@pytest.mark.parametrize(("level", "all_of_it"), [(0, False), (255, True)])
def test_one_level_marks_everything_or_nothing(
    tmp_path: Path, level: int, *, all_of_it: bool
) -> None:
    found = read_mask(written(tmp_path, np.full((6, 9), level, np.uint8)))
    assert found.all() == all_of_it
    assert found.any() == all_of_it


def test_classes_and_pictures_are_refused_with_what_to_write(tmp_path: Path) -> None:
    classes = np.where(MARKED, 1, 0).astype(np.uint8)
    classes[5] = 2
    gray = np.arange(54, dtype=np.uint8).reshape(6, 9) * 4 + 30
    colours = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    ignored = np.where(MARKED, 1, 0).astype(np.uint8)
    ignored[5] = 255
    trimap = np.where(MARKED, 255, 0).astype(np.uint8)
    trimap[4] = 128
    for values, said in (
        (ignored, "its values are 0, 1, 255, as those of classes"),
        (trimap, "its values are 0, 128, 255, as those of classes"),
        (classes, "its values are 0, 1, 2, as those of classes"),
        (gray, "are neither black nor white"),
        (colours, "is a picture in colours"),
    ):
        with pytest.raises(UnreadableImage, match=said) as caught:
            read_mask(written(tmp_path, values))
        assert "write 255 where the tattoo is" in str(caught.value)


def test_a_mask_is_turned_as_its_picture_is(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image = PIL.Image.fromarray(np.where(MARKED, 255, 0).astype(np.uint8))
    image.save(tmp_path / "m.png", exif=exif)
    assert np.array_equal(read_mask(tmp_path / "m.png"), np.rot90(MARKED, -1))


@pytest.mark.parametrize("levels", [(1, 2), (3, 100), (200, 255), (7, 7)])
def test_two_values_on_one_side_of_the_middle_say_nothing(
    tmp_path: Path, levels: tuple[int, int]
) -> None:
    values = np.full((6, 8), levels[0], np.uint8)
    values[2:4, 3:6] = levels[1]
    PIL.Image.fromarray(values).save(tmp_path / "m.png")
    with pytest.raises(UnreadableImage, match="which does not say where the tattoo is"):
        read_mask(tmp_path / "m.png")


@pytest.mark.parametrize("colour", [(0, 0, 40), (9, 9, 8), (0, 60, 0)])
def test_one_dark_colour_on_black_marks(tmp_path: Path, colour: tuple[int, ...]) -> None:
    values = np.zeros((6, 8, 3), np.uint8)
    values[2:4, 3:6] = colour
    PIL.Image.fromarray(values).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").sum() == 6


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_masks_that_mark_the_skin_are_said(tmp_path: Path, mode: str) -> None:
    records = {}
    for name in ("a", "b", "c"):
        values = np.full((20, 20), 255, np.uint8)
        values[5:12, 6:14] = 0
        if name == "c":
            values = 255 - values
        PIL.Image.fromarray(values).convert(mode).save(tmp_path / f"{name}.mask.png")
        PIL.Image.new("RGB", (20, 20), (90, 80, 70)).save(tmp_path / f"{name}.png")
        records[name] = Record(
            name, tmp_path / f"{name}.png", label="tattoo", mask=tmp_path / f"{name}.mask.png"
        )
    faults, taken = look_at_masks(records, records)
    findings = Findings()
    say_masks(taken, findings)
    assert faults == []
    (said,) = findings.warnings
    assert said.startswith("2 masks mark most of their picture and its whole border")


@pytest.mark.parametrize("high", [1, 100, 127])
@pytest.mark.parametrize("grey", [0, 255, 90])
def test_an_alpha_channel_of_two_values_marks_however_faint(
    tmp_path: Path, high: int, grey: int
) -> None:
    values = np.full((6, 9, 4), grey, np.uint8)
    values[..., 3] = np.where(MARKED, high, 0)
    assert np.array_equal(read_mask(written(tmp_path, values)), MARKED)


@pytest.mark.parametrize("kind", ["colours", "greys", "dark"])
def test_a_photograph_that_was_cut_out_marks_all_that_is_left_of_it(
    tmp_path: Path, kind: str
) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 100 if kind == "dark" else 256, (6, 9, 4), dtype=np.uint8)
    if kind == "greys":
        values[..., :3] = values[..., :1]
    values[..., 3] = np.where(MARKED, 255, 0)
    assert np.array_equal(read_mask(written(tmp_path, values)), MARKED)


def test_an_alpha_channel_of_many_faint_values_is_refused(tmp_path: Path) -> None:
    values = np.zeros((6, 9, 4), np.uint8)
    values[..., 3] = np.arange(54).reshape(6, 9)
    with pytest.raises(UnreadableImage, match="its alpha channel has many values, none above 53"):
        read_mask(written(tmp_path, values))


@pytest.mark.parametrize("low", [-1, -0.5, -100])
@pytest.mark.parametrize("high", [0, 1, 0.5])
def test_of_two_values_around_nought_the_higher_marks(
    tmp_path: Path, low: float, high: float
) -> None:
    path = tmp_path / "m.tif"
    PIL.Image.fromarray(np.where(MARKED, high, low).astype(np.float32)).save(path)
    found, taken = read_mask_as(path)
    assert np.array_equal(found, MARKED)
    assert taken == SIGNED


@pytest.mark.parametrize("levels", [(-1, 0, 1), (-3, -2, -1), (-0.5, 0.2, 0.9)])
def test_scores_on_both_sides_of_nought_are_no_mask(
    tmp_path: Path, levels: tuple[float, ...]
) -> None:
    path = tmp_path / "m.tif"
    PIL.Image.fromarray(np.tile(np.array(levels, np.float32), (6, 3))).save(path)
    with pytest.raises(UnreadableImage, match="its values go from"):
        read_mask(path)


@pytest.mark.parametrize("level", [1, 90, 128, 254])
def test_one_level_between_black_and_white_is_refused(tmp_path: Path, level: int) -> None:
    with pytest.raises(UnreadableImage, match=f"its values are {level} alone"):
        read_mask(written(tmp_path, np.full((6, 9), level, np.uint8)))


@pytest.mark.parametrize("how", ["palette", "colours", "void"])
def test_several_colours_beside_black_all_mark_and_that_is_told(tmp_path: Path, how: str) -> None:
    parts = MARKED.astype(np.uint8)
    parts[3] *= 2
    table = np.zeros((256, 3), np.uint8)
    table[1], table[2] = (128, 0, 0), (224, 224, 192) if how == "void" else (0, 128, 0)
    if how == "colours":
        path = written(tmp_path, table[parts])
    else:
        image = PIL.Image.fromarray(parts, "P")
        image.putpalette(table.tobytes())
        path = tmp_path / "m.png"
        image.save(path)
    found, taken = read_mask_as(path)
    assert np.array_equal(found, MARKED)
    assert taken == SEVERAL


def test_masks_that_mark_everything_are_said(tmp_path: Path) -> None:
    path = written(tmp_path, np.full((6, 9), 255, np.uint8))
    record = Record("a", path, label="tattoo", mask=path)
    findings = Findings()
    say_masks(look_at_masks({"a": record}, ["a"])[1], findings)
    assert [one.code for one in findings.all] == ["masks-that-mark-everything"]


def _pictures(tmp_path: Path, *names: str) -> list[Path]:
    rng = np.random.default_rng(1)
    for name in names:
        PIL.Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)).save(tmp_path / name)
    return [tmp_path / name for name in names]


@pytest.mark.parametrize("what", ["mask", "clean"])
@pytest.mark.parametrize("how", ["path", "bytes"])
def test_a_picture_that_is_its_own_truth_is_a_problem(tmp_path: Path, what: str, how: str) -> None:
    picture, other = _pictures(tmp_path, "a.png", "b.png")
    other.write_bytes(picture.read_bytes())
    truth = picture if how == "path" else other
    masked = what == "mask"
    record = Record("a", picture, mask=truth if masked else None, clean=None if masked else truth)
    findings = Findings()
    say_same_files({"a": record}, ["a"], findings)
    assert "of 'a' is the picture itself" in findings.problems[0]


def test_one_mask_of_several_pictures_is_said(tmp_path: Path) -> None:
    one, two, mask = _pictures(tmp_path, "a.png", "b.png", "m.png")
    findings = Findings()
    records = {"a": Record("a", one, mask=mask), "b": Record("b", two, mask=mask)}
    say_same_files(records, records, findings)
    assert findings.warnings == ("m.png is the mask of 2 pictures, e.g. 'a' and 'b'",)


def test_a_picture_without_a_tattoo_may_be_its_own_clean_capture(tmp_path: Path) -> None:
    one, two, blank = _pictures(tmp_path, "a.png", "b.png", "m.png")
    findings = Findings()
    records = {
        name: Record(name, path, label="non-tattoo", mask=blank, clean=path)
        for name, path in (("a", one), ("b", two))
    }
    lines = {name: Record(name, one, mask=blank) for name in "cd"}  # two tattoos of one picture
    say_same_files(records | lines, [*records, *lines], findings)
    assert findings.all == ()
