"""The figures of the "Likelihood ratios" section: Tippett curves, cross-entropy and PAV plot."""

from __future__ import annotations

import math

from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import TABLE_ROWS, Figure
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, count, percent
from harness.statistics.likelihood.assessment import Assessment


def forensic_figures(assessment: Assessment) -> list[Figure]:
    """Return the figures that an assessment allows, in reading order; an empty curve gives none.

    Parameters
    ----------
    assessment
        What `harness.statistics.likelihood.assessment.assess` found.
    """
    found = [_tippett(assessment), _ece(assessment), _pav(assessment)]
    return [figure for figure in found if figure is not None]


def ratio(log10: float | None) -> str:
    """Return a likelihood ratio with three figures; one below 1 as a fraction.

    >>> ratio(2.0), ratio(-1.0), ratio(0.0), ratio(None)
    ('100', '1/10', '1', 'no value')
    """
    if log10 is None or not math.isfinite(log10):
        return NO_VALUE
    size = 10 ** abs(log10)
    text = f"{float(f'{size:.3g}'):,.12g}"
    return text if log10 >= 0 or text == "1" else f"1/{text}"


def log10(llr: float | None) -> float | None:
    """Return a natural-log LLR in powers of ten."""
    return None if llr is None else llr / math.log(10)


def signed(value: float | None, digits: int = 2) -> str:
    """Return a number with its sign, but for zero.

    >>> signed(1.0), signed(-0.5, 1), signed(-0.001)
    ('+1.00', '−0.5', '0.00')
    """
    if value is None:
        return NO_VALUE
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def _spread(length: int, limit: int) -> list[int]:
    """Return at most `limit` positions, evenly spread, first and last included."""
    last = length - 1
    if last < limit:
        return list(range(last + 1))
    return sorted({round(i * last / (limit - 1)) for i in range(limit)})


def _tippett(assessment: Assessment) -> Figure | None:
    curve = assessment.tippett
    if not curve:
        return None
    x, mated, nonmated = curve["log10_lr"], curve["mated"], curve["nonmated"]
    low, high = min(x[0], 0.0) - 0.15, max(x[-1], 0.0) + 0.15
    across = plots.number_axis("log10 of the likelihood ratio", low, high)
    up = plots.rate_axis("Comparisons with at least this ratio")
    series, points = [], []
    # Just above a value only the higher ratios are left: the curve is a staircase.
    for name, style, share in (("non-mated", "s1", nonmated), ("mated", "s0", mated)):
        steps_x = [low, *(v for v in x for _ in (0, 1)), high]
        steps_y = [1.0, 1.0, *(v for v in share[1:] for _ in (0, 1)), 0.0, 0.0]
        middle = min(range(len(share)), key=lambda i: abs(share[i] - 0.5))
        side: plots.Side = "upper right" if style == "s0" else "upper left"
        series.append(plots.Series(name, style, steps_x, steps_y, 2 * middle + 1, side))
        points += [
            plots.Point(x[i], share[i], f"{percent(share[i])} of {name}: {ratio(x[i])} or more")
            for i in _spread(len(x), 60)
        ]
    even = plots.Series("LR = 1", "s2", [0.0, 0.0], [0.0, 1.0])
    estimates = assessment.estimates
    bands, legend = [], [("s0", "line", "mated"), ("s1", "line", "non-mated")]
    for name, end in (("elub-low", low), ("elub-high", high)):
        bound = log10(estimates[name].value)
        if bound is not None and low < bound < high:
            bands.append(plots.Band("unsure", [bound, end], [0.0, 0.0], [1.0, 1.0]))
    legend.append(("s2", "line", "likelihood ratio 1"))
    if bands:
        legend.append(("unsure", "band", "beyond the ELUB limits"))
    wrong = (estimates["misleading-mated"].value, estimates["misleading-nonmated"].value)
    summary = (
        f"{percent(wrong[0])} of the mated comparisons have a ratio below 1, {percent(wrong[1])} "
        "of the non-mated ones a ratio above 1."
    )
    rows = tuple(
        (signed(x[i]), ratio(x[i]), percent(mated[i]), percent(nonmated[i]))
        for i in _spread(len(x), TABLE_ROWS)
    )
    return Figure(
        "tippett",
        "Tippett curves",
        summary,
        plots.line_plot(
            "tippett", "Tippett curves", summary, across, up, [even, *series], bands, points
        ),
        tuple(legend),
        (
            "Each curve tells which share of the comparisons has at least the likelihood ratio on "
            "the horizontal axis. Right of the middle line the non-mated curve is evidence that "
            "misleads; left of it, what is missing of the mated curve.",
        ),
        Table("Tippett curves", ("log10 LR", "LR", "mated", "non-mated"), rows),
    )


