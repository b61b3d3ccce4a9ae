"""Runs made of embeddings that somebody else computed: matched here, at any size, and judged."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from harness.data.findings import Finding, Findings
from harness.data.records import Dataset, Fold, number_of, numbered_name
from harness.data.whole_files import digest_of
from harness.errors import DataError, UsageError, some, visible
from harness.matching.results import MatchResult
from harness.matching.rows import VectorFile, vector_files
from harness.matching.sharded import Execute, Looked, Shards, shards_for
from harness.record.manifest import Import
from harness.record.renewing import alone
from harness.runs.importing import ImportedRun, keep, listed_as
from harness.runs.status import MATCHING
from harness.scorefiles.imported import Imported
from harness.scorefiles.mates import Mates, Side, read_mates, read_names
from harness.tasks.answers import StreamedAnswer
from harness.tasks.on_data import ProtocolOnData, hash_of
from harness.tasks.reading import parse_protocol
from harness.tasks.searches import CANDIDATES

NAME = "embeddings"
FOLD = "all"
BINS = 256
"""Behind the plots."""

FMRS = (0.001, 0.0001, 1e-05, 1e-06)
HEADER = """\
# Embeddings that somebody else made; written by `harness match`.
version = 1
title = "Embeddings"
question = "Where do the mates of a probe come, and how well do scores tell them from others?"
reference = "ISO/IEC 19795-1"
task = "embeddings"
headline = "hit-rate@rank=1"
metrics = [
"""
FOOTER = """\
]

