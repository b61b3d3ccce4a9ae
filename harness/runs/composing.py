"""Composites: runs whose algorithm is made of others, as a plan over the units of its parts.

The units of a part are those that a run of it alone would have, called ``first.fold-1`` and so on:
fits, templates and scores. So each part has processes, fences and limits of its own, and what a run
of a part made is copied from its folder, and the other way round, where it was made alike. The
scores of all parts become those of a fold in this process, which runs no algorithm's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from harness.api import Matcher
from harness.data.records import Fold
from harness.errors import HarnessError, UsageError, nearest
from harness.execution.configured import ConfiguredAlgorithm
from harness.execution.keeping import Workplace, store_scores
from harness.execution.plan import STREAM_ABOVE, plan
from harness.execution.pool import Limits
from harness.execution.storage import load_answer
from harness.execution.unit import SCORES, TEMPLATES, Unit
from harness.plugins.description import Description
from harness.plugins.programs.command import is_command
from harness.record.manifest import Ceiling, Composition, PartOrigin, Stage, Weighing
from harness.tasks.answers import Answer
from harness.tasks.composites import LEARNED, Fusion, Reranking, subsets
from harness.tasks.counted import counted
from harness.tasks.drawing import each_draw
from harness.tasks.identification import Searching
from harness.tasks.kinds import task_of
from harness.tasks.open_set import OpenSet

if TYPE_CHECKING:
    from harness.tasks.on_data import ProtocolOnData

Waves: TypeAlias = list[list[Unit]]

CALIBRATION = "calibration"
"""What units of a part are called whose scores a fusion is learned from."""


def split_parameters(assignments: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a composite's own parameters, and those of its parts by the parts' names."""
    own: dict[str, str] = {}
    of_parts: dict[str, Any] = {}
    for name, value in assignments.items():
        part, dot, inner = name.partition(".")
        if dot:
            of_parts.setdefault(part, {})[inner] = value
        else:
            own[name] = value
    return own, of_parts


def assembled(
    entry: ConfiguredAlgorithm,
    assignments: Mapping[str, Mapping[str, str]],
    find: Callable[[str, str, Mapping[str, str], int], ConfiguredAlgorithm],
) -> ConfiguredAlgorithm:
    """Return a composite with its parts, whose parameters stand among its own.

    Parameters
    ----------
    entry
        The composite alone.
    assignments
        Texts of parameters, by the name of a part.
    find
        Finds a part by name, preset, texts of parameters and seed.

    Raises
    ------
    UsageError
        If a part is no matcher, or a part or one of its parameters is unknown.
    """
    plugin, description = entry.plugin, entry.description
    values = description.values()
    named = {part: str(values[part]) for part in description.parts if values[part]}
    for part in assignments:
        if part not in named:
            raise UsageError(
                f"{plugin.name}: it has no part {part!r}.{nearest(part, named)} Its parts are "
                + ", ".join(f"{name} ({algorithm})" for name, algorithm in named.items())
            )
    if len(named) < 2:
        raise UsageError(f"{plugin.name}: name two parts at least, as in --param second=sift")
    parts: dict[str, ConfiguredAlgorithm] = {}
    for part, text in named.items():
        name, _, preset = (text, "", "") if is_command(text) else text.partition(":")
        given = dict(assignments.get(part, {}))
        if "seed" in given:
            raise UsageError(f"{plugin.name}: {part}.seed follows --seed, as those of all parts do")
        try:
            found = find(name, preset, given, int(values["seed"]))
        except HarnessError as reason:
            raise type(reason)(f"{plugin.name}: {part} ({text}): {reason}") from None
        _check_part(f"{plugin.name}: {part} is {text!r}, which", found.description)
        parts[part] = found
    learned = description.rule == Fusion.__name__ and values["how"] == LEARNED
    merged = [
        msgspec.structs.replace(one, name=f"{part}.{one.name}")
        for part, found in parts.items()
        for one in found.description.parameters
        if one.name != "seed"
    ]
    whole = msgspec.structs.replace(
        description,
        parameters=[*description.parameters, *merged],
        learns=learned or any(one.description.learns for one in parts.values()),
        cosine=False,
    )
    return replace(entry, description=whole, parts=parts)


def _check_part(what: str, description: Description) -> None:
    if description.parts:
        raise UsageError(f"{what} is a composite itself; a part is a matcher with templates")
    if description.shown_truth:
        raise UsageError(f"{what} is a control that is shown the truth; a part is a matcher")
    if Matcher.__name__ not in description.abilities:
        able = ", ".join(description.abilities)
        raise UsageError(f"{what} is a {able}; a part is a Matcher, which compares two templates")


