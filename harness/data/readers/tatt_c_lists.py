"""The lists of one use case in the layout of Tatt-C, and every fault that shows in them alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.data.findings import Findings
from harness.data.lists import read_lines, read_pairs
from harness.data.paths import canonical
from harness.data.readers.manifest import LABELS
from harness.errors import nearest

__all__ = ["FOLDS", "Lists", "read_labels", "read_lists", "read_mates", "read_names", "use_cases"]

FOLDS = "5-fold"
"""Folder of the lists; there may be any number of folds in it."""

DETECTION = "tattoo_detection"


@dataclass(slots=True)
class Lists:
    """The lists of one fold as written: name to place."""

    probes: dict[str, str] = field(default_factory=dict)
    gallery: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """Both lists together."""
        return self.probes | self.gallery


def use_cases(root: Path) -> list[str]:
    """Return the use cases that a data set has lists for."""
    lists = root / FOLDS
    return sorted(p.name for p in lists.iterdir() if p.is_dir()) if lists.is_dir() else []


def read_lists(lists: Path, use_case: str, findings: Findings) -> tuple[dict[str, Lists], bool]:
    """Return the lists of every fold by its name, and whether the use case is a detection.

    Parameters
    ----------
    lists
        Folder of the lists of a use case.
    use_case
        Its name.
    findings
        Where problems go, here and below.
    """
    found: dict[str, set[int]] = {"probes": set(), "gallery": set()}
    for path in lists.iterdir():
        match = re.fullmatch(r"(probes|gallery)([1-9][0-9]{0,2})\.txt", path.name)
        if match:
            found[match[1]].add(int(match[2]))
    file_name = f"{FOLDS}/{use_case}"
    numbers = found["probes"] | found["gallery"]
    if not numbers:
        findings.problem("missing lists", f"{file_name}: there is no probes1.txt")
    # A use case without any gallery searches nothing: it asks what an image shows.
    detection = use_case == DETECTION or (bool(numbers) and not found["gallery"])
    folds: dict[str, Lists] = {}
    # A missing number is reported too: fewer folds would train on less and judge fewer probes.
    for number in range(1, max(numbers, default=0) + 1):
        fold = Lists()
        fold.probes = read_names(lists / f"probes{number}.txt", file_name, findings)
        if not detection:
            fold.gallery = read_names(lists / f"gallery{number}.txt", file_name, findings)
        folds[str(number)] = fold
    return folds, detection


def read_names(path: Path, folder: str, findings: Findings) -> dict[str, str]:
    """Return the names in a list and where each stands; repeated ones become problems."""
    file_name = f"{folder}/{path.name}"
    names: dict[str, str] = {}
    for text, place in read_lines(path, file_name, findings):
        name = canonical(text)
        if name in names:
            findings.problem("duplicate lines", f"{place}: {text!r} is already at {names[name]}")
        else:
            names[name] = place
    if path.is_file() and not names:
        findings.problem("empty lists", f"{file_name}: names no image")
    return names


def read_labels(
    lists: Path, use_case: str, folds: Mapping[str, Lists], findings: Findings
) -> dict[str, str]:
    """Return ``tattoo`` or ``non-tattoo`` by name, from the ground truth of a detection."""
    file_name = f"{FOLDS}/{use_case}/ground_truth.txt"
    listed = {name: place for fold in folds.values() for name, place in fold.names.items()}
    labels: dict[str, str] = {}
    form = "name|tattoo or name|non-tattoo"
    for written, label, place in read_pairs(
        lists / "ground_truth.txt", file_name, findings, form=form
    ):
        name = canonical(written)
        if name not in listed:
            _say_unlisted(name, place, listed, findings)
        elif label not in LABELS:
            findings.problem(
                "unknown values",
                f"{place}: {label!r} is neither 'tattoo' nor 'non-tattoo'.{nearest(label, LABELS)}",
            )
        elif name in labels and labels[name] != label:
            findings.problem(
                "contradictions", f"{place}: {name!r} is {label!r} here and {labels[name]!r} before"
            )
        labels[name] = label
    for name, place in listed.items():
        if name not in labels:
            findings.problem("images without truth", f"{place}: {name!r} is not in {file_name}")
    return labels


def read_mates(
    lists: Path, use_case: str, folds: Mapping[str, Lists], findings: Findings
) -> frozenset[tuple[str, str]]:
    """Return the mated (probe, gallery) pairs of a ground truth, of whatever folds."""
    file_name = f"{FOLDS}/{use_case}/ground_truth.txt"
    probes = {name: None for fold in folds.values() for name in fold.probes}
    gallery = {name: None for fold in folds.values() for name in fold.gallery}
    pairs: set[tuple[str, str]] = set()
    for left, right, place in read_pairs(
        lists / "ground_truth.txt", file_name, findings, form="probe|gallery"
    ):
        probe, reference = canonical(left), canonical(right)
        for name, known, other in ((probe, probes, gallery), (reference, gallery, probes)):
            if name not in known and name in other:
                wanted = "a probe" if known is probes else "a gallery image"
                findings.problem(
                    "names on the wrong side", f"{place}: {name!r} is not {wanted} of any fold"
                )
            elif name not in known:
                _say_unlisted(name, place, known, findings)
        pairs.add((probe, reference))
    return frozenset(pairs)


def _say_unlisted(name: str, place: str, known: Iterable[str], findings: Findings) -> None:
    # Finding the nearest name is slow; one wrong folder name can make every line wrong.
    hint = nearest(name, known) if len(findings.problems) < 5 else ""
    findings.problem("names that are in no list", f"{place}: {name!r} is in no list.{hint}")
