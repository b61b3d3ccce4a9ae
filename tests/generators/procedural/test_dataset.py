"""The committed data set is what the seed draws, and the layout is Tatt-C's."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generators.procedural import dataset, faces, skin, world
from generators.procedural.body import PLACES
from generators.procedural.capture import tattoo_of
from generators.procedural.dataset import MANIFEST_COLUMNS, write_dataset, write_lists
from generators.procedural.known import Known, known_of, tone_of
from generators.procedural.negatives import render_negative
from generators.procedural.picture import picture_of
from generators.procedural.skin import subject_of
from generators.procedural.world import SCALES, Item, census
from harness.data.dates import is_date
from harness.synthesis.encoding import encoded

MINI = Path(__file__).parents[3] / "fixtures" / "mini"
ITEMS = census(0, "mini")
SKIN_TONE = skin.skin_tone

# Stated in the fixture's README: libraries and codecs round differently from machine to machine.
MEAN_TOLERANCE, MAX_TOLERANCE = 2.0, 80


def rows() -> list[dict[str, str]]:
    with (MINI / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def a_few() -> list[Item]:
    """Return a picture of every use case, role, kind and kind of negative."""
    found: dict[tuple[str, ...], Item] = {}
    for item in ITEMS:
        found.setdefault((item.use_case, item.role, item.kind, item.media), item)
    return list(found.values())


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_lists_are_the_same_to_the_byte(tmp_path: Path) -> None:
    write_lists(tmp_path, ITEMS)
    made = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.txt"))
    assert made == sorted(p.relative_to(MINI).as_posix() for p in MINI.rglob("*.txt"))
    for name in made:
        assert (tmp_path / name).read_bytes() == (MINI / name).read_bytes(), name


def test_the_same_seed_draws_the_committed_pictures(tmp_path: Path) -> None:
    described = {(r["use_case"], Path(r["image"]).name): r for r in rows()}
    for item in a_few():
        picture = picture_of(0, item, SCALES["mini"].long_side)
        file = tmp_path / "again.jpg"
        file.write_bytes(encoded(picture.image, picture.encoding))
        again = pixels(file).astype(int)
        kept = pixels(MINI / item.use_case / "images" / item.image)
        assert again.shape == kept.shape, item
        difference = np.abs(again - kept)
        assert difference.mean() <= MEAN_TOLERANCE, item
        assert difference.max() <= MAX_TOLERANCE, item
        assert described[item.use_case, item.image]["tags"] == " ".join(picture.tags)


def test_the_manifest_has_a_row_for_every_picture_and_only_real_paths() -> None:
    table = rows()
    assert tuple(table[0]) == MANIFEST_COLUMNS
    assert [Path(r["image"]).name for r in table] == [i.image for i in ITEMS]
    for row, item in zip(table, ITEMS, strict=True):
        assert (MINI / row["image"]).is_file()
        assert row["source"] == item.source
        assert row["label"] == ("tattoo" if item.tattoo else "non-tattoo")
        for column in ("mask", "clean"):
            assert not row[column] or (MINI / row[column]).is_file()


def test_skin_place_and_date_are_those_that_the_world_draws_by() -> None:
    table = rows()
    for row, item in zip(table, ITEMS, strict=True):
        assert tuple(row[column] for column in Known._fields) == known_of(0, item)
        if item.tattoo and item.kind != "medium":
            assert row["skin"] == tone_of(subject_of(0, item.subject).melanin)
            assert is_date(row["taken"])
            assert row["site"] in PLACES
        else:
            assert not row["taken"]
    for item in a_few():
        if item.tattoo and item.kind != "medium":
            tattoo = tattoo_of(0, item.tattoo, group=item.group, subject=item.subject)
            assert known_of(0, item).site == tattoo.place


def test_captures_of_a_tattoo_are_as_far_apart_as_their_ink_has_aged() -> None:
    first: dict[str, tuple[Item, str]] = {}
    apart = 0
    for row, item in zip(rows(), ITEMS, strict=True):
        if not row["taken"]:
            continue
        other, taken = first.setdefault(item.tattoo, (item, row["taken"]))
        days = (date.fromisoformat(row["taken"]) - date.fromisoformat(taken)).days
        assert days == pytest.approx((item.later - other.later) * 365.25, abs=1.0)
        apart += days != 0
    assert apart > 200


@pytest.mark.parametrize("kind", ["bare-skin", "jewellery", "face"])
def test_skin_of_pictures_without_a_tattoo_is_the_skin_that_is_drawn(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []
    for module in (skin, faces):

        def toned(melanin: float, blood: float = 0.0) -> Any:
            drawn.append(melanin)
            return SKIN_TONE(melanin, blood)

        monkeypatch.setattr(module, "skin_tone", toned)
    for item in [one for one in ITEMS if one.media == kind][:4]:
        drawn.clear()
        skin.skinned.cache_clear()
        render_negative(0, kind, item.take, long_side=48)
        assert {tone_of(melanin) for melanin in drawn} == {known_of(0, item).skin}


def test_masks_and_boxes_agree_with_their_pictures() -> None:
    masked = [r for r in rows() if r["mask"]]
    assert len(masked) == 270
    for row in masked[::30]:
        mask = np.asarray(Image.open(MINI / row["mask"]))
        image, clean = pixels(MINI / row["image"]), pixels(MINI / row["clean"])
        assert mask.shape == image.shape[:2] == clean.shape[:2]
        x1, y1, x2, y2 = map(int, row["box"].split())
        assert 0 <= x1 < x2 <= mask.shape[1]
        assert 0 <= y1 < y2 <= mask.shape[0]
        assert mask[y1:y2, x1:x2].sum() >= 0.9 * mask.sum()


def test_checksums_cover_every_file() -> None:
    lines = (MINI / "checksums.sha256").read_text(encoding="utf-8").splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    files = {p.relative_to(MINI).as_posix() for p in MINI.rglob("*") if p.is_file()}
    assert set(listed) == files - {"checksums.sha256"}
    for name, digest in listed.items():
        assert hashlib.sha256((MINI / name).read_bytes()).hexdigest() == digest, name


def test_the_committed_set_stays_under_eleven_megabytes() -> None:
    assert sum(p.stat().st_size for p in MINI.rglob("*") if p.is_file()) < 11_000_000


def test_a_data_set_is_written_whole_and_reports_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = world.Scale((5, 6), (6, 5), (5, 6), (5, 10), (5, 2), (5, 5), 3, 48)
    monkeypatch.setitem(SCALES, "mini", tiny)
    seen: list[tuple[int, int]] = []
    write_dataset(tmp_path / "set", scale="mini", report=lambda *step: seen.append(step))
    total = len(seen) - 1
    assert seen == [(done, total) for done in range(total + 1)]
    assert len(list((tmp_path / "set").rglob("images/*.jpg"))) == total
    assert not (tmp_path / "set" / ".work").exists()
    assert len(list((tmp_path / "set").rglob("masks/*.png"))) == 5
    with pytest.raises(FileExistsError, match="not empty"):
        dataset.write_dataset(tmp_path / "set", scale="mini")


def test_an_unknown_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected one of full, mini"):
        write_dataset(tmp_path, scale="huge")
