"""The order in which an algorithm is given pictures tells it nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.execution.order import shuffled, shuffled_training
from harness.execution.unit import Training
from tests.conftest import Ran, save_png

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

PLACE = '''
@dataclass
class Place(Matcher):
    """Earlier places in the gallery are liked better; no pixel is looked at."""

    def extract(self, image):
        return np.zeros(1)

    def compare(self, probes, references):
        assert len(probes) == 1
        return -np.arange(len(references), dtype=float)[None]
'''

ARRIVAL = '''
@dataclass
class Arrival(Matcher):
    """Images that came one after the other are alike."""

    def extract_batch(self, images):
        first = vars(self).setdefault("count", 0)
        self.count += len(images)
        return [np.array([float(first + i)]) for i in range(len(images))]

    def compare(self, probes, references):
        return -np.abs(np.array(probes) - np.array(references).T)
'''


def test_the_order_follows_from_the_names_and_not_from_their_order() -> None:
    names = [f"n{i:02d}" for i in range(40)]
    backwards = names[::-1]
    here = [names[i] for i in shuffled(names, 7, "1")]
    assert sorted(here) == names
    assert here != names
    assert here == [backwards[i] for i in shuffled(backwards, 7, "1")]
    assert here != [names[i] for i in shuffled(names, 7, "2")]
    assert here != [names[i] for i in shuffled(names, 8, "1")]
    assert shuffled([], 1) == []


def test_every_place_is_equally_likely() -> None:
    firsts = [shuffled(["a", "b", "c", "d"], k)[0] for k in range(2000)]
    counts = np.bincount(firsts, minlength=4)
    # Standard deviation 19 around 500.
    assert np.abs(counts - 500).max() < 5 * 19


def test_all_that_is_said_of_a_training_image_moves_with_it() -> None:
    names = [f"n{i}" for i in range(20)]
    given = Training(
        images=names,
        identities=[i // 2 for i in range(20)],
        mated=[(2 * i, 2 * i + 1) for i in range(10)],
        tattoo=[i % 3 == 0 for i in range(20)],
        tags=[[i] for i in range(20)],
    )
    found = shuffled_training(given, 5, "1")
    assert found.images != names
    assert sorted(found.images) == sorted(names)
    old = [names.index(name) for name in found.images]
    assert found.tags == [[i] for i in old]
    assert found.tattoo == [i % 3 == 0 for i in old]
    assert found.mated is not None
    assert {(old[a], old[b]) for a, b in found.mated} == set(given.mated or [])
    assert found.mated == sorted(found.mated)
    assert found.identities is not None
    for one in range(20):
        for other in range(20):
            same = found.identities[one] == found.identities[other]
            assert same == (old[one] // 2 == old[other] // 2)
    # Numbered by their first image, so that a number says no more than the order does.
    assert list(dict.fromkeys(found.identities)) == list(range(10))
    assert found.masks is None


@pytest.fixture
def identities(tmp_path: Path) -> Path:
    """Forty tattoos with two captures each: a folder each, in which order could tell everything."""
    root = tmp_path / "people"
    rng = np.random.default_rng(1)
    for i in range(40):
        (root / f"p{i:02d}").mkdir(parents=True)
        for j in range(2):
            save_png(root / f"p{i:02d}" / f"{j}.png", rng.uniform(0, 255, (6, 6, 3)))
    return root


@pytest.mark.parametrize(("name", "body"), [("place", PLACE), ("arrival", ARRIVAL)])
def test_an_entry_that_goes_by_order_finds_nothing(
    harness: Command, plugin: WriteFile, identities: Path, name: str, body: str
) -> None:
    ran = harness(
        *("run", "--protocol", "identification", "--data", identities, "--json"),
        *("--algo", plugin(name, body), "--workers", "1"),
    )
    # Either it is found out, or it is no better than a guess: 3 standard deviations.
    if ran.code == 0:
        (run,) = ran.json["runs"]
        found = run["metrics"]["pooled"]["hit-rate@rank=1"]
        spread = np.sqrt(found["chance"] * (1 - found["chance"]) / found["n"])
        assert abs(found["value"] - found["chance"]) < 3 * spread
    else:
        assert ran.code == 3
