"""Identities without end, so many at a time: when one has been learned from, another comes in.

A small network learns from many more pictures a second than are drawn in it, so that every capture
is learned from several times. All that is drawn follows from the seed and the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.api import Capture, Drawn, Image

_AHEAD = 6
"""Steps whose captures are drawn while a step is computed."""

# What a generator is for, so that no two draws of one seed share their numbers.
_ORDER, _TAKES = 101, 102


class Guest(NamedTuple):
    """A group of look-alikes, in the place where it is: a range of classes.

    Parameters
    ----------
    place, identity
        Where, and the identity that its members are, or look like.
    newcomer
        Whether another had the place the last time.
    takes
        Photographs of each of its members that are in the batch.
    difficulty
        Of all of them.
    """

    place: int
    identity: int
    newcomer: bool
    takes: tuple[int, ...]
    difficulty: float


class Window:
    """Batches of a few captures of each of some identities, of a window that slides over them.

    Every place of the window is in one batch of a round. A guest stays for so many rounds that
    each of its captures is seen `again` times, and guests leave at different times.

    Parameters
    ----------
    drawn
        The captures.
    prepare
        Makes what is kept of some: a tensor whose first dimension is captures.
    identities
        That are in the window at a time, rounded up to whole batches.
    batch_size, each
        Images of a batch, and those of one identity among them.
    again
        Times that a capture is learned from.
    alike
        Identities of a group of look-alikes: they come, go, and are in a batch together.
    steps
        Of the whole fit: nothing is drawn beyond.
    curriculum
        Share of the steps in which newcomers get more difficult, from 0 to 1.
    seed
        Of the order.

    Raises
    ------
    ValueError
        If a batch cannot hold one group.
    """

    def __init__(
        self,
        drawn: Drawn,
        prepare: Callable[[Sequence[Image]], Tensor],
        *,
        identities: int,
        batch_size: int,
        each: int,
        again: float = 8.0,
        alike: int = 1,
        steps: int,
        curriculum: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._drawn, self._prepare, self._steps, self._seed = drawn, prepare, steps, seed
        self._each, self._alike = min(each, drawn.captures), alike
        self._groups = batch_size // (self._each * alike)
        if not self._groups:
            raise ValueError(
                f"a batch of {batch_size} cannot hold {self._each} images of {alike} identities"
            )
        self._round = max(1, -(-identities // (alike * self._groups)))
        self._places = self._round * self._groups
        self._stay = max(1, round(again * drawn.captures / self._each))
        self._harder = curriculum * steps / self._round
        self._kept: dict[int, tuple[int, dict[Capture, Tensor]]] = {}
        # A step's guests are asked for while those before it are learned from, and again in it.
        self.guests = lru_cache(maxsize=2 * _AHEAD)(self._guests)
        """Called with a step, from 0, returns the guests in its batch."""

    @property
    def classes(self) -> int:
        """Identities in the window; those of the guest in place p are p * alike and the next."""
        return self._places * self._alike

    def newcomers(self, step: int) -> list[int]:
        """Return classes that are another identity's from this step on."""
        return [
            guest.place * self._alike + kin
            for guest in self.guests(step)
            if guest.newcomer
            for kin in range(self._alike)
        ]

    def batch(self, step: int, share: slice = slice(None)) -> tuple[Tensor, Tensor, Tensor]:
        """Return a share of the batch of a step.

        Returns
        -------
        tuple of torch.Tensor
            What was prepared, classes (int64) and whether they are those of newcomers (bool): all
            of shape (images, ...).
        """
        guests = self.guests(step)
        ahead = range(step + 1, min(step + 1 + _AHEAD, self._steps))
        self._fetch(guests, [guest for later in ahead for guest in self.guests(later)])
        rows = [
            (self._kept[guest.place][1][one], guest.place * self._alike + one.kin, guest.newcomer)
            for guest in guests
            for one in self._captures(guest)
        ][share]
        images, classes, new = zip(*rows, strict=True)
        return torch.stack(images), torch.tensor(classes), torch.tensor(new)

    def _guests(self, step: int) -> tuple[Guest, ...]:
        number, part = divmod(step, self._round)
        order = np.random.default_rng([self._seed, _ORDER, number]).permutation(self._places)
        some = order[part * self._groups : (part + 1) * self._groups].tolist()
        return tuple(self._guest(place, number) for place in some)

    def _guest(self, place: int, number: int) -> Guest:
        # Early ones leave one after the other, not all at once.
        before = place * self._stay // self._places
        generation, visit = divmod(number + before, self._stay)
        since = max(0, generation * self._stay - before)
        difficulty = min(1.0, since / self._harder) if self._harder else 1.0
        identity = place + self._places * generation
        seen = range(visit * self._each, (visit + 1) * self._each)
        takes = tuple(self._take(identity, count) for count in seen)
        return Guest(place, identity, bool(generation) and visit == 0, takes, difficulty)

    def _take(self, identity: int, count: int) -> int:
        """Return which photograph comes after so many: all of them before any comes again."""
        turn, place = divmod(count, self._drawn.captures)
        rng = np.random.default_rng([self._seed, _TAKES, identity, turn])
        return int(rng.permutation(self._drawn.captures)[place])

    def _captures(self, guest: Guest) -> list[Capture]:
        return [
            Capture(guest.identity, take, kin, guest.difficulty)
            for kin in range(self._alike)
            for take in guest.takes
        ]

    def _fetch(self, guests: Sequence[Guest], later: Sequence[Guest]) -> None:
        """Have what is missing of guests drawn and prepared, and what others will need begun."""
        for guest in guests:
            if self._kept.get(guest.place, (-1,))[0] != guest.identity:
                self._kept[guest.place] = guest.identity, {}
        wanted, coming = self._missing(guests), self._missing(later)
        pictures = self._drawn(wanted, coming) if wanted or coming else []
        if wanted:
            by_identity = {guest.identity: self._kept[guest.place][1] for guest in guests}
            for one, prepared in zip(wanted, self._prepare(pictures), strict=True):
                by_identity[one.identity][one] = prepared.clone()

    def _missing(self, guests: Sequence[Guest]) -> list[Capture]:
        nothing: tuple[int, dict[Capture, Tensor]] = (-1, {})
        return [
            one
            for guest in guests
            for one in self._captures(guest)
            if one not in self._kept.get(guest.place, nothing)[1]
        ]


def forget(optimiser: torch.optim.Optimizer, parameter: Tensor, rows: Sequence[int]) -> None:
    """Make an optimiser forget what it knows of some rows of a parameter, shape (rows, ...)."""
    if not rows:
        return
    for memory in optimiser.state.get(parameter, {}).values():
        if isinstance(memory, Tensor) and memory.shape == parameter.shape:
            memory[list(rows)] = 0
