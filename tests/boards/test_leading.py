"""Who leads a board: nobody alone, nobody by chance, nobody where the data cannot answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.boards.boards import make_boards
from harness.boards.leading import leading
from harness.boards.reading import Entry
from harness.boards.site import render_site
from harness.statistics.estimate import Estimate
from harness.tasks.results import OTHER_PHOTOGRAPH

from .test_boards import make  # noqa: F401 - a fixture

Maker = Callable[..., Entry]


def with_headline(entry: Entry, estimate: Estimate) -> Entry:
    entry.metrics.pooled[entry.metrics.headline] = estimate
    return entry


def better(value: float) -> Estimate:
    return Estimate(value, value - 0.05, value + 0.05, chance=0.1, chance_low=0.05, chance_high=0.2)


def said(*entries: Entry) -> str:
    (board,) = make_boards(entries).boards
    return leading(board)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.6, "a is the only entry; it is better than chance."),
        (0.15, "a is the only entry; it cannot be told from chance."),
    ],
)
def test_a_sole_entry_does_not_lead(make: Maker, value: float, words: str) -> None:  # noqa: F811
    assert said(with_headline(make(algorithm="a"), better(value))) == words


def test_an_entry_that_cannot_be_told_from_chance_does_not_lead(make: Maker) -> None:  # noqa: F811
    entries = [make(algorithm="a"), make(algorithm="b")]
    for entry, value in zip(entries, (0.15, 0.1), strict=True):
        with_headline(entry, better(value))
    assert said(*entries) == "a has the best value, and cannot be told from chance: nobody leads."


def test_nobody_leads_where_the_data_cannot_answer(make: Maker) -> None:  # noqa: F811
    entries = [make(algorithm="a"), make(algorithm="b")]
    for entry, value in zip(entries, (1.0, 0.9), strict=True):
        with_headline(entry, Estimate(value, chance=0.8))
        entry.metrics.counts |= {"smallest_gallery": 2, "largest_gallery": 4}
    leaderboard = make_boards(entries)
    assert leading(leaderboard.boards[0]).startswith(
        "This set cannot answer the question, since galleries hold 2 to 4 images"
    )
    pages = "".join(render_site(leaderboard).values())
    assert 'class="ranking unanswerable"' in pages
    assert "in galleries of 2–\u20604" in pages


def test_lower_is_better_is_said_where_it_is(make: Maker) -> None:  # noqa: F811
    entries = [make(algorithm="a"), make(algorithm="b")]
    for entry, value in zip(entries, (0.1, 0.4), strict=True):
        entry.metrics.headline = "eer"
        entry.metrics.pooled["eer"] = Estimate(value, value - 0.02, value + 0.02, chance=0.5)
    assert said(*entries) == "a has the best value (lower is better)."


def test_who_is_ahead_and_who_is_behind_are_named(make: Maker) -> None:  # noqa: F811
    entries = [make(algorithm=n, skill=s) for n, s in (("a", 0.95), ("b", 0.4), ("c", 0.39))]
    for entry in entries:
        entry.metrics.pooled[entry.metrics.headline].chance = 0.1
    assert said(*entries) == "a is ahead; the next, b, is clearly behind."
    assert said(*entries[1:]) == "b has the best value; the data cannot tell it from c."


def test_what_searches_without_copies_get_stands_beside_the_headline(make: Maker) -> None:  # noqa: F811
    entry = make(algorithm="a")
    entry.metrics.counts |= {
        "same_source_mated": 12,
        "mated_comparisons": 20,
        "smallest_gallery": 9,
        "largest_gallery": 9,
    }
    entry.metrics.subsets = {OTHER_PHOTOGRAPH: {entry.metrics.headline: Estimate(0.02)}}
    pages = "".join(render_site(make_boards([entry])).values())
    assert "12 of 20 mates are the same photograph." in pages
    assert "other photographs: 2.0\u202f%" in pages
