"""What shares a table, who ranks where, and whom the data cannot tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.run_folders import make_run
from harness.boards.boards import Leaderboard, make_boards, slug
from harness.boards.groups import Outcomes, group, outcomes_of
from harness.boards.reading import Entry, read_entry
from harness.statistics.estimate import Estimate


class Maker:
    """Makes entries without repeating folders."""

    def __init__(self, place: Path) -> None:
        self.place, self.made = place, 0

    def __call__(self, **facts: Any) -> Entry:
        self.made += 1
        found = read_entry(make_run(self.place / str(self.made), **facts))
        assert isinstance(found, Entry)
        return found


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def ranks(leaderboard: Leaderboard, board: int = 0) -> dict[str, int | None]:
    return {p.label: p.rank for p in leaderboard.boards[board].all_places}


def set_headline(entry: Entry, value: float | None) -> Entry:
    entry.metrics.pooled[entry.metrics.headline] = Estimate(value)
    return entry


def test_other_bytes_of_a_protocol_or_other_data_never_share_a_table(make: Maker) -> None:
    entries = [
        make(algorithm="a"),
        make(algorithm="b"),
        make(algorithm="a", version=2),
        make(algorithm="a", data="other"),
        make(algorithm="a", protocol="renamed"),
    ]
    leaderboard = make_boards(entries)
    assert sorted(len(b.places) for b in leaderboard.boards) == [1, 1, 1, 2]
    for board in leaderboard.boards:
        origins = [p.entry.manifest.origin for p in board.all_places]
        assert len({(o.protocol, o.protocol_hash, o.data_hash) for o in origins}) == 1
    assert len({b.id for b in leaderboard.boards}) == 4


def test_boards_that_look_alike_say_in_what_they_differ(make: Maker) -> None:
    changed = make(algorithm="a", use_case="other")  # the file changed, its version did not
    alike = make_boards([make(algorithm="a"), changed, make(algorithm="a", data="more")]).boards
    hashes = {b.first.manifest.origin.protocol_hash[:8] for b in alike if b.data_set == "set"}
    assert {b.variant for b in alike} == {"", *(f"protocol file {h}" for h in hashes)}
    assert len(hashes) == 2


def test_boards_say_no_more_than_tells_them_apart(make: Maker) -> None:
    entries = [make(algorithm="a"), make(algorithm="a"), make(algorithm="a")]
    for entry, folds, layout in zip(entries, (["1"], ["1", "2"], ["1", "2"]), "xyz", strict=True):
        entry.manifest.origin.folds = folds
        entry.manifest.origin.layout_hash = layout * 64
    two = {b.variant for b in make_boards(entries[:2]).boards}
    assert two == {"fold 1", "folds 1, 2"}
    assert "folds 1, 2, layout zzzzzzzz" in {b.variant for b in make_boards(entries).boards}


def test_the_rank_is_one_plus_the_number_of_better_entries(make: Maker) -> None:
    values = {"a": 0.5, "b": 0.9, "c": 0.5, "d": None, "e": 0.1}
    entries = [set_headline(make(algorithm=name), value) for name, value in values.items()]
    found = ranks(make_boards(entries))
    brute = {
        name: None if v is None else 1 + sum(o is not None and o > v for o in values.values())
        for name, v in values.items()
    }
    assert found == brute
    assert list(found) == ["b", "a", "c", "e", "d"]


def test_a_metric_that_is_better_when_lower_ranks_the_other_way(make: Maker) -> None:
    entries = [make(algorithm=name) for name in ("high", "low")]
    for entry, value in zip(entries, (0.4, 0.1), strict=True):
        entry.metrics.headline = "eer"
        entry.metrics.pooled["eer"] = Estimate(value)
    assert ranks(make_boards(entries)) == {"low": 1, "high": 2}


def test_controls_have_no_rank_and_take_none_from_others(make: Maker) -> None:
    leaderboard = make_boards(
        [make(algorithm="oracle", control=True, skill=1.0), make(algorithm="a", skill=0.3)]
    )
    assert ranks(leaderboard) == {"a": 1, "oracle": None}
    assert {s.label: s.mean_rank for s in leaderboard.standings} == {"a": 1.0, "oracle": None}


def test_there_is_no_mean_rank_where_an_entry_lacks_a_board(make: Maker) -> None:
    entries = [
        make(algorithm="a", skill=0.9),
        make(algorithm="b", skill=0.5),
        make(algorithm="c", skill=0.1),
        make(algorithm="b", skill=0.5, protocol="other"),
        make(algorithm="c", skill=0.1, protocol="other"),
    ]
    leaderboard = make_boards(entries)
    assert {s.label: s.mean_rank for s in leaderboard.standings} == dict.fromkeys("abc")
    assert [s.label for s in leaderboard.standings] == ["a", "b", "c"]  # by name
    assert leaderboard.averaged == ()


def test_the_mean_rank_is_over_boards_that_all_entries_share(make: Maker) -> None:
    skills = {"a": (0.1, 0.9), "b": (0.9, 0.5), "c": (0.5, 0.1)}
    entries = [
        make(algorithm=name, skill=skill, protocol=protocol)
        for name, both in skills.items()
        for protocol, skill in zip(("one", "other"), both, strict=True)
    ]
    leaderboard = make_boards(entries)
    assert {s.label: s.mean_rank for s in leaderboard.standings} == {"b": 1.5, "a": 2.0, "c": 2.5}
    assert list(leaderboard.averaged) == list(leaderboard.boards)


def test_ranks_of_different_kinds_of_question_are_not_averaged(make: Maker) -> None:
    entries = [make(algorithm=name, skill=skill) for name, skill in (("b", 0.9), ("a", 0.1))]
    others = [make(algorithm=name, protocol="other") for name in ("a", "b")]
    for entry in others:
        entry.metrics.task = "verification"
    leaderboard = make_boards([*entries, *others])
    assert leaderboard.averaged == ()
    assert [s.label for s in leaderboard.standings] == ["a", "b"]
    # A second kind that not all share does not stand in the way.
    leaderboard = make_boards([*entries, others[0]])
    assert {s.label: s.mean_rank for s in leaderboard.standings} == {"b": 1.0, "a": 2.0}


def test_a_board_whose_data_cannot_answer_is_not_averaged_over(make: Maker) -> None:
    entries = [make(algorithm=name, skill=skill) for name, skill in (("b", 0.9), ("a", 0.1))]
    hopeless = [make(algorithm=n, skill=k, protocol="tiny") for n, k in (("a", 0.9), ("b", 0.1))]
    for entry in hopeless:
        entry.metrics.pooled[entry.metrics.headline].chance = 1.0
    leaderboard = make_boards([*entries, *hopeless])
    assert {s.label: s.mean_rank for s in leaderboard.standings} == {"b": 1.0, "a": 2.0}
    assert [board.protocol for board in leaderboard.averaged] == ["similarity"]


def test_ties_share_the_mean_of_their_ranks_in_the_mean_rank(make: Maker) -> None:
    entries = [make(algorithm=name, skill=skill) for name, skill in (("a", 0.9), ("b", 0.9))]
    leaderboard = make_boards([*entries, make(algorithm="c", skill=0.2)])
    assert ranks(leaderboard) == {"a": 1, "b": 1, "c": 3}
    assert {s.label: s.mean_rank for s in leaderboard.standings} == {"a": 1.5, "b": 1.5, "c": 3.0}


def test_a_board_of_controls_alone_ranks_nobody(make: Maker) -> None:
    leaderboard = make_boards(
        [make(algorithm="a"), make(algorithm="random", control=True, protocol="other")]
    )
    assert {s.label: s.mean_rank for s in leaderboard.standings} == {"a": 1.0, "random": None}


def test_entries_of_one_algorithm_are_told_apart_by_what_differs_between_them(make: Maker) -> None:
    leaderboard = make_boards(
        [
            make(algorithm="a", parameters={"seed": 1, "size": 9}),
            make(algorithm="a", parameters={"seed": 2, "size": 9}),
            make(algorithm="b", parameters={"seed": 7}),
        ]
    )
    assert set(ranks(leaderboard)) == {"a seed=1", "a seed=2", "b"}


def test_names_of_pages_are_letters_digits_and_hyphens() -> None:
    for name in ("../../etc", "<script>", "ä|ö", "", "a" * 200, "con\n\0"):
        assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert 1 <= len(slug(name)) <= 40


def test_groups_follow_from_paired_searches(make: Maker) -> None:
    entries = [make(algorithm=f"m{i}", skill=skill) for i, skill in enumerate((0.8, 0.79, 0.2))]
    (board,) = make_boards(entries).boards
    assert [p.group for p in board.places] == [1, 1, 2]


def outcomes(values: list[float], identities: list[str] | None = None) -> Outcomes:
    keys = tuple(("1", f"p{i:03d}") for i in range(len(values)))
    return Outcomes(keys, tuple(identities or [k[1] for k in keys]), np.array(values))


def test_pairing_tells_apart_what_separate_intervals_cannot() -> None:
    """Nine losses and no win of 60 searches: the intervals overlap widely, the pairs do not."""
    best = outcomes([1.0] * 40 + [0.0] * 20)
    worse = outcomes([1.0] * 31 + [0.0] * 29)
    assert group([best, worse]) == [1, 2]
    # As many losses with as many wins beside them cannot be told from nothing.
    mixed = outcomes([0.0] * 9 + [1.0] * 31 + [1.0] * 9 + [0.0] * 11)
    assert group([best, mixed]) == [1, 1]


def test_searches_of_one_identity_are_not_independent() -> None:
    best = outcomes([1.0] * 40)
    lost = [0.0] * 8 + [1.0] * 32
    assert group([best, outcomes(lost)]) == [1, 2]
    # The same eight losses, all of one of five tattoos.
    five = [f"t{i // 8}" for i in range(40)]
    assert group([outcomes([1.0] * 40, five), outcomes(lost, five)]) == [1, 1]


def test_a_group_is_what_cannot_be_told_from_its_best_entry() -> None:
    """The stated rule: b joins a, c is apart from a and opens the next group, though near b."""
    a = outcomes([1.0] * 60)
    b = outcomes([1.0] * 58 + [0.0] * 2)
    c = outcomes([1.0] * 52 + [0.0] * 8)
    d = outcomes([1.0] * 51 + [0.0] * 9)
    assert group([a, b, c, d]) == [1, 1, 2, 2]


def test_equal_entries_one_identity_and_no_outcomes_have_a_stated_answer() -> None:
    same = outcomes([1.0, 0.0, 1.0])
    assert group([same, same]) == [1, 1]
    alone = ["t", "t", "t"]
    assert group([outcomes([1.0] * 3, alone), outcomes([0.0] * 3, alone)]) == [1, 1]
    assert group([same, None, same]) == [1, None, 1]
    assert group([]) == []


def test_only_common_searches_are_paired_and_missing_values_are_left_out() -> None:
    best = outcomes([1.0] * 40)
    fewer = Outcomes(best.keys[:30], best.identities[:30], np.ones(30))
    assert group([best, fewer]) == [1, 1]
    disjoint = Outcomes((("9", "q"),), ("q",), np.zeros(1))
    assert group([best, disjoint]) == [1, 2]
    gaps = outcomes([float("nan")] * 20 + [1.0] * 20)
    assert group([best, gaps]) == [1, 1]


def test_many_entries_are_grouped_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    hard = rng.random(100)
    made = [
        outcomes((hard < skill).astype(float).tolist()) for skill in np.linspace(0.95, 0.3, 120)
    ]
    together = group(made)
    expected: list[int | None] = []
    leader, number = made[0], 1
    for one in made:
        if group([leader, one]) != [1, 1]:
            leader, number = one, number + 1
        expected.append(number)
    assert together == expected
    assert len(set(together)) > 3


def test_outcomes_must_add_up_to_the_headline(make: Maker) -> None:
    entry = make()
    assert outcomes_of(entry) is not None
    assert outcomes_of(set_headline(entry, 0.123)) is None
    assert outcomes_of(set_headline(entry, None)) is None


def test_a_metric_told_image_by_image_is_grouped_whatever_its_name(make: Maker) -> None:
    entry = make()
    entry.metrics.headline = "dice"
    for i, search in enumerate(entry.searches):
        search.values = {"dice": i / len(entry.searches)}
    mean = float(np.mean([s.values["dice"] or 0.0 for s in entry.searches]))
    entry.metrics.pooled["dice"] = Estimate(mean)
    found = outcomes_of(entry)
    assert found is not None
    assert found.values.mean() == pytest.approx(mean)


def test_a_headline_that_is_no_mean_over_searches_is_not_grouped(make: Maker) -> None:
    entry = make()
    entry.metrics.headline = "eer"
    (board,) = make_boards([entry]).boards
    assert [p.group for p in board.places] == [None]
