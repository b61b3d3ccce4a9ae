"""Every new source is examined once, before its first run: the kit's checks, from outside.

The algorithm answers in its fence, in a process of its own; what its answers are worth is found
here. Verdicts are kept in the user's cache by what was examined, and in the record of every run.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from harness.api import ABILITIES, Algorithm, Matcher, Tagger
from harness.conformance import DESCRIBED, FIT, OF_ABILITY, QUICK, Check, Finding, run
from harness.conformance.checks import Subject
from harness.conformance.remote import RemoteKind
from harness.conformance.specimens import VOCABULARY
from harness.data import findings
from harness.data.whole_files import write_whole
from harness.errors import RunFailed
from harness.execution.bounds import Bounds
from harness.execution.unit import Unit
from harness.plugins.description import Description
from harness.plugins.places import PACKAGE, bundled, cache_folder
from harness.plugins.registry import Plugin
from harness.record.manifest import Examination

FAILED = "failed-checks"
"""Code of the finding about an algorithm that does not keep to the interface."""

SESSION = "class-of-a-session"
"""Code of the finding about an algorithm that lives in the session that ran it."""

UNEXAMINED = "not-examined"
"""Code of the finding about an algorithm that nobody examined, since that was not wanted."""

SWITCH = "HARNESS_EXAMINATION"
"""Environment variable that is ``off`` where algorithms are not to be examined before they run:
for whoever runs many small ones of his own, such as tests. Every record says so."""

PATIENCE = 300.0
"""Seconds that an examination may take: an algorithm that trains longer declares a quick preset."""

RELEASED = Path(__file__).with_name("released.json")
"""SHA-256 of the built-in algorithms that passed every check before the release."""


def remarks_on(examination: Examination, name: str) -> list[findings.Finding]:
    """Return what a reader of the numbers has to know: each failed check of an algorithm."""
    if examination.how == "session":
        text = (
            f"{name} is a class of the Python session that ran it: it was not examined by the "
            "conformance kit, and of what it is made of, its own cells or file are part of the "
            "run's identity, modules that it imports are not"
        )
        return [findings.Finding(SESSION, "warning", text)]
    if examination.how == "off":
        text = f"{name} was not examined by the conformance kit, since {SWITCH} is off"
        return [findings.Finding(UNEXAMINED, "warning", text)]
    return [
        findings.Finding(
            FAILED,
            "warning",
            f"{name} fails the check {check!r}, so its numbers may not mean what they say: "
            f"{message.splitlines()[0]}",
        )
        for check, message in examination.failed.items()
    ]


@dataclass(frozen=True)
class Examined:
    """Which algorithm is examined, and with what.

    Parameters
    ----------
    source_hash
        Of all code that makes its answers.
    chosen
        Parameters that the user set, by option or preset.
    weight_hashes
        SHA-256 of the files that parameters name.
    """

    plugin: Plugin
    description: Description
    source_hash: str
    chosen: Mapping[str, Any]
    weight_hashes: Mapping[str, str]

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters it is examined with: quick ones where the user set none."""
        own = {p.name: p.default for p in self.description.parameters}
        return {**own, **self.description.presets.get(QUICK, {}), **self.chosen}

    @property
    def key(self) -> str:
        """Return what the verdict is kept by: all that can change it."""
        parameters = {n: v for n, v in self.parameters.items() if n != "seed"}
        facts = [
            version("tattoo-harness"),
            _kit(),
            self.source_hash,
            parameters,
            dict(self.weight_hashes),
        ]
        return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def examined(
    subject: Examined,
    *,
    hidden: Iterable[Path],
    threads: int,
    bounds: Bounds,
    report: Callable[[int, int, str], None] = lambda done, total, note: None,
) -> Examination:
    """Return what the kit finds about an algorithm, from the cache where it was found before.

    Parameters
    ----------
    hidden
        Data sets and runs, of which its processes may read nothing.
    threads, bounds
        Of its processes, as in a run.
    report
        Called as ``report(done, total, note)``.
    """
    number = version("tattoo-harness")
    if subject.plugin.live:
        return Examination(number, "session")
    if is_released(subject):
        return Examination(number, "release")
    if os.environ.get(SWITCH) == "off":
        return Examination(number, "off")
    file = cache_folder() / "examinations" / f"{subject.key}.json"
    with suppress(OSError, msgspec.DecodeError):
        known = msgspec.json.decode(file.read_bytes(), type=Examination)
        return msgspec.structs.replace(known, how="before")
    found = Examination(number, "now")
    total = sum(len(_checks(one, subject.description)) for one in _abilities(subject))
    report(0, total, "")
    for finding in examine_outside(subject, hidden=hidden, threads=threads, bounds=bounds):
        report(len(found.passed) + len(found.failed) + 1, total, finding.name)
        if finding.passed:
            found.passed.append(finding.name)
        else:
            found.failed[finding.name] = finding.message
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, msgspec.json.encode(found))
    return found