def check_question(judged: ProtocolOnData, entry: ConfiguredAlgorithm, *, attacked: bool) -> None:
    """Refuse a question that a composite cannot answer.

    Raises
    ------
    UsageError
        With what does not go, and what does.
    """
    name, values = entry.plugin.name, entry.description.values()
    task = task_of(judged.protocol)
    by_search = entry.description.rule == Reranking.__name__ or values.get("how") != LEARNED
    if attacked:
        raise UsageError(f"{name} is a composite; --attack is for runs of its parts")
    if by_search and not isinstance(task, Searching):
        raise UsageError(
            f"{name}: protocol {judged.name!r} compares listed pairs, and searches no gallery in "
            f"which candidates could be put in order; `fuse` by {LEARNED} joins scores of pairs"
        )
    if values.get("how") == "ranks" and isinstance(task, OpenSet):
        raise UsageError(
            f"{name}: how=ranks says of every search that somebody is found; protocol "
            f"{judged.name!r} asks whether anybody is. Take how=z-scores or how={LEARNED}"
        )
    for fold in judged.folds:
        count = len(fold.probes) * len(fold.gallery)
        if count > STREAM_ABOVE:
            raise UsageError(
                f"{name}: fold {fold.name} has {count:,} comparisons, and a composite keeps the "
                f"scores of all of them, up to {STREAM_ABOVE:,}. Ask for more folds, or a smaller "
                "gallery"
            )
    if entry.description.rule == Fusion.__name__ and values["how"] == LEARNED:
        for fold in judged.folds:
            if not fold.train:
                raise UsageError(
                    f"{name} learns how to weigh its parts, and protocol {judged.name!r} gives it "
                    "no training image on this data: name a set to learn from with --train-data, "
                    "or fuse without calibration (--param how=z-scores, or how=ranks)"
                )
        calibration_folds(judged, entry)


def origins_of(
    entry: ConfiguredAlgorithm, weights_of: Callable[[ConfiguredAlgorithm], dict[str, str]]
) -> dict[str, PartOrigin]:
    """Return what of the parts can change a number, by their names."""
    return {
        part: PartOrigin(one.plugin.name, one.source_hash, weights_of(one), one.description.version)
        for part, one in entry.parts.items()
    }


def calibration_folds(
    judged: ProtocolOnData, entry: ConfiguredAlgorithm
) -> dict[tuple[str, ...], Fold]:
    """Return the questions that weights are learned from, by the images that are learned from.

    Raises
    ------
    DataError
        If images that are held out make no comparison.
    """
    values, protocol = entry.description.values(), judged.protocol
    refitted = any(part.description.learns for part in entry.parts.values())
    found: dict[tuple[str, ...], Fold] = {}
    for fold in judged.folds:
        if fold.train not in found:
            found[fold.train] = Fusion.asked(
                fold,
                judged.dataset.records,
                task_of(protocol).training_truth(fold, judged.dataset.records, protocol),
                share=float(values["held_out"]) if refitted else 1.0,
                most=int(values["comparisons"]),
                seed=int(values["seed"]),
                apart=protocol.data.same_source == "left-out",
            )
    return found


