"""Losses and their gradients against values worked out by hand."""

from __future__ import annotations

import pytest
import torch

from harness.training.losses import contrastive_loss, triplet_loss
from harness.training.mining import batch_pairs, batch_triplets

ORIGIN = torch.zeros(3, 2)
# Distances 5, .5 and 2 from the origin.
POINTS = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 2.0]])
MATED = torch.tensor([True, False, False])


def test_contrastive_loss_is_caffes() -> None:
    # (25 + (1 - .5)^2 + 0) / (2 * 3)
    assert contrastive_loss(ORIGIN, POINTS, MATED).item() == pytest.approx(25.25 / 6)


def test_legacy_contrastive_loss_has_the_margin_on_the_square() -> None:
    # (25 + (1 - .25) + 0) / (2 * 3)
    loss = contrastive_loss(ORIGIN, POINTS, MATED, legacy=True)
    assert loss.item() == pytest.approx(25.75 / 6)


def test_contrastive_margin_reaches_farther_when_wider() -> None:
    # (25 + 2.5^2 + 1) / 6 at a margin of 3
    loss = contrastive_loss(ORIGIN, POINTS, MATED, margin=3.0)
    assert loss.item() == pytest.approx(32.25 / 6)


def test_contrastive_gradient_pulls_mates_and_pushes_others_inside_the_margin() -> None:
    points = POINTS.clone().requires_grad_()
    contrastive_loss(ORIGIN, points, MATED).backward()  # type: ignore[no-untyped-call]
    assert points.grad is not None
    # Mated: x / N; not mated: -(m - d) x / (d N) = -(.5) (.6, .8) / 3; beyond the margin: 0.
    expected = [[1.0, 4 / 3], [-0.1, -0.4 / 3], [0.0, 0.0]]
    assert points.grad.numpy() == pytest.approx(torch.tensor(expected).numpy())


@pytest.mark.parametrize("legacy", [False, True])
def test_equal_descriptors_of_strangers_have_a_finite_gradient(legacy: bool) -> None:
    points = torch.zeros(1, 2, requires_grad=True)
    loss = contrastive_loss(points, torch.zeros(1, 2), torch.tensor([False]), legacy=legacy)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(0.5, abs=1e-5)
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


def test_triplet_loss_is_the_mean_over_squared_distances() -> None:
    positive = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    negative = torch.tensor([[2.0, 0.0], [0.0, 0.5], [0.0, 1.0]])
    # max(0, 1 - 4 + .5), 1 - .25 + .5, 1 - 1 + .5
    assert triplet_loss(ORIGIN, positive, negative, 0.5).item() == pytest.approx(1.75 / 3)
    only = triplet_loss(ORIGIN, positive, negative, 0.5, violating_only=True)
    assert only.item() == pytest.approx(1.75 / 2)


def test_triplet_gradient_moves_the_positive_in_and_the_negative_out() -> None:
    positive = torch.tensor([[1.0, 0.0]], requires_grad=True)
    negative = torch.tensor([[0.0, 0.5]], requires_grad=True)
    triplet_loss(torch.zeros(1, 2), positive, negative, 0.5).backward()  # type: ignore[no-untyped-call]
    assert positive.grad is not None
    assert negative.grad is not None
    assert positive.grad.tolist() == [[2.0, 0.0]]
    assert negative.grad.tolist() == [[0.0, -1.0]]


def test_learned_triplets_cost_nothing() -> None:
    near, far = torch.tensor([[0.1]]), torch.tensor([[3.0]])
    for violating_only in (False, True):
        loss = triplet_loss(torch.zeros(1, 1), near, far, 0.005, violating_only=violating_only)
        assert loss.item() == 0


def test_batch_pairs_are_the_mated_ones_and_neighbours_of_different_identities() -> None:
    left, right = batch_pairs(torch.tensor([[1, 1], [2, 2], [1, 1]]))
    # The last pair and the first have one identity, so they give no non-mated pair.
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [
        *[(0, 1), (2, 3), (4, 5)],
        *[(0, 3), (2, 5)],
    ]


def test_no_pairs_cost_nothing() -> None:
    none = torch.zeros(0, 2)
    assert contrastive_loss(none, none, torch.zeros(0, dtype=torch.bool)).item() == 0


def test_batch_triplets_leave_out_images_of_the_same_identity() -> None:
    identities = torch.tensor([[1, 1], [2, 2], [1, 1]])
    anchors, positives, negatives = batch_triplets(identities)
    flat = identities.flatten()
    assert (flat[anchors] == flat[positives]).all()
    assert (anchors != positives).all()
    assert (anchors // 2 == positives // 2).all()
    assert (flat[anchors] != flat[negatives]).all()
    # Four images of identity 1 with two negatives each, two of identity 2 with four.
    assert len(anchors) == 4 * 2 + 2 * 4


def test_a_batch_of_one_identity_costs_nothing() -> None:
    anchors, positives, negatives = batch_triplets(torch.tensor([[1, 1], [1, 1]]))
    rows = torch.rand(4, 2)
    loss = triplet_loss(rows[anchors], rows[positives], rows[negatives], 1.0, violating_only=True)
    assert loss.item() == 0
