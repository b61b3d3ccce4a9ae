"""Miss rates by rank alone: what an examiner does not find who looks at so many candidates."""

from __future__ import annotations

import numpy as np

from harness.errors import some
from harness.reporting.tables import Table
from harness.reporting.thresholds import missing
from harness.reporting.wording import NO_VALUE, count, interval, known, percent
from harness.statistics.bootstrap import choose_interval
from harness.statistics.estimate import Estimate
from harness.tasks.intervals import set_interval
from harness.tasks.results import Judgement, Outcome

__all__ = ["RANKS", "miss_table", "missed_at"]

RANKS = (1, 10, 100)
"""At which NIST prints miss rates."""


def missed_at(outcome: Outcome, rank: int) -> Estimate:
    """Return the share of searches with a mate that have none within a rank, at any score.

    It is one less the hit rate, which is taken from the run's metrics where it is among them.

    Parameters
    ----------
    outcome
        Of a run that searched galleries.
    rank
        From 1. Ties count against the algorithm; a search that failed misses at every rank.

    Returns
    -------
    Estimate
        Without a value, with the reason, where no search has a mate or the metric has none.
    """
    found = outcome.metrics.pooled.get(f"hit-rate@rank={rank}")
    if found is not None:
        return missing(found)
    mated = _mated(outcome)
    if not mated:
        return Estimate(None, flags=["no search has a mate"])
    misses = np.array([s.rank is None or s.rank > rank for s in mated], dtype=np.float64)
    whose = np.unique([s.identity for s in mated], return_inverse=True)[1]
    # The interval of the hit rate, turned round, so that both say the same.
    estimate = Estimate(1 - float(misses.mean()), n=len(mated))
    set_interval(estimate, choose_interval(1 - misses, whose), len(np.unique(whose)))
    return missing(estimate)


def miss_table(outcome: Outcome, depth: int | None = None) -> Table | None:
    """Return the miss rates at `RANKS`; None where no search has a mate.

    Parameters
    ----------
    depth
        Candidates of each list, where lists end before the gallery does.
    """
    mated = _mated(outcome)
    if not mated:
        return None
    largest = max(search.gallery for search in mated)
    rows = []
    for rank in RANKS:
        why = _without(rank, largest, depth)
        if why:
            rows.append((count(rank), why, ""))
            continue
        found = missed_at(outcome, rank)
        if found.value is None or not known(found.value):
            rows.append((count(rank), "; ".join(found.flags) or NO_VALUE, ""))
            continue
        missed = round(found.value * len(mated))
        within = interval("hit-rate", found.low, found.high) or "none"
        rows.append((count(rank), f"{percent(found.value)} ({count(missed)})", within))
    return Table(
        f"Without a threshold: {some(len(mated), 'search', 'searches')} with a mate",
        ("Rank", "Missed", "95 % interval"),
        tuple(rows),
    )


def _mated(outcome: Outcome) -> list[Judgement]:
    return [search for search in outcome.searches if search.mates > 0 and search.gallery]


def _without(rank: int, largest: int, depth: int | None) -> str:
    """Say why there is no figure at a rank; empty where there is one."""
    if rank >= largest:
        return f"beyond a gallery of {count(largest)}"
    if depth is not None and rank > depth:
        return f"beyond lists of {count(depth)}"
    return ""
