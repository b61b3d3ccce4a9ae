"""From a run's folds to its units of work, in the waves in which they can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.data.records import Fold, Record
from harness.description import Description
from harness.execution.unit import TEMPLATES, Picture, Training, Unit
from harness.protocol import Protocol
from harness.registry import Plugin

CHUNK = 256
"""Images whose templates one unit makes, where templates do not depend on the fold."""


def plan(
    plugin: Plugin,
    description: Description,
    protocol: Protocol,
    folds: Sequence[Fold],
    records: Mapping[str, Record],
) -> list[list[Unit]]:
    """Lay a run out as waves of units; those of one wave can be done at the same time.

    An algorithm that learns makes its templates anew in every fold; one that does not makes each
    template once, in chunks, before the folds are compared.
    """
    task = protocol.module()
    ability = "Control" if description.control else task.ABILITY.__name__
    matches = ability == "Matcher"
    common: dict[str, Any] = {
        "ability": ability,
        "algorithm": plugin.name,
        "file": str(plugin.file),
        "attribute": plugin.attribute,
        "module": plugin.module,
        "parameters": description.values(),
    }
    waves: list[list[Unit]] = []
    shared: list[str] = []
    if matches and not description.learns:
        names = sorted({name for fold in folds for name in (*fold.probes, *fold.gallery)})
        chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
        units = [
            Unit(
                name=f"templates-{i:03d}",
                pictures=_pictures(chunk, records),
                extract=chunk,
                score=False,
                **common,
            )
            for i, chunk in enumerate(chunks, start=1)
        ]
        shared = [f"units/{unit.name}/{TEMPLATES}" for unit in units]
        waves.append(units)
    judged = []
    for fold in folds:
        seen = list(dict.fromkeys((*fold.probes, *fold.gallery)))
        training = None
        if description.learns:
            truth = task.training_truth(fold, records, protocol)
            training = Training(images=list(fold.train), **truth)
        touched = [] if description.control or shared else seen
        judged.append(
            Unit(
                name=f"fold-{fold.name}",
                pictures=_pictures([*touched, *(training.images if training else [])], records),
                training=training,
                extract=seen if matches and description.learns else [],
                templates=shared,
                probes=list(fold.probes),
                gallery=list(fold.gallery),
                truth=(
                    np.flatnonzero(task.truth_matrix(fold, records)).tolist()
                    if description.control
                    else []
                ),
                **common,
            )
        )
    waves.append(judged)
    return waves


def _pictures(names: Sequence[str], records: Mapping[str, Record]) -> dict[str, Picture]:
    return {name: Picture(str(records[name].path)) for name in names}
