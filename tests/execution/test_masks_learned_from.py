"""What a learner sees of a mask is what it is judged by, however the mask is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from harness.data.masks import read_mask
from tests.conftest import Ran, save_png

SIZE = 12
LEVEL = 20
"""Gray of a picture is this many times its number: so a learner knows which one it sees."""

LEARNER = '''
from harness import Segmenter

LEVEL = 20

@dataclass
class Keeps(Segmenter):
    """Keeps the masks that it learns from, by the gray of their pictures."""

    def fit(self, train):
        assert all(mask.dtype == bool for mask in train.masks)
        self.seen_ = {
            str(round(float(image.mean()) / LEVEL)): mask
            for image, mask in zip(train.images, train.masks)
        }

    def segment(self, image):
        return np.zeros(image.shape[:2])

    def save(self, folder):
        np.savez(folder / "seen.npz", **self.seen_)

    def load(self, folder):
        self.seen_ = dict(np.load(folder / "seen.npz"))
'''


def shape(number: int) -> np.ndarray:
    marked = np.zeros((SIZE, SIZE), bool)
    marked[number : number + 3, 2:7] = True
    return marked


def written(path: Path, marked: np.ndarray, how: str) -> None:
    """Write a mask as one tool or another does."""
    one = marked.astype(np.uint8)
    clear = np.zeros_like(one)
    pixels: dict[str, Any] = {
        "black and white": one * 255,
        "classes 0 and 1": one,
        "classes 0 and 7": one * 7,
        "alpha, all white": np.dstack([clear + 255] * 3 + [one * 255]),
        "alpha, all black": np.dstack([clear] * 3 + [one * 255]),
        "red on black": np.dstack([one * 200, clear, clear]),
        "16 bits": one.astype(np.uint16) * 65535,
        "two levels of one bit": marked,
    }
    PIL.Image.fromarray(pixels[how]).save(path)


HOW = (
    *("black and white", "classes 0 and 1", "classes 0 and 7", "alpha, all white"),
    *("alpha, all black", "red on black", "16 bits", "two levels of one bit"),
)


def test_a_segmenter_learns_from_the_masks_that_are_judged(
    harness: Callable[..., Ran], plugin: Callable[[str, str], Path], tmp_path: Path
) -> None:
    place = tmp_path / "set"
    place.mkdir()
    rows = ["image,tattoo,mask,label,fold"]
    for number, how in enumerate(HOW, start=1):
        save_png(place / f"{number}.png", np.full((SIZE, SIZE, 3), LEVEL * number))
        written(place / f"mask-{number}.png", shape(number), how)
        rows.append(f"{number}.png,t{number},mask-{number}.png,tattoo,{1 + number % 2}")
    (place / "set.csv").write_text("\n".join(rows) + "\n")
    ran = harness(
        *("run", "--protocol", "segmentation", "--algo", plugin("keeps", LEARNER)),
        *("--data", place / "set.csv", "--json"),
    )
    assert ran.code == 0, ran.err
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    seen: dict[int, np.ndarray] = {}
    for file in folder.rglob("seen.npz"):
        seen |= {int(number): mask for number, mask in np.load(file).items()}
    assert sorted(seen) == list(range(1, len(HOW) + 1))
    for number, how in enumerate(HOW, start=1):
        assert np.array_equal(seen[number], shape(number)), how
        judged = read_mask(place / f"mask-{number}.png")
        assert np.array_equal(seen[number], judged), how
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["learns"] is True