[data]
use-case = ""
"""
CLOSED = (
    "hit-rate@rank=1",
    "hit-rate@rank=10",
    "hit-rate@rank=50",
    "map",
    "eer",
    *(f"fnmr@fmr={fmr}" for fmr in FMRS),
)
OPEN = ("fnir@fpir=0.1,rank=1", "fnir@fpir=0.01,rank=1", "open-set-eer@rank=1")
"""Asked only where some probes have no mate."""

MOST_MARGINS = 10_000_000
"""References up to which scores near thresholds are counted for each: intervals need them."""


@dataclass(frozen=True)
class Embeddings:
    """What is to be matched.

    Parameters
    ----------
    probes, references, pairs
        Arrays, and the table of mates; references may be several files, or folders of them.
    probe_names, reference_names
        Lists of names, one for each row.
    shards
        Parts of the references; 0 for as many as make units of some seconds.
    workers
        Processes at a time.
    memory
        Bytes that each of them may hold.
    out
        Where run folders go.
    name
        Under which the run is listed; that of the references' file unless given.
    """

    probes: Path
    references: tuple[Path, ...]
    pairs: Path
    probe_names: Path | None
    reference_names: Path | None
    shards: int
    workers: int
    memory: int
    out: Path
    name: str | None

    @property
    def command(self) -> str:
        """The command that makes this run."""
        words = ["harness", "match", "--probes", str(self.probes)]
        for path in self.references:
            words += ["--references", str(path)]
        words += ["--pairs", str(self.pairs)]
        for side, listed in (("probe", self.probe_names), ("reference", self.reference_names)):
            words += [f"--{side}-names", str(listed)] if listed is not None else []
        words += ["--name", self.name] if self.name else []
        return shlex.join(words)


@dataclass(frozen=True)
class _Pairs(ProtocolOnData):
    """The question about embeddings; who is whose mate is all the data there is."""

    @cached_property
    def data_hash(self) -> str:
        """Hash of the names of probes, the number of references, and the mates."""
        return hash_of(
            [[fold.name, fold.probes, fold.numbered, sorted(fold.mates)] for fold in self.folds]
        )


def match_embeddings(
    embeddings: Embeddings,
    *,
    execute: Execute,
    say: Callable[[str], None],
) -> ImportedRun:
    """Match and judge embeddings, and write their run folder.

    The same command goes on from the units that an interrupted one has done.

    Parameters
    ----------
    execute
        Does units of work.
    say
        Is told in sentences what was lost on the way.

    Raises
    ------
    UsageError
        If a file is not there, or the memory is too little.
    DataError
        With what is wrong with arrays, names or pairs.
    RunFailed
        If a unit cannot be done.
    """
    listed = listed_as(embeddings.name, embeddings.references[0])
    files = _files(embeddings)
    rows = {side: sum(file.rows for file in files[side]) for side in files}
    names = {
        side: None if path is None else read_names(path, side.removesuffix("s"), rows[side])
        for side, path in (
            ("probes", embeddings.probe_names),
            ("references", embeddings.reference_names),
        )
    }
    mates = read_mates(
        embeddings.pairs,
        Side("probe", rows["probes"], names["probes"]),
        Side("reference", rows["references"], names["references"]),
    )
    work = embeddings.out / NAME / f"{listed}-{_key(embeddings, files)}{MATCHING}"
    work.mkdir(parents=True, exist_ok=True)
    with alone(work):
        looked, found = _matched(embeddings, files, mates, work, execute, say)
        run = _judged(embeddings, listed, files, names["probes"], mates, looked, found)
        shutil.rmtree(work, ignore_errors=True)
    return run


def _files(given: Embeddings) -> dict[str, list[VectorFile]]:
    """Return the files of both sides, all of one dimension."""
    found = {
        "probes": vector_files(given.probes, "probes"),
        "references": [f for path in given.references for f in vector_files(path, "references")],
    }
    known: dict[int, str] = {}
    for file in (*found["probes"], *found["references"]):
        known.setdefault(file.dimension, file.path)
    if len(known) > 1:
        (first, one), (second, other), *_ = known.items()
        raise DataError(
            f"{visible(one)} holds vectors of {first:,} numbers and {visible(other)} of "
            f"{second:,}; all must come from one embedding"
        )
    paths = [Path(file.path).resolve() for file in found["references"]]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UsageError(f"{visible(str(twice))} is named twice among the references")
    return found


def _key(given: Embeddings, files: dict[str, list[VectorFile]]) -> str:
    """Return what tells this matching from others: of which files, and which pairs."""
    facts = [digest_of(given.pairs)]
    facts += [f"{Path(f.path).resolve()} {f.rows}" for side in files.values() for f in side]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:10]


def _matched(
    given: Embeddings,
    files: dict[str, list[VectorFile]],
    mates: Mates,
    work: Path,
    execute: Execute,
    say: Callable[[str], None],
) -> tuple[dict[str, Looked], MatchResult]:
    shards = Shards(
        work, files["probes"], files["references"], execute, memory=given.memory, say=say
    )
    looked = {side: shards.look(side) for side in files}
    for side, seen in looked.items():
        if seen.broken.all():
            raise DataError(f"all {len(seen.broken):,} {side} hold NaN or infinity")
        if not seen.scale.any():
            raise DataError(f"all {len(seen.broken):,} {side} are zeros: they are like nothing")
    rows = len(looked["probes"].scale), len(looked["references"].scale)
    parts = given.shards or shards_for(*rows, given.workers)
    found = shards.match(
        looked,
        mates.pairs,
        shards=parts,
        workers=given.workers,
        fmrs=FMRS,
        eer=True,
        candidates=CANDIDATES,
        bins=BINS,
        margins=rows[1] <= MOST_MARGINS,
    )
    return looked, found


def _judged(
    given: Embeddings,
    listed: str,
    files: dict[str, list[VectorFile]],
    names: dict[str, int] | None,
    mates: Mates,
    looked: dict[str, Looked],
    found: MatchResult,
) -> ImportedRun:
    """Judge a result and write its run folder."""
    probes, references = (len(looked[side].scale) for side in ("probes", "references"))
    called = list(names) if names is not None else [f"probe-{i}" for i in range(probes)]
    odd = next((name for name in called if number_of(name, references) is not None), None)
    if odd is not None:
        raise DataError(f"{odd!r} is the name of a probe, and names the references by their number")
    fold = Fold(
        name=FOLD,
        train=(),
        probes=tuple(called),
        mates=frozenset((called[i], numbered_name(j)) for i, j in mates.pairs.tolist()),
        numbered=references,
    )
    broken = "holds NaN or infinity"
    failures = {called[i]: broken for i in np.flatnonzero(looked["probes"].broken).tolist()}
    failures |= {
        numbered_name(j): broken for j in np.flatnonzero(looked["references"].broken).tolist()
    }
    unmated = int((found.mates == 0).sum())
    text = HEADER + "".join(f'    "{m}",\n' for m in (*CLOSED, *(OPEN if unmated else ()))) + FOOTER
    root = given.probes.parent.resolve()
    judged = _Pairs(
        NAME,
        Path(NAME),
        parse_protocol(text.encode(), NAME),
        hashlib.sha256(text.encode()).hexdigest(),
        Dataset(given.pairs.name, root, "vectors", {}),
        (fold,),
        str(given.pairs),
    )
    answer = StreamedAnswer(np.empty((0, 0)), failures, matching=found)
    outcome = judged.judge((answer,))
    digest = hash_of([looked[side].sha256 for side in ("probes", "references")])
    findings = _findings(given, mates, looked, found, unmated)
    notes = [one.text for one in findings]
    forms = sorted({np.dtype(f.dtype).name for side in files.values() for f in side})
    about = (
        f"Embeddings of {files['probes'][0].dimension:,} numbers, computed elsewhere: "
        f"{probes:,} probes and {references:,} references."
    )
    return keep(
        judged,
        Imported((answer,), tuple(forms), digest, notes=tuple(notes)),
        outcome,
        text.encode(),
        about=about,
        imported_as=Import(
            f"{given.probes.name}, {', '.join(path.name for path in given.references)}",
            forms,
            None,
            [],
            notes,
        ),
        command=given.command,
        out=given.out,
        listed=listed,
        findings=findings,
    )


def _findings(
    given: Embeddings,
    mates: Mates,
    looked: dict[str, Looked],
    found: MatchResult,
    unmated: int,
) -> Sequence[Finding]:
    """Say what is odd about vectors and pairs."""
    findings = Findings()
    for side, seen in looked.items():
        for kind, rows, what in (
            ("broken vectors", seen.broken, "hold NaN or infinity and count as failures"),
            ("vectors of zeros", seen.zero, "are zeros: their score with everything is 0"),
        ):
            if rows.any():
                where = ", ".join(str(i) for i in np.flatnonzero(rows)[:5].tolist())
                more = ", ..." if rows.sum() > 5 else ""
                findings.warning(
                    kind, f"{rows.sum():,} of {len(rows):,} {side} {what} (rows {where}{more})"
                )
    called = visible(str(given.pairs))
    if mates.repeated:
        findings.warning(
            "pairs named twice",
            f"{called}: {some(mates.repeated, 'line names', 'lines name')} a pair that another "
            "line names, too; it "
            "counts once",
        )
    if mates.nonmated:
        findings.warning(
            "pairs of no mates",
            f"{called}: {some(mates.nonmated, 'line says', 'lines say')} that they are no mates; "
            "so are all pairs that "
            "are not in the file, and every one of them is compared",
        )
    if unmated:
        findings.warning(
            "probes without a mate",
            f"{unmated:,} of {len(found.mates):,} probes have no mate in {called}: they take no "
            "part in hit rates, and FPIR is measured on them",
        )
    copies = np.flatnonzero(found.best_nonmate >= np.float32(1 - 1e-6))
    if len(copies):
        findings.warning(
            "copies that are no mates",
            f"{some(len(copies), 'probe has', 'probes have')} a reference with the same vector "
            "(a score of 1) that "
            f"is no mate in {called}, e.g. row {copies[0]}: is a pair missing, or is a probe among "
            "the references itself?",
        )
    if not found.place_free:
        findings.warning(
            "scores by place",
            "this machine's matrix product rounds by place: equal vectors may differ in the last "
            "bit of their scores, so ties can come out otherwise on another machine",
        )
    return findings.all
