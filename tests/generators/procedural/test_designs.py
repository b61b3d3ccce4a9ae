"""Designs: families, groups and their variations."""

from __future__ import annotations

import numpy as np
import pytest

from generators.procedural.designs import design_of
from generators.procedural.drawing import FAMILIES
from generators.procedural.motifs_lettering import WORDS, text_rings
from generators.procedural.plates import engrave


def drawing(group: str, variation: str, family: str | None = None) -> np.ndarray:
    plates = engrave(design_of(0, group, variation, family_name=family).shapes, 48)
    ink = np.maximum(plates.line, plates.fills[3]) + 0.4 * plates.fills[0]
    return np.asarray((ink - ink.mean()) / (ink.std() + 1e-6))


def test_there_are_many_motif_families() -> None:
    assert len(FAMILIES) >= 24


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_draws_something_that_fits_its_frame(family: str) -> None:
    design = design_of(0, "g", "v", family_name=family)
    points = np.vstack([ring for shape in design.shapes for ring in shape.rings])
    assert np.isfinite(points).all()
    assert np.abs(points).max() == pytest.approx(1.0)
    assert family in design.tags
    plates = engrave(design.shapes, 64)
    assert 0.01 < (plates.line + plates.fills[3]).clip(0, 1).mean() < 0.8


def test_the_same_names_give_the_same_drawing() -> None:
    first, second = design_of(3, "g", "v"), design_of(3, "g", "v")
    for a, b in zip(first.shapes, second.shapes, strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(a.rings, b.rings, strict=True))


def test_designs_of_a_group_differ_but_resemble_each_other_more_than_strangers() -> None:
    groups = [f"g{k}" for k in range(12)]
    first = [drawing(g, "a") for g in groups]
    second = [drawing(g, "b") for g in groups]
    alike = np.array([[(a * b).mean() for b in second] for a in first])
    assert np.median(np.diag(alike)) < 0.99
    strangers = alike[~np.eye(len(groups), dtype=bool)]
    assert np.median(np.diag(alike)) > np.quantile(strangers, 0.9)


def test_without_looseness_a_group_has_one_drawing() -> None:
    first = design_of(0, "g5", "a", family_name="anchor", looseness=0)
    second = design_of(0, "g5", "b", family_name="anchor", looseness=0)
    a, b = (np.vstack([r for s in d.shapes for r in s.rings]) for d in (first, second))
    assert np.array_equal(a, b)


def test_every_word_and_sign_has_outlines_of_its_own() -> None:
    rings = {word: text_rings(word) for word in WORDS}
    assert all(rings.values())
    assert np.vstack(rings["Only God"])[:, 0].max() > np.vstack(rings["MOM"])[:, 0].max()
