"""What is wrong with a TOML file that becomes a `Table`, in sentences: all of it at once."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from harness.errors import UsageError, nearest, shortened, some

MOST_FAULTS = 50
"""Faults of one file that are listed."""


def sentences(reason: ValidationError, model: type[BaseModel], table: str = "") -> list[str]:
    """Return what a class of tables says against a table, a sentence each.

    Parameters
    ----------
    reason
        What validation raised.
    model
        The class.
    table
        Name of the table within the file; empty for the file itself.
    """
    return [_sentence(fault, model, table) for fault in reason.errors()]


def refusal(what: str, faults: Sequence[str]) -> UsageError:
    """Return the error that lists the faults of a file, the first `MOST_FAULTS` of them.

    Parameters
    ----------
    what
        Kind and name of the file, as in ``protocol mine.toml``.
    faults
        Sentences.
    """
    left = len(faults) - MOST_FAULTS
    return UsageError(
        f"{what} has {some(len(faults), 'fault')}:\n"
        + "\n".join(f"  - {shortened(fault)}" for fault in faults[:MOST_FAULTS])
        + f"\n  - ... and {left} more" * (left > 0)
    )


def _sentence(fault: Any, model: type[BaseModel], table: str) -> str:
    """Say what is wrong with a value of a table: of the file's, or of one within it."""
    where = table
    for part in fault["loc"]:
        # Tables of one name are counted from 1, as people count.
        where += f" {part + 1}" if isinstance(part, int) else f".{part}" if where else part
    keys = [part for part in fault["loc"] if isinstance(part, str)]
    if fault["type"] == "extra_forbidden":
        for part in keys[:-1]:
            model = _within(model, part)
        known = [field.alias or name for name, field in model.model_fields.items()]
        return f"{where}: no such key.{nearest(keys[-1], known)}"
    if fault["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {fault['msg']}, got {fault['input']!r}"


def _within(model: type[BaseModel], key: str) -> type[BaseModel]:
    """Return the class of the table, or of the tables, that stand under a key."""
    (field,) = (f for name, f in model.model_fields.items() if (f.alias or name) == key)
    kinds = (field.annotation, *get_args(field.annotation))
    return next(one for one in kinds if inspect.isclass(one) and issubclass(one, BaseModel))
