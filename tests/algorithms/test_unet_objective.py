"""Painting, overlaid ink and the loss of the removal network, on numbers one can check."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from algorithms.unet_removal.objective import RemovalObjective, overlaid, painted
from algorithms.unet_removal.progressive import Stages


class Always(nn.Module):
    """Raw maps that are the same everywhere."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values, dtype=torch.float32)[:, None, None])

    def forward(self, pictures: Tensor) -> Tensor:
        return self.values.expand(len(pictures), -1, *pictures.shape[-2:])


def test_gates_nearly_closed_are_closed_and_gates_nearly_open_are_open() -> None:
    logits = [math.log(p / (1 - p)) for p in (0.05, 0.1, 0.5, 0.9, 0.99)]
    raw = torch.zeros(1, 4, 1, 5)
    raw[0, 3, 0] = torch.tensor(logits)
    found = painted(raw, "gated")
    assert found.gate is not None
    torch.testing.assert_close(found.gate[0, 0, 0], torch.tensor([0, 0, 0.5, 1, 1.0]))
    seen = torch.full((1, 3, 1, 5), 0.2)
    # The fill is sigmoid(0) = .5 everywhere.
    wanted = torch.tensor([0.2, 0.2, 0.35, 0.5, 0.5]).expand(3, 5)[None, :, None]
    torch.testing.assert_close(found.over(seen), wanted)


def test_ink_is_laid_as_the_share_of_light_that_it_lets_through() -> None:
    clean = torch.tensor([0.8, 0.4]).view(2, 1, 1, 1).expand(2, 3, 2, 2)
    masks = torch.zeros(2, 1, 2, 2)
    masks[0, 0, 0, 0] = 1  # ink that lets a quarter through, at the top left of the first
    pictures = torch.where(masks > 0, clean / 4, clean)
    laid, bare, shapes = overlaid(pictures, clean, masks, 1.0)
    assert torch.equal(bare, clean)
    assert torch.equal(laid[0], clean[0])  # its neighbour has no ink
    assert shapes[1, 0].tolist() == [[0, 1], [0, 0]]  # flipped
    # (.2 + 1/255) / (.8 + 1/255) of .4
    assert laid[1, 0, 0, 1].item() == pytest.approx(0.4 * (0.2 + 1 / 255) / (0.8 + 1 / 255))
    assert torch.equal(laid[1, :, 1], clean[1, :, 1])


def test_nothing_is_laid_over_a_share_of_none() -> None:
    pictures, clean, masks = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4), torch.ones(2, 1, 4, 4)
    assert overlaid(pictures, clean, masks, 0.0)[0] is pictures


def test_the_loss_is_l1_and_the_gates_cross_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "algorithms.unet_removal.objective._relit", lambda pictures, clean: (pictures, clean)
    )
    # Gate logits of 0: half open, and a cross-entropy of ln 2 whatever the mask.
    objective = RemovalObjective(Always(0, 0, 0, 0), "gated", gate_weight=0.3)
    pictures, clean = torch.full((2, 3, 4, 4), 0.3), torch.full((2, 3, 4, 4), 0.6)
    loss = objective(pictures, clean, torch.zeros(2, 1, 4, 4)).item()
    assert loss == pytest.approx(abs(0.4 - 0.6) + 0.3 * math.log(2), rel=1e-5)


def test_the_loss_of_a_painted_picture_has_the_terms_of_the_features(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Same(nn.Module):
        def forward(self, pictures: Tensor) -> list[Tensor]:
            return [pictures] * 3

    monkeypatch.setattr(
        "algorithms.unet_removal.objective._relit", lambda pictures, clean: (pictures, clean)
    )
    objective = RemovalObjective(Always(0, 0, 0), "picture", Same())
    clean = torch.zeros(1, 3, 2, 2)
    loss = objective(torch.rand(1, 3, 2, 2), clean, torch.zeros(1, 1, 2, 2)).item()
    # Painted .5 against 0: L1 .5, features (5 + 15 + 2) x .5; each entry of the gram matrix is
    # 4 x .25 / 12, its weights 25 + 225 + 4, times 5,000.
    assert loss == pytest.approx(0.5 + 22 * 0.5 + 5000 * 254 / 12, rel=1e-5)


def test_each_stage_has_its_size_and_a_rate_that_falls() -> None:
    stages = Stages((64, 128, 192), (4, 2, 1), rate=1.0, decay=0.5, warm_up=0.0)
    assert stages.total == 7
    assert [stages.size(i) for i in range(7)] == [64, 64, 64, 64, 128, 128, 192]
    # Half cosines: 1, .854, .5, .146; then from .5; then from .25.
    wanted = [1, 0.853553, 0.5, 0.146447, 0.5, 0.25, 0.25]
    assert [stages.at(i) for i in range(7)] == pytest.approx(wanted, abs=1e-5)
