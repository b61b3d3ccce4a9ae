"""Names of identities and folds that may not mean what they say: placeholders, and two spellings.

Whoever shares a name is mated, on one person, in one photograph or in one fold, and whoever does
not is not. So "unknown" makes mates of strangers, and "Anna" beside "anna" makes strangers of
mates. Neither can be told from data that mean it, so both are read as they are written, and said.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from harness.data.findings import Findings
from harness.data.records import Record

__all__ = ["COLUMNS", "is_placeholder", "look_at_namings", "spelling"]

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
        *("unknown", "unk", "ukn", "unkn", "notknown", "unidentified", "undefined", "undef"),
        *(
            "unspecified",
            "unsorted",
            "unassigned",
            "unlabeled",
            "unlabelled",
            "unnamed",
            "untitled",
        ),
        *("uncategorized", "uncategorised", "undetermined", "unclear", "anonymous", "anonym"),
        *(
            "untitled",
            "anon",
            "noname",
            "noid",
            "nolabel",
            "johndoe",
            "janedoe",
            "dummy",
            "placeholder",
        ),
        *("nan", "na", "none", "null", "nil", "nat", "missing", "empty", "blank", "misc", "other"),
        *("others", "tbd", "tba", "todo", "xxx", "xx", "notavailable", "notapplicable", "notgiven"),
        *("nonegiven", "nodata", "novalue", "novalueset", "rest", "various", "miscellaneous"),
        # without accents, in the languages of those who write lists
        *("unbekannt", "nichtbekannt", "unbek", "keineangabe", "keineangaben", "keine", "keiner"),
        *("ohne", "ohnename", "leer", "sonstige", "sonstiges", "diverse", "andere", "fehlt"),
        *("namenlos", "offen", "inconnu", "inconnue", "sansnom", "indetermine", "autre", "autres"),
        *("aucun", "aucune", "nonrenseigne", "desconocido", "desconocida", "sinnombre", "ninguno"),
        *("otro", "otros", "sinidentificar", "desconhecido", "semnome", "outro", "outros"),
        *("sconosciuto", "sconosciuta", "ignoto", "ignota", "altro", "altri", "nessuno"),
        *("onbekend", "anders", "geen", "okand", "ukjent", "ukendt", "tuntematon", "nieznany"),
        *("nieznana", "neznamy", "neznama", "ismeretlen", "necunoscut", "nepoznato", "bilinmiyor"),
        *("неизвестно", "неизвестныи", "невідомо", "αγνωστο", "αγνωστος", "不明", "未知", "未知の"),
        *("無し", "なし", "无", "無", "알수없음", "미상", "مجهول", "غيرمعروف", "לאידוע"),
    )
)
"""Words for "not known", in small letters without accents and without what is no letter."""

_SHORT = re.compile(r"[nk][./]\s*[ad]\.?|[ns]/[adn]\.?|n\.\s*n\.?|n\.\s*d\.?|s\.\s*n\.|<na>", re.I)
"""Abbreviations of them, which without their dots could be anybody's initials."""

_ERROR = re.compile(r"#[^\W_]{1,8}(/[^\W_]{1,2})?[!?]?")
"""What spreadsheets write where a formula failed, in their languages: ``#REF!``, ``#BEZUG!``."""

_MISSING = re.compile(r"-(1|9+)")
"""Numbers that programs write for "missing"."""

_NINES = re.compile(r"9{3,}")
"""Such numbers, where the number before them is no name, too."""

_SHORTENED = re.compile(r"[-+]?\d([.,]\d+)?[eE]\+?\d{1,3}")
"""What a spreadsheet shows, and writes, of a number of more digits than it cares for."""

_DAY = re.compile(
    r"\d{1,2}[-. /]*(jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*\.?"
    r"|(jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*[-. /]*\d{1,2}"
    r"|\d{4}-\d\d-\d\d( 00:00:00)?",
    re.I,
)
"""What a spreadsheet makes of names such as ``1-2``."""


_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s_-]+(?=\d)")
_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=\w)|(?<=\d)[\s_-]+(?=[^\W\d_])")
_WHOLE_NUMBER = re.compile(r"^([+-]?\d+)[.,]0+$")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:([.,' \u2019])\d{3})(?:\1\d{3})*(?![\d.,])")
_AROUND = " \t\"'\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb`.,;:"


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
            _say_placeholders(column, counter, findings)
            _say_rewritten(column, counter, findings)
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
        text = "".join(_plain(one) for one in text if unicodedata.category(one) != "Cf")
    text = html.unescape(text).replace("\\", "/").strip(_AROUND)
    text = _THOUSANDS.sub(_joined, text)
    text = _BETWEEN_DIGITS.sub(" ", text)
    text = _BETWEEN_WORDS.sub("", text)
    text = _WHOLE_NUMBER.sub(r"\1", text)
    return _LEADING_ZEROS.sub("", text).removeprefix("+")


def _plain(letter: str) -> str:
    """Return a digit of any script as one of ours."""
    return str(unicodedata.decimal(letter)) if letter.isdecimal() else letter


def _joined(number: re.Match[str]) -> str:
    """Return a number without what stands between its thousands; 1.000 may as well be one."""
    whole = number[0].replace(number[1], "")
    return number[0] if number[0].endswith(f"{number[1]}000") else whole


def is_placeholder(name: str, counts: Mapping[str, int]) -> bool:
    """Say whether a name is usual for "not known", among the names that there are."""
    # Of folders in folders the last names the tattoo; those above may well be called "other".
    parts = {name.strip(), name.rpartition("/")[2].strip()}
    return any(
        _letters(part) in _WORDS
        or _SHORT.fullmatch(part) is not None
        or _ERROR.fullmatch(part) is not None
        or _MISSING.fullmatch(spelling(part)) is not None
        or (_NINES.fullmatch(part) is not None and str(int(part) - 1) not in counts)
        or _is_punctuation(part)
        for part in parts
    )


def _letters(text: str) -> str:
    """Return the letters and digits of a text, small and without accents."""
    if text.isascii():
        return "".join(filter(str.isalnum, text.casefold()))
    parted = unicodedata.normalize("NFKD", text).casefold()
    # Korean falls into letters of its own.
    return unicodedata.normalize("NFC", "".join(filter(str.isalnum, parted)))


def _is_punctuation(text: str) -> bool:
    return all(unicodedata.category(one)[0] in "PZSC" for one in text)


def _say_placeholders(column: str, counts: Mapping[str, int], findings: Findings) -> None:
    for name in sorted(one for one in counts if is_placeholder(one, counts)):
        findings.warning(
            "placeholders read as names",
            f"{column} {name!r} of {_pictures(counts[name])} looks like a word for 'not known', "
            f"and is read as {COLUMNS[column]}; leave the cell empty where it is not known, or "
            "take the pictures out",
        )


def _say_rewritten(column: str, counts: Mapping[str, int], findings: Findings) -> None:
    """Say which names a spreadsheet has made of others; dates alone may be meant."""
    shortened = sorted(name for name in counts if _SHORTENED.fullmatch(name))
    days = sorted(name for name in counts if _DAY.fullmatch(name))
    for names, what in (
        (shortened, "a number that a spreadsheet has cut off, so that different ones become one"),
        (days if len(days) < len(counts) else [], "a date that a spreadsheet has made of a name"),
    ):
        for name in names:
            findings.warning(
                "names that a spreadsheet has rewritten",
                f"{column} {name!r} of {_pictures(counts[name])} looks like {what}; format the "
                "column as text, and fill it in again",
            )


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"


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
