"""The entries that are signed have the bytes that their page describes, whoever makes them."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from harness.errors import Damaged
from harness.record.evidence.leaves import COVERED, of_picture, of_pictures, of_search, of_searches
from harness.tasks.results import Candidate, Judgement

SEARCH = Judgement(
    fold="1",
    probe="é|\ud800.jpg",
    identity="t1",
    rank=1,
    mates=1,
    gallery=2,
    average_precision=1.0,
    score=0.1 + 0.2,
    best_nonmate=1e-07,
    values={"map": None},
    candidates=[Candidate("r.jpg", 0.1 + 0.2, True), Candidate("s.jpg", None, False)],
)


def test_an_entry_of_a_search_is_these_bytes() -> None:
    assert of_search(SEARCH) == (
        b'["search-1",{"average_precision":1.0,"best_nonmate":1e-07,"candidates":[{"mated":true,'
        b'"reference":"r.jpg","score":0.30000000000000004},{"mated":false,"reference":"s.jpg",'
        b'"score":null}],"correct":null,"failed":false,"fold":"1","gallery":2,"identity":"t1",'
        b'"mates":1,"probe":"\\u00e9|\\ud800.jpg","rank":1,"same_source":false,'
        b'"score":0.30000000000000004,"truth":"","values":{"map":null}}]'
    )


def test_an_entry_of_a_picture_is_these_bytes() -> None:
    assert of_picture("a.png", "0f" * 32) == b'["picture-1","a.png","' + b"0f" * 32 + b'"]'


def test_all_that_is_kept_of_a_search_is_signed() -> None:
    assert set(COVERED) == set(Judgement.__struct_fields__)
    changed = {
        **dict.fromkeys(("fold", "probe", "identity", "truth"), "x"),
        **dict.fromkeys(("rank", "mates", "gallery"), 7),
        **dict.fromkeys(("average_precision", "score", "best_nonmate"), 0.5),
        **dict.fromkeys(("failed", "same_source", "correct"), True),
        "values": {"map": 0.5},
        "candidates": SEARCH.candidates[::-1],
    }
    assert changed.keys() == set(COVERED)
    for name, value in changed.items():
        assert of_search(msgspec.structs.replace(SEARCH, **{name: value})) != of_search(SEARCH)


def test_scores_that_differ_in_their_last_bit_are_other_entries() -> None:
    other = msgspec.structs.replace(SEARCH, score=0.3)
    assert other.score != SEARCH.score
    assert of_search(other) != of_search(SEARCH)


def test_what_json_reads_of_an_entry_gives_the_same_entry_again() -> None:
    _, facts = json.loads(of_search(SEARCH))
    assert of_search(msgspec.convert(facts, Judgement)) == of_search(SEARCH)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_say_is_refused_with_the_name_of_the_search(value: float) -> None:
    with pytest.raises(Damaged, match=r"search of 'é\|.*jpg' holds a number"):
        of_search(msgspec.structs.replace(SEARCH, score=value))


def test_leaves_stand_in_the_order_of_searches_and_pictures_in_that_of_names() -> None:
    other = msgspec.structs.replace(SEARCH, probe="a")
    assert of_searches([SEARCH, other]) == of_searches([other, SEARCH])[::-1]
    assert of_searches([]) == []
    assert of_pictures({"b": "1", "a": "2"}) == of_pictures({"a": "2", "b": "1"})
    assert of_pictures({"a": "2"}) == [hashlib.sha256(b'\0["picture-1","a","2"]').digest()]
