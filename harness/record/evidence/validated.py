"""What is signed of a validation: its verdicts, row by row, on which runs, by which criteria.

The folder is written by `harness validate`; of its numbers this reads what a statement repeats.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.record.files import digest, is_regular, read_json

__all__ = [
    "CRITERIA",
    "FACTS",
    "ValidatedRun",
    "ValidationFacts",
    "Verdict",
    "faults",
    "validation_in",
]

FACTS, CRITERIA = "validation.json", "criteria.toml"
"""Files of a validation: its numbers, and the criteria byte for byte."""


class Verdict(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A row: a metric with its 95 % interval, held against a criterion.

    Parameters
    ----------
    criterion
        Its number in the file, from 1.
    metric, group
        Id of the metric, and what the row is of; empty for a whole run.
    at_least, at_most
        What satisfies the criterion; None for no limit.
    value, low, high
        The result; None where there is none.
    verdict
        In words.
    """

    criterion: int
    metric: str
    verdict: str
    group: str = ""
    at_least: float | None = None
    at_most: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


class ValidatedRun(msgspec.Struct, forbid_unknown_fields=True):
    """A run that rows are of: hashes of its recipe, its result and its preregistration."""

    identity: str
    result: str
    preregistration: str


class ValidationFacts(msgspec.Struct, forbid_unknown_fields=True):
    """A validation.

    Parameters
    ----------
    verdict
        Over all rows.
    criteria_sha256
        Of the file of criteria.
    rows, runs
        In their order.
    """

    verdict: str
    criteria_sha256: str
    rows: list[Verdict]
    runs: list[ValidatedRun]


class _Row(msgspec.Struct):
    criterion: int
    metric: str
    group: str
    low_limit: float | None
    high_limit: float | None
    value: float | None
    low: float | None
    high: float | None
    verdict: str


class _Run(msgspec.Struct):
    identity: str
    result_hash: str
    preregistration: str


class _Validation(msgspec.Struct):
    verdict: str
    criteria_hash: str
    rows: list[_Row]
    runs: list[_Run]


def validation_in(folder: Path) -> ValidationFacts | None:
    """Return what is signed of a validation; None where a folder holds none.

    Raises
    ------
    BadFile
        If its numbers cannot be read.
    """
    if not is_regular(folder, FACTS):
        return None
    found = read_json(folder, FACTS, _Validation, partly=True)
    rows = [
        Verdict(
            criterion=one.criterion,
            metric=one.metric,
            verdict=one.verdict,
            group=one.group,
            at_least=one.low_limit,
            at_most=one.high_limit,
            value=one.value,
            low=one.low,
            high=one.high,
        )
        for one in found.rows
    ]
    runs = [ValidatedRun(one.identity, one.result_hash, one.preregistration) for one in found.runs]
    return ValidationFacts(found.verdict, found.criteria_hash, rows, runs)


def faults(folder: Path, facts: ValidationFacts) -> list[str]:
    """Return what of a validation contradicts itself, in sentences.

    Parameters
    ----------
    folder
        Of the validation.
    facts
        What `validation_in` returned.
    """
    if not is_regular(folder, CRITERIA):
        return [f"{CRITERIA}: is missing"]
    if digest(folder, CRITERIA) != facts.criteria_sha256:
        return [f"{CRITERIA}: is not the file of criteria that {FACTS} names"]
    return []
