"""Protocols: a TOML file becomes a checked `Protocol`, or one list of everything wrong with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.data.toml_text import table_of
from harness.errors import UsageError, nearest
from harness.metrics.ids import Metric
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.kinds import KINDS
from harness.tasks.protocol import MOST_RANKS, Protocol, Table
from harness.tasks.table_faults import refusal, sentences

LARGEST_PROTOCOL = 1 << 20
"""Bytes of a protocol's file; the longest of ours has a few thousand."""

_COUNTS, _RATES = ("rank", "k", "bins"), ("fmr", "fpir", "fpdr")
"""Options of metrics."""


def read_protocol(path: Path) -> tuple[Protocol, str]:
    """Read and check a protocol.

    Returns
    -------
    tuple
        The protocol, and the SHA-256 of the file's bytes.

    Raises
    ------
    UsageError
        If it is not TOML, or with every fault in it at once.
    """
    if not path.is_file():
        raise UsageError(f"protocol {path} is no file")
    if path.stat().st_size > LARGEST_PROTOCOL:
        raise UsageError(f"protocol {path} is larger than {LARGEST_PROTOCOL:,} bytes")
    content = path.read_bytes()
    return parse_protocol(content, str(path)), hashlib.sha256(content).hexdigest()


def parse_protocol(content: bytes, file_name: str) -> Protocol:
    """Check the bytes of a protocol; parameters and errors as for `read_protocol`."""
    try:
        table = table_of(content)
    except ValueError as reason:
        raise UsageError(f"protocol {file_name} is not TOML: {reason}") from None
    faults: list[str] = []
    protocol = None
    rules = _rules(table, faults)
    try:
        protocol = Protocol.model_validate({**table, "rules": rules})
    except ValidationError as reason:
        faults += sentences(reason, Protocol)
    faults += _metric_faults(table)
    if faults or protocol is None:
        raise refusal(f"protocol {file_name}", faults)
    return protocol


def _rules(table: dict[str, Any], faults: list[str]) -> Table:
    """Take the task's own table out of a protocol's; what is wrong with it joins the faults."""
    name = table.get("task")
    if "rules" in table:
        faults.append("rules: no such key")
    if not isinstance(name, str) or name not in KINDS:
        if name is not None:
            known = ", ".join(KINDS)
            faults.append(
                f"task: no question is called {name!r}.{nearest(str(name), KINDS)} Known: {known}"
            )
        for one in KINDS.keys() & table.keys():
            table.pop(one)
        return Table()
    kind = KINDS[name].rules
    try:
        return kind.model_validate(table.pop(name, {}))
    except ValidationError as reason:
        faults += sentences(reason, kind, name)
        return Table()


def _metric_faults(table: dict[str, Any]) -> list[str]:
    """Check metric ids against what the task can compute."""
    task, metrics = table.get("task"), table.get("metrics")
    if not isinstance(task, str) or task not in KINDS or not isinstance(metrics, list):
        return []
    offered = KINDS[task].metrics
    faults = []
    parsed = []
    for text in [*metrics, table.get("headline", "")]:
        try:
            metric = Metric.parse(str(text))
        except ValueError as reason:
            faults.append(f"metrics: {reason}")
            continue
        parsed.append(metric)
        options = tuple(name for name, _ in metric.options)
        if metric.name not in offered:
            faults.append(
                f"metrics: task {task!r} has no metric {metric.name!r}."
                f"{nearest(metric.name, offered)} Known: {', '.join(offered)}"
            )
        elif options != (taken := CATALOGUE[metric.name].names):
            wanted = ",".join(f"{option}=..." for option in taken)
            faults.append(
                f"metrics: {text!r} should read {metric.name + ('@' + wanted if wanted else '')!r}"
            )
        else:
            faults += [f"metrics: {text!r}: {fault}" for fault in option_faults(metric)]
    if parsed and parsed[-1] not in parsed[:-1] and not faults:
        faults.append("headline: is not among the metrics")
    return sorted(set(faults), key=faults.index)


def option_faults(metric: Metric) -> list[str]:
    """Say where ranks and the like do not count from 1, and where error rates are no rates.

    Parameters
    ----------
    metric
        With the options that its kind has.
    """
    faults = []
    for option, value in metric.options:
        if option in _COUNTS and (not isinstance(value, int) or not 1 <= value <= MOST_RANKS):
            faults.append(f"{option} is a whole number from 1 to {MOST_RANKS:,}, got {value!r}")
        if option in _RATES and (isinstance(value, str) or not 0 <= value <= 1):
            faults.append(f"{option} is a share from 0 to 1, got {value!r}")
    return faults