@dataclass
class Composing:
    """A composite at work in a run folder.

    Parameters
    ----------
    entry
        With its parts.
    judged
        The question.
    place
        Where its units are done.
    limits
        Of the workers.
    """

    entry: ConfiguredAlgorithm
    judged: ProtocolOnData
    place: Workplace
    limits: Limits

    def __post_init__(self) -> None:
        values = self.entry.description.values()
        self.k = int(values["k"]) if self.reranks else 0
        self.how = "" if self.reranks else str(values["how"])
        self.calibrations = (
            calibration_folds(self.judged, self.entry) if self.how == LEARNED else {}
        )
        plans = [self._planned(part) for part in self.entry.parts]
        if self.reranks:
            # What the second compares is known when the first has searched.
            asking = plans[1].pop()
            plans = [[*_side_by_side(plans), asking]]
        self.planned: Waves = _side_by_side(plans)

    @property
    def reranks(self) -> bool:
        """Whether a second part compares what a first found."""
        return self.entry.description.rule == Reranking.__name__

    def waves(self) -> Iterator[list[Unit]]:
        """Yield what is to be done, wave by wave: the next one after all of the last are done."""
        *before, last = self.planned
        yield from before
        yield [self._listed(unit) for unit in last] if self.reranks else last

    def _planned(self, part: str) -> Waves:
        entry = self.entry.parts[part]
        waves = [
            [_called(unit, f"{part}.") for unit in wave]
            for wave in plan(entry, self.judged, self.limits)
        ]
        if not self.calibrations:
            return waves
        there = {} if entry.description.learns else _extracted(waves)
        asked = replace(self.judged, folds=tuple(self.calibrations.values()))
        more = [
            [_called(unit, f"{part}.{CALIBRATION}.") for unit in wave]
            for wave in plan(entry, asked, self.limits)
        ]
        return [*waves, *(_without(more, there) if there else more)]

    def _listed(self, unit: Unit) -> Unit:
        name = unit.name.removeprefix("second.fold-")
        fold = next(fold for fold in self.judged.folds if fold.name == name)
        lists = self._shortlist(fold, self._scores("first", fold.name).scores)
        return msgspec.structs.replace(
            unit, compared=[np.flatnonzero(row).tolist() for row in lists]
        )

    def _scores(self, part: str, fold: str) -> Answer:
        return load_answer(self.place.run / "units" / f"{part}.fold-{fold}" / SCORES)

    def _shortlist(self, fold: Fold, scores: Any) -> Any:
        """Return which comparisons the second part makes: bool, shape (probes, references)."""
        chosen = np.zeros(scores.shape, dtype=bool)
        for one, places in _searches(fold):
            met = np.where(counted(one).compared, scores[places], np.nan)
            chosen[places] |= Reranking.shortlist(met, one.gallery, self.k)
        return chosen

    def join(self) -> tuple[list[Unit], Composition]:
        """Make the scores of all folds from those of the parts, and store them.

        Returns
        -------
        tuple
            The units that hold them, and what is to be said of them.
        """
        units: list[Unit] = []
        found, searched = 0, 0
        learned = {train: self._learned(train) for train in self.calibrations}
        made = {part: Counts() for part in self.entry.parts}
        asked = sum(len(f.mates) + len(f.nonmates) for f in self.calibrations.values())
        for fold in self.judged.folds:
            answers = {part: self._scores(part, fold.name) for part in self.entry.parts}
            for part, answer in answers.items():
                there = ~np.isnan(answer.scores) & counted(fold).compared
                made[part].comparisons += int(there.sum())
                made[part].searches += int(there.any(axis=1).sum())
                made[part].failed |= set(answer.failures)
            whole = self.how == LEARNED
            for one, places in [(fold, ...)] if whole else _searches(fold):
                scores = [answer.scores[places].astype(np.float64) for answer in answers.values()]
                kinds = counted(one)
                if self.reranks:
                    # What the protocol leaves out takes no place in a short list.
                    scores = [np.where(kinds.compared, each, np.nan) for each in scores]
                    listed = Reranking.shortlist(scores[0], one.gallery, self.k)
                    joined = Reranking.reranked(scores[0], scores[1], listed)
                    searched += int(kinds.mated.any(axis=1).sum())
                    found += int((kinds.mated & listed).any(axis=1).sum())
                    failures = answers["first"].failures
                else:
                    failures = {
                        name: "; ".join(f"{p}: {answers[p].failures[name]}" for p in answers)
                        for name in set.intersection(*(set(a.failures) for a in answers.values()))
                    }
                    usable = _usable(one, failures)
                    joined = Fusion.joined(scores, self.how, learned.get(fold.train, {}), usable)
                units.append(self._store(one, joined, failures))
        composition = Composition(
            self.entry.description.rule,
            {
                part: Stage(one.comparisons, one.searches, asked, len(one.failed))
                for part, one in made.items()
            },
            Ceiling(self.k, found, searched) if self.reranks else None,
            [self._weighing(train, fusions) for train, fusions in learned.items()],
            self._mixed(),
        )
        return units, composition

    def _mixed(self) -> str:
        names = [part.plugin.name for part in self.entry.parts.values()]
        if self.reranks:
            return (
                f"it needs one threshold for all scores, and those of the best {self.k} of each "
                f"search are {names[1]}'s, all others an order below them by {names[0]}'s"
            )
        if self.how == "ranks":
            return "it needs one threshold for all scores, and these are ranks within a search"
        return ""

    def _store(self, fold: Fold, scores: Any, failures: Mapping[str, str]) -> Unit:
        names = {*fold.probes, *fold.gallery}
        unit = Unit(
            name=f"fold-{fold.name}",
            ability=Matcher.__name__,
            algorithm=self.entry.plugin.name,
            **self.entry.plugin.address,
            parameters=self.entry.description.values(),
            pictures={},
            probes=list(fold.probes),
            gallery=list(fold.gallery),
        )
        failed = {name: why for name, why in sorted(failures.items()) if name in names}
        store_scores(unit, self.place, scores, failed)
        return unit

    def _learned(self, train: tuple[str, ...]) -> dict[tuple[int, ...], Fusion]:
        """Learn weights from the scores of training images that the parts were not fitted on."""
        fold = self.calibrations[train]
        scores = np.stack(
            [self._scores(f"{part}.{CALIBRATION}", fold.name).scores for part in self.entry.parts]
        )
        kinds = counted(fold)
        found = {}
        for places in subsets(len(scores)):
            there = kinds.compared & ~np.isnan(scores[list(places)]).any(axis=0)
            try:
                found[places] = Fusion.fit(scores[list(places)][:, there], kinds.mated[there])
            except ValueError:
                names = [list(self.entry.parts)[i] for i in places]
                raise UsageError(
                    f"{self.entry.plugin.name}: {' and '.join(names)} gave up on so many training "
                    f"images of fold {fold.name} that no comparison of a kind is left to learn from"
                ) from None
        return found

    def _weighing(
        self, train: tuple[str, ...], fusions: Mapping[tuple[int, ...], Fusion]
    ) -> Weighing:
        fold = self.calibrations[train]
        parts = list(self.entry.parts)
        whole = fusions[tuple(range(len(parts)))]
        judged = [one for one in self.judged.folds if one.train == train]
        truth = task_of(self.judged.protocol).training_truth(
            judged[0], self.judged.dataset.records, self.judged.protocol
        )
        used = {*fold.probes, *fold.gallery}
        numbers = {n for name, n in zip(train, truth["identities"], strict=True) if name in used}
        return Weighing(
            [one.name for one in judged],
            len(numbers),
            len(used),
            whole.mated,
            whole.nonmated,
            any(one.description.learns for one in self.entry.parts.values()),
            dict(zip(parts, whole.weights, strict=True)),
            whole.offset,
        )


