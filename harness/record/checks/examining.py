"""Runs are examined: every check looks at every run, and what somebody silenced says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from harness.data.findings import Finding
from harness.errors import BadFile
from harness.plugins.registry import explain
from harness.record import record
from harness.record.checks.check import SEVERITIES, Check, Checked, Verdict, issue
from harness.record.checks.examined import ExaminedRun
from harness.record.checks.registry import checks, find_check, page_of
from harness.record.files import LARGEST_LIST, decoded, read_sealed
from harness.record.joined import fits_of, is_joined, read_metrics
from harness.record.kept_run import kept_run
from harness.record.searches import AS_JSON, SEARCHES, read_searches
from harness.tasks.reading import read_protocol
from harness.tasks.results import Judgement, Metrics

__all__ = [
    "examine",
    "examine_fits",
    "examine_folder",
    "firing",
    "read_examined",
    "taken_up",
]


def examine(
    run: ExaminedRun, extra: Iterable[Path] = (), silenced: Mapping[str, str] | None = None
) -> list[Checked]:
    """Let every check look at a run.

    A check that fails is an issue of its own: it has not passed.

    Parameters
    ----------
    extra
        Plugin folders.
    silenced
        Why a check is not to be heard, by its code, beside what the run's protocol says.

    Returns
    -------
    list of Checked
        Issues first, then tips, what is silenced, what passed and what does not apply; each in the
        order of the registry.

    Raises
    ------
    UsageError
        If a code of `silenced` is no check's.
    """
    known = checks(extra)
    for code in silenced or {}:
        find_check(code, known)
    reasons = {**run.protocol.checks.silence, **(silenced or {})}
    found = [_checked(one, run, reasons.get(one.code, "")) for one in known]
    for code in sorted(reasons.keys() - {one.code for one in known}):
        said = "the protocol silences it, and no check of this code is known here"
        found.append(Checked(code, "not applicable", code, said, {}, "", reasons[code]))
    return _in_order(found)


def examine_folder(
    folder: Path, extra: Iterable[Path] = (), silenced: Mapping[str, str] | None = None
) -> list[Checked]:
    """Examine a finished run, or the fits of an entry that joins several.

    Of several fits the worst verdict of each check counts, and says how many fits have it.

    Raises
    ------
    UsageError
        If the folder is not a run, or as `examine` says.
    Damaged
        If the run is not finished, or what it is judged by changed since it was written.
    """
    extra = tuple(extra)
    if not is_joined(folder):
        return examine(read_examined(folder), extra, silenced)
    return examine_fits(fits_of(folder), read_metrics(folder), extra, silenced)


def examine_fits(
    places: Sequence[Path],
    metrics: Metrics,
    extra: Iterable[Path] = (),
    silenced: Mapping[str, str] | None = None,
) -> list[Checked]:
    """Examine the folders of several fits with their joint numbers; as `examine_folder` does."""
    extra = tuple(extra)
    of_fits = [
        examine(read_examined(place, metrics, len(places)), extra, silenced) for place in places
    ]
    by_code: dict[str, list[Checked]] = {}
    for found in of_fits:
        for one in found:
            by_code.setdefault(one.code, []).append(one)
    return _in_order(map(_worst, by_code.values()))


def read_examined(folder: Path, joint: Metrics | None = None, fits: int = 1) -> ExaminedRun:
    """Read a finished run as checks look at it.

    Parameters
    ----------
    joint
        What several fits came to together, of which this is one.
    fits
        How many they are.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If the run is not finished, or what it is judged by changed since it was written.
    """
    record.check_answers(folder)
    listed = record.read_checksums(folder)
    content = read_sealed(folder, record.METRICS, listed, LARGEST_LIST)
    metrics = decoded(folder / record.METRICS, content, Metrics)
    if metrics.headline not in metrics.pooled:
        fault = f"has no value for its headline {metrics.headline!r}"
        raise BadFile(folder / record.METRICS, fault, "$.pooled")
    if joint is not None:
        metrics = msgspec.structs.replace(joint, subsets=metrics.subsets)
    if record.FORENSIC in listed:
        read_sealed(folder, record.FORENSIC, listed, LARGEST_LIST)
    kept = kept_run(folder, metrics)
    protocol, _ = read_protocol(folder / record.PROTOCOL)
    return ExaminedRun(
        folder,
        protocol,
        record.read_manifest(folder),
        metrics,
        _searches(folder, listed),
        kept.records if kept is not None else {},
        kept,
        fits,
    )


def firing(checked: Iterable[Checked], fail_on: Sequence[str]) -> list[Checked]:
    """Return what a caller asked to be stopped by.

    Parameters
    ----------
    fail_on
        Codes, each of which fires as an issue or a tip; and ``issue`` for every issue, ``tip`` for
        every tip and issue.
    """
    severe = {"issue"} if "issue" in fail_on else set()
    severe |= {"issue", "tip"} if "tip" in fail_on else set()
    return [
        one
        for one in checked
        if one.severity in severe or (one.severity in ("issue", "tip") and one.code in fail_on)
    ]


def taken_up(
    findings: Iterable[Finding], checked: Iterable[Checked], extra: Iterable[Path] = ()
) -> list[Finding]:
    """Return the findings of a run that no check takes up: what is to be said beside the checks."""
    codes = {one.code for one in checked}
    begins = tuple(begin for one in checks(extra) if one.code in codes for begin in one.remarks)
    return [one for one in findings if not begins or not one.code.startswith(begins)]


def _searches(folder: Path, listed: Mapping[str, str]) -> list[Judgement]:
    if SEARCHES not in listed and AS_JSON in listed:
        content = read_sealed(folder, AS_JSON, listed, LARGEST_LIST)
        return decoded(folder / AS_JSON, content, list[Judgement])
    content = read_sealed(folder, SEARCHES, listed, LARGEST_LIST)
    try:
        return read_searches(content, candidates=False)
    except ValueError as reason:
        raise BadFile(folder / SEARCHES, str(reason)) from None


def _checked(check: Check, run: ExaminedRun, reason: str) -> Checked:
    try:
        said: object = check.look(run)
        if isinstance(said, Verdict):
            found = said
        else:
            found = issue(
                f"the check answered with {type(said).__name__}, and not with a verdict: return "
                "issue(...), tip(...), passed(...) or not_applicable(...)"
            )
    except Exception as fault:  # whatever a check does, the run is finished and to be reported
        found = issue(_of_fault(check, fault))
    severity = "silenced" if reason and found.severity in ("issue", "tip") else found.severity
    return Checked(
        check.code,
        severity,
        check.title,
        found.sentence,
        found.evidence,
        page_of(check),
        reason if severity == "silenced" else "",
    )


def _of_fault(check: Check, fault: Exception) -> str:
    import inspect

    place = inspect.getsourcefile(type(check)) or type(check).__module__
    said = explain(fault, Path(place), "the check failed", Path(place).parent)
    return " ".join(said.split())


def _worst(found: Sequence[Checked]) -> Checked:
    """Return the worst verdict of several fits, which says how many have it."""
    worst = min(found, key=lambda one: SEVERITIES.index(one.severity))
    count = sum(one.severity == worst.severity for one in found)
    if count == len(found):
        return worst
    sentence = f"in {count} of {len(found)} fits: {worst.sentence}"
    return msgspec.structs.replace(worst, sentence=sentence)


def _in_order(found: Iterable[Checked]) -> list[Checked]:
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))
