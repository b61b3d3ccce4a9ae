"""Dates of captures as people state them: a day, a month or a year, in the form of ISO 8601.

Nothing else is read. ``03/04/2019`` is a day in April or in March, and which one is not known here.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

__all__ = ["Span", "is_date", "span_of", "years_between"]

Span = tuple[int, int]
"""First and last day that a date may mean, as of `datetime.date.toordinal`."""

YEAR = 365.25
"""Days of a year, over leap years."""

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def span_of(text: str) -> Span:
    """Return the first and the last day that a date may mean.

    Raises
    ------
    ValueError
        If the text is no day, month or year of the calendar, written as ISO 8601 has it.

    Examples
    --------
    >>> first, last = span_of("2024-02")
    >>> last - first + 1
    29
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date as 2024-05-17, 2024-05 or 2024")
    year, month, day = found.groups()
    first = date(int(year), int(month or "1"), int(day or "1"))
    if day is not None:
        return first.toordinal(), first.toordinal()
    last = first.month if month is not None else 12
    return first.toordinal(), date(first.year, last, monthrange(first.year, last)[1]).toordinal()


def is_date(text: str) -> bool:
    """Whether `span_of` reads a text.

    >>> is_date("2023-02-29"), is_date("2024-02-29"), is_date("29.02.2024"), is_date("2024-2")
    (False, True, False, False)
    """
    try:
        span_of(text)
    except ValueError:
        return False
    return True


def years_between(one: str, other: str) -> float:
    """Return the years from one date to another, whichever comes first; from middle to middle.

    Parameters
    ----------
    one, other
        As `span_of` reads them.

    Returns
    -------
    float
        Not negative; in years of 365.25 days. Two equal dates are 0 years apart, although two
        captures of one year may have months between them.

    Examples
    --------
    >>> years_between("2020-03-01", "2016-03-01")
    4.0
    """
    middles = [sum(span_of(text)) / 2 for text in (one, other)]
    return abs(middles[0] - middles[1]) / YEAR
