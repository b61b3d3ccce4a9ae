"""The controls size, file and border lie inside the band of chance on the shipped data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import run_harness
from tests.shortcuts.blind import Looked, headline

MATCHING = ("identification", "region", "mixed-media", "similarity")
DRAWN = ("verification", "closed-set", "open-set")
ANSWERED = ("detection", "style", "style-all", "tagging")


@pytest.fixture(scope="module", params=["size", "file", "border"])
def control(request: pytest.FixtureRequest) -> Looked:
    return Looked(request.param)


@pytest.mark.parametrize("protocol", ["mixed-media", "verification", "detection"])
def test_a_control_gains_nothing(control: Looked, protocol: str, tmp_path: Path) -> None:
    inside(control, protocol, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", [*MATCHING, *DRAWN, *ANSWERED])
def test_a_control_gains_nothing_on_any_protocol(
    control: Looked, protocol: str, tmp_path: Path
) -> None:
    inside(control, protocol, tmp_path)


def inside(control: Looked, protocol: str, folder: Path) -> None:
    found = headline(control, protocol, folder)
    assert found.value is not None
    assert found.chance_low is not None
    assert found.chance_high is not None
    assert found.chance_low <= found.value <= found.chance_high, found


@pytest.mark.slow
def test_no_control_knows_where_the_tattoo_is_or_which_results_show_none(
    control: Looked, tmp_path: Path
) -> None:
    # Calling everything tattoo is the best answer that does not look; there is no band round it.
    masks = headline(control, "segmentation", tmp_path)
    assert masks.value is not None
    assert masks.chance is not None
    assert masks.value <= masks.chance
    # Lower is better; an interval of so few queries is wide.
    search = headline(control, "search", tmp_path)
    assert search.chance is not None
    assert search.high is not None
    assert search.high >= search.chance


ORDER = '''
from harness import Tagger


@dataclass
class Order(Matcher, Detector, Tagger):
    """What comes earlier is liked better; no pixel is looked at."""

    def fit(self, train):
        self.tags_ = len(train.vocabulary) if train.gives("tags") else 0

    def extract(self, image):
        return np.zeros(1)

    def compare(self, probes, references):
        # A little later from call to call, or all would be ties, which count against.
        start = vars(self).setdefault("_calls", 0)
        self._calls = start + 1
        places = np.arange(len(references)) + start * 1e-6
        return -places[None].repeat(len(probes), axis=0)

    def _next(self):
        self._count = vars(self).setdefault("_count", 0) + 1
        return max(0.0, 1 - self._count / 100)

    def detect(self, image):
        return self._next()

    def tag(self, image):
        return np.full(self.tags_, self._next())
'''


@pytest.mark.slow
def test_the_order_of_pictures_gains_nothing_on_any_protocol(
    plugin: Callable[[str, str], Path], tmp_path: Path
) -> None:
    file = plugin("order", ORDER)
    names = [*MATCHING, *DRAWN, "detection", "tagging"]
    ran = run_harness(
        *("run", "--protocol", ",".join(names), "--algo", file, "--json", "--out", tmp_path / "o"),
        timeout=1200,
    )
    assert ran.code == 0, ran.err
    assert {run["protocol"] for run in ran.json["runs"]} == set(names)
    for run in ran.json["runs"]:
        found = run["metrics"]["pooled"][run["metrics"]["headline"]]
        low, high = found["chance_low"], found["chance_high"]
        assert low <= found["value"] <= high, (run["protocol"], found)
