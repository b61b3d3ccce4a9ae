"""What protected a run from its algorithm: gathered from its steps, and said where it is little."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.data.findings import Finding
from harness.execution.fence import INSIDE, Fence
from harness.execution.spot_checks import Checked
from harness.record.files import step_files
from harness.record.manifest import Protection

_NETWORKS = ("open", "tcp refused", "sockets refused", "namespace")
_PROCESSES = (INSIDE, "process group", "subreaper", "pid namespace")
"""From the weakest on."""


def protection_of(units: Sequence[Path], checked: Checked | None) -> Protection:
    """Return what held in every step of a run that an algorithm took part in.

    Parameters
    ----------
    units
        Their folders.
    checked
        What was answered again; None where nothing was, since a control is shown the truth.
    """
    weakest = weakest_of(
        [
            Fence(**{**facts, "missing": tuple(facts["missing"])})
            for unit in units
            for path in step_files(unit)
            if (facts := _fence_in(path)) is not None
        ]
    )
    if weakest is None:
        return Protection(missing=["a record of its fence"], exempt=checked is None)
    found = checked or Checked()
    return Protection(
        landlock=weakest.landlock,
        network=weakest.network,
        processes=weakest.processes,
        missing=list(weakest.missing),
        words=weakest.sentence,
        pictures=found.pictures,
        pairs=found.pairs,
        largest=found.largest,
        exempt=checked is None,
    )


def weakest_of(fences: Sequence[Fence]) -> Fence | None:
    """Return what held in each of several fences; None where there is none."""
    if not fences:
        return None
    return Fence(
        landlock=min(fence.landlock for fence in fences),
        network=min((fence.network for fence in fences), key=_NETWORKS.index),
        processes=min((fence.processes for fence in fences), key=_PROCESSES.index),
        missing=tuple(dict.fromkeys(clause for fence in fences for clause in fence.missing)),
    )


def remark_on(protection: Protection) -> Finding | None:
    """Return what a reader has to know where no fence could be had."""
    if protection.processes == INSIDE:
        return Finding("in-process", "warning", protection.words)
    if protection.fenced or protection.exempt:
        return None
    return Finding(
        "no-fence",
        "warning",
        "This machine offers no full fence around an algorithm, so only its author's honesty kept "
        f"it from files or from the network. {protection.words}".strip(),
    )


def _fence_in(path: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = msgspec.json.decode(path.read_bytes()).get("fence")
    return found
