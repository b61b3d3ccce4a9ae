"""From a run's folds to its units of work, in the waves in which they can be done."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import msgspec
import numpy as np

from harness.data.records import Fold, Picture, Record
from harness.execution.configured import ConfiguredAlgorithm
from harness.execution.order import shuffled, shuffled_training
from harness.execution.pool import Limits
from harness.execution.unit import (
    MODEL,
    REFERENCE,
    TEMPLATES,
    MatchRequest,
    Training,
    Unit,
)
from harness.tasks.counted import counted
from harness.tasks.drawing import each_draw
from harness.tasks.kinds import task_of
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.protocol import Protocol
from harness.tasks.searches import CANDIDATES, mated_pairs
from harness.tasks.task import Task

STREAM_ABOVE = 20_000_000
"""Comparisons of a fold above which scores are summed up while they are computed, not kept.

It depends on the data alone, never on the machine: the two ways differ in the last digits.
"""

CHUNK = 256
"""Images whose templates one unit makes, where templates do not depend on the fold."""


def plan(entry: ConfiguredAlgorithm, judged: ProtocolOnData, limits: Limits) -> list[list[Unit]]:
    """Lay a run out as waves of units; those of one wave can be done at the same time.

    An algorithm that learns makes its templates anew in every fold; one that does not makes each
    template once, in chunks, before the folds are compared. Folds that learn from the same images
    share one model, which is fitted before them. Where a fold has more comparisons than
    are kept, and the algorithm leaves comparing to the harness, a unit without the plugin does it.

    Where an image stands in a list can tell its mate, so algorithms are given images in an order
    of their own: see `harness.execution.order`.
    """
    plugin, description = entry.plugin, entry.description
    protocol, folds = judged.protocol, judged.folds
    task = task_of(protocol)
    # What follows from records, such as a vocabulary, must follow from those that a run keeps.
    used = dict.fromkeys(n for f in folds for n in (*f.train, *f.probes, *f.pictures_of_references))
    records = {name: judged.dataset.records[name] for name in used}
    ability = "Control" if description.shown_truth else task.asked_of(description.abilities)
    matches = ability == "Matcher"
    common: dict[str, Any] = {
        "ability": ability,
        "algorithm": plugin.name,
        **plugin.address,
        "parameters": description.values(),
        "sees": description.sees,
        "cosine": description.cosine,
    }
    if task.has_vocabulary:
        common["vocabulary"] = list(task.vocabulary(records, protocol))
    seed = protocol.folds.seed
    waves: list[list[Unit]] = []
    shared: list[str] = []
    if matches and not description.learns:
        every = sorted({name for fold in folds for name in (*fold.probes, *fold.gallery)})
        units = _chunks(every, TEMPLATES, "", records, protocol, common)
        shared = [f"units/{unit.name}/{TEMPLATES}" for unit in units]
        waves.append(units)
    enrolled: dict[str, list[str]] = {}
    if ability == "Searcher":
        # A searcher may make other templates of references than of probes.
        probes = sorted({name for fold in folds for name in fold.probes})
        units = _chunks(probes, TEMPLATES, "", records, protocol, common)
        shared = [f"units/{unit.name}/{TEMPLATES}" for unit in units]
        joined = any(fold.consolidated for fold in folds)
        for kind, some in _enrolled(folds, joined=joined).items():
            names = sorted({name for fold in some for name in fold.gallery})
            members = _together(some[0]) if joined else None
            found = _chunks(names, kind, REFERENCE, records, protocol, common, members)
            places = [f"units/{unit.name}/{TEMPLATES}" for unit in found]
            enrolled |= {part.name: places for fold in some for part in (fold, *each_draw(fold))}
            units += found
        waves.append(units)
    trainings: list[Training | None] = [None] * len(folds)
    if description.learns:
        drawing = None if judged.elsewhere is None else judged.elsewhere.drawing
        trainings = [
            Training(images=[], drawn=drawing)
            if drawing
            else Training(images=list(f.train), **task.training_truth(f, records, protocol))
            for f in folds
        ]
    fits = _shared_fits(trainings)
    if fits:
        waves.append(
            [
                Unit(
                    name=name,
                    pictures=_pictures(training.images, records, protocol),
                    training=shuffled_training(training, seed, name),
                    score=False,
                    **common,
                )
                for name, training in fits.values()
            ]
        )
    answering = []
    matching = []
    for fold, own in zip(*_asked(ability, folds, trainings), strict=True):
        streams = (
            matches
            and description.cosine
            and task.streams
            and len(fold.probes) * len(fold.gallery) > STREAM_ABOVE
        )
        seen = list(dict.fromkeys((*fold.probes, *fold.gallery)))
        training, model = own, ""
        if own is not None and (key := _key(own)) in fits:
            training, model = None, f"units/{fits[key][0]}/{MODEL}"
        elif own is not None:
            training = shuffled_training(own, seed, fold.name)
        masked = description.shown_truth and task.truth_shown == "masks"
        touched = [] if (description.shown_truth and not masked) or shared else seen
        name = f"templates-fold-{fold.name}" if streams else f"fold-{fold.name}"
        if streams:
            places = [f"units/{name}/{TEMPLATES}"] if description.learns else shared
            matching.append(
                Unit(
                    name=f"fold-{fold.name}",
                    templates=places,
                    probes=list(fold.probes),
                    gallery=list(fold.gallery),
                    matching=_matching(fold, protocol, limits, len(folds)),
                    pictures={},
                    **common,
                )
            )
            if not description.learns:
                continue
        answering.append(
            Unit(
                name=name,
                pictures=_pictures(
                    [*touched, *(training.images if training else [])], records, protocol
                ),
                training=training,
                model=model,
                extract=seen if matches and description.learns else [],
                templates=shared,
                enrolled=enrolled.get(fold.name, []),
                probes=list(fold.probes),
                gallery=list(fold.gallery),
                compared=compared_in(fold),
                truth=_truth(task, fold, records, common) if description.shown_truth else [],
                masks=list(task.truth_masks(fold, records)) if masked else [],
                order=f"{seed} {fold.name}",
                score=not streams,
                **common,
            )
        )
    waves += [wave for wave in (answering, matching) if wave]
    return waves


def _asked(
    ability: str, folds: Sequence[Fold], trainings: Sequence[Training | None]
) -> tuple[list[Fold], list[Training | None]]:
    """Return what is answered by a unit of its own, with what is learned from before.

    Those are the folds; of searchers their draws, since each list is one of the draw's own gallery.
    """
    if ability != "Searcher":
        return list(folds), list(trainings)
    asked = [part for fold in folds for part in (each_draw(fold) if fold.draws else [fold])]
    return asked, [None] * len(asked)


def _enrolled(folds: Sequence[Fold], *, joined: bool) -> dict[str, list[Fold]]:
    """Return the folds that share templates of references, by what their units are called.

    A template of several pictures is one of its fold: in another the same reference may stand for
    others.
    """
    if joined:
        return {f"enrolled-{fold.name}": [fold] for fold in folds}
    return {"enrolled": list(folds)}


def _together(fold: Fold) -> dict[str, list[str]]:
    """Return for each reference of a gallery what else its template is made of."""
    return {one: [] for one in fold.gallery} | {one: rest for one, *rest in fold.consolidated}


def _chunks(
    names: Sequence[str],
    kind: str,
    role: str,
    records: Mapping[str, Record],
    protocol: Protocol,
    common: Mapping[str, Any],
    together: Mapping[str, list[str]] | None = None,
) -> list[Unit]:
    """Return units that make the templates of images, some of them each."""
    seed = protocol.folds.seed
    # Which images share a chunk tells as little as their order in it.
    names = [names[i] for i in shuffled(names, seed, kind)]
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    units = []
    for i, chunk in enumerate(chunks, start=1):
        joined = {name: together[name] for name in chunk} if together else {}
        used = [*chunk, *(other for others in joined.values() for other in others)]
        units.append(
            Unit(
                name=f"{kind}-{i:03d}",
                pictures=_pictures(used, records, protocol),
                extract=list(chunk),
                order=f"{seed} {i}",
                score=False,
                role=role,
                together=joined,
                **common,
            )
        )
    return units


def _shared_fits(trainings: Sequence[Training | None]) -> dict[bytes, tuple[str, Training]]:
    """Return a unit's name for everything that several folds learn from alike."""
    known: dict[bytes, Training] = {}
    several: dict[bytes, tuple[str, Training]] = {}
    for training in trainings:
        if training is None:
            continue
        key = _key(training)
        if key in known and key not in several:
            several[key] = (f"model-{len(several) + 1}", training)
        known[key] = training
    return several


