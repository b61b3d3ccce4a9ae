"""The class of an algorithm that is a program: made from what the program says of itself."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.api import (
    Algorithm,
    Candidates,
    Detector,
    FailureToEnroll,
    Image,
    Mask,
    Matcher,
    Remover,
    Scores,
    Searcher,
    Segmenter,
    Tagger,
    Template,
)
from harness.plugins.programs import messages
from harness.plugins.programs.client import Program, Refused
from harness.plugins.programs.messages import LARGEST_TEMPLATE, Ability
from harness.plugins.programs.remarks import ATTRIBUTE, Remark, is_inside
from harness.plugins.values import convert

TYPES: Mapping[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
"""Of parameters, by the name that a program gives them."""


def program_class(
    words: Sequence[str], *, name: str = "", seconds: dict[str, float] | None = None
) -> type[Algorithm]:
    """Start a program and return the class of the algorithm that it is.

    Its instances share the program, which is told its parameters anew where they differ.

    Parameters
    ----------
    words, name, seconds
        As for `Program`.

    Raises
    ------
    ProgramFault
        If it does not keep to the protocol.
    """
    program = Program(words, name=name, seconds=seconds)
    return _class_of(program, program.hello().abilities)


def _class_of(program: Program, abilities: Sequence[Ability]) -> type[Algorithm]:
    """Return the class of a program that has these abilities."""
    said = program.hello()
    asked = dict.fromkeys(abilities)
    bases = [kind for ability, (kind, _) in OF_PROGRAMS.items() if ability in asked]
    methods = {name: m for ability in asked for name, m in OF_PROGRAMS[ability][1].items()}
    kinds = tuple(dict.fromkeys(bases))
    namespace: dict[str, Any] = {
        **methods,
        "__doc__": said.about or f"The program {said.name}.",
        "__post_init__": _begin,
        "__module__": __name__,
        "load": _load,
        "citation": said.citation,
        "version": f"{said.name} {said.version}",
        "program": program,
        "surveyed": classmethod(_surveyed),
        "end_program": classmethod(_end_program),
    }
    declared = [_parameter(one, program, kinds) for one in said.parameters]
    title = "".join(part.capitalize() for part in said.name.replace("-", " ").split())
    called = title if title.isidentifier() and not keyword.iskeyword(title) else "ProgramOfOthers"
    return make_dataclass(
        called,
        declared,
        bases=kinds,
        namespace={**namespace, "__annotations__": dict(_NO_PARAMETERS)},
        kw_only=True,
    )


_NO_PARAMETERS = {
    "citation": ClassVar[str],
    "version": ClassVar[str],
    "program": ClassVar[Program],
}


def _parameter(
    said: messages.Parameter, program: Program, kinds: Sequence[type[Algorithm]]
) -> tuple[str, type, Any]:
    """Return a field for a parameter that a program declares."""
    taken = {name for kind in kinds for name in (*dir(kind), *(f.name for f in fields(kind)))}
    if keyword.iskeyword(said.name) or said.name in taken | set(_NO_PARAMETERS):
        program.fault("bad hello", "hello", f"a parameter {said.name!r}, a word that is taken")
    kind = TYPES[said.type]
    try:
        default = convert(said.default, kind)
        if type(said.default) is str and kind is not str:
            raise ValueError("a text")
    except ValueError as reason:
        what = f"a parameter {said.name!r} whose default is no {said.type} ({reason})"
        program.fault("bad hello", "hello", what)
    facts = {
        "meaning": said.meaning,
        "minimum": said.minimum,
        "maximum": said.maximum,
        "choices": tuple(said.choices),
        "required": False,
    }
    return said.name, kind, field(default=default, metadata=facts)


def _begin(self: Any) -> None:
    self._held = _Held()
    self._tags = []


class _Held:
    """Templates that a program keeps as references, by number."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.templates: list[Any] = []


def _surveyed(cls: Any, values: Mapping[str, Any]) -> type[Algorithm]:
    """Return the class of what the program has with these parameters: often this very one.

    Raises
    ------
    ProgramFault
        If that is nothing.
    """
    program: Program = cls.program
    known = program.hello().abilities
    whole: type[Algorithm] = cls
    if not program.hello().survey:
        return whole
    said = _certain(_ready(cls(**values)), messages.Survey(), messages.Surveyed)
    if odd := [one for one in said.abilities if one not in known]:
        program.fault("wrong answer", "survey", f"{odd[0]!r}, which its hello does not name")
    if not said.abilities:
        program.fault("no ability", "survey", f"it named {', '.join(known)}")
    return whole if {*said.abilities} == {*known} else _class_of(program, said.abilities)


