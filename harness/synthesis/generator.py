"""What a generator is: a dataclass whose fields are its parameters and that makes one picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness.data.formats import Box
from harness.errors import HarnessError
from harness.synthesis.grammar import Prompt

__all__ = ["Generated", "GenerationFailed", "Generator", "Order", "Report"]

Report = Callable[[int, int], None]
"""Called as ``report(done, total)``: pictures made, and pictures in all."""


class GenerationFailed(HarnessError):
    """A picture that a generator cannot make; the message says why and what to do."""

    exit_code = 3


@dataclass(frozen=True)
class Order:
    """One picture to be made.

    Parameters
    ----------
    prompt
        What it shall show.
    identity
        Name of the tattoo.
    take
        Which photograph of this tattoo, from 0; a generator without `retakes` only gets 0.
    seed
        Of everything random, 0 to 2**31 - 1; the same for all takes of an identity.
    kin
        Which of the look-alikes of the identity: 0 is itself, others are other tattoos of its group
        on other people. A generator without `look_alikes` only gets 0.
    difficulty
        How far from one another takes may be, from 0 to all that the generator's parameters say at
        1; one that knows no such thing may pass it over.
    """

    prompt: Prompt
    identity: str
    take: int
    seed: int
    kin: int = 0
    difficulty: float = 1.0


@dataclass(frozen=True)
class Generated:
    """A picture, with as much truth as its generator knows.

    Parameters
    ----------
    image
        uint8 (height, width, 3), RGB.
    mask
        bool (height, width): pixels that show ink.
    clean
        uint8 (height, width, 3): the same picture without the tattoo.
    box
        Of the tattoo: x1, y1, x2, y2 in pixels, upper ones exclusive.
    tags
        Motifs shown.
    skin, taken, site
        Skin tone around the tattoo and place on the body, any words, and the date of the capture as
        ``2024-05-17``, ``2024-05`` or ``2024``; empty where the generator does not know them.
    """

    image: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_] | None = None
    clean: npt.NDArray[np.uint8] | None = None
    box: Box | None = None
    tags: tuple[str, ...] = ()
    skin: str = ""
    taken: str = ""
    site: str = ""


@dataclass
class Generator(ABC):
    """Makes pictures of tattoos.

    A subclass is a dataclass; its fields, each with a default, are its parameters. Their types
    are checked, and limits where they are given as ``Annotated[int, msgspec.Meta(ge=1)]``.
    """

    retakes: ClassVar[bool] = False
    """Whether another take shows the same tattoo in another photograph."""

    look_alikes: ClassVar[bool] = False
    """Whether it makes other tattoos that look much like one: see `Order.kin`."""

    pairs: ClassVar[bool] = False
    """Whether pictures come with their mask and with themselves without the tattoo."""

    alone: ClassVar[bool] = False
    """Whether one process at a time is enough for the machine, such as that of a large model."""

    motifs: ClassVar[tuple[str, ...]] = ()
    """Motifs that it can draw; empty for any."""

    styles: ClassVar[tuple[str, ...]] = ()
    """Styles that it can draw; empty for any."""

    layouts: ClassVar[tuple[str, ...]] = ()
    """Whole data sets that it can draw in a layout of their own: see `draw_layout`."""

    licence: ClassVar[str] = ""
    """Address of the licence of its pictures; empty where that is not the generator's to say."""

    @abstractmethod
    def generate(self, order: Order) -> Generated:
        """Return a picture; the same for the same order.

        Raises
        ------
        GenerationFailed
            If it cannot be made.
        """

    def draw_layout(
        self, folder: Path, layout: str, *, seed: int, workers: int, report: Report
    ) -> bool:
        """Draw a whole data set into a folder, or what is missing of it.

        Behind ``harness synth FOLDER --generator NAME --scale LAYOUT``. What was interrupted goes
        on when it is asked for again. `harness.synthesis.processes.in_processes` spreads the work.

        Parameters
        ----------
        folder
            A new or an empty one, or one that the same call began.
        layout
            One of `layouts`.
        seed
            Of everything random; the same seed gives the same files.
        workers
            Processes; the files do not depend on it.
        report
            To be called before the first picture, and as they are made. What it raises is not to
            be caught: it stops the work.

        Returns
        -------
        bool
            False if the whole of it was there already, and nothing was drawn.

        Raises
        ------
        UsageError
            If the folder holds something else.
        GenerationFailed
            If a picture cannot be made.
        """
        raise GenerationFailed(f"{type(self).__name__} draws no layout {layout!r}")
