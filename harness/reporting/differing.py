"""Groups of people, and the time between captures: sentences and tables for all readers."""

from __future__ import annotations

from harness.errors import shortened, some
from harness.reporting.drawing.plots import estimate_strip
from harness.reporting.tables import Table
from harness.reporting.wording import (
    NO_VALUE,
    capital,
    count,
    minus,
    percent,
    score,
    with_interval,
)
from harness.statistics.differentials import CHANCE
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import few_errors
from harness.tasks.ageing import Ageing, Slope
from harness.tasks.differentials import ALL, EXPECTED, MEASURES, Differentials, GroupRow, Spread
from harness.tasks.groups import FEWEST, OTHERS, word_of

__all__ = [
    "age_notes",
    "age_sentences",
    "age_table",
    "group_notes",
    "group_sentences",
    "group_table",
    "shift_table",
    "spread_table",
    "strips",
    "threshold_sentence",
]

FEW = "too few"
_LONGEST = 40


def threshold_sentence(compared: Differentials) -> str:
    """Return what the one threshold is, and what it lets pass; empty without one."""
    if compared.fmr is None:
        return ""
    false = compared.false_matches or 0
    few = ", fewer than 30" if few_errors(false) else ""
    return (
        f"One threshold holds for all groups: comparisons above {score(compared.threshold)} are "
        f"matches, which lets {percent(compared.attained)} of all non-mated comparisons pass "
        f"({some(false, 'false match', 'false matches')}{few})."
    )


def group_sentences(compared: Differentials) -> list[str]:
    """Return what is to be said of the groups of a column before their tables."""
    if compared.reason:
        return [f"Groups by {word_of(compared.column)} are not compared: {compared.reason}."]
    return [_apart(one, compared) for one in compared.spreads if one.gini is not None]


def _apart(one: Spread, compared: Differentials) -> str:
    rates = {row.group: getattr(row, one.measure) for row in compared.rows}
    text = (
        f"{MEASURES[one.measure]} of {one.groups} groups is {percent(rates[one.lowest])} "
        f"({_short(one.lowest)}) to {percent(rates[one.highest])} ({_short(one.highest)}): Gini "
        f"coefficient {one.gini:.2f} ({one.gini_low:.2f} to {one.gini_high:.2f}). The same groups, "
        f"dealt at random, come to {one.gini_shuffled:.2f}, and in one of twenty deals to "
        f"{one.gini_shuffled_high:.2f} or more; they reach the observed with a probability of "
        f"{one.gini_p:.3f}"
    )
    clear = one.gini_p is not None and one.gini_p < CHANCE
    return f"{text}." if clear else f"{text}, so that nothing sets the groups apart here."


def group_table(compared: Differentials) -> Table:
    """Return the errors of every group, and of all comparisons."""
    what = word_of(compared.column)
    rows = tuple(
        (
            _named(row),
            count(row.identities),
            _rate(row, "fnmr"),
            _of(row.false_nonmatches, row.mated),
            _rate(row, "fmr"),
            _of(row.false_matches, row.nonmated),
        )
        for row in compared.rows
    )
    return Table(
        f"Errors by {what}, at one threshold, with 95 % intervals: mated comparisons that are "
        "missed, and non-mated ones within the group that match",
        (capital(what), "Identities", "FNMR", "Missed", "FMR", "False"),
        rows,
    )


def shift_table(compared: Differentials) -> Table:
    """Return the median scores of every group, how far above those of all, and its failures."""
    what = word_of(compared.column)
    rows = tuple(
        (
            _named(row),
            score(row.median_mated),
            _shift(row, "mated"),
            score(row.median_nonmated),
            _shift(row, "nonmated"),
            _rate(row, "fte"),
            _of(row.failures, row.templates),
        )
        for row in compared.rows
    )
    return Table(
        f"Scores by {what} and how far they lie above those of all, and failures to enrol",
        (
            capital(what),
            "Median mated",
            "Shift",
            "Median non-mated",
            "Shift",
            "FTE",
            "Failed",
        ),
        rows,
    )


def strips(compared: Differentials) -> list[str]:
    """Return the FNMR of every row of `group_table` as a strip, beside that of all comparisons."""
    (everything,) = (row for row in compared.rows if row.group == ALL)
    return [
        estimate_strip(Estimate(row.fnmr, row.fnmr_low, row.fnmr_high, chance=everything.fnmr))
        for row in compared.rows
    ]


def _named(row: GroupRow) -> str:
    return "all comparisons" if row.group == ALL else _short(row.group)


def _of(errors: int | None, trials: int | None) -> str:
    if trials is None:
        return NO_VALUE
    return f"{'?' if errors is None else count(errors)} of {count(trials)}"


def _rate(row: GroupRow, measure: str) -> str:
    value = getattr(row, measure)
    if value is None:
        said = [one for one in row.remark.split("; ") if one.startswith(f"{MEASURES[measure]}: ")]
        return FEW if said and "kept" not in said[0] else NO_VALUE
    ends = getattr(row, f"{measure}_low"), getattr(row, f"{measure}_high")
    return with_interval("fmr", value, *ends)


def _shift(row: GroupRow, kind: str) -> str:
    shift, low, high = (getattr(row, f"shift_{kind}{end}") for end in ("", "_low", "_high"))
    if shift is None:
        return ""
    ends = "" if low is None or high is None else f" ({_signed(low)} to {_signed(high)})"
    return f"{_signed(shift)}{ends}"


def _signed(value: float) -> str:
    return f"+{score(value)}" if value > 0 else "0" if value == 0 else score(value)


