"""A comparison as tables for a terminal."""

from __future__ import annotations

from harness.comparing.comparison import Comparison, Pair, Row
from harness.comparing.gate import Party
from harness.comparing.subgroups import Group
from harness.comparing.tables import aligned
from harness.errors import visible
from harness.record.provenance import SENTENCES


def listing(comparison: Comparison) -> str:
    """Return the tables of all pairs."""
    first = _party(comparison.first)
    tables = [_pair(comparison.protocol, first, pair) for pair in comparison.pairs]
    return "\n\n".join([*tables, SENTENCES[comparison.synthetic]])


def _pair(protocol: str, first: str, pair: Pair) -> str:
    lines = [visible(f"{protocol}: first {first}, second {_party(pair.second)}"), ""]
    lines += aligned(
        ("metric", "first", "second", "change", "95 % interval", "better"),
        [_metric(row) for row in pair.rows],
        right=range(1, 5),
    )
    lines += [
        "",
        f"searches: {pair.wins} better, {pair.losses} worse, {pair.draws} as good",
    ]
    if max(pair.fits) > 1:
        lines.append(
            f"fits: {pair.fits[0]} and {pair.fits[1]}; metrics are means over them, searches and "
            "groups are of the first of either side"
        )
    if pair.remark:
        lines.append(visible(f"remark: {pair.remark}"))
    if pair.groups:
        lines += ["", f"groups: {pair.measured}"]
        lines += aligned(
            ("group", "searches", "first", "second", "change", "95 % interval", "p (Holm)"),
            [_group(group, bool(pair.remark)) for group in pair.groups],
            right=range(1, 6),
        )
    return "\n".join(lines)


def _party(party: Party) -> str:
    fits = f", {party.fits} fits" if party.fits > 1 else ", one fit" if party.one_fit else ""
    return f"{party.algorithm} {party.identity[:10]}{fits}"


def _metric(row: Row) -> tuple[str, ...]:
    note = row.better or ("undecided" if row.low is not None else row.method)
    return (
        row.metric,
        _number(row.first),
        _number(row.second),
        _signed(row.change),
        _interval(row.low, row.high),
        visible(note),
    )


def _group(group: Group, undecided: bool) -> tuple[str, ...]:
    # Where something else may have made the difference, no group is called different.
    mark = "  differs" if group.differs and not undecided else ""
    return (
        visible(f"{group.attribute}: {group.value}"),
        str(group.searches),
        _number(group.first),
        _number(group.second),
        _signed(group.change),
        _interval(group.low, group.high),
        "" if group.p_holm is None else f"{group.p_holm:.4f}{mark}",
    )


def _number(value: float | None) -> str:
    return "no data" if value is None else f"{value:.4f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.4f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{low:+.4f}, {high:+.4f}]"
