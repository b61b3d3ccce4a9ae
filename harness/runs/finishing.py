"""What follows from the scores of a run, written into its folder: numbers, manifest, report."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.data.records import Dataset, Fold
from harness.data.whole_files import write_whole
from harness.errors import some
from harness.execution.environment import harness_version
from harness.record import record
from harness.record.files import read_bytes, sound
from harness.record.manifest import CrossCheck, Manifest, Origin, now
from harness.record.renewing import alone, or_as_before
from harness.tasks.answers import Answer, StreamedAnswer
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol
from harness.tasks.results import Outcome


def finish(folder: Path, manifest: Manifest, outcome: Outcome, dataset: Dataset) -> None:
    """Write what follows from the scores of a run, and seal its folder.

    Parameters
    ----------
    dataset
        For the pictures of the report.
    """
    record.write_outcome(folder, outcome)
    manifest.result_hash = record.result_hash(folder)
    record.write_manifest(folder, manifest)
    write_report(folder, manifest, outcome, dataset)
    record.seal(folder)


def write_report(folder: Path, manifest: Manifest, outcome: Outcome, dataset: Dataset) -> None:
    """Render the report of a run, with thumbnails of the images that are at hand."""
    from harness.reporting.drawing.thumbnails import thumbnails
    from harness.reporting.report import render
    from harness.reporting.sections.retouched import as_shown
    from harness.reporting.sections.section import SectionInput

    protocol, _ = read_protocol(folder / record.PROTOCOL)
    records = dataset.records
    if manifest.origin.attack is not None:
        records = as_shown(folder, outcome, records)
    page = render(
        SectionInput(folder, protocol, manifest, outcome, dataset.records, thumbnails(records))
    )
    write_whole(folder / record.REPORT, page)


def score_again(folder: Path, forensic: str = "") -> tuple[record.Run, Outcome, bool]:
    """Compute every number of a run again from its raw scores, and its report with them.

    Parameters
    ----------
    forensic
        Calibrator of likelihood ratios; empty for what the run has already.

    Returns
    -------
    tuple
        The run, its outcome, and whether the metrics are what they were before.

    Raises
    ------
    Damaged
        If the scores, the truth or the protocol changed since the run.
    """
    record.check_sources(folder)
    run = record.read_run(folder)
    outcome = run.judge()
    kept = record.read_assessment(folder)
    method = forensic or (kept.method if kept is not None else "")
    assessment = record.assessed(run, method) if method else None
    before = folder / record.METRICS
    content = read_bytes(folder, record.METRICS) if before.exists() else b""
    if run.manifest.opinions:
        with sound(folder, "the opinions of other programs cannot be asked for"):
            again = cross_checks(run.protocol, run.folds, run.answers)
        if all(opinion.value is not None for opinion in again):
            run.manifest.opinions = again
    facts = run.manifest.dataset
    pictured = Dataset(facts["name"], Path(facts["path"]), facts["layout"], run.records)
    with alone(folder), or_as_before(folder):
        (folder / record.CHECKSUMS).unlink()
        if assessment is not None:
            record.write_assessment(folder, assessment)
        finish(folder, run.manifest, outcome, pictured)
    return run, outcome, before.read_bytes() == content


def add_likelihood_ratios(folder: Path, calibrator: str) -> None:
    """Add likelihood ratios to a finished run and its report, unless it has them already."""
    kept = record.read_assessment(folder)
    if kept is None or kept.method != calibrator:
        score_again(folder, calibrator)


def cross_checks(
    protocol: Protocol, folds: Sequence[Fold], answers: Sequence[Answer]
) -> list[CrossCheck]:
    """Let PyEER compute the equal error rate of the same scores, where the protocol reports one."""
    from harness.scorefiles.independent import metric_of, opinion_on

    metric = metric_of(protocol)
    if metric is None:
        return []
    if any(isinstance(answer, StreamedAnswer) for answer in answers):
        return [
            CrossCheck("PyEER", str(metric), None, "it needs every score, and they are not kept")
        ]
    found = opinion_on(protocol, folds, answers)
    return [CrossCheck(found.program, str(metric), found.value, found.reason, found.tolerance)]


def _learned(judged: ProtocolOnData) -> dict[str, str]:
    """Return what the manifest says of a data set that was learned from and not judged."""
    if judged.elsewhere is None:
        return {}
    there = judged.elsewhere
    said = {"trained_on_hash": there.hash}
    if there.drawing is None:
        return {"trained_on": f"{there.path} ({some(len(there.images), 'image')})", **said}
    drawing = there.drawing
    drawn = f"{some(drawing.identities, 'tattoo')}, {drawing.captures} captures of each"
    return {
        "trained_on": f"{there.path} ({drawn}, drawn by {drawing.generator})",
        **said,
        "trained_on_generator": drawing.source,
    }


def manifest_of(
    judged: ProtocolOnData, origin: Origin, outcome: Outcome, started_at: str
) -> Manifest:
    """Return a manifest with all that does not depend on how the scores were made."""
    # Rows of arrays are mates of one another by whatever their owner says.
    mated = any(fold.mates and not fold.numbered for fold in judged.folds)
    mated_by = judged.protocol.data.mated_by if mated else ""
    return Manifest(
        format=record.FORMAT,
        identity=record.identity_of(origin),
        origin=origin,
        title=judged.protocol.title,
        question=judged.protocol.question,
        reference=judged.protocol.reference,
        task=judged.protocol.task,
        abilities=[],
        control=False,
        citation="",
        about="",
        dataset={
            "name": judged.dataset.name,
            "given": judged.data_path,
            "layout": judged.dataset.layout,
            "path": str(judged.dataset.root.resolve()),
            "synthetic": judged.dataset.synthetic,
            **_learned(judged),
        },
        counts={"images": len(judged.names), **outcome.metrics.counts},
        versions={"python": platform.python_version(), "tattoo-harness": harness_version()},
        machine={
            "system": platform.platform(terse=True),
            "processor": platform.machine(),
        },
        git={},
        command="",
        started=started_at,
        finished=now(),
        steps=[],
        failures=len(outcome.failures),
        mated_by=mated_by,
        findings=judged.findings,
    )


def checkout_of(folder: Path) -> dict[str, Any]:
    """Return commit and dirty flag of the checkout that an algorithm lies in, if it lies in one."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 - found on PATH, as git is
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    with suppress(OSError, subprocess.TimeoutExpired):
        commit = git("rev-parse", "HEAD")
        if commit and re.fullmatch(r"[0-9a-f]{40,64}", commit):
            return {"commit": commit, "dirty": bool(git("status", "--porcelain"))}
    return {}
