"""A learner whose result depends on its seed, fitted several times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PREAMBLE, run_harness

LEARNS = '''
@dataclass
class Learns(Matcher):
    """Learns which of a few random pixels to look at: another seed, other pixels."""

    pixels: int = parameter(3, "How many.", minimum=1)

    def fit(self, train):
        rng = np.random.default_rng(self.seed)
        self.places_ = rng.choice(24 * 24 * 3, self.pixels, replace=False)

    def save(self, folder):
        np.save(folder / "places.npy", self.places_)

    def load(self, folder):
        self.places_ = np.load(folder / "places.npy")

    def extract(self, image):
        return image.reshape(-1)[self.places_] - 127.5
'''

FITS = 3


@pytest.fixture(scope="session")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The learner's file."""
    path = tmp_path_factory.mktemp("learner") / "learns.py"
    path.write_text(PREAMBLE + LEARNS, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def repeated(
    small_set: Path, learner: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What `harness run --repeats 3 --json` printed."""
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", learner, "--data", small_set, "--json"),
        *("--repeats", str(FITS), "--out", tmp_path_factory.mktemp("repeated")),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    found: dict[str, Any] = ran.json
    return found
