"""The controls size, file, border and mean colour gain nothing over chance on the shipped data."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.statistics.estimate import Estimate
from tests.runs.shortcuts.blind import Looked, headline, headline_by_place

# Features of all pictures are looked at once.
pytestmark = pytest.mark.xdist_group("shortcuts")

MATCHING = ("identification", "region", "mixed-media", "similarity")
DRAWN = ("verification", "closed-set", "open-set")
# Of so many bands of 95 % two are expected to miss. This one is missed by one search of 170, and
# from below: the mean colour finds a look-alike more seldom than a random ranking.
BELOW = ("mean-colour", "similarity")
ANSWERED = ("detection", "style", "style-all", "tagging")


@pytest.fixture(
    scope="module",
    params=["size", "file", "border", "mean-colour"],
)
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
    if (control.name, protocol) == BELOW:
        assert found.value is not None
        assert found.chance_high is not None
        assert found.value <= found.chance_high, found
    else:
        within(found)


def within(found: Estimate) -> None:
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


@pytest.mark.parametrize("protocol", [*MATCHING, *DRAWN, *ANSWERED])
def test_the_order_in_which_pictures_are_given_gains_nothing_on_any_protocol(
    protocol: str,
) -> None:
    # A run that goes by it fails, too: its answers depend on their places.
    within(headline_by_place(protocol))
