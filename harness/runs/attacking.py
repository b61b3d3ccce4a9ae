"""Attacks: probes that a remover of tattoos retouched before the algorithm under test sees them.

The remover is one more algorithm, with worker processes of its own. It learns from the images of a
removal protocol, but for those that show a tattoo or a subject, or come from a capture or a file,
that is among the probes which it then retouches. So folds whose probes leave the same images to
learn from share a model. References and training images of the algorithm under test stay as they
are.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.api import Remover
from harness.data.fingerprints import content_hashes
from harness.data.records import Dataset, Fold, Picture, Record
from harness.errors import DataError, HarnessError, UsageError, some
from harness.execution.keeping import Workplace, is_done
from harness.execution.order import shuffled_training
from harness.execution.storage import load_answer
from harness.execution.unit import (
    MODEL,
    RETOUCHING,
    SCORES,
    TEMPLATES,
    Training,
    Unit,
)
from harness.record import record
from harness.record.files import digest, files_below, is_regular
from harness.record.manifest import AttackOrigin, Retouched
from harness.tasks.answers import PictureAnswer
from harness.tasks.drawing import each_draw
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol

if TYPE_CHECKING:
    from harness.execution.configured import ConfiguredAlgorithm
    from harness.tasks.on_data import ProtocolOnData

ATTACKED = ("Matcher", "Detector")
"""Abilities whose probes can be retouched: the truth of the other questions would change, too."""


Shown = Mapping[str, Mapping[str, Picture]]
"""By fold and probe: the picture that is shown in the place of the data set's."""


@dataclass(frozen=True)
class Attack:
    """A remover, and what it learns from.

    Parameters
    ----------
    text
        As typed: ``NAME``, ``NAME:PRESET``, ``exec:COMMAND`` or a removal protocol.
    entry
        The remover with its parameters.
    learnt
        The removal protocol whose images it learns from.
    preset
        Of the remover.
    """

    text: str
    entry: ConfiguredAlgorithm
    learnt: ProtocolOnData
    preset: str = ""

    @property
    def label(self) -> str:
        """What is added to a protocol's name."""
        name = self.entry.plugin.name
        return f"{name}-{self.preset}" if self.preset else name

    def origin(self, weight_hashes: dict[str, str]) -> AttackOrigin:
        """Return what of it can change a number."""
        return AttackOrigin(
            algorithm=self.entry.plugin.name,
            source_hash=self.entry.source_hash,
            parameters=self.entry.description.values(),
            weight_hashes=weight_hashes,
            protocol=self.learnt.name,
            protocol_hash=self.learnt.protocol_hash,
            data_hash=self.learnt.data_hash,
            version=self.entry.description.version,
        )


def check_attackable(name: str, protocol: Protocol, folds: Sequence[Fold]) -> None:
    """Refuse a question that an attack on its probes does not make sense for.

    Raises
    ------
    UsageError
        If the probes are not matched or detected.
    DataError
        If a fold has an image both as a probe and as something that must not be retouched.
    """
    if task_of(protocol).of_words:
        raise UsageError(f"--attack retouches pictures, and the probes of {name!r} are words")
    ability = task_of(protocol).ability.__name__
    if ability not in ATTACKED:
        raise UsageError(
            f"--attack retouches the probes of a Matcher or a Detector; protocol {name!r} needs a "
            f"{ability}"
        )
    for fold in folds:
        both = set(fold.probes) & {*fold.pictures_of_references, *fold.train}
        if both:
            raise DataError(
                f"{name} cannot be attacked: in fold {fold.name} "
                f"{some(len(both), 'image is a probe', 'images are probes')} and "
                f"also references or learned from, e.g. {min(both)}; only probes are retouched"
            )


