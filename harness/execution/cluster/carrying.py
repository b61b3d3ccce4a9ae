"""Units carried by Dask: which are to be done, by whom they were begun, and what came back.

What counts is what lies in the run folder, with its hash; what a scheduler says only tells when to
look. A unit whose worker died, or whose result is not there, is given to another worker once; then
the run fails and names it, while the others are finished.
"""

from __future__ import annotations

import itertools
import queue
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness.data.fingerprints import THREADS
from harness.errors import PluginError, RunFailed, UsageError
from harness.execution.asking import Asked
from harness.execution.bounds import Bounds
from harness.execution.claims import read_claim, remove_claim
from harness.execution.cluster import there
from harness.execution.cluster.assignments import (
    Assignment,
    memory_asked,
    pictures_of,
    relocated,
    remove_assignments,
    write_assignment,
)
from harness.execution.cluster.connecting import Connection
from harness.execution.cluster.sameness import (
    Difference,
    Expected,
    Question,
    Report,
    differences,
    digest_or_nothing,
    expected_of,
    refusal,
    two_on_one,
)
from harness.execution.cluster.settings import ClusterSettings, Roots
from harness.execution.cluster.there import Outcome
from harness.execution.devices import device_asked
from harness.execution.doing import DONE, Event, Listener
from harness.execution.keeping import Workplace, is_done
from harness.execution.pool import Limits
from harness.execution.spot_checks import Checked
from harness.execution.unit import Unit
from harness.plugins.registry import Plugin

TURNS = 2
"""Times that a unit is given to a worker that dies of it, or leaves no result."""

IDLE_TURNS = 20
"""Times that a unit is given to workers that die before they begin it."""

SAMPLE = 20
"""Pictures that every worker hashes before it is given work."""

LOOK_EVERY = 0.5
"""Seconds between two looks at the run folder."""


