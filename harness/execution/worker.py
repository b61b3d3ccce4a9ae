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
from typing import Any, NoReturn, TextIO

import msgspec

from harness.api import Algorithm
from harness.errors import HarnessError, UsageError
from harness.execution.answers import BadAnswer
from harness.execution.environment import environment_of_process
from harness.execution.jobs import Said
from harness.execution.line import Line
from harness.execution.loaded import Watch
from harness.execution.packing import bounded
from harness.execution.wire import Ended, Wire
from harness.plugins.description import described
from harness.plugins.registry import (
    Plugin,
    end_program,
    explain,
    home_of,
    load,
    plugin_at,
)
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
    command: str = ""
    preset: str = ""
    assignments: dict[str, str] = {}
    seed: int | None = None


class ExportRequest(msgspec.Struct):
    """Which model to write as an ONNX file: the plugin, its parameters and what it saved."""

    name: str
    file: str
    attribute: str
    module: str
    parameters: dict[str, Any]
    model: str
    out: str
    command: str = ""


def main(arguments: list[str]) -> int:
    """Answer the question on standard input, or do what is asked on the line with this number."""
    if arguments[:1] == ["step"]:
        if sys.platform != "linux":  # where a fence stands, it sees to that
            threading.Thread(target=_end_with_parent, daemon=True).start()
        return _step(int(arguments[1]))
    harness_out = take_standard_output()
    if arguments == ["describe"]:
        return _describe(sys.stdin.buffer.readline(), harness_out)
    if arguments == ["export"]:
        return _export(sys.stdin.buffer.readline(), harness_out)
    from harness.execution import unaided

    request = sys.stdin.buffer.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return unaided.main(request, harness_out)


def take_standard_output() -> TextIO:
    """Keep the real standard output for the harness and point the algorithm's at the log."""
    harness_out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return harness_out


def _end_with_parent() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(130)


def _describe(line: bytes, harness_out: TextIO) -> int:
    question = msgspec.json.decode(line, type=Question)
    plugin = plugin_at(question.name, question)
    watch = None if plugin.command else Watch(home_of(plugin))
    try:
        found = described(
            load(plugin),
            preset=question.preset,
            assignments=question.assignments,
            seed=question.seed,
        )
    except HarnessError as reason:
        answer: dict[str, Any] = {"error": bounded(reason), "exit_code": reason.exit_code}
        answer["memory"] = _wants_memory(reason.__cause__)
    except BaseException as reason:
        print_trace(reason)
        answer = {"error": explained(reason, plugin, "import"), "exit_code": 3}
    else:
        answer = {
            "description": found,
            "environment": environment_of_process(),
            "loaded": {} if watch is None else watch.files(),
        }
    harness_out.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def _export(line: bytes, harness_out: TextIO) -> int:
    request = msgspec.json.decode(line, type=ExportRequest)
    plugin = plugin_at(request.name, request)
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
        algorithm = kind(**parameters_of(kind, request.parameters))
        algorithm.load(Path(request.model))
        write(algorithm, part)
        part.replace(out)
    except HarnessError as reason:
        answer = {"error": bounded(reason), "exit_code": reason.exit_code}
    except BaseException as reason:
        print_trace(reason)
        answer = {"error": explained(reason, plugin, "export"), "exit_code": 3}
    finally:
        part.unlink(missing_ok=True)
    harness_out.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def _step(number: int) -> int:
    """Do one step, over the line with this number."""
    # Kept from what an algorithm may start: such a program must not hold the line open.
    os.set_inheritable(number, False)
    return serve(Wire(socket.socket(fileno=number)))


def serve(wire: Wire, *, inside: bool = False) -> int:
    """Do one step: be given a job, then do what is asked until there is no more.

    Parameters
    ----------
    wire
        To the harness.
    inside
        Whether this process is the harness itself. Then it is not noted which files are opened,
        since that could never be ended, and what was imported is the harness's to say.

    Returns
    -------
    int
        Exit code of the process.
    """
    from harness.execution.steps import Asked

    try:
        job = Line(wire).job()
    except Ended:
        return 1
    line = Line(wire, Path(job.scratch))
    plugin = plugin_at(job.algorithm, job)
    own = [job.scratch] + ([job.lesson.checkpoints] if job.lesson else [])
    # What a program loads is seen by nobody.
    watch = (
        None
        if inside or plugin.command
        else Watch(home_of(plugin), [place for place in own if place])
    )
    asked: Asked | None = None
    kind: type[Algorithm] | None = None
    step = "import"
    try:
        kind = load(plugin)
        step = "construct"
        line.say(Said("at", step=step))
        asked = Asked(partial(kind, **parameters_of(kind, job.parameters)), job, line)
        if job.lesson is not None:
            line.say(Said("at", step="fit"))
            asked.learn(job.lesson)
        line.say(Said("done"))
        while True:
            ask, arrays = line.next()
            if ask.what == "end":
                end_program(kind)
                found = environment_of_process(inside=inside)
                loaded = {} if watch is None else watch.files()
                line.say(Said("done", environment=found, loaded=loaded))
                return 0
            asked.do(ask, arrays)
    except Ended:
        return 1
    except (BadAnswer, HarnessError) as reason:
        trouble = Said("trouble", message=bounded(reason), memory=_wants_memory(reason.__cause__))
    except BaseException as reason:  # whatever an algorithm raises, its reason is not lost
        print_trace(reason)
        message = explained(reason, plugin, step if asked is None else asked.step)
        trouble = Said("trouble", message=message, memory=_wants_memory(reason))
    finally:
        if kind is not None:
            with suppress(HarnessError):  # what went wrong is known
                end_program(kind)
    with suppress(Ended):
        line.say(trouble)
    return 1


def explained(reason: BaseException, plugin: Plugin, step: str) -> str:
    """Say what an algorithm raised, and in which of its methods."""
    what = "cannot be imported" if step == "import" else f"{step} failed"
    if isinstance(reason, SystemExit):
        what = f"{step} ended its process"
    return bounded(explain(reason, plugin.file, what, home_of(plugin)))


def print_trace(reason: BaseException) -> None:
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


def parameters_of(algorithm: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Turn values from JSON back into the types of the dataclass (lists into tuples, say)."""
    from typing import get_type_hints

    hints = get_type_hints(algorithm)
    return {name: convert(value, hints[name]) for name, value in values.items()}


def end_process(code: int) -> NoReturn:
    """End this process at once: frameworks may hang or crash in exit handlers of their own."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    end_process(main(sys.argv[1:]))
