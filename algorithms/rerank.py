"""The best candidates of one matcher, put in order by another: `--param first=... second=...`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness import parameter
from harness.api import Composite
from harness.tasks.composites import Reranking


@dataclass
class Rerank(Composite):
    """A first matcher searches the gallery; a second compares the best of what it found.

    Every probe is compared with the whole gallery by `first`, and with its best `k` candidates by
    `second`, whose scores put these in order; equal ones stay equal. All others stay below, in the
    order of `first`. So no search can be a hit whose mate is not among the best `k` of `first`: the
    share of searches that have one there, the ceiling, stands beside the result. A probe, or a
    candidate, that `second` cannot use keeps its place by `first`, below those that it can.

    Each part is an algorithm's name, its file or its folder, with a preset after a colon; its
    parameters are named after it, as in `--param first.size=128`, and its seed is the composite's.
    """

    first: str = parameter("arcface", "The matcher that searches the gallery.")
    second: str = parameter("sift", "The matcher that compares the best candidates.")
    k: int = parameter(50, "Candidates of each search that it compares.", minimum=1)

    parts: ClassVar[tuple[str, ...]] = ("first", "second")
    rule: ClassVar[str] = Reranking.__name__
    citation: ClassVar[str] = (
        "short lists with local re-ranking as in wildlife re-identification: Cermak et al. "
        "(WildFusion), ECCV Workshops 2024"
    )
