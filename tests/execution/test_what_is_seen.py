"""What stands in the place of an image: its pixels, or the bytes of its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.plugins.registry import find_algorithm
from tests.conftest import Ran

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

HASHES = '''
import hashlib
import io
from typing import ClassVar, Literal

import PIL.Image

from harness import Segmenter


@dataclass
class Hashes(Matcher, Segmenter):
    """The file's hash: equal for equal bytes only."""

    control: ClassVar[bool] = True
    sees: ClassVar[Literal["pixels", "file"]] = "file"

    def fit(self, train):
        for image, mask in zip(train.images, train.masks if train.gives("masks") else ()):
            assert image.ndim == 1 and mask.ndim == 2

    def extract(self, image):
        assert image.ndim == 1 and image.dtype == np.uint8
        return np.frombuffer(hashlib.sha256(image.tobytes()).digest(), np.uint8).astype(float)

    def segment(self, image):
        width, height = PIL.Image.open(io.BytesIO(image.tobytes())).size
        return np.ones((height, width))
'''


def test_a_control_gets_the_bytes_of_files_where_others_get_pixels(
    harness: Callable[..., Ran], plugin: Callable[[str, str], Path], small_set: Path, tmp_path: Path
) -> None:
    file = plugin("hashes", HASHES)
    ran = harness("run", "--protocol", "similarity", "--algo", file, "--data", small_set, "--json")
    assert ran.code == 0, ran.err
    manifest = json.loads(
        Path(tmp_path, "work", ran.json["runs"][0]["folder"], "manifest.json").read_text()
    )
    assert manifest["control"] is True


def test_bytes_are_those_of_the_file(small_set: Path) -> None:
    from harness.data.records import Picture
    from harness.execution.pictures import as_seen

    path = next((small_set / "tattoo_similarity" / "images").glob("*.png"))
    # A box says which pixels are shown; a file has no part.
    part = Picture(str(path), (0, 0, 4, 4))
    assert as_seen(part, "file").tobytes() == path.read_bytes()
    assert as_seen(part, "file").dtype == np.uint8
    assert as_seen(part, "pixels").shape == (4, 4, 3)


def test_a_contender_may_not_see_files(
    harness: Callable[..., Ran], plugin: Callable[[str, str], Path], small_set: Path
) -> None:
    file = plugin("hashes", HASHES.replace("control: ClassVar[bool] = True", ""))
    ran = harness("run", "--protocol", "similarity", "--algo", file, "--data", small_set)
    assert ran.code == 2
    assert "sees is 'file', which is for controls alone" in ran.err


def test_a_matcher_that_sees_files_passes_the_conformance_kit(
    tmp_path: Path, plugin: Callable[[str, str], Path]
) -> None:
    from harness import conformance
    from harness.plugins import registry

    found = conformance.check(
        registry.load(find_algorithm(str(plugin("hashes", HASHES)))), folder=tmp_path
    )
    assert [finding for finding in found if not finding.passed] == []
