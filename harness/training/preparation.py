"""Pictures into the stacks of small images that the networks here take."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from harness.api import Image

FloatStack = npt.NDArray[np.float32]

T = TypeVar("T")

_BLOCK = 32

# Below this contrast (of [0, 1]) an image is blank, and scaling it would only magnify rounding.
BLANK = 1e-4


def gray_stack(images: Sequence[Image], height: int, width: int) -> FloatStack:
    """Return pictures as gray images of one size; the aspect ratio is not kept.

    Gray is ITU-R BT.601 luma (.299 R + .587 G + .114 B). Shrinking averages over all the pixels
    that a new pixel covers (Pillow's bilinear filter), so fine lines fade instead of breaking up.

    Parameters
    ----------
    images
        n pictures: uint8 RGB, shape (height, width, 3), of any sizes.
    height, width
        Of the result, in pixels.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, 1, height, width), in [0, 1].

    Examples
    --------
    >>> white = np.full((7, 5, 3), 255, np.uint8)
    >>> gray_stack([white], 2, 3).tolist()
    [[[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]]
    """
    stack = np.empty((len(images), 1, height, width), np.float32)
    for row, image in enumerate(images):
        gray = Pillow.fromarray(np.ascontiguousarray(image)).convert("L")
        stack[row, 0] = np.asarray(gray.resize((width, height), Pillow.Resampling.BILINEAR))
    stack /= 255
    return stack


def colour_stack(images: Sequence[Image], height: int, width: int) -> FloatStack:
    """Return pictures as RGB images of one size; the aspect ratio is not kept.

    Scaled as `gray_stack` does.

    Parameters
    ----------
    images
        n pictures: uint8 RGB, shape (height, width, 3), of any sizes.
    height, width
        Of the result, in pixels.

    Returns
    -------
    numpy.ndarray
        float32, shape (n, 3, height, width), in [0, 1].

    Examples
    --------
    >>> orange = np.full((7, 5, 3), (255, 51, 0), np.uint8)
    >>> colour_stack([orange], 1, 2).tolist()
    [[[[1.0, 1.0]], [[0.20000000298023224, 0.20000000298023224]], [[0.0, 0.0]]]]
    """
    stack = np.empty((len(images), 3, height, width), np.float32)
    for row, image in enumerate(images):
        scaled = Pillow.fromarray(np.ascontiguousarray(image)).resize(
            (width, height), Pillow.Resampling.BILINEAR
        )
        stack[row] = np.asarray(scaled).transpose(2, 0, 1)
    stack /= 255
    return stack


def framed(images: Sequence[Image], height: int, width: int, framing: str) -> Sequence[Image]:
    """Return what is shown of pictures that are then scaled to one size.

    Parameters
    ----------
    images
        n pictures: uint8 RGB, of any sizes.
    height, width
        Of the size.
    framing
        ``squeezed``: all of a picture, whatever its aspect. ``cropped``: the largest part that has
        the aspect of `height` x `width`, rounded to whole pixels and at least one, in the middle
        (half a pixel up and left of it where that cannot be).

    Returns
    -------
    sequence of numpy.ndarray
        Views.

    Examples
    --------
    >>> picture = np.zeros((30, 100, 3), np.uint8)
    >>> [framed([picture], 2, 3, how)[0].shape for how in ("squeezed", "cropped")]
    [(30, 100, 3), (30, 45, 3)]
    """
    if framing == "squeezed":
        return images
    return [_middle(image, height, width) for image in images]


def _middle(image: Image, height: int, width: int) -> Image:
    rows = min(image.shape[0], max(1, round(image.shape[1] * height / width)))
    columns = min(image.shape[1], max(1, round(image.shape[0] * width / height)))
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return image[top : top + rows, left : left + columns]


def local_contrast(stack: FloatStack, sigma: float = 4.0, deviation: float = 0.25) -> FloatStack:
    """Take out of each image what changes slowly: shade of skin, light across it, fading of ink.

    The image minus its surroundings (a Gaussian of `sigma` pixels), divided by the local contrast
    (root mean square within 2 `sigma`, and never less than the image's average, so that smooth skin
    is not blown up to look like a drawing): the local contrast normalisation of Jarrett et al.
    (ICCV 2009). Then shifted and scaled to mean 0 and one standard deviation for all images. A
    blank image becomes zeros.

    Parameters
    ----------
    stack
        float32, shape (n, 1, height, width).
    sigma
        Size of the surroundings, in pixels.
    deviation
        Of the result. The default is about that of photographs in [0, 1], so that margins chosen
        for those keep their meaning.

    Returns
    -------
    numpy.ndarray
        float32, the same shape; each image depends on itself only.

    Examples
    --------
    >>> halves = np.zeros((1, 1, 2, 4), np.float32)
    >>> halves[..., 2:] = 1
    >>> result = local_contrast(halves)
    >>> abs(round(float(result.mean()), 5)), round(float(result.std()), 5)
    (0.0, 0.25)
    """
    import cv2

    def blurred(image: npt.NDArray[np.float32], width: float) -> npt.NDArray[np.float32]:
        smooth: npt.NDArray[np.float32] = cv2.GaussianBlur(
            image, (0, 0), width, borderType=cv2.BORDER_REFLECT
        )
        return smooth

    result = np.zeros_like(stack)
    for row, image in enumerate(stack[:, 0]):
        detail = image - blurred(image, sigma)
        contrast = np.sqrt(blurred(detail * detail, 2 * sigma))
        if contrast.mean() > BLANK:
            detail = detail / np.maximum(contrast, contrast.mean())
            detail -= detail.mean()
            result[row, 0] = detail * (deviation / detail.std())
    return result


def softened(stack: FloatStack, sigma: float) -> FloatStack:
    """Blur images by a Gaussian, so that sharper and softer ones come nearer to each other.

    Parameters
    ----------
    stack
        float32, shape (n, channels, height, width).
    sigma
        Standard deviation in pixels; 0 changes nothing.

    Returns
    -------
    numpy.ndarray
        float32, the same shape. What would come from outside is reflected.
    """
    import cv2

    if sigma == 0:
        return stack
    result = np.empty_like(stack)
    for image, soft in zip(stack, result, strict=True):
        for plain, channel in zip(image, soft, strict=True):
            cv2.GaussianBlur(plain, (0, 0), sigma, dst=channel, borderType=cv2.BORDER_REFLECT)
    return result


def own_threads() -> int:
    """Return how many threads the harness gave this worker; one where nobody said."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(told)) if told.isdecimal() else 1


def in_threads(
    work: Callable[[Sequence[Image]], T], images: Sequence[Image], threads: int
) -> list[T]:
    """Return what is made of pictures, block by block and in order, by several threads.

    Parameters
    ----------
    work
        Makes something of a block of pictures. Threads gain where it leaves Python, as decoding,
        scaling and blurring do.
    images
        n pictures: uint8 RGB, shape (height, width, 3), of any sizes; asked for in the threads.
    threads
        At a time, from 1.

    Examples
    --------
    >>> in_threads(len, [np.zeros((1, 1, 3), np.uint8)] * 70, threads=2)
    [32, 32, 6]
    """
    blocks = [images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK)]
    if threads == 1:
        return [work(block) for block in blocks]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, blocks))
