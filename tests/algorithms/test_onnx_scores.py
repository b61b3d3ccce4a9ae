"""A torch matcher and its own model as an ONNX file give every pair the same score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import TrainingSet
from harness.conformance import specimens
from harness.plugins import registry

TOLERANCE = 1e-4
"""Of the largest score: onnxruntime adds in another order than torch."""


def kind_of(name: str) -> Any:
    return registry.load(registry.find_algorithm(name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters", "truth"),
    [
        ("triplet", {"iterations": 2}, "identities"),
        ("contrastive", {"iterations": 2, "normalise": False}, "identities"),
        ("alexnet-svm", {"iterations": 2, "width": 0.05, "size": 63}, "identities"),
        ("alexnet-svm", {"iterations": 2, "width": 0.05, "size": 63, "margin": 3}, "tattoo"),
        ("arcface", {"iterations": 2}, "identities"),
        ("arcface", {"iterations": 2, "contrast": False}, "identities"),
        ("arcface", {"iterations": 2, "soft": 0.85, "bend": 1.0}, "identities"),
    ],
)
def test_scores_of_the_file_are_those_of_the_matcher(
    name: str, parameters: dict[str, Any], truth: str, tmp_path: Path
) -> None:
    pictures = specimens.ordinary()
    given = pictures.training_set()
    told = (
        {"tattoo": given.tattoo}
        if truth == "tattoo"
        else {"identities": given.identities, "mated": given.mated}
    )
    matcher = kind_of(name)(**parameters)
    matcher.fit(TrainingSet(pictures.images, **told))
    file = tmp_path / "model.onnx"
    matcher.export_onnx(file)
    unseen = [*specimens.ordinary(seed=5).images[:9], *specimens.odd().values()]
    scores = []
    for entry in (matcher, kind_of("onnx")(model=str(file))):
        templates = entry.extract_batch(unseen)
        scores.append(entry.compare(templates, templates))
    one, other = scores
    assert np.isfinite(one).all()
    assert np.ptp(one) > 0
    assert np.abs(one - other).max() <= TOLERANCE * np.abs(one).max()
