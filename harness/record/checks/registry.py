"""All checks: ours, those of files in plugin folders, and those that packages offer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.errors import HarnessError, PluginError, UsageError, nearest
from harness.plugins.importing import imported, only_class
from harness.plugins.registry import explained, named_folders, of_packages
from harness.record.checks.calibration import OtherCalibration
from harness.record.checks.chance import AtChance
from harness.record.checks.check import CODE, PAGE, Check, Verdict, issue
from harness.record.checks.errors import FewErrors
from harness.record.checks.examined import ExaminedRun
from harness.record.checks.fits import OneFit
from harness.record.checks.identities import FewIdentities
from harness.record.checks.outstanding import TooGood
from harness.record.checks.photographs import SamePhotograph
from harness.record.checks.refusals import Refused
from harness.record.checks.shortcut import Shortcut
from harness.record.checks.thresholds import NotThresholdable
from harness.record.checks.ties import TiesDecide
from harness.record.checks.training import LearnedAndJudged

__all__ = ["CHECKS", "ENTRY_POINTS", "FOLDER", "checks", "find_check", "page_of"]

CHECKS: tuple[type[Check], ...] = (
    SamePhotograph,
    LearnedAndJudged,
    Shortcut,
    AtChance,
    FewErrors,
    FewIdentities,
    OneFit,
    Refused,
    TiesDecide,
    NotThresholdable,
    OtherCalibration,
    TooGood,
)
"""Ours, in the order of the page."""

ENTRY_POINTS = "tattoo_harness.checks"
"""Group in which an installed package offers checks: ``name = "package.module:Class"``."""

FOLDER = "checks"
"""Of a plugin folder, in which each Python file is a check."""


def checks(extra: Iterable[Path] = ()) -> list[Check]:
    """Return every check: ours, then those of plugin folders and packages by their files' names.

    One that cannot be loaded is there all the same, and says so of every run: a check that somebody
    relies on must not be missing without a word.

    Parameters
    ----------
    extra
        Plugin folders beside those that the environment names.

    Returns
    -------
    list of Check
        Each with a code of its own: the second of one code stands there as one that cannot be
        loaded.
    """
    found = [kind() for kind in CHECKS]
    found += [_loaded(file) for file in _files(extra)]
    found += [
        _of_package(entry.value, entry.load, file) for entry, file in of_packages(ENTRY_POINTS)
    ]
    by_code: dict[str, Check] = {}
    for one in found:
        code = one.code
        if code in by_code:
            reason = (
                f"{_place(one)} has the code {code!r}, as {_place(by_code[code])} has; give one of "
                "them another"
            )
            while code in by_code:
                code += "-again"
            one = _Broken(code, reason)
        by_code[code] = one
    return list(by_code.values())


def find_check(code: str, among: Iterable[Check]) -> Check:
    """Return the check of a code.

    Parameters
    ----------
    among
        What `checks` returned.

    Raises
    ------
    UsageError
        If there is none; it names the nearest.
    """
    known = {one.code: one for one in among}
    if code not in known:
        raise UsageError(
            f"no check has the code {code!r}.{nearest(code, known)} Known: {', '.join(known)}"
        )
    return known[code]


def page_of(check: Check) -> str:
    """Return where a check is explained; empty where its author does not say."""
    return f"{PAGE}#{check.code}" if type(check) in CHECKS else check.page


class _Broken(Check):
    """Stands for a check that cannot be loaded."""

    title = "This check cannot be loaded"

    def __init__(self, code: str, reason: str) -> None:
        self.code = code  # type: ignore[misc]
        self._reason = " ".join(reason.split())

    def look(self, run: ExaminedRun) -> Verdict:
        """Return why."""
        return issue(self._reason)


def _files(extra: Iterable[Path]) -> Iterator[Path]:
    for folder in named_folders(extra):
        yield from sorted((folder / FOLDER).glob("[!_.]*.py"))


def _loaded(file: Path) -> Check:
    def load() -> type[Check]:
        module = imported(file, "harness_check_")
        return only_class(module, file, Check, "Check")  # type: ignore[type-abstract]

    return _of_package(file.stem, load, file)


def _of_package(name: str, load: Callable[[], object], file: Path) -> Check:
    code = name.rpartition(".")[2].rpartition(":")[2].replace("_", "-").lower()
    try:
        with explained(file, "cannot be loaded as a check"):
            return _sound(load(), file)
    except (HarnessError, OSError) as reason:
        return _Broken(code, str(reason))


def _sound(kind: object, file: Path) -> Check:
    """Return a check of a class that is one.

    Raises
    ------
    PluginError
        If it lacks what every check has.
    """
    if not (inspect.isclass(kind) and issubclass(kind, Check)):
        raise PluginError(f"{file}: {kind!r} is no class derived from Check")
    code, title = getattr(kind, "code", None), getattr(kind, "title", None)
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise PluginError(
            f"{file}: the code of {kind.__name__} is {code!r}; expected lower-case words joined by "
            'hyphens, such as code = "few-errors"'
        )
    if not isinstance(title, str) or not title.strip():
        raise PluginError(
            f'{file}: {kind.__name__} has no title; write title = "what it looks for"'
        )
    return kind()


def _place(check: Check) -> str:
    return str(inspect.getsourcefile(type(check)) or type(check).__module__)
