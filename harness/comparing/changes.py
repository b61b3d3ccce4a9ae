"""What two runs do not share: parameters, source, weights, what was learned from, surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.comparing.pairing import Side
from harness.execution.environment import Environment
from harness.record.manifest import Manifest, value_text

DIGITS = 10
"""Of a hash: enough to tell two apart."""
SEED = "seed"
HARNESS = "tattoo-harness"


class Change(msgspec.Struct):
    """One thing in which the second run is another than the first.

    Parameters
    ----------
    kind
        ``recipe`` for what was asked, ``environment`` for where it was computed.
    what
        In words, such as ``parameter cells``.
    first, second
        As either run records it; empty where it records nothing.
    """

    kind: str
    what: str
    first: str
    second: str


def changes(first: Side, second: Side) -> list[Change]:
    """Return everything in which two entries differ that can change a number, as they record it.

    Of several fits the first speaks for all, but for the seeds.

    Returns
    -------
    list of Change
        What was asked first; empty for equal recipes in equal environments.
    """
    one, other = (_recipe(side) for side in (first, second))
    found = _differing("recipe", one, other)
    here, there = (_environments(side) for side in (first, second))
    if here and there:
        found += _differing("environment", _surroundings(first, here), _surroundings(second, there))
        features = [{name for one in side for name in one.features} for side in (here, there)]
        alone = [" ".join(sorted(a - b)) for a, b in (features, features[::-1])]
        if any(alone):
            found.append(Change("environment", "instruction sets of one alone", *alone))
    return found


def _differing(kind: str, one: Mapping[str, str], other: Mapping[str, str]) -> list[Change]:
    names = dict.fromkeys([*one, *other])
    pairs = ((name, one.get(name, ""), other.get(name, "")) for name in names)
    return [Change(kind, name, a, b) for name, a, b in pairs if a != b]


def _recipe(side: Side) -> dict[str, str]:
    manifest = side.run.manifest
    origin = manifest.origin
    found = {"algorithm": origin.algorithm}
    for name, value in origin.parameters.items():
        if name != SEED:
            found[f"parameter {name}"] = value_text(value)
    seeds = [fit.run.manifest.origin.parameters.get(SEED) for fit in side.fits]
    known = [seed for seed in seeds if seed is not None]
    if known:
        found["seed" if len(known) == 1 else "seeds"] = ", ".join(map(value_text, known))
    found["source"] = origin.source_hash[:DIGITS]
    found["commit"] = _commit(manifest)
    for name, value in origin.weight_hashes.items():
        found[f"weights {name}"] = value[:DIGITS]
    found["training set"] = origin.training_hash[:DIGITS]
    found["learned from"] = origin.learning_hash[:DIGITS]
    found["scores"] = "" if manifest.imported is None else "made elsewhere"
    return found


def _commit(manifest: Manifest) -> str:
    commit = str(manifest.git.get("commit", ""))[:DIGITS]
    return f"{commit} with changes" if commit and manifest.git.get("dirty") else commit


def _environments(side: Side) -> list[Environment]:
    """Return what the units were computed in; none where the scores were made elsewhere."""
    return [one.environment for fit in side.fits for one in fit.run.manifest.environments]


def _surroundings(side: Side, all_of: Sequence[Environment]) -> dict[str, str]:
    harness = [str(fit.run.manifest.versions.get(HARNESS, "")) for fit in side.fits]
    versions: dict[str, list[str]] = {HARNESS: harness}
    for environment in all_of:
        versions.setdefault("Python", []).append(environment.python)
        for name, version in environment.libraries.items():
            versions.setdefault(name, []).append(version)
    return {
        **{f"version of {name}": _each(values) for name, values in versions.items()},
        "system": _of(all_of, "system"),
        "processor": _of(all_of, "processor"),
        "threads": _each(str(one.threads) if one.threads else "" for one in all_of),
        "kernels": _each(", ".join(one.kernels) for one in all_of),
        "thread pools": _each(", ".join(one.pools) for one in all_of),
        "device": _of(all_of, "device"),
        "settings": _each(value_text(one.settings) if one.settings else "" for one in all_of),
    }


def _of(all_of: Sequence[Environment], name: str) -> str:
    return _each(str(getattr(one, name)) for one in all_of)


def _each(values: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(value for value in values if value))
