"""Boards: entries that answer one question on one data set, ranked; and ranks over all boards."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.boards.groups import group, outcomes_of
from harness.boards.kinds import kind_of, order_of
from harness.boards.reading import Entry, LeftOut
from harness.data.toml_text import table_of
from harness.record.manifest import value_text
from harness.reporting.headline import cannot_answer
from harness.reporting.wording import known
from harness.statistics.estimate import Estimate
from harness.tasks.standing import direction

LONGEST_SETTING = 40
_SOURCE = "source"


@dataclass(frozen=True, eq=False)
class Place:
    """An entry's place on a board.

    Parameters
    ----------
    rank
        One plus the number of entries with a better headline; None for controls, and where the
        headline has no value.
    group
        Number of the group that the data cannot tell apart, or None where it cannot be told.
    differs
        Parameters in which this entry differs from others of its algorithm on the board.
    """

    entry: Entry
    rank: int | None
    group: int | None
    differs: tuple[tuple[str, str], ...]

    @property
    def headline(self) -> Estimate:
        """The headline with its interval."""
        return self.entry.metrics.pooled[self.entry.metrics.headline]

    @property
    def label(self) -> str:
        """Algorithm and what tells this entry from others of it."""
        return _label(self.entry.algorithm, self.differs)


@dataclass(frozen=True, eq=False)
class Board:
    """All entries of one protocol, byte for byte, on one data set.

    Parameters
    ----------
    places
        Ranked, best first.
    controls
        Entries whose result is known in advance, best first: they have no rank.
    metrics
        Ids of all metrics, headline first.
    version, use_case
        As the protocol tells them; 0 and empty where it does not.
    variant
        What tells this board from others of the same name, version and data set; else empty.
    """

    key: tuple[Any, ...]
    places: tuple[Place, ...]
    controls: tuple[Place, ...]
    metrics: tuple[str, ...]
    version: int
    use_case: str
    variant: str = ""

    @property
    def all_places(self) -> tuple[Place, ...]:
        """Ranked entries, then controls."""
        return (*self.places, *self.controls)

    @property
    def first(self) -> Entry:
        """Any entry: what boards share is the same in all."""
        return self.all_places[0].entry

    @property
    def headline(self) -> str:
        """Id of the metric that ranks."""
        return self.metrics[0]

    @property
    def protocol(self) -> str:
        """Name of the protocol."""
        return self.first.manifest.origin.protocol

    @property
    def title(self) -> str:
        """Title of the protocol."""
        return self.first.manifest.title or self.protocol

    @property
    def kind(self) -> str:
        """The kind of question that it asks, such as ``Matching``."""
        return kind_of(self.first.manifest.task)

    @property
    def data_set(self) -> str:
        """Name of the data set, as its entries call it."""
        return self.first.manifest.dataset.get("name") or "an unnamed data set"

    @property
    def id(self) -> str:
        """Short name for pages: of letters, digits and hyphens only."""
        return f"{slug(self.protocol)}-{digest(repr(self.key))}"

    @property
    def unanswerable(self) -> str:
        """Why its data cannot answer its question; empty where it can."""
        return cannot_answer(self.first.metrics, self.first.manifest.mated_by, of_all=True)

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps that any entry was timed in."""
        return tuple(dict.fromkeys(s.step for p in self.all_places for s in p.entry.manifest.steps))

    def chance(self, metric: str) -> Estimate | None:
        """Return an estimate that tells the chance level of a metric, if any entry has one."""
        for place in self.all_places:
            estimate = place.entry.metrics.pooled.get(metric)
            if estimate is not None and known(estimate.chance):
                return estimate
        return None


@dataclass(frozen=True, eq=False)
class Standing:
    """One algorithm with one set of parameters over all boards.

    Parameters
    ----------
    places
        By board, None where it has no entry.
    mean_rank
        Mean of its ranks over `Leaderboard.averaged`: ties share the mean of their ranks. None for
        controls, and where there are no such boards.
    """

    settings: str
    algorithm: str
    differs: tuple[tuple[str, str], ...]
    places: tuple[Place | None, ...]
    mean_rank: float | None
    control: bool

    @property
    def label(self) -> str:
        """Algorithm and what tells this setting from others of it."""
        return _label(self.algorithm, self.differs)


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Everything that the pages and files tell.

    Parameters
    ----------
    averaged
        Boards over which mean ranks are taken; none where entries do not share what could be.
    """

    boards: tuple[Board, ...]
    standings: tuple[Standing, ...]
    averaged: tuple[Board, ...]
    left_out: tuple[LeftOut, ...] = field(default=())

    @property
    def runs(self) -> int:
        """Number of runs on boards."""
        return sum(len(board.all_places) for board in self.boards)


def _label(algorithm: str, differs: Iterable[tuple[str, str]]) -> str:
    return " ".join([algorithm, *(f"{key}={value}" for key, value in differs)])


def slug(text: str) -> str:
    """Return a name for files and addresses: lower-case letters, digits and hyphens.

    >>> slug("../Mixed <media>")
    'mixed-media'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "unnamed"


