"""Whether judging kept to the memory that it was given, and what is said where it did not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.data.findings import Finding
from harness.matching.units import LIBRARIES, held_bytes, peak_bytes
from harness.tasks.comparisons import judged_within

__all__ = ["JUDGING_MEMORY", "judged_in", "remark_on_memory"]

JUDGING_MEMORY = "judging-memory"
"""Code of the finding that judging took more than ``--memory``."""


@contextmanager
def judged_in(memory: int, comparisons: int) -> Iterator[list[Finding]]:
    """Judge within some memory, and take note if it was more.

    Parameters
    ----------
    memory
        Bytes that judging may take.
    comparisons
        Whose scores are kept.

    Yields
    ------
    list of Finding
        Empty, until the block has ended.
    """
    found: list[Finding] = []
    held, highest = held_bytes(), peak_bytes()
    with judged_within(memory):
        yield found
    now = peak_bytes()
    if now > highest:  # else something before took more, and nothing is known of this
        remark = remark_on_memory(memory, comparisons, held, now)
        found += [] if remark is None else [remark]


def remark_on_memory(memory: int, comparisons: int, held: int, most: int) -> Finding | None:
    """Say that judging took more memory than it was given, and why; None where it did not.

    Parameters
    ----------
    memory
        Bytes that it might take.
    comparisons
        Whose scores are kept.
    held
        Bytes that the process held before; what is more than libraries is not judging's.
    most
        Bytes that it has held at most.
    """
    before = min(held, LIBRARIES)
    taken = before + most - held
    if taken <= memory:
        return None
    what = "what is measured of every picture is"
    if comparisons:
        what = (
            f"the scores of {comparisons:,} comparisons, who is whose mate among them, and the "
            "candidate list of every search are"
        )
    return Finding(
        JUDGING_MEMORY,
        "warning",
        f"judging took {_megabytes(taken)} of memory, and --memory says {_megabytes(memory)}: "
        f"{_megabytes(before)} were held before it began, and {what} held at once; no number "
        "depends on it",
    )


def _megabytes(size: int) -> str:
    return f"{10 * round(size / 10**7):,} MB"
