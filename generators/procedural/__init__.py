"""The built-in world: drawn designs in nine styles on lit skin, with exact truth and no weights.

`render_capture` draws one photograph in memory, with its mask, its box and the same photograph
without the tattoo; `write_dataset` draws a whole set in the Tatt-C layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.errors import UsageError
from harness.synthesis import Generated, GenerationFailed, Generator, Order, Report
from harness.synthesis.streams import stream

from .bivtatt import write_bivtatt
from .body import PLACES
from .capture import Capture, Tattoo, render_capture, tattoo_of
from .contact_sheet import write_contact_sheet
from .dataset import made_by, write_dataset
from .designs import Design, design_of
from .drawing import FAMILIES
from .framing import frame_of
from .known import known_of_capture
from .media import MEDIA, render_medium
from .negatives import NEGATIVES, render_negative
from .resuming import is_drawn
from .styles import STYLES
from .world import SCALES, census

__all__ = [
    "FAMILIES",
    "MEDIA",
    "NEGATIVES",
    "SCALES",
    "STYLES",
    "Capture",
    "Design",
    "Procedural",
    "Tattoo",
    "census",
    "design_of",
    "render_capture",
    "render_medium",
    "render_negative",
    "tattoo_of",
    "write_contact_sheet",
    "write_dataset",
]


@dataclass
class Procedural(Generator):
    """Photographs of the prompt's motif in its style at its placement, or whole data sets of them.

    Parameters
    ----------
    size
        Longer side in pixels, on average.
    unrest
        How far pose, framing and focus vary between takes; 1 is usual.
    years
        Mean years between the first take and a later one.
    age
        Mean years of the ink at the first take.
    wet
        Water on the skin: takes are from dry to this, 1 in the open sea.
    hair
        Hair of a subject, as a multiple of what is usual.
    looseness
        How far look-alikes differ from each other in their drawing; 0 is the same drawing.
    """

    size: Annotated[int, Meta(ge=48, le=2048)] = 320
    unrest: Annotated[float, Meta(ge=0, le=4)] = 1.0
    years: Annotated[float, Meta(ge=0, le=60)] = 4.0
    age: Annotated[float, Meta(ge=0, le=60)] = 4.8
    wet: Annotated[float, Meta(ge=0, le=1)] = 0.0
    hair: Annotated[float, Meta(ge=0, le=4)] = 1.0
    looseness: Annotated[float, Meta(ge=0, le=2)] = 1.0

    retakes: ClassVar[bool] = True
    look_alikes: ClassVar[bool] = True
    pairs: ClassVar[bool] = True
    motifs: ClassVar[tuple[str, ...]] = tuple(sorted(FAMILIES))
    styles: ClassVar[tuple[str, ...]] = tuple(STYLES)
    layouts: ClassVar[tuple[str, ...]] = ("mini", "full", "bivtatt")
    licence: ClassVar[str] = "https://www.apache.org/licenses/LICENSE-2.0"

    def generate(self, order: Order) -> Generated:
        """Draw one photograph."""
        prompt, group, seed = order.prompt, f"g-{order.identity}", order.seed
        name = f"{order.identity}~{order.kin}" if order.kin else order.identity
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
            group=group,
            style=prompt.style,
            place=place,
            years=float(chance.gamma(1.2, self.age / 1.2)),
            design=design_of(seed, group, name, family_name=prompt.motif, looseness=self.looseness),
        )
        aged = float(stream(seed, "later", name, order.take).gamma(2.0, self.years / 2))
        later = aged * order.difficulty if order.take and self.years else 0.0
        shot = render_capture(
            seed,
            tattoo,
            f"take-{order.take}",
            frame=frame_of(seed, "take", name, order.take, long_side=self.size, mounted=False),
            later=later,
            unrest=self.unrest * order.difficulty,
            wet=self.wet * order.difficulty * float(stream(seed, "wet", name, order.take).random()),
            hair=self.hair,
        )
        known = known_of_capture(seed, name, tattoo.subject, place, later)
        truth = shot.mask, shot.clean, shot.box, tattoo.design.tags
        return Generated(shot.image, *truth, **known._asdict())

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
