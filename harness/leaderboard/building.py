"""From places with runs to a leaderboard on disk."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.leaderboard import exports
from harness.leaderboard.boards import Leaderboard, make_boards
from harness.leaderboard.reading import Entry, LeftOut, find_runs, read_entry, without_superseded
from harness.leaderboard.site import OVERVIEW, render_site, write_pages

_OURS = ("board-*.html", "algorithm-*.html")


@dataclass(frozen=True)
class Built:
    """What was built, and its overview page."""

    leaderboard: Leaderboard
    overview: Path


def gather(places: Sequence[Path], history: bool = False) -> Leaderboard:
    """Read all runs at or below some places.

    Raises
    ------
    UsageError
        If a place is not a folder.
    """
    folders = list(find_runs(places))
    # Two threads: one reads and hashes while the other decodes.
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(read_entry, folders))
    left_out = [one for one in found if isinstance(one, LeftOut)]
    entries = [one for one in found if isinstance(one, Entry)]
    kept, superseded = without_superseded(entries, history)
    return make_boards(kept, [*left_out, *superseded])


def build(places: Sequence[Path], out: Path, history: bool = False) -> Built:
    """Write the leaderboard of all runs at or below some places; pages of before are replaced.

    Parameters
    ----------
    places
        Run folders, or folders that hold them.
    out
        New, empty, or a leaderboard already.
    history
        Whether runs of the same algorithm with other source stay beside the latest.

    Raises
    ------
    UsageError
        If a place is not a folder, there is no run, or `out` holds something else.
    """
    _check(out)
    leaderboard = gather(places, history)
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
