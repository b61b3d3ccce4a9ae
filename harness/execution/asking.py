"""Asking a plugin something in a process of its own: what it is, or its model as a file."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.errors import PluginError, RunFailed, UsageError, text_of
from harness.execution import worker
from harness.execution.bounds import IMPORT, Bounds, amount, at_most, memory_of, out_of_memory
from harness.execution.enclosure import rules_for
from harness.execution.environment import Environment
from harness.execution.fenced import (
    Fenced,
    start,
    surroundings,
)
from harness.execution.log import Log
from harness.execution.nursery import Born
from harness.execution.packing import LONGEST_TEXT
from harness.execution.variables import variables
from harness.execution.worker import ExportRequest, Question
from harness.plugins.description import Description
from harness.plugins.registry import Plugin

T = TypeVar("T")

PATIENCE = IMPORT
"""Seconds that the import of a plugin may take."""

EXPORT_PATIENCE = 900.0
"""Seconds that the export of a model may take."""

_LONGEST_ANSWER = 1 << 24
"""Bytes of an answer."""


@dataclass(frozen=True)
class Asked:
    """What a plugin says about itself, and the process that asked it.

    Parameters
    ----------
    description
        With the parameters of the run.
    environment
        In which it was asked: that of a worker, but for what is loaded and started later.
    loaded
        SHA-256 of the files below its folder that its import loaded.
    """

    description: Description
    environment: Environment
    loaded: dict[str, str]


class _Answer(msgspec.Struct):
    description: Description | None = None
    environment: Environment = Environment()
    loaded: dict[str, str] = {}
    error: str = ""
    exit_code: int = 2
    memory: bool = False


def ask(
    plugin: Plugin,
    *,
    preset: str = "",
    assignments: Mapping[str, str] | None = None,
    seed: int | None = None,
    hidden: Iterable[Path] = (),
    bounds: Bounds | None = None,
) -> Asked:
    """Import a plugin elsewhere and return its description with the parameters of the run.

    Parameters
    ----------
    plugin, preset, assignments, seed
        What is asked about.
    hidden
        Data sets and runs, of which it may read nothing.
    bounds
        How long its import may be silent, if longer than `PATIENCE`, and how much it may hold.

    Raises
    ------
    PluginError
        If it cannot be imported or crashes while it is.
    UsageError
        If a parameter or preset does not fit.
    """
    question = Question(
        name=plugin.name,
        **plugin.address,
        preset=preset,
        assignments=dict(assignments or {}),
        seed=seed,
    )
    bounds = bounds or Bounds(silence=PATIENCE)
    with (
        scratch_folder() as scratch,
        asking(
            plugin,
            "describe",
            question,
            "import",
            max(PATIENCE, bounds.silence),
            memory=bounds.memory,
            parameters=question.assignments,
            scratch=scratch,
            hidden=hidden,
        ) as talk,
    ):
        answer = talk.answer()
    if answer.description is None:
        raise PluginError(f"{plugin.file}: its import ended without an answer")
    return Asked(answer.description, answer.environment, answer.loaded)


def request_export(plugin: Plugin, parameters: Mapping[str, Any], model: Path, file: Path) -> None:
    """Let a plugin load its model elsewhere and write it as an ONNX file.

    Parameters
    ----------
    plugin, parameters
        Of the run.
    model
        Folder that its `save` wrote.
    file
        Is written whole or not at all.

    Raises
    ------
    PluginError
        If it cannot be imported, or crashes.
    UsageError
        If it cannot be exported.
    """
    with scratch_folder() as scratch:
        shutil.copytree(model, scratch / "model")
        request = ExportRequest(
            name=plugin.name,
            **plugin.address,
            parameters=dict(parameters),
            model=str(scratch / "model"),
            out=str(scratch / "exported.onnx"),
        )
        with asking(
            plugin,
            "export",
            request,
            "export",
            EXPORT_PATIENCE,
            memory=Bounds().memory,
            parameters=parameters,
            scratch=scratch,
        ) as talk:
            talk.answer()
        part = file.with_name(f".{file.name}.part-{os.getpid()}")
        shutil.move(scratch / "exported.onnx", part)
        part.replace(file)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for one question, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True) as place:
        yield Path(place).resolve()


def refuse(error: str, code: int, more: str = "") -> None:
    """Raise what a worker says is wrong, by its exit code; an empty text says that nothing is."""
    if error:
        kind = UsageError if code == UsageError.exit_code else PluginError
        raise kind(text_of(error, LONGEST_TEXT) + more)


@dataclass
class Talk:
    """A worker that has been asked something."""

    lines: Iterator[bytes]
    process: subprocess.Popen[bytes] | Born
    failed: Callable[[], RunFailed]
    memory: int
    """Bytes that it may hold."""

    def answer(self) -> _Answer:
        """Return its one answer; an error in it is raised."""
        answer = self.decoded(next(self.lines, b""), _Answer)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=3)
        refuse(answer.error, answer.exit_code, out_of_memory(self.memory) if answer.memory else "")
        return answer

    def decoded(self, line: bytes, kind: type[T]) -> T:
        """Return what a line says; the worker has failed where it says nothing."""
        try:
            return msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, RecursionError):
            raise self.failed() from None


@contextmanager
def asking(
    plugin: Plugin,
    verb: str,
    question: Any,
    what: str,
    patience: float,
    *,
    memory: int,
    parameters: Mapping[str, Any],
    scratch: Path,
    hidden: Iterable[Path] = (),
    module: str = worker.__name__,
) -> Iterator[Talk]:
    """Start a worker in its fence and ask it; it is ended, with all that it started, at the end.

    Parameters
    ----------
    plugin
        Whose process it is.
    verb, question
        What the module is started with, and what it reads from its standard input, as JSON.
    what
        It is asked for, in the words of an error.
    patience
        Seconds that each line of the answer may take.
    memory
        Bytes that it may hold.
    parameters
        Of the plugin: files that they name may be read.
    scratch
        Folder that it may write to.
    hidden
        What it may read nothing of.
    module
        That is started, as by ``python -m``.

    Raises
    ------
    PluginError
        If it takes or holds more than it may.
    """
    environment = surroundings(str(scratch), variables(1))
    rules = rules_for(
        plugin.file,
        parameters,
        scratch,
        command=plugin.command,
        environment=environment,
        hidden=hidden,
        memory=memory,
    )
    book = Log(None)
    fenced: Fenced | None = None
    try:
        fenced = start(
            module,
            [verb],
            rules,
            environment=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=book.end,
        )
        book.started()
        asked = fenced

        def failed() -> RunFailed:
            with suppress(subprocess.TimeoutExpired):
                asked.process.wait(timeout=3)
            closed = asked.process.poll() is None
            asked.end()
            book.settle()
            code, last = asked.process.returncode, book.last_line()
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            ended = "closed its line to the harness" if closed else f"ended the process ({how})"
            said = f"; it last said: {last}" if last else ""
            return RunFailed(f"{plugin.file}: its {what} {ended}{said}")

        words = msgspec.json.encode(question) + b"\n"
        lines = _lines(fenced.process, words, patience, memory)
        yield Talk(lines, fenced.process, failed, memory)
    except _Over as reason:
        raise PluginError(f"{plugin.file}: its {what} {reason}") from None
    finally:
        if fenced is not None:
            fenced.end()
            for pipe in (fenced.process.stdin, fenced.process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        book.close()


class _Over(Exception):
    """It used more than it may; the message continues ``its import ...``."""


def _lines(
    process: subprocess.Popen[bytes] | Born, question: bytes, patience: float, memory: int
) -> Iterator[bytes]:
    """Yield the lines that a process answers, and what it says after the last of them.

    A child that it left behind may hold its output open: that is not waited for.

    Raises
    ------
    _Over
        If a line takes longer, or the process holds more, than it may.
    """
    if process.stdin is None or process.stdout is None:
        return
    with suppress(OSError):
        process.stdin.write(question)
        process.stdin.flush()
    until, text, ended = time.monotonic() + patience, bytearray(), False
    measured = 0.0
    while len(text) < _LONGEST_ANSWER:
        now = time.monotonic()
        if now > until:
            raise _Over(
                f"did not end in {patience:.0f} s. Load what takes long in the methods that need "
                "it, not at the top of the file; harness run --timeout gives an import longer"
            )
        if now - measured > 0.2:
            measured = now
            if at_most(process.pid) > memory and (held := memory_of(process.pid)) > memory:
                raise _Over(
                    f"held {amount(held)} of memory, more than the {amount(memory)} that are "
                    "allowed (harness run --memory-limit)"
                )
        if select.select([process.stdout], [], [], 0.05)[0]:
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                break
            text += part
            if b"\n" in part:
                *lines, rest = bytes(text).split(b"\n")
                yield from lines
                until, text = time.monotonic() + patience, bytearray(rest)
        elif ended:
            break
        ended = process.poll() is not None
    if text:
        yield bytes(text)
