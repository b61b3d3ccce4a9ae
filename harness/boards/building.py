"""From places with runs to a leaderboard on disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.boards import evidence, exports
from harness.boards.boards import Leaderboard, make_boards
from harness.boards.reading import Entry, LeftOut, find_runs, read_entry, without_superseded
from harness.boards.replicates import Results, joined
from harness.boards.site import OVERVIEW, render_site, write_pages
from harness.data.whole_files import write_whole
from harness.errors import Damaged, HarnessError, UsageError, visible
from harness.record import record
from harness.record.files import sound
from harness.record.joined import fits_of, is_joined, read_joined, read_metrics
from harness.tasks.results import Metrics

T = TypeVar("T")
_OURS = re.compile(rf"(board|algorithm)-[a-z0-9-]+\.html|{evidence.PLACE.pattern}")


@dataclass(frozen=True)
class Built:
    """What was built, and its overview page.

    Parameters
    ----------
    reports
        How many reports of runs go along.
    without
        Runs whose report does not, with the reason; none where reports were not asked for.
    """

    leaderboard: Leaderboard
    overview: Path
    reports: int = 0
    without: tuple[LeftOut, ...] = ()


def gather(
    places: Sequence[Path], history: bool = False, separate_seeds: bool = False
) -> Leaderboard:
    """Read all runs at or below some places.

    Raises
    ------
    UsageError
        If a place is not a folder.
    """
    return assembled(places, lambda leaderboard: None, history, separate_seeds)[0]


def assembled(
    places: Sequence[Path],
    render: Callable[[Leaderboard], T],
    history: bool = False,
    separate_seeds: bool = False,
) -> tuple[Leaderboard, T]:
    """Read all runs at or below some places, and make pages of them.

    A run is untrusted and may hold what no page can be made of; then it is left out with
    its reason, and the others are shown.

    Parameters
    ----------
    render
        Makes the pages.

    Raises
    ------
    UsageError
        If a place is not a folder.
    """
    kept, known, left_out = _gather(places, history)

    def made(entries: Sequence[Entry], of_fits: dict[Results, Metrics]) -> tuple[Leaderboard, T]:
        with sound(", ".join(map(str, places)), "no page can be made"):
            board = make_boards(joined(entries, of_fits, separate_seeds=separate_seeds), left_out)
            return board, render(board)

    for of_fits in (known, {}):
        with suppress(Damaged):
            return made(kept, of_fits)
    alone: list[Entry] = []
    for entry in kept:
        try:
            made([*alone, entry], {})
        except Damaged as reason:
            left_out.append(LeftOut(entry.folder, str(reason)))
        else:
            alone.append(entry)
    return made(alone, {})


def _gather(
    places: Sequence[Path], history: bool
) -> tuple[list[Entry], dict[Results, Metrics], list[LeftOut]]:
    """Return the entries, what is known of several fits together, and what is left out."""
    folders, known, left_out = _expanded(find_runs(places))
    # What reads and decodes is imported and made ready by one thread: until a run was read whole.
    found: list[Entry | LeftOut] = []
    while len(found) < len(folders) and not any(isinstance(one, Entry) for one in found):
        found.append(read_entry(folders[len(found)]))
    # Then two: one reads and hashes while the other decodes.
    with ThreadPoolExecutor(2) as pool:
        found += pool.map(read_entry, folders[len(found) :])
    left_out += [one for one in found if isinstance(one, LeftOut)]
    entries = [one for one in found if isinstance(one, Entry)]
    kept, superseded = without_superseded(entries, history)
    return kept, known, [*left_out, *superseded]


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
            left_out.append(LeftOut(visible(str(folder)), str(reason)))
            continue
        for fit in fits:
            runs.setdefault(fit.resolve(), fit)
    return list(runs.values()), known, left_out


def build(
    places: Sequence[Path],
    out: Path,
    history: bool = False,
    separate_seeds: bool = False,
    with_reports: bool = False,
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
    with_reports
        Whether the reports of the runs go along, so that a rank leads to its evidence.

    Raises
    ------
    UsageError
        If a place is not a folder, there is no run, or `out` holds something else.
    """
    _check(out)
    leaderboard, made = assembled(
        places, lambda board: _site(board, with_reports), history, separate_seeds
    )
    if not leaderboard.boards and not leaderboard.left_out:
        raise UsageError(
            f"there is no run in {', '.join(map(str, places))}; `harness run` makes one"
        )
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.html"), *out.glob(f"{evidence.FOLDER}/*/{record.REPORT}")):
        name = old.relative_to(out).as_posix()
        if _OURS.fullmatch(name) and name not in {**made.pages, **made.reports}:
            old.unlink()
            with suppress(OSError):  # there is more in its folder, such as the site itself
                old.parent.rmdir()
    write_pages(made.pages, out)
    for path, content in made.reports.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(out / path, content)
    write_pages(made.tables, out)
    return Built(leaderboard, out / OVERVIEW, len(made.reports), tuple(made.without))


@dataclass(frozen=True)
class _Site:
    """Pages, tables and reports by their place in the site, and runs whose report stays away."""

    pages: dict[str, str]
    tables: dict[str, str]
    reports: dict[str, bytes]
    without: list[LeftOut]


def _site(leaderboard: Leaderboard, with_reports: bool) -> _Site:
    paths, reports, without = evidence.copied(leaderboard) if with_reports else ({}, {}, [])
    tables = {
        exports.CSV: exports.to_csv(leaderboard),
        exports.MARKDOWN: exports.to_markdown(leaderboard),
        exports.JSON: exports.to_json(leaderboard).decode(),
    }
    return _Site(render_site(leaderboard, reports=paths), tables, reports, without)


def _check(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / exports.JSON).is_file():
        raise UsageError(
            f"--out {out} is not empty and no leaderboard; name a new folder, so that nothing is "
            "mixed up"
        )
