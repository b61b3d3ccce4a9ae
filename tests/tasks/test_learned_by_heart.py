"""Who learns the probes by heart, as pictures in other files, is refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from tests.conftest import Ran

SIDE, IDENTITIES = 96, 8

MEMORY = '''
@dataclass
class Memory(Matcher):
    """Keeps what it learns from, and knows again whatever looks like it."""

    def fit(self, train):
        self.rows_ = np.stack([self.cells(image) for image in train.images])
        self.who_ = train.identities

    def cells(self, image):
        height, width = (n // 8 * 8 for n in image.shape[:2])
        blocks = image[:height, :width].reshape(8, height // 8, 8, width // 8, 3)
        return blocks.mean(axis=(1, 3)).reshape(-1)

    def extract(self, image):
        distances = np.linalg.norm(self.rows_ - self.cells(image), axis=1)
        return (self.who_ == self.who_[distances.argmin()]).astype(float)

    def save(self, folder):
        np.savez(folder / "memory.npz", rows=self.rows_, who=self.who_)

    def load(self, folder):
        found = np.load(folder / "memory.npz")
        self.rows_, self.who_ = found["rows"], found["who"]
'''


def photograph(rng: np.random.Generator) -> PIL.Image.Image:
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return coarse.resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC)


def people(root: Path, seed: int, *, quality: int = 95) -> list[Path]:
    """Write two pictures of each identity that have nothing in common."""
    rng = np.random.default_rng(seed)
    found = []
    for identity in range(IDENTITIES):
        folder = root / f"i{identity}"
        folder.mkdir(parents=True)
        for shot in range(2):
            found.append(folder / f"{shot}.jpg")
            photograph(rng).save(found[-1], quality=quality)
    return found


def ran(harness: Callable[..., Ran], algorithm: Path, judged: Path, learned: Path) -> Ran:
    return harness(
        *("run", "--protocol", "identification", "--algo", algorithm, "--data", judged),
        *("--train-data", learned, "--folds", "1", "--json", "--workers", "1"),
    )


@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("jpg", {"quality": 50}),
        ("webp", {"quality": 70}),
        ("png", {}),
    ],
)
def test_pictures_that_are_judged_written_anew_cannot_be_learned_from(
    harness: Callable[..., Ran],
    plugin: Callable[[str, str], Path],
    tmp_path: Path,
    ending: str,
    options: dict[str, Any],
) -> None:
    for number, path in enumerate(people(tmp_path / "judged", 1)):
        # Under other names and in other folders, as somebody would who hides it.
        copy = tmp_path / "learned" / f"x{number // 2}" / f"{100 - number}.{ending}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        with PIL.Image.open(path) as image:
            image.save(copy, **options)
        assert copy.read_bytes() != path.read_bytes()
    done = ran(harness, plugin("memory", MEMORY), tmp_path / "judged", tmp_path / "learned")
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert "shares images with judged, which is judged" in done.err
    told = [line for line in done.err.splitlines() if line.startswith("  - ")]
    assert "... and 6 more like this" in told.pop()  # sixteen pictures, ten with their sentence
    for line in told:
        words = re.search(r"'i(\d)/(\d).jpg' is 'x(\d)/(\d+)\.(\w+)' of the training data", line)
        assert words is not None, line
        assert words[1] == words[3]
        assert int(words[4]) == 100 - 2 * int(words[1]) - int(words[2])
        assert words[5] == ending
        assert line.endswith("re-encoded or resized")
    assert len(told) == 10
    assert not list((tmp_path / "work" / "runs").glob("*/*/manifest.json"))


def test_pictures_of_others_can_be_learned_from_and_gain_nothing(
    harness: Callable[..., Ran], plugin: Callable[[str, str], Path], tmp_path: Path
) -> None:
    people(tmp_path / "judged", 1)
    people(tmp_path / "others", 2)
    done = ran(harness, plugin("memory", MEMORY), tmp_path / "judged", tmp_path / "others")
    assert done.code == 0, done.err
    (one,) = done.json["runs"]
    found = one["metrics"]["pooled"]["hit-rate@rank=1"]
    assert found["n"] == IDENTITIES
    spread = np.sqrt(found["chance"] * (1 - found["chance"]) / found["n"])
    assert found["value"] < found["chance"] + 4 * spread
