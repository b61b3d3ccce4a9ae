"""What stored scores say beside what is known of images, as frames: a row for each figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.metrics.ids import Metric
from harness.record.joined import read_alone
from harness.record.told_apart import ToldApart
from harness.statistics.estimate import Estimate
from harness.tasks.discarding import LIMIT
from harness.verbs.frames import frame_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["look_alikes_frame", "quality_frame", "sizes_frame", "workload_frame"]

ESTIMATE = {"value": float, "low": float, "high": float, "n": int, "flags": str}


def told_apart(folder: Path) -> ToldApart:
    """Return the stored scores of a run, told apart by what is known of its images.

    Raises
    ------
    UsageError
        If it is an entry of several fits, or no comparisons were made of images.
    Damaged
        If the folder changed since it was written.
    """
    apart = ToldApart(read_alone(folder, "look-alikes, sizes, qualities and workload are"))
    if apart.pairs is None and not apart.parts:
        raise UsageError(
            f"protocol {apart.run.manifest.origin.protocol!r} compares no images; identification, "
            "verification, closed-set and open-set do"
        )
    return apart


def workload_frame(folder: Path, lengths: tuple[int, ...]) -> pd.DataFrame:
    """Return candidates viewed by length of list; parameters and errors as `Run.workload`."""
    apart = told_apart(folder)
    found = apart.workload(*lengths)
    if found is None:
        raise UsageError("no search of the run has a mate, so no examiner finds one")
    rows: list[tuple[Any, ...]] = []
    for one in found.lengths:
        kinds = (("viewed", one.viewed), ("viewed-per-hit", one.per_hit), ("hit-rate", one.found))
        for name, estimate in kinds:
            metric = str(Metric(name, (("rank", one.length),)))
            rows.append((one.length, metric, estimate.chance, *_cells(estimate)))
    for reach in found.reaches:
        share = 1.0 if reach.share is None else reach.share
        rows.append((None, f"list-length of {share:.0%} of the mates", None, *_cells(reach.length)))
    return frame_of({"length": int, "metric": str, "chance": float, **ESTIMATE}, rows)


def look_alikes_frame(folder: Path) -> pd.DataFrame:
    """Return look-alikes apart from other non-mates; errors as `Run.look_alikes`."""
    apart = told_apart(folder)
    _needs_threshold(apart)
    rows: list[tuple[Any, ...]] = []
    for one in apart.same_design():
        for kind, found in (("same", one.same), ("other", one.other)):
            rows.append((one.column, kind, "fmr", *_cells(found.fmr)))
        if one.without is not None:
            metric = f"hit-rate@rank={one.without.rank}"
            rows += [
                (one.column, kind, metric, *_cells(getattr(one.without, kind)))
                for kind in ("whole", "without", "as_many")
            ]
    return frame_of({"by": str, "kind": str, "metric": str, **ESTIMATE}, rows)


def sizes_frame(folder: Path) -> pd.DataFrame:
    """Return error rates by the size of the probe's tattoo; errors as `Run.sizes`."""
    apart = told_apart(folder)
    rows = []
    for what, rates in apart.sizes().items():
        for one in rates:
            for name, estimate in (("fnmr", one.fnmr), (f"hit-rate@rank={apart.rank}", one.hits)):
                if estimate is not None:
                    rows.append((what, one.name, one.identities, name, *_cells(estimate)))
    return frame_of({"by": str, "bin": str, "identities": int, "metric": str, **ESTIMATE}, rows)


def quality_frame(folder: Path) -> pd.DataFrame:
    """Return error against discard for each source of a quality; errors as `Run.quality`."""
    apart = told_apart(folder)
    _needs_threshold(apart)
    rows: list[tuple[Any, ...]] = []
    for one in apart.discarding():
        area = one.area
        whole = [None if v is None else v * LIMIT for v in (area.value, area.low, area.high)]
        summed = Estimate(whole[0], whole[1], whole[2], n=area.n, flags=area.flags)
        rows += [
            (one.source, f"discard-area@limit={LIMIT}", None, *_cells(summed)),
            (one.source, f"discard-gain@limit={LIMIT}", None, *_cells(one.gain)),
        ]
        for share, low, high in zip(one.shares, one.low, one.high, strict=True):
            estimate = Estimate(one.at(share), low, high, n=one.comparisons)
            rows.append((one.source, "fnmr", share, *_cells(estimate)))
    return frame_of({"source": str, "metric": str, "discarded": float, **ESTIMATE}, rows)


def _needs_threshold(apart: ToldApart) -> None:
    if apart.without_threshold:
        raise UsageError(f"errors cannot be told apart: {apart.without_threshold}")


def _cells(found: Estimate) -> tuple[float | None, float | None, float | None, int, str | None]:
    return found.value, found.low, found.high, found.n, "; ".join(found.flags) or None
