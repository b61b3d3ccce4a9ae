"""Flips keep an example together; warps are small, and each image has its own."""

from __future__ import annotations

import torch

from harness.training.augmentation import flipped, warped
from harness.training.loop import generator


def pictures(examples: int = 200, images: int = 2) -> torch.Tensor:
    return torch.rand(examples, images, 8, 6, generator=generator(0))


def test_flips_are_left_right_upside_down_both_or_none_in_equal_parts() -> None:
    before = pictures(400, 1)
    after = flipped(before, generator(1))
    kinds = [(), (-1,), (-2,), (-2, -1)]
    found = torch.stack([(after == before.flip(kind)).all(dim=(1, 2, 3)) for kind in kinds])
    assert (found.sum(dim=0) == 1).all()
    assert (found.sum(dim=1) > 60).all()


def test_the_images_of_an_example_are_flipped_alike() -> None:
    image = pictures(50, 1)
    after = flipped(image.expand(-1, 3, -1, -1), generator(1))
    assert torch.equal(after[:, 0], after[:, 1])
    assert torch.equal(after[:, 0], after[:, 2])


def test_no_strength_means_no_change() -> None:
    before = pictures(3)
    assert torch.equal(warped(before, 0, generator(0)), before)


def test_every_image_is_warped_in_its_own_way() -> None:
    image = pictures(1, 1).expand(4, 2, -1, -1)
    after = warped(image, 1.0, generator(0)).flatten(0, 1)
    assert len({tuple(one.flatten().tolist()) for one in after}) == 8


def test_a_dot_in_the_middle_stays_within_the_largest_shift() -> None:
    dot = torch.zeros(300, 1, 57, 47)
    dot[:, :, 27:30, 22:25] = 1
    after = warped(dot, 1.0, generator(0))[:, 0]
    weight = after.sum(dim=(1, 2))
    rows = (after.sum(dim=2) @ torch.arange(57.0)) / weight - 28
    columns = (after.sum(dim=1) @ torch.arange(47.0)) / weight - 23
    # 10 % of the side, enlarged by as much as the image may be, and turned.
    assert rows.abs().max() < 0.1 * 57 * 1.45
    assert columns.abs().max() < 0.1 * 47 * 1.55
    assert rows.std() > 2
    assert columns.std() > 2


def test_a_disc_stays_round_when_turned_in_an_image_that_is_not_square() -> None:
    """A rotation in coordinates that are scaled to [-1, 1] would shear it."""
    y, x = torch.meshgrid(torch.arange(56.0) - 27.5, torch.arange(46.0) - 22.5, indexing="ij")
    bar = ((x.abs() < 16) & (y.abs() < 3)).float().expand(200, 1, -1, -1)
    after = warped(bar, 1.0, generator(0))[:, 0]
    area = after.sum(dim=(1, 2)) / bar[0].sum()
    # Sizes of .8 to 1.2 on both sides and aspects of .9 to 1.1 on one.
    assert area.min() > 1 / (1.2 * 1.2 * 1.1) - 0.05
    assert area.max() < 1 / (0.8 * 0.8 * 0.9) + 0.05


def test_equal_generators_warp_alike() -> None:
    before = pictures(5)
    assert torch.equal(warped(before, 1.0, generator(3)), warped(before, 1.0, generator(3)))
