"""Logs of the templates of a run, one line for each, as NIST's test drivers write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import BadFile
from harness.execution.conversation import size_of
from harness.execution.costs import Levels
from harness.execution.order import shuffled
from harness.execution.storage import STEP_FILE, load_templates
from harness.execution.unit import TEMPLATES, UNIT_FILE, Unit
from harness.record.files import read_json
from harness.record.remarks import read_remarks
from harness.scorefiles.export import code_of

__all__ = ["COLUMNS", "template_logs"]

COLUMNS = ("id", "image", "templateSizeBytes", "returnCode", "seconds", "quality")
"""Header of a log; the last two columns are ours: the first of them is empty where nobody measured,
and the other is only there where the quality of any template is known."""

_LARGEST = 1 << 30
_FILES = {"reference": "enrolment.log", "": "templates.log"}


class _Step(msgspec.Struct):
    costs: dict[str, Levels] = {}


def template_logs(folder: Path, out: Path, algorithm: str) -> list[Path]:
    """Write what became of every picture that a template was asked for, in the order of asking.

    Parameters
    ----------
    folder
        Of a run, with its units of work.
    out
        An existing folder. ``enrolment.log`` is of references where these have templates of their
        own, ``templates.log`` of all others.
    algorithm
        Whose templates, as the run names it.

    Returns
    -------
    list of Path
        The files written: none where the run has no templates, or its units are not there.
    """
    lines: dict[str, list[str]] = {}
    for file in sorted(folder.glob(f"units/*/{UNIT_FILE}")):
        called = file.parent.relative_to(folder).as_posix()
        if not (file.parent / TEMPLATES / STEP_FILE).is_file():
            continue
        unit = read_json(folder, f"{called}/{UNIT_FILE}", Unit, _LARGEST)
        if unit.algorithm != algorithm:
            continue
        name = _FILES.get(unit.role, _FILES[""])
        found = lines.setdefault(name, [" ".join(COLUMNS[:-1])])
        for line in _of_unit(folder, called, unit, len(found)):
            if line.quality:
                found[0] = " ".join(COLUMNS)
            found.append(" ".join(line).rstrip())
    written = []
    for name, texts in sorted(lines.items()):
        write_whole(out / name, "".join(f"{text}\n" for text in texts))
        written.append(out / name)
    return written


class _Line(NamedTuple):
    id: str
    image: str
    size: str
    code: str
    seconds: str
    quality: str


def _of_unit(folder: Path, called: str, unit: Unit, first: int) -> Iterator[_Line]:
    place = f"{called}/{TEMPLATES}"
    step = read_json(folder, f"{place}/{STEP_FILE}", _Step, _LARGEST, partly=True)
    made: dict[str, Any]
    try:
        made, failures = load_templates([folder / place])
    except (OSError, ValueError, KeyError, msgspec.DecodeError) as reason:
        raise BadFile(folder / place, f"holds no templates: {reason}") from None
    order = [unit.extract[i] for i in shuffled(unit.extract, unit.order, "pictures")]
    taken = step.costs.get("enrol" if unit.role else "extract", Levels(0, [])).each
    quality = read_remarks(folder, place, set(made), boxes=False).quality
    times = [f"{one:.6g}" for one in taken] if len(taken) == len(order) else [""] * len(order)
    for number, (name, seconds) in enumerate(zip(order, times, strict=True), start=first):
        code = code_of(failures[name]) if name in failures else 0
        size = size_of(made[name]) if name in made else 0
        said = repr(quality[name]) if name in quality else ""
        yield _Line(str(number), name, str(size), str(code), seconds, said)
