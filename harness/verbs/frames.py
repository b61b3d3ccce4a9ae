"""Rows as pandas frames with typed columns: whole numbers, numbers, words, yes or no."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from harness.data.typed_tables import DType, TypedTable

if TYPE_CHECKING:
    import pandas as pd

DTYPES: dict[type, Any] = {
    str: "string",
    int: "Int64",
    float: "float64",
    bool: "boolean",
    dict: "object",
}
"""What a column of a kind is; each can hold a cell without a value: `pd.NA`, NaN among numbers."""

TYPED: dict[DType, Any] = {
    "str": DTYPES[str],
    "int64": DTYPES[int],
    "float64": DTYPES[float],
    "bool": DTYPES[bool],
}


def frame_of(columns: Mapping[str, type], rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Return rows as a frame.

    Parameters
    ----------
    columns
        Name and kind of each: a key of `DTYPES`.
    rows
        Values in the order of the columns; None where there is none.
    """
    import pandas as pd

    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame(
        {
            name: pd.Series(list(given), dtype=DTYPES[kind])
            for (name, kind), given in zip(columns.items(), cells, strict=True)
        }
    )


def frame_of_structs(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> pd.DataFrame:
    """Return structs as a frame, a column for each field that holds one plain value.

    Parameters
    ----------
    kind
        Of the structs: its fields say what columns there are, also where there is no row.
    rows
        Any number.
    """
    columns = plain_fields(kind)
    return frame_of(columns, [[getattr(row, name) for name in columns] for row in rows])


def frame_of_table(table: TypedTable) -> pd.DataFrame:
    """Return a table of typed columns as a frame."""
    import pandas as pd

    columns = {}
    for name, column in table.columns.items():
        found = pd.Series(table.arrays[name]).astype(TYPED[column.dtype])
        columns[name] = found.mask(table.missing[name]) if table.missing[name].any() else found
    return pd.DataFrame(columns)


def plain_fields(kind: type[msgspec.Struct]) -> dict[str, type]:
    """Return the fields of a struct that hold one plain value, or none, with their kinds."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        several = get_origin(hint) in (Union, types.UnionType)
        inner = [one for one in (get_args(hint) if several else [hint]) if one is not type(None)]
        if len(inner) == 1 and inner[0] in DTYPES:
            found[name] = inner[0]
    return found
