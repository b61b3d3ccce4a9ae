"""The census: counts, folds and mates."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache

import pytest

from generators.procedural.world import Item, census, mated_pairs


def of(items: list[Item], use_case: str, role: str = "") -> list[Item]:
    return [i for i in items if i.use_case == use_case and role in ("", i.role)]


@cache
def whole() -> list[Item]:
    return census(0, "full")


@cache
def fifth() -> list[Item]:
    return census(0, "mini")


@pytest.mark.parametrize(
    ("use_case", "full", "mini"),
    [
        ("tattoo_identification", (157, 215), (31, 43)),
        ("region_of_interest", (297, 157), (59, 31)),
        ("mixed_media", (181, 272), (72, 109)),
        ("tattoo_similarity", (851, 1361), (170, 272)),
        ("tattoo_detection", (2349, 0), (470, 0)),
    ],
)
def test_counts_are_those_of_tatt_c_and_about_a_fifth(
    use_case: str, full: tuple[int, int], mini: tuple[int, int]
) -> None:
    for items, expected in ((whole(), full), (fifth(), mini)):
        found = tuple(len(of(items, use_case, role)) for role in ("probe", "reference"))
        assert found == expected


def test_detection_has_the_tattoos_and_the_others_of_tatt_c() -> None:
    kinds = Counter(bool(i.tattoo) for i in of(whole(), "tattoo_detection"))
    assert kinds == {True: 1349, False: 1000}
    negatives = Counter(i.media for i in of(fifth(), "tattoo_detection") if not i.tattoo)
    assert set(negatives) == {"face", "bare-skin", "jewellery", "cloth", "wall"}
    assert negatives["face"] == 80


def test_verification_has_several_captures_of_every_tattoo_in_one_fold() -> None:
    for items, tattoos in ((whole(), 500), (fifth(), 125)):
        mine = of(items, "tattoo_verification")
        captures = Counter((i.tattoo, i.fold) for i in mine)
        assert len(captures) == tattoos
        assert set(captures.values()) == {3}
        assert len({i.source for i in mine}) == len(mine)
        sizes = Counter(i.fold for i in mine).values()
        assert len(set(sizes)) == 1


def test_no_tattoo_subject_or_group_is_in_two_use_cases() -> None:
    for key in ("tattoo", "subject", "group"):
        seen = defaultdict(set)
        for item in whole():
            if item.tattoo:
                seen[getattr(item, key)].add(item.use_case)
        assert all(len(cases) == 1 for cases in seen.values())


def test_background_has_the_size_of_tatt_c() -> None:
    assert len(of(whole(), "background")) == 4332
    assert len(of(fifth(), "background")) == 866


def test_fold_galleries_are_as_even_as_can_be() -> None:
    for items in (whole(), fifth()):
        for use_case in ("tattoo_identification", "region_of_interest", "mixed_media"):
            sizes = Counter(i.fold for i in of(items, use_case, "reference")).values()
            assert len(sizes) == 5
            assert max(sizes) - min(sizes) <= 1
    similarity = Counter(i.fold for i in of(whole(), "tattoo_similarity", "reference"))
    assert sorted(similarity.values()) == [272, 272, 272, 272, 273]


@pytest.mark.parametrize("key", ["tattoo", "subject", "group"])
def test_folds_of_a_use_case_share_no_one(key: str) -> None:
    seen = defaultdict(set)
    for item in whole():
        if item.fold and item.tattoo:
            seen[item.use_case, getattr(item, key)].add(item.fold)
    assert all(len(folds) == 1 for folds in seen.values())


def test_background_is_a_mate_of_nothing() -> None:
    groups = {i.group for i in whole() if i.use_case != "background"}
    assert not groups & {i.group for i in of(whole(), "background")}


def test_every_probe_has_mates_in_its_fold_and_never_from_its_own_source() -> None:
    named = ("tattoo_identification", "region_of_interest", "mixed_media", "tattoo_verification")
    for use_case in named:
        items = {i.image: i for i in of(whole(), use_case)}
        pairs = mated_pairs(list(items.values()))
        assert {p for p, _ in pairs} == {n for n, i in items.items() if i.role == "probe"}
        for probe, mate in pairs:
            assert items[probe].tattoo == items[mate].tattoo
            assert items[probe].fold == items[mate].fold
            assert items[probe].source != items[mate].source


def test_similar_tattoos_are_on_different_subjects() -> None:
    items = {i.image: i for i in of(whole(), "tattoo_similarity")}
    pairs = mated_pairs(list(items.values()))
    mates = Counter(probe for probe, _ in pairs)
    assert set(mates.values()) <= {2, 3}
    for probe, mate in pairs:
        assert items[probe].group == items[mate].group
        assert items[probe].subject != items[mate].subject


def test_file_names_are_unique_and_tell_nothing_of_mates() -> None:
    for use_case in {i.use_case for i in fifth()}:
        names = [i.image for i in of(fifth(), use_case)]
        assert len(set(names)) == len(names)
    items = {i.image: i for i in of(fifth(), "tattoo_similarity")}
    pairs = mated_pairs(list(items.values()))
    gaps = [abs(int(p[2:7]) - int(m[2:7])) for p, m in pairs]
    assert sum(gap <= 2 for gap in gaps) < len(gaps) / 10
