"""Croissant: a data set described so that others' loaders find its files, records and types.

The format is MLCommons' JSON-LD (http://mlcommons.org/croissant/1.0). What is written here is read
by ``mlcroissant`` without remarks: files with their hashes, pictures as sets, tables as records.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data.typed_tables import Column, DType
from harness.data.whole_files import digest_of

__all__ = ["CROISSANT", "Described", "FileSet", "RecordSet", "croissant"]

CROISSANT = "croissant.json"

_TYPES: Mapping[DType, str] = {
    "str": "sc:Text",
    "float64": "cr:Float64",
    "int64": "cr:Int64",
    "bool": "sc:Boolean",
}
_ODD = re.compile(r"[^\w.,=@+-]+")
_TYPES_OF_FILES = mimetypes.MimeTypes(filenames=())
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


@dataclass(frozen=True)
class FileSet:
    """Pictures below a folder, as records with their path and content.

    Parameters
    ----------
    name
        Of the set, and of its records.
    includes
        Patterns of their paths, with ``/`` between folders.
    suffix
        That they all have, such as ``.jpg``.
    about
        What they are.
    """

    name: str
    includes: Sequence[str]
    suffix: str
    about: str


@dataclass(frozen=True)
class RecordSet:
    """The rows of a table.

    Parameters
    ----------
    name
        Of the table.
    file
        It stands in, a name below the root.
    about
        What a row is.
    columns
        Of the file, by name.
    """

    name: str
    file: str
    about: str
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Described:
    """What is said of a data set as a whole.

    Parameters
    ----------
    name
        For people.
    about
        One sentence or more.
    date
        On which it was made, ISO 8601; empty where that is not known.
    license
        Its address; empty where whoever made the data set did not state one.
    cite
        What to cite; empty for nothing.
    keywords
        Words that it is found by.
    """

    name: str
    about: str
    date: str = ""
    license: str = ""
    cite: str = ""
    keywords: Sequence[str] = field(default_factory=tuple)


def croissant(
    root: Path,
    described: Described,
    *,
    files: Iterable[str] = (),
    file_sets: Iterable[FileSet] = (),
    records: Iterable[RecordSet] = (),
) -> bytes:
    """Return the content of `CROISSANT`, which describes what lies in a folder.

    Parameters
    ----------
    root
        The folder; files are read for their hashes.
    files
        Names below it that are described one by one; those of `records` are anyway.
    file_sets
        Pictures that are described together.
    records
        Tables.

    Returns
    -------
    bytes
        JSON-LD as UTF-8; equal data sets give equal bytes.
    """
    tables, sets, ids = list(records), list(file_sets), _Ids()
    names = dict.fromkeys([*files, *(table.file for table in tables)])
    content: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": described.name,
        "description": described.about,
        "license": described.license,
        "citeAs": described.cite,
        "datePublished": described.date,
        "keywords": list(described.keywords),
        "version": "1.0.0",
        "distribution": [
            *(_file_object(root, name, ids) for name in names),
            *(_file_set(one, ids) for one in sets),
        ],
        "recordSet": [
            *(_records(table, ids) for table in tables),
            *(_pictures(one, ids) for one in sets),
        ],
    }
    kept = {key: value for key, value in content.items() if value not in ("", [])}
    return json.dumps(kept, indent=1, ensure_ascii=False).encode() + b"\n"


class _Ids:
    """Ids of what is described: readers take none with spaces, or with signs of addresses."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, ...], str] = {}

    def of(self, *names: str) -> str:
        """Return the id of a file, a set of files or a table; or of a column of one."""
        if names not in self._named:
            wanted = "/".join(_ODD.sub("-", name) or "-" for name in names)
            taken, number, found = set(self._named.values()), 2, wanted
            while found in taken:
                found, number = f"{wanted}-{number}", number + 1
            self._named[names] = found
        return self._named[names]


def _format(suffix: str) -> str:
    """Return the type of a file, which does not depend on what the machine knows of it."""
    known = {".parquet": "application/x-parquet", ".toml": "application/toml"}
    return (
        known.get(suffix.lower())
        or _TYPES_OF_FILES.guess_type(f"file{suffix.lower()}")[0]
        or ("application/octet-stream")
    )


def _file_object(root: Path, name: str, ids: _Ids) -> dict[str, Any]:
    path = root / name
    return {
        "@type": "cr:FileObject",
        "@id": ids.of("file", name),
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _format(path.suffix),
        "sha256": digest_of(path),
    }


def _file_set(one: FileSet, ids: _Ids) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": ids.of("files", one.name),
        "name": f"{one.name}-files",
        "description": one.about,
        "encodingFormat": _format(one.suffix),
        "includes": list(one.includes),
    }


def _records(table: RecordSet, ids: _Ids) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": ids.of(table.name),
        "name": table.name,
        "description": table.about,
        "field": [
            {
                "@type": "cr:Field",
                "@id": ids.of(table.name, name),
                "name": name,
                "description": column.meaning,
                "dataType": _TYPES[column.dtype],
                "source": {
                    "fileObject": {"@id": ids.of("file", table.file)},
                    "extract": {"column": name},
                },
            }
            for name, column in table.columns.items()
        ],
    }


def _pictures(one: FileSet, ids: _Ids) -> dict[str, Any]:
    def of(name: str, about: str, kind: str, what: str) -> dict[str, Any]:
        return {
            "@type": "cr:Field",
            "@id": ids.of(one.name, name),
            "name": name,
            "description": about,
            "dataType": kind,
            "source": {
                "fileSet": {"@id": ids.of("files", one.name)},
                "extract": {"fileProperty": what},
            },
        }

    return {
        "@type": "cr:RecordSet",
        "@id": ids.of(one.name),
        "name": one.name,
        "description": one.about,
        "field": [
            of("path", "Path below the data set's folder", "sc:Text", "fullpath"),
            of("content", "The picture", "sc:ImageObject", "content"),
        ],
    }
