"""Axes put values where they belong, and plots escape what they are given."""

from __future__ import annotations

import math
import re

import pytest

from harness.reporting.drawing.plots import (
    Axis,
    Band,
    Point,
    Series,
    estimate_strip,
    histogram_plot,
    line_plot,
    number_axis,
    probit_axis,
    rank_axis,
    rate_axis,
)
from harness.statistics.estimate import Estimate


def test_a_value_beyond_the_axis_lies_on_its_end() -> None:
    axis = rate_axis("rate")
    assert (axis.place(-1), axis.place(0.25), axis.place(7)) == (0, 0.25, 1)


def test_the_probit_axis_is_symmetric_about_one_half() -> None:
    axis = probit_axis("rate", 0.01, 0.99)
    assert axis.place(0.5) == pytest.approx(0.5)
    assert axis.place(0.1) == pytest.approx(1 - axis.place(0.9))


def test_ranks_beyond_one_hundred_are_drawn_on_a_logarithmic_axis() -> None:
    assert rank_axis("Rank", 54).warp is float
    assert rank_axis("Rank", 4375).warp is math.log
    assert rank_axis("Rank", 54).ticks[0] == (1.0, "1")


@pytest.mark.parametrize("last", [0, 1, 2, 3, 7, 54, 100, 101, 4375])
def test_every_rank_axis_starts_at_one_and_never_repeats_a_tick(last: int) -> None:
    values = [value for value, _ in rank_axis("Rank", last).ticks]
    assert values[0] == 1
    assert values == sorted(set(values))


def test_an_axis_of_equal_values_still_has_room() -> None:
    axis = number_axis("score", 3.0, 3.0)
    assert axis.low < 3.0 < axis.high
    assert axis.ticks


def test_ticks_are_round_and_lie_on_the_axis() -> None:
    axis = number_axis("score", -0.13, 0.87)
    assert [text for _, text in axis.ticks] == ["0", "0.2", "0.4", "0.6", "0.8"]


def test_every_text_in_a_plot_is_escaped() -> None:
    evil = '<b a="1">&'
    axis = Axis(evil, 0, 1, ((0.5, evil),))
    text = line_plot(
        "plot",
        evil,
        evil,
        axis,
        axis,
        [Series(evil, "s0", [0, 1], [0, 1], 0)],
        [Band("s0-band", [0, 1], [0, 0], [1, 1])],
        [Point(0, 0, evil, True), Point(1, 1, evil)],
    )
    assert "<b" not in text
    assert 'a="1"' not in text


def test_a_histogram_of_a_single_empty_bin_can_be_drawn() -> None:
    axis = number_axis("score", 1.0, 1.0)
    text = histogram_plot(
        "h", "t", "d", axis, "share", ([1.0], [1.0]), [("a", "s0", [0.0]), ("b", "s1", [0.0])]
    )
    assert "nan" not in text


def test_a_strip_is_hidden_from_screen_readers_and_keeps_to_its_ends() -> None:
    text = estimate_strip(Estimate(1.2, -0.1, 0.5))
    assert 'aria-hidden="true"' in text
    assert 'cx="196.0"' in text
    assert "M4.0,7" in text


def test_a_share_of_everything_leaves_room_above_it_but_no_tick_beyond_all() -> None:
    axis = rate_axis("share", 1.12)
    assert axis.high > 1
    assert [text for _, text in axis.ticks][-1] == "100\u202f%"


def test_a_name_that_would_stand_on_another_gives_way() -> None:
    low, high = [0.0, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4]
    groups = (("non-mated", "s1", [0.0, 0.5, 0.5, 0.0]), ("mated", "s0", [0.0, 0.0, 0.5, 0.5]))
    svg = histogram_plot("scores", "t", "d", number_axis("x", 0.0, 4.0), "y", (low, high), groups)
    names = re.findall(r'class="label[^"]*" x="[0-9.]+" y="([0-9.]+)"', svg)
    assert len(names) == 2
    assert abs(float(names[0]) - float(names[1])) >= 20
