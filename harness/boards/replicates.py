"""Runs that are replicates of one entry: the same recipe with another seed, or elsewhere.

The value of such an entry is the mean over its results, and its interval holds what other fits
would change. Where `harness run --repeats` joined just these runs, its numbers are taken. Otherwise
the headline is analysed search by search, where it is a mean over searches, and other metrics get a
wider interval: that of the fits, and their spread, added.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import msgspec
import numpy as np

from harness.boards.groups import outcomes_of
from harness.boards.reading import Entry
from harness.runs.joining import components_of
from harness.statistics.estimate import Estimate
from harness.statistics.repeated_fits import repeated_mean
from harness.tasks.results import Metrics

Results: TypeAlias = frozenset[tuple[str, str]]
"""Identity and result of every fit."""

REPLICATES = 1000


def joined(
    entries: Iterable[Entry],
    joined_before: Mapping[Results, Metrics] | None = None,
    *,
    separate_seeds: bool = False,
) -> list[Entry]:
    """Put replicates together: one entry for each recipe without its seed.

    Parameters
    ----------
    joined_before
        Numbers of runs that were joined before.
    separate_seeds
        Whether runs with other seeds stay entries of their own; those of one seed in several
        environments are one entry all the same.
    """
    groups: dict[Any, list[Entry]] = {}
    for entry in entries:
        one = replace(entry, seeds_apart=separate_seeds)
        key = (one.board_key, one.settings, one.manifest.origin.source_hash)
        groups.setdefault(key, []).append(one)
    return [
        fits[0] if len(fits) == 1 else _joined(sorted(fits, key=_order), joined_before or {})
        for fits in groups.values()
    ]


def _order(entry: Entry) -> tuple[Any, ...]:
    seed = entry.manifest.origin.parameters.get("seed")
    number = seed if isinstance(seed, int) else -1
    return (number, entry.manifest.finished, entry.folder)


def _joined(fits: Sequence[Entry], known: Mapping[Results, Metrics]) -> Entry:
    first = replace(fits[0], fits=tuple(fits))
    results = first.results
    key = frozenset((one.identity, one.manifest.result_hash) for one in results)
    metrics = known.get(key)
    if metrics is None:
        metrics = results[0].metrics if len(results) == 1 else _metrics(results)
    manifest = msgspec.structs.replace(
        first.manifest,
        failures=round(sum(one.manifest.failures for one in results) / len(results)),
        finished=max(one.manifest.finished for one in fits),
    )
    return replace(first, metrics=metrics, manifest=manifest)


def _metrics(results: Sequence[Entry]) -> Metrics:
    first = results[0].metrics
    pooled = {
        name: _estimate([one.metrics.pooled.get(name) for one in results]) for name in first.pooled
    }
    headline = _by_search(results, pooled[first.headline])
    return msgspec.structs.replace(
        first,
        counts={**first.counts, "fits": len(results)},
        pooled={**pooled, first.headline: headline},
        tags=[],
        subsets={},
    )


def _by_search(results: Sequence[Entry], estimate: Estimate) -> Estimate:
    """Analyse the headline search by search, where it is a mean over searches."""
    fits = [outcomes_of(one) for one in results]
    if any(one is None for one in fits):
        return estimate
    known_fits = [one for one in fits if one is not None]
    if any(one.keys != known_fits[0].keys for one in known_fits):
        return estimate
    found = repeated_mean(
        np.stack([one.values for one in known_fits]),
        np.array(known_fits[0].identities),
        replicates=REPLICATES,
    )
    interval = found.interval
    if not math.isfinite(interval.low + interval.high):
        return estimate
    return msgspec.structs.replace(
        estimate,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        components=components_of(found.components),
    )


def _estimate(fits: Sequence[Estimate | None]) -> Estimate:
    """Return the mean, in an interval that is wide enough whatever the fits share.

    The variance that a fit's own interval tells holds identities and, in one fit, the interaction;
    the spread of the fits holds the interaction again, and the fits as a whole.
    """
    from scipy.special import stdtrit

    values = [None if one is None else one.value for one in fits]
    first = next(one for one in fits if one is not None)
    known = [value for value in values if value is not None]
    if len(known) < len(fits):
        return msgspec.structs.replace(
            first, value=None, low=None, high=None, method="a fit has no value", fits=values
        )
    mean, count = sum(known) / len(known), len(known)
    spread = float(stdtrit(count - 1, 0.975)) * float(np.std(known, ddof=1)) / math.sqrt(count)
    arms = []
    for end in ("low", "high"):
        own = [getattr(one, end) for one in fits if one is not None]
        if any(each is None for each in own):
            return msgspec.structs.replace(
                first, value=mean, low=None, high=None, fold_sd=None, fits=values
            )
        squares = [(each - value) ** 2 for each, value in zip(own, known, strict=True)]
        arms.append(math.hypot(math.sqrt(sum(squares) / count), spread))
    share = all(0 <= one.low <= one.high <= 1 for one in fits if one is not None)  # type: ignore[operator]
    low, high = mean - arms[0], mean + arms[1]
    return msgspec.structs.replace(
        first,
        value=mean,
        low=max(0.0, low) if share else low,
        high=min(1.0, high) if share else high,
        method=f"intervals of {count} fits and their spread, added",
        fold_sd=None,
        fits=values,
    )