def _ece(assessment: Assessment) -> Figure | None:
    curve = assessment.ece
    if not curve:
        return None
    x, names = curve["log10_odds"], ("ece", "minimum", "neutral")
    stated, least, neutral = (curve[name] for name in names)
    top = max(1.0, min(max(stated), 2.0)) * 1.08
    across = plots.number_axis("log10 of the prior odds", x[0], x[-1])
    up = plots.number_axis("Empirical cross-entropy, bits", 0.0, top)
    series = [
        plots.Series("no evidence", "chance", x, neutral),
        plots.Series("after ideal calibration", "s2", x, least),
        plots.Series("as stated", "s0", x, stated),
    ]
    middle = min(range(len(x)), key=lambda i: abs(x[i]))
    points = [
        plots.Point(
            x[i],
            stated[i],
            f"Prior odds {ratio(x[i])}: {stated[i]:.3f} bits, at best {least[i]:.3f}",
            i == middle,
        )
        for i in range(len(x))
    ]
    harm = [x[i] for i in range(len(x)) if stated[i] > neutral[i] * (1 + 1e-9) + 1e-12]
    summary = f"At prior odds 1 the ratios leave {stated[middle]:.3f} bits (Cllr), none leave 1."
    if not harm:
        summary += " At no odds drawn do they leave more than no evidence would."
    elif len(harm) == len(x):
        summary += " At all odds drawn they leave more than no evidence would: they mislead."
    else:
        summary += (
            f" At some of the odds drawn ({len(harm)} of {len(x)} points, between "
            f"{ratio(harm[0])} and {ratio(harm[-1])}) they leave more than no evidence would."
        )
    return Figure(
        "ece",
        "Cost by prior odds",
        summary,
        plots.line_plot("ece", "Empirical cross-entropy", summary, across, up, series, (), points),
        (
            ("s0", "line", "the ratios as stated"),
            ("s2", "line", "after ideal calibration (PAV)"),
            ("chance", "line", "no evidence: likelihood ratio 1"),
        ),
        (
            "Empirical cross-entropy (ECE): the doubt that is left, on the average, when the "
            "ratios are combined with the odds before the comparison. Between the thick and the "
            "thin line lies what calibration costs; below the thin line, what the scores cannot "
            "separate.",
            *(["Costs above the upper edge are drawn on it."] if max(stated) > top else []),
        ),
        Table(
            "Empirical cross-entropy in bits",
            ("log10 prior odds", "As stated", "Ideal calibration", "No evidence"),
            tuple(
                (signed(x[i], 1), f"{stated[i]:.3f}", f"{least[i]:.3f}", f"{neutral[i]:.3f}")
                for i in _spread(len(x), TABLE_ROWS)
            ),
        ),
    )


def _pav(assessment: Assessment) -> Figure | None:
    curve = assessment.pav
    if not curve:
        return None
    blocks = list(zip(*(curve[name] for name in ("low", "high", "log10_lr")), strict=True))
    finite = [v for block in blocks for v in block if v is not None]
    low, high = min([*finite, 0.0]) - 0.2, max([*finite, 0.0]) + 0.2
    across = plots.number_axis("log10 of the ratio stated", low, high)
    up = plots.number_axis("log10 of the ratio observed (PAV)", low, high)
    line_x: list[float] = []
    line_y: list[float] = []
    points, unbounded = [], 0
    for i, (start, end, level) in enumerate(blocks):
        if start is None or end is None:
            continue
        unbounded += level is None
        # An infinite ratio lies on the edge: the lowest block has no mated ones, the highest only.
        y = level if level is not None else (low if i == 0 else high)
        if line_x:  # from step to step straight up, half-way across the gap
            line_x += [(line_x[-1] + start) / 2] * 2
            line_y += [line_y[-1], y]
        line_x += [start, end]
        line_y += [y, y]
        text = "no end" if level is None else ratio(level)
        points.append(plots.Point((start + end) / 2, y, f"stated {ratio(end)}, observed {text}"))
    distance = assessment.estimates["dev-pav"].value
    summary = (
        "There are too few different ratios to say how far they lie from the diagonal (devPAV)."
        if distance is None
        else f"The ratios stated lie {distance:.2f} powers of ten, on the average, from those "
        "observed (devPAV)."
    )
    notes = [
        "Well calibrated ratios follow the diagonal: where a ratio of 100 is stated, the share of "
        "the mated comparisons is a hundred times that of the non-mated. Below the diagonal "
        "support for a mate is overstated, above it understated. Each step holds the comparisons "
        "that PAV pools.",
    ]
    if unbounded:
        notes.append(
            "A step on the lower or upper edge holds comparisons of one kind only: its ratio has "
            "no end."
        )
    rows = tuple(
        (
            f"{signed(blocks[i][0])} to {signed(blocks[i][1])}",
            "no end" if blocks[i][2] is None else signed(blocks[i][2]),
            count(int(curve["mated"][i] or 0)),
            count(int(curve["nonmated"][i] or 0)),
        )
        for i in _spread(len(blocks), TABLE_ROWS)
    )
    diagonal = plots.Series("well calibrated", "chance", [low, high], [low, high])
    line = plots.Series("PAV", "s0", line_x, line_y)
    return Figure(
        "pav",
        "Calibration",
        summary,
        plots.line_plot("pav", "PAV plot", summary, across, up, [diagonal, line], (), points),
        (
            ("s0", "line", "observed after pooling adjacent violators (PAV)"),
            ("chance", "line", "well calibrated"),
        ),
        tuple(notes),
        Table(
            "PAV plot: pooled comparisons",
            ("log10 LR stated", "log10 LR observed", "Mated", "Non-mated"),
            rows,
        ),
    )
