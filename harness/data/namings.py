"""Names of identities and folds that may not mean what they say: placeholders, and two spellings.

Whoever shares a name is mated, on one person, in one photograph or in one fold, and whoever does
not is not. So "unknown" makes mates of different people, and "Anna" beside "anna" makes two people
of one. Neither can be told from data that mean it, so both are read as they are written, and said.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from harness.data.findings import Findings
from harness.data.records import Record
from harness.errors import some

__all__ = ["COLUMNS", "is_placeholder", "look_at_namings", "spelling"]

COLUMNS = {
    "tattoo": "one tattoo, and mated with one another",
    "group": "one group, and mated with one another",
    "subject": "one person",
    "source": "one photograph",
    "fold": "one fold",
}
"""What is looked at, and what pictures of one name are read as."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS = _words(
    """
    unknown unk ukn unkn notknown unidentified undefined undef unspecified unsorted unassigned
    unlabeled unlabelled unnamed untitled uncategorized uncategorised unclassified undetermined
    unclear unverified unmatched unmated unrecorded unreadable illegible indeterminate
    notspecified notrecorded notstated notassigned notidentified notsure dontknow donotknow
    noidea anonymous anonym anon noname noid nolabel nomatch nomate notattoo nontattoo johndoe
    janedoe dummy placeholder nan na none null nil nat nv missing empty blank default misc other
    others tbd tba tobedone tobedetermined todo pending xxx xx notavailable notapplicable
    notgiven nonegiven nodata novalue novalueset rest various miscellaneous mixed several
    multiple allothers unbekannt unbekannte unbekannter unbekanntes nichtbekannt unbek
    keineangabe keineangaben keine keiner ohne ohnename leer sonstige sonstiges diverse andere
    fehlt namenlos offen unsortiert unklar nichtlesbar weissnicht inconnu inconnue inconnus
    inconnues sansnom indetermine autre autres aucun aucune nonrenseigne nonidentifie divers
    atrier desconocido desconocida desconocidos desconocidas sinnombre sindatos ninguno ninguna
    otro otros sinidentificar desconhecido desconhecida semnome semdados outro outros
    sconosciuto sconosciuta sconosciuti ignoto ignota altro altri nessuno varie onbekend
    onbekende anders geen overig overige okand okant ukjent ukendt tuntematon nieznany nieznana
    nieznane neznamy neznama nezname ismeretlen necunoscut necunoscuta nepoznato bilinmiyor
    bilinmeyen diger khongro tidakdiketahui неизвестно неизвестныи неизвестная неизв невідомо
    невідомии другое нетданных αγνωστο αγνωστος δενγνωριζω αλλο 不明 不詳 不详 未知 未知の 無し なし
    无 無 無題 名称未設定 未分類 未分类 その他 其他 其它 알수없음 미상 미분류 기타
    مجهول غيرمعروف אחר לאידוע ไมทราบ अजञत
    """
)
"""Words for "not known", in small letters without accents and without what is no letter."""

_UNSORTED = _words(
    """
    background distractor distractors noise junk garbage rubbish outlier outliers trash tosort
    inbox incoming new old backup backups archive original originals masters copies proofs
    derivatives edited export exports temp tmp sicherung archiv originale kopien neu alt atrier
    nuevo vieux
    """
)
"""Words for places of what is not sorted or not meant, which motifs may well be called."""

_STRONG = re.compile(
    r"unknown|unidentified|unbekannt(e[rs]?)?|onbekend(e)?|inconnue?s?|desconocid[oa]s?|unspecified"
    r"|desconhecid[oa]s?|sconosciut[oaie]|undefined|unlabell?ed|unassigned|unclassified|неизвестн\w+"
)
_NEUTRAL = _words(
    """
    id ids class klasse label person persona personne subject subjekt tattoo tattoos motif motiv
    identity identities image images picture pictures photo photos folder ordner group gruppe
    name the of an all z zz zzz
    """
)
"""Words that beside such a word leave it what it is: ``unknown person``, ``00_unknown``."""

