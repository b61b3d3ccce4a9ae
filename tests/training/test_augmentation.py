"""Flips keep an example together; all else is each image's own, and within its limits."""

from __future__ import annotations

import torch

from harness.training.augmentation import ColourJitter, flipped, parts, redrawn, warped
from harness.training.seeding import generator


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
    after = warped(image.reshape(8, 1, 8, 6), 1.0, generator(0))
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


def test_the_colours_of_an_image_move_together() -> None:
    image = pictures(20, 1).expand(-1, 3, -1, -1)
    for after in (warped(image, 1.0, generator(1)), parts(image, 0.3, generator(1))):
        assert torch.equal(after[:, 0], after[:, 2])
        assert not torch.equal(after, image)


def test_a_part_is_an_enlarged_window_inside_the_image() -> None:
    """In a ramp the slope tells the window's size and the mean where it lies."""
    ramp = torch.linspace(-1, 1, 101).expand(500, 1, 9, 101)
    after = parts(ramp, 0.4, generator(0))
    share = (after[:, 0, 4, 60] - after[:, 0, 4, 40]) / 0.4
    middle = after[:, 0, 4, 50]
    assert 0.4 <= share.min() < 0.42
    assert 0.98 < share.max() <= 1.001
    assert (middle.abs() <= 1 - share + 0.02).all()
    assert middle.std() > 0.1


def test_no_part_and_no_redrawing_change_nothing() -> None:
    before = pictures(3)
    assert parts(before, 1.0) is before
    assert redrawn(before, 0.0) is before


def test_redrawing_keeps_what_is_shown_up_to_its_sign() -> None:
    """A broad bar stays where it is; in about half of the images it becomes light on dark."""
    bar = torch.zeros(400, 1, 32, 32)
    bar[..., 10:22] = 1
    bar -= bar.mean()
    after = redrawn(bar, 1.0, generator(2))
    alike = torch.nn.functional.cosine_similarity(after.flatten(1), bar.flatten(1))
    assert alike.abs().min() > 0.8
    assert 140 < (alike < 0).sum() < 260


def test_colour_jitter_has_draws_of_its_own_for_every_image() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, 6, 6).expand(30, -1, -1, -1)
    after = ColourJitter()(image)
    assert after.shape == image.shape
    assert 0 <= after.min() <= after.max() <= 1
    assert len({tuple(one.flatten().tolist()) for one in after}) == 30


def test_contrast_jitter_goes_down_to_plain_gray_and_up_to_twice() -> None:
    torch.manual_seed(0)
    image = torch.full((200, 3, 4, 4), 0.5)
    image[..., :2] = 0.4
    fixed = {"brightness": (1.0, 1.0), "saturation": (1.0, 1.0), "hue": (0.0, 0.0)}
    after = ColourJitter(**fixed)(image)
    gaps = after[:, 0, 0, 3] - after[:, 0, 0, 0]
    assert gaps.min() < 0.01
    assert gaps.max() > 0.19
