r"""The CSV manifest: one line per image, and everything known about it in columns.

A manifest is UTF-8 text with commas, semicolons or tabulators between columns and a first line that
names them. Only ``image`` is required, columns may come in any order, and an empty cell means "not
known".

============  =====================================================================================
column        meaning
============  =====================================================================================
``image``     path of the image, relative to the manifest's folder, ``/`` or ``\\`` between folders;
              or of a text file (``.txt``), whose words describe a tattoo
``name``      what candidate lists call the line, so no two lines may share it; the image's path
              unless given. An image that shows several tattoos has a line for each, with names
``tattoo``    which tattoo it shows: one design on one subject; images with equal values are mated
              for identification
``subject``   which person
``group``     which set of look-alike tattoos, over subjects; mated for similarity
``source``    which capture it came from: two images of one source show the same photograph, and
              comparisons between them are counted apart; lines of one image are of one source, by
              its path, where the column does not say
``style``     tattoo style, any word: ``tribal``, ``japanese``
``media``     ``photo``, ``sketch``, ``scanned-print``, ``computer-graphic`` or ``graffiti``
``role``      ``probe``, ``reference``, ``background`` or ``train``
``fold``      name of the fold in which it is judged
``box``       of the tattoo in pixels of the upright image, ``x1 y1 x2 y2`` with spaces or commas
              between; x2 and y2 exclusive; what reaches over the edge of the image is cut off
``label``     ``tattoo`` or ``non-tattoo``
``skin``      skin tone around the tattoo, any word: ``fitzpatrick-4``; results are grouped by it
``taken``     when the capture was made: ``2024-05-17``, ``2024-05`` or ``2024``; results are told
              apart by the time between captures
``site``      where on the body the tattoo is, any word: ``forearm``; results are grouped by it
``quality``   how good the image is for comparing, a number from 0 to 1, higher is better; error is
              held against it
``tags``      motifs, with ``;``, ``,`` or ``|`` between them, or with spaces where the column has
              none of these; a tag of two words is written with ``_``; a list of Python or JSON
``mask``      path of an image of the tattoo's pixels, relative to the manifest's folder
``clean``     path of the same capture without the tattoo, relative to the manifest's folder
``query``     text search that the image is a result of
``text_score``  the score that the text search gave it, a number; higher is better
``use_case``  which part of the data set the line belongs to, where one manifest describes several;
              reading one use case skips the lines of others
``x_...``     any column whose name starts with ``x_`` is yours and is not looked at
============  =====================================================================================

A column that may be a misspelt one is a problem, since a misspelt name takes truth away; others are
left out, and that is said, as are those that may be meant for ``skin``, ``taken``, ``site`` or
``quality``, by which results are only told apart::

    image,tattoo,subject,role
    images/anna heart 1.jpg,heart-anna,anna,probe
    images/anna heart 2.jpg,heart-anna,anna,reference
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from harness.data.boxes import read_box
from harness.data.dates import is_date
from harness.data.findings import Findings
from harness.data.formats import Box, is_picture
from harness.data.paths import BadNameError, Root, canonical, unwritable
from harness.data.records import Dataset, Record
from harness.data.tables import Cells, Table, read_cells, read_table, table_of
from harness.data.tags import read_tags
from harness.errors import UsageError, nearest, some

__all__ = [
    *("COLUMNS", "LABELS", "MEDIA", "ROLES", "WORDS", "Row"),
    *("line_problems", "read_lines", "read_manifest", "read_rows"),
]

COLUMNS = (
    *("image", "tattoo", "subject", "group", "source", "style", "media", "role", "fold"),
    *("box", "label", "skin", "taken", "site", "quality", "tags", "mask", "clean"),
    *("use_case", "name", "query", "text_score"),
)
LABELS = ("tattoo", "non-tattoo")
MEDIA = ("photo", "sketch", "scanned-print", "computer-graphic", "graffiti")
_WRITING = "file names in another writing"
_WORD_ENDS = re.compile(r"[\s_]+")
ROLES = ("probe", "reference", "background", "train")
WORDS = {"media": MEDIA, "role": ROLES, "label": LABELS}
"""Columns in which only some words may stand."""


class Row(NamedTuple):
    """One line of a manifest: its record, its use case, ``file:line``, and if it has a name."""

    record: Record
    use_case: str | None
    place: str
    findings: Findings
    named: bool = False


def read_manifest(
    path: Path, *, use_case: str | None = None, background: bool = True, text: str = ""
) -> Dataset:
    """Read a data set that a CSV manifest describes.

    Parameters
    ----------
    path
        Of the manifest; images lie in its folder or below.
    use_case
        Keep only lines of this use case, where the manifest has that column.
    background
        Whether to keep lines with the role ``background``, of whatever use case.
    text
        Of the manifest, where there is no file of it.

    Returns
    -------
    Dataset
        Without folds: a protocol lays them out by `role`, `fold` and the identities.

    Raises
    ------
    UsageError
        If the manifest has no line of the use case.
    """
    path = path.absolute()
    findings = Findings()
    root = Root(path.parent)
    rows = list(read_rows(path, root, path.name, findings, text))
    cases = {row.use_case for row in rows if row.use_case}
    if use_case is not None and cases and use_case not in cases:
        raise UsageError(
            f"{path} has no line of use case {use_case!r}; it has: {', '.join(sorted(cases))}."
            + nearest(use_case, cases)
        )
    records: dict[str, Record] = {}
    first: dict[str, str] = {}
    files: dict[Path, Row] = {}
    for row in rows:
        name, role = row.record.name, row.record.role
        if role == "background" and not background:
            continue
        if use_case and row.use_case not in (use_case, None) and role != "background":
            continue
        findings.take(row.findings)
        if name in records:
            findings.problem(
                "duplicate lines", f"{row.place}: {name!r} is already at {first[name]}"
            )
            continue
        twin = files.setdefault(row.record.path, row) if not row.named else row
        if twin is not row and not twin.named:
            findings.problem(
                "duplicate lines",
                f"{row.place}: {name!r} is the file of {twin.record.name!r} at {twin.place}; give "
                "lines of one image names in the column 'name'",
            )
            continue
        records[name] = row.record
        first[name] = row.place
    _share_sources(records, root)
    if not text:  # a frame may be any part of a set
        _say_unlisted(rows, root, findings)
    if not records and not findings.problems:
        findings.problem("empty lists", f"{path.name}: describes no image")
    file_name = path.parent.name if path.stem.lower() == "manifest" else path.name
    return Dataset(file_name, path.parent, "csv", records, (), findings.all, places=first)


def read_rows(
    path: Path, root: Root, file_name: str, findings: Findings, text: str = ""
) -> Iterator[Row]:
    """Yield the lines of a manifest that name an image inside the root.

    Parameters
    ----------
    path
        Of the manifest.
    root
        What its paths are relative to.
    file_name
        What messages call the manifest.
    findings
        Where problems of the manifest as a whole, and of lines without a usable image, go; what
        is wrong with other lines comes with the row, since a reader may not use it.
    text
        Of the manifest, where there is no file of it.
    """
    _, lines = read_lines(path, root, file_name, findings, text)
    tags = read_tags([(line.values.get("tags", ""), line.place) for line in lines], findings)
    other_writing: dict[str, list[str]] = {}
    for line, own in zip(lines, tags, strict=True):
        values = dict(line.values)
        for column in ("image", "mask", "clean"):
            if values.get(column):
                values[column] = _as_written_here(values[column], line.place, root, other_writing)
        row = _row(values, own, line.place, root, findings)
        if row is not None:
            yield row
    for kind, sentences in other_writing.items():
        more = f"; {len(sentences) - 1:,} more are like this" if sentences[1:] else ""
        findings.warning(kind, sentences[0] + more)


def read_lines(
    path: Path, root: Root, file_name: str, findings: Findings, text: str = ""
) -> tuple[Table | None, list[Cells]]:
    """Return the table of a manifest, and its lines as `read_rows` reads them.

    Parameters are those of `read_rows`.
    """
    if text:
        table = table_of(text, file_name, COLUMNS, findings)
    else:
        table = read_table(
            path, file_name, COLUMNS, "image", findings, lambda name: _is_there(name, root)
        )
    lines = [] if table is None else read_cells(table, COLUMNS, "image", findings)
    return table, lines


def line_problems(values: dict[str, str], root: Root) -> list[str]:
    """Return what is wrong with one line, by its cells, before it is written into a manifest."""
    findings = Findings()
    (tags,) = read_tags([(values.get("tags", ""), "this line")], findings)
    row = _row(dict(values), tags, "this line", root, findings)
    if row is not None:
        findings.take(row.findings)
    return list(findings.problems)


def _is_there(name: str, root: Root) -> bool:
    turned = name.replace("\\", "/")
    return root.has(turned) or root.in_other_case(turned) is not None


def _as_written_here(name: str, place: str, root: Root, other_writing: dict[str, list[str]]) -> str:
    """Return a file name in this machine's spelling, where it comes from one with other rules."""
    if root.has(name):
        return name
    # Only where a file is found: on this system a name may hold a backslash.
    turned = name.replace("\\", "/")
    if root.has(turned):
        return turned
    for read, kind, why in (
        (root.in_other_case(turned), "names in other letter case", "differs in letter case"),
        (root.in_other_case(unquote(turned)), _WRITING, "is written without codes for letters"),
        (root.in_other_case(" ".join(turned.split())), _WRITING, "has other spaces"),
    ):
        if read is not None:
            if canonical(read) != canonical(turned):  # accents may be written in two ways
                sentence = f"{place}: {name!r} is read as {read!r}, which {why}"
                other_writing.setdefault(kind, []).append(sentence)
            return read
    return name


