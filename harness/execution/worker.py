"""The process in which an algorithm runs: `python -m harness.execution.worker`.

It describes a plugin, exports its model, does one step of a unit of work, or compares templates
without any plugin. What an algorithm prints goes to the log; its results go through a line of
their own (`harness.execution.line`), since nothing that it can reach is to be believed.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import msgspec

from harness.errors import HarnessError, UsageError
from harness.execution.answers import BadAnswer
from harness.execution.environment import environment_of_process
from harness.execution.jobs import Said
from harness.execution.line import Line
from harness.execution.loaded import Watch
from harness.execution.packing import bounded
from harness.execution.wire import Ended, Wire
from harness.plugins.description import describe
from harness.plugins.registry import Plugin, explain, home_of, load
from harness.plugins.values import convert

_OUT_OF_MEMORY = (
    *("can't allocate memory", "cannot allocate memory", "unable to allocate"),
    *("insufficient memory", "bad_alloc"),
)
"""What torch, the system, OpenCV and C++ call it."""


class Question(msgspec.Struct):
    """What to describe: a plugin, and the parameters asked for."""

    name: str
    file: str
    attribute: str = ""
    module: str = ""
    preset: str = ""
    assignments: dict[str, str] = {}
    seed: int | None = None


class ExaminationRequest(msgspec.Struct):
    """Which plugin the kit is to check from inside, with which parameters, and a folder for it."""

    name: str
    file: str
    attribute: str
    module: str
    parameters: dict[str, Any]
    folder: str


class ExportRequest(msgspec.Struct):
    """Which model to write as an ONNX file: the plugin, its parameters and what it saved."""

    name: str
    file: str
    attribute: str
    module: str
    parameters: dict[str, Any]
    model: str
    out: str


def main(arguments: list[str]) -> int:
    """Answer the question on standard input, or do what is asked on the line with this number."""
    if arguments[:1] == ["step"]:
        if sys.platform != "linux":  # where a fence stands, it sees to that
            threading.Thread(target=_end_with_parent, daemon=True).start()
        return _step(int(arguments[1]))
    voice = _take_stdout()
    if arguments == ["describe"]:
        return _describe(sys.stdin.buffer.readline(), voice)
    if arguments == ["export"]:
        return _export(sys.stdin.buffer.readline(), voice)
    if arguments == ["examine"]:
        return _examine(sys.stdin.buffer.readline(), voice)
    from harness.execution import unaided

    request = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return unaided.main(request, voice)


def _take_stdout() -> TextIO:
    """Keep the real standard output for the harness and point the algorithm's at the log."""
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return voice


def _end_with_parent() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(130)


def _describe(line: bytes, voice: TextIO) -> int:
    question = msgspec.json.decode(line, type=Question)
    plugin = Plugin(question.name, Path(question.file), question.attribute, question.module)
    watch = Watch(home_of(plugin))
    try:
        found = describe(
            load(plugin),
            preset=question.preset,
            assignments=question.assignments,
            seed=question.seed,
        )
    except HarnessError as reason:
        answer: dict[str, Any] = {"error": bounded(reason), "exit_code": reason.exit_code}
        answer["memory"] = _wants_memory(reason.__cause__)
    except BaseException as reason:
        _print_trace(reason)
        answer = {"error": _explained(reason, plugin, "import"), "exit_code": 3}
    else:
        answer = {
            "description": found,
            "environment": environment_of_process(),
            "loaded": watch.files(),
        }
    voice.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def _examine(line: bytes, voice: TextIO) -> int:
    """Say what each check found, a line for each, and in the last that there are no more."""
    from harness.conformance import examine

    request = msgspec.json.decode(line, type=ExaminationRequest)
    plugin = Plugin(request.name, Path(request.file), request.attribute, request.module)

    def say(**facts: Any) -> None:
        voice.write(msgspec.json.encode(facts).decode() + "\n")

    try:
        kind = load(plugin)
        given = _parameters(kind, request.parameters)
        for found in examine(kind, given, folder=Path(request.folder)):
            say(name=found.name, passed=found.passed, message=bounded(found.message))
    except HarnessError as reason:
        say(error=bounded(reason), exit_code=reason.exit_code)
    except BaseException as reason:
        _print_trace(reason)
        say(error=_explained(reason, plugin, "a check"), exit_code=3)
    else:
        say(end=True)
    return 0


