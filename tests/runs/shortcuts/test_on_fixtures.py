"""The controls size, file and border lie inside the band of chance on the shipped data."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.statistics.estimate import Estimate
from tests.runs.shortcuts.blind import Looked, headline, headline_by_place

# Features of all pictures are looked at once.
pytestmark = pytest.mark.xdist_group("shortcuts")

MATCHING = ("identification", "region", "mixed-media", "similarity")
DRAWN = ("verification", "closed-set", "open-set")
ANSWERED = ("detection", "style", "style-all", "tagging")


@pytest.fixture(
    scope="module",
    params=["size", "file", "border"],
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
    within(headline(control, protocol, folder))


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
