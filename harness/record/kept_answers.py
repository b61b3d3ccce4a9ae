"""Raw answers in a run folder, read as untrusted data: shapes, sizes and values are checked.

`harness.execution.storage` reads what this harness has just written. What lies in a folder may be
another's: here every file is judged by its header and by its size before it is loaded, and every
value by what an algorithm may answer at all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.api import Detector
from harness.data.records import Fold, number_of
from harness.errors import BadFile, HarnessError
from harness.execution.abilities import is_pictured
from harness.execution.storage import MATCHING_FILE, PICTURES_FILE, REMARKS_FILE, load_answer
from harness.execution.unit import SCORES
from harness.record.files import (
    LARGEST_LIST,
    LARGEST_TEXT,
    is_regular,
    open_file,
    read_bytes,
    read_json,
)
from harness.record.remarks import read_remarks
from harness.tasks.answers import Answer, ListsOfDraws, PictureAnswer, StreamedAnswer
from harness.tasks.counted import counted
from harness.tasks.drawing import each_draw

__all__ = ["FAILURES", "NUMBERS", "read_answer", "scores_of"]

FAILURES, NUMBERS, SUMMED = "failures.json", "scores.npy", "matching.json"
LARGEST_ARRAYS = 4 << 30
"""Bytes of the largest file of scores that is read."""

_PROBES = ("ranks", "mates", "precision", "best_mate", "best_nonmate", "best_mate_reference")


class _Summed(msgspec.Struct):
    """What beside arrays is kept of scores that were summed up."""

    nonmated_count: int
    eer: float | None
    passes: int
    place_free: bool
    score_to_exceed: list[tuple[float, float]]


def scores_of(fold: str) -> str:
    """Return the folder, below that of the run, in which the raw answers of a fold lie."""
    return f"units/fold-{fold}/{SCORES}"


def read_answer(
    folder: Path,
    fold: Fold,
    ability: type,
    width: int | None = None,
    *,
    images: Collection[str] = (),
    imported: bool = False,
    listed: bool = False,
) -> Answer:
    """Read the raw answers of a fold.

    Parameters
    ----------
    folder
        Of the run.
    fold
        Checked before, as `harness.record.truth.folds_in` does.
    ability
        Of the kind of question: the class of `harness.api`.
    width
        Scores of each image where there are several, such as one for every tag.
    images
        Of the other folds, whose failures may be named here, too; they count there alone.
    imported
        Whether no algorithm of ours computed them: then there may be scores that nobody knows, NaN,
        and below all others, ``-inf``.
    listed
        Whether they are of candidate lists: then what lies outside of one is ``-inf``.

    Raises
    ------
    BadFile
        If a file is missing, of another kind, size, type or shape, or holds what cannot be.
    """
    place = scores_of(fold.name)
    if fold.draws and not _is_there(folder / place):
        known = {*images, *fold.probes, *fold.gallery}
        return ListsOfDraws(
            [
                read_answer(folder, one, ability, images=known, imported=imported, listed=listed)
                for one in each_draw(fold)
            ]
        )
    failures = read_json(folder, f"{place}/{FAILURES}", dict[str, str], LARGEST_LIST)
    known = {*images, *fold.probes, *fold.gallery}
    odd = next(
        (n for n in failures if n not in known and number_of(n, fold.numbered) is None), None
    )
    if odd is not None:
        raise BadFile(folder / place / FAILURES, f"names {odd!r}, which is no image of the run")
    if is_pictured(ability.__name__):
        _check_pictures(folder, f"{place}/{PICTURES_FILE}", fold, failures)
    elif fold.numbered or (fold.gallery and _is_there(folder / place / MATCHING_FILE)):
        _check_summed(folder, place, fold)
    else:
        if _is_there(folder / place / PICTURES_FILE):
            raise BadFile(folder / place / PICTURES_FILE, "is not an answer to this question")
        second = len(fold.gallery) if fold.gallery else width
        shape = (len(fold.probes),) if second is None else (len(fold.probes), second)
        _check_numbers(folder, f"{place}/{NUMBERS}", shape)
    if issubclass(ability, Detector):
        read_remarks(folder, place, set(fold.probes) - failures.keys(), boxes=True)
    elif _is_there(folder / place / REMARKS_FILE):
        raise BadFile(folder / place / REMARKS_FILE, "is not an answer to this question")
    try:
        answer = load_answer(folder / place)
    except (OSError, ValueError) as reason:
        raise BadFile(folder / place, f"cannot be read: {reason}") from None
    if not isinstance(answer, (PictureAnswer, StreamedAnswer)):
        _check_values(folder / place / NUMBERS, answer, fold, imported=imported, listed=listed)
    if isinstance(answer, StreamedAnswer):
        _check_arrays(folder / place / MATCHING_FILE, answer, fold)
    return answer


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _check_pictures(folder: Path, name: str, fold: Fold, failures: dict[str, str]) -> None:
    files = read_json(folder, name, list[str | None], LARGEST_LIST)
    if len(files) != len(fold.probes):
        raise BadFile(folder / name, f"has {len(files):,} entries for {len(fold.probes):,} probes")
    for i, (probe, file) in enumerate(zip(fold.probes, files, strict=True)):
        if (file is None) != (probe in failures):
            raise BadFile(folder / name, f"and {FAILURES} disagree about {probe!r}", f"$[{i}]")
        if file is None:
            continue
        if not file or "/" in file or file in (".", ".."):
            raise BadFile(folder / name, f"{file!r} is not a file beside it", f"$[{i}]")
        beside = f"{name.rpartition('/')[0]}/{file}"
        if not is_regular(folder, beside):
            open_file(folder, beside).close()  # says why not


def _check_numbers(folder: Path, name: str, shape: tuple[int, ...]) -> None:
    """Judge a .npy file by its header and its size."""
    path = folder / name
    with open_file(folder, name) as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                found, _, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                found, _, dtype = np.lib.format.read_array_header_2_0(file)
            else:
                raise BadFile(path, f"has version {version} of .npy; expected 1.0")
        except (BadFile, MemoryError):
            raise
        except Exception as reason:  # the header is Python's syntax, in which much can be wrong
            raise BadFile(path, f"is no .npy file: {reason}") from None
        start = file.tell()
    if dtype.kind != "f" or dtype.itemsize > 8 or dtype.subdtype is not None:
        what = (
            "objects, and none is unpickled (allow_pickle=False)" if dtype.hasobject else f"{dtype}"
        )
        raise BadFile(path, f"holds {what}; expected floating point of at most 64 bits")
    if found != shape:
        raise BadFile(path, f"scores have shape {found}, the truth says {shape}")
    wanted = start + math.prod(shape) * dtype.itemsize
    if size != wanted:
        raise BadFile(path, f"has {size:,} bytes, and its header promises {wanted:,}")
    _refuse_large(path, size)


def _refuse_large(path: Path, size: int) -> None:
    if size > LARGEST_ARRAYS:
        raise BadFile(path, f"has {size:,} bytes; at most {LARGEST_ARRAYS:,} are read")


def _check_values(path: Path, answer: Answer, fold: Fold, *, imported: bool, listed: bool) -> None:
    """Refuse scores that no algorithm may give."""
    scores = answer.scores
    outside = np.isneginf(scores) & listed
    failed = answer.failed(fold.probes)
    if fold.gallery:
        lost = answer.failed(fold.gallery)
        needed = ~(failed[:, None] | lost[None, :]) & counted(fold).compared
    else:
        needed = np.broadcast_to(~failed.reshape(-1, *[1] * (scores.ndim - 1)), scores.shape)
    odd = np.isposinf(scores) if imported else ~np.isfinite(scores) & needed & ~outside
    if odd.any():
        at = np.argwhere(odd)[0].tolist()
        value = scores[tuple(at)]
        who = fold.probes[at[0]] + (f" and {fold.gallery[at[1]]}" if fold.gallery else "")
        raise BadFile(
            path,
            f"holds {value} for {who!r}; expected finite scores of all but failures",
            str(at),
        )


def _check_summed(folder: Path, place: str, fold: Fold) -> None:
    """Judge what was summed up of scores, before its arrays are read."""
    path = folder / place / SUMMED
    content = read_bytes(folder, f"{place}/{SUMMED}", LARGEST_TEXT)
    try:
        # Not msgspec's decoder: a score that nothing exceeds is written as Infinity.
        found = msgspec.convert(loads(content), _Summed)
    except (JSONDecodeError, UnicodeDecodeError) as reason:
        raise BadFile(path, f"is no JSON: {reason}") from None
    except msgspec.ValidationError as reason:
        fault, _, where = str(reason).partition(" - at ")
        raise BadFile(path, fault, where.strip("`")) from None
    except RecursionError:
        raise BadFile(path, "is nested too deeply") from None
    pairs = len(fold.probes) * (len(fold.gallery) or fold.numbered)
    if not 0 <= found.nonmated_count <= pairs:
        raise BadFile(path, f"counts {found.nonmated_count:,} of {pairs:,} comparisons")
    check_tensors_of_size(folder, f"{place}/{MATCHING_FILE}")


def check_tensors_of_size(folder: Path, name: str) -> None:
    """Refuse a file of arrays that is no regular file, or too large to be read."""
    with open_file(folder, name) as file:
        _refuse_large(folder / name, file.seek(0, 2))


def _check_arrays(path: Path, answer: StreamedAnswer, fold: Fold) -> None:
    """Refuse arrays that were not summed up of this fold."""
    found = answer.matching
    probes, gallery = len(fold.probes), len(fold.gallery) or fold.numbered
    shapes: dict[str, Sequence[int]] = dict.fromkeys(_PROBES, (probes,))
    shapes["mated_scores"] = (len(fold.mates),)
    shapes["candidate_scores"] = shapes["candidate_references"] = found.candidate_scores.shape
    for name, shape in shapes.items():
        array = getattr(found, name)
        if array.shape != shape:
            raise BadFile(path, f"has shape {array.shape}, the truth says {tuple(shape)}", name)
    if found.candidate_scores.ndim != 2 or len(found.candidate_scores) != probes:
        raise BadFile(path, "is no list of candidates for every probe", "candidate_scores")
    whole = ("ranks", "mates", "best_mate_reference", "candidate_references")
    for name in whole:
        array = getattr(found, name)
        if array.dtype.kind not in "iu":
            raise BadFile(path, f"holds {array.dtype}; expected whole numbers", name)
    for name in ("best_mate_reference", "candidate_references"):
        array = getattr(found, name)
        if array.size and not -1 <= int(array.min()) <= int(array.max()) < gallery:
            raise BadFile(path, f"names references beyond the {gallery:,} of the fold", name)
    numbers = ("best_mate", "best_nonmate", "candidate_scores", "mated_scores")
    arrays = {name: getattr(found, name) for name in numbers}
    arrays["top_scores"], arrays["top_counts"] = found.top
    if arrays["top_scores"].ndim != 1 or found.top[0].shape != found.top[1].shape:
        raise BadFile(path, "has another length than top_counts", "top_scores")
    if found.histogram is not None:
        arrays["bin_threshold"] = found.histogram.threshold
        if found.histogram.threshold.ndim != 1 or len(found.histogram.threshold) < 2:
            raise BadFile(path, "has no bins", "bin_threshold")
        if found.histogram.counts.shape != found.histogram.threshold.shape:
            raise BadFile(path, "has another length than bin_threshold", "bin_counts")
    arrays |= _checked_margins(path, answer, probes, gallery)
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf" or (
            array.dtype.kind == "f" and (np.isnan(array) | np.isposinf(array)).any()
        ):
            raise BadFile(path, "holds NaN, infinity or no numbers", name)


def _checked_margins(
    path: Path, answer: StreamedAnswer, probes: int, gallery: int
) -> dict[str, npt.NDArray[Any]]:
    """Return the numbers of what intervals are drawn from, if their shapes and places are right."""
    margins, tail = answer.matching.margins, answer.matching.tail
    arrays: dict[str, npt.NDArray[Any]] = {}
    shapes: dict[str, tuple[npt.NDArray[Any], tuple[int, ...]]] = {}
    counts: dict[str, npt.NDArray[Any]] = {}
    if margins is not None:
        width = margins.marks.size
        arrays["margin_marks"] = margins.marks
        shapes["margin_marks"] = margins.marks, (width,)
        shapes["margin_probes"] = margins.probes, (probes, width)
        shapes["margin_references"] = margins.references, (gallery, width)
        shapes["margin_compared_probes"] = margins.compared_probes, (probes,)
        shapes["margin_compared_references"] = margins.compared_references, (gallery,)
        counts = {name: one for name, (one, _) in shapes.items() if name != "margin_marks"}
    if tail is not None:
        arrays["tail_scores"] = tail.scores
        for name in ("scores", "probes", "references"):
            shapes[f"tail_{name}"] = getattr(tail, name), (tail.scores.size,)
        counts |= {"tail_probes": tail.probes, "tail_references": tail.references}
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise BadFile(path, f"has shape {array.shape}, the truth says {shape}", name)
    for name, array in counts.items():
        most = {"tail_probes": probes, "tail_references": gallery}.get(name, probes * gallery + 1)
        if array.dtype.kind not in "iu":
            raise BadFile(path, f"holds {array.dtype}; expected whole numbers", name)
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < most:
            raise BadFile(path, f"holds numbers beyond 0 to {most - 1:,}", name)
    return arrays


def as_damage(reason: HarnessError, folder: Path) -> BadFile | None:
    """Return an error about a picture below a run folder as a fault of the folder, or None."""
    path = getattr(reason, "path", None)
    if isinstance(path, Path) and path.is_relative_to(folder) and hasattr(reason, "reason"):
        return BadFile(path, str(reason.reason))
    return None
