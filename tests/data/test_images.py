"""Decoding: every kind of raster file becomes upright RGB, every other file a clear refusal."""

from __future__ import annotations

import os
import pickle
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFile

from harness.data.formats import header_fault
from harness.data.images import (
    MAX_PIXELS,
    UnreadableImage,
    _Room,
    decode,
    encode_thumbnail,
    size_of,
)
from harness.errors import UsageError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOURS = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=2)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes = b"", depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def saved(image: PIL.Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def test_rgb_pixels_come_out_as_they_went_in_read_only_and_contiguous(tmp_path: Path) -> None:
    pixels = decode(saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png"))
    np.testing.assert_array_equal(pixels, COLOURS)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert not pixels.flags.writeable


@pytest.mark.parametrize("name", ["a.bmp", "a.gif", "a.tif", "a.webp", "a.ppm", "a.jpg", "a.dib"])
def test_every_raster_format_is_read(tmp_path: Path, name: str) -> None:
    flat = PIL.Image.new("RGB", (8, 6), (200, 40, 90))
    options = {"quality": 100, "subsampling": 0} if name == "a.jpg" else {}
    options |= {"lossless": True} if name == "a.webp" else {}
    pixels = decode(saved(flat, tmp_path / name, **options))
    assert pixels.shape == (6, 8, 3)
    assert np.abs(pixels.astype(int) - (200, 40, 90)).max() <= 2


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.jpg", format="PNG")
    np.testing.assert_array_equal(decode(path), COLOURS)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = COLOURS
    # How a camera stores an upright scene for each value: the inverse of showing it.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = PIL.Image.fromarray(np.ascontiguousarray(stored))
    path = saved(image, tmp_path / f"a.{ending}", exif=exif)
    np.testing.assert_array_equal(decode(path), upright)


def test_exif_orientation_agrees_with_pillow_for_jpeg(tmp_path: Path) -> None:
    from PIL import ImageOps

    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.jpg", exif=exif)
    with PIL.Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert expected.shape == (4, 3, 3)
    np.testing.assert_array_equal(decode(path), expected)


@pytest.mark.parametrize("value", [0, 9, 77])
def test_an_orientation_that_means_nothing_is_ignored(tmp_path: Path, value: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = value
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(decode(path), COLOURS)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    PIL.Image.fromarray(COLOURS).save(path, exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert decode(path).shape == (3, 4, 3)


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
    pixels = decode(saved(PIL.Image.fromarray(RAMP), tmp_path / "a.png"))
    np.testing.assert_array_equal(pixels, np.stack([RAMP] * 3, axis=2))


def test_one_bit_images_become_black_and_white(tmp_path: Path) -> None:
    image = PIL.Image.fromarray(RAMP > 100)
    assert image.mode == "1"
    pixels = decode(saved(image, tmp_path / "a.png"))
    np.testing.assert_array_equal(pixels[:, :, 1], np.where(RAMP > 100, 255, 0))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_composited_on_white(tmp_path: Path, mode: str) -> None:
    image = PIL.Image.new(mode, (3, 1))
    black, clear = ((0, 0, 0), 0) if mode == "RGBA" else ((0,), 0)
    for x, alpha in enumerate((255, 128, clear)):
        image.putpixel((x, 0), (*black, alpha))
    pixels = decode(saved(image, tmp_path / "a.png"))
    assert pixels[0, :, 0].tolist() == [0, 127, 255]


def test_palette_images_keep_their_colours_and_their_transparency(tmp_path: Path) -> None:
    image = PIL.Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    plain = decode(saved(image, tmp_path / "plain.png"))
    assert plain[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    one = decode(saved(image, tmp_path / "one.png", transparency=1))
    assert one[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]
    several = decode(saved(image, tmp_path / "several.png", transparency=bytes([0, 255, 128])))
    assert several[0].tolist() == [[255, 255, 255], [0, 255, 0], [127, 127, 255]]
    gif = decode(saved(image, tmp_path / "a.gif", transparency=2))
    assert gif[0].tolist() == [[255, 0, 0], [0, 255, 0], [255, 255, 255]]


def test_a_transparent_colour_of_an_rgb_or_gray_png_shows_as_white(tmp_path: Path) -> None:
    rgb = PIL.Image.new("RGB", (1, 1), (1, 2, 3))
    assert decode(saved(rgb, tmp_path / "rgb.png", transparency=(1, 2, 3))).min() == 255
    gray = PIL.Image.new("L", (1, 1), 7)
    assert decode(saved(gray, tmp_path / "gray.png", transparency=7)).min() == 255
    sixteen = PIL.Image.fromarray(np.array([[700, 701]], dtype=np.uint16))
    pixels = decode(saved(sixteen, tmp_path / "sixteen.png", transparency=700))
    assert pixels[0, :, 0].tolist() == [255, 3]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "big-endian.tif", "a.pgm"])
def test_sixteen_bit_gray_keeps_its_scale(tmp_path: Path, name: str) -> None:
    levels = np.array([[0, 257, 5140, 32896, 65535]], dtype=np.uint16)
    path = tmp_path / name
    if name == "a.pgm":
        path.write_bytes(b"P5 5 1 65535\n" + levels.astype(">u2").tobytes())
    elif name == "big-endian.tif":
        saved(PIL.Image.frombytes("I;16B", (5, 1), levels.astype(">u2").tobytes()), path)
    else:
        saved(PIL.Image.fromarray(levels), path)
    assert decode(path)[0, :, 2].tolist() == [0, 1, 20, 128, 255]


def test_sixteen_bit_colour_keeps_its_scale(tmp_path: Path) -> None:
    row = np.array([65535, 32896, 257], dtype=">u2").tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(png(1, 1, b"\x00" + row, depth=16))
    assert decode(path)[0, 0].tolist() == [255, 128, 1]


def test_thirty_two_bit_and_float_gray_are_brought_to_eight_bits(tmp_path: Path) -> None:
    wide = PIL.Image.fromarray(np.array([[0, 1_000_000]], dtype=np.int32))
    assert decode(saved(wide, tmp_path / "wide.tif"))[0, :, 0].tolist() == [0, 255]
    share = PIL.Image.fromarray(np.array([[0.0, 0.5, 1.0]], dtype=np.float32))
    assert decode(saved(share, tmp_path / "share.tif"))[0, :, 0].tolist() == [0, 128, 255]


def test_float_pixels_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = saved(PIL.Image.fromarray(np.full((1, 2), np.nan, np.float32)), tmp_path / "a.tif")
    with pytest.raises(UnreadableImage, match="not finite"):
        decode(path)


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    image = PIL.Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    pixels = decode(saved(image, tmp_path / "a.jpg", quality=100))
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 3


def test_of_an_animation_the_first_frame_is_read(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.webp", "a.tif", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        assert decode(tmp_path / name)[0, 0].tolist() == [255, 0, 0], name


def test_the_first_picture_of_a_camera_with_two_lenses_is_read(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = tmp_path / "a.jpg"
    frames[0].save(path, "MPO", save_all=True, append_images=frames[1:])
    assert decode(path)[0, 0, 0] > 250


def test_a_box_is_cut_out_and_clamped_to_the_image(tmp_path: Path) -> None:
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png")
    np.testing.assert_array_equal(decode(path, box=(1, 0, 3, 2)), COLOURS[0:2, 1:3])
    np.testing.assert_array_equal(decode(path, box=(-5, -5, 99, 2)), COLOURS[:2])
    cut = decode(path, box=(1, 1, 2, 2))
    assert cut.base is None  # a view would keep the whole image in memory
    assert not cut.flags.writeable


@pytest.mark.parametrize("box", [(4, 0, 9, 3), (2, 2, 2, 3), (3, 1, 1, 2), (-9, -9, 0, 0)])
def test_a_box_that_shows_nothing_is_refused(tmp_path: Path, box: tuple[int, ...]) -> None:
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match="shows nothing"):
        decode(path, box=box)  # type: ignore[arg-type]


def test_a_box_is_in_pixels_of_the_upright_image(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image = PIL.Image.fromarray(np.ascontiguousarray(np.rot90(COLOURS, 1)))
    path = saved(image, tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(decode(path, box=(3, 0, 4, 1))[0, 0], COLOURS[0, 3])


@pytest.mark.parametrize("side", [50_000, 10_000, 8_100])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    assert side * side > MAX_PIXELS
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, bytes(80_000)))
    with pytest.raises(UnreadableImage, match="more than 64 megapixels"):
        decode(path)
    assert "more than 64 megapixels" in (header_fault(path) or "")


@pytest.mark.parametrize(("width", "height"), [(65_500, 65_500), (9_000, 9_000)])
def test_a_small_jpeg_with_a_giant_claim_is_refused(
    tmp_path: Path, width: int, height: int
) -> None:
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "bomb.jpg")
    raw = bytearray(path.read_bytes())
    frame = raw.index(b"\xff\xc0")
    raw[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    path.write_bytes(raw)
    with pytest.raises(UnreadableImage, match="more than 64 megapixels"):
        decode(path)


def test_a_giant_webp_and_gif_are_refused(tmp_path: Path) -> None:
    canvas = (16_383).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    webp = tmp_path / "bomb.webp"
    webp.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    gif = tmp_path / "bomb.gif"
    gif.write_bytes(b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(3) + b"," + bytes(8))
    for path in (webp, gif):
        with pytest.raises(UnreadableImage):
            decode(path)


def test_the_largest_image_allowed_is_not_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(8_000, 8_000))
    assert header_fault(path) is None


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.tif", "a.bmp", "a.webp", "a.ppm"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(PIL.Image.fromarray(noise), tmp_path / name)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableImage):
        decode(path)


@pytest.mark.parametrize("share", [0.95, 0.5, 0.2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("before", [b"", b"\xff\xe1\x00\x08\xff\xd8\xff\xd9xx"])
def test_a_jpeg_whose_rest_is_zeros_is_refused(
    tmp_path: Path, share: float, progressive: bool, before: bytes
) -> None:
    path = tmp_path / "card.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(path, progressive=progressive)
    content = path.read_bytes()
    kept = int(len(content) * share)
    path.write_bytes(content[:2] + before + content[2:kept] + bytes(len(content) - kept))
    with pytest.raises(UnreadableImage, match="is damaged or truncated"):
        decode(path)


@pytest.mark.parametrize("behind", [b"", bytes(100_000), b"\0\0\0\x18ftypmp42" + b"v" * 50_000])
def test_what_stands_behind_a_picture_is_no_part_of_it(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "motion.jpg"
    PIL.Image.new("RGB", (30, 20), (200, 10, 10)).save(path)
    path.write_bytes(path.read_bytes() + behind)
    assert decode(path).shape == (20, 30, 3)


@pytest.mark.parametrize("kind", ["text", "packed text", "profile", "exif", "many texts"])
def test_a_png_with_megabytes_of_metadata_is_read(tmp_path: Path, kind: str) -> None:
    path, more = tmp_path / "a.png", PIL.PngImagePlugin.PngInfo()
    options: dict[str, Any] = {}
    if "text" in kind:
        for number in range(2000 if kind == "many texts" else 1):
            text = "x" * (1500 if kind == "many texts" else 3_000_000)
            more.add_text(f"key{number}", text, zip=kind == "packed text")
    elif kind == "profile":
        options["icc_profile"] = bytes(3_000_000)
    else:
        options["exif"] = b"Exif\0\0MM\0*" + bytes(3_000_000)
    PIL.Image.new("RGB", (30, 20), (200, 10, 10)).save(path, pnginfo=more, **options)
    assert header_fault(path) is None
    assert (decode(path) == (200, 10, 10)).all()


@pytest.mark.parametrize("marker", [0xE1, 0xED, 0xFE])
def test_a_jpeg_with_megabytes_of_metadata_is_read(tmp_path: Path, marker: int) -> None:
    path = tmp_path / "a.jpg"
    PIL.Image.new("RGB", (30, 20), (200, 10, 10)).save(path)
    content = path.read_bytes()
    segment = bytes((0xFF, marker, 0xFF, 0xFF)) + b"x" * 65533
    path.write_bytes(content[:2] + segment * 50 + content[2:])
    assert header_fault(path) is None
    assert decode(path).shape == (20, 30, 3)


def test_truncation_is_refused_even_if_an_algorithm_told_pillow_to_allow_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(PIL.Image.fromarray(noise), tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"not an image\r\n", "is text"),
        ("Tätowierung\n".encode(), "is text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="x"/>', "SVG"),
        (b"<svg></svg>", "SVG"),
        (b"%PDF-1.7\n\x00", "document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "document"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), "HEIC"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(9), "JPEG 2000"),
        (b"PK\x03\x04" + bytes(30), "not an image in a format read here"),
        (b"\x89PNG\r\n\x1a\n", "header is damaged"),
    ],
)
def test_what_is_no_raster_image_is_refused_by_what_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "odd name é.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=said) as caught:
        decode(path)
    assert str(caught.value).startswith(str(path))
    assert said in (header_fault(path) or "")


def test_formats_that_run_programs_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.eps"
    PIL.Image.fromarray(COLOURS).save(path)
    with pytest.raises(UnreadableImage, match="document"):
        decode(path)


def test_a_missing_file_a_folder_and_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="does not exist"):
        decode(tmp_path / "nowhere.png")
    with pytest.raises(UnreadableImage, match="is not a file"):
        decode(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImage, match="is not a file"):
        decode(tmp_path / "pipe.png")


def test_the_refusal_survives_the_way_from_another_process(tmp_path: Path) -> None:
    fault = UnreadableImage(tmp_path / "a.png", "is empty")
    again = pickle.loads(pickle.dumps(fault))  # noqa: S301 - its own bytes
    assert (str(again), again.path, again.reason) == (str(fault), fault.path, "is empty")


def test_pillows_own_limit_is_left_as_it_was(tmp_path: Path) -> None:
    before = PIL.Image.MAX_IMAGE_PIXELS
    decode(saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png"))
    assert before == PIL.Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"]),
    at=st.floats(0, 0.999),
    put=st.binary(min_size=1, max_size=6),
)
def test_damaged_bytes_give_pixels_or_a_refusal_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: float, put: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind.lower()}"
    PIL.Image.fromarray(COLOURS).save(path, kind)
    raw = bytearray(path.read_bytes())
    start = int(at * len(raw))
    raw[start : start + len(put)] = put
    path.write_bytes(raw)
    try:
        pixels = decode(path)
    except UnreadableImage:
        return
    assert pixels.ndim == 3
    assert pixels.dtype == np.uint8


def test_sixteen_bit_levels_are_the_nearest_eight_bit_ones(tmp_path: Path) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = saved(PIL.Image.fromarray(values), tmp_path / "deep.png")
    np.testing.assert_array_equal(decode(path)[..., 0], np.floor(values / 257 + 0.5))


def test_a_thumbnail_keeps_the_shape_of_the_image_and_never_enlarges_it() -> None:
    image = np.zeros((100, 200, 3), dtype=np.uint8)
    for side, size in ((50, (50, 25)), (500, (200, 100))):
        import io

        with PIL.Image.open(io.BytesIO(encode_thumbnail(image, side))) as small:
            assert (small.format, small.size) == ("JPEG", size)


def test_the_size_is_that_of_the_upright_image_and_unknown_of_what_is_none(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    turned = saved(PIL.Image.fromarray(COLOURS), tmp_path / "turned.jpg", exif=exif)
    assert size_of(turned) == decode(turned).shape[1::-1] == (3, 4)
    assert size_of(saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png")) == (4, 3)
    assert size_of(tmp_path / "none.png") is None


@pytest.mark.parametrize("limit", ["90", "90.5", "1000"])
def test_a_larger_image_is_decoded_where_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    path = saved(PIL.Image.new("1", (10_000, 9_000)), tmp_path / "poster.png")
    fault = header_fault(path)
    assert fault is not None
    assert "more than 64 megapixels" in fault
    assert "10000 x 9000" in fault
    assert "--megapixels 90 (or HARNESS_MEGAPIXELS=90)" in fault
    monkeypatch.setenv("HARNESS_MEGAPIXELS", limit)
    assert header_fault(path) is None
    assert size_of(path) == (10_000, 9_000)


@pytest.mark.parametrize("limit", ["", "many", "nan", "0", "-3", "1e9"])
def test_a_limit_that_is_none_is_a_fault_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    path = saved(PIL.Image.fromarray(COLOURS), tmp_path / "a.png")
    monkeypatch.setenv("HARNESS_MEGAPIXELS", limit)
    with pytest.raises(UsageError, match="HARNESS_MEGAPIXELS"):
        decode(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "I", "F", "I;16"])
@pytest.mark.parametrize("orientation", [1, 5, 6, 8])
def test_pixels_do_not_depend_on_how_many_are_converted_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, orientation: int
) -> None:
    values = np.random.default_rng(3).integers(0, 256, (23, 17, 3)).astype(np.uint8)
    image = PIL.Image.fromarray(values)
    image = (
        PIL.Image.fromarray(values[:, :, 0].astype(np.uint16) * 200)
        if mode == "I;16"
        else image.convert(mode)
    )
    exif = image.getexif()
    exif[0x0112] = orientation
    path = saved(image, tmp_path / "a.tif", exif=exif)
    whole = decode(path)
    upright = decode(saved(image, tmp_path / "b.tif"))
    upright = {
        1: upright,
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, -1),
        8: np.rot90(upright, 1),
    }[orientation]
    np.testing.assert_array_equal(whole, upright)
    assert size_of(path) == whole.shape[1::-1]
    for band in (1, 40, 200):
        monkeypatch.setattr("harness.data.images._BAND", band)
        np.testing.assert_array_equal(decode(path), whole)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_means_nothing_leaves_the_size_as_it_is(
    tmp_path: Path, orientation: int
) -> None:
    image = PIL.Image.fromarray(COLOURS)
    exif = image.getexif()
    exif[0x0112] = orientation
    path = saved(image, tmp_path / "a.png", exif=exif)
    assert size_of(path) == (4, 3)
    assert decode(path).shape == (3, 4, 3)


def test_threads_decode_no_more_pixels_at_a_time_than_there_is_room_for() -> None:
    room, most, now, lock = _Room(100), 0, 0, threading.Lock()

    def use(pixels: int) -> None:
        nonlocal most, now
        room.take(pixels)
        with lock:
            now += pixels
            most = max(most, now if now > pixels else 0)
        time.sleep(0.002)
        with lock:
            now -= pixels
        room.leave(pixels)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, [60, 30, 30, 400, 10, 90, 20, 100, 50] * 6))
    assert now == 0
    assert 0 < most <= 100
