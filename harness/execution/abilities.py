"""What an answer of each ability is: how it is checked, how large it may be, how it is kept.

With a class and a `harness.api.METHODS` entry, a row here is all that an ability is made of for
everything that asks, checks, stores and reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.api import METHODS
from harness.execution.answers import (
    checked_detections,
    checked_masks,
    checked_pictures,
    checked_tags,
    checked_templates,
)
from harness.execution.conversation import LARGEST_TEMPLATE
from harness.execution.pictures import pixels
from harness.execution.unit import Unit
from harness.execution.wire import Array

__all__ = ["ABILITIES", "Ability", "is_pictured"]

Kept = Literal["templates", "scores", "pictures"]


@dataclass(frozen=True)
class Ability:
    """One kind of question that an algorithm can be asked of images.

    Parameters
    ----------
    label
        What it is called on boards.
    kept
        What is stored of its answers: ``templates``, which are compared later; ``scores``, a number
        or a row of numbers for each image; ``pictures``, a file for each.
    check
        Called with the answers to some images, their names, the images as the algorithm saw them,
        and the unit; returns the answers or raises `BadAnswer`.
    largest
        Called with an image and the unit; returns how many bytes its answer may have.
    """

    label: str
    kept: Kept
    check: Callable[[Any, Sequence[str], Sequence[Array], Unit], list[Any]]
    largest: Callable[[Array, Unit], int]


def _templates(
    answers: Any, names: Sequence[str], images: Sequence[Array], unit: Unit
) -> list[Any]:
    return checked_templates(answers, names)


def _detections(
    answers: Any, names: Sequence[str], images: Sequence[Array], unit: Unit
) -> list[Any]:
    return checked_detections(answers, names)


def _tags(answers: Any, names: Sequence[str], images: Sequence[Array], unit: Unit) -> list[Any]:
    return checked_tags(answers, names, len(unit.vocabulary))


def _masks(answers: Any, names: Sequence[str], images: Sequence[Array], unit: Unit) -> list[Any]:
    return checked_masks(answers, names, _whole(names, images, unit))


def _pictures(answers: Any, names: Sequence[str], images: Sequence[Array], unit: Unit) -> list[Any]:
    return checked_pictures(answers, names, _whole(names, images, unit))


def _whole(names: Sequence[str], images: Sequence[Array], unit: Unit) -> Sequence[Array]:
    """Return the pixels of images of which a control may have seen the bytes of the file."""
    if unit.sees == "pixels":
        return images
    return [pixels(unit.pictures[name]) for name in names]


def _numbers(image: Array, unit: Unit) -> int:
    return (1 << 12) + 16 * len(unit.vocabulary)


def _drawn(image: Array, unit: Unit) -> int:
    # One number of 16 bytes for every pixel, and a little for what is refused with a reason.
    return (1 << 22) + 16 * (image.size if unit.sees == "pixels" else 1 << 26)


ABILITIES = {
    "Matcher": Ability("Matching", "templates", _templates, lambda image, unit: LARGEST_TEMPLATE),
    "Searcher": Ability("Searching", "templates", _templates, lambda image, unit: LARGEST_TEMPLATE),
    "Detector": Ability("Detection", "scores", _detections, _numbers),
    "Segmenter": Ability("Segmentation", "pictures", _masks, _drawn),
    "Tagger": Ability("Tags and classes", "scores", _tags, _numbers),
    "Remover": Ability("Removal", "pictures", _pictures, _drawn),
}
"""By the name of its class in `harness.api`, in the order of boards."""

if ABILITIES.keys() != METHODS.keys():
    raise AssertionError("an ability is missing here or in `harness.api.METHODS`")


def is_pictured(ability: str) -> bool:
    """Return whether the answers of an ability, by the name of its class, are pictures."""
    return ability in ABILITIES and ABILITIES[ability].kept == "pictures"
