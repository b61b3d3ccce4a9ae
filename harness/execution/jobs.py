"""Messages to a worker and its answers: none holds a name, a path or a role of an image.

A worker does one step. It is given a `Job` first, then `Asks` one after the other, and says
something `Said` to each. While it learns it asks for pictures itself, by their number.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from harness.api import Capture
from harness.execution.environment import Environment
from harness.execution.packing import Packed
from harness.plugins.programs.remarks import Remark


class Lesson(msgspec.Struct, omit_defaults=True):
    """What a training set says, image by image, in the order in which they are numbered.

    Parameters
    ----------
    count
        Images.
    tags
        Of each image, as places in `vocabulary`.
    masks, clean
        Whether there are any to be asked for.
    checkpoints
        Folder of this fit's own that outlives its process.
    drawn
        How many identities and captures of each, where they are drawn: numbered identity by
        identity, and without end.
    """

    count: int
    identities: list[int] | None = None
    mated: list[tuple[int, int]] | None = None
    probes: list[bool] | None = None
    references: list[bool] | None = None
    tattoo: list[bool] | None = None
    tags: list[list[int]] | None = None
    vocabulary: list[str] | None = None
    masks: bool = False
    clean: bool = False
    checkpoints: str = ""
    drawn: tuple[int, int] | None = None


class Job(msgspec.Struct, omit_defaults=True):
    """Which algorithm does what.

    Parameters
    ----------
    algorithm, file, attribute, module, command, parameters
        The plugin.
    ability
        Name of the ability class that is asked.
    scratch
        Folder in which the worker may write.
    lesson
        Present where it learns.
    vocabulary
        Of a tagger: the tags asked for.
    """

    algorithm: str
    file: str
    attribute: str
    module: str
    parameters: dict[str, Any]
    ability: str
    scratch: str
    lesson: Lesson | None = None
    command: str = ""
    vocabulary: list[str] = []


class Ask(msgspec.Struct, omit_defaults=True):
    """One thing that is asked of a worker; pictures, templates or truth come as arrays beside it.

    Parameters
    ----------
    what
        ``load`` a model from a folder, ``save`` what was learned into one, ``batch`` of pictures,
        ``references`` to be compared with, or searched, from now on, ``compare`` a probe with them,
        ``search`` them for a probe, ``answer`` as a control, or ``end``.
    role
        ``reference`` where pictures are enrolled to be searched for, ``description`` where words
        stand in their place, as bytes of UTF-8; otherwise empty.
    counts
        Of pictures that each template of a reference is made of, where it is of several.
    length
        Of a candidate list.
    folder
        Of the model.
    templates
        Names of the arrays of each template, empty for a template that is one array.
    listed
        Places of the references that the probe is compared with, where not with all of them.
    block
        References at a time.
    generator
        What a control's random numbers follow from.
    """

    what: Literal["load", "save", "batch", "references", "compare", "search", "answer", "end"]
    role: str = ""
    counts: list[int] = []
    length: int = 0
    folder: str = ""
    templates: list[list[str]] = []
    listed: list[int] | None = None
    block: int = 0
    generator: list[int] = []


class Said(msgspec.Struct, omit_defaults=True):
    """What a worker says.

    Parameters
    ----------
    what
        ``done`` with what was asked; ``answers`` follow, `count` of them (None where a batch method
        returned None); an ``answer``; ``want`` a picture; ``progress`` of a fit; what step it is
        ``at``; ``trouble``.
    together
        Whether one call of a batch method made the answers.
    picture
        Which kind is wanted: ``image``, ``mask`` or ``clean``, of the image `index`; or ``drawn``
        pictures, all that are `wanted`, and afterwards those `coming`.
    done, total, note
        Of a fit.
    step
        What it is at: ``construct`` once its file has been imported, ``fit`` once that begins.
    remark
        What the algorithm says beside an answer, or of references that are ready.
    message, memory
        Of what went wrong, and whether that was want of memory.
    environment, loaded
        At the end: in what the work was done, and the files of the plugin's own that it loaded.
    """

    what: Literal["done", "answers", "answer", "want", "progress", "at", "trouble"]
    count: int | None = None
    together: bool = False
    packed: Packed | None = None
    picture: Literal["image", "mask", "clean", "drawn"] = "image"
    index: int = 0
    wanted: list[Capture] = []
    coming: list[Capture] = []
    done: int = 0
    total: int = 0
    note: str = ""
    step: str = ""
    remark: Remark | None = None
    message: str = ""
    memory: bool = False
    environment: Environment | None = None
    loaded: dict[str, str] = {}
