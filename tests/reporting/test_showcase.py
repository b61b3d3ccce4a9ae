"""The searches that a report shows: the right ones, in the same order every time, and varied."""

from __future__ import annotations

from harness.reporting.sections.decisions import decisions
from harness.reporting.sections.searches import (
    CANDIDATES,
    best_searches,
    margin,
    worst_searches,
)
from harness.tasks.results import Candidate, Judgement


def search(probe: str, rank: int | None, score: float | None, identity: str = "") -> Judgement:
    return Judgement(
        "1", probe, identity, rank=rank, mates=1, gallery=50, score=score, best_nonmate=0.5
    )


def test_best_searches_have_a_mate_first_and_the_widest_margin_leads() -> None:
    searches = [search("a", 1, 0.6), search("b", 1, 0.9), search("c", 2, 0.5)]
    assert [row.search.probe for row in best_searches(searches, 6)] == ["b", "a"]


def test_worst_searches_are_led_by_missed_mates_then_by_rank_then_by_margin() -> None:
    searches = [
        search("first", 1, 0.9),
        search("second", 2, 0.4),
        search("ninth, close", 9, 0.4),
        search("ninth, far", 9, 0.1),
        search("missed", None, None),
    ]
    shown = [row.search.probe for row in worst_searches(searches, 6)]
    assert shown == ["missed", "ninth, far", "ninth, close", "second"]


def test_failed_probes_and_searches_without_a_mate_are_not_shown() -> None:
    failed, alone = search("failed", None, None), search("alone", None, None)
    failed.failed, alone.mates = True, 0
    assert worst_searches([failed, alone], 6) == []
    assert best_searches([failed, alone], 6) == []


def test_no_identity_is_shown_twice_while_another_was_not_shown() -> None:
    searches = [search(f"a{i}", 1, 0.9 - i / 100, "a") for i in range(5)]
    searches.append(search("b", 1, 0.6, "b"))
    assert [row.search.probe for row in best_searches(searches, 2)] == ["a0", "b"]
    assert [row.search.probe for row in best_searches(searches, 3)] == ["a0", "a1", "b"]


def test_a_mate_further_down_the_list_is_shown_after_a_gap() -> None:
    found = search("a", 15, 0.2)
    found.candidates = [Candidate(f"r{i}", 1 - i / 20, i == 14) for i in range(20)]
    row = worst_searches([found], 1)[0]
    places = [placed.place for placed in row.shown]
    assert places == [*range(1, CANDIDATES - 1), 15]
    assert row.skipped == 15 - CANDIDATES + 1
    assert len(places) + row.skipped == 15


def test_a_margin_that_cannot_be_computed_is_the_smallest() -> None:
    assert margin(search("a", 1, None)) < margin(search("b", 1, -1e9))


def test_decisions_are_listed_surest_first_and_the_positive_label_leads() -> None:
    searches = [
        Judgement("1", f"{truth}{score}", "", score=score, truth=truth, correct=correct)
        for truth, score, correct in (
            ("non-tattoo", -2.0, True),
            ("non-tattoo", -1.0, True),
            ("non-tattoo", 1.0, False),
            ("tattoo", 1.0, True),
            ("tattoo", 3.0, True),
            ("tattoo", -4.0, False),
            ("tattoo", -1.0, False),
        )
    ]
    tattoo, other = decisions(searches, 2)
    assert (tattoo.truth, tattoo.images, tattoo.wrong) == ("tattoo", 4, 2)
    assert [s.score for s in tattoo.surest_right] == [3.0, 1.0]
    assert [s.score for s in tattoo.surest_wrong] == [-4.0, -1.0]
    assert [s.score for s in other.surest_right] == [-2.0, -1.0]
    assert [s.score for s in other.surest_wrong] == [1.0]
