"""The conformance kit: does an algorithm keep to the interface? Behind `harness check NAME`.

A check that needs another one to have passed is left out when it has not, so that the findings
name the fault itself and not everything that follows from it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.api import (
    ABILITIES,
    Algorithm,
    Control,
    Detector,
    Matcher,
    Remover,
    Searcher,
    Segmenter,
    Tagger,
    describes,
    rates,
)
from harness.conformance import programs
from harness.conformance.checks import Subject
from harness.errors import PluginError
from harness.execution.answers import BadAnswer
from harness.plugins.programs.client import Program

QUICK = "check"
"""Preset that the kit uses where a class declares it: for algorithms that train for minutes."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Parameters
    ----------
    name
        What was checked, in a few words.
    passed
        Whether the algorithm keeps to it.
    message
        What was seen; for a failure also what the author should do.
    """

    name: str
    passed: bool
    message: str


def check(
    algorithm: type[Algorithm],
    parameters: Mapping[str, Any] | None = None,
    *,
    folder: Path,
) -> list[Finding]:
    """Run every check that applies and return what was found; see `examine`."""
    return list(examine(algorithm, parameters, folder=folder))


def examine(
    algorithm: type[Algorithm],
    parameters: Mapping[str, Any] | None = None,
    *,
    folder: Path,
) -> Iterator[Finding]:
    """Run the checks one by one, yielding each finding as soon as it is known.

    Parameters
    ----------
    algorithm
        A class with an ability, or with several: one of `ABILITIES`.
    parameters
        Values that win over the defaults, and over the preset ``check`` where there is one.
    folder
        An existing folder; models are saved below it.

    Yields
    ------
    Finding
        Checks that need an earlier one which has not passed are left out.

    Raises
    ------
    PluginError
        If the class has no ability at all.
    """
    abilities = [ability for ability in ABILITIES if issubclass(algorithm, ability)]
    if not abilities:
        raise PluginError(f"{algorithm.__name__} has no ability: derive it from Matcher")
    chosen = {**algorithm.presets.get(QUICK, {}), **(parameters or {})}
    passed: set[str] = set()
    for ability in abilities:
        subject = Subject(algorithm, ability, chosen, folder)
        # What holds for one ability says nothing about the next.
        passed &= {item.run.__name__ for item in EVERY}
        items = (*(EVERY if ability is abilities[0] else FIT), *OF_ABILITY[ability])
        if ability in (Matcher, Searcher) and rates(algorithm):
            items = (*items, RATED)
        if ability is Matcher and describes(algorithm):
            items = (*items, DESCRIBED)
        for finding in run(items, subject, passed):
            name = finding.name if len(abilities) == 1 else f"{ability.__name__}: {finding.name}"
            yield Finding(name, finding.passed, finding.message)
    program = getattr(algorithm, "program", None)
    if isinstance(program, Program):
        subject = Subject(algorithm, abilities[0], chosen, folder)
        yield from run(OF_PROGRAMS, subject, {item.run.__name__ for item in EVERY})


def run(items: Iterable[Check], subject: Subject, passed: set[str]) -> Iterator[Finding]:
    """Run checks one by one.

    Parameters
    ----------
    passed
        Names of the methods of `Subject` that have passed; those that pass are added.
    """
    for item in items:
        if passed.issuperset(item.needs):
            finding = _finding(item, subject)
            key = item.run.__name__
            passed.discard(key)
            if finding.passed:
                passed.add(key)
            yield finding


@dataclass(frozen=True)
class Check:
    """A check, the names of those it needs, and what to say when the algorithm just crashes."""

    run: Callable[[Subject], str]
    name: str
    needs: tuple[str, ...] = ()
    advice: str = "It must not raise anything here"


def _finding(item: Check, subject: Subject) -> Finding:
    try:
        return Finding(item.name, passed=True, message=item.run(subject))
    except (BadAnswer, PluginError) as fault:
        return Finding(item.name, passed=False, message=str(fault))
    except Exception as reason:  # whatever an author's code raises is a finding
        return Finding(item.name, passed=False, message=f"{where(reason)}. {item.advice}")


def where(reason: Exception) -> str:
    """Say what was raised, and on which line of the author's."""
    frames = traceback.extract_tb(reason.__traceback__)
    package = str(Path(__file__).parent.parent)
    last = ([f for f in frames if not f.filename.startswith(package)] or list(frames))[-1]
    place = f"{Path(last.filename).name}, line {last.lineno}: {last.line}"
    return f"raised {type(reason).__name__}: {reason} ({place})"


