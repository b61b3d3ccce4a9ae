"""The section on images that an algorithm gave up on, each named once however often it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import some
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.tasks.results import Failure

SHOWN = 50


def section(run: SectionInput) -> Section:
    """Return the section; where nothing failed it says so."""
    found = lines(run.outcome.failures)
    content = filled_from(
        "failures",
        failures=found[:SHOWN],
        hidden=len(found[SHOWN:]),
        summary=summary(run.outcome.failures),
    )
    return Section("failures", "Failures", content)


@dataclass(frozen=True)
class Line:
    """One image in one role, with what the algorithm said of it and in which folds."""

    name: str
    role: str
    folds: tuple[str, ...]
    reason: str


def lines(failures: Sequence[Failure]) -> list[Line]:
    """Return a line for every image, role and reason, in the order in which they first failed."""
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for failure in failures:
        key = (failure.name, failure.role, failure.reason)
        found.setdefault(key, {})[failure.fold] = None
    return [Line(name, role, tuple(folds), why) for (name, role, why), folds in found.items()]


def summary(failures: Sequence[Failure]) -> str:
    """Return how many images of which role failed: ``3 probes and 1 reference (in 5 folds)``.

    Folds are named where an image failed in more than one.

    Examples
    --------
    >>> summary([Failure(str(fold), "a.jpg", "reference", "too dark") for fold in range(5)])
    '1 reference (in 5 folds)'
    >>> summary([Failure("1", "a.jpg", "probe", ""), Failure("2", "b.jpg", "", "")])
    '1 image and 1 probe'
    """
    roles: dict[str, dict[str, set[str]]] = {}
    for failure in failures:
        named = roles.setdefault(failure.role or "image", {})
        named.setdefault(failure.name, set()).add(failure.fold)
    parts = []
    for role, named in sorted(roles.items()):
        folds = {fold for own in named.values() for fold in own}
        again = sum(map(len, named.values())) > len(named)
        parts.append(some(len(named), role) + (f" (in {len(folds)} folds)" if again else ""))
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
