"""Words by which score files call a comparison mated or non-mated, and columns by what they are."""

from __future__ import annotations

import re

__all__ = ["LABEL_NAMES", "SCORE_NAMES", "mated_word", "means_distance"]

SCORE_NAMES = ("score", "scores", "simscore", "similarity", "sim", "cosine")
"""Headers of a column of scores, in the order of their preference."""

LABEL_NAMES = (
    *("label", "labels", "mated", "is_mated", "genuine", "is_genuine", "target", "same", "is_same"),
    *("match", "is_match", "truth", "ground_truth", "y", "y_true", "class", "key"),
)
"""Headers of a column that says what is mated, in the order of their preference."""

_MATED = {
    *("1", "1.0", "+1", "true", "yes", "mated", "mate", "genuine", "gen", "target", "tar", "same"),
    *("match", "positive", "pos", "client", "y", "hp", "ss"),
    # what spreadsheets of other languages write
    *("wahr", "ja", "vrai", "oui", "verdadero", "si", "sí", "vero", "sì", "verdadeiro", "sim"),
    *("waar", "sant"),
}
_NONMATED = {
    *(
        "0",
        "0.0",
        "-1",
        "-1.0",
        "false",
        "no",
        "nonmated",
        "nonmate",
        "impostor",
        "imposter",
        "imp",
    ),
    *("n", "hd", "ds"),
    *("falsch", "nein", "faux", "non", "falso", "onwaar", "nee", "falskt", "nej", "não"),
    *("nontarget", "nontar", "different", "diff", "nonmatch", "negative", "neg", "unmated"),
}


def mated_word(text: str) -> bool | None:
    """Return what a label says, or None for a word that is none of the known ones.

    >>> mated_word("Genuine"), mated_word("non-mated"), mated_word("-1"), mated_word("rose")
    (True, False, False, None)
    """
    word = text.strip().casefold()
    if word in _MATED:
        return True
    if word in _NONMATED or word.replace("-", "").replace("_", "").replace(" ", "") in _NONMATED:
        return False
    return None


_DISTANCE = re.compile(
    r"(?<![a-z])(dist(ance)?s?|dissimilarity|l2|euclidean|hamming|loss|error)(?![a-z])"
)


def means_distance(column: str) -> bool:
    """Say whether a column, by its name, holds what is smaller for what is more alike.

    >>> [means_distance(name) for name in ("Distance", "cosine_dist", "distinct", "score")]
    [True, True, False, False]
    """
    return _DISTANCE.search(column.casefold().replace("_", " ")) is not None
