"""The line protocol: every message, limit and failure of it, stated once.

A question is a line of JSON on the program's standard input, an answer a line of JSON on its
standard output. Where a line has a number of ``bytes``, as many raw bytes follow it. The page about
the protocol, the client and the conformance kit read what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from harness.plugins.programs.remarks import MOST_BOXES, Box

VERSION = 1
"""Of the protocol, said in ``hello`` by both sides."""

LONGEST_LINE = 1 << 20
"""Bytes of a line, its end included, in both directions."""

LARGEST_TEMPLATE = 1 << 26
"""Bytes of a template."""

MOST_PARAMETERS = 100
"""Parameters that a program may have."""

LAST_LINES = 5
"""Lines of the program's standard error that stand in the message of an error."""

PARTING = 5.0
"""Seconds that a program has to end after ``goodbye``; it is ended then."""

Ability: TypeAlias = Literal["embed", "compare", "search", "detect", "tag", "segment", "remove"]
"""What a program can be asked for."""

Number: TypeAlias = Literal["uint8", "float32", "float64"]
"""What the bytes of a template are: opaque bytes, or a vector of little-endian numbers."""

Width = Annotated[int, Meta(ge=1, description="Pixels of a row.")]
Height = Annotated[int, Meta(ge=1, description="Rows.")]
Pixels = Annotated[
    int,
    Meta(ge=3, description="`3 * width * height`: red, green, blue of every pixel, row by row."),
]
Size = Annotated[int, Meta(ge=1, le=LARGEST_TEMPLATE, description="Of the template.")]
Type = Annotated[Number, Meta(description="What the bytes are; a vector for `embed`.")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
OK = Annotated[Literal[True], Meta(description="`true`.")]


class _Question(msgspec.Struct, tag_field="do", tag=str.lower):
    """What the harness asks."""


class _Answer(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a program answers."""


class Parameter(_Answer):
    """One parameter of a program, set with ``--param``."""

    name: Annotated[
        str, Meta(pattern="^[a-z][a-z0-9_]{0,40}$", description="Lower-case letters, digits, `_`.")
    ]
    type: Annotated[Literal["int", "float", "str", "bool"], Meta(description="Of its values.")]
    default: Annotated[Any, Meta(description="Value where none is set.")]
    meaning: Annotated[str, Meta(max_length=1000, description="One sentence, with units.")] = ""
    minimum: Annotated[float | None, Meta(description="Least value of a number.")] = None
    maximum: Annotated[float | None, Meta(description="Greatest value of a number.")] = None
    choices: Annotated[list[Any], Meta(max_length=100, description="The values allowed.")] = []


class Hello(_Question):
    """The first line: which version of this protocol is spoken."""

    protocol: Annotated[int, Meta(description="Version of this protocol.")] = VERSION


class Welcome(_Answer):
    """What the program is. It may take its time to load what it needs."""

    name: Annotated[Text, Meta(description="Of the program.")]
    version: Annotated[Text, Meta(description="Of the program: part of the identity of a run.")]
    protocol: Annotated[int, Meta(description="Version of this protocol that it speaks.")]
    abilities: Annotated[
        list[Ability], Meta(min_length=1, max_length=7, description="What it can be asked for.")
    ]
    parameters: Annotated[
        list[Parameter], Meta(max_length=MOST_PARAMETERS, description="What can be set.")
    ] = []
    survey: Annotated[
        bool, Meta(description="Whether it knows only once it is prepared which of them it has.")
    ] = False
    about: Annotated[str, Meta(max_length=4000, description="What it does, in a sentence.")] = ""
    citation: Annotated[str, Meta(max_length=1000, description="Where the method comes from.")] = ""


class Survey(_Question):
    """Which of its abilities it has with these parameters: asked where its `hello` says so."""


class Surveyed(_Answer):
    """Those of its `hello` that it has."""

    abilities: Annotated[list[Ability], Meta(max_length=7, description="Some of them, or all.")]


class Prepare(_Question):
    """Set every parameter; comes before the first picture, and again when values change."""

    parameters: Annotated[dict[str, Any], Meta(description="Value of every parameter.")]
    seed: Annotated[int, Meta(ge=0, description="Of everything random.")]


class Done(_Answer):
    """It is done."""

    ok: OK


class Template(_Question):
    """Make the template of a probe; the picture follows the line."""

    width: Width
    height: Height
    bytes: Pixels


class Enrol(_Question, omit_defaults=True):
    """Make the template of a reference; the picture, or all pictures, follow the line."""

    width: Width
    height: Height
    bytes: Pixels
    more: Annotated[
        list[tuple[int, int]],
        Meta(
            description="Width and height of further pictures of the same identity, whose bytes, "
            "counted in, come after those of the first."
        ),
    ] = []


class Made(_Answer):
    """A template; its bytes follow the line."""

    bytes: Size
    type: Type = "uint8"
    quality: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="Of the picture for this purpose, in [0, 1]; higher is better."),
    ] = None


class Reference(_Question):
    """Keep a template as reference of this number, in the place of an earlier one."""

    number: Annotated[int, Meta(ge=0, description="By which it is named from now on.")]
    bytes: Size
    type: Type = "uint8"


class Compare(_Question):
    """Compare the probe's template, which follows the line, with references."""

    references: Annotated[list[int], Meta(description="Their numbers.")]
    bytes: Size
    type: Type = "uint8"


class Scores(_Answer):
    """One finite number for each reference, or each tag, in their order; higher is more alike."""

    scores: Annotated[list[float], Meta(description="JSON has no NaN and no infinity.")]


class Finalise(_Question):
    """All references are there: make the gallery ready to be searched."""

    count: Annotated[int, Meta(ge=1, description="References: those numbered from 0 below it.")]


class Ready(_Answer):
    """The gallery can be searched."""

    ok: OK
    size: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Bytes that the gallery takes as the program keeps it."),
    ] = None


class Search(_Question):
    """Search the gallery for the probe's template, which follows the line."""

    length: Annotated[int, Meta(ge=1, description="Of the candidate list.")]
    bytes: Size
    type: Type = "uint8"


class Candidates(_Answer):
    """The list: best first, each reference once, scores never rising."""

    candidates: Annotated[
        list[tuple[int, float]], Meta(description="Number of a reference, and its score.")
    ]
    empty: Annotated[
        int, Meta(ge=0, description="Places that stay empty: with them there are `length`.")
    ] = 0


class Detect(_Question):
    """Does the picture that follows the line show a tattoo, and where?"""

    width: Width
    height: Height
    bytes: Pixels


class Detected(_Answer):
    """Higher is more surely a tattoo; from 0.5 on the answer is yes."""

    score: Annotated[float, Meta(description="A finite number.")]
    boxes: Annotated[
        list[Box],
        Meta(
            max_length=MOST_BOXES, description="`[x, y, width, height]` of each tattoo in pixels."
        ),
    ] = []


class Tag(_Question):
    """Which tags apply to the picture that follows the line?"""

    tags: Annotated[list[str], Meta(description="The tags, in the order of the scores.")]
    width: Width
    height: Height
    bytes: Pixels


class Segment(_Question):
    """Which pixels of the picture that follows the line show a tattoo?"""

    width: Width
    height: Height
    bytes: Pixels


class Drawn(_Answer):
    """A mask (a byte per pixel, from 128 on a tattoo) or a picture (as it came, retouched)."""

    bytes: Annotated[int, Meta(ge=1, description="Of the mask or the picture.")]


class Remove(_Question):
    """Return the picture that follows the line without its tattoo."""

    width: Width
    height: Height
    bytes: Pixels


class Goodbye(_Question):
    """There is no more; end with exit code 0. At the end of standard input it ends, too."""


Code: TypeAlias = Literal["refused", "unsupported", "parameter", "failed"]


class Failure(_Answer):
    """May stand in the place of any answer."""

    failure: Annotated[Code, Meta(description="One of the codes below.")]
    message: Annotated[str, Meta(max_length=2000, description="Why, for people.")] = ""


FAILURES: Mapping[str, str] = {
    "refused": "No answer for this picture or search. It is counted as a failure, never dropped.",
    "unsupported": "It cannot do what is asked. The run fails.",
    "parameter": "The value of a parameter cannot be used. The run fails.",
    "failed": "Anything else. The run fails.",
}
"""What becomes of each code."""


@dataclass(frozen=True)
class Message:
    """A question with its answer.

    Parameters
    ----------
    question, answer
        Their types.
    seconds
        That the answer may take.
    abilities
        Of programs that are asked it; none for what every program is asked.
    """

    question: type[_Question]
    answer: type[_Answer]
    seconds: float
    abilities: tuple[Ability, ...] = ()


MESSAGES: Mapping[str, Message] = {
    "hello": Message(Hello, Welcome, 60),
    "prepare": Message(Prepare, Done, 600),
    "survey": Message(Survey, Surveyed, 60),
    "template": Message(Template, Made, 300, ("embed", "compare", "search")),
    "enrol": Message(Enrol, Made, 300, ("search",)),
    "reference": Message(Reference, Done, 60, ("compare", "search")),
    "compare": Message(Compare, Scores, 300, ("compare",)),
    "finalise": Message(Finalise, Ready, 3600, ("search",)),
    "search": Message(Search, Candidates, 300, ("search",)),
    "detect": Message(Detect, Detected, 300, ("detect",)),
    "tag": Message(Tag, Scores, 300, ("tag",)),
    "segment": Message(Segment, Drawn, 300, ("segment",)),
    "remove": Message(Remove, Drawn, 300, ("remove",)),
    "goodbye": Message(Goodbye, Done, PARTING),
}
"""By the value of ``do``, in the order in which they are asked."""

FAULTS: Mapping[str, str] = {
    "absent": "cannot be started: {what}",
    "early exit": "ended {what} and did not answer {asked!r}",
    "silence": "did not answer {asked!r} in {what} s, and was ended",
    "garbage": "answered {asked!r} with what is no line of JSON: {what}",
    "wrong answer": "answered {asked!r} with what is no answer to it: {what}",
    "too long a line": "wrote {what} bytes without the end of a line in answer to {asked!r}; a "
    f"line has at most {LONGEST_LINE:,}",
    "too many bytes": "announced {what} in answer to {asked!r}",
    "unasked": "wrote before it was asked {asked!r}: {what}. Standard output is for answers alone; "
    "whatever else it says belongs on standard error",
    "another version": "speaks version {what} of the line protocol; this is version "
    f"{VERSION} (harness describe --line-protocol)",
    "bad hello": "names {what} in its hello",
    "unsupported": "says that it cannot do what it is asked, {asked!r}: {what}",
    "parameter": "cannot use a parameter: {what}",
    "failed": "failed at {asked!r}: {what}",
    "bad candidates": "answered {asked!r} with a list that is none: {what}",
    "no ability": "has none of its abilities with these parameters: {what}",
    "bad boxes": "answered {asked!r} with a box that is none: {what}",
}
"""What a program can do wrong, each with the sentence that says so."""