def _found_as(name: str, root: Root) -> str:
    """Return which file of this data set a path of another machine may mean, as a hint."""
    parts = [part for part in re.split(r"[\\/]", name) if part]
    for start in range(1, len(parts)):
        if ".." not in parts[start:]:
            here = root.in_other_case("/".join(parts[start:]))
            if here is not None:
                return f"; write {here!r}"
    return ""


def _row(
    values: dict[str, str], tags: tuple[str, ...], place: str, root: Root, findings: Findings
) -> Row | None:
    image, name = values["image"], values.get("name", "")
    try:
        record = Record(canonical(name or image), root.file(image, carried=not name))
    except BadNameError as fault:
        hint = _found_as(image, root)
        findings.problem("paths that leave the root", f"{place}: image {image!r} {fault}{hint}")
        return None
    fault_of_name = unwritable(name)
    if fault_of_name:
        findings.problem("names that cannot be used", f"{place}: name {name!r} {fault_of_name}")
        return None
    own = Findings()
    for column, allowed in WORDS.items():
        value = values.get(column, "")
        value = values[column] = _WORD_ENDS.sub("-", value.lower()) if value else ""
        if value and value not in allowed:
            own.problem(
                "unknown values",
                f"{place}: unknown {column} {value!r}; known: {', '.join(allowed)}."
                + nearest(value, allowed),
            )
    files: dict[str, Path | None] = {}
    for column in ("mask", "clean"):
        value = values.get(column, "")
        try:
            files[column] = root.file(value) if value else None
        except BadNameError as fault:
            own.problem("paths that leave the root", f"{place}: {column} {value!r} {fault}")
    record = replace(
        record,
        tattoo=values.get("tattoo") or None,
        subject=values.get("subject") or None,
        group=values.get("group") or None,
        source=values.get("source") or None,
        style=values.get("style") or None,
        media=values.get("media") or None,
        role=values.get("role") or None,
        fold=values.get("fold") or None,
        box=_box(values.get("box", ""), place, own),
        label=values.get("label") or None,
        skin=values.get("skin") or None,
        taken=_date(values.get("taken", ""), place, own),
        site=values.get("site") or None,
        quality=_quality(values.get("quality", ""), place, own),
        tags=tags,
        mask=files.get("mask"),
        clean=files.get("clean"),
        query=values.get("query") or None,
        text_score=_number(values.get("text_score", ""), place, own),
    )
    return Row(record, values.get("use_case") or None, place, own, bool(name))


