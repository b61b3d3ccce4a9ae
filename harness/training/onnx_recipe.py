"""How a picture becomes the input of an ONNX model: what the file itself says about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from harness.api import Image
from harness.training.preparation import FloatStack, colour_stack, framed, gray_stack

KEY = "tattoo-harness"
"""Of the metadata of an ONNX file; its value is a `Recipe` as JSON."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a picture before the model sees it, and to templates after it.

    Scaling is Pillow's bilinear filter to exactly `height` x `width`, after the framing, as in
    `harness.training.preparation`; then values from 0 to 255 are divided by `scale`, `mean` is
    subtracted and the rest divided by `std`.

    Parameters
    ----------
    height, width
        Of the input, in pixels.
    colour
        ``rgb``, ``bgr``, or ``gray`` (ITU-R BT.601 luma, one channel).
    layout
        ``nchw`` or ``nhwc``: whether channels come before or after the pixels.
    scale
        255 for values in [0, 1], 1 for values from 0 to 255.
    mean, std
        One value per channel in the model's order, or one for all; in units after `scale`.
    comparison
        Of templates: ``cosine`` similarity, or minus the ``euclidean`` distance.
    framing
        ``squeezed``: the whole picture, in another aspect. ``cropped``: its middle, in its own.
    """

    height: int
    width: int
    colour: Literal["rgb", "bgr", "gray"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    scale: float = 255.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    comparison: Literal["cosine", "euclidean"] = "cosine"
    framing: Literal["squeezed", "cropped"] = "squeezed"

    @property
    def channels(self) -> int:
        """Of the input."""
        return 1 if self.colour == "gray" else 3

    def faults(self) -> list[str]:
        """Say what no picture can be prepared by."""
        found = [
            f"{name} is {value}; a picture has 1 pixel or more"
            for name, value in (("height", self.height), ("width", self.width))
            if value < 1
        ]
        if not (np.isfinite(self.scale) and self.scale > 0):
            found.append(f"scale is {self.scale}; pixels are divided by it, so it is above 0")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, self.channels):
                found.append(
                    f"{name} has {len(values)} values; {self.colour} has {self.channels} channels"
                )
            if not np.isfinite(values).all() or (name == "std" and min(values, default=1) <= 0):
                found.append(f"{name} is {values}; its values are finite, and those of std above 0")
        return found

    def prepare(self, images: Sequence[Image]) -> FloatStack:
        """Return the model's input.

        Parameters
        ----------
        images
            n pictures: uint8 RGB, of any sizes.

        Returns
        -------
        numpy.ndarray
            float32, shape (n, channels, height, width), or (n, height, width, channels).

        Examples
        --------
        >>> orange = np.full((7, 5, 3), (255, 51, 0), np.uint8)
        >>> recipe = Recipe(1, 1, colour="bgr", layout="nhwc", scale=1, mean=(0, 1, 55), std=(2,))
        >>> recipe.prepare([orange]).tolist()
        [[[[0.0, 25.0, 100.0]]]]
        """
        stacked = gray_stack if self.colour == "gray" else colour_stack
        shown = framed(images, self.height, self.width, self.framing)
        stack = stacked(shown, self.height, self.width)
        if self.colour == "bgr":
            stack = stack[:, ::-1]
        if self.scale != 255:
            stack = stack * np.float32(255 / self.scale)
        if self.mean:
            stack = stack - np.array(self.mean, np.float32)[:, None, None]
        if self.std:
            stack = stack / np.array(self.std, np.float32)[:, None, None]
        if self.layout == "nhwc":
            stack = stack.transpose(0, 2, 3, 1)
        return np.ascontiguousarray(stack, np.float32)
