"""Losses and their gradients against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch

from harness.training.losses import ArcFace, contrastive_loss, triplet_loss
from harness.training.mining import batch_pairs, batch_triplets
from harness.training.seeding import generator

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
def test_equal_descriptors_of_nonmates_have_a_finite_gradient(legacy: bool) -> None:
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


def by_definition(
    embeddings: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int64],
    scale: float,
    margin: float,
) -> float:
    """ArcFace from angles, row by row."""
    total = 0.0
    for row, own in zip(embeddings, classes, strict=True):
        cosines = weights @ row / (np.linalg.norm(weights, axis=1) * np.linalg.norm(row))
        angle = math.acos(min(1, max(-1, cosines[own])))
        moved = math.cos(angle + margin)
        if angle + margin > math.pi:
            moved = math.cos(angle) - margin * math.sin(margin)
        logits = scale * cosines
        logits[own] = scale * moved
        top = logits.max()
        total += top + math.log(np.exp(logits - top).sum()) - logits[own]
    return total / len(embeddings)


def arcface(weights: npt.NDArray[np.float64], scale: float = 64.0, margin: float = 0.5) -> ArcFace:
    head = ArcFace(weights.shape[1], len(weights), scale, margin)
    head.weight.data = torch.from_numpy(weights.astype(np.float32))
    return head


@pytest.mark.parametrize(("scale", "margin"), [(64.0, 0.5), (8.0, 0.2), (1.0, 0.0)])
def test_arcface_is_what_its_angles_say(scale: float, margin: float) -> None:
    rng = np.random.default_rng(0)
    rows, weights = rng.normal(size=(40, 6)), rng.normal(size=(5, 6))
    classes = rng.integers(0, 5, 40)
    found = arcface(weights, scale, margin)(
        torch.from_numpy(rows.astype(np.float32)), torch.from_numpy(classes)
    )
    assert found.item() == pytest.approx(
        by_definition(rows, weights, classes, scale, margin), rel=1e-5
    )


def test_arcface_falls_with_the_angle_all_the_way_to_the_opposite() -> None:
    """cos(t + .5) alone would rise again beyond pi - .5, and reward being wrong."""
    angles = torch.linspace(0, math.pi, 200)
    rows = torch.stack([angles.cos(), angles.sin()], dim=1)
    head = arcface(np.array([[1.0, 0.0], [0.0, 1.0]]), scale=1.0)
    target = head.logits(rows, torch.zeros(200, dtype=torch.int64))[:, 0]
    assert (target.diff() < 0).all()
    assert target[0].item() == pytest.approx(math.cos(0.5), abs=1e-5)
    assert target[-1].item() == pytest.approx(-1 - 0.5 * math.sin(0.5), abs=1e-5)


@pytest.mark.parametrize("row", [[3.0, 0.0], [-3.0, 0.0], [1e-20, 0.0]])
def test_gradients_of_arcface_are_finite_where_angles_are_not_smooth(row: list[float]) -> None:
    rows = torch.tensor([row], requires_grad=True)
    head = arcface(np.array([[1.0, 0.0], [0.0, 1.0]]))
    head(rows, torch.tensor([0])).backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()
    assert head.weight.grad is not None
    assert head.weight.grad.isfinite().all()


def test_one_step_of_arcface_by_hand() -> None:
    """At 45 degrees from both of two classes, s = 1, m = 0: both probabilities are 1/2."""
    head = arcface(np.array([[1.0, 0.0], [0.0, 1.0]]), scale=1.0, margin=0.0)
    head(torch.tensor([[2.0, 2.0]]), torch.tensor([0])).backward()
    # d loss / d cosine is (-1/2, 1/2); d cosine / d weight is the part of the row across it.
    half = 0.5 * math.sqrt(0.5)
    assert head.weight.grad is not None
    assert head.weight.grad.tolist() == [
        pytest.approx([0.0, -half], abs=1e-6),
        pytest.approx([half, 0.0], abs=1e-6),
    ]


def test_class_weights_of_arcface_begin_as_the_paper_says() -> None:
    weight = ArcFace(512, 1000, generator=generator(0)).weight
    assert weight.shape == (1000, 512)
    assert weight.mean().item() == pytest.approx(0, abs=1e-4)
    assert weight.std().item() == pytest.approx(0.01, rel=0.01)


def test_arcface_is_computed_in_float32_whatever_surrounds_it() -> None:
    head = arcface(np.eye(3))
    rows = torch.eye(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = head(rows.bfloat16(), torch.arange(3))
    assert inside.dtype == torch.float32
    assert inside.item() == pytest.approx(head(rows, torch.arange(3)).item())


def test_a_smoothed_label_is_shared_by_all_classes() -> None:
    rows = torch.randn(5, 8, generator=generator(2))
    classes = torch.tensor([0, 3, 1, 1, 2])
    plain = ArcFace(8, 4, scale=8.0, generator=generator(3))
    smooth = ArcFace(8, 4, scale=8.0, generator=generator(3), smoothing=0.2)
    logits = plain.logits(rows, classes).double()
    surprise = logits.logsumexp(dim=1, keepdim=True) - logits
    labels = 0.8 * torch.nn.functional.one_hot(classes, 4).double() + 0.2 / 4
    expected = (labels * surprise).sum(dim=1).mean().item()
    assert smooth(rows, classes).item() == pytest.approx(expected, rel=1e-5)
