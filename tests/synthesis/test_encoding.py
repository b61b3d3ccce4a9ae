"""JPEG files have the tables and the length that were drawn for them, whatever they show."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from harness.runs.shortcuts.features import file_of
from harness.synthesis.encoding import Encoding, encoded
from harness.synthesis.streams import stream


def busy_picture() -> np.ndarray:
    rough = stream("q").standard_normal((18, 22, 3)).repeat(5, 0).repeat(5, 1)
    return (np.clip(0.5 + 0.1 * rough, 0, 1) * 255).astype(np.uint8)


def test_a_file_has_the_tables_and_the_length_that_were_drawn_whatever_it_shows() -> None:
    how = Encoding(quality=70, flatness=0.85, subsampling=2, fill=1.1)
    plain = np.full((90, 110, 3), 128, np.uint8)
    busy = busy_picture()
    files = [encoded(pixels, how) for pixels in (plain, busy)]
    assert len(files[0]) == len(files[1])
    assert np.array_equal(file_of(files[0]), file_of(files[1]))
    for data, pixels in zip(files, (plain, busy), strict=True):
        again = np.asarray(Image.open(io.BytesIO(data)))
        assert again.shape == pixels.shape
        assert np.abs(again.astype(int) - pixels).mean() < 12


def test_a_file_that_needs_more_bytes_keeps_them() -> None:
    noise = stream("n").integers(0, 256, (90, 110, 3)).astype(np.uint8)
    assert len(encoded(noise, Encoding(fill=0.1))) == len(encoded(noise, Encoding()))