class Carrier:
    """Has units done by the workers of a Dask cluster.

    Parameters
    ----------
    connection
        To the cluster.
    settings
        What the user says about it.
    device
        That matching asks for.
    """

    def __init__(self, connection: Connection, settings: ClusterSettings, device: str) -> None:
        self._connection, self._settings, self._device = connection, settings, device
        self._roots: Roots = (*there.bundled_roots(), *settings.roots)
        self._expected: dict[tuple[str, str], Expected] = {}
        self._digests: dict[str, str] = {}

    def ask(
        self,
        plugin: Plugin,
        *,
        preset: str = "",
        assignments: Mapping[str, str] | None = None,
        seed: int | None = None,
        hidden: Iterable[Path] = (),
        bounds: Bounds | None = None,
    ) -> Asked:
        """Have every worker describe a plugin; as `harness.execution.asking.ask` for the rest.

        Raises
        ------
        UsageError
            If a worker differs from this machine, or from the others, in what can change a number.
        """
        bounds = bounds or Bounds()
        question = Question(
            name=plugin.name,
            file=absolute(str(plugin.file)),
            attribute=plugin.attribute,
            module=plugin.module,
            preset=preset,
            assignments=dict(assignments or {}),
            seed=seed,
            hidden=tuple(absolute(str(folder)) for folder in hidden),
            silence=bounds.silence,
            memory=memory_asked(Limits(bounds=bounds)),
            command=plugin.command,
        )
        answers = self._connection.on_each(there.tell, question.key, self._roots)
        reports = [msgspec.json.decode(answer, type=Report) for answer in answers]
        reports.sort(key=lambda one: (one.host, one.worker))
        first = _usual(reports)
        if first is None or first.description is None:
            kind = UsageError if reports[0].exit_code == UsageError.exit_code else PluginError
            raise kind(f"{reports[0].error}\n  on {reports[0].host}")
        asked = Asked(first.description, first.environment, first.loaded)
        expected = expected_of(question, plugin, asked, mixed=self._settings.mixed)
        rows = [row for one in reports for row in differences(expected, one)]
        if device_asked(self._device, first.description.values()):
            told = self._connection.on_each(there.tell, question.key, self._roots, gpu=True)
            rows += two_on_one(msgspec.json.decode(one, type=Report) for one in told)
        if rows:
            raise refusal(rows)
        self._expected[str(plugin.file), plugin.attribute] = expected
        return asked

    def do_all(
        self, units: Sequence[Unit], place: Workplace, limits: Limits, listen: Listener
    ) -> None:
        """Have units done; parameters and errors as for `harness.execution.pool.do_all`."""
        if not units:
            return
        try:
            self._look_at_workers(units, place, limits)
            _Wave(self, units, place, limits, listen).do()
        finally:
            remove_assignments(place.run)

    def check_all(
        self, units: Sequence[Unit], place: Workplace, limits: Limits, listen: Listener
    ) -> Checked:
        """Have answers checked by a worker; as `harness.execution.pool.check_all` for the rest."""
        name = "check"
        try:
            for _ in range(TURNS):
                assignment = self.assign(units, place, limits, {})
                assignment.check = True
                write_assignment(place.run, name, assignment)
                future = self._connection.submit(there.work, *self.words(place, name, assignment))
                found = self._connection.result(future)
                if found is None:
                    continue
                outcome = msgspec.json.decode(found, type=Outcome)
                if outcome.what == there.DONE and outcome.checked is not None:
                    return outcome.checked
                raise error_of(outcome)
        finally:
            remove_assignments(place.run)
        raise RunFailed(f"{TURNS} workers died while they were checking answers of {place.run}")

    def assign(
        self, units: Sequence[Unit], place: Workplace, limits: Limits, pictures: dict[str, str]
    ) -> Assignment:
        """Return what a worker is to be assignment."""
        known = place.journal.hashes()
        own = {unit.name for unit in units}
        device = device_asked(
            max((unit.matching.device for unit in units if unit.matching), default=""),
            units[0].parameters,
        )
        return Assignment(
            token=secrets.token_hex(16),
            units=[relocated(unit, absolute) for unit in units],
            hidden=[absolute(str(folder)) for folder in place.hidden],
            threads=limits.threads,
            silence=limits.bounds.silence,
            time=limits.bounds.time,
            memory=memory_asked(limits),
            expected=self._expected_for(units),
            journal={name: one for name, one in known.items() if name.split("/")[0] in own},
            pictures=pictures,
            durable=not self._connection.is_local,
            device=device,
        )

    def words(self, place: Workplace, name: str, assignment: Assignment) -> tuple[Any, ...]:
        """Return what a worker is told of an assignment."""
        patience = self._connection.unseen
        return str(place.run.absolute()), name, assignment.token, self._roots, patience

    def digests(self, units: Iterable[Unit]) -> dict[str, str]:
        """Return SHA-256 of the files that units are about, by path; each is hashed once."""
        paths = {absolute(one.path) for unit in units for one in pictures_of(unit)}
        missing = sorted(paths - self._digests.keys())
        with ThreadPoolExecutor(THREADS) as pool:
            self._digests |= zip(missing, pool.map(digest_or_nothing, missing), strict=True)
        return {path: self._digests[path] for path in sorted(paths)}

    def _expected_for(self, units: Iterable[Unit]) -> list[Expected]:
        return [self._expected[one] for one in sorted({(u.file, u.attribute) for u in units})]

    def _look_at_workers(self, units: Sequence[Unit], place: Workplace, limits: Limits) -> None:
        """Refuse workers that differ, or see other pictures, before any is given work."""
        pictures = self.digests(units)
        chosen = random.Random(0).sample(sorted(pictures), min(SAMPLE, len(pictures)))  # noqa: S311
        sample = {path: pictures[path] for path in chosen}
        bare = [msgspec.structs.replace(units[0], pictures={}, training=None, masks=[])]
        assignment = self.assign(bare, place, limits, sample)
        assignment.expected = self._expected_for(units)
        assignment.device = device_asked(self._device, units[0].parameters)
        write_assignment(place.run, "look", assignment)
        rows: list[Difference] = []
        words = self.words(place, "look", assignment)
        gpu = bool(assignment.device)
        for answer in self._connection.on_each(there.look, *words, gpu=gpu):
            outcome = msgspec.json.decode(answer, type=Outcome)
            if outcome.what == there.UNSEEN:
                rows.append(_unseen(place.run, outcome))
            rows += outcome.rows
        if rows:
            raise refusal(rows)

    @property
    def connection(self) -> Connection:
        """To the cluster."""
        return self._connection


@dataclass
class _Turn:
    """A unit that was given to the cluster."""

    unit: Unit
    token: str
    until: float = 0.0
    """When its result has to be seen, once it is said to be done."""
    outcome: Outcome | None = None


