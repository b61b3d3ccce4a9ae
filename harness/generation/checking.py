"""Does a generator keep to what it promises? Behind `harness check FILE` for a generator."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from harness.conformance import Finding
from harness.generation.finding import build
from harness.generation.generator import Generated, Generator, Order
from harness.generation.grammar import Grammar, make_prompts

__all__ = ["examine_generator", "is_generator"]

SEED = 7


def is_generator(file: Path) -> bool:
    """Say by its text whether a Python file defines a generator, without running it."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    names = [
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    ]
    return "Generator" in names


def examine_generator(file: Path) -> Iterator[Finding]:
    """Yield what is found about a generator, with its default parameters.

    Raises
    ------
    PluginError
        If the file cannot be imported or defines no generator.
    """
    generator = build(file, {})
    values = [one.name for one in fields(generator) if one.init]
    yield Finding("can be made with its defaults", True, ", ".join(values) or "no parameters")
    able = {part: getattr(generator, part) for part in ("motifs", "styles")}
    grammar = Grammar(**{part: names for part, names in able.items() if names})
    (prompt,) = make_prompts(grammar, 1, SEED)
    order = Order(prompt, "t0001", 0, SEED)
    first: list[Generated] = []

    def found(name: str, look: Callable[[], str]) -> Finding:
        try:
            fault = look()
        except Exception as reason:  # whatever it raises is a finding
            fault = f"{type(reason).__name__}: {reason}"
        return Finding(name, not fault, fault)

    def makes() -> str:
        first.append(generator.generate(order))
        return _fault(first[0])

    yield found("makes a picture: uint8, (height, width, 3)", makes)
    if not first or _fault(first[0]):
        return
    made = first[0]
    yield found(
        "the same order gives the same picture",
        lambda: "" if _same(made, generator.generate(order)) else "two pictures of it differ",
    )
    yield found("another identity gives another picture", lambda: _other(generator, order, made))
    if generator.retakes:
        again = Order(prompt, "t0001", 1, SEED)
        yield found(
            "another take gives another picture",
            lambda: (
                "it says `retakes`, and take 1 is the picture of take 0"
                if _same(made, generator.generate(again))
                else ""
            ),
        )
    yield found("mask, clean picture and box fit the picture", lambda: _truth(generator, made))


def _fault(made: Any) -> str:
    if not isinstance(made, Generated):
        return f"it returns {type(made).__name__}, and has to return Generated(image, ...)"
    image = made.image
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        return f"the image is {getattr(image, 'dtype', type(image).__name__)}, and has to be uint8"
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        return f"the image has the shape {image.shape}, and has to have (height, width, 3)"
    return ""


def _same(one: Generated, other: Generated) -> bool:
    return one.image.shape == other.image.shape and bool((one.image == other.image).all())


def _other(generator: Generator, order: Order, made: Generated) -> str:
    other = generator.generate(Order(order.prompt, "t0002", 0, SEED + 1))
    return "two identities look the same to the last bit" if _same(made, other) else ""


def _truth(generator: Generator, made: Generated) -> str:
    height, width = made.image.shape[:2]
    if generator.pairs and (made.mask is None or made.clean is None):
        return "it says `pairs`, and gives no mask or no clean picture"
    if made.mask is not None and (made.mask.dtype != bool or made.mask.shape != (height, width)):
        return f"the mask is {made.mask.dtype} {made.mask.shape}; bool {(height, width)} is wanted"
    if made.clean is not None and (
        made.clean.dtype != np.uint8 or made.clean.shape != made.image.shape
    ):
        return f"the clean picture is {made.clean.dtype} {made.clean.shape}, unlike the image"
    if made.box is not None:
        x1, y1, x2, y2 = made.box
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            return f"the box {made.box} does not lie in {width} x {height} pixels"
    return ""