def digest(text: str) -> str:
    """Return eight hexadecimal digits that tell one text from another."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def make_boards(entries: Iterable[Entry], left_out: Sequence[LeftOut] = ()) -> Leaderboard:
    """Put entries on boards, rank and group them, and rank algorithms over all boards."""
    by_key: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        by_key.setdefault(entry.board_key, []).append(entry)
    boards = _told_apart(
        sorted(
            (_board(key, found) for key, found in by_key.items()),
            key=lambda b: (
                order_of(b.first.manifest.task),
                b.protocol,
                b.version,
                -len(b.all_places),
                b.id,
            ),
        )
    )
    averaged, standings = _standings(boards)
    return Leaderboard(
        boards,
        standings,
        averaged,
        tuple(sorted(left_out, key=lambda one: (one.folder, one.reason))),
    )


def _told_apart(boards: Sequence[Board]) -> tuple[Board, ...]:
    """Say on boards of one name, version and data set in what they differ."""
    alike: dict[tuple[Any, ...], list[Board]] = {}
    for board in boards:
        alike.setdefault((board.title, board.data_set, board.version), []).append(board)
    found = []
    for board in boards:
        others = alike[board.title, board.data_set, board.version]
        facts = [_variant(other) for other in others]
        # As few facts as tell all of them apart: one that adds nothing to those before is no help.
        differing: list[str] = []
        for name in facts[0]:
            if _kinds(facts, [*differing, name]) > _kinds(facts, differing):
                differing.append(name)
        words = _variant(board)
        found.append(replace(board, variant=", ".join(words[name] for name in differing)))
    return tuple(found)


def _kinds(facts: Sequence[Mapping[str, str]], names: Sequence[str]) -> int:
    """Return how many are told apart by some facts."""
    return len({tuple(each[name] for name in names) for each in facts})


def _variant(board: Board) -> dict[str, str]:
    origin = board.first.manifest.origin
    return {
        "name": f"protocol {origin.protocol}",
        "protocol": f"protocol file {origin.protocol_hash[:8]}",
        "data": f"data {origin.data_hash[:8]}",
        "folds": f"fold{'s' if len(origin.folds) > 1 else ''} {value_text(origin.folds)}",
        "layout": f"layout {origin.layout_hash[:8]}",
        "failures": f"failure policy {digest(origin.failure_policy)}",
        "headline": board.headline,
    }


def better_first(entry: Entry) -> tuple[Any, ...]:
    """Return a sort key by the headline; no value comes last, equal values by name."""
    value = entry.metrics.pooled[entry.metrics.headline].value
    names = (entry.algorithm, entry.settings, entry.identity)
    if value is None or not known(value):
        return (1, 0.0, *names)
    return (0, value if direction(entry.metrics.headline) == "lower" else -value, *names)


def _board(key: tuple[Any, ...], entries: Sequence[Entry]) -> Board:
    ordered = sorted(entries, key=better_first)
    ranked = [e for e in ordered if not e.manifest.control]
    controls = [e for e in ordered if e.manifest.control]
    differs = _differences(ordered)
    groups = group([outcomes_of(e) for e in ranked])
    values = [better_first(e)[:2] for e in ranked]
    first: dict[Any, int] = {}
    for i, value in enumerate(values, start=1):
        first.setdefault(value, i)
    places = tuple(
        Place(e, first[v] if v[0] == 0 else None, g, differs[e.identity])
        for e, v, g in zip(ranked, values, groups, strict=True)
    )
    table = _table(entries[0].protocol_text)
    headline = entries[0].metrics.headline
    metrics = dict.fromkeys([headline, *(m for e in ordered for m in e.metrics.pooled)])
    data = table.get("data")
    use_case = data.get("use-case") if isinstance(data, dict) else ""
    version = table.get("version")
    return Board(
        key,
        places,
        tuple(Place(e, None, None, differs[e.identity]) for e in controls),
        tuple(metrics),
        version if isinstance(version, int) else 0,
        use_case if isinstance(use_case, str) else "",
    )


def _table(protocol_text: bytes) -> dict[str, Any]:
    """Return what a protocol says; nothing where another version of the harness wrote it."""
    try:
        return table_of(protocol_text)
    except ValueError:
        return {}


def _differences(entries: Sequence[Entry]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return by identity the parameters in which an entry differs from others of its algorithm."""
    by_algorithm: dict[str, list[Entry]] = {}
    for entry in entries:
        by_algorithm.setdefault(entry.algorithm, []).append(entry)
    found = {}
    for own in by_algorithm.values():
        facts = [_facts(entry) for entry in own]
        names = dict.fromkeys(name for each in facts for name in each)
        varying = [n for n in names if len({each.get(n, "") for each in facts}) > 1]
        # The version of the source says little to people: only where nothing else tells apart.
        enough = [n for n in varying if n != _SOURCE]
        if len({tuple(each.get(n, "") for n in enough) for each in facts}) == len(own):
            varying = enough
        for entry, each in zip(own, facts, strict=True):
            found[entry.identity] = tuple((n, _short(each[n])) for n in varying if n in each)
    return found


