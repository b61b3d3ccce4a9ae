"""Folders of small pictures, an algorithm that takes its time, and runs of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import save_png

PATIENT = """
@dataclass
class Patient(Matcher):
    \"\"\"Mean colours, after a while.\"\"\"

    nap: float = parameter(0.0, "Seconds for each batch.")

    def fit(self, train):
        pass

    def extract(self, image):
        time.sleep(self.nap)
        return np.asarray(image, dtype=np.float64).mean((0, 1))

    def save(self, folder):
        (folder / "model.txt").write_text("nothing")

    def load(self, folder):
        pass
"""


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for each of 60 tattoos, of 3 pictures; the path has a space."""
    root = tmp_path_factory.mktemp("folders") / "a set"
    rng = np.random.default_rng(5)
    for number in range(60):
        place = root / f"t{number:02d}"
        place.mkdir(parents=True)
        pattern = np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((5, 5, 1)))
        for capture in range(3):
            save_png(place / f"{capture}.png", pattern + rng.normal(0, 20, pattern.shape))
    return root


@pytest.fixture
def patient(plugin: Callable[[str, str], Path]) -> Path:
    """An algorithm that learns nothing in every fold, so that each fold is a unit of its own."""
    return plugin("patient", PATIENT)


def asked(data: Path, algorithm: Path | str, folds: int = 5) -> list[str | Path]:
    """Return the words of a run of `folds` units."""
    words: list[str | Path] = ["run", "--protocol", "closed-set", "--algo", algorithm]
    return [*words, "--data", data, "--folds", str(folds), "--json"]


def bytes_of(folder: Path) -> dict[str, str]:
    """Return SHA-256 of what may not depend on where a run was made, by its name."""
    files = [folder / "metrics.json", *folder.glob("units/*/scores/scores.npy")]
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }
