"""Every search of a run as columns: `searches.npz`, of which NumPy reads what is wanted.

::

    names, name_ends        all words that the columns name, as UTF-8, and where each ends
    fold, probe, identity   of each search: places among the words
    truth
    rank, correct           -1 where there is none
    mates, gallery
    average_precision, score, best_nonmate          NaN where there is none
    failed, same_source
    first_candidate         where the candidates of each search begin, and where the last ones end
    candidate               place of each candidate's name among the words
    candidate_score         NaN where there is none
    candidate_mated
    measured                places of the names of what is measured of single searches
    values, has_values      of each search and of each of these; 1 where it has a value, 2 where
                            there was none to measure, 0 where it is not measured

Run folders of before hold the same in `searches.json`, which is still read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.columns import Arrays, packed, unpacked
from harness.tasks.results import Candidate, Judgement

__all__ = ["AS_JSON", "SEARCHES", "encoded", "read_columns", "read_searches"]

SEARCHES, AS_JSON = "searches.npz", "searches.json"

_Column: TypeAlias = npt.NDArray[Any]
_WORDS = ("fold", "probe", "identity", "truth")
_NUMBERS = ("average_precision", "score", "best_nonmate")
_KINDS = dict.fromkeys((*_WORDS, "candidate", "measured"), np.uint32) | {
    "names": np.uint8,
    "name_ends": np.int64,
    **dict.fromkeys(("rank", "mates", "gallery", "first_candidate"), np.int64),
    **dict.fromkeys((*_NUMBERS, "candidate_score", "values"), np.float64),
    **dict.fromkeys(("failed", "same_source", "candidate_mated"), np.bool_),
    "correct": np.int8,
    "has_values": np.uint8,
}
"""The columns that there are, and how they are written."""


def encoded(searches: Sequence[Judgement], name: str = SEARCHES) -> bytes:
    """Return searches as the bytes of `SEARCHES`, or of `AS_JSON` for a folder of before."""
    if name == AS_JSON:
        return msgspec.json.encode(searches) + b"\n"
    words: dict[str, int] = {}

    def places(said: Sequence[str]) -> list[int]:
        return [words.setdefault(word, len(words)) for word in said]

    given = [search.candidates for search in searches]
    measured = list(dict.fromkeys(name for search in searches for name in search.values))
    columns: dict[str, Any] = {
        name: places([getattr(search, name) for search in searches]) for name in _WORDS
    }
    columns["rank"] = [-1 if s.rank is None else s.rank for s in searches]
    columns["correct"] = [-1 if s.correct is None else s.correct for s in searches]
    for name in ("mates", "gallery", "failed", "same_source"):
        columns[name] = [getattr(search, name) for search in searches]
    for name in _NUMBERS:
        columns[name] = _floats([getattr(search, name) for search in searches])
    columns["first_candidate"] = np.cumsum([0, *map(len, given)])
    columns["candidate"] = places([one.reference for listed in given for one in listed])
    columns["candidate_score"] = _floats([one.score for listed in given for one in listed])
    columns["candidate_mated"] = [one.mated for listed in given for one in listed]
    columns["measured"] = places(measured)
    table = np.full((len(searches), len(measured)), np.nan)
    there = np.zeros(table.shape, np.uint8)
    for i, search in enumerate(searches):
        for j, name in enumerate(measured):
            if name in search.values:
                value = search.values[name]
                table[i, j] = np.nan if value is None else value
                there[i, j] = 2 if value is None else 1
    columns["values"], columns["has_values"] = table, there
    texts = [word.encode() for word in words]
    columns["names"] = np.frombuffer(b"".join(texts), np.uint8)
    columns["name_ends"] = np.cumsum([len(text) for text in texts])
    return packed({name: np.asarray(columns[name], kind) for name, kind in _KINDS.items()})


def _floats(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def read_searches(content: bytes, *, candidates: bool = True) -> list[Judgement]:
    """Read the bytes of `SEARCHES`.

    Parameters
    ----------
    candidates
        Whether their lists are wanted.

    Raises
    ------
    ValueError
        If they are not what `encoded` writes.
    """
    columns, words = read_columns(content)
    listed = _lists(columns, words) if candidates else []
    names = [words[place] for place in columns["measured"].tolist()]
    known, values = columns["has_values"].tolist(), columns["values"].tolist()
    rows: dict[str, list[Any]] = {
        name: columns[name].tolist() for name in (*_PLAIN, *_WORDS, *_NUMBERS)
    }

    def search(i: int) -> Judgement:
        given: dict[str, Any] = {name: words[rows[name][i]] for name in _WORDS}
        given |= {name: rows[name][i] for name in _PLAIN}
        given |= {name: _known(rows[name][i]) for name in _NUMBERS}
        given["rank"] = None if given["rank"] < 0 else given["rank"]
        given["correct"] = None if given["correct"] < 0 else bool(given["correct"])
        given["values"] = {
            name: value if state == 1 else None
            for name, value, state in zip(names, values[i], known[i], strict=True)
            if state
        }
        return Judgement(**given, candidates=listed[i] if candidates else [])

    return [search(i) for i in range(len(columns["probe"]))]


def read_columns(content: bytes) -> tuple[Arrays, list[str]]:
    """Read the bytes of `SEARCHES` as they are written.

    Returns
    -------
    columns
        By name, checked: each of the shape and dtype that stands above.
    words
        The words that columns name by their places.

    Raises
    ------
    ValueError
        If they are not what `encoded` writes.
    """
    columns = unpacked(content)
    _check(columns)
    ends = columns["name_ends"].tolist()
    text = columns["names"].tobytes()
    try:
        words = [text[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)]
    except UnicodeDecodeError:
        raise ValueError("names are not UTF-8") from None
    return columns, words


_PLAIN = ("rank", "correct", "mates", "gallery", "failed", "same_source")


def _known(value: float) -> float | None:
    return None if value != value else value  # NaN alone is not itself


def _lists(columns: Arrays, words: Sequence[str]) -> list[list[Candidate]]:
    each = [
        Candidate(words[place], _known(score), mated)
        for place, score, mated in zip(
            *(
                columns[name].tolist()
                for name in ("candidate", "candidate_score", "candidate_mated")
            ),
            strict=True,
        )
    ]
    first = columns["first_candidate"].tolist()
    return [each[a:b] for a, b in pairwise(first)]


def _check(columns: Arrays) -> None:
    """Refuse columns that do not fit one another."""
    if columns.keys() != _KINDS.keys():
        odd = sorted(columns.keys() ^ _KINDS.keys())[0]
        raise ValueError(f"column {odd} is missing, or there is no such column")
    for name, kind in _KINDS.items():
        if columns[name].dtype != kind:
            raise ValueError(f"column {name} holds {columns[name].dtype}; expected {kind.__name__}")
    rows, words = columns["probe"].shape, columns["name_ends"].shape
    measured, listed = columns["measured"].shape, columns["candidate"].shape
    shapes = dict.fromkeys((*_WORDS, *_PLAIN, *_NUMBERS), rows) | {
        "first_candidate": (rows[0] + 1,) if len(rows) == 1 else (),
        **dict.fromkeys(("candidate", "candidate_score", "candidate_mated"), listed),
        **dict.fromkeys(("values", "has_values"), (*rows, *measured)),
        "measured": measured,
        "name_ends": words,
        "names": columns["names"].shape,
    }
    for name, shape in shapes.items():
        table = name in ("values", "has_values")
        if columns[name].shape != shape or len(shape) != (2 if table else 1):
            raise ValueError(f"column {name} has shape {columns[name].shape}, beside {rows[0:1]}")
    for name in (*_WORDS, "candidate", "measured"):
        if int(columns[name].max(initial=0)) >= max(1, words[0]) or (
            columns[name].size and not words[0]
        ):
            raise ValueError(f"column {name} names a word that is not there")
    _check_ends(columns["name_ends"], len(columns["names"]), "name_ends")
    first = columns["first_candidate"]
    _check_ends(first, listed[0], "first_candidate")
    if first[0] != 0:
        raise ValueError("column first_candidate does not begin with 0")


def _check_ends(ends: _Column, whole: int, name: str) -> None:
    if (np.diff(ends) < 0).any() or int(ends[-1] if len(ends) else 0) != whole or (ends < 0).any():
        raise ValueError(f"column {name} does not rise to {whole:,}")
