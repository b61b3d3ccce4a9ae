"""`score`: numbers from scores, those of a run again or those that somebody else computed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.api import Matcher
from harness.data.findings import Finding
from harness.data.records import Dataset, Draw, Fold, Record
from harness.errors import DataError, UsageError, some, visible
from harness.plugins.registry import find_protocol
from harness.record.joined import fits_of, is_joined
from harness.record.manifest import Import
from harness.runs.finishing import add_likelihood_ratios, score_again
from harness.runs.importing import ImportedRun, import_scores, keep, listed_as
from harness.runs.joining import join_again
from harness.runs.naming import RUNS
from harness.runs.preparing import Request
from harness.runs.score_lists import import_score_lists
from harness.scorefiles import read_labelled
from harness.scorefiles.imported import Imported
from harness.tasks.answers import Answer
from harness.tasks.clusters import components
from harness.tasks.kinds import task_of
from harness.tasks.odd_scores import look_at_scores
from harness.tasks.on_data import ProtocolOnData, hash_of
from harness.tasks.reading import read_protocol
from harness.tasks.task import Task
from harness.verbs.data_frames import place_and_table
from harness.verbs.result import Run, RunLike, folder_of_run
from harness.verbs.saying import say, say_findings

if TYPE_CHECKING:
    import pandas as pd

FOLD = "all"
MOST_PAIRS = 4_000_000
"""Comparisons that are named one by one, where a question needs that."""

NAME = "session"
"""Under which scores are listed that come from no file and have no name."""

Floats: TypeAlias = npt.NDArray[np.float64]
Identities: TypeAlias = tuple[Sequence[Any], Sequence[Any]]


@dataclass(frozen=True)
class _Given(ProtocolOnData):
    """A question about names, of which nothing is known but who is whose mate."""

    @cached_property
    def data_hash(self) -> str:
        """Hash of the names and the mates."""
        return hash_of([[f.name, f.probes, f.gallery, sorted(f.mates)] for f in self.folds])


def score(
    scores: RunLike | npt.ArrayLike | pd.DataFrame,
    *,
    probes: Sequence[str] | None = None,
    gallery: Sequence[str] | None = None,
    mates: npt.ArrayLike | pd.DataFrame | Identities | None = None,
    protocol: str | Path | None = None,
    data: str | Path | pd.DataFrame | None = None,
    layout: str | None = None,
    folds: Sequence[str | int] = (),
    fold_count: int | None = None,
    kind: str = "scores",
    form: str | None = None,
    name: str | None = None,
    out: str | Path = RUNS,
    likelihood_ratios: str = "",
    plugins: Sequence[str | Path] = (),
) -> Run:
    """Compute every number from scores, and keep them as a run with a report.

    Parameters
    ----------
    scores
        A matrix, float, shape (probes, references), higher is more alike, NaN in the whole row or
        column of an image that could not be used; a frame whose index and columns name probes and
        references; a frame with the columns ``probe``, ``reference`` and ``score``, or ``score``
        and ``label`` (1 or 0, mated or not); a file of scores; or a run, whose numbers are then
        computed again.
    probes, gallery
        Names of the rows and columns of a matrix, each once; ``probe-0`` and so on unless given,
        where `mates` is.
    mates
        Who is whose mate: bool, shape (probes, references); or identities of the probes and of the
        gallery, which are mates where they are equal; or a frame with the columns ``probe`` and
        ``reference``. The protocol's own data set says it unless given.
    protocol
        Name or file of the question that the scores answer. Its metrics are computed; with `mates`
        it has to be one about comparisons.
    data, layout, folds, fold_count, plugins
        As for `run`; without meaning where `mates` is given.
    kind, form
        Of a file: ``scores``, ``candidates`` or ``detections``, and its format where it is not
        told from the content.
    name
        Of the system that made the scores.
    out
        Where the run folder goes.
    likelihood_ratios
        Calibrator: ``logistic``, ``pav`` or ``kde``; none if empty.

    Returns
    -------
    Run
        The run that is kept.

    Raises
    ------
    UsageError
        If something is missing or contradicts something else.
    DataError
        With every fault of the scores.

    Examples
    --------
    >>> import harness
    >>> run = harness.score([[0.9, 0.1], [0.2, 0.3]], mates=(["a", "b"], ["a", "b"]),
    ...                     protocol="closed-set", name="tiny")
    >>> run.headline.value
    1.0
    """
    kept = _scored(
        scores,
        probes=probes,
        gallery=gallery,
        mates=mates,
        request=_request(protocol, data, layout, folds, fold_count, out, plugins),
        kind=kind,
        form=form,
        name=name,
    )
    if isinstance(kept, Path):  # of a run
        return _again(kept, likelihood_ratios)
    say_findings(kept.manifest.findings, set())
    if likelihood_ratios:
        add_likelihood_ratios(kept.folder, likelihood_ratios)
    return Run(kept.folder)


def judged_file(
    path: Path, request: Request, *, kind: str, form: str | None = None, name: str | None = None
) -> ImportedRun:
    """Judge a file, or a folder of a file for each fold, and write its run folder.

    Parameters
    ----------
    request
        Names the protocol that the scores answer, or none where they say themselves what is mated.
    kind, form, name
        As for `score`.

    Raises
    ------
    UsageError
        If nothing says what is mated.
    DataError
        With every fault of the file.
    """
    if request.protocols:
        return import_scores(request, kind, path, form=form, name=name)
    if kind != "scores" or form is not None:
        raise UsageError(
            f"say with --protocol which question the {kind} answer"
            + ("; --format names that of files that a protocol judges" if form else "")
        )
    words = ["--scores", str(path), *(["--name", name] if name else [])]
    return import_score_lists(read_labelled(path), path, words, out=request.out, name=name)


def _request(
    protocol: str | Path | None,
    data: Any,
    layout: str | None,
    folds: Sequence[str | int],
    fold_count: int | None,
    out: str | Path,
    plugins: Sequence[str | Path],
) -> Request:
    place, table = place_and_table(data)
    return Request(
        (),
        () if protocol is None else (str(protocol),),
        place,
        layout,
        tuple(map(str, folds)),
        fold_count=fold_count,
        plugins=tuple(map(Path, plugins)),
        out=Path(out),
        table=table,
    )


def _scored(
    scores: Any,
    *,
    probes: Sequence[str] | None,
    gallery: Sequence[str] | None,
    mates: Any,
    request: Request,
    kind: str,
    form: str | None,
    name: str | None,
) -> ImportedRun | Path:
    asked = bool(request.protocols)
    if isinstance(scores, (str, Path, Run)):
        if mates is not None or probes is not None or gallery is not None:
            raise UsageError("probes, gallery and mates belong to a matrix; a file has its own")
        path = Path(scores) if not isinstance(scores, Run) else scores.folder
        if not path.is_file() or path.suffix == ".json":
            return folder_of_run(scores)
        return judged_file(path, request, kind=kind, form=form, name=name)
    columns = {str(one).lower() for one in getattr(scores, "columns", ())}
    if mates is None:
        return _judged_by_file(scores, columns, probes, gallery, request, name)
    if not asked:
        raise UsageError("say with protocol= which question these scores answer")
    if {"probe", "reference", "score"} <= columns:
        scores = scores.pivot(index="probe", columns="reference", values="score")
    matrix, rows, references = _matrix(scores, probes, gallery)
    return _judged_by_mates(matrix, rows, references, mates, request, name)


def _judged_by_file(
    scores: Any,
    columns: set[str],
    probes: Sequence[str] | None,
    gallery: Sequence[str] | None,
    request: Request,
    name: str | None,
) -> ImportedRun:
    """Write scores as the table that ``harness score --scores`` reads, and read that."""
    import pandas as pd

    if {"probe", "reference", "score"} <= columns or {"score", "label"} <= columns:
        long = scores
    elif not request.protocols:
        raise UsageError(
            "nothing says who is whose mate: give mates=, or with protocol= the question whose "
            "data set says it; or a frame with the columns 'score' and 'label'"
        )
    else:
        if probes is None and gallery is None and not hasattr(scores, "columns"):
            raise UsageError("name the rows and columns of the matrix with probes= and gallery=")
        matrix, rows, references = _matrix(scores, probes, gallery)
        pairs = pd.MultiIndex.from_product([rows, references], names=["probe", "reference"])
        long = pd.Series(matrix.ravel(), pairs, name="score").reset_index()
    call = f"harness.score(frame, protocol={', '.join(map(repr, request.protocols)) or None})"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        long.to_csv(path, index=False)
        if request.protocols:
            return import_scores(
                replace(request, call=f"{call}  # in Python"),
                "scores",
                path,
                form="csv",
                name=name or NAME,
            )
        return import_score_lists(
            read_labelled(path),
            path,
            ["--scores", "scores.csv"],
            out=request.out,
            name=name or NAME,
        )


def _matrix(
    scores: Any, probes: Sequence[str] | None, gallery: Sequence[str] | None
) -> tuple[Floats, list[str], list[str]]:
    """Return a matrix with the names of its rows and columns; refuse what is none."""
    if hasattr(scores, "columns") and hasattr(scores, "index"):
        probes = list(scores.index) if probes is None else probes
        gallery = list(scores.columns) if gallery is None else gallery
    try:
        matrix = np.asarray(scores, np.float64)
    except (TypeError, ValueError):
        raise DataError("the scores are no numbers") from None
    if matrix.ndim != 2 or not matrix.size:
        raise DataError(
            f"the scores have shape {matrix.shape}; expected a row for each probe and a column for "
            "each reference, at least one"
        )
    if np.isinf(matrix).any():
        raise DataError(f"{some(int(np.isinf(matrix).sum()), 'score is', 'scores are')} infinite")
    sides = []
    named = (("probe", probes, len(matrix)), ("reference", gallery, len(matrix.T)))
    for what, given, count in named:
        names = [f"{what}-{i}" for i in range(count)] if given is None else [str(n) for n in given]
        if len(names) != count:
            raise DataError(
                f"{some(len(names), 'name')} for {count:,} {what}s: there must be one for each"
            )
        if len(set(names)) < count:
            twice = next(n for i, n in enumerate(names) if n in names[:i])
            raise DataError(f"{visible(twice)!r} is the name of two {what}s; each needs its own")
        sides.append(names)
    return matrix, *sides  # type: ignore[return-value]


def _mated(mates: Any, probes: list[str], gallery: list[str]) -> npt.NDArray[np.bool_]:
    """Return who is whose mate: bool, shape (probes, references)."""
    if hasattr(mates, "columns") and {"probe", "reference"} <= set(mates.columns):
        row = {name: i for i, name in enumerate(probes)}
        column = {name: j for j, name in enumerate(gallery)}
        found = np.zeros((len(probes), len(gallery)), dtype=bool)
        for probe, reference in zip(mates["probe"], mates["reference"], strict=True):
            if str(probe) not in row or str(reference) not in column:
                odd = probe if str(probe) not in row else reference
                raise DataError(f"mates: {visible(str(odd))!r} is not among the scores")
            found[row[str(probe)], column[str(reference)]] = True
        return found
    if isinstance(mates, tuple) and len(mates) == 2:
        one, other = ([str(x) for x in side] for side in mates)
        if (len(one), len(other)) != (len(probes), len(gallery)):
            raise DataError(
                f"mates: {len(one):,} and {len(other):,} identities for {len(probes):,} probes and "
                f"{len(gallery):,} references"
            )
        return np.asarray(np.array(one)[:, np.newaxis] == np.array(other))
    found = np.asarray(mates)
    if found.shape != (len(probes), len(gallery)) or not np.isin(found, (0, 1)).all():
        raise DataError(
            f"mates: shape {found.shape} of {found.dtype}; expected yes or no for each of "
            f"{len(probes):,} probes and {len(gallery):,} references"
        )
    return found.astype(bool)


def _judged_by_mates(
    matrix: Floats,
    probes: list[str],
    gallery: list[str],
    mates: Any,
    request: Request,
    name: str | None,
) -> ImportedRun:
    """Judge a matrix whose truth is given beside it, as one fold."""
    if request.data is not None or request.folds or request.fold_count is not None:
        raise UsageError("mates are the truth here: leave out data, folds and fold_count")
    file = find_protocol(request.protocols[0], request.plugins)
    question, protocol_hash = read_protocol(file)
    task = task_of(question)
    if not (task.compares and task.names_images) or task.ability is not Matcher:
        raise UsageError(f"protocol {file.stem!r} compares no images, so it has no mates")
    mated = _mated(mates, probes, gallery)
    same = np.array(probes)[:, np.newaxis] == np.array(gallery)
    mated &= ~same  # an image is not searched among itself
    if not mated.any():
        raise DataError("no probe has a mate in the gallery, so nothing can be judged")
    failures = {probes[i]: "no score" for i in np.flatnonzero(np.isnan(matrix).all(axis=1))}
    failures |= {gallery[j]: "no score" for j in np.flatnonzero(np.isnan(matrix).all(axis=0))}
    used = np.array([n not in failures for n in probes])[:, np.newaxis] & np.array(
        [n not in failures for n in gallery]
    )
    if holes := int((np.isnan(matrix) & used & ~same).sum()):
        raise DataError(
            f"{some(holes, 'score is', 'scores are')} NaN between images that have others; an "
            "image without a template has NaN in its whole row or column"
        )
    if (task.drawn or task.square) and same.any():
        raise DataError(
            f"{visible(probes[int(np.flatnonzero(same.any(axis=1))[0])])!r} is a probe and a "
            f"reference, and no image may be both in {file.stem!r}: leave it out of one side"
        )
    keeps = np.asarray(mated.any(axis=1) | (not task.closed))
    fold = _fold(probes, gallery, mated, same, keeps, task)
    given = _square(matrix) if task.square else matrix[keeps]
    whose = components(sorted(fold.mates))
    root = Path.cwd()
    records = {}
    for i, one in enumerate(dict.fromkeys([*probes, *gallery])):
        identity = whose.get(one, f"nobody else's {i}")
        records[one] = Record(one, root / str(i), tattoo=identity, group=identity)
    judged = _Given(
        file.stem,
        file,
        question,
        protocol_hash,
        Dataset("a matrix with mates", root, "matrix", records),
        (fold,),
        "a matrix with mates",
    )
    answer = Answer(given, failures)
    digest = hashlib.sha256(np.ascontiguousarray(matrix).tobytes()).hexdigest()
    notes = _notes(fold, same)
    imported = Imported((answer,), ("matrix",), digest, notes=tuple(notes))
    return keep(
        judged,
        imported,
        judged.judge((answer,)),
        file.read_bytes(),
        about="Scores computed elsewhere, given as a matrix with its mates.",
        imported_as=Import("a matrix", ["matrix"], None, [], notes),
        command=f"harness.score(matrix, mates=mates, protocol={file.stem!r})  # in Python",
        out=request.out,
        listed=listed_as(name or NAME, Path(NAME)),
        findings=[
            *(Finding("score-files", "warning", note) for note in notes),
            *look_at_scores(judged.folds, (answer,), question),
        ],
    )


def _fold(
    probes: list[str],
    gallery: list[str],
    mated: npt.NDArray[np.bool_],
    same: npt.NDArray[np.bool_],
    keeps: npt.NDArray[np.bool_],
    task: Task[Any, Any],
) -> Fold:
    def pairs(which: npt.NDArray[np.bool_]) -> frozenset[tuple[str, str]]:
        return frozenset((probes[i], gallery[j]) for i, j in np.argwhere(which).tolist())

    if task.square:
        if mated.size > MOST_PAIRS:
            raise UsageError(
                f"{mated.size:,} comparisons are too many to be named one by one: give a frame "
                "with the columns 'score' and 'label' in the place of a matrix with mates"
            )
        images = (*probes, *gallery)
        return Fold(FOLD, (), images, images, pairs(mated), nonmates=pairs(~mated))
    judged = tuple(name for name, kept in zip(probes, keeps, strict=True) if kept)
    return Fold(
        name=FOLD,
        train=(),
        probes=judged,
        gallery=tuple(gallery),
        mates=pairs(mated),
        excluded=pairs(same & keeps[:, np.newaxis]),
        unmated=tuple(name for name, kept in zip(probes, keeps, strict=True) if not kept),
        draws=(Draw(judged, tuple(gallery)),) if task.drawn else (),
    )


def _square(matrix: Floats) -> Floats:
    """Return scores of all images with all, of which only those of probes with references exist."""
    rows, columns = matrix.shape
    whole = np.full((rows + columns, rows + columns), np.nan)
    whole[:rows, rows:] = matrix
    return whole


def _notes(fold: Fold, same: npt.NDArray[np.bool_]) -> list[str]:
    notes = []
    if fold.unmated:
        notes.append(
            some(len(fold.unmated), "probe has", "probes have")
            + " no mate in the gallery and take no part: this question is about a closed set"
        )
    if same.any():
        notes.append(
            some(int(same.sum()), "pair is", "pairs are")
            + " of one name, an image with itself, and not compared"
        )
    return notes


def _again(folder: Path, likelihood_ratios: str) -> Run:
    """Compute the numbers of a run again, and say whether they are what they were."""
    for place in fits_of(folder) if is_joined(folder) else [folder]:
        _, _, same = score_again(place, likelihood_ratios)
        say(f"the metrics {'are the same as before' if same else 'have changed'}")
    if is_joined(folder):
        join_again(folder)
    return Run(folder)
