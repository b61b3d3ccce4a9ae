"""A window over identities without end: who is in it follows from the step, and nobody stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.api import Capture, Image
from harness.training.window import Window, forget


class Numbered:
    """Captures that are their own numbers, and a note of what was asked for."""

    identities, captures = 4, 4

    def __init__(self) -> None:
        self.asked: list[Capture] = []
        self.coming: set[Capture] = set()

    def __call__(self, wanted: Sequence[Capture], coming: Sequence[Capture] = ()) -> list[Image]:
        self.asked += wanted
        self.coming |= set(coming)
        return [np.array([[[one.identity, one.take, one.kin]]], np.uint8) for one in wanted]


def prepare(images: Sequence[Image]) -> Tensor:
    return torch.from_numpy(np.stack([image.reshape(3) for image in images]).astype(np.float32))


def window(drawn: Numbered, **given: Any) -> Window:
    asked = {"identities": 8, "batch_size": 8, "each": 2, "again": 3, "steps": 60, **given}
    return Window(drawn, prepare, **asked)


def test_a_batch_depends_on_its_step_and_not_on_those_before() -> None:
    straight, later = window(Numbered()), window(Numbered())
    batches = [straight.batch(step) for step in range(40)]
    for step in (33, 34):
        for left, right in zip(batches[step], later.batch(step), strict=True):
            assert torch.equal(left, right)


def test_a_capture_is_drawn_once_and_learned_from_as_often_as_asked() -> None:
    drawn = Numbered()
    one = window(drawn)
    seen: Counter[tuple[float, ...]] = Counter()
    for step in range(60):
        seen.update(tuple(row) for row in one.batch(step)[0].tolist())
    assert len(drawn.asked) == len(set(drawn.asked))
    inner = [times for (identity, *_), times in seen.items() if 8 <= identity < 24]
    assert set(inner) == {3}
    # All but those of the first batch were known to come.
    assert set(drawn.asked[8:]) <= drawn.coming


def test_a_class_is_one_identity_until_a_newcomer_takes_it() -> None:
    one, owner = window(Numbered()), dict[int, float]()
    gone: set[float] = set()
    for step in range(60):
        images, classes, new = one.batch(step)
        assert set(classes[new].tolist()) == set(one.newcomers(step))
        before = dict(owner)
        owner |= dict(zip(classes.tolist(), images[:, 0].tolist(), strict=True))
        changed = {kind for kind in before if owner[kind] != before[kind]}
        assert changed == set(one.newcomers(step))
        gone |= {before[kind] for kind in changed}
        assert not gone & set(owner.values())
    assert len(gone) > 30


def test_look_alikes_come_together_and_are_classes_of_their_own() -> None:
    one = window(Numbered(), alike=2)
    for step in range(20):
        images, classes, _ = one.batch(step)
        for identity in set(images[:, 0].tolist()):
            mine = images[:, 0] == identity
            assert set(images[mine, 2].tolist()) == {0, 1}
            assert len(set(classes[mine].tolist())) == 2
    assert one.classes == 8


def test_difficulty_grows_to_all_over_a_share_of_the_steps() -> None:
    drawn = Numbered()
    one = window(drawn, curriculum=0.5)
    for step in range(60):
        one.batch(step)
    levels = {capture.identity: capture.difficulty for capture in drawn.asked}
    assert all(levels[place] == 0 for place in range(8))
    grown = [level for _, level in sorted(levels.items()) if 0 < level < 1]
    assert grown
    assert max(levels.values()) == 1
    plain = Numbered()
    window(plain).batch(0)
    assert {capture.difficulty for capture in plain.asked} == {1}


def test_a_batch_too_small_for_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold 2 images of 8 identities"):
        window(Numbered(), alike=8)


def test_an_optimiser_forgets_rows_and_keeps_the_others() -> None:
    weight = torch.nn.Parameter(torch.ones(3, 2))
    optimiser = torch.optim.Adam([weight])
    weight.grad = torch.ones(3, 2)
    optimiser.step()
    forget(optimiser, weight, [1])
    assert (optimiser.state[weight]["exp_avg"] != 0).any(dim=1).tolist() == [True, False, True]
