"""Drawing by AIGTatt's procedure: who meets whom, and that a lot can be drawn again."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from harness.data.records import Dataset
from harness.errors import DataError
from harness.tasks import closed_set, open_set, verification
from tests.tasks.drawn import answers, dataset, protocol

VERIFY = ["eer"]
OPEN = ["fnir@fpir=0.1,rank=1"]
CLOSED = ["hit-rate@rank=1"]


def owner(name: str) -> str:
    return name.split("/")[0]


def test_verification_compares_every_pair_of_an_identity_once() -> None:
    world = dataset([3, 2, 1])
    (fold,) = verification.TASK.lay_out(world, protocol("verification", VERIFY))
    wanted = {
        frozenset(pair)
        for pair in combinations(world.records, 2)
        if owner(pair[0]) == owner(pair[1])
    }
    assert {frozenset(pair) for pair in fold.mates} == wanted
    assert len(fold.mates) == len(wanted) == 3 + 1


def test_verification_has_one_random_comparison_for_every_ordered_two_identities() -> None:
    (fold,) = verification.TASK.lay_out(dataset([3, 2, 1, 4]), protocol("verification", VERIFY))
    ordered = [(owner(a), owner(b)) for a, b in fold.nonmates]
    assert len(ordered) == len(set(ordered)) == 4 * 3
    assert all(a != b for a, b in ordered)


def test_the_same_seed_draws_the_same_and_another_seed_draws_otherwise() -> None:
    world = dataset([4] * 12)

    def draws(seed: int) -> object:
        (fold,) = closed_set.TASK.lay_out(
            world, protocol("closed-set", CLOSED, folds={"seed": seed})
        )
        return fold.draws

    assert draws(0) == draws(0)
    assert draws(0) != draws(1)


def test_a_draw_does_not_depend_on_the_order_of_the_manifest() -> None:
    world = dataset([3] * 8)
    turned = dataset([3] * 8)
    object.__setattr__(turned, "records", dict(reversed(list(turned.records.items()))))
    asked = protocol("open-set", OPEN)
    assert open_set.TASK.lay_out(world, asked) == open_set.TASK.lay_out(turned, asked)


def test_closed_set_draws_one_probe_and_one_reference_of_each_identity_with_two_images() -> None:
    (fold,) = closed_set.TASK.lay_out(dataset([3, 2, 1, 5]), protocol("closed-set", CLOSED))
    assert len(fold.draws) == 10
    for draw in fold.draws:
        assert [owner(n) for n in draw.probes] == [owner(n) for n in draw.gallery]
        assert sorted(map(owner, draw.probes)) == ["t00", "t01", "t03"]
        assert not set(draw.probes) & set(draw.gallery)


def test_left_out_sources_never_meet() -> None:
    asked = protocol("closed-set", CLOSED, data={"same-source": "left-out"})
    world = dataset([2, 4, 3, 6])  # the first has one photograph only
    (fold,) = closed_set.TASK.lay_out(world, asked)
    for draw in fold.draws:
        assert "t00" not in map(owner, draw.probes)
        for probe, reference in zip(draw.probes, draw.gallery, strict=True):
            assert world.records[probe].source != world.records[reference].source


def test_open_set_makes_everybody_unknown_once_and_never_enrols_the_unknown() -> None:
    (fold,) = open_set.TASK.lay_out(dataset([3] * 27), protocol("open-set", OPEN))
    unknown_in = []
    for draw in fold.draws:
        enrolled = set(map(owner, draw.gallery))
        strangers = [name for name in draw.probes if owner(name) not in enrolled]
        assert len(strangers) == 3 * len(set(map(owner, strangers)))  # all of their images
        assert len(draw.gallery) == len(enrolled) == 27 - len(strangers) // 3
        unknown_in += sorted(set(map(owner, strangers)))
    assert sorted(unknown_in) == sorted({f"t{i:02d}" for i in range(27)})


def test_an_identity_with_one_image_is_searched_when_unknown_and_left_out_otherwise() -> None:
    (fold,) = open_set.TASK.lay_out(dataset([1, *[3] * 9]), protocol("open-set", OPEN))
    searched = [draw for draw in fold.draws if any(owner(n) == "t00" for n in draw.probes)]
    assert len(searched) == 1
    assert all(owner(name) != "t00" for draw in fold.draws for name in draw.gallery)


def with_roles(roles: dict[str, str | None]) -> Dataset:
    """Pictures that say themselves what they are."""
    world = dataset([3] * 6)
    records = {n: replace(r, role=roles.get(n, "probe")) for n, r in world.records.items()}
    return replace(world, records=records)


ENROLLED: dict[str, str | None] = {
    "t00/00.png": "reference",
    "t01/00.png": "reference",
    "t01/02.png": "reference",
    "t02/01.png": "reference",
}


def test_roles_that_leave_somebody_out_of_the_gallery_say_who_is_unknown() -> None:
    world = with_roles(ENROLLED)
    (fold,) = open_set.TASK.lay_out(world, protocol("open-set", OPEN))
    (draw,) = fold.draws
    assert set(draw.gallery) == set(ENROLLED)
    assert set(draw.probes) == set(world.records) - set(ENROLLED)
    assert fold.mates == {(p, r) for p in draw.probes for r in ENROLLED if owner(p) == owner(r)}
    outcome = open_set.TASK.judge(
        [fold], answers([fold]), world.records, protocol("open-set", OPEN)
    )
    assert outcome.metrics.counts["mated_searches"] == 2 + 1 + 2
    assert outcome.metrics.counts["nonmated_searches"] == 9
    assert outcome.metrics.counts["largest_gallery"] == 4


def test_roles_that_enrol_everybody_leave_the_unknown_to_the_draw() -> None:
    everybody: dict[str, str | None] = {f"t{i:02d}/00.png": "reference" for i in range(6)}
    (fold,) = open_set.TASK.lay_out(with_roles(everybody), protocol("open-set", OPEN))
    assert len(fold.draws) == 10


@pytest.mark.parametrize(
    ("roles", "tables", "said"),
    [
        ({**ENROLLED, "t05/01.png": None}, {}, r"1 picture has no role, e.g. 't05/01.png'"),
        (ENROLLED, {"data": {"same-source": "left-out"}}, r"same-source = 'left-out'"),
        (
            {"t00/00.png": "reference", "t00/01.png": "train", "t00/02.png": "train"},
            {},
            "no probe has a",
        ),
    ],
)
def test_roles_that_cannot_be_kept_are_refused(
    roles: dict[str, str | None], tables: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        open_set.TASK.lay_out(with_roles(roles), protocol("open-set", OPEN, **tables))


def test_nothing_to_draw_is_an_error_that_says_what_to_do() -> None:
    wanted = "fewer than two identities with two images, .* Ask for fewer folds, with --folds N"
    with pytest.raises(DataError, match=wanted):
        closed_set.TASK.lay_out(dataset([1, 1, 1, 2]), protocol("closed-set", CLOSED))
