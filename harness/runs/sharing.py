"""Units of work that another run beside this one did alike, and that need not be done again.

A composite and a run of one of its parts fit the same models, make the same templates and often the
same scores. What is copied was made by the same algorithm, with the same parameters, of the same
data, in an environment that agrees, by a finished run whose checksums are right.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import HarnessError
from harness.execution.configured import ConfiguredAlgorithm
from harness.execution.environment import agrees
from harness.execution.keeping import Workplace
from harness.execution.unit import MODEL, SCORES, TEMPLATES, UNIT_FILE, Unit
from harness.plugins.registry import source_hash
from harness.record import record
from harness.record.files import LARGEST_LIST, digest, is_regular, read_json
from harness.record.manifest import Manifest, Origin, PartOrigin

_LEARNT = ("ability", "parameters", "training", "vocabulary", "sees")
_MADE = (*_LEARNT, "model", "extract", "order", "role", "together")
_SCORED = (*_MADE, "templates", "probes", "gallery", "compared", "cosine")
_STEPS = {MODEL: _LEARNT, TEMPLATES: _MADE, SCORES: _SCORED}
"""What of two units has to be the same, so that a step of theirs is."""


@dataclass
class Sharing:
    """The finished runs beside one, and which of their units it can have.

    Parameters
    ----------
    place
        Of the run.
    origin
        Its recipe.
    makers
        Algorithms, by how the names of their units begin.
    """

    place: Workplace
    origin: Origin
    makers: Mapping[str, ConfiguredAlgorithm]
    taken: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Names of units that were copied, by how they begin and by the name of the run folder."""

    def take_over(self, units: Sequence[Unit]) -> None:
        """Copy the steps of units that are missing here and were done elsewhere."""
        for unit in units:
            prefix = next((p for p in self.makers if p and unit.name.startswith(p)), "")
            missing = [step for step in _asked(unit) if not self.place.journal.has(unit.name, step)]
            for other, theirs, manifest in self._sources(prefix) if missing else ():
                name = theirs + unit.name.removeprefix(prefix)
                copied = self._copied(other, manifest, name, unit, prefix, theirs, missing)
                if copied:
                    known = self.taken.setdefault(prefix, {}).setdefault(other.name, [])
                    known.append(unit.name)
                if copied == missing:
                    break

    def _sources(self, prefix: str) -> Iterator[tuple[Path, str, Manifest]]:
        """Yield the runs in which an algorithm was at work, and how names of its units begin."""
        if prefix not in self.makers:
            return
        mine = self.makers[prefix]
        own = _recipe(self.origin, prefix)
        for other, manifest in self._others:
            learned = manifest.origin.training_hash == self.origin.training_hash
            if mine.description.learns and not learned:
                continue
            # A run without parts does its own work, unless a composite has done it.
            if not prefix and manifest.composition is None:
                continue
            for theirs, loaded in _loaded(manifest).items():
                found = _recipe(manifest.origin, theirs)
                own["source_hash"] = (
                    source_hash(mine.plugin, loaded) if loaded else mine.source_hash
                )
                if found == own:
                    yield other, theirs, manifest

    @cached_property
    def _others(self) -> list[tuple[Path, Manifest]]:
        """The finished runs beside this one, of its protocol, data and attack."""
        same = ("attack", "protocol_hash", "data_hash")
        found = []
        for path in sorted(self.place.run.parent.glob(f"*/{record.CHECKSUMS}")):
            if path.parent == self.place.run:
                continue
            with suppress(HarnessError):
                manifest = record.read_manifest(path.parent)
                if manifest.imported is None and all(
                    getattr(manifest.origin, name) == getattr(self.origin, name) for name in same
                ):
                    found.append((path.parent, manifest))
        return found

    def _copied(
        self,
        other: Path,
        manifest: Manifest,
        name: str,
        unit: Unit,
        prefix: str,
        theirs: str,
        missing: Sequence[str],
    ) -> list[str]:
        """Copy what is missing of a unit from one of another run, and return the steps."""
        called = f"units/{name}/{UNIT_FILE}"
        now = self.makers[prefix].environment
        done_in = [
            one.environment
            for one in manifest.environments
            if any(done.startswith(f"{name}/") for done in one.units)
        ]
        if not is_regular(other, called) or not all(agrees(one, now) for one in done_in):
            return []
        copied: list[str] = []
        with suppress(HarnessError, OSError):
            kept = read_json(other, called, Unit, LARGEST_LIST)
            listed = record.read_checksums(other)
            for step in missing:
                files = {n: d for n, d in listed.items() if n.startswith(f"units/{name}/{step}/")}
                if _facts(kept, theirs, step) != _facts(unit, prefix, step) or not files:
                    continue
                if any(not is_regular(other, n) or digest(other, n) != d for n, d in files.items()):
                    continue
                target = self.place.folder(unit) / step
                shutil.rmtree(target, ignore_errors=True)
                for file in files:
                    inside = target / Path(file).relative_to(f"units/{name}/{step}")
                    inside.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(other / file, inside)
                self.place.journal.note(unit.name, step)
                copied.append(step)
        return copied


def _asked(unit: Unit) -> list[str]:
    asked = {MODEL: unit.training is not None, TEMPLATES: bool(unit.extract), SCORES: unit.score}
    return [step for step, wanted in asked.items() if wanted]


def _recipe(origin: Origin, prefix: str) -> dict[str, Any]:
    """Return what makes the units of an algorithm what they are: a part's, or the run's own."""
    part = prefix.removesuffix(".")
    if not part:
        own = PartOrigin(origin.algorithm, origin.source_hash, origin.weight_hashes, origin.version)
        parameters = origin.parameters
    else:
        own = origin.parts[part]
        parameters = {"seed": origin.parameters["seed"]} | {
            name.removeprefix(prefix): value
            for name, value in origin.parameters.items()
            if name.startswith(prefix)
        }
    return {"parameters": parameters, **msgspec.structs.asdict(own)}


def _loaded(manifest: Manifest) -> dict[str, dict[str, str]]:
    """Return the files that algorithms loaded late, by how the names of their units begin."""
    if manifest.composition is None:
        return {"": manifest.loaded}
    return {f"{part}.": one.loaded for part, one in manifest.composition.stages.items()}


def _facts(unit: Unit, prefix: str, step: str) -> list[Any]:
    """Return what a step of a unit follows from, with places as a run of its own has them."""

    def plain(value: Any) -> Any:
        places = [value] if isinstance(value, str) else value
        return [place.replace(f"units/{prefix}", "units/", 1) for place in places]

    return [
        plain(getattr(unit, name)) if name in ("model", "templates") else getattr(unit, name)
        for name in _STEPS[step]
    ] + [sorted((name, one.box) for name, one in unit.pictures.items())]
