"""How far algorithms fall when tattoos were removed from their probes: paired, probe by probe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.comparing.tables import aligned
from harness.errors import NotComparable, UsageError, visible
from harness.metrics.ids import Metric
from harness.record import record
from harness.record.manifest import Manifest, Origin
from harness.statistics.bootstrap import choose_interval, cluster_bootstrap_mean
from harness.statistics.intervals import Interval
from harness.tasks.results import Judgement

RANK = 10
"""At which hits are counted, where a protocol reports no other hit rate than at other ranks."""

TATTOO = "tattoo"


class Share(msgspec.Struct):
    """A share of probes with its 95 % interval; None where there is none."""

    value: float
    low: float | None
    high: float | None


class AttackEffect(msgspec.Struct):
    """One algorithm on one protocol, with its probes as they are and retouched.

    Parameters
    ----------
    protocol, algorithm, attack
        Names; the attack's is that of the remover.
    metric
        ``hit-rate@rank=R``, or ``tattoo-accuracy``: the share of tattoos detected.
    probes, identities
        Behind the shares.
    plain, attacked
        The two runs.
    difference
        Attacked less plain, identities drawn for both runs together.
    """

    protocol: str
    algorithm: str
    attack: str
    metric: str
    probes: int
    identities: int
    plain: Share
    attacked: Share
    difference: Share


def attack_effects(folders: Sequence[Path]) -> list[AttackEffect]:
    """Pair runs with the same runs on retouched probes, and measure the difference.

    Parameters
    ----------
    folders
        Of finished runs in any order, several attacks and algorithms together.

    Raises
    ------
    UsageError
        If a folder is no run, or none of them was attacked.
    Damaged
        If a run changed since it was written.
    NotComparable
        If an attacked run has no plain one of the same algorithm, parameters, data and folds.
    """
    plain: dict[bytes, record.Run] = {}
    attacked: list[record.Run] = []
    for folder in folders:
        record.check_sources(folder)
        run = record.read_run(folder)
        if run.manifest.origin.attack is None:
            plain[but_for_attack(run.manifest.origin)] = run
        else:
            attacked.append(run)
    if not attacked:
        raise UsageError("none of these runs was attacked; make one with `harness run --attack`")
    found = []
    for run in attacked:
        origin = run.manifest.origin
        beside = plain.get(but_for_attack(origin))
        if beside is None:
            raise NotComparable(
                f"{run.folder}: no run of {origin.algorithm!r} with its probes as they are and "
                "of the same source, parameters, data and folds; make it without --attack"
            )
        found.append(_fall(beside, run))
    return found


def table(effects: Sequence[AttackEffect]) -> str:
    """Return the differences as a table in Markdown."""
    lines = [
        "| protocol | algorithm | probes | metric | as they are | retouched by | retouched | "
        "difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{visible(f.protocol)}` | `{visible(f.algorithm)}` | {f.probes} | {f.metric} | "
        f"{_text(f.plain)} | "
        f"`{visible(f.attack)}` | {_text(f.attacked)} | {_text(f.difference, '+')} |"
        for f in effects
    ]
    return "\n".join(lines)


def listing(effects: Sequence[AttackEffect]) -> str:
    """Return the differences as a table for a terminal."""
    head = ("protocol", "algorithm", "probes", "metric", "as they are", "retouched", "change", "by")
    rows = [
        (
            visible(f.protocol),
            visible(f.algorithm),
            str(f.probes),
            f.metric,
            _text(f.plain, minus="-"),
            _text(f.attacked, minus="-"),
            _text(f.difference, "+", minus="-"),
            visible(f.attack),
        )
        for f in effects
    ]
    lines = aligned(head, rows, right=(2, 4, 5, 6))
    return "\n".join([*lines, "", "[ ] is the 95 % interval; the change is taken probe by probe"])


def but_for_attack(origin: Origin) -> bytes:
    """Return what is alike in a run and the same one on retouched probes, as bytes to compare.

    That is everything but the attack, and the protocol's name, which tells of it.
    """
    same = msgspec.structs.replace(origin, attack=None, protocol="")
    return msgspec.json.encode(same, order="deterministic")


def _fall(plain: record.Run, attacked: record.Run) -> AttackEffect:
    metric, before = _outcomes(plain)
    _, after = _outcomes(attacked)
    if list(before) != list(after):
        raise NotComparable(f"{plain.folder} and {attacked.folder} have other probes")
    labels = np.array([identity for identity, _ in before.values()])
    clusters = np.unique(labels, return_inverse=True)[1]
    first = np.array([value for _, value in before.values()])
    second = np.array([value for _, value in after.values()])
    manifest: Manifest = attacked.manifest
    attack = manifest.origin.attack
    return AttackEffect(
        protocol=plain.manifest.origin.protocol,
        algorithm=manifest.origin.algorithm,
        attack="" if attack is None else attack.algorithm,
        metric=metric,
        probes=len(labels),
        identities=len(np.unique(labels)),
        plain=_share(first, choose_interval(first, clusters)),
        attacked=_share(second, choose_interval(second, clusters)),
        difference=_share(second - first, cluster_bootstrap_mean(second - first, clusters)),
    )


def _outcomes(run: record.Run) -> tuple[str, dict[tuple[str, str], tuple[str, float]]]:
    """Return the metric, and by fold and probe the identity and whether it was found (0 or 1)."""
    searches = run.judge().searches
    if any(search.correct is not None for search in searches):
        detected = [s for s in searches if s.truth == TATTOO]
        return "tattoo-accuracy", {
            (s.fold, s.probe): (s.identity, float(bool(s.correct))) for s in detected
        }
    rank = _rank(run)
    return f"hit-rate@rank={rank}", {
        (s.fold, s.probe): (s.identity, _hit(s, rank)) for s in searches if s.mates
    }


def _hit(search: Judgement, rank: int) -> float:
    return float(not search.failed and search.rank is not None and search.rank <= rank)


def _rank(run: record.Run) -> int:
    """Return `RANK` where the protocol reports it, else that of its headline."""
    metrics = [Metric.parse(text) for text in run.protocol.metrics]
    ranks = [int(m["rank"]) for m in metrics if m.name == "hit-rate"]
    headline = Metric.parse(run.protocol.headline)
    if RANK in ranks or headline.name != "hit-rate":
        return RANK
    return int(headline["rank"])


def _share(values: npt.NDArray[Any], interval: Interval) -> Share:
    low, high = float(interval.low), float(interval.high)
    if np.isnan(low) or np.isnan(high) or (low == high and len(np.unique(values)) > 1):
        return Share(float(values.mean()), None, None)
    return Share(float(values.mean()), low, high)


def _text(share: Share, sign: str = "", minus: str = "−") -> str:
    text = f"{share.value:{sign}.3f}"
    if share.low is not None and share.high is not None and share.low != share.high:
        text += f" [{share.low:{sign}.3f}, {share.high:{sign}.3f}]"
    return text.replace("-", minus)