def retouching_units(
    attack: Attack, dataset: Dataset, folds: Sequence[Fold], protocol: Protocol
) -> list[tuple[Unit, list[str]]]:
    """Lay out who retouches which probes: units, and the names of the folds of each.

    Parameters
    ----------
    dataset, folds, protocol
        Of the question that is attacked.

    Raises
    ------
    DataError
        If nothing is left for a remover to learn from.
    """
    learns = attack.entry.description.learns
    groups: dict[tuple[str, ...], list[Fold]] = {}
    for fold in folds:
        groups.setdefault(_learnable(attack, dataset, fold) if learns else (), []).append(fold)
    if learns and () in groups:
        raise DataError(
            f"--attack {attack.text}: every image of protocol {attack.learnt.name!r} shows a "
            f"tattoo or a subject that is among the probes of fold {groups[()][0].name}; nothing "
            "is left to learn from"
        )
    return [
        (_unit(f"{RETOUCHING}{i}", attack, learned, members, dataset, protocol), _names(members))
        for i, (learned, members) in enumerate(groups.items(), start=1)
    ]


def _learnable(attack: Attack, dataset: Dataset, fold: Fold) -> tuple[str, ...]:
    """Return the images that share nothing with the probes of a fold, sorted."""
    theirs = attack.learnt.dataset
    probes = content_hashes(dataset, fold.probes)
    taken = {mark for name in fold.probes for mark in _marks(dataset.records[name], probes[name])}
    own = content_hashes(theirs, attack.learnt.names)
    return tuple(
        name
        for name in attack.learnt.names
        if taken.isdisjoint(_marks(theirs.records[name], own[name]))
    )


def _marks(record: Record, content: str) -> list[tuple[str, str]]:
    known = {"tattoo": record.tattoo, "subject": record.subject, "source": record.source}
    return [(kind, value) for kind, value in known.items() if value] + [("file", content)]


def _unit(
    name: str,
    attack: Attack,
    learned: Sequence[str],
    folds: Sequence[Fold],
    dataset: Dataset,
    protocol: Protocol,
) -> Unit:
    probes = sorted({probe for fold in folds for probe in fold.probes})
    crop = protocol.data.crop
    pictures = {
        probe: Picture(str(shown.path), shown.box if crop else None)
        for probe, shown in ((probe, dataset.records[probe]) for probe in probes)
    }
    training = None
    if learned:
        asked = attack.learnt
        truth = task_of(asked.protocol).training_truth(
            Fold(name, tuple(learned), ()), asked.dataset.records, asked.protocol
        )
        # A name of the one data set may be another image of the other.
        names = [f"learnt/{record}" for record in learned]
        pictures |= {
            known: Picture(str(asked.dataset.records[record].path))
            for known, record in zip(names, learned, strict=True)
        }
        training = shuffled_training(Training(images=names, **truth), protocol.folds.seed, name)
    plugin = attack.entry.plugin
    return Unit(
        name=name,
        ability=Remover.__name__,
        algorithm=plugin.name,
        **plugin.address,
        parameters=attack.entry.description.values(),
        pictures=pictures,
        training=training,
        probes=probes,
        order=f"{protocol.folds.seed} {name}",
    )


def _names(folds: Sequence[Fold]) -> list[str]:
    return [fold.name for fold in folds]


def retouched(
    folder: Path, units: Sequence[tuple[Unit, list[str]]], folds: Sequence[Fold]
) -> tuple[Shown, Retouched]:
    """Read what the units made: pictures by fold and probe, and how it went.

    A probe that the remover gave up on is shown as it is.
    """
    shown: dict[str, dict[str, Picture]] = {}
    probes = {fold.name: set(fold.probes) for fold in folds}
    failures: dict[str, str] = {}
    learned = []
    for unit, names in units:
        answer = load_answer(folder / "units" / unit.name / SCORES)
        files = answer.files if isinstance(answer, PictureAnswer) else ()
        found = {
            probe: Picture(str(file.resolve()))
            for probe, file in zip(unit.probes, files, strict=True)
            if file is not None
        }
        failures |= answer.failures
        learned.append(len(unit.training.images) if unit.training else 0)
        for name in names:
            shown[name] = {p: picture for p, picture in found.items() if p in probes[name]}
    made = {picture.path for pictures in shown.values() for picture in pictures.values()}
    return shown, Retouched(len(made), len(units), learned, failures)


