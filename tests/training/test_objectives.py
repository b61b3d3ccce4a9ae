"""Objectives: the loss of a batch by hand, after the change that is asked for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness.training.objectives import SoftmaxObjective


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