def examine_outside(
    subject: Examined, *, hidden: Iterable[Path], threads: int, bounds: Bounds
) -> Iterable[Finding]:
    """Run the checks that need nothing but answers; parameters as for `examined`.

    Yields
    ------
    Finding
        As soon as it is known.
    """
    plugin, description = subject.plugin, subject.description
    abilities = _abilities(subject)
    hidden = tuple(hidden)
    until = time.monotonic() + PATIENCE
    for ability in abilities:
        unit = Unit(
            name="examination",
            ability=ability.__name__,
            algorithm=plugin.name,
            **plugin.address,
            parameters=subject.parameters,
            pictures={},
            vocabulary=list(VOCABULARY) if ability is Tagger else [],
        )
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place).resolve()
            kind = RemoteKind(
                unit,
                learns=description.learns,
                cosine=description.cosine,
                control=description.control,
                sees=description.sees,
                folder=folder,
                hidden=(*hidden, folder),
                threads=threads,
                bounds=bounds,
                until=until,
            )
            asked = Subject(kind, ability, {}, folder)  # type: ignore[arg-type]
            # It has been described, so it is a dataclass that can be built.
            passed = {Subject.declared.__name__, Subject.built.__name__}
            try:
                for finding in run(_checks(ability, description), asked, passed):
                    several = len(abilities) > 1
                    name = f"{ability.__name__}: {finding.name}" if several else finding.name
                    yield Finding(name, finding.passed, finding.message)
                    if kind.is_overdue:
                        return
            finally:
                kind.close()


def _checks(ability: type[Algorithm], description: Description) -> tuple[Check, ...]:
    """Return the checks that need nothing but answers."""
    words = (DESCRIBED,) if ability is Matcher and description.describes else ()
    return (*FIT, *OF_ABILITY[ability], *words)


def _abilities(subject: Examined) -> list[type[Algorithm]]:
    return [ability for ability in ABILITIES if ability.__name__ in subject.description.abilities]


def is_released(subject: Examined) -> bool:
    """Whether an algorithm is built in, is what passed before the release, and has no weights."""
    place = subject.plugin.place
    if (
        subject.plugin.module
        or subject.weight_hashes
        or not place.is_relative_to(bundled("algorithms"))
    ):
        return False
    return released().get(place.stem) == digest(place)


@cache
def released() -> dict[str, str]:
    """Return the hashes of the built-in algorithms that passed every check, by their files."""
    try:
        return msgspec.json.decode(RELEASED.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as reason:
        raise RunFailed(f"{RELEASED} is not what was installed: {reason}") from None


def digest(place: Path) -> str:
    """Return the SHA-256 of a text file, or of a folder's Python files, whatever ends lines."""
    if place.is_dir():
        files = sorted(place.rglob("*.py"))
        lines = [f"{digest(file)}  {file.relative_to(place).as_posix()}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    return hashlib.sha256(place.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


@cache
def _kit() -> str:
    whole = hashlib.sha256()
    for file in sorted((PACKAGE / "conformance").glob("*.py")):
        whole.update(digest(file).encode())
    return whole.hexdigest()
