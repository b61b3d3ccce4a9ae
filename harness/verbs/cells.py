"""What a notebook shows of a result: sentences, and a table; everything in it is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from harness.errors import visible

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 30


def text_html(*sentences: str) -> str:
    """Return sentences as paragraphs."""
    return "".join(f"<p>{escape(visible(one))}</p>" for one in sentences if one)


def table_html(frame: pd.DataFrame) -> str:
    """Return a frame as a table of its first rows; cells without a value are empty."""
    return str(
        frame.to_html(
            index=False, border=0, max_rows=MOST_ROWS, na_rep="", float_format="{:.4g}".format
        )
    )
