"""Random changes of a whole batch at once: flips, warps, bends, parts, other hands, colours.

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


def posed(images: Tensor, poses: Tensor) -> Tensor:
    """Turn square images by quarters, and mirror them.

    Parameters
    ----------
    images
        Shape (n, channels, side, side).
    poses
        Shape (n,): 0 to 3 quarter turns, counter-clockwise; 4 to 7 the same of the mirror image.

    Returns
    -------
    torch.Tensor
        The same shape.

    Examples
    --------
    >>> image = torch.tensor([[[[1, 2], [3, 4]]]])
    >>> posed(image, torch.tensor([1])).tolist(), posed(image, torch.tensor([4])).tolist()
    ([[[[2, 4], [1, 3]]]], [[[[2, 1], [4, 3]]]])
    """
    seen = images.clone()
    for pose in sorted(set(poses.tolist())):
        plain = images[poses == pose]
        seen[poses == pose] = (plain.flip(-1) if pose > 3 else plain).rot90(pose % 4, (-2, -1))
    return seen


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
    return _moved(images, (2 * _rand((5, len(images)), images, generator) - 1) * strength)


def views(images: Tensor, count: int) -> list[Tensor]:
    """Return images as they are, then turned and scaled a little, each view alike for all images.

    Of nine views the others are turned by 7.5 degrees to either side or not at all, 10 % larger,
    smaller or neither: half of what `warped` does at most.

    Parameters
    ----------
    images
        Shape (n, channels, height, width).
    count
        From 1 to 9.

    Returns
    -------
    list of torch.Tensor
        `count` times the same shape.
    """
    steps = [(turn, size) for size in (0.0, 0.5, -0.5) for turn in (0.0, 0.5, -0.5)][1:count]
    return [
        images,
        *(
            _moved(images, images.new_tensor([turn, size, 0, 0, 0])[:, None].repeat(1, len(images)))
            for turn, size in steps
        ),
    ]


def _moved(images: Tensor, draws: Tensor) -> Tensor:
    """Turn, scale, squeeze and shift images by shares, shape (5, n), of the limits of `warped`."""
    height, width = images.shape[-2:]
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


def bent(images: Tensor, strength: float, generator: torch.Generator | None = None) -> Tensor:
    """Bend the lines of every image, as another hand would have drawn them.

    The nodes of a grid of 4x4 over the image move, at strength 1, by up to 7 % of its side in each
    direction, drawn uniformly; what lies between follows smoothly (bicubic). A coarse form of the
    elastic distortions of Simard et al. (ICDAR 2003). What comes in from outside repeats the
    border.

    Parameters
    ----------
    images
        Shape (n, channels, height, width).
    strength
        Multiplies the limit; 0 changes nothing.
    generator
        Source of the choice.

    Returns
    -------
    torch.Tensor
        The same shape.
    """
    if strength == 0:
        return images
    # Grid coordinates run from -1 to 1.
    moves = (2 * _rand((len(images), 2, 4, 4), images, generator) - 1) * (0.14 * strength)
    moves = functional.interpolate(moves, images.shape[-2:], mode="bicubic", align_corners=True)
    still = torch.eye(2, 3, device=images.device).expand(len(images), 2, 3)
    grid = functional.affine_grid(still, list(images.shape), align_corners=False)
    return _sampled(images, grid + moves.permute(0, 2, 3, 1))


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


def erased(images: Tensor, chance: float, generator: torch.Generator | None = None) -> Tensor:
    """Erase a rectangle of some images: Random Erasing (Zhong et al., AAAI 2020).

    Its area is 2 to 33 % of the image, its height .3 to 3.3 times its width, as far as that fits,
    and it lies anywhere within. It shows the image's mean, and in every second one noise round that
    of the image's deviation.

    Parameters
    ----------
    images
        Shape (n, channels, height, width).
    chance
        In [0, 1], of every image to be one of them; 0 changes nothing.
    generator
        Source of the choice.

    Returns
    -------
    torch.Tensor
        The same shape.
    """
    if chance == 0:
        return images
    height, width = images.shape[-2:]
    draws = _rand((6, len(images), 1, 1, 1), images, generator)
    chosen, noisy, area, aspect, x, y = draws
    area, aspect = 0.02 + 0.31 * area, torch.exp(math.log(3.3) * (2 * aspect - 1))
    tall, wide = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    top, left = y * (1 - tall), x * (1 - wide)
    rows = (torch.arange(height, device=images.device)[:, None] + 0.5) / height
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    deviation = images.std(dim=(1, 2, 3), keepdim=True) * (noisy < 0.5)
    filling = images.mean(dim=(2, 3), keepdim=True) + deviation * _randn(images, generator)
    return torch.where(inside & (chosen < chance), filling, images)


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
    noisy: Tensor = changed + deviation * _randn(images, generator)
    return noisy


class ColourJitter:
    """torchvision's `ColorJitter`, of a whole batch at once, with factors of every image's own.

    The order of the four changes is drawn anew for every batch, as kornia does.

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
        self._ranges = (brightness, contrast, saturation, hue)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return images of shape (n, 3, height, width) in [0, 1] in other colours."""
        draws = _rand((4, len(images), 1, 1, 1), images, generator)
        # Without a generator drawn on the CPU: numbers that Python needs wait for a device.
        device = "cpu" if generator is None else generator.device
        for place in torch.randperm(4, generator=generator, device=device).tolist():
            low, high = self._ranges[place]
            images = CHANGES[place](images, low + (high - low) * draws[place])
        return images


def brightened(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply images of shape (n, 3, height, width) by factors of shape (n, 1, 1, 1)."""
    return (images * factors).clamp(0, 1)


