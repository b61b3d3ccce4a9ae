"""A validation made again from its runs, and held against the one that a folder keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import HarnessError
from harness.record.evidence.changes import changes
from harness.record.evidence.validated import CRITERIA, FACTS
from harness.record.files import read_bytes, read_json
from harness.runs.validation.criteria import LARGEST_CRITERIA, parse_criteria
from harness.runs.validation.matrix import validate

__all__ = ["faults"]


def faults(folder: Path, runs: Sequence[Path]) -> list[str]:
    """Return in what a validation does not follow from its runs, in sentences.

    Parameters
    ----------
    folder
        Of the validation.
    runs
        Folders of its runs, in the order in which it names them.

    Raises
    ------
    HarnessError
        If its criteria or its numbers cannot be read.
    """
    content = read_bytes(folder, CRITERIA, LARGEST_CRITERIA)
    criteria = parse_criteria(content, str(folder / CRITERIA))
    kept = read_json(folder, FACTS, dict[str, Any])
    try:
        found, _ = validate(runs, criteria, content, checklist=bool(kept.get("checklist")))
    except HarnessError as reason:
        return [f"{FACTS}: cannot be made again from its runs: {reason}"]
    found.harness = str(kept.get("harness"))
    now = msgspec.json.decode(msgspec.json.encode(found))
    # Where a run lies is no part of what it came to.
    for one, other in zip(kept.get("runs", []), now["runs"], strict=False):
        other["folder"] = one["folder"]
    return [f"{FACTS}: {one}" for one in changes(kept, now, "written")]
