"""A column of tags, as taggers and people write it: what separates them, and what they are.

Lists of Python, NumPy or JSON; otherwise ``;``, ``,``, ``|`` or lines where any cell of the column
has one, and spaces where none has. A tag of several words is written with ``_`` between them, as
boorus do, so that every tag is one word wherever tags are listed.
"""

from __future__ import annotations

import ast
import html
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from harness.data.findings import Findings
from harness.data.namings import is_placeholder, spelling

__all__ = ["SPLIT", "read_tags"]

SPLIT = "tags-with-spaces-between-them"
"""Code of what is said where spaces were taken for separators; of no use where a set states that
the harness has drawn it.
"""

_MARKS = ";,|；，、،؛•‧∙·\n\t"
_QUOTES = ("''", '""', "\u2018\u2019", "\u201c\u201d", "\u201e\u201c", "\u00ab\u00bb")
_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_LIST = re.compile(
    rf"(?:\w{{1,12}}\()?(?:[\[({{]\s*)(({_QUOTED}(?:\s*,\s*|\s+)?)*)[\])}}](?:, dtype=\w+)?\)?"
)
"""``['a', 'b']``, and as NumPy prints: ``['a' 'b']``, ``array(['a'], dtype=object)``."""
_PART = re.compile(_QUOTED)
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});")
_WEIGHT = re.compile(r"\((.+):\d*\.?\d+\)")
# Faces such as >_< are tags of boorus.
_ODD = re.compile(
    r"[\[\]{}\"`|]|^'|'$|</?[A-Za-z][^<>]*>|^[-+/&]$|\\$"
    # scores behind tags: 'rose:0.9', 'rose (.9)', 'rose = 90 %', and labels: 'rose=1'
    r"|[\w)][:=*(_]+\d*\.\d+\)?$|[\w)][:=*(_]*\d[\d.,]*_?%\)?$|[\w)]_?[:=]_?[01]$"
    # 'not this one', and what was cut apart: '-rose', '!rose', '(flower)'
    r"|^[-!~]\w*[^\W\d_]{2}|^\(\w+\)$"
)
_INSIDE = re.compile(r"[^\W_][/\\+>&][^\W_]")
"""Signs that may stand between tags, and are in names of some, too."""
_JOINING = frozenset(("and", "und", "et", "y", "og", "och", "en", "with", "mit", "avec", "con"))


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
    cells = [(_without_entities(text), place) for text, place in cells]
    listed = [_listed(text) for text, _ in cells]
    plain = [text.strip() for (text, _), of in zip(cells, listed, strict=True) if of is None]
    separators = "".join(mark for mark in _MARKS if any(mark in text for text in plain))
    split = re.compile(f"[{re.escape(separators)}]" if separators else r"\s+")
    joined: dict[str, str] = {}
    marked: dict[str, str] = {}
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
                    "between them, without brackets, quotation marks and scores",
                )
                continue
            if tag != written:
                joined.setdefault(tag, written)
            if tag[0] == "#" and tag[1:].islower():
                marked.setdefault(tag[1:], tag)
                tag = tag[1:]
            tags[tag] = None
        every.append(tuple(tags))
    file_name = cells[0][1].rpartition(":")[0] if cells else ""
    _say_read(file_name, joined, marked, findings)
    if not separators:
        _say_split(file_name, plain, findings)
    _say_odd(file_name, every, findings)
    return every


def _say_read(
    file_name: str, joined: dict[str, str], marked: dict[str, str], findings: Findings
) -> None:
    """Say how tags were written, and what they are."""
    for kind, read, what in (
        ("tags of several words", joined, "tags of several words are written with '_'"),
        ("tags with a number sign", marked, "'#' before tags is no part of them"),
    ):
        if read:
            tag, written = next(iter(read.items()))
            findings.warning(kind, f"{file_name}: {what}: {written!r} is {tag!r}{_more(read)}")


def _say_split(file_name: str, cells: Iterable[str], findings: Findings) -> None:
    """Say that spaces were taken for separators, where no tag shows how several words are one."""
    several = [text for text in cells if " " in text]
    if several and not any("_" in text for text in several):
        words = ", ".join(map(repr, several[0].split()[:3]))
        findings.warning(
            SPLIT.replace("-", " "),
            f"{file_name}: spaces are taken for what stands between tags, since the column has "
            f"nothing else: {several[0]!r} is {words}{_more(several)}; write '_' into tags of "
            "several words, or ',' between tags",
        )


def _say_odd(file_name: str, every: Sequence[tuple[str, ...]], findings: Findings) -> None:
    """Say which tags may not be what was meant."""
    counts = Counter(tag for tags in every for tag in tags)
    unknown = sorted(tag for tag in counts if is_placeholder(tag, counts))
    if unknown:
        findings.warning(
            "placeholders read as tags",
            f"{file_name}: {', '.join(map(repr, unknown))} look like words for 'not known', and "
            "are "
            "read as tags; leave the cell empty where there are none",
        )
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for tag in sorted(counts):
        spellings[spelling(tag)].append(tag)
    twice = [found for found in spellings.values() if found[1:]]
    if twice:
        findings.warning(
            "tags written in two ways",
            f"{file_name}: {' and '.join(map(repr, twice[0]))} are different tags, although they "
            f"differ in their spelling alone{_more(twice)}",
        )
    inside = [tag for tag in counts if _INSIDE.search(tag) and tag not in unknown]
    if inside:
        findings.warning(
            "tags with signs inside",
            f"{file_name}: {inside[0]!r} is read as one tag{_more(inside)}; write ',' between tags",
        )
    joining = sorted(_JOINING & {tag.lower() for tag in counts})
    if joining:
        findings.warning(
            "tags that join others",
            f"{file_name}: {joining[0]!r} is read as a tag of its own{_more(joining)}; write ',' "
            "between tags",
        )
    if counts and all(_NUMBER.fullmatch(tag) for tag in counts):
        shown = ", ".join(map(repr, sorted(counts)[:3]))
        findings.warning(
            "tags that are numbers",
            f"{file_name}: all tags are numbers ({shown}), and are read as names of tags; if they "
            "are answers of yes and no, write the names of those that apply",
        )


def _more(found: Collection[object]) -> str:
    return f", and {len(found) - 1:,} more" if len(found) > 1 else ""


def _without_entities(text: str) -> str:
    """Return a text without entities of HTML, also where they were written by two programs.

    >>> _without_entities("ship &amp;amp; anchor"), _without_entities("at&notion")
    ('ship & anchor', 'at&notion')
    """
    for _ in range(3):
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return text


def _listed(text: str) -> list[str] | None:
    """Return the elements of a list of Python, NumPy or JSON; None where the text is none."""
    found = _LIST.fullmatch(text.strip().replace("\\/", "/"))
    try:
        return None if found is None else [ast.literal_eval(one) for one in _PART.findall(found[1])]
    except (ValueError, SyntaxError):  # of codes for letters that there are not
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
