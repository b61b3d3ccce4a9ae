"""Random flips and small warps of a whole batch at once, from a generator of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip training examples left-right and upside down, each with probability 1/2.

    All images of one example are flipped alike: the mirror image of a mated pair is a mated pair,
    whereas a mirrored tattoo beside the plain one would teach the network to ignore direction.

    Parameters
    ----------
    images
        Shape (examples, images of an example, height, width).
    generator
        Source of the choice.

    Returns
    -------
    torch.Tensor
        The same shape.
    """
    sideways, upside_down = torch.rand(2, len(images), generator=generator) < 0.5
    images = torch.where(sideways[:, None, None, None], images.flip(-1), images)
    return torch.where(upside_down[:, None, None, None], images.flip(-2), images)


def warped(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Turn, scale, squeeze and shift every image a little, each in its own way.

    At strength 1 up to 15 degrees, 20 % in size, 10 % in aspect and 10 % of the image in each
    direction; drawn uniformly. What comes in from outside repeats the border.

    Parameters
    ----------
    images
        Shape (examples, images of an example, height, width).
    strength
        Multiplies all limits; 0 changes nothing.
    generator
        Source of the choice.

    Returns
    -------
    torch.Tensor
        The same shape.
    """
    if strength == 0:
        return images
    height, width = images.shape[-2:]
    flat = images.reshape(-1, 1, height, width)
    draws = (2 * torch.rand(5, len(flat), generator=generator) - 1) * strength
    angle, size, aspect = draws[0] * math.radians(15), 1 + draws[1] * 0.2, 1 + draws[2] * 0.1
    # Grid coordinates run from -1 to 1, so 10 % of the image is 0.2 of them.
    shift_x, shift_y = draws[3] * 0.2, draws[4] * 0.2
    # The ratio keeps a rotation a rotation although both axes are scaled to [-1, 1].
    ratio = height / width
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    rows = [
        torch.stack([cos * aspect, -sin * ratio * aspect, shift_x], dim=1),
        torch.stack([sin / ratio, cos, shift_y], dim=1),
    ]
    grid = functional.affine_grid(
        torch.stack(rows, dim=1), [len(flat), 1, height, width], align_corners=False
    )
    moved = functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    return moved.reshape(images.shape)
