"""The trade-off of two error rates is drawn under the names, and beside the chance, of its task."""

from __future__ import annotations

import re

import numpy as np
import pytest

from harness.reporting.figures import figures
from harness.reporting.trade_off import ends, trade_off_of
from harness.results import Curves, Estimate, Metrics
from harness.tasks.open_set import chance_fnir

FPIR = [0.0, 0.05, 0.1, 0.5, 1.0]
CHANCE = [chance_fnir(np.array([10]), rate, 1) or 0.0 for rate in FPIR]
FNIR = [1.0, 0.6, 0.5, 0.3, 0.2]


def det(task: str, curve: dict[str, list[float]], counts: dict[str, int]) -> tuple[str, str]:
    """Return the text of the figure and its line of chance."""
    metrics = Metrics(task, "x", counts, {"eer": Estimate(0.3)}, [])
    (figure,) = figures(metrics, Curves(det=curve), "colours")
    svg = re.sub(r"\s+", " ", figure.svg)
    (line,) = re.findall(r'<path class="chance" d="([^"]*)"', svg)
    words = " ".join([svg, *figure.notes, *(text for _, _, text in figure.legend)])
    return f"{words} {figure.table.columns}", line


def test_the_open_set_has_its_own_axes_and_the_chance_of_its_galleries() -> None:
    counts = {"mated_searches": 100, "nonmated_searches": 60}
    words, line = det("open-set", {"fmr": FPIR, "fnmr": FNIR, "chance": CHANCE}, counts)
    assert "False positive identification rate (FPIR)" in words
    assert "False negative identification rate (FNIR)" in words
    assert "False match rate" not in words
    assert "in the same galleries" in words
    points = [tuple(map(float, p.split(","))) for p in line.removeprefix("M").split()]
    assert len(points) >= 2
    # Chance hardly falls below 90 % in galleries of 10: its line stays in the upper part.
    assert all(height < 200 for _, height in points)
    # The rule of 30 is about the searches of those who are not enrolled, too.
    assert "below 50.0" in words.replace("\u202f", "")


def test_verification_keeps_the_line_of_scores_that_say_nothing() -> None:
    counts = {"mated_comparisons": 100, "nonmated_comparisons": 100}
    words, line = det("verification", {"fmr": FPIR, "fnmr": FNIR}, counts)
    assert "False match rate (FMR)" in words
    first, *_, last = (tuple(map(float, p.split(","))) for p in line.removeprefix("M").split())
    assert first[0] < last[0]
    assert first[1] < last[1]  # from the upper left to the lower right


def test_detection_speaks_of_false_and_missed_detections() -> None:
    words, _ = det("detection", {"fmr": FPIR, "fnmr": FNIR}, {"tattoo": 9, "non_tattoo": 9})
    assert "False detection rate" in words
    assert "Missed detection rate" in words
    assert trade_off_of("detection").equal == "eer"


@pytest.mark.parametrize(
    ("rates", "low", "high"),
    [
        ([], 1e-3, 0.99),
        ([0.0, 1.0], 1e-3, 0.99),
        ([0.2, 0.995], 1e-3, 0.999),
        ([0.00004, 0.9999], 1e-5, 0.9999),
        ([1e-9, 1 - 1e-9], 1e-6, 0.99999),
    ],
)
def test_the_axes_hold_every_rate_that_is_drawn(
    rates: list[float], low: float, high: float
) -> None:
    found = ends(rates)
    assert found[0] == pytest.approx(low)
    assert found[1] == high
