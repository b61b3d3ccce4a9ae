"""What an answer of an algorithm has to look like: the harness never trusts what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Candidates, FailureToEnroll, Image
from harness.plugins.programs.remarks import MOST_BOXES, Remark, is_inside

__all__ = [
    "BadAnswer",
    "Unusable",
    "checked_candidates",
    "checked_detections",
    "checked_masks",
    "checked_pictures",
    "checked_quality",
    "checked_remark",
    "checked_scores",
    "checked_tags",
    "checked_templates",
]


class BadAnswer(Exception):
    """An algorithm returned what its interface does not allow; the text says what to do."""


@dataclass(frozen=True)
class Unusable:
    """Stands for what a worker's algorithm returned and no answer can be.

    Parameters
    ----------
    type
        Of what it returned, in words.
    text
        What it looks like.
    """

    type: str
    text: str

    def __repr__(self) -> str:
        return self.text


def checked_templates(answers: Any, names: Sequence[str]) -> list[Any]:
    """Return the templates (or failures) of a batch as a list.

    Parameters
    ----------
    answers
        What ``extract_batch`` returned.
    names
        Of the images, for messages.

    Raises
    ------
    BadAnswer
        If there is not one answer for each image, or one is neither an array of finite numbers,
        nor a dict of them, nor a `FailureToEnroll`.
    """
    found = _one_each(answers, names)
    for name, answer in zip(names, found, strict=True):
        if answer is None:
            raise BadAnswer(
                f"extract returned None for {name}; return the template, or raise "
                "FailureToEnroll for an image that has none"
            )
        if isinstance(answer, FailureToEnroll):
            continue
        parts = answer if isinstance(answer, dict) else {"": answer}
        if not parts:
            raise BadAnswer(
                f"the template of {name} is an empty dict; return its arrays, or raise "
                "FailureToEnroll for an image that has none"
            )
        for key, part in parts.items():
            what = "template" if not isinstance(answer, dict) else f"template's part {key!r}"
            if not isinstance(key, str):
                raise BadAnswer(f"the names of a template's arrays must be strings; got {key!r}")
            if not isinstance(part, np.ndarray) or part.dtype.kind not in "biuf":
                raise BadAnswer(
                    f"the {what} of {name} is {_kind(part)}; return a NumPy array of numbers or a "
                    "dict of them"
                )
            if part.dtype.kind == "f" and part.dtype.itemsize > 8:
                raise BadAnswer(
                    f"the {what} of {name} is an array of {part.dtype}, which cannot be stored; "
                    "return float64 at most"
                )
            if part.dtype.kind == "f" and not np.isfinite(part).all():
                raise BadAnswer(
                    f"the {what} of {name} contains NaN or infinity; look for a division by zero"
                )
    return found


def checked_detections(answers: Any, names: Sequence[str]) -> list[Any]:
    """Return the scores (or failures) of a batch as a list.

    Parameters
    ----------
    answers
        What ``detect_batch`` returned.
    names
        Of the images, for messages.

    Raises
    ------
    BadAnswer
        If there is not one answer for each image, or one is neither a finite number nor a
        `FailureToEnroll`.
    """
    found = _one_each(answers, names)
    for name, answer in zip(names, found, strict=True):
        if isinstance(answer, FailureToEnroll):
            continue
        if isinstance(answer, bool) or not isinstance(answer, (int, float, np.number)):
            raise BadAnswer(
                f"detect returned {answer!r} ({_type(answer)}) for {name}; return a float"
            )
        if not np.isfinite(answer):
            raise BadAnswer(f"detect returned {answer} for {name}; scores must be finite")
    return found


def checked_tags(answers: Any, names: Sequence[str], tags: int) -> list[Any]:
    """Return the tag scores (or failures) of a batch as a list.

    Parameters
    ----------
    answers
        What ``tag_batch`` returned.
    names
        Of the images, for messages.
    tags
        Length of the vocabulary.

    Raises
    ------
    BadAnswer
        If there is not one answer for each image, or one is neither floating-point numbers in
        [0, 1] of shape (tags,) nor a `FailureToEnroll`.
    """
    found = _one_each(answers, names)
    for name, answer in zip(names, found, strict=True):
        if not isinstance(answer, FailureToEnroll):
            _in_unit_range(answer, (tags,), f"tag for {name}", "one score per tag")
    return found


def checked_masks(answers: Any, names: Sequence[str], images: Sequence[Image]) -> list[Any]:
    """Return the masks (or failures) of a batch as a list.

    Parameters
    ----------
    answers
        What ``segment_batch`` returned.
    names
        Of the images, for messages.
    images
        What was segmented.

    Raises
    ------
    BadAnswer
        If there is not one answer for each image, or one is neither floating-point numbers in
        [0, 1], one per pixel, nor a `FailureToEnroll`.
    """
    found = _one_each(answers, names)
    for name, answer, image in zip(names, found, images, strict=True):
        if not isinstance(answer, FailureToEnroll):
            _in_unit_range(answer, image.shape[:2], f"segment for {name}", "one value per pixel")
    return found


def checked_pictures(answers: Any, names: Sequence[str], images: Sequence[Image]) -> list[Any]:
    """Return the retouched pictures (or failures) of a batch as a list.

    Parameters
    ----------
    answers
        What ``remove_batch`` returned.
    names
        Of the images, for messages.
    images
        What was retouched.

    Raises
    ------
    BadAnswer
        If there is not one answer for each image, or one is neither uint8 RGB of the image's
        shape nor a `FailureToEnroll`.
    """
    found = _one_each(answers, names)
    for name, answer, image in zip(names, found, images, strict=True):
        if isinstance(answer, FailureToEnroll):
            continue
        if not isinstance(answer, np.ndarray) or answer.dtype != np.uint8:
            raise BadAnswer(f"remove returned {_kind(answer)} for {name}; return uint8 RGB pixels")
        if answer.shape != image.shape:
            raise BadAnswer(
                f"remove returned shape {answer.shape} for {name}; return the image's own size, "
                f"{image.shape}"
            )
    return found


def checked_remark(remark: Remark | None, name: str, image: Image) -> Remark:
    """Return what was said beside an answer, or raise what is wrong with it.

    Parameters
    ----------
    remark
        What came with the answer; None where nothing did.
    name
        Of the image, for messages.
    image
        That was answered, shape (height, width, 3).

    Raises
    ------
    BadAnswer
        If a quality lies outside [0, 1], or a box outside of its image.
    """
    if remark is None:
        return Remark()
    if remark.quality is not None and not 0 <= remark.quality <= 1:
        raise BadAnswer(f"the quality of {name} is {remark.quality}; it lies in [0, 1]")
    if len(remark.boxes) > MOST_BOXES:
        raise BadAnswer(f"{len(remark.boxes):,} boxes for {name}; {MOST_BOXES:,} are taken")
    # Of a file that is seen as it is, nobody knows the size.
    height, width = image.shape[:2] if image.ndim == 3 else (0, 0)
    for box in remark.boxes:
        if not is_inside(box, width, height):
            raise BadAnswer(
                f"the box {list(box)} of {name} is none in a picture of {width} x {height} pixels"
            )
    return remark


def checked_quality(value: Any) -> float:
    """Return what ``quality`` said of an image, or raise what is wrong with it.

    Raises
    ------
    BadAnswer
        If it is no number from 0 to 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise BadAnswer(f"quality returned {value!r} ({_type(value)}); return a float from 0 to 1")
    if not 0 <= value <= 1:  # NaN is neither
        raise BadAnswer(f"quality returned {value}; return a float from 0 (worst) to 1 (best)")
    return float(value)


