"""Scores of a run in the formats of others, so that they can check it.

==========  ===================================================  ================================
format      what is written                                      failed probes, failed references
==========  ===================================================  ================================
tatt-c      ``probe|rank|gallery|score``; of a detection          null candidates, no score at the
            ``image|score``                                       end of every list
nist        NIST's log of 1:N searches; of a detection            null candidates in both cases,
            ``image returnCode tattooDetected score``, and        return codes
            ``boxes`` where the detector says them
csv         ``fold,probe,reference,mated,score``;                 left out
            ``fold,image,score``
parquet     the columns of csv                                    left out
bob-4       ``claimed-id real-id probe-label score``              left out
bob-5       ``claimed-id model-label real-id probe-label score``  left out
npy         matrix and two lists of names                         NaN
pyeer       two files, one score per line                         mated ones below all other scores
==========  ===================================================  ================================

Written are the comparisons that the protocol makes (`harness.tasks.counted`). Where draws from a
fold are searched, a comparison of several draws stands in a file with names once, and in pyeer's
once for each of them, as in the run's error rates. Of open-set searches pyeer gets what FNIR and
FPIR are made of: the score of each mate at the head of its list (below all other scores where it is
not there), and the top score of each search without a mate (above all others where it failed).

Apart from bob-4 where an identity has several references, and from pyeer, which has no names, what
is written can be read again and gives the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.data.records import Fold
from harness.data.table_files import write_csv, write_parquet
from harness.data.whole_files import write_whole
from harness.errors import UsageError, nearest
from harness.scorefiles.distributions import ScoreLists, split_scores
from harness.scorefiles.entries import NIST_COLUMNS, RETURN_CODES
from harness.scorefiles.matrices import lists_beside
from harness.scorefiles.score_tables import comparisons, image_scores, usable
from harness.scorefiles.sources import NIST_DETECTION_COLUMNS
from harness.tasks.answers import Answer
from harness.tasks.clusters import components
from harness.tasks.counted import counted

__all__ = ["EXPORT_FORMS", "export_lists", "export_scores"]

SUFFIXES = {
    "tatt-c": "txt",
    "nist": "log",
    "csv": "csv",
    "parquet": "parquet",
    "bob-4": "txt",
    "bob-5": "txt",
    "npy": "npy",
    "pyeer": "txt",
}
EXPORT_FORMS = tuple(SUFFIXES)
"""Formats that `export_scores` writes."""

DETECTION_FORMS = ("tatt-c", "csv", "nist")
REFUSED = 6
"""Return code written for a probe without a template: TemplateCreationError."""


def export_scores(
    out: Path,
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    form: str,
    *,
    rank: int | None = None,
    depth: int | None = None,
) -> list[Path]:
    """Write the scores of a run in a format of others.

    Written is what the protocol compares (`harness.tasks.counted`), and nothing else of a matrix.

    Parameters
    ----------
    out
        Folder to write to; made if it is not there. All folds share one file, ``scores``, but
        matrices, and folds that share probes, have a file each, named like the fold.
    folds, answers
        In the same order.
    form
        One of `EXPORT_FORMS`; for detections one of ``tatt-c``, ``nist`` and ``csv``.
    rank
        Of open-set searches, for pyeer: within which a mate has to be found.
    depth
        Length of the candidate lists, where these end before their galleries: what lies outside is
        not written then.

    Returns
    -------
    list of Path
        The files written. If it is one, it can be read again; otherwise the folder can.

    Raises
    ------
    UsageError
        If there is no such format, or it cannot carry these names or this truth.
    """
    detection = not any(fold.gallery for fold in folds)
    known = DETECTION_FORMS if detection else EXPORT_FORMS
    if form not in known:
        raise UsageError(
            f"there is no format {form!r} for these scores.{nearest(form, known)} "
            f"Known: {', '.join(known)}"
        )
    _check_names(folds, form)
    out.mkdir(parents=True, exist_ok=True)
    if form == "pyeer":
        return export_lists(out, split_scores(folds, answers, rank=rank))
    parts = list(zip(folds, answers, strict=True))
    if form == "npy":
        return [path for fold, answer in parts for path in _write_matrix(out, fold, answer)]
    probes = [name for fold in folds for name in fold.probes]
    shared = len(set(probes)) == len(probes)
    groups = [("scores", parts)] if shared else [(fold.name, [(fold, a)]) for fold, a in parts]
    written = []
    for name, group in groups:
        path = out / f"{name}.{SUFFIXES[form]}"
        if form in _TABLES:
            table = image_scores if detection else comparisons
            _TABLES[form](path, (table(fold, answer) for fold, answer in group))
        else:
            header, lines = (_DETECTIONS if detection else _COMPARISONS)[form]
            if lines is _detection_log and not any(answer.boxes for answer in answers):
                header = (header[0].removesuffix(f" {NIST_DETECTION_COLUMNS[-1]}"),)
            texts = (line for fold, answer in group for line in lines(fold, answer, depth))
            write_whole(path, "".join(f"{text}\n" for text in (*header, *texts)))
        written.append(path)
    return written


def _check_names(folds: Sequence[Fold], form: str) -> None:
    forbidden = {"tatt-c": r"\|", "nist": r"\s", "bob-4": r"\s", "bob-5": r"\s"}.get(form)
    for fold in folds if form not in ("pyeer", "parquet") else ():
        for name in (*fold.probes, *fold.gallery):
            if name != name.strip() or (forbidden and re.search(forbidden, name)):
                raise UsageError(
                    f"files in the format {form} cannot carry the name {name!r}; "
                    "export as csv instead"
                )


@dataclass(frozen=True)
class _List:
    """A probe's candidates, best first and ties by name, and what has no score.

    Parameters
    ----------
    failed
        Why the probe has no list; empty where it has one.
    found
        References with their scores.
    lost
        References without a template that it would have met, by name; of lists that end before
        their gallery none.
    empty
        Places of the list that stay empty.
    """

    probe: str
    failed: str
    found: list[tuple[str, float]]
    lost: list[str]
    empty: int


def _lists(fold: Fold, answer: Answer, depth: int | None) -> Iterator[_List]:
    """Yield the candidate list of every probe that is compared with anything."""
    by_name = np.argsort(np.array(fold.gallery, dtype=object), kind="stable")
    there, compared = usable(fold, answer), counted(fold).compared
    for i, probe in enumerate(fold.probes):
        if not compared[i].any():
            continue
        scores = np.where(there[i], answer.scores[i], -np.inf).astype(np.float64)
        order = by_name[np.argsort(-scores[by_name], kind="stable")]
        found = [(fold.gallery[j], float(scores[j])) for j in order if np.isfinite(scores[j])]
        lost = [fold.gallery[j] for j in by_name if compared[i, j] and not there[i, j]]
        length = len(found) + len(lost)
        if depth is not None:
            lost, length = [], min(depth, int(compared[i].sum()))
        failed = (answer.failures[probe] or "no reason") if probe in answer.failures else ""
        yield _List(probe, failed, found, lost, length - len(found))


def _tatt_c(fold: Fold, answer: Answer, depth: int | None) -> Iterator[str]:
    for one in _lists(fold, answer, depth):
        if one.failed:
            yield from (f"{one.probe}|{rank}||0" for rank in range(1, one.empty + 1))
            continue
        for rank, (reference, score) in enumerate(one.found, start=1):
            yield f"{one.probe}|{rank}|{reference}|{score!r}"
        for rank, reference in enumerate(one.lost, start=len(one.found) + 1):
            yield f"{one.probe}|{rank}|{reference}|"


def _nist(fold: Fold, answer: Answer, depth: int | None) -> Iterator[str]:
    for one in _lists(fold, answer, depth):
        code = code_of(one.failed) if one.failed else 0
        for rank, (reference, score) in enumerate(one.found):
            yield f"{one.probe} {rank} {code} 1 {reference} {score!r} 0"
        for rank in range(len(one.found), len(one.found) + one.empty):
            yield f"{one.probe} {rank} {code} 0  0 0"


def code_of(reason: str) -> int:
    """Return the return code for a failure: that which its reason names, or `REFUSED`.

    >>> code_of("createTemplate returned RefuseInput: too dark"), code_of("no edges")
    (3, 6)
    """
    named = re.search(r"\breturned (\w+)", reason)
    return RETURN_CODES.index(named[1]) if named and named[1] in RETURN_CODES[1:] else REFUSED


def _bob(fold: Fold, answer: Answer, model: bool) -> Iterator[str]:
    real, claimed = _identities(fold)
    real_id = dict(zip(fold.probes, real, strict=True))
    claimed_id = dict(zip(fold.gallery, claimed, strict=True))
    for _, probe, reference, _, score in comparisons(fold, answer).rows():
        label = f"{reference} " if model else ""
        yield f"{claimed_id[str(reference)]} {label}{real_id[str(probe)]} {probe} {score!r}"


def _identities(fold: Fold) -> tuple[list[str], list[str]]:
    """Name identities of probes and references by a reference, so that mates have equal ones."""
    groups = components(sorted((f"p{p}", f"r{r}") for p, r in fold.mates))
    names: dict[str, str] = {}
    for reference in fold.gallery:
        names.setdefault(groups.get(f"r{reference}", f"r{reference}"), reference)
    claimed = [names[groups.get(f"r{name}", f"r{name}")] for name in fold.gallery]
    real = [names.get(groups.get(f"p{name}", ""), name) for name in fold.probes]
    same = np.array(real, dtype=object)[:, np.newaxis] == np.array(claimed, dtype=object)
    where = counted(fold)
    if np.any((same != where.mated) & where.compared):
        raise UsageError(
            f"the mates of fold {fold.name} are no identities (a is a mate of b, b of c, and a is "
            "none of c), and bob's files know only identities; export as csv instead"
        )
    return real, claimed


def _detections(fold: Fold, answer: Answer) -> Iterator[tuple[str, str]]:
    for name, score in zip(fold.probes, answer.scores, strict=True):
        if name not in answer.failures:
            yield name, repr(float(score))


def _detection_log(fold: Fold, answer: Answer, depth: int | None) -> Iterator[str]:
    for name, score in zip(fold.probes, answer.scores, strict=True):
        if name in answer.failures:
            yield f"{name} {code_of(answer.failures[name])} 0 0"
        else:
            boxes = ";".join(",".join(map(str, box)) for box in answer.boxes.get(name, ()))
            yield f"{name} 0 {int(score >= 0.5)} {float(score)!r} {boxes}".rstrip()


_TABLES = {"csv": write_csv, "parquet": write_parquet}
Lines = Callable[[Fold, Answer, int | None], Iterator[str]]
_COMPARISONS: dict[str, tuple[tuple[str, ...], Lines]] = {
    "tatt-c": ((), _tatt_c),
    "nist": ((" ".join(NIST_COLUMNS),), _nist),
    "bob-4": ((), lambda fold, answer, _: _bob(fold, answer, model=False)),
    "bob-5": ((), lambda fold, answer, _: _bob(fold, answer, model=True)),
}
_DETECTIONS: dict[str, tuple[tuple[str, ...], Lines]] = {
    "nist": ((" ".join(NIST_DETECTION_COLUMNS),), _detection_log),
    "tatt-c": ((), lambda fold, answer, _: ("|".join(two) for two in _detections(fold, answer))),
}


def _write_matrix(out: Path, fold: Fold, answer: Answer) -> list[Path]:
    matrix = out / f"{fold.name}.npy"
    scores = np.where(usable(fold, answer), answer.scores, np.nan)
    with matrix.open("wb") as file:
        np.save(file, scores, allow_pickle=False)
    lists = lists_beside(matrix)
    for path, names in zip(lists, (fold.probes, fold.gallery), strict=True):
        write_whole(path, "".join(f"{name}\n" for name in names))
    return [matrix, *lists]


def export_lists(out: Path, lists: ScoreLists) -> list[Path]:
    """Write mated and non-mated scores for PyEER: ``genuine.txt`` and ``impostor.txt`` in a folder.

    Failures, which PyEER does not know, are written below (or above) all other scores.
    """
    out.mkdir(parents=True, exist_ok=True)
    lists = lists.finite()
    paths = [out / "genuine.txt", out / "impostor.txt"]
    for path, scores in zip(paths, (lists.mated, lists.nonmated), strict=True):
        write_whole(path, "".join(f"{score!r}\n" for score in scores.tolist()))
    return paths
