"""Recipes: all that a synthetic data set of identities is made from, in a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from harness.errors import UsageError
from harness.synthesis.grammar import Grammar
from harness.synthesis.variations import Ranges

__all__ = ["Recipe", "read_recipe"]

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to make.

    Parameters
    ----------
    title
        One line.
    generator, parameters
        Its name and the values of its parameters.
    identities
        Tattoos.
    images
        Of each: its captures and their variations.
    captures
        Pictures that the generator makes of each tattoo; the others are variations of them. More
        than one needs a generator that can take the same tattoo again.
    seed
        Of everything random.
    size
        Longer side of the images in pixels.
    margin
        Skin round the tattoo in a crop, as a share of the tattoo's longer side.
    quality
        Of the JPEG files.
    descriptions
        Of each tattoo, by as many witnesses: text files that search the images.
    pairs
        Whether masks and clean pictures are written, for removal and segmentation.
    mask
        Which mask the manifest names: ``ink``, the pixels that show ink, or ``filled``, the area
        of the tattoo with the skin between its lines. Files of both are written.
    prompts
        The grammar.
    variations
        How far they go.
    """

    title: str = ""
    generator: str = "procedural"
    parameters: dict[str, str | int | float | bool] = {}
    identities: Count = 250
    images: Count = 21
    captures: Count = 1
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    size: Annotated[int, msgspec.Meta(ge=32, le=2048)] = 224
    margin: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.15
    quality: Annotated[int, msgspec.Meta(ge=30, le=100)] = 85
    descriptions: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    pairs: bool = False
    mask: Literal["ink", "filled"] = "ink"
    prompts: Grammar = msgspec.field(default_factory=Grammar)
    variations: Ranges = msgspec.field(default_factory=Ranges)

    def check(self) -> None:
        """Refuse numbers that do not go together.

        Raises
        ------
        UsageError
            Saying which.
        """
        if self.captures > self.images:
            raise UsageError(
                f"{self.captures} captures of each tattoo do not fit into {self.images} images"
            )
        self.prompts.check()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UsageError
        If the file is no TOML or a key is unknown or has a value that it cannot have.
    """
    try:
        found: Any = msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: {fault}") from None
    recipe: Recipe = found
    recipe.check()
    return recipe
