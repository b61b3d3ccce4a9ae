"""Feature and gram loss against sums written out by hand, and VGG's layers by name and size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from algorithms.unet_removal.perceptual import PerceptualLoss, Vgg16Features, gram
from harness.errors import UsageError
from harness.training.weights import load_pretrained


class Two(nn.Module):
    """Two maps one can compute in one's head: the picture, and its double."""

    def forward(self, pictures: Tensor) -> list[Tensor]:
        return [pictures, 2 * pictures]


def test_the_terms_are_the_sums_worked_out_by_hand() -> None:
    # One channel, two pixels: found (1, 2), wanted (0, 0).
    found, wanted = torch.tensor([[[[1.0, 2.0]]]]), torch.zeros(1, 1, 1, 2)
    loss = PerceptualLoss(Two(), weights=(5.0, 3.0), gram_weight=10.0)
    terms = {name: value.item() for name, value in loss.terms(found, wanted).items()}
    assert terms["l1"] == pytest.approx(1.5)
    assert terms["feature"] == pytest.approx(5 * 1.5 + 3 * 3.0)
    # Gram of (1, 2) is 5 / 2, of (2, 4) it is 20 / 2; weights are squared, and times ten.
    assert terms["gram"] == pytest.approx(10 * (25 * 2.5 + 9 * 10.0))
    assert loss(found, wanted).item() == pytest.approx(sum(terms.values()))


def test_equal_pictures_cost_nothing() -> None:
    picture = torch.rand(2, 3, 4, 4)
    assert PerceptualLoss(Two(), weights=(5.0, 15.0))(picture, picture.clone()).item() == 0


def test_a_gram_matrix_is_the_product_of_channels_over_their_size() -> None:
    maps = torch.randn(2, 3, 4, 5)
    wanted = torch.stack(
        [
            torch.tensor([[float((m[a] * m[b]).sum() / 60) for b in range(3)] for a in range(3)])
            for m in maps
        ]
    )
    torch.testing.assert_close(gram(maps), wanted)


def test_features_are_the_rectified_maps_before_the_last_three_pools() -> None:
    features = Vgg16Features("random", seed=1).eval()
    with torch.no_grad():
        maps = features(torch.rand(1, 3, 32, 64))
    assert [tuple(m.shape) for m in maps] == [(1, 256, 8, 16), (1, 512, 4, 8), (1, 512, 2, 4)]
    assert all((m >= 0).all() and (m > 0).any() for m in maps)
    # Convolutions of VGG16 before its pools: 2, 2, 3, 3, 3; each with norm and rectifier.
    assert features.taken == [22, 32, 42]


def test_random_features_follow_from_their_seed_and_disturb_nobody_elses_draws() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two = Vgg16Features("random", seed=1), Vgg16Features("random", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    for left, right in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(left, right)


def test_the_norms_of_the_features_do_not_follow_the_pictures_shown() -> None:
    loss: Any = PerceptualLoss(Vgg16Features("random"))
    loss.train()
    before = [b.clone() for b in loss.features.buffers()]
    loss(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))
    assert all(torch.equal(a, b) for a, b in zip(before, loss.features.buffers(), strict=True))
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_weights_that_cannot_be_had_are_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(UsageError, match=r"no algorithm downloads.*vgg16_bn-.*\.pth.*=random"):
        Vgg16Features("imagenet")
    with pytest.raises(UsageError, match="cannot read weights"):
        Vgg16Features(str(tmp_path / "none.safetensors"))


def test_weights_come_from_a_file_and_those_of_another_network_are_refused(tmp_path: Path) -> None:
    theirs: Any = nn.Sequential(nn.Linear(2, 3))
    file = tmp_path / "weights.safetensors"
    save_file({**theirs.state_dict(), "fc.weight": torch.zeros(1)}, file)
    ours: Any = nn.Sequential(nn.Linear(2, 3))
    load_pretrained(ours, "resnet34", str(file), "nothing", leave_out="fc.")
    assert torch.equal(ours[0].weight, theirs[0].weight)
    with pytest.raises(UsageError, match=r"are not those of torchvision's resnet34.*fc\.weight"):
        load_pretrained(ours, "resnet34", str(file), "nothing")