def _say_unlisted(rows: Sequence[Row], root: Root, findings: Findings) -> None:
    """Say which pictures lie beside those of the list, and are in none of its lines."""
    listed: dict[Path, set[str]] = {}
    for row in rows:
        for file in (row.record.path, row.record.mask, row.record.clean):
            if file is not None:
                listed.setdefault(file.parent, set()).add(canonical(file.name))
    pictured = {row.record.path.parent for row in rows}
    others = [
        canonical((folder / name).relative_to(root.folder).as_posix())
        for folder in sorted(pictured)
        for name in root.names(folder)
        if canonical(name) not in listed[folder] and is_picture(name) and not name.startswith(".")
    ]
    if others:
        shown = ", ".join(map(repr, others[:3])) + (", ..." if len(others) > 3 else "")
        findings.warning(
            "pictures that no line names",
            f"{some(len(others), 'picture is', 'pictures are')} beside those that the list "
            f"names, in no line, and not read: {shown}",
        )


def _share_sources(records: dict[str, Record], root: Root) -> None:
    """Give lines of one image its path as their source, where none is given."""
    lines: dict[Path, list[str]] = {}
    for name, record in records.items():
        lines.setdefault(record.path, []).append(name)
    for path, names in lines.items():
        if names[1:]:
            source = canonical(path.relative_to(root.folder).as_posix())
            for name in names:
                records[name] = replace(records[name], source=records[name].source or source)


def _number(text: str, place: str, findings: Findings) -> float | None:
    number = _read_number(text) if text else None
    if number is None or math.isfinite(number):
        return number
    findings.problem("unknown values", f"{place}: text_score {text!r} is not a finite number")
    return None


def _read_number(text: str) -> float:
    """Return a number, NaN for a text that is none."""
    try:
        # Spreadsheets of many countries write a comma.
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return math.nan


def _quality(text: str, place: str, findings: Findings) -> float | None:
    number = _read_number(text) if text else None
    if number is None or 0 <= number <= 1:
        return number
    findings.warning(
        "unreadable qualities",
        f"{place}: quality {text!r} is not read; it is a number from 0 (worst) to 1 (best)",
    )
    return None


def _date(text: str, place: str, findings: Findings) -> str | None:
    if not text or is_date(text):
        return text or None
    findings.warning(
        "unreadable dates",
        f"{place}: taken {text!r} is not read; a date is 2024-05-17, 2024-05 or 2024",
    )
    return None


def _box(text: str, place: str, findings: Findings) -> Box | None:
    found = read_box(text) if text else None
    if not isinstance(found, str):
        return found
    findings.problem("malformed boxes", f"{place}: box {text!r} {found}")
    return None
