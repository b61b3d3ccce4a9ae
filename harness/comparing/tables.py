"""Tables for a terminal, in one style."""

from __future__ import annotations

from collections.abc import Container, Sequence

__all__ = ["aligned"]


def aligned(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Container[int] = ()
) -> list[str]:
    """Return the lines of a table, indented by two spaces, with two between columns.

    Parameters
    ----------
    head
        Names of the columns.
    rows
        As many cells each.
    right
        Numbers of the columns that are aligned to the right; the others are to the left.
    """
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  "
        + "  ".join(
            f"{cell:>{width}}" if i in right else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
