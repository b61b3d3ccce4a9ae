"""What a check is: a class with a code, and what it says of a run."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

import msgspec

from harness.tasks.catalogue import CATALOGUE

if TYPE_CHECKING:
    from harness.record.checks.examined import ExaminedRun

__all__ = [
    "CODE",
    "SEVERITIES",
    "Check",
    "Checked",
    "Evidence",
    "Severity",
    "Verdict",
    "issue",
    "named",
    "not_applicable",
    "passed",
    "tip",
]

Severity: TypeAlias = Literal["issue", "tip", "silenced", "passed", "not applicable"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""In the order in which they are read."""

Evidence: TypeAlias = Mapping[str, float | int | str | None]
"""Figures and words that a verdict follows from, each by what it is."""

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Of a check: lower-case words joined by hyphens, as the codes of findings are."""

PAGE = "docs/checks.md"


class Verdict(msgspec.Struct, frozen=True):
    """What a check says of a run.

    Parameters
    ----------
    severity
        ``issue``: the numbers do not mean what they seem to; ``tip``: they do, and could mean more;
        ``passed``; ``not applicable``.
    sentence
        What was found, or why nothing could be; what to do, if there is something to do.
    evidence
        What it follows from.
    """

    severity: Severity
    sentence: str
    evidence: dict[str, float | int | str | None] = {}


def issue(sentence: str, evidence: Evidence | None = None) -> Verdict:
    """Return that the numbers of a run do not mean what they seem to."""
    return Verdict("issue", sentence, dict(evidence or {}))


def tip(sentence: str, evidence: Evidence | None = None) -> Verdict:
    """Return that the numbers of a run could mean more, or need to be read with care."""
    return Verdict("tip", sentence, dict(evidence or {}))


def passed(sentence: str, evidence: Evidence | None = None) -> Verdict:
    """Return that nothing was found."""
    return Verdict("passed", sentence, dict(evidence or {}))


def not_applicable(sentence: str, evidence: Evidence | None = None) -> Verdict:
    """Return why a check has nothing to look at: no data is no pass."""
    return Verdict("not applicable", sentence, dict(evidence or {}))


class Checked(msgspec.Struct, frozen=True):
    """A verdict with the check that it is of, as pages, terminals and programs have it.

    Parameters
    ----------
    code, title, page
        Of the check.
    severity, sentence, evidence
        Of its verdict; ``silenced`` in the place of issue and tip where somebody said why.
    because
        Why it is silenced.
    """

    code: str
    severity: Severity
    title: str
    sentence: str
    evidence: dict[str, float | int | str | None]
    page: str
    because: str = ""


class Check(ABC):
    """Looks at a finished run for one thing; derive from it, and define `look`.

    Attributes
    ----------
    code
        Under which it is found, silenced and asked for: lower-case words joined by hyphens. Of a
        file in a plugin folder, too, it never changes.
    title
        What is looked for, in a few words: of a heading.
    page
        Where it is explained, as an address or a path; ours are in `docs/checks.md`.
    remarks
        Codes of findings of the run that the check takes up, or how they begin: pages show them as
        its evidence, and not a second time.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    page: ClassVar[str] = ""
    remarks: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def look(self, run: ExaminedRun) -> Verdict:
        """Return what is found in a run: an issue, a tip, that it passed, or why not applicable."""

    @classmethod
    def explained(cls) -> str:
        """Return what the class says of itself."""
        return inspect.getdoc(cls) or ""


def named(metric: str) -> str:
    """Return a metric's name within a sentence.

    >>> named("hit-rate@rank=10"), named("fnmr@fmr=0.01"), named("eer")
    ('hit rate at rank 10', 'FNMR at FMR 0.01', 'EER')
    """
    name, _, options = metric.partition("@")
    label = CATALOGUE[name].label if name in CATALOGUE else name
    label = label.partition("(")[2].rstrip(")") or label
    read_at = [one.partition("=") for one in options.split(",") if one]
    words = [f"{key if key == 'rank' else key.upper()} {value}" for key, _, value in read_at]
    lowered = label if label[1:2].isupper() else label[:1].lower() + label[1:]
    return " at ".join([lowered, " and ".join(words)] if words else [lowered])
