"""Dates of captures: which texts are dates, what they may mean, and the time between two."""

from __future__ import annotations

from datetime import date

import pytest

from harness.data.dates import is_date, span_of, years_between


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-05-17", (2024, 5, 17), (2024, 5, 17)),
        ("2024-02", (2024, 2, 1), (2024, 2, 29)),
        ("1900-02", (1900, 2, 1), (1900, 2, 28)),
        ("2023-12", (2023, 12, 1), (2023, 12, 31)),
        ("9999", (9999, 1, 1), (9999, 12, 31)),
    ],
)
def test_a_day_a_month_or_a_year_is_all_the_days_that_it_may_mean(
    text: str, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    assert span_of(text) == (date(*first).toordinal(), date(*last).toordinal())


@pytest.mark.parametrize(
    "text",
    [
        *("", "2024-13", "2024-00", "2024-02-30", "2024-02-00", "0000", "24-05-17", "2024-5-17"),
        *("2024/05/17", "17.05.2024", "2024-05-17 12:00", "2024-05-17T12:00Z", "2024-05-17\n"),
        *("2024:05:17", "20240517", " 2024", "\uff12\uff10\uff12\uff14", "May 2024", "-2024"),
    ],
)
def test_nothing_else_is_a_date(text: str) -> None:
    assert not is_date(text)
    with pytest.raises(ValueError, match=r"2024-05-17|month|day|year"):
        span_of(text)


def test_time_between_captures_goes_from_middle_to_middle_and_has_no_direction() -> None:
    assert years_between("2016-03-01", "2020-03-01") == years_between("2020-03-01", "2016-03-01")
    assert years_between("2016-03-01", "2020-03-01") == 4.0  # 1,461 days
    assert years_between("2020", "2020") == 0.0
    assert years_between("2020-02", "2020-02-15") == 0.0  # the middle day of 29
    assert years_between("2019", "2020") == pytest.approx(1.0, abs=0.01)