def checked_candidates(answer: Any, length: int, references: int, name: str) -> Candidates:
    """Return a candidate list, or raise what is wrong with it.

    Parameters
    ----------
    answer
        What ``search`` returned.
    length
        Candidates that it was asked for.
    references
        In the gallery.
    name
        Of the probe, for messages.

    Returns
    -------
    Candidates
        With places as int64 and scores as float64, each of shape (candidates,).

    Raises
    ------
    BadAnswer
        If it is no list of that length, names a reference twice or one that there is not, or its
        scores are not finite or rise.
    """
    of = f"the list of {name}"
    try:
        places, scores, empty = answer
        places, scores, empty = np.asarray(places), np.asarray(scores), int(empty)
    except (TypeError, ValueError):
        raise BadAnswer(
            f"search returned {_kind(answer)} for {name}; return Candidates(places, scores)"
        ) from None
    if places.ndim != 1 or scores.shape != places.shape:
        raise BadAnswer(
            f"{of} has places of shape {places.shape} and scores of shape {scores.shape}; return "
            "one score for each place"
        )
    if len(places) and (places.dtype.kind not in "iu" or scores.dtype.kind not in "iuf"):
        raise BadAnswer(f"{of} holds {places.dtype} and {scores.dtype}; return integers and floats")
    if empty < 0 or len(places) + empty != length:
        raise BadAnswer(
            f"{of} has {len(places)} candidates and {empty} empty places where {length} are asked "
            "for; return as many, or say how many places stay empty"
        )
    odd = (places < 0) | (places >= references)
    if odd.any():
        raise BadAnswer(
            f"{of} names reference {places[odd][0]}; the gallery has those from 0 to "
            f"{references - 1}"
        )
    known, counts = np.unique(places, return_counts=True)
    if len(known) < len(places):
        raise BadAnswer(f"{of} names reference {known[counts > 1][0]} more than once")
    scores = scores.astype(np.float64)
    if not np.isfinite(scores).all():
        raise BadAnswer(f"{of} has a score that is NaN or infinity; scores must be finite")
    rising = np.flatnonzero(np.diff(scores) > 0)
    if len(rising):
        at = int(rising[0])
        raise BadAnswer(
            f"{of} is not sorted: rank {at + 2} has the score {scores[at + 1]:g}, above "
            f"{scores[at]:g} before it; the best comes first"
        )
    return Candidates(places.astype(np.int64), scores, empty)


