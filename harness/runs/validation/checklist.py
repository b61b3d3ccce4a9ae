"""The checklist of ISO/IEC 19795-1: where its reporting requirements are answered, or "not stated".

What is asked is told in our own words, part by part as reports of biometric tests have it; clause
numbers are left to whoever holds the standard beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.data.marker import stated_in
from harness.errors import some
from harness.record import provenance
from harness.record.manifest import value_text
from harness.runs.validation.judged import JudgedRun
from harness.runs.validation.statement import Statement

NOT_STATED = "not stated"

REPORT = "report of the run"
"""Where most of what a run knows is shown, under the section's own heading."""


class Answered(msgspec.Struct):
    """One thing that the standard asks a report for, and where it is answered.

    Parameters
    ----------
    part, requirement
        What is asked, in our words.
    answer
        What is said; ``not stated`` if nothing is.
    where
        Which part of which document says it; empty where nothing does.
    """

    part: str
    requirement: str
    answer: str
    where: str


def answers(judged: JudgedRun, statement: Statement) -> list[Answered]:
    """Return the checklist, filled in from a run's record and from what people state.

    Parameters
    ----------
    judged
        The run that is validated.
    statement
        Of the file of criteria.
    """
    return [
        *_of_test(judged, statement),
        *_of_data(judged, statement),
        *_of_procedure(judged, statement),
        *_of_results(judged, statement),
    ]


def _of_test(judged: JudgedRun, statement: Statement) -> list[Answered]:
    manifest = judged.manifest
    origin = manifest.origin
    parameters = ", ".join(f"{k} = {value_text(v)}" for k, v in sorted(origin.parameters.items()))
    weights = ", ".join(f"{name} {digest[:12]}" for name, digest in origin.weight_hashes.items())
    version = f", {origin.version}" if origin.version else ""
    test = "Test and system"
    return [
        _known(
            test,
            "Kind of test, and the question that it answers",
            f"Technology test on stored images: {manifest.question}",
            f"protocol {judged.protocol_name}",
        ),
        _stated(test, "Purpose of the test", statement, "purpose"),
        _stated(test, "Who tests, and when", statement, "laboratory", "author", "date"),
        _either(
            test,
            "System under test: name, supplier, version",
            f"{origin.algorithm}{version}, source {origin.source_hash[:12]}",
            "the runs",
            statement,
            "system",
        ),
        _known(
            test,
            "Settings, and hashes of weights",
            f"{parameters or 'no parameters'}; weights: {weights or 'none named by a parameter'}",
            "the runs",
        ),
        _stated(test, "People who operate the system, and their decisions", statement, "operator"),
    ]


def _of_data(judged: JudgedRun, statement: Statement) -> list[Answered]:
    manifest = judged.manifest
    counts = manifest.counts
    data = "Data"
    people = [
        some(counts[many], one, many)
        for many, one in (("identities", "identity"), ("images", "image"), ("searches", "search"))
        if many in counts
    ]
    compared = [
        f"{counts[f'{kind}_comparisons']:,} {kind.replace('nonm', 'non-m')}"
        for kind in ("mated", "nonmated")
        if f"{kind}_comparisons" in counts
    ]
    training = (
        f"{some(counts.get('training_images', 0), 'image')} learned from"
        if manifest.learns
        else "The algorithm learns from no image of this data."
    )
    return [
        _either(
            data,
            "Where the data comes from",
            f"{judged.data_name}, hash {manifest.origin.data_hash[:12]}; "
            + provenance.BADGES[stated_in(manifest.dataset)],
            "the runs",
            statement,
            "source",
        ),
        _stated(data, "Legal basis and consent", statement, "consent"),
        _stated(data, "Sensors, and circumstances of capture", statement, "cameras"),
        _stated(data, "People whom the data stands for", statement, "population"),
        _stated(data, "In what the data is like the use that is meant", statement, "casework"),
        _stated(data, "How images were selected and left out", statement, "selection"),
        _stated(data, "What the developer knew of the data", statement, "known_to_developer"),
        _either(data, "Overlap with training", training, f"{REPORT}, facts", statement, "overlap"),
        _known(
            data,
            "Numbers of people, samples, mated and non-mated comparisons",
            "; ".join([*people, *([f"comparisons: {' and '.join(compared)}"] if compared else [])]),
            f"{REPORT}, facts",
        ),
    ]


