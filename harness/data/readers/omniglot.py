"""Omniglot's 20 published runs of 20-way one-shot classification, learned from other alphabets.

A folder that holds the drawings as ``<alphabet>/<character>/<drawing>.png`` (perhaps below
``images_background``) and the runs as ``run01`` to ``run20`` (perhaps below ``runs`` or
``one_shot_runs``). Each run has 20 characters of one evaluation alphabet, drawn once in
``training/`` and once, by somebody else, in ``test/``; ``class_labels.txt`` says which are which::

    run01/test/item01.png run01/training/class08.png

A run is a fold: its test drawings search its training drawings. Every fold learns from the same
images, the 30 background alphabets; drawings of other alphabets are left out, since the runs'
characters are among them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from harness.data.findings import Findings
from harness.data.levels import ABOVE, HELD, NESTED, REPEATED
from harness.data.lists import read_text
from harness.data.readers.folders import read_folders
from harness.data.records import Dataset, Fold, Record

__all__ = ["BACKGROUND", "LABELS", "holds_runs", "read_omniglot"]

LABELS = "class_labels.txt"

BACKGROUND = frozenset(
    (
        *("Alphabet_of_the_Magi", "Anglo-Saxon_Futhorc", "Arcadian", "Armenian"),
        *("Asomtavruli_(Georgian)", "Balinese", "Bengali"),
        *("Blackfoot_(Canadian_Aboriginal_Syllabics)", "Braille", "Burmese_(Myanmar)", "Cyrillic"),
        *("Early_Aramaic", "Futurama", "Grantha", "Greek", "Gujarati", "Hebrew"),
        *("Inuktitut_(Canadian_Aboriginal_Syllabics)", "Japanese_(hiragana)"),
        *("Japanese_(katakana)", "Korean", "Latin", "Malay_(Jawi_-_Arabic)"),
        *("Mkhedruli_(Georgian)", "N_Ko", "Ojibwe_(Canadian_Aboriginal_Syllabics)", "Sanskrit"),
        *("Syriac_(Estrangelo)", "Tagalog", "Tifinagh"),
    )
)
"""The alphabets to learn from, by Lake, Salakhutdinov & Tenenbaum (2015)."""

_RUN = re.compile(r"run\d\d")


def holds_runs(root: Path) -> bool:
    """Return whether a folder holds one-shot runs, one level down at most."""
    return any(any(root.glob(f"{above}run[0-9][0-9]/{LABELS}")) for above in ("", "*/"))


def read_omniglot(root: Path) -> Dataset:
    """Read the one-shot runs and the drawings of the background alphabets.

    Parameters
    ----------
    root
        Folder that holds both.

    Returns
    -------
    Dataset
        One fold per run. The `tattoo` and `group` of a drawing are its character, of a run's image
        its class in that run.
    """
    everything = read_folders(root)
    findings = Findings()
    records: dict[str, Record] = {}
    runs: dict[PurePosixPath, list[Record]] = {}
    for name, record in everything.records.items():
        path = PurePosixPath(name)
        if len(path.parts) >= 3 and _RUN.fullmatch(path.parts[-3]):
            runs.setdefault(path.parent.parent, []).append(record)
        elif len(path.parts) >= 3 and path.parts[-3] in BACKGROUND:
            records[name] = replace(record, role="train")
    train = tuple(records)
    if not train:
        findings.problem(
            "missing alphabets",
            f"{root.name}: no drawing of a background alphabet, such as Greek/character01/*.png",
        )
    folds = [
        fold
        for place, members in sorted(runs.items())
        if (fold := _run(root, place, members, train, records, findings)) is not None
    ]
    # What its folders mean is fixed here: characters of several alphabets are called alike.
    read = [one for one in everything.findings if one.code not in (REPEATED, ABOVE, HELD, NESTED)]
    found = (*read, *findings.all)
    return replace(
        everything, layout="omniglot", records=records, folds=tuple(folds), findings=found
    )


def _run(
    root: Path,
    place: PurePosixPath,
    members: list[Record],
    train: tuple[str, ...],
    records: dict[str, Record],
    findings: Findings,
) -> Fold | None:
    """Read the labels of one run, add its images to the records, and return its fold."""
    here = {str(PurePosixPath(r.name).relative_to(place.parent)): r for r in members}
    file_name = f"{place}/{LABELS}"
    text = read_text(root / place / LABELS, file_name, findings)
    if text is None:
        return None
    probes: dict[str, str] = {}
    gallery: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        names = line.split()
        if len(names) != 2 or any(name not in here for name in names):
            findings.problem(
                "malformed lines",
                f"{file_name}:{number}: {line!r} is not '<test image> <training image>' of this "
                "run",
            )
            continue
        probe, mate = (here[name].name for name in names)
        probes[probe] = mate
    for name, record in sorted(here.items()):
        role = PurePosixPath(name).parent.name
        if role == "training":
            gallery[record.name] = None
            identity = record.name
        elif record.name in probes:
            identity = probes[record.name]
        else:
            findings.problem("unlabelled images", f"{file_name}: says nothing of {name!r}")
            continue
        role = "reference" if role == "training" else "probe"
        records[record.name] = replace(record, tattoo=identity, group=identity, role=role)
    return Fold(
        name=place.name,
        train=train,
        probes=tuple(sorted(probes)),
        gallery=tuple(gallery),
        mates=frozenset(probes.items()),
    )
