"""What the harness knows about an image, and a data set as records with their problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import msgspec

from harness.data.findings import Finding
from harness.data.marker import NOT_STATED, Synthetic


class Picture(msgspec.Struct, array_like=True):
    """An image file and, where only a part of it is shown, that part's box."""

    path: str
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One image and everything known about it; None (or empty) means "not known".

    Parameters
    ----------
    name
        As the data set's lists write it; unique in the data set, and the name in candidate lists.
    path
        Of the file; inside the data set's root.
    tattoo
        Which tattoo: one design on one subject.
    subject
        Which person.
    group
        Which set of look-alike tattoos, over subjects.
    source
        Which capture the image came from: two images of one source show the same photograph.
    style, media
        Tattoo style; ``photo``, ``sketch``, ``scanned-print``, ``computer-graphic``, ``graffiti``.
    role
        ``probe``, ``reference``, ``background`` or ``train``.
    fold
        Name of the fold in which it is judged.
    box
        Of the tattoo in pixels: x1, y1, x2, y2, with x2 and y2 exclusive.
    size
        Width and height of the upright image in pixels.
    skin
        Skin tone around the tattoo, in the data set's own words.
    taken
        When the capture was made: ``2024-05-17``, ``2024-05`` or ``2024``, see
        `harness.data.dates`.
    site
        Where on the body the tattoo is, in the data set's own words.
    quality
        How good the image is for comparing, in [0, 1]; higher is better.
    marked
        Share of the image's pixels that its mask marks, in [0, 1]; known of probes of a run.
    label
        ``tattoo`` or ``non-tattoo``.
    tags
        Motifs.
    mask, clean
        Files of the tattoo's pixels and of the same capture without it.
    query, text_score
        Which text search the image is a result of, and its score there; higher is better.
    """

    name: str
    path: Path
    tattoo: str | None = None
    subject: str | None = None
    group: str | None = None
    source: str | None = None
    style: str | None = None
    media: str | None = None
    role: str | None = None
    fold: str | None = None
    box: tuple[int, int, int, int] | None = None
    label: str | None = None
    tags: tuple[str, ...] = ()
    mask: Path | None = None
    clean: Path | None = None
    query: str | None = None
    text_score: float | None = None
    size: tuple[int, int] | None = None
    skin: str | None = None
    taken: str | None = None
    site: str | None = None
    quality: float | None = None
    marked: float | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """One drawing of probes and references from a fold: a search experiment of its own."""

    probes: tuple[str, ...]
    gallery: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """One partition of the data: what is learned from and what is judged.

    Parameters
    ----------
    name
        Short; a folder is named after it.
    train, probes, gallery
        Names of records. `gallery` is empty where nothing is searched.
    mates
        Mated (probe, gallery) names.
    train_mates
        Mated pairs among the training images.
    train_probes, train_references
        Training images that are probes, or references, in the folds that judge them (some may be
        both, others neither); empty where nothing says so.
    nonmates
        The non-mated comparisons that count, where not all of them do.
    excluded
        (probe, gallery) names that are not compared: to this probe, that reference is not there.
    unmated
        Probes without a mate, which closed-set searches do not judge: they are counted.
    draws
        Where a fold is searched several times over, in samples of its images.
    numbered
        References that have numbers in the place of names, as there may be very many: then
        `gallery` is empty, and mates name them as `numbered_name` does.
    consolidated
        Names of references that have one template together, the one that stands for them in
        `gallery` first; empty where every reference has its own.
    """

    name: str
    train: tuple[str, ...]
    probes: tuple[str, ...]
    gallery: tuple[str, ...] = ()
    mates: frozenset[tuple[str, str]] = frozenset()
    train_mates: frozenset[tuple[str, str]] = frozenset()
    train_probes: frozenset[str] = frozenset()
    train_references: frozenset[str] = frozenset()
    nonmates: frozenset[tuple[str, str]] = frozenset()
    excluded: frozenset[tuple[str, str]] = frozenset()
    unmated: tuple[str, ...] = ()
    draws: tuple[Draw, ...] = ()
    numbered: int = 0
    consolidated: tuple[tuple[str, ...], ...] = ()

    @property
    def pictures_of_references(self) -> tuple[str, ...]:
        """Names of all pictures that templates of references are made of, each once."""
        return tuple(dict.fromkeys((*self.gallery, *chain.from_iterable(self.consolidated))))


NUMBERED = "reference-"
"""How names of references begin that have numbers alone."""


def numbered_name(number: int) -> str:
    """Return the name of a reference that has only a number, from 0.

    >>> numbered_name(17)
    'reference-17'
    """
    return f"{NUMBERED}{number}"


def number_of(name: str, numbered: int) -> int | None:
    """Return which of so many references a name is; None for another name.

    >>> number_of("reference-17", 20), number_of("reference-17", 17), number_of("a.png", 20)
    (17, None, None)
    """
    digits = name.removeprefix(NUMBERED)
    if digits == name or len(digits) > 18 or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if number < numbered and name == numbered_name(number) else None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as a reader found it, before anything is decoded.

    Parameters
    ----------
    name
        For people: the folder or file it came from.
    root
        Every path of a record is inside it.
    layout
        A name in `harness.data.readers.layouts.LAYOUTS`.
    records
        By name, in the order of the data set.
    folds
        Where the layout itself gives lists per fold; otherwise empty and the protocol
        lays them out.
    findings
        What is wrong (a run does not start while there is a problem) or odd.
    synthetic
        Whether its pictures are synthetic, as its marker states it.
    places
        By name of a record: the ``file:line`` that describes it, where there is one.
    """

    name: str
    root: Path
    layout: str
    records: Mapping[str, Record]
    folds: tuple[Fold, ...] = ()
    findings: tuple[Finding, ...] = ()
    synthetic: Synthetic = NOT_STATED
    places: Mapping[str, str] = field(default_factory=dict)

    def quoted(self, name: str) -> str:
        """Return the name of a record as messages quote it, with its line where that is known."""
        place = self.places.get(name)
        return f"{name!r} ({place})" if place else repr(name)

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences of the findings that stop a run."""
        return tuple(one.text for one in self.findings if one.severity == "problem")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences of the findings that do not."""
        return tuple(one.text for one in self.findings if one.severity == "warning")
