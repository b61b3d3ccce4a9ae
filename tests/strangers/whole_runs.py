"""Finished run folders made in this process: whole in every file, so that `verify` says so."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from harness.api import FailureToEnroll
from harness.data.records import Fold, Record
from harness.execution.fence import Fence
from harness.execution.journal import Journal
from harness.execution.storage import (
    load_templates,
    record_step,
    save_picture,
    save_pictures,
    save_scores,
    save_templates,
)
from harness.execution.unit import Unit, write_unit
from harness.plugins.registry import find_protocol
from harness.record import record
from harness.record.manifest import Manifest, Origin, Protection, Step
from harness.runs.finishing import finish
from harness.runs.preparing import RULE
from harness.tasks.answers import Answer, PictureAnswer
from harness.tasks.kinds import task_of
from harness.tasks.reading import read_protocol
from tests.conftest import save_png

IDENTITIES = 6
FENCE = Fence(7, "namespace", "pid namespace")
LOST = "f1-5-p1.png"
"""The probe that is given up on."""


def write_run(
    folder: Path, protocol: str = "similarity", seed: int = 0, *, short: bool = False
) -> Path:
    """Write a run of two folds: of `similarity`, `detection`, `tagging` or `segmentation`.

    Parameters
    ----------
    seed
        Of the algorithm; of the same protocol and another seed it is another fit.
    short
        Whether the headline alone is reported, which takes little time.
    """
    folder.mkdir(parents=True)
    text = find_protocol(protocol).read_text(encoding="utf-8")
    if short:
        (headline,) = re.findall(r'^headline = (".*")$', text, re.MULTILINE)
        text = re.sub(r"^metrics = \[.*?\]$", f"metrics = [{headline}]", text, flags=re.M | re.S)
    (folder / record.PROTOCOL).write_text(text, encoding="utf-8")
    rules, digest = read_protocol(folder / record.PROTOCOL)
    root = folder.parent / "pictures"
    records = _records(root)
    folds = [_fold(number, searched=rules.task == "identification") for number in (1, 2)]
    kept = ("mask",) if rules.task == "segmentation" else ()
    record.write_truth(folder, folds, records, root, kept)
    journal = Journal(folder)
    rng = np.random.default_rng(seed + 1)
    answers = [_answer(folder, fold, rules.task, records, rng, journal) for fold in folds]
    origin = Origin(
        rule=RULE,
        protocol=protocol,
        protocol_hash=digest,
        data_hash=hashlib.sha256(b"data").hexdigest(),
        algorithm="made",
        source_hash=hashlib.sha256(b"source").hexdigest(),
        parameters={"seed": seed, "cells": 3},
        weight_hashes={},
        failure_policy=task_of(rules).failure_policy,
        folds=[fold.name for fold in folds],
    )
    manifest = Manifest(
        format=record.FORMAT,
        identity=record.identity_of(origin),
        origin=origin,
        title=rules.title,
        question=rules.question,
        reference=rules.reference,
        task=rules.task,
        abilities=["Matcher"],
        control=False,
        citation="",
        about="Made for a test.",
        dataset={"name": "made", "layout": "folders", "path": str(root), "synthetic": "true"},
        counts={"images": len(records)},
        versions={"python": "3.11.7"},
        machine={"system": "Linux"},
        git={},
        command=f"harness run --protocol {protocol} --algo made",
        started="2026-01-02T03:04:05+00:00",
        finished="2026-01-02T03:04:06+00:00",
        steps=[Step("fold-1", "scores", 0.5, 36)],
        failures=1,
        learns=True,
        mated_by="group" if rules.task == "identification" else "",
        protection=Protection(
            FENCE.landlock, FENCE.network, FENCE.processes, [], FENCE.sentence, 6, 3
        ),
    )
    run = record.Run(folder, manifest, rules, folds, records, answers)
    from harness.data.records import Dataset

    finish(folder, manifest, run.judge(), Dataset("made", root, "folders", records))
    return folder


def _records(root: Path) -> dict[str, Record]:
    rng = np.random.default_rng(0)
    found = {}
    root.mkdir(exist_ok=True)
    mask = root / "mask.png"
    if not mask.exists():
        marked = np.zeros((12, 12, 3))
        marked[3:9, 3:9] = 255
        save_png(mask, marked)
    for fold in (1, 2):
        for one in range(IDENTITIES):
            for kind in ("p1", "p2", "r1", "r2"):
                name = f"f{fold}-{one}-{kind}.png"
                if not (root / name).exists():
                    save_png(root / name, rng.integers(0, 255, (12, 12, 3)))
                shown = "tattoo" if one % 3 else "non-tattoo"
                found[name] = Record(
                    name,
                    root / name,
                    tattoo=f"t{fold}-{one}-{kind[0]}",
                    subject=f"s{fold}-{one}-{kind[0]}",
                    group=f"g{fold}-{one}",
                    label=shown,
                    tags=(("rose", "skull") if one % 3 else ("rose",)) if one else ("skull",),
                    mask=mask if shown == "tattoo" else None,
                )
    return found


def _fold(number: int, *, searched: bool) -> Fold:
    names = [f"f{number}-{one}-" for one in range(IDENTITIES)]
    probes = tuple(f"{name}{kind}.png" for name in names for kind in ("p1", "p2"))
    gallery = tuple(f"{name}{kind}.png" for name in names for kind in ("r1", "r2"))
    if not searched:
        return Fold(str(number), (), probes)
    mates = frozenset((p, r) for p in probes for r in gallery if p[:5] == r[:5])
    return Fold(str(number), (), probes, gallery, mates)


def _answer(
    folder: Path,
    fold: Fold,
    task: str,
    records: dict[str, Record],
    rng: np.random.Generator,
    journal: Journal,
) -> Answer:
    unit = Unit(
        name=f"fold-{fold.name}",
        ability={"detection": "Detector", "tagging": "Tagger", "segmentation": "Segmenter"}.get(
            task, "Matcher"
        ),
        algorithm="made",
        file="made.py",
        attribute="",
        module="",
        parameters={"seed": 0},
        pictures={},
        probes=list(fold.probes),
        gallery=list(fold.gallery),
    )
    place = folder / "units" / unit.name
    scores = place / "scores"
    scores.mkdir(parents=True)
    failures = {name: "shows nothing" for name in fold.probes if name == LOST}
    lost = np.array([name in failures for name in fold.probes])
    answer: Answer
    if task == "identification":
        unit.cosine, unit.templates = True, [_templates(folder, fold, failures, rng, journal)]
        made, _ = load_templates([folder / unit.templates[0]])
        vectors = {name: np.asarray(template) for name, template in made.items()}
        unit_of = {name: vector / np.linalg.norm(vector) for name, vector in vectors.items()}
        table = np.full((len(fold.probes), len(fold.gallery)), np.nan)
        for i, probe in enumerate(fold.probes):
            if not lost[i]:
                table[i] = [unit_of[probe] @ unit_of[other] for other in fold.gallery]
        answer = Answer(table, failures)
    elif task == "segmentation":
        files = []
        for i, name in enumerate(fold.probes):
            marked = (rng.random((12, 12)) < 0.4).astype(np.float32)
            picture = np.repeat(marked[:, :, None], 3, axis=2)
            files.append(None if name in failures else save_picture(scores, i, picture))
        paths = tuple(None if file is None else scores / file for file in files)
        answer = PictureAnswer(np.empty((0,)), failures, files=paths)
        save_pictures(scores, files, failures)
    else:
        shape = (len(fold.probes), 2) if task == "tagging" else (len(fold.probes),)
        values = rng.random(shape)
        values[lost] = np.nan
        answer = Answer(values, failures)
    if not isinstance(answer, PictureAnswer):
        save_scores(scores, answer.scores, failures)
    record_step(scores, seconds=0.1, items=12, fence=_facts())
    (place / "worker.log").write_text("", encoding="utf-8")
    write_unit(place, unit)
    journal.note(unit.name, "scores")
    return answer


def _templates(
    folder: Path, fold: Fold, failures: dict[str, str], rng: np.random.Generator, journal: Journal
) -> str:
    name = f"templates-{fold.name}"
    place = folder / "units" / name / "templates"
    place.mkdir(parents=True)
    names = [*fold.probes, *fold.gallery]
    centres = {f"{one}": rng.normal(size=8) for one in range(IDENTITIES)}
    made = [
        FailureToEnroll(failures[n]) if n in failures else centres[n[3]] + rng.normal(size=8)
        for n in names
    ]
    save_templates(place, names, made)
    record_step(place, seconds=0.1, items=len(names), fence=_facts())
    journal.note(name, "templates")
    return f"units/{name}/templates"


def _facts() -> dict[str, Any]:
    return {
        "landlock": FENCE.landlock,
        "network": FENCE.network,
        "processes": FENCE.processes,
        "missing": list(FENCE.missing),
    }