def contrasted(images: Tensor, factors: Tensor) -> Tensor:
    """Move away from the mean gray of each image; images of shape (n, 3, height, width)."""
    return torch.lerp(_gray(images).mean((1, 2, 3), keepdim=True), images, factors).clamp(0, 1)


def saturated(images: Tensor, factors: Tensor) -> Tensor:
    """Move away from the gray of every pixel; images of shape (n, 3, height, width)."""
    return torch.lerp(_gray(images), images, factors).clamp(0, 1)


def hue_turned(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hues of images of shape (n, 3, height, width) by shares of the circle."""
    red, green, blue = images.unbind(1)
    value = images.amax(1)
    chroma = value - images.amin(1)
    safe = torch.where(chroma > 0, chroma, 1)
    sixths = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    away = torch.stack([sixths + first for first in (5, 3, 1)], 1).add_(6 * shifts).remainder_(6)
    return value[:, None] - chroma[:, None] * torch.minimum(away, 4 - away).clamp_(0, 1)


CHANGES = (brightened, contrasted, saturated, hue_turned)
"""Each takes images in [0, 1] and a factor or shift for every one, and gives what torchvision's
`adjust_brightness`, `_contrast`, `_saturation` and `_hue` would for every image by itself.
"""


def _gray(images: Tensor) -> Tensor:
    gray: Tensor = 0.2989 * images[:, :1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:]
    return gray


def _seen(images: Tensor, views: Tensor) -> Tensor:
    """Return images through affine maps of shape (n, 2, 3)."""
    return _sampled(images, functional.affine_grid(views, list(images.shape), align_corners=False))


def _sampled(images: Tensor, grid: Tensor) -> Tensor:
    """Return images at places of them, shape (n, height, width, 2), from -1 to 1."""
    seen: Tensor = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return seen


def _rand(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw uniformly from [0, 1), on the device of the images."""
    device = like.device if generator is None else generator.device
    return torch.rand(shape, generator=generator, device=device).to(like.device)


def _randn(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw from the normal distribution, in the shape of images and on their device."""
    device = like.device if generator is None else generator.device
    return torch.randn(like.shape, generator=generator, device=device).to(like.device)