_SHORT = re.compile(
    r"[nk][./]\s*[adн]\.?|[ns]/[adn]\.?|[nos]\.\s*[nda]\.?|н/д\.?|н\.\s*д\.?|<na>|n\.?v\.?t\.?"
    r"|\\+n|[-+]?(1\.)?#?(qnan|ind|snan)",
    re.I,
)
"""Abbreviations of them, which without their dots could be anybody's initials."""

_ERROR = re.compile(r"#[^\W_]{1,8}(/[^\W_]{1,2})?[!?]?")
"""What spreadsheets write where a formula failed, in their languages: ``#REF!``, ``#BEZUG!``."""

_MISSING = re.compile(r"-(1|9+)", re.ASCII)
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


_SOME, _MANY, _TIMES = 5, 12, 4
"""Names from which, pictures from which, and times the next from which one is very large."""

_FORMULA = re.compile(r"=[A-Za-z$(+-]")

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s_-]+(?=\d)")
_BETWEEN_WORDS = re.compile(
    r"(?<=[^\W\d_])[\s_.#,-]+(?=\w)|(?<=[^\W\d_])\s+(?=\()|(?<=\d)[\s_-]+(?=[^\W\d_])"
)
_WHOLE_NUMBER = re.compile(r"^([+-]?\d+)[.,]0+$")
_LEADING_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:([.,' \u2019])\d{3})(?:\1\d{3})*(?![\d.,])")
_AROUND = " \t\r\n\"'\u201c\u201d\u201e\u00ab\u00bb`.,;:!?*()[]<>{}"
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u00b4\u02b9\u02bc\u2032\uff07`", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d", "-"),
        **dict.fromkeys("\u2044\u2215", "/"),
        **dict(zip("аеорсухіјѕԁһѵ", "aeopcyxijsdhv", strict=True)),  # Cyrillic
        **dict(zip("ανορικυχ", "avopikux", strict=True)),  # Greek
        "\u0307": "",  # of a capital I with a dot
        "ı": "i",
    }
)
"""What looks alike, and what programs exchange for it; in small letters."""
_FRACTION = re.compile(r"(?<![\d.,])([+-]?\d+)[.,](\d*[1-9])0*(?![\d.,])")
_PLACE = re.compile(r"(?<=/)/+|^(\./+)+|/+$|/\.(?=/|$)")
_COPY = re.compile(
    r"[ _-]*\(\d{1,2}\)|[ _-]+(copy|copie|copia|cópia|kopie|kopi|copy of)( ?\(?\d{1,2}\)?)?"
    r"|[ _-]*\((copy|kopie|copie|copia|cópia)( \d{1,2})?\)|[ _-]*\([^()]*conflict[^()]*\)"
    r"|[ _.-]+(conflict|sync-conflict)[^/]*"
    r"|[ _-]+(edited|bearbeitet|edit|bak|backup|orig|original|old)"
    r"|~\d?|[ _-]*のコピー| - [Ss]hortcut",
    re.I,
)
"""What systems and clouds put behind the names of copies."""
_COPY_OF = re.compile(r"(copy|kopie|copie|copia|cópia) (of|von|de|di|van) ", re.I)


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
            _say_largest(column, counter, findings)
            _say_rewritten(column, counter, findings)
            _say_copies(column, counter, findings)
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
    name = name.replace("\u00b4", "'")  # which otherwise falls into a space and an accent
    text = name.casefold()
    if not name.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        text = "".join(_plain(one) for one in text if not _unseen(one)).translate(_ALIKE)
    text = unquote(html.unescape(text)).replace("\\", "/")
    text = _PLACE.sub("", text.strip(_AROUND + "/"))
    text = _FRACTION.sub(r"\1.\2", _THOUSANDS.sub(_joined, text))
    text = _BETWEEN_DIGITS.sub(" ", text)
    text = _BETWEEN_WORDS.sub("", text)
    text = _WHOLE_NUMBER.sub(r"\1", text)
    return _LEADING_ZEROS.sub("", text).removeprefix("+")


def _unseen(letter: str) -> bool:
    """Say whether a character is not seen: it steers, or chooses the form of the one before."""
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


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
        or _is_unknown(part)
        or _SHORT.fullmatch(part) is not None
        or _ERROR.fullmatch(part) is not None
        or _MISSING.fullmatch(spelling(part)) is not None
        or (_NINES.fullmatch(part) is not None and str(int(part) - 1) not in counts)
        or _is_punctuation(part)
        for part in parts
    )


def _is_unknown(text: str) -> bool:
    """Say whether a name is a strong word for "not known" and nothing that could be a name.

    >>> [_is_unknown(text) for text in ("unknown person", "0_unknown", "unknown 2", "unknown-x")]
    [True, True, False, False]
    """
    first, *words = re.findall(r"[^\W_]+", text.casefold()) or [""]
    # Before the word a number sorts; after it, it counts those who are not known.
    words = words if first.isdecimal() else [first, *words]
    strong = [word for word in words if _STRONG.fullmatch(word)]
    return bool(strong) and all(word in _NEUTRAL or word in strong for word in words)


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
    for name in sorted(
        one
        for one in counts
        if is_placeholder(one, counts) or _letters(one.rpartition("/")[2]) in _UNSORTED
    ):
        findings.warning(
            "placeholders read as names",
            f"{column} {name!r} of {some(counts[name], 'picture')} looks like a word for 'not "
            "known' "
            f"or 'not sorted', and is read as {COLUMNS[column]}; leave the cell empty where it is "
            "not known, or take the pictures out",
        )


def _say_largest(column: str, counts: Counter[str], findings: Findings) -> None:
    """Say which name has many more pictures than any other: it may be where the rest was put."""
    if column == "fold" or len(counts) < _SOME:
        return
    (name, most), (_, next_most) = counts.most_common(2)
    if most >= _MANY and most > _TIMES * next_most and not is_placeholder(name, counts):
        findings.warning(
            "names of very many pictures",
            f"{column} {name!r} has {some(most, 'picture')}, and no other more than "
            f"{next_most:,}; all "
            f"of them are read as {COLUMNS[column]}. If it is where the rest was put, leave the "
            "cell empty, or take the pictures out",
        )


def _say_copies(column: str, counts: Counter[str], findings: Findings) -> None:
    """Say which names are those of others, with what systems add to the names of copies."""
    for name in sorted(counts):
        folder, _, last = name.rpartition("/")
        before = _COPY_OF.match(last)
        added = next((one for one in _COPY.finditer(last) if one.end() == len(last)), None)
        of = last[before.end() :] if before else last[: added.start()] if added else ""
        of = f"{folder}/{of}" if folder else of
        if of in counts:
            findings.warning(
                "names of copies",
                f"{column} {name!r} ({counts[name]:,}) is called like a copy of {of!r} "
                f"({counts[of]:,}), and is read as another; give both one name if they show the "
                "same",
            )


def _say_rewritten(column: str, counts: Mapping[str, int], findings: Findings) -> None:
    """Say which names a spreadsheet has made of others; dates alone may be meant."""
    shortened = sorted(name for name in counts if _SHORTENED.fullmatch(name))
    formulas = sorted(name for name in counts if _FORMULA.match(name))
    garbled = sorted(name for name in counts if _is_garbled(name))
    days = sorted(name for name in counts if _DAY.fullmatch(name))
    for names, what in (
        (shortened, "a number that a spreadsheet has cut off, so that different ones become one"),
        (days if len(days) < len(counts) else [], "a date that a spreadsheet has made of a name"),
        (formulas, "a formula that was not computed"),
        (garbled, "a text of one alphabet that was read in another, and saved so"),
    ):
        for name in names:
            findings.warning(
                "names that a spreadsheet has rewritten",
                f"{column} {name!r} of {some(counts[name], 'picture')} looks like {what}; format "
                "the "
                "column as text, and fill it in again",
            )


def _is_garbled(name: str) -> bool:
    """Say whether a name is UTF-8 that was read as something else: ``MÃ¼ller``.

    >>> [_is_garbled(name) for name in ("MÃ¼ller", "Müller", "Ã")]
    [True, False, False]
    """
    if name.isascii():
        return False
    for alphabet in ("cp1252", "latin-1", "mac_roman", "cp437"):
        try:
            return len(name.encode(alphabet).decode()) < len(name)
        except UnicodeError:
            continue
    return False


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
