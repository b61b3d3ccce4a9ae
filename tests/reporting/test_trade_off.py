"""The trade-off of two error rates is drawn under the names, and beside the chance, of its task."""

from __future__ import annotations

import re

import numpy as np
import pytest

from harness.metrics.verification import error_curve
from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import DECADES, Figure, error_trade_off
from harness.reporting.drawing.trade_off import clipped, ends, supported, window
from harness.reporting.operating import Doubles, Operating
from harness.reporting.thresholds import readings
from harness.statistics.estimate import Estimate
from harness.tasks.answers import thin_curve
from harness.tasks.kinds import KINDS
from harness.tasks.open_set import chance_fnir
from harness.tasks.results import Curves, Metrics
from harness.tasks.trade_off import COMPARISONS

FPIR = [0.0, 0.05, 0.1, 0.5, 1.0]
CHANCE = [chance_fnir(np.array([10]), rate, 1) or 0.0 for rate in FPIR]
FNIR = [1.0, 0.6, 0.5, 0.3, 0.2]


def drawn(task: str, curve: dict[str, list[float]], counts: dict[str, int]) -> Figure:
    metrics = Metrics(task, "x", counts, {"eer": Estimate(0.3)}, [])
    found = error_trade_off(Curves(det=curve), metrics, "colours", KINDS[task].trade_off)
    assert found is not None
    return found


def det(task: str, curve: dict[str, list[float]], counts: dict[str, int]) -> tuple[str, str]:
    """Return the text of the figure and its line of chance."""
    figure = drawn(task, curve, counts)
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


@pytest.mark.parametrize(
    ("fmr", "fnmr", "trials", "x", "y"),
    [
        # Equal errors near 30 %: the axes begin where 30 errors are, or at a third of the rate.
        ([0.0, 0.02, 0.3, 1.0], [0.9, 0.5, 0.3, 0.0], (1500, 100), (0.02, 0.8), (0.1, 0.8)),
        # A good system on few trials stays in view although nothing there is supported.
        ([0.0, 0.01, 0.02, 1.0], [0.5, 0.03, 0.02, 0.0], (100, 100), (0.01, 0.8), (0.01, 0.8)),
        # Errors that never fall below 90 % leave the lower part of their axis out.
        ([0.0, 0.1, 0.95, 1.0], [1.0, 0.99, 0.95, 0.93], (400, 1000), (0.05, 0.95), (0.3, 0.99)),
        # Trials that are not known.
        ([0.0, 0.5, 1.0], [1.0, 0.5, 0.0], (0, 0), (0.02, 0.8), (0.02, 0.8)),
        ([], [], (0, 0), (0.001, 0.8), (0.001, 0.8)),
    ],
)
def test_the_axes_are_cropped_to_what_the_trials_support(
    fmr: list[float],
    fnmr: list[float],
    trials: tuple[int, int],
    x: tuple[float, float],
    y: tuple[float, float],
) -> None:
    across, up = supported(fmr, fnmr, trials)
    assert across == pytest.approx(x)
    assert up == pytest.approx(y)


def test_a_line_is_cut_at_the_edge_and_never_runs_along_it() -> None:
    axes = window(COMPARISONS, (0.01, 0.5), (0.01, 0.5))
    x, y, whole = clipped([0.0, 0.001, 0.1, 0.9, 1.0], [1.0, 0.9, 0.2, 0.001, 0.0], axes)
    assert not whole
    assert all(0.01 - 1e-9 <= v <= 0.5 + 1e-9 for v in (*x, *y))
    assert y[0] == pytest.approx(0.5)  # enters through the upper edge
    assert x[-1] == pytest.approx(0.5)  # and leaves through the one on the right
    assert min(abs(a - 0.1) + abs(b - 0.2) for a, b in zip(x, y, strict=True)) < 1e-9
    x, y, whole = clipped([0.02, 0.1], [0.3, 0.2], axes)
    assert whole
    assert x == pytest.approx([0.02, 0.1])
    assert y == pytest.approx([0.3, 0.2])
    assert clipped([0.6, 0.9], [0.7, 0.6], axes)[:2] == ([], [])


def test_what_is_not_drawn_is_said_and_stands_in_the_numbers() -> None:
    counts = {"mated_comparisons": 100, "nonmated_comparisons": 100}
    figure = drawn("verification", {"fmr": FPIR, "fnmr": FNIR}, counts)
    assert any("not drawn" in note for note in figure.notes)
    assert len(figure.table.rows) == len(FPIR)
    lines = figure.csv.splitlines()
    assert lines[0] == "FMR,FNMR"
    assert [tuple(map(float, line.split(","))) for line in lines[1:]] == list(
        zip(FPIR, FNIR, strict=True)
    )


def written(mated: Doubles, nonmated: Doubles) -> list[tuple[str, float, float, bool]]:
    """Return the scores beside a curve: text, place, and whether the text ends there."""
    counts = {"mated_comparisons": len(mated), "nonmated_comparisons": len(nonmated)}
    metrics = Metrics("verification", "eer", counts, {"eer": Estimate(0.3)}, [])
    curves = Curves(det=thin_curve(error_curve(mated, nonmated)))
    scores = Operating.of(mated, nonmated)
    read = readings(scores, None, DECADES)
    found = error_trade_off(curves, metrics, "colours", COMPARISONS, scores, read=read)
    assert found is not None
    pattern = r'<text class="label score( end)?" x="([^"]*)" y="([^"]*)">([^<]*)'
    return [
        (text, float(x), float(y), bool(end)) for end, x, y, text in re.findall(pattern, found.svg)
    ]


@pytest.mark.parametrize("apart", [0.0, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("many", [300, 20_000, 500_000])
def test_scores_stand_beside_the_curve_at_decades_and_never_over_each_other(
    apart: float, many: int
) -> None:
    numbers = np.random.default_rng(5)
    mated, nonmated = numbers.normal(apart, 1, 3000), numbers.normal(0, 1, many)
    found = written(mated, nonmated)
    assert found or many == 300
    allowed = set()
    for text, *_ in found:
        rate = (nonmated >= float(text.replace("−", "-"))).mean()
        allowed.add(round(np.log10(rate)))
        # A decade is reached as nearly as so many scores can.
        assert 10.0 ** round(np.log10(rate)) - rate < 1 / many + 1e-12
    assert len(allowed) == len(found)
    wide = 12.5  # a figure on a phone, in units of the drawing
    boxes = [
        (x - wide * len(t) if end else x, x if end else x + wide * len(t), y)
        for t, x, y, end in found
    ]
    for i, (left, right, line) in enumerate(boxes):
        assert plots.LEFT < left < right < plots.WIDTH - plots.RIGHT
        assert all(right <= a or b <= left or abs(line - c) >= 25 for a, b, c in boxes[:i])


def test_a_rate_that_ties_keep_far_from_a_decade_is_not_marked_as_one() -> None:
    assert written(np.array([0.2, 0.9] * 200), np.array([0.1, 0.5] * 2000)) == []
