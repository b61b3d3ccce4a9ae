"""A tile on a graphics card, through torch: the same questions, larger blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from harness.matching.tiles import Cells, Floats, Ints

ROWS, COLUMNS = 960, 30720
"""The largest block: 118 MB of scores keep a card busy for a millisecond or more."""


class TorchTile:
    """A tile on a torch device; see `tiles.Tile`.

    Products are taken in full float32 (never TF32), in blocks of the same padded shapes as on a
    processor. Scores differ from a processor's in the last bits, so a device is part of what has
    to be named beside a result.

    Parameters
    ----------
    device
        Such as ``"cuda"``.
    """

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self.rows = self.columns = 0

    def fill(self, probes: Floats, references: Floats, rows: int, columns: int) -> None:
        """See `tiles.Tile.fill`."""
        self.rows, self.columns = rows, columns
        self._all = self.multiply(probes, references).clamp_(-1.0, 1.0)
        self._all[rows:] = -torch.inf
        self._all[:, columns:] = -torch.inf
        self._masked = self._all.numel() - rows * columns

    def multiply(self, left: Floats, right: Floats) -> torch.Tensor:
        """Return the product of two matrices of main memory, on the device.

        float32 of shapes (rows, dimension) and (dimension, columns); (rows, columns) returned.
        """
        precise = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            # References come as a view of rows, and are turned there.
            return self._here(left) @ self._here(right.T).T.contiguous()
        finally:
            torch.backends.cuda.matmul.allow_tf32 = precise

    def product(self, left: Floats, right: Floats, out: Floats) -> None:
        """Write the product of two matrices into a third, shaped as for `product.product_for`."""
        out[:] = self.multiply(left, right).cpu().numpy()

    def scores(self) -> Floats:
        """See `tiles.Tile.scores`."""
        return self._there(self._all[: self.rows, : self.columns])

    def mask(self, rows: Ints, columns: Ints) -> None:
        """See `tiles.Tile.mask`."""
        self._all[self._here(rows), self._here(columns)] = -torch.inf
        self._masked += len(rows)

    def row_max(self) -> Floats:
        """See `tiles.Tile.row_max`."""
        return self._there(self._all[: self.rows].amax(dim=1))

    def find(self, bars: Sequence[np.float32]) -> None:
        """See `tiles.Tile.find`: a card looks as quickly every time."""

    def count(self, rows: Ints, bars: Floats) -> Ints:
        """See `tiles.Tile.count`."""
        reached = self._all[self._here(rows)] >= self._here(bars)[:, None]
        counts: Ints = reached.sum(dim=1).cpu().numpy()
        return counts

    def reaching(self, rows: Ints, bars: Floats) -> Cells:
        """See `tiles.Tile.reaching`."""
        chosen = self._here(rows)
        place, column = torch.nonzero(self._all[chosen] >= self._here(bars)[:, None], as_tuple=True)
        row = chosen[place]
        return row.cpu().numpy(), column.cpu().numpy(), self._there(self._all[row, column])

    def nth_highest(self, n: int) -> Floats:
        """See `tiles.Tile.nth_highest`."""
        if n > self._all.shape[1]:
            return np.full(self.rows, -np.inf, np.float32)
        return self._there(self._all[: self.rows].topk(n, dim=1).values[:, -1])

    def within(self, low: np.float32, high: np.float32) -> tuple[int, Floats]:
        """See `tiles.Tile.within`."""
        above = int((self._all > float(high)).sum())
        inside = self._all[(self._all >= float(low)) & (self._all <= float(high))]
        return above, self._there(inside)

    def margins(self, bar: np.float32) -> tuple[Ints, Ints]:
        """See `tiles.Tile.margins`."""
        reached = self._all[: self.rows, : self.columns] >= float(bar)
        rows: Ints = reached.sum(dim=1).cpu().numpy()
        columns: Ints = reached.sum(dim=0).cpu().numpy()
        return rows, columns

    def histogram(self, origin: np.float32, scale: np.float32, bins: int) -> Ints:
        """See `tiles.Tile.histogram`."""
        place = (self._all - float(origin)) * float(scale)
        place = place.clamp_(0, bins - 0.5).to(torch.int64).reshape(-1)
        counts: Ints = torch.bincount(place, minlength=bins).cpu().numpy()
        counts[0] -= self._masked
        return counts

    def _here(self, array: Floats | Ints) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def _there(self, tensor: torch.Tensor) -> Floats:
        array: Floats = tensor.contiguous().cpu().numpy()
        return array.copy()
