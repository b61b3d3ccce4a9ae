"""Flips keep an example together; all else is each image's own, and within its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as torchvisions

from harness.training.augmentation import (
    CHANGES,
    ColourJitter,
    bent,
    erased,
    flipped,
    parts,
    posed,
    redrawn,
    views,
    warped,
)
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
    assert bent(before, 0) is before


def test_bends_move_what_is_shown_by_little_and_differently_at_different_places() -> None:
    side = 57
    dots = torch.zeros(300, 1, side, side)
    for x in (14, 42):
        dots[:, :, 27:30, x - 1 : x + 2] = 1
    after = bent(dots, 1.0, generator(0))[:, 0]
    columns = torch.arange(side, dtype=torch.float32)
    halves = [after[..., : side // 2], after[..., side // 2 :]]
    places = [
        (half.sum(1) * columns[start : start + half.shape[-1]]).sum(1) / half.sum((1, 2))
        for half, start in zip(halves, (0, side // 2), strict=True)
    ]
    moved = torch.stack([places[0] - 14, places[1] - 42])
    assert moved.abs().max() < 0.08 * side
    assert moved.std() > 0.01 * side
    assert abs(torch.corrcoef(moved)[0, 1]) < 0.7
    assert torch.equal(bent(dots, 1.0, generator(0))[:, 0], after)


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


@pytest.mark.parametrize("place", range(4))
def test_a_change_of_colour_is_torchvisions_of_every_image_by_itself(place: int) -> None:
    kind = ("brightness", "contrast", "saturation", "hue")[place]
    images = torch.rand(40, 3, 9, 7, generator=generator(4))
    images[0], images[1], images[2] = images[0, :1], 0.0, (images[2] * 3).round() / 3
    factors = (
        2 * torch.rand(40, generator=generator(5))
        if place < 3
        else torch.rand(40, generator=generator(5)) - 0.5
    )
    expected = [
        getattr(torchvisions, f"adjust_{kind}")(image, factor)
        for image, factor in zip(images, factors.tolist(), strict=True)
    ]
    found = CHANGES[place](images, factors[:, None, None, None])
    torch.testing.assert_close(found, torch.stack(expected), atol=4e-6, rtol=0)


def test_colour_jitter_is_its_changes_in_an_order_that_is_drawn() -> None:
    images = torch.rand(1, 3, 5, 5, generator=generator(6)).expand(2, -1, -1, -1)
    fixed = {"brightness": (1.4,) * 2, "contrast": (0.3,) * 2, "saturation": (1.9,) * 2}
    jitter = ColourJitter(**fixed, hue=(0.07, 0.07))
    found = {tuple(jitter(images, generator(seed))[0].flatten().tolist()) for seed in range(300)}
    # Brightness that nothing is clipped by goes with the others in any order.
    assert 10 < len(found) <= 24
    assert torch.equal(jitter(images, generator(1)), jitter(images, generator(1)))


def test_the_eight_poses_of_an_image_are_all_its_turns_and_mirror_images() -> None:
    square = torch.rand(1, 2, 5, 5, generator=generator(0))
    after = posed(square.repeat(8, 1, 1, 1), torch.arange(8)).numpy()
    plain = square[0].numpy()
    expected = [np.rot90(p, k, (1, 2)) for p in (plain, plain[..., ::-1]) for k in range(4)]
    assert (after == np.stack(expected)).all()


def test_views_are_alike_for_all_images_and_turn_and_scale_about_the_middle() -> None:
    bar = torch.zeros(1, 1, 65, 65)
    bar[:, :, 31:34, 12:53] = 1
    seen = views(torch.cat([bar, bar.flip(-2)]), 9)
    assert len(seen) == 9
    assert torch.equal(seen[0][:1], bar)
    assert all(torch.equal(one[0], one[1]) for one in seen)
    places = torch.stack(torch.meshgrid(torch.arange(65.0), torch.arange(65.0), indexing="ij"))
    found = []
    for one in seen:
        weight = one[0, 0] / one[0, 0].sum()
        middle = (weight * places).sum(dim=(1, 2))
        assert middle.tolist() == pytest.approx([32, 32], abs=0.1)
        y, x = places - middle[:, None, None]
        spread = (weight * torch.stack([y * y, x * x, x * y])).sum(dim=(1, 2))
        turn = math.degrees(math.atan2(2 * spread[2], spread[1] - spread[0]) / 2)
        found.append((turn, math.sqrt(spread[0] + spread[1])))
    turns = sorted(turn for turn, _ in found)
    assert turns == pytest.approx([-7.5] * 3 + [0] * 3 + [7.5] * 3, abs=0.3)
    lengths = sorted(length / found[0][1] for _, length in found)
    assert lengths == pytest.approx([1 / 1.1] * 3 + [1] * 3 + [1 / 0.9] * 3, rel=0.02)


def test_a_part_of_some_images_is_erased_within_its_limits() -> None:
    draws = torch.Generator().manual_seed(0)
    images = torch.rand((400, 1, 32, 32), generator=draws)
    changed = erased(images, 0.5, draws)
    gone = (changed != images).float().mean((1, 2, 3))
    touched = gone[gone > 0]
    assert 160 < len(touched) < 240
    assert touched.min() > 0.005
    assert touched.max() < 0.4
    assert torch.equal(erased(images, 0.0), images)


def test_what_is_erased_is_one_rectangle() -> None:
    images = torch.rand((8, 1, 24, 24), generator=torch.Generator().manual_seed(1))
    for image, after in zip(images, erased(images, 1.0), strict=True):
        gone = (image != after)[0]
        rows, columns = gone.any(1), gone.any(0)
        assert torch.equal(gone, rows[:, None] & columns)
