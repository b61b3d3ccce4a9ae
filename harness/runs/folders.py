"""Where a run lies: in which folder a recipe was, or will be, computed in an environment.

A folder is named after its recipe, ``triplet-47a49f01fa``. The same recipe in another environment
(other threads, CPU features or versions) is a run of its own beside it,
``triplet-47a49f01fa-3c09de``: trained numbers may differ, and neither takes the place of the other.

Which files an algorithm reads while it works is known afterwards alone. A finished run keeps their
hashes; it is the run that is asked for as long as all of them are what they were, and another
recipe, in another folder, as soon as one changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import Damaged, RunFailed
from harness.execution.environment import Environment, agrees
from harness.plugins.files import changed
from harness.plugins.registry import Plugin, home_of, source_hash
from harness.record import record
from harness.record.files import read_json, step_files
from harness.record.manifest import Origin, Surroundings


class _Loaded(msgspec.Struct):
    loaded: dict[str, str] = {}


class _Stages(msgspec.Struct):
    stages: dict[str, _Loaded] = {}


class _Seen(msgspec.Struct):
    """What of a manifest says whether a run is the one that is asked for."""

    identity: str
    origin: Origin
    loaded: dict[str, str] = {}
    retouched: _Loaded | None = None
    composition: _Stages | None = None
    environments: list[Surroundings] = []


def already_there(
    folder: Path,
    origin: Origin,
    plugin: Plugin,
    attacker: Plugin | None = None,
    parts: Mapping[str, Plugin] | None = None,
) -> Iterator[tuple[Path, Origin]]:
    """Yield the finished runs of a recipe, in whatever environment, with the origin that they have.

    Parameters
    ----------
    folder
        With the runs of a protocol.
    origin
        As far as it is known before the work: without the files that are read during it.
    plugin, attacker
        The algorithm, and the one that retouches its probes.
    parts
        Of a composite, by their names.
    """
    hashes: dict[tuple[Path, frozenset[str]], str] = {}

    def source(of: Plugin, loaded: Mapping[str, str], before: str) -> str:
        key = (of.file, frozenset(loaded))
        if loaded and key not in hashes:
            hashes[key] = source_hash(of, loaded)
        return hashes.get(key, before)

    for path in sorted(folder.glob(f"{origin.algorithm}-*/{record.MANIFEST}")):
        with suppress(Damaged):
            seen = read_json(path.parent, path.name, _Seen, partly=True)
            asked = msgspec.structs.replace(
                origin, source_hash=source(plugin, seen.loaded, origin.source_hash)
            )
            if asked.attack is not None and attacker is not None and seen.retouched is not None:
                own = source(attacker, seen.retouched.loaded, asked.attack.source_hash)
                asked.attack = msgspec.structs.replace(asked.attack, source_hash=own)
            stages = {} if seen.composition is None else seen.composition.stages
            for part, one in (parts or {}).items() if stages else ():
                known = asked.parts[part]
                own = source(one, stages.get(part, _Loaded()).loaded, known.source_hash)
                changed = msgspec.structs.replace(known, source_hash=own)
                asked.parts = asked.parts | {part: changed}
            if asked == seen.origin:
                yield path.parent, asked


def folder_for(parent: Path, name: str, identity: str, environment: Environment) -> Path:
    """Return the folder in which a recipe is to be computed in an environment.

    That is the one where this was done or begun before, or a free one.
    """
    base = f"{name}-{identity[:10]}"
    for own in _names(base, environment):
        place = parent / own
        if not place.exists() or belongs(place, identity, environment):
            return place
    raise AssertionError("names do not end")


def belongs(folder: Path, identity: str, environment: Environment) -> bool:
    """Say whether a folder holds a run of this recipe that was done, or begun, in an environment.

    Parameters
    ----------
    environment
        Of a worker now; what it has not loaded yet may be missing in it.
    """
    with suppress(Damaged):
        if (folder / record.CHECKSUMS).is_file():
            seen = read_json(folder, record.MANIFEST, _Seen, partly=True)
            if seen.identity != identity:
                return False
            # Units of a cluster may have been done in several.
            known = [agrees(one.environment, environment) for one in seen.environments]
            return not known or any(known)
        if (folder / record.PLANNED).is_file():
            planned = read_json(folder, record.PLANNED, Environment)
            return agrees(planned, environment)
    # Without a word about its environment nothing of a run can be told from this one.
    return not (folder / record.CHECKSUMS).is_file()


def begin(folder: Path, environment: Environment) -> None:
    """Say in a run folder in what environment it is being computed."""
    write_whole(folder / record.PLANNED, msgspec.json.encode(environment))


def end(folder: Path) -> None:
    """Take away what `begin` wrote: the manifest says more."""
    (folder / record.PLANNED).unlink(missing_ok=True)


def is_stale(unit: Path, plugin: Plugin) -> bool:
    """Say whether a unit of work was done with files beside its algorithm that changed since.

    Parameters
    ----------
    unit
        Its folder.
    plugin
        Its algorithm.
    """
    return bool(changed(home_of(plugin), _loaded_by(unit)))


def loaded_by(units: Sequence[Path], plugin: Plugin) -> dict[str, str]:
    """Return SHA-256 of all files beside an algorithm that its units loaded, by path.

    Raises
    ------
    RunFailed
        If two units loaded different versions of a file.
    """
    found: dict[str, str] = {}
    for unit in units:
        for name, digest in _loaded_by(unit).items():
            if found.setdefault(name, digest) != digest:
                raise RunFailed(
                    f"{home_of(plugin) / name} changed while the run was at work, so its units "
                    "belong to different algorithms; run again"
                )
    return dict(sorted(found.items()))


def settled(
    plugin: Plugin, known_hashes: Mapping[str, str], loaded: Mapping[str, str]
) -> str | None:
    """Return the hash of a source, now that it is known which files the algorithm loaded.

    Parameters
    ----------
    plugin
        The algorithm.
    known_hashes
        SHA-256 of its files that were known before the work, by path.
    loaded
        Of those that its processes loaded.

    Returns
    -------
    str or None
        None where nothing was loaded that was not known.

    Raises
    ------
    RunFailed
        If a file is another now than the one that was loaded.
    """
    late = {name: digest for name, digest in loaded.items() if name not in known_hashes}
    other = [name for name in loaded if name in known_hashes and known_hashes[name] != loaded[name]]
    other += changed(home_of(plugin), late)
    if other:
        raise RunFailed(
            f"{home_of(plugin) / other[0]} changed while the run was at work, so nobody can say "
            "which version made its scores; run again"
        )
    return source_hash(plugin, [*known_hashes, *late]) if late else None


def _loaded_by(unit: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in step_files(unit):
        found |= msgspec.json.decode(path.read_bytes()).get("loaded", {})
    return found


def _names(base: str, environment: Environment) -> Iterator[str]:
    yield base
    yield f"{base}-{environment.short}"
    number = 2
    while True:
        yield f"{base}-{environment.short}-{number}"
        number += 1
