"""Asking a plugin something in a process of its own: what it is, or its model as a file."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.description import Description
from harness.errors import PluginError, RunFailed, UsageError
from harness.execution.environment import Environment
from harness.execution.pool import WORKER, environment
from harness.execution.worker import ExportRequest, Question
from harness.registry import Plugin

PATIENCE = 120.0
"""Seconds that the import of a plugin may take."""

EXPORT_PATIENCE = 900.0
"""Seconds that the export of a model may take."""


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


def ask(
    plugin: Plugin,
    *,
    preset: str = "",
    assignments: Mapping[str, str] | None = None,
    seed: int | None = None,
) -> Asked:
    """Import a plugin elsewhere and return its description with the parameters of the run.

    Raises
    ------
    PluginError
        If it cannot be imported or crashes while it is.
    UsageError
        If a parameter or preset does not fit.
    """
    question = Question(
        name=plugin.name,
        file=str(plugin.file),
        attribute=plugin.attribute,
        module=plugin.module,
        preset=preset,
        assignments=dict(assignments or {}),
        seed=seed,
    )
    answer = _answer(plugin, "describe", question, "import", PATIENCE)
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
    request = ExportRequest(
        name=plugin.name,
        file=str(plugin.file),
        attribute=plugin.attribute,
        module=plugin.module,
        parameters=dict(parameters),
        model=str(model),
        out=str(file),
    )
    _answer(plugin, "export", request, "export", EXPORT_PATIENCE)


def _answer(plugin: Plugin, verb: str, question: Any, what: str, patience: float) -> _Answer:
    """Start a worker, ask it, and turn what went wrong into an error."""
    try:
        done = subprocess.run(
            [*WORKER, verb],
            input=msgspec.json.encode(question) + b"\n",
            capture_output=True,
            env=environment(1),
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PluginError(f"{plugin.file}: its {what} did not end in {patience:.0f} s") from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RunFailed(
            f"{plugin.file}: its {what} ended the process (exit code {done.returncode})"
            + (f"; it last said: {said[-1]}" if said else "")
        )
    answer = msgspec.json.decode(done.stdout.splitlines()[-1], type=_Answer)
    if answer.error:
        raise (UsageError if answer.exit_code == UsageError.exit_code else PluginError)(
            answer.error
        )
    return answer
