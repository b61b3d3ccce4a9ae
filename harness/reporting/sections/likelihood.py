"""The section on likelihood ratios: from an assessment to finished words and plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.record.manifest import Manifest
from harness.record.record import read_assessment
from harness.reporting.drawing.forensic_figures import forensic_figures, log10, ratio, signed
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.reporting.wording import amount, count, interval, known
from harness.statistics.estimate import Estimate
from harness.statistics.likelihood.assessment import Assessment
from harness.tasks.protocol import Protocol
from harness.tasks.task import Task

_THIN = "\u202f"  # narrow and unbreakable: a number and its unit stay together


@dataclass(frozen=True)
class Proposition:
    """What a likelihood ratio is about: two statements, of which one is true of a comparison.

    Parameters
    ----------
    name
        In two or three words.
    mated, nonmated
        What is true of a mated and of a non-mated comparison, as sentences.
    caution
        What it must not be taken for.
    """

    name: str
    mated: str
    nonmated: str
    caution: str


SAME_TATTOO = Proposition(
    "same tattoo",
    "Probe and reference show the same tattoo.",
    "Probe and reference show different tattoos.",
    "“Same tattoo” is not “same person”: different people carry the same design, and no ratio "
    "here says who is shown.",
)
SIMILAR_TATTOO = Proposition(
    "similar tattoo",
    "Probe and reference show visually similar tattoos on different people.",
    "Probe and reference show tattoos that are not similar.",
    "“Similar tattoo” is neither “same tattoo” nor “same person”: the mated comparisons here are "
    "of different people.",
)
SAME_PERSON = Proposition(
    "same person",
    "Probe and reference show the same person.",
    "Probe and reference show different people.",
    "It holds for people who are as likely to share a design as those in the data: a design that "
    "many people carry makes another person's tattoo look the same.",
)
AS_LISTED = Proposition(
    "mated",
    "The comparison is of the kind that the files call mated.",
    "The comparison is of the kind that the files call non-mated.",
    "What “mated” means here (the same tattoo, the same person) is what it meant to whoever wrote "
    "the files.",
)
PROPOSITIONS = {"tattoo": SAME_TATTOO, "group": SIMILAR_TATTOO, "subject": SAME_PERSON}
"""By what makes two images of a data set mated."""


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no likelihood ratios were asked for."""
    assessment = read_assessment(run.folder)
    if assessment is None:
        return None
    proposition = proposition_of(run.task, run.manifest, run.protocol)
    return Section("forensic", "Likelihood ratios", written(assessment, proposition, run.algorithm))


def proposition_of(task: Task[Any, Any], manifest: Manifest, protocol: Protocol) -> Proposition:
    """Return what the likelihood ratios of a run are about.

    Parameters
    ----------
    task, manifest, protocol
        Of the run.
    """
    if not task.names_images:
        return AS_LISTED
    return PROPOSITIONS[manifest.mated_by or protocol.data.mated_by]


def written(assessment: Assessment, proposition: Proposition, algorithm: str) -> Markup:
    """Return what is said of a run's likelihood ratios, as HTML.

    Parameters
    ----------
    assessment
        What `harness.statistics.likelihood.assessment.assess` found.
    proposition
        What a mated comparison means in this run.
    algorithm
        Its name.
    """
    return filled_from(
        "likelihood",
        proposition=proposition,
        verdict=_verdict(assessment.estimates["cllr"], proposition, algorithm),
        sentences=_sentences(assessment),
        results=_results(assessment.estimates),
        calibration=_calibration(assessment),
        calibrators=[(fold.name, fold.calibrator) for fold in assessment.folds],
        figures=forensic_figures(assessment),
    )


def _verdict(cllr: Estimate, proposition: Proposition, algorithm: str) -> str:
    if cllr.value is None:
        return f"There are no likelihood ratios of {algorithm} to judge."
    bits = amount("cllr", cllr.value)
    within = interval("cllr", cllr.low, cllr.high)
    bracket = f" (95{_THIN}% interval {within})" if within else ""
    sentence = (
        f"For the proposition “{proposition.name}” the likelihood ratios of {algorithm} cost "
        f"{bits} bits a comparison{bracket}; ratios that say nothing cost 1."
    )
    if cllr.low is not None and cllr.low > 1:
        return f"{sentence} They are worse than none."
    if cllr.high is not None and cllr.high >= 1:
        return f"{sentence} They cannot be told from ratios that say nothing."
    return sentence


