"""The synthetic tattoo world: seeded pictures of tattoos with exact truth.

`write_dataset` draws a whole set in the Tatt-C layout; `render_capture` draws one photograph in
memory, with its mask, its box and the same photograph without the tattoo.
"""

from harness.synthesis.capture import Capture, Tattoo, render_capture, tattoo_of
from harness.synthesis.contact_sheet import write_contact_sheet
from harness.synthesis.dataset import write_dataset
from harness.synthesis.designs import Design, design_of
from harness.synthesis.drawing import FAMILIES
from harness.synthesis.media import MEDIA, render_medium
from harness.synthesis.negatives import NEGATIVES, render_negative
from harness.synthesis.styles import STYLES
from harness.synthesis.world import SCALES, census

__all__ = [
    "FAMILIES",
    "MEDIA",
    "NEGATIVES",
    "SCALES",
    "STYLES",
    "Capture",
    "Design",
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
