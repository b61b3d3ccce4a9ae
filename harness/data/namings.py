"""Names of identities and folds that may not mean what they say: placeholders, and two spellings.

Whoever shares a name is mated, on one person, in one photograph or in one fold, and whoever does
not is not. So "unknown" makes mates of strangers, and "Anna" beside "anna" makes strangers of
mates. Neither can be told from data that mean it, so both are read as they are written, and said.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from harness.data.findings import Findings
from harness.data.records import Record

__all__ = ["COLUMNS", "look_at_namings", "spelling"]

COLUMNS = {
    "tattoo": "one tattoo, and mated with one another",
    "group": "one group, and mated with one another",
    "subject": "one person",
    "source": "one photograph",
    "fold": "one fold",
}
"""What is looked at, and what pictures of one name are read as."""

_WORDS = frozenset(
    (
        *("unknown", "unk", "notknown", "unidentified", "undefined", "unspecified", "unsorted"),
        *("unassigned", "unlabeled", "unlabelled", "unnamed", "untitled", "uncategorized"),
        *("nan", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "<nan>", "none", "null", "nil", "nat"),
        *("missing", "empty", "blank", "misc", "other", "others", "tbd", "todo", "xxx"),
        *("unbekannt", "inconnu", "desconocido", "sconosciuto"),
    )
)
_MISSING = re.compile(r"-(1|9+)")
"""Numbers that programs write for "missing"."""


_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s_-]+(?=\d)")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=\w)|(?<=\d)[\s_-]+(?=[^\W\d_])")
_WHOLE_NUMBER = re.compile(r"^([+-]?\d+)[.,]0+$")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")


def look_at_namings(records: Iterable[Record], findings: Findings) -> None:
    """Say which names are usual for "not known", and which differ in their spelling alone.

    Parameters
    ----------
    records
        Of the whole data set.
    findings
        Where it is said.
    """
    counts: dict[str, Counter[str]] = {column: Counter() for column in COLUMNS}
    for record in records:
        for column, counter in counts.items():
            value = getattr(record, column)
            if value is not None:
                counter[value] += 1
    seen: list[Counter[str]] = []
    for column, counter in counts.items():
        # Where one fact fills two columns, as a folder does, it is said once.
        if counter not in seen:
            seen.append(counter)
            alike: defaultdict[str, list[str]] = defaultdict(list)
            for name in sorted(counter):
                alike[spelling(name)].append(name)
            _say_placeholders(column, counter, alike, findings)
            _say_spellings(column, counter, alike, findings)


def spelling(name: str) -> str:
    """Return what a name has in common with the same name in another spelling.

    Unicode's form, letter case, spaces, underscores and hyphens between words, characters that are
    not seen, zeros in front of a number, and ``.0`` behind one make no difference; what stands
    between two digits does.

    >>> spelling("Anna  Heart") == spelling("anna_heart"), spelling("007") == spelling("7.0")
    (True, True)
    >>> spelling("1-12") == spelling("11-2")
    False
    """
    text = name.casefold()
    if not name.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        text = "".join(one for one in text if unicodedata.category(one) != "Cf")
    text = _BETWEEN_DIGITS.sub(" ", text.strip())
    text = _BETWEEN_WORDS.sub("", text)
    text = _WHOLE_NUMBER.sub(r"\1", text)
    return _LEADING_ZEROS.sub("", text).removeprefix("+")


def _is_placeholder(spelt: str) -> bool:
    # Of folders in folders the last names the tattoo; those above may well be called "other".
    return any(
        part in _WORDS or _MISSING.fullmatch(part) is not None or _is_punctuation(part)
        for part in (spelt, spelt.rpartition("/")[2].strip())
    )


def _is_punctuation(text: str) -> bool:
    return all(unicodedata.category(one).startswith(("P", "Z")) for one in text)


def _say_placeholders(
    column: str, counts: Counter[str], alike: Mapping[str, list[str]], findings: Findings
) -> None:
    for name in sorted(
        n for spelt, names in alike.items() if _is_placeholder(spelt) for n in names
    ):
        pictures = "1 picture" if counts[name] == 1 else f"{counts[name]:,} pictures"
        findings.warning(
            "placeholders read as names",
            f"{column} {name!r} of {pictures} looks like a word for 'not known', and is read as "
            f"{COLUMNS[column]}; leave the cell empty where it is not known, or take the pictures "
            "out",
        )


def _say_spellings(
    column: str, counts: Counter[str], alike: Mapping[str, list[str]], findings: Findings
) -> None:
    for names in alike.values():
        if names[1:]:
            shown = " and ".join(f"{_visible(name)} ({counts[name]:,})" for name in names)
            findings.warning(
                "names in two spellings",
                f"{column} {shown} differ in their spelling alone, and are read as different; "
                "write one name in one way if they are the same",
            )


def _visible(name: str) -> str:
    """Return a name in quotes; beyond ASCII with codes, since its forms look alike on screen."""
    return repr(name) if name.isascii() else ascii(name)