def _sentences(assessment: Assessment) -> list[str]:
    estimates, counts = assessment.estimates, assessment.counts
    least, loss = estimates["cllr-min"], estimates["cllr-cal"]
    low, high = (log10(estimates[f"elub-{end}"].value) for end in ("low", "high"))
    found = []
    if known(least.value) and known(loss.value):
        found.append(
            f"Of this, {amount('cllr', least.value)} bits are due to scores that do not separate "
            f"mated from non-mated comparisons (Cllr-min) and {amount('cllr', loss.value)} to "
            "calibration (Cllr-cal)."
        )
    if known(low) and known(high):
        found.append(
            f"The data supports likelihood ratios from {ratio(low)} to {ratio(high)}: stronger "
            "ones should not be stated (ELUB limits, after one misleading ratio was added to each "
            "side)."
        )
    failed = [
        f"{count(counts.get(f'failed_{kind}', 0))} {word}"
        for kind, word in (("mated", "mated"), ("nonmated", "non-mated"))
        if counts.get(f"failed_{kind}", 0)
    ]
    if failed:
        found.append(
            f"{' and '.join(failed)} comparisons failed; each counts with the lowest ratio that "
            "its calibrator gives, so giving up on a mated comparison gains nothing."
        )
    whose = (
        f"of {count(counts['identities'])} identities"
        if "identities" in counts
        else "whose identities the files do not name (each is taken as independent of the others, "
        "and the intervals are too narrow where they are not)"
    )
    found.append(
        f"Judged are {count(counts['mated'])} mated and {count(counts['nonmated'])} non-mated "
        f"comparisons {whose}. A ratio holds for non-mated comparisons like those of this data; "
        "the odds before the comparison are not part of it."
    )
    return found


def _results(estimates: dict[str, Estimate]) -> Table:
    rows = [
        _row("Cost of the ratios (Cllr), bits", "cllr", estimates["cllr"]),
        _row("after ideal calibration (Cllr-min), bits", "cllr", estimates["cllr-min"]),
        _row("lost to calibration (Cllr-cal), bits", "cllr", estimates["cllr-cal"]),
        _row("Distance of the PAV plot (devPAV), powers of ten", "cllr", estimates["dev-pav"]),
        _row("Mated comparisons with a ratio below 1", "fnmr", estimates["misleading-mated"]),
        _row("Non-mated comparisons with a ratio above 1", "fmr", estimates["misleading-nonmated"]),
    ]
    for end, word in (("low", "Lowest"), ("high", "Highest")):
        value = log10(estimates[f"elub-{end}"].value)
        text = ratio(value)
        if value is not None:
            text += f" (log10 {signed(value)})"
        rows.append((f"{word} ratio supported (ELUB)", text, "", "", ""))
    return Table(
        "Validity of the likelihood ratios, all folds together",
        ("Figure", "Value", "95 % interval", "Ratios that say nothing", "Comparisons"),
        tuple(rows),
    )


def _row(label: str, unit: str, estimate: Estimate) -> tuple[str, ...]:
    flags = f" ({'; '.join(estimate.flags)})" if estimate.flags else ""
    return (
        f"{label}{flags}",
        amount(unit, estimate.value),
        interval(unit, estimate.low, estimate.high),
        amount(unit, estimate.chance) if known(estimate.chance) else "",
        count(estimate.n),
    )


def _calibration(assessment: Assessment) -> Table:
    return Table(
        "Calibration data: what each fold's ratios rest on",
        (
            "Fold judged",
            "Calibrated on folds",
            "Mated used",
            "Non-mated used",
            "Left out",
            "Mated judged",
            "Non-mated judged",
            "Cllr",
        ),
        tuple(
            (
                fold.name,
                ", ".join(fold.calibrated_on),
                count(fold.calibration_mated),
                count(fold.calibration_nonmated),
                count(fold.left_out),
                count(fold.mated),
                count(fold.nonmated),
                amount("cllr", fold.cllr),
            )
            for fold in assessment.folds
        ),
    )
