"""A unit of work: what the harness asks of an algorithm at once, and with which images.

It names images and their files, and what is true of them, so it is never shown to a worker; see
`harness.execution.jobs` for what is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.data.drawing import Drawing
from harness.data.records import Picture
from harness.data.whole_files import write_whole

UNIT_FILE = "unit.json"
LOG_FILE = "worker.log"
MODEL = "model"
TEMPLATES = "templates"
SCORES = "scores"

REFERENCE = "reference"
"""Role of pictures that are enrolled to be searched for."""

DESCRIPTION = "description"
"""Role of words that stand in the place of pictures."""

RETOUCHING = "attack-"
"""How names of units begin that retouch probes for others."""


class Training(msgspec.Struct, omit_defaults=True):
    """Names of the training images and what the protocol says about them.

    Parameters
    ----------
    tags
        Of each image, as places in the vocabulary.
    vocabulary
        Of the tags, where it is not that of the unit.
    probes, references
        Whether each image is one where it is judged.
    drawn
        What draws captures as they are learned from; then `images` is empty.
    masks, clean
        None where an image shows no tattoo: its mask is empty, and it is clean as it is.
    """

    images: list[str]
    identities: list[int] | None = None
    mated: list[tuple[int, int]] | None = None
    probes: list[bool] | None = None
    references: list[bool] | None = None
    tattoo: list[bool] | None = None
    tags: list[list[int]] | None = None
    masks: list[Picture | None] | None = None
    clean: list[Picture | None] | None = None
    vocabulary: list[str] | None = None
    drawn: Drawing | None = None


class MatchRequest(msgspec.Struct, omit_defaults=True):
    """What the harness itself computes from vector templates, without keeping the scores.

    Parameters
    ----------
    pairs
        Mated comparisons: probe and reference, as places in the unit's lists.
    fmrs, eer
        Error rates wanted.
    candidates
        Length of the candidate lists.
    memory
        Bytes that may be used beside the templates.
    threads
        Of the product.
    device
        ``cpu``, or a torch device.
    """

    pairs: list[tuple[int, int]]
    fmrs: list[float]
    eer: bool
    candidates: int
    memory: int
    threads: int
    device: str = "cpu"


class Unit(msgspec.Struct, omit_defaults=True):
    """What is done in one folder, in this order: fit, extract, score.

    Parameters
    ----------
    name
        Of the unit; its folder lies in ``units/`` of the run folder.
    ability
        Which question: the name of an ability class.
    algorithm, file, attribute, module, command
        The plugin.
    parameters
        Of the algorithm.
    sees
        What the algorithm gets of an image: ``pixels``, or the bytes of its ``file``.
    pictures
        By record name: every image that the unit touches.
    training
        Present where the algorithm learns in this unit.
    model
        Folder, relative to the run folder, of what an earlier unit learned for this one, too.
    extract
        Names whose templates (of a matcher) this unit makes.
    templates
        Folders, relative to the run folder, with templates that earlier units made.
    probes, gallery
        Names to score: every probe against every reference; detectors have no gallery.
    compared
        For each probe, places in the gallery of the references it is compared with; empty where it
        is compared with all of them.
    truth
        Given to controls alone: true elements of the answer, as flat indices.
    vocabulary
        The tags asked for.
    masks
        Given to controls alone, where the question is a mask: each probe's, None if it is empty.
    order
        What decides, with the names themselves, in which order an algorithm is given pictures; what
        the unit stores is in the order of its lists all the same.
    score
        Whether the unit scores, or only makes templates.
    cosine
        Whether the algorithm leaves comparing to the harness.
    matching
        Present where scores are not kept, but what follows from them.
    role
        ``reference`` where the templates that a searcher makes are those of references.
    enrolled
        Folders, relative to the run folder, with templates of references for a searcher.
    together
        By a name in `extract`: further pictures that its template is made of. Where it is there at
        all, every template is asked for as one of several pictures, be it of one alone.
    """

    name: str
    ability: str
    algorithm: str
    file: str
    attribute: str
    module: str
    parameters: dict[str, Any]
    pictures: dict[str, Picture]
    sees: str = "pixels"
    training: Training | None = None
    model: str = ""
    extract: list[str] = []
    templates: list[str] = []
    probes: list[str] = []
    gallery: list[str] = []
    compared: list[list[int]] = []
    truth: list[int] = []
    vocabulary: list[str] = []
    masks: list[Picture | None] = []
    order: str = ""
    score: bool = True
    cosine: bool = False
    matching: MatchRequest | None = None
    command: str = ""
    role: str = ""
    enrolled: list[str] = []
    together: dict[str, list[str]] = {}


def write_unit(folder: Path, unit: Unit) -> None:
    """Keep a unit in its folder, once no algorithm is at work any more."""
    write_whole(folder / UNIT_FILE, msgspec.json.format(msgspec.json.encode(unit), indent=1))