@dataclass
class _Wave:
    """Units that can be done at the same time."""

    carrier: Carrier
    units: Sequence[Unit]
    place: Workplace
    limits: Limits
    listen: Listener
    turns: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    out: dict[Any, _Turn] = field(default_factory=dict)
    """By what Dask calls it."""
    awaited: list[_Turn] = field(default_factory=list)
    """Said to be done, and not yet seen."""
    given_up: dict[str, str] = field(default_factory=dict)
    ended: queue.Queue[Any] = field(default_factory=queue.Queue)

    def do(self) -> None:
        """Have all of them done."""
        connection = self.carrier.connection
        try:
            for unit in self.units:
                self.give(unit)
            looked = 0.0
            while self.out or self.awaited:
                with suppress(queue.Empty):
                    self.hear(self.ended.get(timeout=LOOK_EVERY))
                self.look_for_results()
                if time.monotonic() - looked > LOOK_EVERY:
                    looked = time.monotonic()
                    self.pass_on()
                    connection.watch()
        finally:
            self.withdraw()
        if self.given_up:
            lines = "\n".join(f"  {name}: {why}" for name, why in self.given_up.items())
            raise RunFailed(
                f"{len(self.given_up)} of {len(self.units)} units of {self.place.run} have no "
                f"result after {TURNS} turns; the others are done:\n{lines}"
            )

    def give(self, unit: Unit) -> None:
        """Give a unit to the cluster."""
        carrier = self.carrier
        assignment = carrier.assign([unit], self.place, self.limits, carrier.digests([unit]))
        write_assignment(self.place.run, unit.name, assignment)
        words = carrier.words(self.place, unit.name, assignment)
        future = carrier.connection.submit(there.work, *words, gpu=bool(assignment.device))
        self.out[future.key] = _Turn(unit, assignment.token)
        future.add_done_callback(self.ended.put)

    def hear(self, future: Any) -> None:
        """See to a unit of which Dask says that it is over."""
        turn = self.out.pop(future.key)
        found = self.carrier.connection.result(future)
        outcome = None if found is None else msgspec.json.decode(found, type=Outcome)
        if outcome is None or outcome.what in (there.LOST, there.STOPPED):
            self.again(turn, "its worker died")
        elif outcome.what == there.DONE:
            turn.outcome, turn.until = outcome, time.monotonic() + self.carrier.connection.unseen
            self.awaited.append(turn)
        elif outcome.what == there.UNSEEN:
            raise refusal([_unseen(self.place.run, outcome)])
        else:
            raise error_of(outcome)

    def look_for_results(self) -> None:
        """Count the results that are there, as they were said to be."""
        late = []
        for turn in self.awaited:
            name, outcome = turn.unit.name, turn.outcome
            self.place.journal.take_over(name)
            noted = self.place.journal.hashes().items()
            if is_done(turn.unit, self.place) and outcome and outcome.steps.items() <= noted:
                remove_claim(self.place.folder(turn.unit))
                self.listen(Event(name, DONE, 1, 1))
            elif time.monotonic() < turn.until:
                late.append(turn)
            else:
                where = outcome.host if outcome else "somebody"
                self.again(turn, f"{where} said that it was done, and left no whole result")
        self.awaited = late

    def again(self, turn: _Turn, why: str) -> None:
        """Give a unit once more, unless it had its turns."""
        name = turn.unit.name
        claim = read_claim(self.place.folder(turn.unit))
        begun = turn.outcome is not None or (claim is not None and claim.token == turn.token)
        if begun:
            self.turns[name] += 1
            if claim is not None:
                why = f"{why} ({claim.host}, process {claim.process})"
        else:
            self.idle[name] += 1
        if self.turns[name] < TURNS and self.idle[name] < IDLE_TURNS:
            self.give(turn.unit)
        else:
            self.given_up[name] = why

    def pass_on(self) -> None:
        """Say how far the units are that are being worked on."""
        # They are begun about in the order in which they were submitted.
        first = 2 * self.carrier.connection.at_a_time
        for turn in list(itertools.islice(self.out.values(), first)):
            claim = read_claim(self.place.folder(turn.unit))
            if claim is not None and claim.token == turn.token and claim.step:
                note = f"on {claim.host}"
                self.listen(Event(turn.unit.name, claim.step, claim.done, claim.total, note))

    def withdraw(self) -> None:
        """Stop whoever is at work: a worker that finds its claim gone ends its unit."""
        if not self.out:
            return
        self.carrier.connection.cancel(self.out)
        for turn in self.out.values():
            claim = read_claim(self.place.folder(turn.unit))
            if claim is not None and claim.token == turn.token:
                remove_claim(self.place.folder(turn.unit))


def _usual(reports: Sequence[Report]) -> Report | None:
    """Return a report of a worker that is like most of those that could describe the algorithm."""
    able = [one for one in reports if one.description is not None]
    counts = Counter(one.environment.hash for one in able)
    return max(
        able, key=lambda one: (counts[one.environment.hash], one.environment.hash), default=None
    )


def absolute(path: str) -> str:
    """Return the whole name of a file of this machine."""
    return str(Path(path).absolute())


def error_of(outcome: Outcome) -> Exception:
    """Return the error that ended an assignment; it is no `HarnessError` for a harness's fault."""
    if outcome.what == there.FAULT:
        return RuntimeError(f"on {outcome.host}:\n{outcome.text}")
    if outcome.what == there.REFUSED:
        return refusal(outcome.rows)
    kind = UsageError if outcome.code == UsageError.exit_code else RunFailed
    return kind(f"{outcome.text}\n  on {outcome.host}")


def _unseen(run: Path, outcome: Outcome) -> Difference:
    return Difference(outcome.host, str(run), "there", f"not to be seen: {outcome.text}")
