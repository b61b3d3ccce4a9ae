"""The numbers of several fits together: their mean, its interval, and where it varies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.comparing.pairing import Side
from harness.comparing.repeated import repeated
from harness.errors import HarnessError, NotComparable, UsageError
from harness.metrics.ids import Metric
from harness.record import record
from harness.record.checks.examining import examine_fits
from harness.record.files import read_bytes, sound
from harness.record.joined import (
    ENTRY,
    FORMAT,
    Fit,
    Joined,
    entry_identity,
    fits_of,
    hash_of,
    name_of,
    read_joined,
    read_metrics,
    text_of,
    write_joined,
)
from harness.record.record import Run
from harness.record.verifying import verify_run
from harness.reporting.joined_fits import render
from harness.statistics.estimate import (
    Components,
    Estimate,
)
from harness.statistics.intervals import Interval
from harness.statistics.two_way import Components as Parts
from harness.tasks.results import (
    FoldMetrics,
    Metrics,
)
from harness.tasks.trials import Trials


def join(folders: Sequence[Path], parent: Path, command: str) -> Path:
    """Join finished runs that differ in their seeds, or environments, alone; return the folder.

    Parameters
    ----------
    folders
        Of the runs.
    parent
        In which the folder goes: where the runs lie.
    command
        That makes all of this again.

    Raises
    ------
    NotComparable
        If the runs differ in more.
    Damaged
        If one is not whole.
    """
    runs = [_read(folder) for folder in folders]
    manifests = [run.manifest for run in runs]
    folder = parent / name_of(manifests)
    places = [f"../{run.folder.name}" for run in runs]
    write(folder, runs, places, command)
    return folder


def write(folder: Path, runs: Sequence[Run], places: Sequence[str], command: str) -> None:
    """Write the folder that joins runs.

    Parameters
    ----------
    places
        Of the runs, as `Fit.folder`.
    """
    manifests = [run.manifest for run in runs]
    if len({entry_identity(one.origin) for one in manifests}) != 1:
        raise NotComparable(
            "only runs that differ in nothing but their seeds and environments are fits of one "
            "entry: " + ", ".join(str(run.folder) for run in runs)
        )
    metrics = joined_metrics(runs)
    headline = metrics.pooled[metrics.headline]
    joined = Joined(
        FORMAT,
        entry_identity(manifests[0].origin),
        hash_of(manifests),
        manifests[0].origin.protocol,
        manifests[0].title,
        manifests[0].origin.algorithm,
        metrics.headline,
        command,
        [
            Fit(
                place,
                one.identity,
                one.result_hash,
                one.environment_hash,
                one.origin.parameters.get("seed"),
                value,
            )
            for place, one, value in zip(places, manifests, headline.fits, strict=True)
        ],
    )
    found = examine_fits([run.folder for run in runs], metrics)
    write_joined(folder, joined, metrics, render(joined, metrics, manifests, found))


def join_again(folder: Path) -> Metrics:
    """Compute the numbers and the report of a folder that joins runs again, and return the numbers.

    The runs themselves are read, not computed again.
    """
    joined = read_joined(folder)
    runs = [_read(place) for place in fits_of(folder)]
    write(folder, runs, [fit.folder for fit in joined.fits], joined.command)
    return read_metrics(folder)


def faults(folder: Path) -> list[str]:
    """Return what is wrong with a folder that joins runs, and with the runs."""
    try:
        found = record.changed_files(folder)
        places = fits_of(folder)
    except HarnessError as reason:
        return [str(reason)]
    for place in places:
        found += [f"{place.name}: {fault}" for fault in verify_run(place)]
    if found:
        return found
    runs = [record.read_run(place) for place in places]
    joined = read_joined(folder)
    if joined.hash != hash_of([run.manifest for run in runs]):
        found.append(f"{ENTRY}: its hash does not follow from the runs that it joins")
    with sound(folder, "its numbers cannot be computed"):
        metrics = joined_metrics(runs)
    if text_of(metrics) != read_bytes(folder, record.METRICS):
        found.append(f"{record.METRICS}: does not follow from the runs that are joined")
    return found


def joined_metrics(runs: Sequence[Run]) -> Metrics:
    """Return every metric's mean over fits, with its interval and the parts of its variance."""
    of_fits = [run.judge().metrics for run in runs]
    sides = [Side(run, {}) for run in runs]
    first = of_fits[0]
    pooled = {}
    for name, estimate in first.pooled.items():
        own = [one.pooled.get(name) for one in of_fits]
        trials = [side.trials(Metric.parse(name)) for side in sides]
        pooled[name] = _estimate(estimate, own, [one for one in trials if one is not None])
    folds = [
        FoldMetrics(
            fold.name,
            fold.counts,
            {name: _mean([one.folds[i].values.get(name) for one in of_fits]) for name in pooled},
        )
        for i, fold in enumerate(first.folds)
    ]
    return Metrics(
        task=first.task,
        headline=first.headline,
        counts={**first.counts, "fits": len(runs)},
        pooled=pooled,
        folds=folds,
    )


def _estimate(
    first: Estimate, fits: Sequence[Estimate | None], trials: Sequence[Trials]
) -> Estimate:
    values = [None if one is None else one.value for one in fits]
    shared = [
        flag for flag in first.flags if all(one is not None and flag in one.flags for one in fits)
    ]
    found = msgspec.structs.replace(
        first,
        value=_mean(values),
        low=None,
        high=None,
        method="no interval: what the metric is made of was not kept, trial by trial",
        fold_mean=_mean([None if one is None else one.fold_mean for one in fits]),
        fold_sd=None,
        flags=shared,
        fits=values,
    )
    if len(trials) < len(fits) or found.value is None:
        return found
    estimated = repeated(trials)
    # The trials have to be those of the metric: their means over fits are checked.
    if not all(
        value is not None and math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12)
        for value, other in zip(values, estimated.per_fit, strict=True)
    ):
        return found
    low, high = _ends(estimated.interval)
    return msgspec.structs.replace(
        found,
        low=low,
        high=high,
        method=estimated.interval.method,
        components=components_of(estimated.components),
    )


def components_of(parts: Parts) -> Components | None:
    """Return the parts of the variance as they are kept; None where there is but one fit."""
    values = (parts.identities, parts.interaction, parts.fits, parts.fits_low, parts.fits_high)
    if not all(math.isfinite(value) for value in values):
        return None
    return Components(*values)


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return None, None
    return interval.low, interval.high


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _read(folder: Path) -> Run:
    record.check_answers(folder)
    run = record.read_run(folder)
    if run.manifest.imported is not None:
        raise UsageError(f"{folder}: scores that were made elsewhere have no fits to join")
    return run