def _end_program(cls: Any) -> str:
    """End the program; return what was odd about its end."""
    odd: str = cls.program.close()
    return odd


def _load(self: Any, folder: Path) -> None:
    """Restore what was learned; the program starts anew, so that it remembers nothing."""
    Algorithm.load(self, folder)
    self.program.close()
    self._held = _Held()


def _ready(self: Any) -> Program:
    """Have the program know the parameters, and start the list of what it keeps where need be."""
    program: Program = self.program
    program.hello()
    values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _OURS}
    known = (self.seed, values)
    if program.prepared != known:
        _certain(program, messages.Prepare(values, self.seed), messages.Done)
        program.prepared = known
    if program.holder is not self._held:
        self._held = program.holder = _Held()
    return program


def _certain(program: Program, question: Any, answer: type[Any]) -> Any:
    """Ask what is about no picture, so that there is nothing to refuse."""
    try:
        return program.ask(question, answer=answer)[0]
    except Refused as reason:
        asked = str(question.__struct_config__.tag)
        program.fault("failed", asked, str(reason) or "it does not say why")


def _ask(
    self: Any,
    question: Any,
    payload: Any,
    answer: type[Any],
    expected: Callable[[int], str] | None = None,
) -> tuple[Any, bytearray]:
    """Ask, once the program knows the parameters; what it refuses is a failure to enrol."""
    try:
        return _ready(self).ask(question, payload, answer=answer, expected=expected)
    except Refused as reason:
        raise FailureToEnroll(str(reason)) from None


_OURS = ("seed", "candidates")
"""Fields that every algorithm of a kind has, and a program is told otherwise."""


def _remark(self: Any, remark: Remark) -> None:
    """Leave what is said beside the answer that follows."""
    setattr(self, ATTRIBUTE, remark)


def _size_of(image: Image) -> dict[str, int]:
    height, width = image.shape[:2]
    return {"width": width, "height": height, "bytes": image.size}


def _pixels(image: Image) -> Any:
    return np.ascontiguousarray(image).reshape(-1)


def _template(
    self: Any, image: Image, question: type[Any], others: Sequence[Image] = ()
) -> Template:
    def expected(count: int) -> str:
        most = LARGEST_TEMPLATE
        return f"a template of {count:,} bytes, and {most:,} are taken" if count > most else ""

    facts: dict[str, Any] = _size_of(image)
    pixels = _pixels(image)
    if others:
        facts["more"] = [(one.shape[1], one.shape[0]) for one in others]
        pixels = np.concatenate([pixels, *map(_pixels, others)])
        facts["bytes"] = pixels.size
    made, data = _ask(self, question(**facts), pixels, messages.Made, expected)
    dtype = np.dtype(made.type).newbyteorder("<")
    if made.bytes % dtype.itemsize:
        asked = "template" if question is messages.Template else "enrol"
        what = f"{made.bytes:,} bytes, which are no whole number of {made.type}"
        self.program.fault("too many bytes", asked, what)
    if made.quality is not None:
        _remark(self, Remark(quality=made.quality))
    return np.frombuffer(bytes(data), dtype)


def _extract(self: Any, image: Image) -> Template:
    """Make the template of a probe."""
    return _template(self, image, messages.Template)


def _enrol(self: Any, image: Image) -> Template:
    """Make the template of a reference."""
    return _template(self, image, messages.Enrol)


def _enrol_together(self: Any, images: Sequence[Image]) -> Template:
    """Make the template of all references of an identity."""
    first, *others = images
    return _template(self, first, messages.Enrol, others)


def _sent(template: Any) -> tuple[dict[str, Any], bytes]:
    array = np.ascontiguousarray(template)
    data = array.tobytes()
    return {"bytes": len(data), "type": array.dtype.name}, data


def _give(self: Any, number: int, template: Any) -> None:
    """Have the program keep a template as the reference of a number."""
    facts, data = _sent(template)
    _ask(self, messages.Reference(number=number, **facts), data, messages.Done)


def _number_of(self: Any, template: Any) -> int:
    """Return the number by which the program keeps a template, which it is given if need be."""
    _ready(self)
    held = self._held
    number: int | None = held.numbers.get(id(template))
    if number is None:
        number = len(held.templates)
        _give(self, number, template)
        held.templates.append(template)  # kept, so that no other template has its id
        held.numbers[id(template)] = number
    return number


