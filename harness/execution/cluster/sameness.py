"""Are the machines of a cluster alike in all that can change a number?

Each worker reports what it is before it is given work. The harness, the files of the algorithm and
the data have to be the same, and so have Python and the libraries. Processors may differ where the
user allows it; what each unit was done on stands in the record anyway.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from harness.data.whole_files import digest_of
from harness.errors import HarnessError, UsageError
from harness.execution import asking
from harness.execution.asking import Asked
from harness.execution.bounds import Bounds
from harness.execution.cluster.settings import Roots, mapped
from harness.execution.devices import visible_devices
from harness.execution.environment import Environment, harness_version
from harness.plugins.description import Description
from harness.plugins.programs.command import PREFIX, command_of, moved
from harness.plugins.programs.driver import HEADER
from harness.plugins.registry import Plugin, plugin_files
from harness.plugins.sources import score_makers

__all__ = ["Difference", "Expected", "Question", "Report", "differences", "refusal", "report"]

_SOFTWARE = ("system", "python")
_HARDWARE = ("processor", "features", "settings", "kernels", "device")
"""Fields of an environment: what is mended by installing, and what a machine is born with or told
to be."""

COMMAND = "(command)"
"""Stands for what of a program's command is no file."""

MOST_ROWS = 20
"""Differences that are listed."""


class Question(msgspec.Struct, frozen=True):
    """What a worker is asked about itself, and about an algorithm there."""

    name: str
    file: str
    attribute: str
    module: str
    preset: str
    assignments: dict[str, str]
    seed: int | None
    hidden: tuple[str, ...]
    silence: float
    memory: int
    command: str = ""

    @property
    def key(self) -> bytes:
        """What tells two apart."""
        return msgspec.json.encode(self, order="deterministic")


class Report(msgspec.Struct):
    """What a worker says about itself.

    Parameters
    ----------
    host, worker
        Its machine, and its process there.
    harness
        Version.
    code, files
        SHA-256 of the harness's code that makes scores, and of the files of the algorithm.
    description, environment, loaded
        Of the algorithm, as `harness.execution.asking.Asked` has them.
    gpu
        Device that it works on, by its number or name; empty for none.
    error, exit_code
        Why the algorithm cannot be described.
    """

    host: str
    worker: str
    harness: str
    code: dict[str, str]
    files: dict[str, str] = {}
    description: Description | None = None
    environment: Environment = Environment()
    loaded: dict[str, str] = {}
    gpu: str = ""
    error: str = ""
    exit_code: int = 3


class Expected(msgspec.Struct):
    """What a worker has to be like."""

    question: Question
    harness: str
    code: dict[str, str]
    files: dict[str, str]
    environment: Environment
    mixed: bool


class Difference(msgspec.Struct):
    """Something that is not the same on a worker: what, as it should be, and as it is."""

    host: str
    what: str
    here: str
    there: str


def own_device() -> str:
    """Return the one device that this process works on, by the convention of dask-cuda.

    Its environment names it in ``CUDA_VISIBLE_DEVICES``, first of all that it names; nothing where
    none is named.
    """
    return next(iter(visible_devices(os.environ.get("CUDA_VISIBLE_DEVICES", ""))), "")


def report(question: Question, roots: Roots) -> Report:
    """Say what this process and its machine are."""
    plugin = Plugin(
        question.name, Path(mapped(question.file, roots)), question.attribute, question.module
    )
    assignments = {n: mapped(v, roots) for n, v in question.assignments.items()}
    found = Report(
        host=socket.gethostname(),
        worker=f"{socket.gethostname()}:{os.getpid()}",
        harness=harness_version(),
        code=score_makers(),
        gpu=own_device(),
    )
    try:
        if question.command:
            header = assignments.get(HEADER, "")
            command = moved(question.command, lambda path: mapped(path, roots), header)
            plugin = replace(plugin, command=command)
        asked = asking.ask(
            plugin,
            preset=question.preset,
            assignments=assignments,
            seed=question.seed,
            hidden=[Path(mapped(folder, roots)) for folder in question.hidden],
            bounds=Bounds(silence=question.silence, memory=question.memory),
        )
        found.files = _files_of(plugin, asked)
    except HarnessError as reason:
        found.error, found.exit_code = str(reason), reason.exit_code
    except OSError as reason:
        found.error = f"{plugin.file}: {reason.strerror or reason}"
    else:
        found.description, found.loaded = asked.description, asked.loaded
        found.environment = asked.environment
    return found