_READ_ONLY = "Do not write to the arrays you are given; work on a copy"
_MODEL = (
    "Everything that fit learns belongs in attributes ending in '_' that are arrays or plain "
    "values, or in your own save and load"
)

FIT = (Check(Subject.fits, "fits", ("declared", "built"), "fit must accept any training set"),)
"""What has to be done before the methods of an ability can be checked."""

EVERY = (
    Check(Subject.declared, "is a dataclass of its own"),
    Check(Subject.documented, "has a docstring"),
    Check(Subject.built, "can be built", ("declared",), "Its parameters must be enough"),
    *FIT,
    Check(Subject.parameters_kept, "keeps its parameters", ("fits",)),
)
"""Checks of every algorithm, whatever its ability."""

_ANSWERS = (
    Check(Subject.answers, "answers ordinary pictures", ("fits",)),
    Check(Subject.images_unchanged, "leaves images unchanged", ("answers",), _READ_ONLY),
    Check(Subject.repeatable, "same image, same answer", ("images_unchanged",)),
    Check(Subject.batch_independent, "does not depend on the batch", ("repeatable",)),
)
_MODELS = ("repeatable",)
_KEPT = (
    Check(Subject.odd_survived, "survives odd pictures", ("images_unchanged",)),
    Check(Subject.saved, "answers alike after save and load", _MODELS, _MODEL),
    Check(Subject.fitted_twice, "one seed, one model", _MODELS),
)
_SEARCHED = ("images_unchanged", "searched")
_SCORED = (*_MODELS, "comparison_repeatable")

RATED = Check(Subject.rated, "rates pictures from 0 to 1", ("images_unchanged",), _READ_ONLY)
"""Check of an algorithm that says how good images are for comparing."""

DESCRIBED = Check(Subject.described, "words compare with pictures", ("templates_unchanged",))
"""Check of a matcher that takes words."""

OF_PROGRAMS = (
    Check(programs.made_of, "what it is, is known"),
    Check(programs.says_goodbye, "ends when it is told to"),
    Check(programs.ends_with_its_input, "ends with its standard input"),
)
"""Checks of a program that speaks the line protocol, after those of its abilities."""

OF_ABILITY: dict[type[Algorithm], tuple[Check, ...]] = {
    Matcher: (
        *_ANSWERS,
        Check(Subject.compared, "scores are finite and of the right shape", ("images_unchanged",)),
        Check(Subject.templates_unchanged, "leaves templates unchanged", ("compared",), _READ_ONLY),
        Check(
            Subject.comparison_repeatable, "same templates, same scores", ("templates_unchanged",)
        ),
        Check(
            Subject.comparison_independent,
            "a score depends on its own pair only",
            ("comparison_repeatable",),
        ),
        Check(Subject.self_match, "higher is more alike", ("templates_unchanged",)),
        Check(Subject.odd_survived, "survives odd pictures", ("templates_unchanged",)),
        Check(Subject.saved, "answers alike after save and load", _SCORED, _MODEL),
        Check(Subject.fitted_twice, "one seed, one model", _SCORED),
    ),
    Searcher: (
        *_ANSWERS,
        Check(Subject.searched, "lists are whole, sorted and of its references", _SEARCHED[:1]),
        Check(Subject.searches_apart, "a search does not depend on others", _SEARCHED[1:]),
        Check(Subject.head_of_longer, "a shorter list is the head of a longer one", _SEARCHED[1:]),
        Check(Subject.finds_itself, "higher is more alike", _SEARCHED[1:]),
        Check(Subject.odd_survived, "survives odd pictures", ("images_unchanged",)),
        Check(Subject.saved, "answers alike after save and load", (*_MODELS, *_SEARCHED), _MODEL),
        Check(Subject.fitted_twice, "one seed, one model", (*_MODELS, *_SEARCHED)),
    ),
    Detector: (
        *_ANSWERS,
        Check(Subject.higher_means_tattoo, "higher means a tattoo", ("images_unchanged",)),
        *_KEPT,
    ),
    Tagger: (
        *_ANSWERS,
        Check(Subject.tags_learned, "higher means the tag applies", ("images_unchanged",)),
        *_KEPT,
    ),
    Segmenter: (
        *_ANSWERS,
        Check(Subject.mask_learned, "higher means a tattoo's pixel", ("images_unchanged",)),
        *_KEPT,
    ),
    Remover: (*_ANSWERS, *_KEPT),
    Control: (Check(Subject.answered, "answers any shape of truth", ("fits",)),),
}
"""Checks of an ability, in the order in which they are run."""