def _export(line: bytes, voice: TextIO) -> int:
    request = msgspec.json.decode(line, type=ExportRequest)
    plugin = Plugin(request.name, Path(request.file), request.attribute, request.module)
    out = Path(request.out)
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    answer: dict[str, Any] = {}
    try:
        kind = load(plugin)
        write = getattr(kind, "export_onnx", None)
        if write is None:
            raise UsageError(
                f"{plugin.name} cannot be exported: it has no method `export_onnx(file)`; see "
                "docs/onnx.md"
            )
        algorithm = kind(**_parameters(kind, request.parameters))
        algorithm.load(Path(request.model))
        write(algorithm, part)
        part.replace(out)
    except HarnessError as reason:
        answer = {"error": bounded(reason), "exit_code": reason.exit_code}
    except BaseException as reason:
        _print_trace(reason)
        answer = {"error": _explained(reason, plugin, "export"), "exit_code": 3}
    finally:
        part.unlink(missing_ok=True)
    voice.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def _step(number: int) -> int:
    """Do one step: be given a job, then do what is asked until there is no more."""
    from harness.execution.steps import Asked

    # Kept from what an algorithm may start: such a program must not hold the line open.
    os.set_inheritable(number, False)
    wire = Wire(socket.socket(fileno=number))
    try:
        job = Line(wire).job()
    except Ended:
        return 1
    line = Line(wire, Path(job.scratch))
    plugin = Plugin(job.algorithm, Path(job.file), job.attribute, job.module)
    own = [job.scratch] + ([job.lesson.checkpoints] if job.lesson else [])
    watch = Watch(home_of(plugin), [place for place in own if place])
    asked: Asked | None = None
    step = "import"
    try:
        kind = load(plugin)
        step = "construct"
        line.say(Said("at", step=step))
        asked = Asked(partial(kind, **_parameters(kind, job.parameters)), job, line)
        if job.lesson is not None:
            line.say(Said("at", step="fit"))
            asked.learn(job.lesson)
        line.say(Said("done"))
        while True:
            ask, arrays = line.next()
            if ask.what == "end":
                found = environment_of_process()
                line.say(Said("done", environment=found, loaded=watch.files()))
                return 0
            asked.do(ask, arrays)
    except Ended:
        return 1
    except (BadAnswer, HarnessError) as reason:
        trouble = Said("trouble", message=bounded(reason), memory=_wants_memory(reason.__cause__))
    except BaseException as reason:  # whatever an algorithm raises, its reason is not lost
        _print_trace(reason)
        message = _explained(reason, plugin, step if asked is None else asked.step)
        trouble = Said("trouble", message=message, memory=_wants_memory(reason))
    with suppress(Ended):
        line.say(trouble)
    return 1


def _explained(reason: BaseException, plugin: Plugin, step: str) -> str:
    """Say what an algorithm raised, and in which of its methods."""
    what = "cannot be imported" if step == "import" else f"{step} failed"
    if isinstance(reason, SystemExit):
        what = f"{step} ended its process"
    return bounded(explain(reason, plugin.file, what, home_of(plugin)))


def _print_trace(reason: BaseException) -> None:
    """Print what was raised to the log; what cannot be printed is left out."""
    with suppress(Exception):
        for part in traceback.format_exception(reason, limit=100):
            sys.stderr.write(bounded(part))
        sys.stderr.flush()


def _wants_memory(reason: BaseException | None) -> bool:
    """Return whether an error means that there is not enough memory, in a library's words."""
    if reason is None or isinstance(reason, MemoryError):
        return reason is not None
    text = bounded(reason).lower()
    return any(words in text for words in _OUT_OF_MEMORY)


def _parameters(algorithm: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Turn values from JSON back into the types of the dataclass (lists into tuples, say)."""
    from typing import get_type_hints

    hints = get_type_hints(algorithm)
    return {name: convert(value, hints[name]) for name, value in values.items()}


if __name__ == "__main__":
    code = main(sys.argv[1:])
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Frameworks may hang or crash in their own exit handlers; the work is with the harness.
    os._exit(code)
