"""Random changes of a whole batch at once: flips, warps, parts, other hands, colours.

Draws come from the generator given; from torch's global one, which `Descent` seeds for every step,
where there is none.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def flipped(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
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
    sideways, upside_down = _rand((2, len(images)), images, generator) < 0.5
    images = torch.where(sideways[:, None, None, None], images.flip(-1), images)
    return torch.where(upside_down[:, None, None, None], images.flip(-2), images)


def warped(images: Tensor, strength: float, generator: torch.Generator | None = None) -> Tensor:
    """Turn, scale, squeeze and shift every image a little, each in its own way.

    At strength 1 up to 15 degrees, 20 % in size, 10 % in aspect and 10 % of the image in each
    direction; drawn uniformly. What comes in from outside repeats the border.

    Parameters
    ----------
    images
        Shape (n, channels, height, width).
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
    draws = (2 * _rand((5, len(images)), images, generator) - 1) * strength
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
    return _seen(images, torch.stack(rows, dim=1))


def parts(images: Tensor, smallest: float, generator: torch.Generator | None = None) -> Tensor:
    """Show a part of every image, wherever it lies, at the size of the whole.

    Parameters
    ----------
    images
        Shape (n, channels, height, width).
    smallest
        Least share of the width and of the height that is shown, in (0, 1]; drawn uniformly up to
        1, for both alike. 1 changes nothing.
    generator
        Source of the choice.

    Returns
    -------
    torch.Tensor
        The same shape.
    """
    if smallest == 1:
        return images
    share, x, y = _rand((3, len(images)), images, generator)
    share = smallest + (1 - smallest) * share
    zero = torch.zeros_like(share)
    rows = [
        torch.stack([share, zero, (2 * x - 1) * (1 - share)], dim=1),
        torch.stack([zero, share, (2 * y - 1) * (1 - share)], dim=1),
    ]
    return _seen(images, torch.stack(rows, dim=1))


def redrawn(images: Tensor, strength: float, generator: torch.Generator | None = None) -> Tensor:
    """Change how drawings are made and leave what they show: pen, focus, ink on ground.

    At strength 1 an image is, each with a chance of 1/4, drawn with thicker dark lines, with
    thicker light ones, or out of focus (the neighbourhood's least, greatest or mean value); then
    turned into its negative with a chance of 1/2, and every value gets noise of a deviation of up
    to .2 that of the image. `strength` multiplies chances and noise.

    Parameters
    ----------
    images
        Shape (n, channels, height, width); around 0, as `local_contrast` leaves them.
    strength
        In [0, 1]; 0 changes nothing.
    generator
        Source of the choice.

    Returns
    -------
    torch.Tensor
        The same shape.
    """
    if strength == 0:
        return images
    kind, sign, noise = _rand((3, len(images), 1, 1, 1), images, generator)
    thick = 3 if images.shape[-1] < 96 else 5
    light = functional.max_pool2d(images, thick, 1, thick // 2)
    dark = -functional.max_pool2d(-images, thick, 1, thick // 2)
    soft = functional.avg_pool2d(images, thick, 1, thick // 2, count_include_pad=False)
    step = strength / 4
    changed = torch.where(kind < step, light, images)
    changed = torch.where((kind >= step) & (kind < 2 * step), dark, changed)
    changed = torch.where((kind >= 2 * step) & (kind < 3 * step), soft, changed)
    changed = torch.where(sign < strength / 2, -changed, changed)
    deviation = 0.2 * strength * noise * images.std(dim=(1, 2, 3), keepdim=True)
    grain = torch.randn(
        images.shape,
        generator=generator,
        device=images.device if generator is None else generator.device,
    )
    noisy: Tensor = changed + deviation * grain.to(images.device)
    return noisy


class ColourJitter:
    """torchvision's v2 `ColorJitter` with draws of its own for every image of a batch.

    Parameters
    ----------
    brightness, contrast, saturation
        Ranges of factors.
    hue
        Range of shifts, as shares of the circle.
    """

    def __init__(
        self,
        brightness: tuple[float, float] = (0.5, 1.5),
        contrast: tuple[float, float] = (0.0, 2.0),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.1, 0.1),
    ) -> None:
        from torchvision.transforms import v2

        self._jitter = v2.ColorJitter(brightness, contrast, saturation, hue)

    def __call__(self, images: Tensor) -> Tensor:
        """Return images of shape (n, 3, height, width) in [0, 1] in other colours."""
        return torch.stack([self._jitter(image) for image in images])


def _seen(images: Tensor, views: Tensor) -> Tensor:
    """Return images through affine maps of shape (n, 2, 3)."""
    grid = functional.affine_grid(views, list(images.shape), align_corners=False)
    seen: Tensor = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return seen


def _rand(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw uniformly from [0, 1), on the device of the images."""
    device = like.device if generator is None else generator.device
    return torch.rand(shape, generator=generator, device=device).to(like.device)