def expected_of(question: Question, plugin: Plugin, described: Asked, *, mixed: bool) -> Expected:
    """Return what workers have to be like by what is here, in the environment of one of them."""
    return Expected(
        question=question,
        harness=harness_version(),
        code=score_makers(),
        files=_files_of(plugin, described),
        environment=described.environment,
        mixed=mixed,
    )


def _files_of(plugin: Plugin, described: Asked) -> dict[str, str]:
    """Return SHA-256 of a plugin's files by name; of a program also of what else its command is.

    That are the words that name no file, and what a driver was made of, its compiler included.
    """
    found = plugin_files(plugin, described.loaded)
    if plugin.command:
        found[COMMAND] = command_of(f"{PREFIX}{plugin.command}").digest()
    return found


def differences(expected: Expected, reported: Report) -> list[Difference]:
    """Return what is not the same on a worker, and can change a number."""
    rows: list[Difference] = []

    def differ(what: str, here: object, there: object) -> None:
        if here != there:
            rows.append(Difference(reported.host, what, _words(here), _words(there)))

    differ("harness", expected.harness, reported.harness)
    rows += _files(reported.host, expected.code, reported.code)
    if reported.error:
        differ(expected.question.file, "can be used", reported.error)
        return rows
    home = Path(expected.question.file).parent
    here = {str(home / name): one for name, one in expected.files.items()}
    there = {str(home / name): one for name, one in reported.files.items()}
    rows += _files(reported.host, here, there)
    one, other = expected.environment, reported.environment
    for name in (*_SOFTWARE, *(() if expected.mixed else _HARDWARE)):
        differ(name, getattr(one, name), getattr(other, name))
    for name in sorted({*one.libraries, *other.libraries}):
        differ(name, one.libraries.get(name, ""), other.libraries.get(name, ""))
    return rows


def pictures_changed(pictures: Mapping[str, str], host: str) -> list[Difference]:
    """Return which files are missing, or others, on this machine, by path and SHA-256."""
    return _files(host, pictures, {path: digest_or_nothing(path) for path in pictures})


def digest_or_nothing(path: str) -> str:
    """Return the SHA-256 of a file; nothing where it cannot be read."""
    try:
        return digest_of(Path(path))
    except OSError:
        return ""


def two_on_one(reports: Iterable[Report]) -> list[Difference]:
    """Return which workers share a device with another."""
    rows, known = [], dict[tuple[str, str], str]()
    for one in reports:
        first = known.setdefault((one.host, one.gpu), one.worker)
        if first != one.worker:
            what = f"CUDA_VISIBLE_DEVICES of {one.worker}"
            there = f"{one.gpu or 'not set'}, as that of {first}"
            rows.append(Difference(one.host, what, "a device for each worker", there))
    return rows


def refusal(rows: Sequence[Difference]) -> UsageError:
    """Return the error that says what is different where."""
    cells = [("host", "what", "here", "there")]
    cells += [(row.host, row.what, row.here, row.there) for row in rows[:MOST_ROWS]]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    lines = [
        "  " + "  ".join([*(row[i].ljust(widths[i]) for i in range(3)), row[3]]) for row in cells
    ]
    if len(rows) > MOST_ROWS:
        lines.append(f"  ... and {len(rows) - MOST_ROWS:,} more")
    lines.append(
        "Install the same harness and libraries on every machine, and let every worker see the "
        "same files (--data-root where they lie in another place)."
    )
    if any(row.what in _HARDWARE for row in rows):
        lines[-1] += (
            " Ask for machines of one kind, or allow others by `mixed = true` in --cluster."
        )
    first = "workers differ from what this run needs, so nothing more was given to them:"
    return UsageError("\n".join([first, *lines]))


def _files(host: str, here: Mapping[str, str], there: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(host, name, _digest(here.get(name, "")), _digest(there.get(name, "")))
        for name in sorted({*here, *there})
        if here.get(name, "") != there.get(name, "")
    ]


def _digest(digest: str) -> str:
    return digest[:12] or "missing"


def _words(thing: Any) -> str:
    if isinstance(thing, dict):
        return ", ".join(f"{name}={value}" for name, value in thing.items()) or "none"
    if isinstance(thing, tuple):
        text = " ".join(map(str, thing))
        return (
            text
            if len(text) < 60
            else f"{hashlib.sha256(text.encode()).hexdigest()[:12]} ({len(thing)})"
        )
    return str(thing) or "none"
