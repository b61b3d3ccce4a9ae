"""kornia's networks of keypoints and of matching, with the weights of their authors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from kornia.feature import ALIKED, LightGlue
from kornia.feature.xfeat import XFeat

from harness.errors import UsageError
from harness.training.engine import Devices
from harness.training.weights import read_file

Array = npt.NDArray[Any]
Side = tuple[Array, Array, Array]
"""Of one image as it is: points in pixels, unit descriptors, width and height."""


GLUES: dict[str, dict[str, Any]] = {
    "lighterglue": {
        "input_dim": 64,
        "descriptor_dim": 96,
        "n_layers": 6,
        "num_heads": 1,
        "depth_confidence": -1,
        "width_confidence": 0.95,
    },
    "aliked_lightglue": {"input_dim": 128},
}
"""How the transformers differ from LightGlue's defaults."""


class Extractor:
    """Finds and describes the keypoints of a picture that is turned.

    Parameters
    ----------
    name
        ``xfeat``, or ALIKED's of its variant, such as ``aliked-n16rot``.
    weights
        Their file.
    keypoints
        The most that are kept.
    device
        Where it runs.
    """

    def __init__(self, name: str, weights: Path, keypoints: int, device: str) -> None:
        Devices(device).check()
        self._keypoints, self._device = keypoints, device
        if name == "xfeat":
            self._network: Any = XFeat(top_k=keypoints)
            learned = self._network.net
        else:
            # Without a threshold it gives the best maxima, as LightGlue's authors use it.
            self._network = learned = ALIKED(
                name, max_num_keypoints=keypoints, detection_threshold=-1
            )
        _give(learned, weights)
        self._network.eval().to(device)

    def of(self, picture: Array, turn: float) -> tuple[Array, Array, Array]:
        """Return points, unit descriptors and confidences, the most confident first.

        Parameters
        ----------
        picture
            uint8, shape (height, width, 3).
        turn
            By which it is turned before, in full turns; points are those of the picture as it is.
        """
        height, width = picture.shape[:2]
        forth, extent = turning(turn, width, height)
        turned = picture
        if turn:
            turned = cv2.warpAffine(
                picture, forth, extent, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        pixels = torch.from_numpy(turned.copy()).permute(2, 0, 1)[None].to(self._device) / 255
        with torch.inference_mode():
            if isinstance(self._network, XFeat):
                (found,) = self._network.detectAndCompute(pixels)
                parts = found["keypoints"], found["descriptors"], found["scores"]
            else:
                (one,) = self._network(pixels)
                parts = one.keypoints, one.descriptors, one.keypoint_scores
        points, descriptors, confidences = (part.float().cpu().numpy() for part in parts)
        back = cv2.invertAffineTransform(forth)
        points = points @ back[:, :2].T + back[:, 2]
        # The corners that a turn by less than a quarter adds show nothing.
        inside = ((points > -0.5) & (points < [width - 0.5, height - 0.5])).all(axis=1)
        order = np.argsort(-confidences[inside], kind="stable")[: self._keypoints]
        return points[inside][order], descriptors[inside][order], confidences[inside][order]


class Glue:
    """LightGlue, or its smaller kin of XFeat.

    Parameters
    ----------
    name
        A key of `GLUES`.
    weights, device
        As `Extractor` takes them.
    certainty
        How sure it has to be of a match, in [0, 1].
    """

    def __init__(self, name: str, weights: Path, certainty: float, device: str) -> None:
        self._network = LightGlue(None, **GLUES[name], filter_threshold=certainty)
        self._device = device
        _give(self._network, weights)
        self._network.eval().to(device)

    def match(self, here: Side, turn: float, there: Side) -> tuple[Array, Array, Array]:
        """Match one image, turned, with another.

        Returns
        -------
        tuple
            Places of keypoints here and there, int64, and confidences in [0, 1], shape (matches,).
        """
        with torch.inference_mode():
            found = self._network(
                {"image0": self._side(here, turn), "image1": self._side(there, 0.0)}
            )
        pairs = found["matches"][0].cpu().numpy()
        return pairs[:, 0], pairs[:, 1], found["scores"][0].float().cpu().numpy()

    def _side(self, side: Side, turn: float) -> dict[str, Any]:
        points, descriptors, (width, height) = side
        forth, extent = turning(turn, int(width), int(height))
        turned = np.clip(points @ forth[:, :2].T + forth[:, 2], 0, np.array(extent))
        arrays = {"keypoints": turned, "descriptors": descriptors, "image_size": np.array(extent)}
        return {
            key: torch.from_numpy(np.asarray(value, dtype=np.float32))[None].to(self._device)
            for key, value in arrays.items()
        }


def turning(turn: float, width: int, height: int) -> tuple[Array, tuple[int, int]]:
    """Return the map of a picture's pixels to those of the turned one, and that one's extent.

    Parameters
    ----------
    turn
        Anticlockwise on the screen, in full turns.
    width, height
        Of the picture as it is.

    Returns
    -------
    numpy.ndarray, tuple
        float64, shape (2, 3); width and height, so that all of the picture is in it.
    """
    quarter = turn * 4
    # Exact for whole quarters, where rounded cosines would cost an interpolation.
    if quarter == round(quarter):
        cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[round(quarter) % 4]
    else:
        cosine, sine = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    extent = (
        round(width * abs(cosine) + height * abs(sine)),
        round(width * abs(sine) + height * abs(cosine)),
    )
    linear = np.array([[cosine, sine], [-sine, cosine]], dtype=np.float64)
    middle = (np.array(extent) - 1) / 2 - linear @ [(width - 1) / 2, (height - 1) / 2]
    return np.hstack([linear, middle[:, None]]), extent


def _give(network: Any, file: Path) -> None:
    """Give a network its weights, named as their authors named them."""
    state = read_file(file, "leave the parameter out")
    renamed = {}
    for key, value in state.items():
        if key.startswith("extractor."):  # LighterGlue's file holds what it was trained on, too
            continue
        new = key.removeprefix("matcher.")
        for kind in ("self_attn", "cross_attn"):
            if new.startswith(f"{kind}."):
                number, rest = new.removeprefix(f"{kind}.").split(".", 1)
                new = f"transformers.{number}.{kind}.{rest}"
        renamed[new] = value
    # What follows from the configuration is no weight, and not in every file.
    computed = {key: value for key, value in network.named_buffers() if key not in renamed}
    computed = {key: value for key, value in computed.items() if key in _COMPUTED}
    try:
        network.load_state_dict(renamed | computed)
    except RuntimeError as reason:
        differs = " ".join(str(reason).split())[:200]
        raise UsageError(f"{file} holds no weights of this network: {differs} ...") from None


_COMPUTED = ("confidence_thresholds", "dkd.hw_grid")