def attacked(waves: Sequence[Sequence[Unit]], folds: Sequence[Fold], shown: Shown) -> Any:
    """Return the waves of a plan with the probes of every fold replaced by what is shown.

    Templates that several folds share are made of references alone; every fold gets a unit more for
    those of its probes, since an image can be a probe of one fold and a reference of another.
    """
    references = {name for fold in folds for name in fold.pictures_of_references}
    common = {
        unit.name: unit
        for wave in waves
        for unit in wave
        if unit.extract and not unit.score and unit.training is None and not unit.probes
    }
    kept = {
        name: msgspec.structs.replace(
            unit,
            extract=[n for n in unit.extract if n in references],
            pictures={n: p for n, p in unit.pictures.items() if n in references},
        )
        for name, unit in common.items()
    }
    kept = {name: unit for name, unit in kept.items() if unit.extract}
    first: list[Unit] = []
    if common:
        pattern = next(iter(common.values()))
        known = {n: p for unit in common.values() for n, p in unit.pictures.items()}
        for fold in folds:
            pictures = {n: known[n] for n in fold.probes} | dict(shown[fold.name])
            first.append(
                msgspec.structs.replace(
                    pattern,
                    name=f"templates-probes-{fold.name}",
                    extract=list(fold.probes),
                    pictures=pictures,
                )
            )
    of_fold = {f"{kind}{f.name}": f.name for f in folds for kind in ("fold-", "templates-fold-")}
    of_fold |= {f"fold-{draw.name}": f.name for f in folds for draw in each_draw(f)}
    rest = []
    for wave in waves:
        changed = []
        for unit in wave:
            if unit.name in common:
                changed += [kept[unit.name]] if unit.name in kept else []
                continue
            name = of_fold.get(unit.name)
            changed.append(
                unit if name is None else _of_fold(unit, name, shown[name], common, kept)
            )
        rest.append(changed)
    if first:
        rest[0] = [*rest[0], *first]
    return [wave for wave in rest if wave]


def _of_fold(
    unit: Unit,
    fold: str,
    shown: Mapping[str, Picture],
    common: Mapping[str, Unit],
    kept: Mapping[str, Unit],
) -> Unit:
    pictures = unit.pictures | {n: p for n, p in shown.items() if n in unit.pictures}
    places = [f"units/{name}/{TEMPLATES}" for name in common]
    templates = [
        place for place in unit.templates if place not in places or place.split("/")[1] in kept
    ]
    if any(place in places for place in unit.templates):
        templates.append(f"units/templates-probes-{fold}/{TEMPLATES}")
    return msgspec.structs.replace(unit, pictures=pictures, templates=templates)


def take_over(place: Workplace, units: Sequence[tuple[Unit, list[str]]], origin: Any) -> list[str]:
    """Copy what a finished run beside this one retouched alike, so that it is not done again.

    The other run has to be whole, of the same attack on the same images in the same folds, and the
    pictures' checksums have to be right.

    Returns
    -------
    list of str
        Names of the units that were copied.
    """
    folder = place.run
    missing = [unit for unit, _ in units if not is_done(unit, place)]
    if not missing:
        return []
    for other in sorted(folder.parent.iterdir()):
        if other == folder or not (other / record.MANIFEST).is_file():
            continue
        copied = _copy(other, place, missing, origin)
        if copied:
            return copied
    return []


def _copy(other: Path, place: Workplace, missing: Sequence[Unit], origin: Any) -> list[str]:
    try:
        theirs = record.read_run(other).manifest
        listed = record.read_checksums(other)
        if any(kind for _, kind in files_below(other)):  # links, pipes: nothing to copy
            return []
    except HarnessError:  # whatever is wrong with it, it is not this run
        return []
    same = ("attack", "protocol_hash", "data_hash", "folds")
    if any(getattr(theirs.origin, name) != getattr(origin, name) for name in same):
        return []
    copied: list[str] = []
    for unit in missing:
        source = other / "units" / unit.name
        files = {n: d for n, d in listed.items() if n.startswith(f"units/{unit.name}/")}
        there = all(is_regular(other, name) for name in files)
        if not files or not there or any(digest(other, n) != d for n, d in files.items()):
            return copied
        target = place.folder(unit)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for part in (MODEL, SCORES):
            if (source / part).is_dir():
                shutil.copytree(source / part, target / part)
                place.journal.note(unit.name, part)
        copied.append(unit.name)
    return copied
