"""From places with runs to a leaderboard on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness import record
from harness.errors import Damaged, HarnessError, UsageError
from harness.leaderboard import exports
from harness.leaderboard.boards import Leaderboard, make_boards
from harness.leaderboard.reading import Entry, LeftOut, find_runs, read_entry, without_superseded
from harness.leaderboard.replicates import Results, joined
from harness.leaderboard.site import OVERVIEW, render_site, write_pages
from harness.repeats.entry import fits_of, is_joined, read_joined, read_metrics
from harness.results import Metrics

_OURS = ("board-*.html", "algorithm-*.html")


@dataclass(frozen=True)
class Built:
    """What was built, and its overview page."""

    leaderboard: Leaderboard
    overview: Path


def gather(
    places: Sequence[Path], history: bool = False, separate_seeds: bool = False
) -> Leaderboard:
    """Read all runs at or below some places.

    Raises
    ------
    UsageError
        If a place is not a folder.
    """
    folders, known, left_out = _expanded(find_runs(places))
    # Two threads: one reads and hashes while the other decodes.
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(read_entry, folders))
    left_out += [one for one in found if isinstance(one, LeftOut)]
    entries = [one for one in found if isinstance(one, Entry)]
    kept, superseded = without_superseded(entries, history)
    together = joined(kept, known, separate_seeds=separate_seeds)
    return make_boards(together, [*left_out, *superseded])


def _expanded(
    folders: Iterable[Path],
) -> tuple[list[Path], dict[Results, Metrics], list[LeftOut]]:
    """Put the fits in the place of folders that join them, and keep what these know."""
    runs: dict[Path, Path] = {}
    known: dict[Results, Metrics] = {}
    left_out = []
    every = list(folders)
    for folder in every:
        if not is_joined(folder):
            runs.setdefault(folder.resolve(), folder)
    for folder in filter(is_joined, every):
        try:
            fits = fits_of(folder)
            changed = record.changed_files(folder)
            if changed:
                raise Damaged(f"broken seal: {changed[0]}")
            results = frozenset((one.identity, one.result_hash) for one in read_joined(folder).fits)
            known[results] = read_metrics(folder)
        except HarnessError as reason:
            left_out.append(LeftOut(str(folder), str(reason)))
            continue
        for fit in fits:
            runs.setdefault(fit.resolve(), fit)
    return list(runs.values()), known, left_out


def build(
    places: Sequence[Path], out: Path, history: bool = False, separate_seeds: bool = False
) -> Built:
    """Write the leaderboard of all runs at or below some places; pages of before are replaced.

    Parameters
    ----------
    places
        Run folders, or folders that hold them.
    out
        New, empty, or a leaderboard already.
    history
        Whether runs of the same algorithm with other source stay beside the latest.
    separate_seeds
        Whether runs with other seeds are entries of their own, not replicates of one.

    Raises
    ------
    UsageError
        If a place is not a folder, there is no run, or `out` holds something else.
    """
    _check(out)
    leaderboard = gather(places, history, separate_seeds)
    if not leaderboard.boards and not leaderboard.left_out:
        raise UsageError(
            f"there is no run in {', '.join(map(str, places))}; `harness run` makes one"
        )
    out.mkdir(parents=True, exist_ok=True)
    pages = render_site(leaderboard)
    for pattern in _OURS:
        for old in out.glob(pattern):
            if old.name not in pages:
                old.unlink()
    write_pages(pages, out)
    write_pages(
        {
            exports.CSV: exports.to_csv(leaderboard),
            exports.MARKDOWN: exports.to_markdown(leaderboard),
            exports.JSON: exports.to_json(leaderboard).decode(),
        },
        out,
    )
    return Built(leaderboard, out / OVERVIEW)


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / exports.JSON).is_file():
        raise UsageError(
            f"--out {out} is not empty and no leaderboard; name a new folder, so that nothing is "
            "mixed up"
        )