@dataclass
class Counts:
    """What a part did, as it is added up."""

    comparisons: int = 0
    searches: int = 0
    failed: set[str] = field(default_factory=set)


def _searches(fold: Fold) -> Iterator[tuple[Fold, Any]]:
    """Yield the searches that a fold is: itself, or its draws, with their places in its scores."""
    if not fold.draws:
        yield fold, np.ix_(range(len(fold.probes)), range(len(fold.gallery)))
        return
    row = {name: i for i, name in enumerate(fold.probes)}
    column = {name: j for j, name in enumerate(fold.gallery)}
    for draw in each_draw(fold):
        yield draw, np.ix_([row[n] for n in draw.probes], [column[n] for n in draw.gallery])


def _usable(fold: Fold, failures: Mapping[str, str]) -> Any:
    """Return which comparisons a fold asks for, of images that a part has a template of."""
    rows = np.array([name not in failures for name in fold.probes], dtype=bool)
    columns = np.array([name not in failures for name in fold.gallery], dtype=bool)
    return counted(fold).compared & rows[:, None] & columns[None, :]


def _side_by_side(plans: Sequence[Waves]) -> Waves:
    return [[u for wave in waves for u in wave] for waves in zip_longest(*plans, fillvalue=[])]


def _called(unit: Unit, prefix: str) -> Unit:
    """Return a unit under another name, with the places of what it builds on."""

    def there(places: Sequence[str]) -> list[str]:
        return [f"units/{prefix}{place.removeprefix('units/')}" for place in places]

    return msgspec.structs.replace(
        unit,
        name=f"{prefix}{unit.name}",
        templates=there(unit.templates),
        model=there([unit.model])[0] if unit.model else "",
    )


def _extracted(waves: Waves) -> dict[str, list[str]]:
    """Return the names of images that have templates, by the place of these."""
    return {
        f"units/{unit.name}/{TEMPLATES}": unit.extract
        for wave in waves
        for unit in wave
        if unit.extract and not unit.probes
    }


def _without(waves: Waves, there: Mapping[str, Sequence[str]]) -> Waves:
    """Return units without templates that are there; what they compare is looked for there, too."""
    known = {name for names in there.values() for name in names}
    found: Waves = []
    gone: set[str] = set()
    for wave in waves:
        kept = []
        for unit in wave:
            if unit.probes:
                own = [place for place in unit.templates if place not in gone]
                kept.append(msgspec.structs.replace(unit, templates=[*there, *own]))
                continue
            left = [name for name in unit.extract if name not in known]
            if left:
                pictures = {name: unit.pictures[name] for name in left}
                kept.append(msgspec.structs.replace(unit, extract=left, pictures=pictures))
            else:
                gone.add(f"units/{unit.name}/{TEMPLATES}")
        found += [kept] if kept else []
    return found