def _key(training: Training) -> bytes:
    return hashlib.sha256(msgspec.json.encode(training)).digest()


def compared_in(fold: Fold) -> list[list[int]]:
    """Return which references each probe meets, as places in the gallery; empty for all of them.

    A fold of drawn images has many more pairs than are asked about, and some matchers take long
    over a pair.
    """
    if not fold.draws and not fold.nonmates:
        return []
    # There may be many millions of these, of few different numbers: each number is kept once.
    places = list(range(len(fold.gallery)))
    return [list(compress(places, row.tolist())) for row in counted(fold).compared]


def _truth(
    task: Task[Any, Any], fold: Fold, records: Mapping[str, Record], common: Mapping[str, Any]
) -> list[int]:
    """Return what a control is shown: true elements of the answer, as flat indices."""
    if task.truth_shown != "elements":
        return []
    truth = task.truth_matrix(fold, records, common.get("vocabulary", ()))
    places: list[int] = np.flatnonzero(truth).tolist()
    return places


def _matching(fold: Fold, protocol: Protocol, limits: Limits, folds: int) -> MatchRequest:
    at_a_time = min(limits.workers, folds)
    metrics = protocol.metric_ids
    return MatchRequest(
        pairs=[(i, j) for i, j in mated_pairs(fold).tolist()],
        fmrs=[float(dict(m.options)["fmr"]) for m in metrics if m.name == "fnmr"],
        eer=any(m.name == "eer" for m in metrics),
        candidates=CANDIDATES,
        memory=limits.memory // at_a_time,
        threads=max(1, (os.cpu_count() or 1) // at_a_time),
        device=limits.device,
    )


def _pictures(
    names: Sequence[str], records: Mapping[str, Record], protocol: Protocol
) -> dict[str, Picture]:
    crop = protocol.data.crop
    return {n: Picture(str(records[n].path), records[n].box if crop else None) for n in names}
