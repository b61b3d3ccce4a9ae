"""Whole data sets that a generator draws in a layout of its own, with what every made set states.

The generator writes pictures, lists and whatever belongs to the layout. What it leaves out of these
two is added: ``dataset.toml``, that the pictures are synthetic, and ``checksums.sha256``; and
``croissant.json``, which tells the loaders of others what lies there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.croissant import Described
from harness.data.marker import MARKER, marker_text
from harness.data.set_description import describe_set
from harness.data.whole_files import write_whole
from harness.errors import PluginError, UsageError, nearest
from harness.plugins.registry import explained
from harness.synthesis.finding import build, find_generator
from harness.synthesis.generator import Report

__all__ = ["CHECKSUMS", "WORK", "draw_whole_set", "write_checksums"]

CHECKSUMS = "checksums.sha256"
WORK = ".work"
"""Folder of notes in a set that is not finished."""


def draw_whole_set(
    folder: Path,
    layout: str,
    *,
    generator: str,
    parameters: Mapping[str, Any],
    seed: int,
    plugins: Sequence[Path] = (),
    workers: int | None = 1,
    report: Report,
) -> bool:
    """Have a generator draw a data set, or what is missing of it.

    Parameters
    ----------
    folder
        A new or an empty one, or one that the same call began.
    layout
        One of the generator's `layouts`.
    generator, parameters
        Its name or path, and the values of its parameters.
    seed
        Of everything random.
    plugins
        Folders with further generators.
    workers
        Processes, or None for as many as the machine has cores, if the generator lets several be at
        work.
    report
        Called with the pictures made and all of them.

    Returns
    -------
    bool
        False if it was all there already.

    Raises
    ------
    UsageError
        If the generator has no such layout, or the folder holds something else.
    GenerationFailed
        If a picture cannot be made.
    PluginError
        If the generator fails, or says that it drew a set that is not there.
    """
    file = find_generator(generator, plugins)
    drawing = build(file, parameters)
    if layout not in drawing.layouts:
        has = f"it has: {', '.join(drawing.layouts)}" if drawing.layouts else "it has none"
        raise UsageError(
            f"{generator} draws no layout {layout!r}.{nearest(layout, drawing.layouts)} As --scale "
            f"{has}; without --scale it draws identities"
        )
    if workers is None:
        workers = 1 if drawing.alone else os.cpu_count() or 1
    with explained(file, "draw_layout failed"):
        drawn = drawing.draw_layout(folder, layout, seed=seed, workers=workers, report=report)
    if not isinstance(drawn, bool):
        raise PluginError(
            f"{file}: draw_layout returned {drawn!r}, and has to return whether anything was drawn"
        )
    if not folder.is_dir() or not any(folder.iterdir()):
        raise PluginError(f"{file}: draw_layout wrote nothing into {folder}")
    stated = (folder / MARKER).exists()
    if not stated:
        command = f"harness synth FOLDER --generator {generator} --scale {layout} --seed {seed}"
        write_whole(folder / MARKER, marker_text(command))
    described = drawn and describe_set(
        folder,
        Described(
            f"{layout}, drawn by {generator}",
            f"A data set in the layout {layout}, drawn by the generator {generator} with seed "
            f"{seed}.",
            license=drawing.licence,
            cite=f"Drawn by tattoo-harness: harness synth FOLDER --generator {generator} "
            f"--scale {layout} --seed {seed}",
        ),
    )
    if described or not stated or not (folder / CHECKSUMS).exists():
        write_checksums(folder)
    return drawn


def write_checksums(folder: Path) -> None:
    """Write `checksums.sha256` over all files of a folder, in the form of `sha256sum --check`.

    The notes of a set that is still being made are left out.
    """
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != CHECKSUMS and WORK not in path.relative_to(folder).parts
    )
    lines = (
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    )
    write_whole(folder / CHECKSUMS, "".join(lines))
