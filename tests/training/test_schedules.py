"""Learning rates over time, by arithmetic."""

from __future__ import annotations

import math

import pytest

from harness.training.schedules import Constant, Cosine


def test_a_cosine_goes_up_in_a_line_and_down_along_a_half_wave() -> None:
    rates = Cosine(rate=0.2, iterations=110, warm_up=10)
    assert rates.at(0) == pytest.approx(0.02)
    assert rates.at(9) == pytest.approx(0.2)
    assert rates.at(10) == pytest.approx(0.2)
    assert rates.at(35) == pytest.approx(0.1 * (1 + math.sqrt(0.5)))
    assert rates.at(60) == pytest.approx(0.1)
    assert rates.at(110) == pytest.approx(0, abs=1e-12)
    assert rates.at(1000) == pytest.approx(0, abs=1e-12)


def test_a_cosine_without_warm_up_begins_at_the_top() -> None:
    assert Cosine(rate=0.2, iterations=10).at(0) == 0.2


def test_a_constant_rate_stays() -> None:
    assert {Constant(0.3).at(k) for k in (0, 1, 10**6)} == {0.3}
