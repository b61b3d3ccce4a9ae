"""The built-in world: drawn designs in nine styles on lit skin, with exact truth and no weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.errors import UsageError
from harness.generation import Generated, GenerationFailed, Generator, Order
from harness.generation.generator import Report
from harness.generation.streams import stream
from harness.synthesis import FAMILIES, STYLES, Tattoo, design_of, render_capture, write_dataset
from harness.synthesis.bivtatt import write_bivtatt
from harness.synthesis.body import PLACES
from harness.synthesis.dataset import made_by
from harness.synthesis.framing import frame_of
from harness.synthesis.resuming import is_drawn


@dataclass
class Procedural(Generator):
    """Photographs drawn by `harness.synthesis`, of the prompt's motif, style and placement.

    Parameters
    ----------
    size
        Longer side in pixels, on average.
    unrest
        How far pose, framing and focus vary between takes; 1 is usual.
    years
        Mean years between the first take and a later one.
    """

    size: Annotated[int, Meta(ge=48, le=2048)] = 320
    unrest: Annotated[float, Meta(ge=0, le=4)] = 1.0
    years: Annotated[float, Meta(ge=0, le=60)] = 4.0

    retakes: ClassVar[bool] = True
    pairs: ClassVar[bool] = True
    motifs: ClassVar[tuple[str, ...]] = tuple(sorted(FAMILIES))
    styles: ClassVar[tuple[str, ...]] = tuple(STYLES)
    layouts: ClassVar[tuple[str, ...]] = ("mini", "full", "bivtatt")

    def generate(self, order: Order) -> Generated:
        """Draw one photograph."""
        prompt, name, seed = order.prompt, order.identity, order.seed
        if prompt.motif not in FAMILIES or prompt.style not in STYLES:
            raise GenerationFailed(
                f"the built-in world draws no {prompt.motif!r} in style {prompt.style!r}; motifs: "
                f"{', '.join(self.motifs)}; styles: {', '.join(self.styles)}"
            )
        places = tuple(PLACES)
        chance = stream(seed, "placement", name)
        # A placement that the world has no body for leaves the choice to it.
        place = prompt.placement
        if place not in PLACES:
            place = places[int(chance.integers(len(places)))]
        tattoo = Tattoo(
            name=name,
            subject=f"s-{name}",
            group=f"g-{name}",
            style=prompt.style,
            place=place,
            years=float(chance.gamma(1.2, 4.0)),
            design=design_of(seed, f"g-{name}", name, family_name=prompt.motif),
        )
        later = float(stream(seed, "later", name, order.take).gamma(2.0, self.years / 2))
        shot = render_capture(
            seed,
            tattoo,
            f"take-{order.take}",
            frame=frame_of(seed, "take", name, order.take, long_side=self.size, mounted=False),
            later=later if order.take and self.years else 0.0,
            unrest=self.unrest,
        )
        return Generated(shot.image, shot.mask, shot.clean, shot.box, tattoo.design.tags)

    def draw_layout(
        self, folder: Path, layout: str, *, seed: int, workers: int, report: Report
    ) -> bool:
        """Draw Tatt-C's use cases, with a fifth of its counts or with them; or BIVTatt's set."""
        if self != Procedural():
            raise UsageError("the layouts of the built-in world take no parameters; leave them out")
        if is_drawn(folder, made_by(layout, seed)):
            return False
        try:
            if layout == "bivtatt":
                write_bivtatt(folder, seed=seed, workers=workers, report=report)
            else:
                write_dataset(folder, scale=layout, seed=seed, workers=workers, report=report)
        except FileExistsError as reason:
            raise UsageError(str(reason)) from None
        return True
