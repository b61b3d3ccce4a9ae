"""The check on training data: is anybody, or any picture, learned from and judged?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from harness.data.likeness import Looks, alike, looks_of
from harness.data.records import Fold, Record
from harness.errors import some
from harness.record.checks.check import Check, Verdict, issue, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun

__all__ = ["LearnedAndJudged"]

LOOKED_AT = 600
"""Pictures that are opened, at most; of more, the first of every so many."""

UNKNOWN, NEAR = "training-unknown", "pictures-like-those-learned-from"
"""Codes of findings about what a model learned from before the run."""

SHOWN = 3


class LearnedAndJudged(Check):
    """What was learned by heart counts as recognised, and says nothing of new tattoos.

    It fires as an issue where a fold learns from an identity that it judges (what mates have in
    common), from the same photograph, or from a copy of a picture: byte for byte, re-encoded or
    resized, told by cells of mean colour. It is a tip where only persons are shared, pictures look
    much alike, or what a model learned from is not known. Deal folds by identity, and keep pictures
    of one photograph in one fold.
    """

    code = "learned-and-judged"
    title = "Is anything learned from and judged?"
    remarks = (UNKNOWN, NEAR)

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue for identities and copies, a tip for likenesses."""
        said = run.remarks(UNKNOWN, NEAR)
        if run.manifest.imported is not None:
            return not_applicable("the scores were imported: what was learned is not on record")
        learned = run.manifest.learns and any(fold.train for fold in run.folds)
        if not learned and not said:
            return not_applicable(
                "nothing is fitted"
                if not run.manifest.learns
                else "what was learned from is not at hand"
            )
        evidence: dict[str, float | int | str | None] = {}
        serious: list[str] = []
        lesser = [one.text for one in said]
        if learned:
            mated_by = run.protocol.data.mated_by
            for column in dict.fromkeys((mated_by, "tattoo", "source", "subject")):
                shared = _shared(run.folds, run.records, column)
                if shared:
                    evidence[f"{column}s learned from and judged"] = _some(shared)
                    where = lesser if column == "subject" else serious
                    where.append(some(len(shared), column))
            copies, near, looked, every = _likenesses(run.folds, run.records)
            evidence["pictures looked at"], evidence["pictures"] = looked, every
            if copies:
                evidence["copies"] = _some(copies)
                serious.append(some(len(copies), "copy", "copies"))
            if near:
                evidence["much alike"] = _some(near)
                lesser.append(some(len(near), "picture that looks", "pictures that look"))
        if serious:
            return issue(
                f"learned from and judged in one fold: {', '.join(serious)}; figures are those of "
                "what is known by heart",
                evidence,
            )
        if lesser:
            if said:
                return tip(said[0].text, evidence)
            return tip(f"learned from and judged in one fold: {', '.join(lesser)} alike", evidence)
        return passed("no identity, photograph or copy is learned from and judged", evidence)


def _shared(folds: Iterable[Fold], records: Mapping[str, Record], column: str) -> list[str]:
    """Return values of a column that a fold both learns from and judges."""

    def values(names: Iterable[str]) -> set[str]:
        found = (getattr(records[name], column) for name in names if name in records)
        return {value for value in found if value}

    shared: set[str] = set()
    for fold in folds:
        shared |= values(fold.train) & values((*fold.probes, *fold.gallery))
    return sorted(shared)


def _likenesses(
    folds: Iterable[Fold], records: Mapping[str, Record]
) -> tuple[list[str], list[str], int, int]:
    """Return pictures judged that are copies of what is learned from, those alike, and how many.

    That is: how many were looked at, and how many there are.

    Pictures that are gone, or cannot be read, are left out.
    """
    every = sorted(
        {name for fold in folds for name in (*fold.train, *fold.probes, *fold.gallery)}
        & records.keys()
    )
    step = max(1, -(-len(every) // LOOKED_AT))
    looks = _looks(tuple((name, *_state(records[name].path)) for name in every[::step]))
    kinds: dict[str, set[str]] = {"copy": set(), "near": set()}
    train = [set(fold.train) for fold in folds]
    judged = [{*fold.probes, *fold.gallery} for fold in folds]
    for pair in alike(looks, looks):
        one, other = looks.names[pair.one], looks.names[pair.other]
        if records[one].path == records[other].path:
            continue
        if any(one in seen and other in known for seen, known in zip(judged, train, strict=True)):
            kinds[pair.kind].add(one)
    near = sorted(kinds["near"] - kinds["copy"])
    return sorted(kinds["copy"]), near, len(looks.names), len(every)


@lru_cache(maxsize=4)
def _looks(files: tuple[tuple[str, Path, int, int], ...]) -> Looks:
    """Look at pictures; the report and the terminal ask for the same ones, one after the other."""
    return looks_of({name: path for name, path, _, _ in files})


def _state(path: Path) -> tuple[Path, int, int]:
    """Return a file with what tells that it is still the same: its time and its size."""
    try:
        found = path.stat()
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)}: {', '.join(names[:SHOWN])}{more}"
