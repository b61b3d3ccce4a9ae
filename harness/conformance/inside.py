"""The kit run inside the process of a plugin: what `harness check NAME` asks, and what answers it.

The process is `python -m harness.conformance.inside examine`, in the plugin's fence.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.conformance import Finding, examine
from harness.errors import HarnessError, text_of
from harness.execution.asking import EXPORT_PATIENCE, asking, refuse, scratch_folder
from harness.execution.bounds import Bounds
from harness.execution.packing import LONGEST_TEXT, bounded
from harness.execution.worker import (
    end_process,
    explained,
    parameters_of,
    print_trace,
    take_standard_output,
)
from harness.plugins.registry import Plugin, end_program, load, plugin_at, surveyed

NAME = "harness.conformance.inside"
"""Of this module: as a process it is called something else."""


class Request(msgspec.Struct):
    """Which plugin the kit is to check, with which parameters, and a folder for it."""

    name: str
    file: str
    attribute: str
    module: str
    parameters: dict[str, Any]
    folder: str
    command: str = ""


class _Found(msgspec.Struct):
    name: str = ""
    passed: bool = False
    message: str = ""
    end: bool = False
    error: str = ""
    exit_code: int = 2


def examine_inside(
    plugin: Plugin, user_parameters: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterator[Finding]:
    """Have the conformance kit check a plugin in a process of the plugin's own, in its fence.

    Parameters
    ----------
    plugin
        To be checked.
    user_parameters
        Parameters that the user set; the others are the kit's choice.
    parameters
        All of them: files that they name may be read.

    Yields
    ------
    Finding
        As soon as it is known.

    Raises
    ------
    PluginError, RunFailed
        If it ends, or takes longer than it may, before all is checked.
    """
    with scratch_folder() as scratch:
        (scratch / "kit").mkdir()
        request = Request(
            name=plugin.name,
            **plugin.address,
            parameters=dict(user_parameters),
            folder=str(scratch / "kit"),
        )
        with asking(
            plugin,
            "examine",
            request,
            "examination",
            EXPORT_PATIENCE,
            memory=Bounds().memory,
            parameters=parameters,
            scratch=scratch,
            module=NAME,
        ) as talk:
            for line in talk.lines:
                found = talk.decoded(line, _Found)
                refuse(found.error, found.exit_code)
                if found.end:
                    return
                yield Finding(found.name, found.passed, text_of(found.message, LONGEST_TEXT))
            raise talk.failed()


def main() -> int:
    """Say what each check found, a line for each, and in the last that there are no more."""
    harness_out = take_standard_output()
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    plugin = plugin_at(request.name, request)

    def say(**facts: Any) -> None:
        harness_out.write(msgspec.json.encode(facts).decode() + "\n")

    try:
        kind = load(plugin)
        given = parameters_of(kind, request.parameters)
        able = surveyed(kind, given)
        for found in examine(able, given, folder=Path(request.folder)):
            say(name=found.name, passed=found.passed, message=bounded(found.message))
        end_program(kind)
    except HarnessError as reason:
        say(error=bounded(reason), exit_code=reason.exit_code)
    except BaseException as reason:
        print_trace(reason)
        say(error=explained(reason, plugin, "a check"), exit_code=3)
    else:
        say(end=True)
    return 0


if __name__ == "__main__":
    end_process(main())
