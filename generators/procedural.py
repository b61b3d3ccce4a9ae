"""The built-in world: drawn designs in nine styles on lit skin, with exact truth and no weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.generation import Generated, GenerationFailed, Generator, Order
from harness.synthesis import FAMILIES, STYLES, Tattoo, design_of, render_capture
from harness.synthesis.body import PLACES
from harness.synthesis.framing import frame_of
from harness.synthesis.streams import stream


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