def spread_table(compared: Differentials) -> Table | None:
    """Return how far the rates lie apart, and shuffled groups' do; None where none is known."""
    known = [one for one in compared.spreads if one.gini is not None]
    if not known:
        return None
    rows = []
    for one in known:
        for name, words in (("gini", "Gini coefficient"), ("ratio", "highest over mean")):
            value, low, high, middle, reached, p = (
                getattr(one, name + end)
                for end in ("", "_low", "_high", "_shuffled", "_shuffled_high", "_p")
            )
            rows.append(
                (
                    f"{MEASURES[one.measure]}: {words}",
                    count(one.groups),
                    f"{value:.2f} ({low:.2f} to {high:.2f})",
                    f"{middle:.2f}",
                    f"{reached:.2f}",
                    f"{p:.3f}",
                )
            )
    return Table(
        f"How far groups by {word_of(compared.column)} lie apart, beside "
        f"{count(compared.shuffles)} deals of the same groups",
        (
            "Rate",
            "Groups",
            "Observed",
            "Dealt at random: median",
            "One in twenty reaches",
            "Probability of the observed",
        ),
        tuple(rows),
    )


def group_notes(compared: Differentials) -> list[str]:
    """Return what was left out, and why."""
    notes = []
    if any(_rate(row, measure) == FEW for row in compared.rows for measure in MEASURES):
        notes.append(
            f"“{FEW}”: fewer than {FEWEST} identities on either side of the comparisons, or fewer "
            f"than {EXPECTED:.0f} errors expected at the rate of all. Such groups are not compared "
            "in that rate."
        )
    notes += [
        f"{MEASURES[one.measure]} is not compared: {one.reason}."
        for one in compared.spreads
        if one.reason
    ]
    if compared.fmr is None and compared.rows:
        notes.append(
            "FNMR and FMR of groups cannot be had: scores of the non-mated comparisons were summed "
            "up while they were computed, and not kept, so that there is no threshold."
        )
    if compared.pooled and compared.rows:
        names = ", ".join(map(_short, compared.pooled[:12])) + ", ..." * (len(compared.pooled) > 12)
        notes.append(
            f"Groups of fewer than {FEWEST} identities stand together as “{OTHERS}”, which is no "
            f"group of people and is not compared: {names}."
        )
    if compared.unknown:
        notes.append(
            f"Of {some(compared.unknown, 'identity', 'identities')} the "
            f"{word_of(compared.column)} is not known; they are in no group."
        )
    if compared.several:
        notes.append(
            f"Images of {some(compared.several, 'identity', 'identities')} differ in "
            f"{word_of(compared.column)}; they are in no group."
        )
    return notes


def age_sentences(ageing: Ageing) -> list[str]:
    """Return what is to be said of the time between captures before its table."""
    if ageing.reason:
        return [f"Not available: {ageing.reason}."]
    about = f"{some(ageing.comparisons, 'mated comparison')} of {ageing.identities:,} identities"
    first, last = ageing.bins[0].low, ageing.bins[-1].high
    said = [f"{about} join captures that lie {_years(first)} to {_years(last)} years apart."]
    return [*said, *(_trend(one) for one in ageing.slopes)]


def _trend(one: Slope) -> str:
    what = "FNMR" if one.measure == "fnmr" else "The mated score"
    if one.per_year is None or one.low is None or one.high is None:
        return f"{what}: no slope, since {one.reason}."
    if one.measure == "fnmr":
        values = [minus(f"{100 * value:+.2f}") for value in (one.per_year, one.low, one.high)]
        unit = "percentage points"
    else:
        values, unit = [_signed(value) for value in (one.per_year, one.low, one.high)], ""
    change = f"{values[0]} {unit} a year ({values[1]} to {values[2]})".replace("  ", " ")
    clear = one.low > 0 or one.high < 0
    return f"{what} changes by {change}{'' if clear else ', which may be nothing'}."


def age_table(ageing: Ageing) -> Table | None:
    """Return a row for every span of time; None without one."""
    if not ageing.bins:
        return None
    rows = []
    for one in ageing.bins:
        ends = ""
        if one.median_low is not None and one.median_high is not None:
            ends = f" ({score(one.median_low)} to {score(one.median_high)})"
        rows.append(
            (
                f"{_years(one.low)} to {_years(one.high)}",
                count(one.identities),
                with_interval("fnmr", one.fnmr, one.fnmr_low, one.fnmr_high),
                _of(one.false_nonmatches, one.comparisons),
                NO_VALUE if one.median is None else f"{score(one.median)}{ends}",
            )
        )
    return Table(
        "Mated comparisons by the time between their captures",
        ("Years between", "Identities", "FNMR", "Missed of mated", "Median score"),
        tuple(rows),
    )


def age_notes(ageing: Ageing) -> list[str]:
    """Return what was left out, and why."""
    left = (
        (ageing.undated, "without the dates of both captures"),
        (ageing.same_photograph, "of one photograph"),
        (ageing.other_tattoo, "of two tattoos that look alike"),
    )
    notes = [f"Left out: {some(n, 'mated comparison')} {why}." for n, why in left if n]
    if ageing.coarse:
        notes.append(
            f"In {some(ageing.coarse, 'comparison')} a date is known to the year alone; its middle "
            "counts."
        )
    return notes


def _years(value: float) -> str:
    return f"{value:.1f}" if value >= 0.1 or value == 0 else f"{value:.2f}"


def _short(name: str) -> str:
    return shortened(name, _LONGEST)
