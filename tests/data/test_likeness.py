"""Copies of a picture are found in other formats and sizes; look-alikes are no copies."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from harness.data.likeness import alike, looks_of


def photograph(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture with large shapes, an outline drawing and noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 220, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    drawing = ImageDraw.Draw(picture)
    points = [(int(rng.integers(0, size[0])), int(rng.integers(0, size[1]))) for _ in range(9)]
    drawing.line(points, fill=(20, 20, 30), width=7)
    noise = rng.normal(0, 6, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def resized(picture: Image.Image, factor: float) -> Image.Image:
    size = (int(picture.width * factor), int(picture.height * factor))
    return picture.resize(size, Image.Resampling.LANCZOS)


COPIES = {
    "a.png": lambda p: encoded(p, "PNG"),
    "a.bmp": lambda p: encoded(p, "BMP"),
    "comment.jpg": lambda p: encoded(p, "JPEG", quality=92, comment=b"another"),
    "low.jpg": lambda p: encoded(p, "JPEG", quality=40),
    "a.webp": lambda p: encoded(p, "WEBP", quality=50),
    "half.png": lambda p: encoded(resized(p, 0.5), "PNG"),
    "larger.jpg": lambda p: encoded(resized(p, 1.7), "JPEG", quality=80),
    "half-low.jpg": lambda p: encoded(resized(p, 0.5), "JPEG", quality=50),
    "squeezed.png": lambda p: encoded(p.resize((200, 240), Image.Resampling.BILINEAR), "PNG"),
}


def kinds(folder: Path, one: bytes, other: bytes) -> list[str]:
    files = {"one": folder / "one.img", "other": folder / "other.img"}
    for path, content in zip(files.values(), (one, other), strict=True):
        path.write_bytes(content)
    left, right = (looks_of({name: path}) for name, path in files.items())
    return [pair.kind for pair in alike(left, right)]


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_copy_is_found_however_it_was_written(way: str, seed: int, tmp_path: Path) -> None:
    picture = photograph(seed)
    assert kinds(tmp_path, encoded(picture, "PNG"), COPIES[way](picture)) == ["copy"]


def changed(picture: Image.Image) -> Image.Image:
    other = picture.copy()
    ImageDraw.Draw(other).ellipse((140, 90, 190, 140), fill=(200, 30, 30))
    return other


@pytest.mark.parametrize(
    "other",
    [
        changed,
        lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        lambda p: p.rotate(8),
        lambda p: p.crop((30, 20, 320, 240)),
        lambda p: photograph(99),
    ],
)
@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_look_alike_is_no_copy(other: object, seed: int, tmp_path: Path) -> None:
    picture = photograph(seed)
    look_alike = other(picture)  # type: ignore[operator]
    assert "copy" not in kinds(tmp_path, encoded(picture, "PNG"), encoded(look_alike, "PNG"))


def test_orientation_and_transparency_are_as_they_are_shown(tmp_path: Path) -> None:
    picture = photograph(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(picture.rotate(90, expand=True), "JPEG", quality=95, exif=exif)
    assert kinds(tmp_path, encoded(picture, "PNG"), turned) == ["copy"]
    clear = picture.convert("RGBA")
    clear.putalpha(0)
    assert kinds(tmp_path, encoded(picture, "PNG"), encoded(clear, "PNG")) == []


def test_pictures_of_one_colour_are_not_compared(tmp_path: Path) -> None:
    blank = encoded(Image.new("RGB", (50, 50), (250, 250, 250)), "PNG")
    assert kinds(tmp_path, blank, blank) == []


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(photograph(1), "PNG")[:500])
    (tmp_path / "b.png").write_bytes(encoded(photograph(1), "PNG"))
    files = {"a": tmp_path / "a.png", "b": tmp_path / "b.png", "c": tmp_path / "c.png"}
    assert looks_of(files).names == ("b",)


def test_many_pictures_are_compared_as_few_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    files = {}
    for i in range(60):
        blurred = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        path = tmp_path / f"{i}.png"
        blurred.filter(ImageFilter.GaussianBlur(2)).resize((64, 64)).save(path)
        files[str(i)] = path
    looks = looks_of(files)
    found = {(pair.one, pair.other) for pair in alike(looks, looks) if pair.kind == "copy"}
    brute = set()
    cells = looks.cells.astype(float)
    for i in range(60):
        for j in range(60):
            difference = cells[i] - cells[j]
            if np.sqrt((difference**2).mean()) <= 7 and np.abs(difference.mean(axis=2)).max() <= 11:
                brute.add((i, j))
    assert found == brute >= {(i, i) for i in range(60)}
