"""Asking a plugin about itself in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import msgspec

from harness.description import Description
from harness.errors import PluginError, RunFailed, UsageError
from harness.execution.pool import WORKER, environment
from harness.execution.worker import Question
from harness.registry import Plugin

PATIENCE = 120.0
"""Seconds that the import of a plugin may take."""


class _Answer(msgspec.Struct):
    description: Description | None = None
    error: str = ""
    exit_code: int = 2


def ask(
    plugin: Plugin,
    *,
    preset: str = "",
    assignments: Mapping[str, str] | None = None,
    seed: int | None = None,
) -> Description:
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
    try:
        done = subprocess.run(
            [*WORKER, "describe"],
            input=msgspec.json.encode(question) + b"\n",
            capture_output=True,
            env=environment(1),
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PluginError(f"{plugin.file}: its import did not end in {PATIENCE:.0f} s") from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RunFailed(
            f"{plugin.file}: its import ended the process (exit code {done.returncode})"
            + (f"; it last said: {said[-1]}" if said else "")
        )
    answer = msgspec.json.decode(done.stdout.splitlines()[-1], type=_Answer)
    if answer.description is None:
        raise (UsageError if answer.exit_code == UsageError.exit_code else PluginError)(
            answer.error
        )
    return answer.description