def _facts(entry: Entry) -> dict[str, str]:
    origin = entry.manifest.origin
    return {
        **{
            name: value_text(value)
            for name, value in origin.parameters.items()
            if name != "seed" or not entry.fits
        },
        **{f"weights of {name}": value[:8] for name, value in origin.weight_hashes.items()},
        _SOURCE: origin.source_hash[:8],
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SETTING else text[: LONGEST_SETTING - 1] + "…"


def _standings(boards: Sequence[Board]) -> tuple[tuple[Board, ...], tuple[Standing, ...]]:
    """Return the boards that ranks are averaged over, and the standings, best or by name first."""
    places: dict[str, list[Place | None]] = {}
    for i, board in enumerate(boards):
        for place in board.all_places:
            row = places.setdefault(place.entry.settings, [None] * len(boards))
            # With several versions of one source on a board, the latest stands for all.
            other = row[i]
            if other is None or other.entry.manifest.finished < place.entry.manifest.finished:
                row[i] = place
    settings = list(places)
    firsts = {s: next(p.entry for p in places[s] if p is not None) for s in settings}
    differs = _differences(list(firsts.values()))
    competing = [s for s in settings if not firsts[s].manifest.control]
    shared = _shared(boards, [places[s] for s in competing])
    ranks = [_shared_ranks([places[s][i] for s in competing]) for i in shared]
    means = {
        s: sum(column[at] for column in ranks) / len(ranks)
        for at, s in enumerate(competing)
        if ranks
    }
    found = [
        Standing(
            s,
            firsts[s].algorithm,
            # Runs on several boards may come from several versions of a source.
            tuple(pair for pair in differs[firsts[s].identity] if pair[0] != _SOURCE),
            tuple(places[s]),
            means.get(s),
            firsts[s].manifest.control,
        )
        for s in settings
    ]
    found.sort(key=lambda one: (one.control, one.mean_rank or 0.0, one.label))
    return tuple(boards[i] for i in shared), tuple(found)


def _shared(boards: Sequence[Board], rows: Sequence[Sequence[Place | None]]) -> list[int]:
    """Return the boards over which ranks may be averaged: those of one kind of question.

    All entries must have a rank on every board of the kind, and there must be no second kind of
    which that is so. A board that has nothing but controls, or whose data cannot answer, ranks
    nobody.
    """
    kinds: dict[str, list[int]] = {}
    for i, board in enumerate(boards):
        if board.places and not board.unanswerable:
            kinds.setdefault(board.first.metrics.task, []).append(i)

    def ranked(place: Place | None) -> bool:
        return place is not None and place.rank is not None

    whole = [kind for kind in kinds.values() if all(ranked(row[i]) for row in rows for i in kind)]
    return whole[0] if len(whole) == 1 else []


def _shared_ranks(places: Sequence[Place | None]) -> list[float]:
    """Return the ranks of one board that ranks all: ties share their mean."""
    ranks = [place.rank for place in places if place is not None and place.rank is not None]
    tied = Counter(ranks)
    # A rank is one plus the number of better entries: those tied take the places from there on.
    return [rank + (tied[rank] - 1) / 2 for rank in ranks]