def checked_scores(
    scores: Any, shape: tuple[int, ...], method: str
) -> npt.NDArray[np.floating[Any]]:
    """Return scores that are finite floating-point numbers of the shape that `shape` names.

    Raises
    ------
    BadAnswer
        If they are not.
    """
    if not isinstance(scores, np.ndarray) or scores.dtype.kind != "f":
        raise BadAnswer(
            f"{method} returned {_kind(scores)}; return a NumPy array of floating-point numbers"
        )
    if scores.shape != shape:
        raise BadAnswer(
            f"{method} returned shape {scores.shape}; expected {shape}: one score per comparison"
        )
    bad = int((~np.isfinite(scores)).sum())
    if bad:
        raise BadAnswer(
            f"{method} returned NaN or infinity for {bad} of {scores.size} scores; look for a "
            "division by zero, and raise FailureToEnroll for images that cannot be used"
        )
    return scores


def _in_unit_range(answer: Any, shape: tuple[int, ...], what: str, meaning: str) -> None:
    method, _, rest = what.partition(" ")
    if not isinstance(answer, np.ndarray) or answer.dtype.kind != "f":
        raise BadAnswer(
            f"{method} returned {_kind(answer)} {rest}; return a NumPy array of floating-point "
            "numbers"
        )
    if answer.shape != shape:
        raise BadAnswer(
            f"{method} returned shape {answer.shape} {rest}; expected {shape}: {meaning}"
        )
    if not ((answer >= 0) & (answer <= 1)).all():  # NaN is neither
        raise BadAnswer(f"{method} returned values outside [0, 1] {rest}")


def _one_each(answers: Any, names: Sequence[str]) -> list[Any]:
    count = len(names)
    if answers is None:
        raise BadAnswer(f"a batch method returned None; return {count} answers, one per image")
    found = list(answers)
    if len(found) != count:
        raise BadAnswer(
            f"{len(found)} answers for {count} images; return one per image, with a "
            "FailureToEnroll in the place of an image you give up on"
        )
    return found


def _type(value: Any) -> str:
    return value.type if isinstance(value, Unusable) else type(value).__name__


def _kind(value: Any) -> str:
    if isinstance(value, Unusable):
        return value.type
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else str(type(value))
