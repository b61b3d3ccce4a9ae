"""The committed data set is what the seed draws, and the layout is Tatt-C's."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generators.procedural import dataset, world
from generators.procedural.dataset import MANIFEST_COLUMNS, write_dataset, write_lists
from generators.procedural.picture import picture_of
from generators.procedural.world import SCALES, Item, census
from harness.synthesis.encoding import encoded

MINI = Path(__file__).parents[3] / "fixtures" / "mini"
ITEMS = census(0, "mini")

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
