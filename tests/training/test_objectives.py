"""Objectives: the loss of a batch by hand, after the change that is asked for."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from harness.training.objectives import SiameseObjective, SoftmaxObjective


def test_the_softmax_loss_is_the_mean_surprise_at_the_right_class() -> None:
    last = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        last.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    objective = SoftmaxObjective(nn.Flatten(), last, lambda images: 2 * images)
    images = torch.tensor([[1.0, 0.0], [0.0, 0.5]]).reshape(2, 1, 1, 2)
    # Outputs (2, 0) and (0, 1), of classes 0 and 0.
    surprises = [math.log(1 + math.exp(-2)), math.log(1 + math.exp(1))]
    loss = objective(images, torch.tensor([0, 0]))
    assert loss.item() == pytest.approx(sum(surprises) / 2)


class _Seen(nn.Module):
    """Returns what it sees as the layer ip2."""

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(ip2=images.flatten(1))


@pytest.mark.parametrize("flip_each", [False, True])
def test_images_of_a_pair_are_flipped_alike_or_each_by_itself(flip_each: bool) -> None:
    pairs = torch.arange(4.0).reshape(1, 1, 2, 2).expand(200, 2, 2, 2)
    seen: list[torch.Tensor] = []

    def loss(outputs: torch.Tensor, identities: torch.Tensor) -> torch.Tensor:
        seen.append(outputs)
        return outputs.sum()

    torch.manual_seed(0)
    objective = SiameseObjective(_Seen(), "ip2", 0.0, loss, flip_each=flip_each)
    objective(pairs, torch.zeros(200, 2, dtype=torch.int64))
    alike = (seen[0][:, 0] == seen[0][:, 1]).all(dim=1).float().mean().item()
    # Of 4 equally likely ways each, two images go the same way once in four.
    assert alike == pytest.approx(0.25 if flip_each else 1.0, abs=0.13 if flip_each else 0)
