"""Does a generator keep to what it promises? Behind `harness check PATH` for a generator."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from harness.conformance import Finding
from harness.data.marker import MARKER, read_marker
from harness.data.readers.layouts import open_dataset
from harness.errors import HarnessError
from harness.synthesis.finding import build
from harness.synthesis.generator import Generated, Generator, Order
from harness.synthesis.grammar import Grammar, make_prompts

__all__ = ["examine_generator", "is_generator"]

SEED = 7
SMALL = 100
"""Pictures of a data set that is drawn whole."""


def is_generator(path: Path) -> bool:
    """Say by its text whether a Python file, or one in a folder, defines a generator.

    Nothing is run for that.
    """
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    return any("Generator" in _bases(file) for file in files)


def _bases(file: Path) -> list[str]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return []
    return [
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    ]


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

    def found(name: str, look: Look) -> Finding:
        try:
            fault = look()
        except Exception as reason:  # whatever it raises is a finding
            fault = f"{type(reason).__name__}: {reason}"
        return Finding(name, not fault, fault)

    def makes() -> str:
        first.append(generator.generate(order))
        return _fault(first[0])

    yield found("makes a picture: uint8, (height, width, 3)", makes)
    yield from (found(name, look) for name, look in _layout_checks(generator))
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


Look = Callable[[], str]


def _layout_checks(generator: Generator) -> list[tuple[str, Look]]:
    """Return what is looked for in the whole data sets that a generator draws."""
    layouts: Any = generator.layouts
    draws = type(generator).draw_layout is not Generator.draw_layout
    if not layouts and not draws:
        return []

    def named() -> str:
        if not isinstance(layouts, tuple) or not all(isinstance(one, str) for one in layouts):
            return f"`layouts` is {layouts!r}, and has to be a tuple of names"
        odd = [one for one in layouts if not re.fullmatch(r"\w[\w.-]*", one)]
        if odd:
            return f"{odd[0]!r} is no name that can be typed: letters, digits, - and _"
        if len(set(layouts)) < len(layouts):
            return "a name stands twice"
        if not layouts:
            return "there is a `draw_layout`, and `layouts` names nothing that it draws"
        return "" if draws else "`layouts` names some, and there is no `draw_layout`"

    name = "names the layouts that it draws as a whole"
    if named():
        return [(name, named)]
    drawn = [(f"draws the layout {one}", partial(_drawn, generator, one)) for one in layouts]
    return [(name, named), *drawn]


class _Enough(Exception):
    """So much of a large set is drawn that the rest tells nothing new."""


def _drawn(generator: Generator, layout: str) -> str:
    """Draw a set of up to `SMALL` pictures, or the first of a larger one; say what is wrong."""
    reports: list[tuple[int, int]] = []

    def report(done: int, total: int) -> None:
        reports.append((done, total))
        if total > SMALL and done:
            raise _Enough

    with TemporaryDirectory() as place:
        out = Path(place) / "set"
        work = partial(generator.draw_layout, layout=layout, seed=SEED, report=report)
        try:
            drawn = work(out, workers=1)
        except _Enough:
            drawn = True
        if not reports or reports[0][0] != 0:
            return "`report` is to be called with 0 and all pictures, before the first is made"
        if len({total for _, total in reports}) > 1:
            return f"`report` hears of {reports[0][1]} pictures in all, and of others later"
        if drawn is not True:
            return f"it returns {drawn!r} of a new folder, and has to return True"
        if reports[-1][1] > SMALL:
            return ""
        if reports[-1][0] != reports[-1][1]:
            return (
                f"`report` hears of {reports[-1][0]} pictures in the end, not of {reports[-1][1]}"
            )
        return _whole(out, work)


def _whole(out: Path, work: Callable[..., bool]) -> str:
    """Say what is wrong with a set that is finished."""
    files = _contents(out)
    if not files:
        return "it writes no file"
    if MARKER in files and read_marker(out)[0] != "yes":
        return f"its {MARKER} does not state that the pictures are synthetic"
    again = work(out, workers=1)
    if again is not False or _contents(out) != files:
        return "asked for again in the same folder it has to return False, and change nothing"
    work(other := out.with_name("other"), workers=2)
    if _contents(other) != files:
        return "the same seed gives other files in another folder, with two workers"
    try:
        data = open_dataset(out, use_case=_use_case(out))
    except HarnessError as reason:
        return f"it is no layout that the harness reads: {reason}"
    return "" if data.records else "the harness reads no image in it"


def _use_case(out: Path) -> str | None:
    """Return one of the parts of a set in Tatt-C's layout; any will do."""
    lists = sorted(one.name for one in (out / "5-fold").glob("*") if one.is_dir())
    return lists[0] if lists else None


def _contents(out: Path) -> dict[str, bytes]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


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
