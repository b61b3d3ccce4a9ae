"""A recipe in the place of a data set: captures are drawn when they are asked for, without end.

They are the originals that ``harness synth`` would write by the recipe, read and cropped, of other
tattoos: none that is written by a recipe is ever drawn by it here.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image as Pillow

from harness.api import Capture, Image
from harness.data.drawing import Drawing
from harness.errors import UsageError
from harness.plugins.registry import explained
from harness.synthesis.finding import build, find_generator, find_recipe, source_hash
from harness.synthesis.generator import GenerationFailed, Generator, Order
from harness.synthesis.grammar import make_prompts
from harness.synthesis.recipe import Recipe
from harness.synthesis.streams import stream

__all__ = ["PREFIX", "draw", "drawing_of", "is_recipe", "size_of"]

PREFIX = "recipe:"
"""Before the name, or the file, of a recipe where a data set could be named."""

RULE = "drawn-1"
"""Version of how a recipe becomes captures; to be changed with it."""

_NO_MATTER = ("title", "images", "descriptions", "pairs", "mask", "variations")
"""Fields of a recipe that no capture depends on."""


def is_recipe(place: object) -> bool:
    """Return whether a recipe is named where a data set could be."""
    return str(place).startswith(PREFIX)


def drawing_of(name: str, plugins: Iterable[Path] = ()) -> Drawing:
    """Return what draws by a recipe of that name or file.

    Raises
    ------
    UsageError
        If there is none, or what it makes shows no identity twice.
    PluginError
        If its generator cannot be imported.
    """
    plugins = tuple(plugins)
    recipe = find_recipe(name, plugins)
    file = find_generator(recipe.generator, plugins)
    generator = build(file, recipe.parameters)
    if recipe.captures < 2 or recipe.identities < 2 or not generator.retakes:
        raise UsageError(
            f"nothing can be learned from captures drawn by the recipe {name!r}: it has "
            f"{recipe.captures} of each of {recipe.identities} tattoos, and two of two are needed, "
            "by a generator that can take a tattoo again (such as procedural)"
        )
    recipe.prompts.check()
    source = source_hash(file)
    return Drawing(
        recipe.generator,
        str(file),
        source,
        msgspec.json.encode(recipe).decode(),
        recipe.identities,
        recipe.captures,
        _digest(recipe, source),
    )


def _digest(recipe: Recipe, source: str) -> str:
    every = msgspec.to_builtins(recipe)
    matters = {name: every[name] for name in every if name not in _NO_MATTER}
    known = msgspec.json.encode([RULE, source, matters], order="deterministic")
    return hashlib.sha256(known).hexdigest()


def draw(drawing: Drawing, capture: Capture) -> Image:
    """Draw a capture; the same one for the same arguments, whatever was drawn before.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3): the recipe's size of a picture, cut to the tattoo's box.

    Raises
    ------
    GenerationFailed
        If the generator cannot make it.
    """
    from harness.synthesis.crop import frame_round
    from harness.synthesis.encoding import Encoding, encoded
    from harness.synthesis.pipeline import checked
    from harness.synthesis.variations import PLAIN, varied

    generator, recipe = _built(drawing.file, drawing.recipe)
    if capture.kin and not generator.look_alikes:
        raise GenerationFailed(f"the generator {recipe.generator} knows no look-alikes of a tattoo")
    seed = int(stream(recipe.seed, "drawn", capture.identity).integers(2**31))
    (prompt,) = make_prompts(recipe.prompts, 1, seed)
    name = f"drawn-{capture.identity}"
    order = Order(prompt, name, capture.take, seed, capture.kin, capture.difficulty)
    with explained(Path(drawing.file), "generate failed"):
        made = generator.generate(order)
    made = checked(made, recipe)
    height, width = made.image.shape[:2]
    shown = varied(made, (0, 0, width, height), recipe.size, PLAIN, stream(seed, "plain"))
    file = io.BytesIO(encoded(shown.image, Encoding(recipe.quality)))
    pixels = np.asarray(Pillow.open(file).convert("RGB"))
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = frame_round(shown.box or (0, 0, width, height), recipe.margin, width, height)
    return pixels[y1:y2, x1:x2].copy()  # a view would keep the whole picture in memory


def size_of(drawing: Drawing) -> int:
    """Return the longer side of a picture in pixels, before it is cut."""
    return msgspec.json.decode(drawing.recipe, type=Recipe).size


@lru_cache(maxsize=2)
def _built(file: str, recipe: str) -> tuple[Generator, Recipe]:
    decoded = msgspec.json.decode(recipe, type=Recipe)
    return build(Path(file), decoded.parameters), decoded