def _compare(self: Any, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
    """Score every probe against every reference."""
    scores = np.empty((len(probes), len(references)))
    for row, probe in enumerate(probes):
        numbers = [_number_of(self, one) for one in references]
        facts, data = _sent(probe)
        said, _ = _ask(self, messages.Compare(references=numbers, **facts), data, messages.Scores)
        scores[row] = _one_each(self, "compare", said.scores, len(references), "references")
    return scores


def _finalise(self: Any, references: Sequence[Template]) -> None:
    """Give the program the gallery, in the place of all that it kept."""
    _ready(self)
    self._held = self.program.holder = _Held()
    for number, template in enumerate(references):
        _give(self, number, template)
    self._gallery = list(references)
    said, _ = _ask(self, messages.Finalise(count=len(self._gallery)), b"", messages.Ready)
    self._searched = self._held
    if said.size is not None:
        _remark(self, Remark(size=said.size))


def _search(self: Any, probe: Template, length: int) -> Candidates:
    """Search the gallery; a program that was started anew is given it again."""
    _ready(self)
    if self._held is not self._searched:
        _finalise(self, self._gallery)
    facts, data = _sent(probe)
    said, _ = _ask(self, messages.Search(length=length, **facts), data, messages.Candidates)
    scores = np.array([score for _, score in said.candidates], dtype=np.float64)
    try:
        places = np.array([place for place, _ in said.candidates], dtype=np.int64)
    except OverflowError:
        self.program.fault("bad candidates", "search", "the number of a reference has over 64 bits")
    return Candidates(places, scores, said.empty)


def _one_each(self: Any, asked: str, scores: list[float], count: int, what: str) -> Any:
    if len(scores) != count:
        self.program.fault("wrong answer", asked, f"{len(scores)} scores for {count} {what}")
    return np.array(scores, dtype=np.float64)


def _detect(self: Any, image: Image) -> float:
    """Score one image."""
    said, _ = _ask(self, messages.Detect(**_size_of(image)), _pixels(image), messages.Detected)
    height, width = image.shape[:2]
    for box in said.boxes:
        if not is_inside(box, width, height):
            what = f"{list(box)} in a picture of {width} x {height} pixels"
            self.program.fault("bad boxes", "detect", what)
    if said.boxes:
        _remark(self, Remark(boxes=said.boxes))
    score: float = said.score
    return score


def _name_tags(self: Any, tags: Sequence[str]) -> None:
    """Keep the tags that are asked for: every question names them."""
    self._tags = list(tags)


def _tag(self: Any, image: Image) -> Scores:
    """Score every tag for one image."""
    tags = self._tags
    question = messages.Tag(tags=tags, **_size_of(image))
    said, _ = _ask(self, question, _pixels(image), messages.Scores)
    found: npt.NDArray[np.float64] = _one_each(self, "tag", said.scores, len(tags), "tags")
    return found


def _drawn(self: Any, question: Any, image: Image, shape: tuple[int, ...]) -> Any:
    size = int(np.prod(shape))

    def expected(count: int) -> str:
        return "" if count == size else f"{count:,} bytes where {size:,} are expected"

    _, data = _ask(self, question, _pixels(image), messages.Drawn, expected)
    return np.frombuffer(bytes(data), np.uint8).reshape(shape)


def _segment(self: Any, image: Image) -> Mask:
    """Give every pixel its share of tattoo: of 256 levels."""
    levels = _drawn(self, messages.Segment(**_size_of(image)), image, image.shape[:2])
    found: npt.NDArray[np.float64] = levels / 255.0
    return found


def _remove(self: Any, image: Image) -> Image:
    """Return one image without its tattoo."""
    found: Image = _drawn(self, messages.Remove(**_size_of(image)), image, image.shape)
    return found


OF_PROGRAMS: Mapping[Ability, tuple[type[Algorithm], Mapping[str, Any]]] = {
    "compare": (Matcher, {"extract": _extract, "compare": _compare}),
    "embed": (Matcher, {"extract": _extract}),
    "search": (
        Searcher,
        {
            "extract": _extract,
            "enrol": _enrol,
            "enrol_together": _enrol_together,
            "finalise": _finalise,
            "search": _search,
        },
    ),
    "detect": (Detector, {"detect": _detect}),
    "tag": (Tagger, {"name_tags": _name_tags, "tag": _tag}),
    "segment": (Segmenter, {"segment": _segment}),
    "remove": (Remover, {"remove": _remove}),
}
"""By what a program says it can do: the kind of algorithm that it is, and its methods."""
