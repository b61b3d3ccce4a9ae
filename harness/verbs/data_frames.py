"""A data frame as a data set: its columns are those of a manifest."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Any

from harness.data.readers.manifest import COLUMNS
from harness.errors import UsageError

FILES = ("image", "mask", "clean")
"""Columns that hold paths."""


def place_and_table(data: Any) -> tuple[Path | None, str]:
    """Return the path of a data set, and the text of its manifest where it is a frame.

    Parameters
    ----------
    data
        A path, a frame as for `manifest_text`, or None for the data set of the protocol.
    """
    if hasattr(data, "columns"):
        return manifest_text(data)
    return (None if data is None else Path(data)), ""


def manifest_text(frame: Any) -> tuple[Path, str]:
    """Return a frame as the text of a manifest, and the folder that its paths are relative to.

    Parameters
    ----------
    frame
        A pandas `DataFrame` with the columns of `harness.data.readers.manifest`. Paths are absolute
        or relative to the current folder; a cell without a value is not known; a box may be four
        numbers, and tags a list.

    Raises
    ------
    UsageError
        If it has no column ``image``, or no line.
    """
    names = [str(name) for name in frame.columns]
    if "image" not in [name.lower() for name in names]:
        raise UsageError(
            f"a data frame needs a column 'image', and this one has {', '.join(names) or 'none'}; "
            f"known columns: {', '.join(COLUMNS)}"
        )
    if not len(frame):
        raise UsageError("the data frame has no line, so there is no image to judge")
    columns = [frame[given].tolist() for given in frame.columns]
    paths = [i for i, name in enumerate(names) if name.lower() in FILES]
    for i in paths:
        columns[i] = ["" if _missing(one) else os.path.abspath(one) for one in columns[i]]  # noqa: PTH100 - links stay
    folders = {os.path.dirname(one) for i in paths for one in columns[i] if one}  # noqa: PTH120
    root = os.path.commonpath(folders) if folders else os.getcwd()  # noqa: PTH109
    for i in paths:
        columns[i] = [os.path.relpath(one, root) if one else "" for one in columns[i]]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in zip(*columns, strict=True):
        writer.writerow([_cell(name.lower(), one) for name, one in zip(names, row, strict=True)])
    return Path(root), text.getvalue()


def _missing(value: Any) -> bool:
    """Return whether a cell says nothing: None, NaN, NaT or NA, which are not themselves."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _cell(name: str, value: Any) -> str:
    if _missing(value):
        return ""
    if isinstance(value, float) and value.is_integer() and name not in ("text_score", "quality"):
        value = int(value)  # what pandas makes of whole numbers in a column with a hole
    if not isinstance(value, str) and isinstance(value, Iterable):
        between = " " if name == "box" else ";"
        return between.join(str(one) for one in value)
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()  # what pandas makes of days
    return str(value)
