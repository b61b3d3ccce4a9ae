"""A torch tile answers as a NumPy tile does; on a processor here, on a card where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from harness.matching import match
from harness.matching.product import product_for
from harness.matching.tiles import NumpyTile, Tile
from tests.matching.worlds import identities

torch = pytest.importorskip("torch")


def tiles() -> list[Tile]:
    from harness.matching.torch_tiles import TorchTile

    product, _ = product_for(16)
    world = identities(0, 96, 192, dimension=16, count=20, noise=1.0)
    made: list[Tile] = [NumpyTile(product, 96, 192), TorchTile("cpu")]
    for tile in made:
        # Rounded templates have exact products, so both must agree to the last bit.
        left, right = ((side * 64).round() / 64 for side in (world.probes, world.references.T))
        tile.fill(left.astype(np.float32), right.astype(np.float32), 90, 180)
        tile.mask(np.array([0, 3, 89]), np.array([5, 100, 179]))
    return made


def test_both_kinds_of_tile_answer_alike() -> None:
    one, other = tiles()
    rows = np.array([0, 2, 3, 50, 89])
    bars = np.array([0.1, 0.2, -0.3, 0.0, 0.4], np.float32)
    assert np.array_equal(one.scores(), other.scores())
    assert np.array_equal(one.row_max(), other.row_max())
    assert np.array_equal(one.count(rows, bars), other.count(rows, bars))
    assert np.array_equal(one.nth_highest(7), other.nth_highest(7))
    reaching, reaching_too = one.reaching(rows, bars), other.reaching(rows, bars)
    for part in range(3):
        assert np.array_equal(reaching[part], reaching_too[part])
    for high in (0.3, np.inf):
        low = np.float32(0.1)
        (above, inside), (above_too, inside_too) = (
            tile.within(low, np.float32(high)) for tile in (one, other)
        )
        assert above == above_too
        assert np.array_equal(np.sort(inside), np.sort(inside_too))
    origin, scale = np.float32(-1), np.float32(20)
    counts = one.histogram(origin, scale, 40)
    assert np.array_equal(counts, other.histogram(origin, scale, 40))
    assert counts.sum() == 90 * 180 - 3


def test_a_device_gives_the_same_ranks_up_to_rounding() -> None:
    devices = ["cpu:0"] + ["cuda"] * torch.cuda.is_available()
    world = identities(1, 300, 2000, dimension=32, count=150, noise=1.0)
    here = match(world.probes, world.references, world.mated, eer=True, fmrs=(0.01,), candidates=5)
    for device in devices:
        there = match(
            world.probes,
            world.references,
            world.mated,
            eer=True,
            fmrs=(0.01,),
            candidates=5,
            device=device,
        )
        np.testing.assert_allclose(there.mated_scores, here.mated_scores, atol=1e-6)
        assert np.mean(there.ranks == here.ranks) > 0.99
        assert there.eer == pytest.approx(here.eer, abs=1e-3)
        assert there.fnmr_at_fmr(0.01) == pytest.approx(here.fnmr_at_fmr(0.01), abs=1e-2)
