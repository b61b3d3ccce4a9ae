"""The process in which an algorithm runs: `python -m harness.execution.worker`.

It describes a plugin, exports its model, or does one unit of work. It speaks JSON lines on its
standard output (kept from the algorithm, whose prints go to the log) and ends when its standard
input closes, so that it never outlives the harness that started it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import msgspec

from harness.answers import BadAnswer
from harness.api import Matcher, Progress
from harness.description import describe
from harness.errors import HarnessError, UsageError
from harness.execution import steps, storage
from harness.execution.environment import environment_of_process
from harness.execution.loaded import Watch
from harness.execution.unit import ERROR_FILE, MODEL, SCORES, TEMPLATES, Trouble, read_unit
from harness.registry import Plugin, explain, home_of, load
from harness.values import convert


class Question(msgspec.Struct):
    """What to describe: a plugin, and the parameters asked for."""

    name: str
    file: str
    attribute: str = ""
    module: str = ""
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


def main(arguments: list[str]) -> int:
    """Answer the question on standard input, or do the unit in a folder."""
    voice = _take_stdout()
    if arguments == ["describe"]:
        return _describe(sys.stdin.buffer.readline(), voice)
    if arguments == ["export"]:
        return _export(sys.stdin.buffer.readline(), voice)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return _work(Path(arguments[0]), voice)


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
        answer: dict[str, Any] = {"error": str(reason), "exit_code": reason.exit_code}
    else:
        answer = {
            "description": found,
            "environment": environment_of_process(),
            "loaded": watch.files(),
        }
    voice.write(msgspec.json.encode(answer).decode() + "\n")
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
        answer = {"error": str(reason), "exit_code": reason.exit_code}
    except Exception as reason:
        sys.stderr.write(traceback.format_exc())
        answer = {"error": explain(reason, plugin.file, "export failed"), "exit_code": 3}
    finally:
        part.unlink(missing_ok=True)
    voice.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def _work(folder: Path, voice: TextIO) -> int:
    unit = read_unit(folder)
    plugin = Plugin(unit.algorithm, Path(unit.file), unit.attribute, unit.module)
    step = "import"
    try:
        if unit.matching is not None:
            step = "match"
            steps.match(unit, folder, _reporter(voice, step))
            _record_surroundings(folder, None)
            return 0
        images = (picture.path for picture in unit.pictures.values())
        watch = Watch(home_of(plugin), [*images, folder.parent.parent])
        algorithm_class = load(plugin)
        step = "construct"
        algorithm = algorithm_class(**_parameters(algorithm_class, unit.parameters))
        for step, act in steps.STEPS:
            if step == "extract" and not isinstance(algorithm, Matcher):
                continue
            voice.write(msgspec.json.encode({"step": step}).decode() + "\n")
            act(algorithm, unit, folder, _reporter(voice, step))
            _record_surroundings(folder, watch)
    except (BadAnswer, HarnessError) as reason:
        return _give_up(folder, step, str(reason), "")
    except MemoryError as reason:
        return _give_up(folder, step, f"out of memory: {reason}", traceback.format_exc())
    except Exception as reason:
        message = explain(reason, plugin.file, f"{step} failed")
        return _give_up(folder, step, message, traceback.format_exc())
    return 0


def _parameters(algorithm: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Turn values from JSON back into the types of the dataclass (lists into tuples, say)."""
    from typing import get_type_hints

    hints = get_type_hints(algorithm)
    return {name: convert(value, hints[name]) for name, value in values.items()}


def _reporter(voice: TextIO, step: str) -> Progress:
    last = [0.0]

    def report(done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if done < total and now - last[0] < 0.2:
            return
        last[0] = now
        line = {"step": step, "done": int(done), "total": int(total), "note": str(note)}
        voice.write(msgspec.json.encode(line).decode() + "\n")

    return report


def _record_surroundings(folder: Path, watch: Watch | None) -> None:
    """Keep with each step in what environment it was done, and what the plugin loaded for it."""
    for place in (MODEL, TEMPLATES, SCORES):
        path = folder / place / storage.STEP_FILE
        if not path.exists():
            continue
        known = msgspec.json.decode(path.read_bytes())
        # Only once: a resumed run keeps the environment that made the numbers.
        if "environment" not in known:
            loaded = {} if watch is None else watch.files()
            facts = {"environment": environment_of_process(), "loaded": loaded}
            storage.write_whole(path, msgspec.json.encode(known | facts))


def _give_up(folder: Path, step: str, message: str, trace: str) -> int:
    if trace:
        sys.stderr.write(trace)
    trouble = Trouble(step=step, message=message, traceback=trace)
    storage.write_whole(folder / ERROR_FILE, msgspec.json.encode(trouble))
    return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Frameworks may hang or crash in their own exit handlers; the work is on disk.
    os._exit(code)
