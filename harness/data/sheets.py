"""Spreadsheets of Excel (.xlsx) as tables of text: what a cell shows is what is read.

The one sheet that has something in it is read; of several, the one whose first line names the
column that is asked for. Numbers are written as the cell shows them where that matters (whole
numbers without ``.0``, zeros in front that a format adds), dates as ``2024-02-01``. Merged cells
say the same in all their places. What a reader should know of that is said.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data.findings import Findings
from harness.errors import some
from harness.errors.absent import NotInstalled, imported

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["ENDINGS", "OTHERS", "Line", "other_kind", "read_sheet"]

ENDINGS = (".xlsx", ".xlsm")
OTHERS = (".xls", ".xlsb", ".ods", ".fods", ".numbers", ".gsheet")
"""Endings of spreadsheets that are not read."""

Line = tuple[int, list[str]]
"""Number of a line from 1, and its cells without space around them."""

LARGEST = 256 << 20
"""Bytes of a spreadsheet once unpacked."""

MOST_CELLS = 5_000_000

LONGEST_NUMBER = 10**15
"""Numbers from here on are not exact in a spreadsheet."""

_OLE, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_ZEROS = re.compile(r"0+")


def other_kind(start: bytes, name: str) -> str | None:
    """Return why a file that starts so is no spreadsheet read here; None if it may be one.

    >>> other_kind(bytes.fromhex("d0cf11e0"), "list.xls")
    "is an old .xls, or protected by a password: save it as .xlsx or as 'CSV UTF-8'"
    """
    if start.startswith(_OLE):
        return "is an old .xls, or protected by a password: save it as .xlsx or as 'CSV UTF-8'"
    if start.startswith(_ZIP) and not name.lower().endswith(OTHERS):
        return None
    if name.lower().endswith(OTHERS) and b"," not in start and b";" not in start:
        return "is a spreadsheet of a kind that is not read: save it as .xlsx or as 'CSV UTF-8'"
    return "is no spreadsheet, whatever its name says: save it as .xlsx or as 'CSV UTF-8'"


def read_sheet(path: Path, file_name: str, required: str, findings: Findings) -> list[Line]:
    """Return the lines of the sheet that names a column; problems where there is none.

    Parameters
    ----------
    path
        Of the file.
    file_name
        What messages call it.
    required
        Column by which one sheet of several is chosen, in lower case.
    findings
        Where it is said what is wrong or was read in a way to know of.
    """
    try:
        openpyxl: Any = imported(
            "openpyxl", f"{file_name}: a spreadsheet", ", or save it as 'CSV UTF-8'"
        )
    except NotInstalled as reason:
        findings.problem("unreadable lists", str(reason))
        return []
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > LARGEST:
            findings.problem(
                "unreadable lists",
                f"{file_name}: unpacks to {size:,} bytes; save it as 'CSV UTF-8'",
            )
            return []
        # By its name a file of another ending would be refused.
        raw = path.read_bytes()
        shown, typed = (
            openpyxl.load_workbook(io.BytesIO(raw), data_only=only) for only in (True, False)
        )
        sheet = _chosen(shown.worksheets, file_name, required, findings)
        if sheet is None:
            return []
        if sheet.max_row * sheet.max_column > MOST_CELLS:
            findings.problem(
                "unreadable lists",
                f"{file_name}: its sheet {sheet.title!r} reaches to line {sheet.max_row:,} and "
                "column "
                f"{sheet.max_column:,}; delete what is empty there, or save it as 'CSV UTF-8'",
            )
            return []
        return list(_lines(sheet, typed[sheet.title], file_name, findings))
    except MemoryError:
        raise
    except Exception as fault:  # a damaged file makes the library raise almost anything
        findings.problem(
            "unreadable lists",
            f"{file_name}: cannot be read as a spreadsheet ({type(fault).__name__}); save it "
            "again, "
            "or as 'CSV UTF-8'",
        )
        return []


def _chosen(
    sheets: list[Worksheet], file_name: str, required: str, findings: Findings
) -> Worksheet | None:
    held = [one for one in sheets if any(True for _ in _values(one))]
    if len(held) <= 1:
        return (held or sheets or [None])[0]
    named = [
        one
        for one in held
        if any(str(value).strip().lower() == required for row, value in _values(one) if row == 1)
    ]
    names = ", ".join(repr(one.title) for one in held)
    if len(named) == 1:
        findings.warning(
            "spreadsheets of several sheets",
            f"{file_name}: of its sheets {names}, {named[0].title!r} is read, whose first line "
            "names "
            f"a column {required!r}",
        )
        return named[0]
    why = "several of them have" if named else "none of them has"
    findings.problem(
        "spreadsheets of several sheets",
        f"{file_name}: has the sheets {names}, and {why} a column {required!r} named in its first "
        "line; keep the list in one sheet, or save that sheet as 'CSV UTF-8'",
    )
    return None


def _values(sheet: Worksheet) -> Iterator[tuple[int, Any]]:
    if sheet.max_row * sheet.max_column > MOST_CELLS:
        yield 1, ""  # too large, which is said where it is chosen
        return
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        for value in row:
            if value is not None and str(value).strip():
                yield number, value


def _lines(
    sheet: Worksheet, typed: Worksheet, file_name: str, findings: Findings
) -> Iterator[Line]:
    merged = {
        (row, column): sheet.cell(area.min_row, area.min_col)
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
        if area.size["rows"] * area.size["columns"] <= MOST_CELLS
    }
    repeated, hidden, long, uncounted = 0, 0, [], []
    for cells in sheet.iter_rows():
        number = cells[0].row
        line = []
        for cell in cells:
            source = merged.get((number, cell.column), cell)
            text = _text(source)
            repeated += source.coordinate != cell.coordinate and bool(text)
            if not text and typed.cell(number, cell.column).data_type == "f":
                uncounted.append(f"{file_name}:{number}")
            value = source.value
            if type(value) in (int, float) and abs(value) >= LONGEST_NUMBER:
                long.append(f"{file_name}:{number}: {text}")
            line.append(text)
        if any(line):
            hidden += bool(sheet.row_dimensions[number].hidden)
            yield number, line
    for place in uncounted:
        findings.problem(
            "formulas without a value",
            f"{place}: holds a formula that was never computed; open the file in Excel or "
            "LibreOffice, and save it",
        )
    if long:
        findings.warning(
            "numbers that a spreadsheet cuts off",
            f"{long[0]} is a number of more than 15 digits, of which a spreadsheet keeps 15"
            + (f" ({len(long):,} cells)" if long[1:] else "")
            + "; format such columns as text before filling them in",
        )
    if repeated:
        findings.warning(
            "merged cells",
            f"{file_name}: {some(repeated, 'cell is', 'cells are')} merged with the one before or "
            "above, "
            "and read as saying the same",
        )
    if hidden:
        findings.warning(
            "hidden lines",
            f"{file_name}: {some(hidden, 'line is', 'lines are')} hidden in the sheet, and read",
        )


def _text(cell: Cell) -> str:
    """Return what a cell says, as a CSV file would."""
    value = cell.value
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat(" ") if isinstance(value, datetime.datetime) else str(value)
        case int() | float():
            whole = value if isinstance(value, int) else int(value)
            if whole != value:
                return repr(value)
            zeros = _ZEROS.fullmatch(cell.number_format)
            return f"{whole:0{len(zeros[0])}d}" if zeros else str(whole)
    return str(value).strip()
