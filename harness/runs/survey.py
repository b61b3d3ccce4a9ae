"""What is in a data set, what is odd about it, and which protocols it can answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.data.boxes import look_at_boxes
from harness.data.decoding import (
    look_at_masks,
    say_masks,
    say_orientations,
    say_same_files,
    undecodable,
)
from harness.data.findings import Finding, Findings, once
from harness.data.records import Dataset, Record
from harness.data.words import is_description
from harness.errors import DataError, UsageError
from harness.plugins.registry import (
    algorithms,
    describe_sources,
    own_files,
    protocols,
    title_of,
)
from harness.plugins.sources import libraries
from harness.runs.preparing import (
    DESCRIPTIONS,
    Opened,
    Request,
    judged_by,
)
from harness.tasks.kinds import task_of
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.task import Task

__all__ = ["Answer", "Survey", "able", "survey"]

FACTS = ("tattoo", "subject", "group", "source", "style", "media", "role", "label", "skin", "site")
"""Fields of a record of which the different values are counted."""

GIVEN = ("tags", "box", "mask", "clean", "taken", "quality")
"""Fields of a record of which it is counted how many pictures have one."""


class Answer(msgspec.Struct):
    """Whether a protocol can be asked on a data set.

    Parameters
    ----------
    protocol, title
        Name, and in words.
    can
        Whether a run could start.
    reasons
        Why not.
    trials, kind
        What is judged, over all folds: ``searches`` where galleries are searched, else ``images``.
    folds
        Number of folds.
    own_data
        Whether it was written for one data set, which users have to bring.
    algorithms
        Names of one or two that can answer it at once: contenders that neither learn nor need a
        parameter, where there are any.
    learns
        Whether these learn.
    galleries
        References of the smallest and of the largest gallery; None where nothing is searched.
    """

    protocol: str
    title: str
    can: bool
    reasons: list[str] = []
    trials: int = 0
    kind: str = "images"
    folds: int = 0
    galleries: tuple[int, int] | None = None
    own_data: bool = False
    algorithms: list[str] = []
    learns: bool = False


class Survey(msgspec.Struct):
    """What `harness data` says.

    Parameters
    ----------
    place, layout, synthetic
        The data set, how it was read, and whether it states that it is synthetic.
    pictures
        Number of records.
    values
        By field of a record: number of different values, and of pictures that have one.
    given
        By field: number of pictures that have one.
    findings
        Everything wrong or odd, problems first.
    answers
        One for each protocol, those that can be asked first.
    descriptions
        Text files among its lines, which are none of the pictures.
    """

    place: str
    layout: str
    synthetic: str
    pictures: int
    values: dict[str, tuple[int, int]]
    given: dict[str, int]
    findings: list[Finding]
    answers: list[Answer]
    descriptions: int = 0


def survey(place: Path, *, layout: str | None = None, plugins: Sequence[Path] = ()) -> Survey:
    """Look at a data set as every protocol would, without running anything.

    Parameters
    ----------
    place
        A folder or a manifest.
    layout
        Its layout; detected unless given.
    plugins
        Folders with further protocols.

    Raises
    ------
    UsageError
        If there is no data set at the place.
    """
    opened: Opened = {}
    answers: list[Answer] = []
    findings: list[Finding] = []
    for name, file in protocols(plugins).items():
        request = Request((), (name,), data=place, layout=layout, plugins=tuple(plugins))
        answer, found = _answer(name, title_of(file), request, opened)
        answers.append(answer)
        findings += found
    sets = list(opened.values())
    if not sets:
        # No protocol could even open it: say why, as a run would.
        raise UsageError(answers[0].reasons[0] if answers else f"{place} cannot be read")
    every = {path: record for one in sets for path, record in _by_file(one).items()}
    known = {path: record for path, record in every.items() if not is_description(record.path)}
    findings += [finding for one in sets for finding in one.findings]
    if not any(one.severity == "problem" for one in findings):
        findings += _odd_pictures({record.name: record for record in every.values()})
    # How many descriptions there are is said by itself.
    found = once(one for one in findings if one.code != DESCRIPTIONS)
    return Survey(
        place=str(place),
        layout=sets[0].layout,
        synthetic=sets[0].synthetic,
        pictures=len(known),
        descriptions=len(every) - len(known),
        values={
            field: (len(set(values)), len(values))
            for field in FACTS
            if (values := [v for r in known.values() if (v := getattr(r, field)) is not None])
        },
        given={
            field: count
            for field in GIVEN
            if (count := sum(bool(getattr(r, field)) for r in known.values()))
        },
        findings=sorted(found, key=lambda one: one.severity != "problem"),
        answers=sorted(answers, key=lambda answer: (not answer.can, answer.own_data)),
    )


def _answer(
    name: str, title: str, request: Request, opened: Opened
) -> tuple[Answer, list[Finding]]:
    try:
        judged = judged_by(name, request, opened)
    except DataError as reason:
        shown = list(reason.problems) or [str(reason)]
        return Answer(name, title, can=False, reasons=shown), []
    except UsageError as reason:
        return Answer(name, title, can=False, reasons=[str(reason)]), []
    return able(judged, request.plugins), judged.findings


def able(judged: ProtocolOnData, plugins: Sequence[Path] = ()) -> Answer:
    """Return how much a protocol asks of the data that it was opened with.

    Parameters
    ----------
    judged
        The protocol with its data.
    plugins
        Folders with further algorithms.
    """
    galleries = [len(fold.gallery) for fold in judged.folds if fold.gallery]
    named, learns = _contenders(task_of(judged.protocol), plugins)
    return Answer(
        judged.name,
        judged.protocol.title,
        can=True,
        trials=sum(len(fold.probes) for fold in judged.folds),
        kind="searches" if galleries else "images",
        folds=len(judged.folds),
        galleries=(min(galleries), max(galleries)) if galleries else None,
        own_data=not judged.protocol.data.default,
        algorithms=named,
        learns=learns,
    )


_FRAMEWORKS = frozenset({"torch", "tensorflow"})


def _contenders(task: Task[Any, Any], plugins: Sequence[Path]) -> tuple[list[str], bool]:
    able = [
        (plugin, glance.learns)
        for plugin, glance in describe_sources(algorithms(plugins))
        if task.ability.__name__ in glance.abilities
        and (glance.describes or not task.of_words)
        and not glance.control
        and not glance.needs
        and not glance.composite
    ]
    at_once = [plugin for plugin, learns in able if not learns]
    # Networks of others come with weights that not everybody has, and take their time.
    at_once.sort(key=lambda plugin: not _FRAMEWORKS.isdisjoint(libraries(own_files(plugin))))
    chosen = at_once[:2] or [plugin for plugin, _ in able][:1]
    return [plugin.name for plugin in chosen], not at_once


def _odd_pictures(records: dict[str, Record]) -> list[Finding]:
    """Return what only decoding shows, as a run would find it before it starts."""
    findings = Findings()
    for sentence in undecodable(records, records, crop=False, clean=True):
        findings.problem(
            "pictures that cannot be used", f"{sentence}; replace it, or take it out of the set"
        )
    say_orientations(records, records, findings)
    look_at_boxes(records, records, findings, boxes_shown=False)
    say_same_files(records, records, findings)
    faults, taken = look_at_masks(records, records)
    for sentence in faults:
        findings.problem("masks that cannot be used", sentence)
    say_masks(taken, findings)
    return list(findings.all)


def _by_file(dataset: Dataset) -> dict[tuple[Path, object], Record]:
    # One picture may hold several tattoos, each with a box of its own.
    return {(record.path, record.box): record for record in dataset.records.values()}