def _of_procedure(judged: JudgedRun, statement: Statement) -> list[Answered]:
    run = judged.run
    manifest, protocol = judged.manifest, run.protocol
    procedure = "Procedure"
    same = protocol.data.same_source == "left-out"
    sizes = sorted({len(fold.gallery) or fold.numbered for fold in run.folds} - {0})
    gallery = f"{sizes[0]:,} to {sizes[-1]:,} references" if sizes else ""
    if len(sizes) == 1:
        gallery = f"{sizes[0]:,} references"
    limits = protocol.limits.by_operation() if protocol.limits is not None else {}
    return [
        _known(
            procedure,
            "Which comparisons are made, and how folds are laid out",
            f"{some(len(run.folds), 'fold')}, by protocol "
            f"{judged.protocol_name} version {protocol.version}"
            + (f", after {protocol.reference}" if protocol.reference else ""),
            "protocol.toml of the run",
        ),
        _known(
            procedure,
            "Comparisons of one person, or of one photograph, that are left out",
            "probes are not compared with references of the same photograph"
            if same
            else "none left out; mates of one photograph are counted and reported apart",
            f"{REPORT}, copies",
        ),
        _stated(procedure, "Attempts, and presentation to the sensor", statement, "attempts"),
        _stated(procedure, "What was refused before the system saw it", statement, "quality_gates"),
        _either(
            procedure,
            "Limits of time",
            ", ".join(f"{name} {seconds:g} s" for name, seconds in limits.items()),
            "protocol.toml of the run",
            statement,
            "time_limits",
        ),
        _either(
            procedure,
            "Order, and what galleries hold",
            gallery,
            f"{REPORT}, facts",
            statement,
            "order",
        ),
        _stated(procedure, "Deviations from protocol or plan", statement, "deviations"),
        _known(
            procedure,
            "What an unusable image counts as",
            manifest.origin.failure_policy,
            f"{REPORT}, failures",
        ),
    ]


def _of_results(judged: JudgedRun, statement: Statement) -> list[Answered]:
    manifest = judged.manifest
    estimates = judged.outcome.metrics.pooled
    results = "Results"
    names = ", ".join(estimates)
    methods = {estimate.method for estimate in estimates.values() if estimate.method}
    costs = ", ".join(sorted(manifest.costs))
    return [
        _known(
            results,
            "Failures to enrol or to acquire, with causes",
            f"{some(manifest.failures, 'image')} given up on",
            f"{REPORT}, failures",
        ),
        _known(
            results,
            "Error rates, with thresholds, curves and sizes of galleries",
            names,
            f"{REPORT}, result and curves",
        ),
        _known(
            results,
            "Uncertainty: method, level, and comparisons that depend on one another",
            f"95 % intervals; identities are what is drawn ({'; '.join(sorted(methods))})"
            if methods
            else "",
            f"{REPORT}, how it was counted",
        ),
        _known(
            results,
            "Throughput, sizes of templates, platform",
            f"{f'measured: {costs}; ' if costs else ''}{manifest.machine.get('system', '')}",
            f"{REPORT}, facts",
        ),
        _stated(results, "For what the result must not be used", statement, "limits"),
        _stated(results, "What is decided on it, and by whom", statement, "decision"),
    ]


def _known(part: str, requirement: str, answer: str, where: str) -> Answered:
    """Return an answer of the record."""
    said = answer.strip()
    return Answered(part, requirement, said or NOT_STATED, where if said else "")


def _stated(part: str, requirement: str, statement: Statement, *fields: str) -> Answered:
    """Return an answer that only people know."""
    return _either(part, requirement, "", "", statement, *fields)


def _either(
    part: str, requirement: str, answer: str, where: str, statement: Statement, *fields: str
) -> Answered:
    """Return what people state, and what the record knows, each where there is any."""
    texts = [(name, getattr(statement, name).strip()) for name in fields]
    said = [text for _, text in texts if text]
    keys = [name.replace("_", "-") for name, text in texts if text]
    places: Sequence[str] = [where] * bool(answer)
    if keys:
        places = [*places, f"[statement] {', '.join(keys)}"]
    return _known(
        part, requirement, "; ".join([*said, *[answer] * bool(answer)]), "; ".join(places)
    )
