"""Which of several runs a row takes: that of the validated method, and none where two could be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.comparing.changes import DIGITS
from harness.record.manifest import value_text
from harness.runs.validation.judged import JudgedRun, NotInData


def of_one_method(judged: JudgedRun, candidates: Sequence[JudgedRun], what: str) -> list[JudgedRun]:
    """Return the runs of the same algorithm, parameters, source and weights as another one.

    Parameters
    ----------
    judged
        The other one.
    candidates
        At least one.
    what
        As for `the_one`.

    Raises
    ------
    NotInData
        If there is none.
    """
    same = [one for one in candidates if _recipe(one) == _recipe(judged)]
    if not same:
        raise NotInData(
            f"the run {what} is of another algorithm, other parameters or another source, so "
            "its scores mean something else"
        )
    return same


def the_one(candidates: Sequence[JudgedRun], what: str) -> JudgedRun:
    """Return the only run of those that are what a row asks for.

    Parameters
    ----------
    candidates
        At least one.
    what
        That they are, for the sentence: ``of protocol 'search'``.

    Raises
    ------
    NotInData
        If there are several, with what tells them apart.
    """
    if len(candidates) == 1:
        return candidates[0]
    facts = [_choices(one) for one in candidates]
    shared = set.intersection(*(set(one.items()) for one in facts))
    called = []
    for one, own in zip(candidates, facts, strict=True):
        differs = ", ".join(
            f"{name} {value}" for name, value in own.items() if (name, value) not in shared
        )
        called.append(one.manifest.identity[:DIGITS] + (f" with {differs}" if differs else ""))
    raise NotInData(
        f"{len(candidates)} of the runs are {what}, and a row takes one: name one of "
        f"{', '.join(called)}, and validate the others by themselves"
    )


def _recipe(one: JudgedRun) -> tuple[Any, ...]:
    origin = one.manifest.origin
    if one.manifest.imported is not None:  # its source is a file of scores, so it goes by its name
        return origin.algorithm, origin.parameters
    return origin.algorithm, origin.source_hash, origin.parameters, origin.weight_hashes


def _choices(one: JudgedRun) -> dict[str, str]:
    """Return what whoever ran it chose, in words."""
    origin = one.manifest.origin
    by = origin.attack.parameters if origin.attack is not None else {}
    return {
        "protocol": origin.protocol,
        "data set": one.data_name,
        **{name: value_text(value) for name, value in origin.parameters.items()},
        **{f"{name} of the attack": value_text(value) for name, value in by.items()},
    }
