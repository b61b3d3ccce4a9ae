"""A column of tags, as taggers and people write it: what separates them, and what they are.

Lists of Python or JSON; otherwise ``;``, ``,`` or ``|`` where any cell of the column has one, and
spaces where none has. A tag of several words is written with ``_`` between them, as boorus do,
so that every tag is one word wherever tags are listed.
"""

from __future__ import annotations

import ast
import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from harness.data.findings import Findings
from harness.data.namings import is_placeholder

__all__ = ["read_tags"]

_MARKS = ";,|；，、"
_QUOTES = ("''", '""', "\u2018\u2019", "\u201c\u201d", "\u201e\u201c", "\u00ab\u00bb")
_LIST = re.compile(r"[\[(].*[\])]", re.DOTALL)
_WEIGHT = re.compile(r"\((.+):\d*\.?\d+\)")
# Faces such as >_< are tags of boorus.
_ODD = re.compile(r"[\[\]{}\"`|]|^'|'$|</?[A-Za-z][^<>]*>|^[-+/&]$|:_?\d*\.\d+$")


def read_tags(cells: Sequence[tuple[str, str]], findings: Findings) -> list[tuple[str, ...]]:
    """Return the tags of every cell, each once, in order.

    Parameters
    ----------
    cells
        The texts of one column, and ``file:line`` of each.
    findings
        Where it is said what was read from what, and which tags cannot be.

    Examples
    --------
    >>> read_tags([("long hair, smile", "t.csv:2"), ("rose", "t.csv:3")], Findings())
    [('long_hair', 'smile'), ('rose',)]
    """
    cells = [(html.unescape(text), place) for text, place in cells]
    listed = [_listed(text) for text, _ in cells]
    plain = [text for (text, _), found in zip(cells, listed, strict=True) if found is None]
    separators = "".join(mark for mark in _MARKS if any(mark in text for text in plain))
    split = re.compile(f"[{re.escape(separators)}]" if separators else r"\s+")
    joined: dict[str, str] = {}
    every: list[tuple[str, ...]] = []
    for (text, place), found in zip(cells, listed, strict=True):
        words = split.split(text) if found is None else found
        tags: dict[str, None] = {}
        for word in words:
            written = _tidy(word)
            tag = "_".join(written.split())
            if not tag:
                continue
            if _ODD.search(tag):
                findings.problem(
                    "tags that cannot be read",
                    f"{place}: {written!r} in {text!r} is no tag: write tags with ',' or ';' "
                    "between them, without brackets and quotation marks",
                )
                continue
            if tag != written:
                joined.setdefault(tag, written)
            tags[tag] = None
        every.append(tuple(tags))
    _say(cells, joined, every, findings)
    return every


def _say(
    cells: Sequence[tuple[str, str]],
    joined: dict[str, str],
    every: Sequence[tuple[str, ...]],
    findings: Findings,
) -> None:
    called = cells[0][1].rpartition(":")[0] if cells else ""
    if joined:
        tag, written = next(iter(joined.items()))
        findings.warning(
            "tags of several words",
            f"{called}: tags of several words are written with '_': {written!r} is {tag!r}"
            + (f", and {len(joined) - 1:,} more" if len(joined) > 1 else ""),
        )
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for tags in every:
        for tag in tags:
            spellings[unicodedata.normalize("NFKC", tag).casefold()].add(tag)
    counts = Counter(tag for tags in every for tag in tags)
    unknown = sorted(tag for tag in counts if is_placeholder(tag, counts))
    if unknown:
        findings.warning(
            "placeholders read as tags",
            f"{called}: {', '.join(map(repr, unknown))} look like words for 'not known', and are "
            "read as tags; leave the cell empty where there are none",
        )
    twice = sorted(sorted(found) for found in spellings.values() if len(found) > 1)
    if twice:
        findings.warning(
            "tags written in two ways",
            f"{called}: {' and '.join(map(repr, twice[0]))} are different tags, although only "
            "capitals differ" + (f"; {len(twice) - 1:,} more are like this" if twice[1:] else ""),
        )


def _listed(text: str) -> list[str] | None:
    """Return the elements of a list of Python or JSON; None where the text is none."""
    if not _LIST.fullmatch(text.strip()):
        return None
    try:
        found = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(found, (list, tuple)) and all(isinstance(part, str) for part in found):
        return list(found)
    return None


def _tidy(word: str) -> str:
    r"""Return a tag without what programs put around it.

    >>> [_tidy(word) for word in (" 'smile' ", r"rose \(flower\)", "(sun:1.2)")]
    ['smile', 'rose (flower)', 'sun']
    """
    text = word.strip().replace(r"\(", "(").replace(r"\)", ")")
    weighed = _WEIGHT.fullmatch(text)
    text = text if weighed is None else weighed[1]
    if len(text) > 1 and (text[0] + text[-1]) in _QUOTES:
        text = text[1:-1].strip()
    return text
