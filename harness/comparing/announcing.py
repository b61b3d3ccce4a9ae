"""A verdict for people and machines: terminal, Markdown and JUnit XML.

Names come from run folders, which are untrusted: whatever is in them shows as text.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparing.changes import Change
from harness.comparing.gate import Gate, Party
from harness.comparing.verdict import INCONCLUSIVE, PASSED, REGRESSED, Trial
from harness.errors import shortened, visible
from harness.record.provenance import SENTENCES

_MARKS = {PASSED: "✅", REGRESSED: "❌", INCONCLUSIVE: "❔"}
REFUSED = "not comparable"


@dataclass(frozen=True)
class Place:
    """A file in which more is to be read, and what that is."""

    content: str
    path: str


REMARKS = 10
"""Remarks on the runs that a verdict repeats at most; all are in `gate.json`."""


def markdown_text(text: str) -> str:
    """Return a text as Markdown code that shows just it: no markup, no link, no mention.

    >>> markdown_text("a|<b>")
    '<code>a&#124;&#60;b&#62;</code>'
    """
    shown = (c if c.isalnum() or c in " -" else f"&#{ord(c)};" for c in visible(text))
    return f"<code>{''.join(shown)}</code>"


def markdown_sentence(text: str) -> str:
    """Return a sentence of ours that may hold a name: Markdown's signs show as themselves.

    >>> markdown_sentence("on <b>")
    'on &#60;b&#62;'
    """
    plain = " -.,:%()/−"
    return "".join(c if c.isalnum() or c in plain else f"&#{ord(c)};" for c in visible(text))


def terminal(gate: Gate) -> str:
    """Return the verdict for people at a terminal."""
    lines = [
        f"{gate.verdict.upper()}  {visible(gate.protocol)}: {visible(gate.candidate.algorithm)} "
        f"against {visible(gate.baseline.algorithm)}"
    ]
    for trial in gate.trials:
        lines += [
            f"  {trial.verdict:<12}  {trial.subject}  {_value(trial.baseline)} -> "
            f"{_value(trial.candidate)}  loss {_value(trial.loss)} {_bounds(trial)} "
            f"margin {trial.margin:g}",
            f"  {'':<12}  {trial.reason}",
        ]
    lines += [f"  {'':<12}  {said}" for said in (*power(gate), SENTENCES[gate.synthetic])]
    return "\n".join(lines)


def power(gate: Gate) -> list[str]:
    """Return sentences on the loss that would have been seen, and on the fits."""
    said = []
    trial = gate.trials[0]
    if trial.detectable is not None and not gate.identical:
        said.append(
            f"a true loss of {_value(trial.detectable)} would be called regressed here with a "
            "probability of 90 %"
        )
    if gate.detectable is not None:
        place = f" on {visible(gate.detectable_on)}" if gate.detectable_on else ""
        said.append(f"the protocol declares a loss of {gate.detectable:g} detectable{place}")
    if max(gate.fits) > 1:
        said.append(f"means over {gate.fits[0]} fits and {gate.fits[1]} fits")
    return said


def markdown(gate: Gate, places: Sequence[Place] = (), job: str = "") -> str:
    """Return the verdict as Markdown for a comment or a job summary.

    Parameters
    ----------
    gate
        The verdict.
    places
        Files in which more is to be read.
    job
        Address of the CI job that has them among its artifacts.
    """
    lines = [
        f"### {_MARKS[gate.verdict]} harness gate: {gate.verdict}",
        "",
        f"{markdown_text(gate.title)}: candidate {_party(gate.candidate)} against baseline "
        f"{_party(gate.baseline)}",
        "",
        "| | verdict | baseline | candidate | loss | bounds (95 % each) | margin | identities |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| `{trial.subject}` | {_MARKS[trial.verdict]} {trial.verdict} | {_value(trial.baseline)} "
        f"| {_value(trial.candidate)} | {_value(trial.loss)} | {_bounds(trial)} | {trial.margin:g} "
        f"| {trial.identities} |"
        for trial in gate.trials
    ]
    lines += ["", *(f"* `{trial.subject}`: {trial.reason}." for trial in gate.trials)]
    lines += [f"* {markdown_sentence(sentence)}." for sentence in power(gate)]
    lines += _remarks(gate)
    lines += ["", SENTENCES[gate.synthetic], "", *_changed(gate.changes)]
    if places:
        lines += ["", *(f"* {one.content}: {markdown_text(one.path)}" for one in places)]
    return "\n".join(lines) + "\n" + _artifacts(job)


def _remarks(gate: Gate) -> list[str]:
    """Return what the records of both runs say to whoever reads their numbers."""
    known = dict.fromkeys(one.text for one in (*gate.baseline.findings, *gate.candidate.findings))
    return [f"* note: {markdown_sentence(shortened(text))}" for text in list(known)[:REMARKS]]


def _changed(changes: Sequence[Change]) -> list[str]:
    """Return what the candidate was made of that the baseline was not, as a folded table."""
    if not changes:
        return ["What changed: nothing that is recorded; recipe and environment are the same."]
    kinds = {kind: sum(one.kind == kind for one in changes) for kind in ("recipe", "environment")}
    counts = " and ".join(f"{number} in the {kind}" for kind, number in kinds.items() if number)
    rows = [
        f"| {markdown_sentence(one.what)} | {_recorded(one.first)} | {_recorded(one.second)} |"
        for one in changes
    ]
    # A blank line is what makes Markdown read the table inside as one.
    return [
        f"<details><summary>What changed: {counts}</summary>",
        "",
        "| | baseline | candidate |",
        "|---|---|---|",
        *rows,
        "",
        "</details>",
    ]


def _recorded(value: str) -> str:
    return markdown_text(value) if value else "–"


def _artifacts(job: str) -> str:
    return f"\n[Reports and pages are among the artifacts of this job]({job})\n" if job else ""


def markdown_refusal(reason: str, job: str = "") -> str:
    """Return as Markdown why there is no verdict."""
    shown = "\n".join(f"> {markdown_text(line)}  " for line in reason.splitlines())
    return f"### ⛔ harness gate: no verdict\n\n{shown}\n{_artifacts(job)}"


def junit(gate: Gate, *, allow_inconclusive: bool) -> str:
    """Return the verdict as JUnit XML: one test case for each trial.

    Parameters
    ----------
    gate
        The verdict.
    allow_inconclusive
        Whether what is inconclusive is skipped; otherwise it is a failure, as the exit code is.
    """
    failed = [
        trial.verdict == REGRESSED or (trial.verdict == INCONCLUSIVE and not allow_inconclusive)
        for trial in gate.trials
    ]
    suite = _suite(gate.protocol, len(gate.trials), failures=sum(failed))
    for trial, bad in zip(gate.trials, failed, strict=True):
        case = ET.SubElement(
            suite,
            "testcase",
            name=visible(trial.subject),
            classname=visible(f"{gate.protocol}.{gate.candidate.algorithm}"),
        )
        if bad:
            said = {"message": _message(trial.reason), "type": trial.verdict}
            ET.SubElement(case, "failure", said)
        elif trial.verdict == INCONCLUSIVE:
            suite.set("skipped", str(int(suite.get("skipped", "0")) + 1))
            ET.SubElement(case, "skipped", {"message": _message(trial.reason)})
    return _xml(suite)


def junit_refusal(reason: str) -> str:
    """Return as JUnit XML why there is no verdict."""
    suite = _suite("harness", 1, errors=1)
    case = ET.SubElement(suite, "testcase", name="gate", classname="harness")
    ET.SubElement(case, "error", {"message": _message(reason), "type": REFUSED})
    return _xml(suite)


def _message(text: str) -> str:
    """Return a text for an attribute: its lines stay lines there, written as ``&#10;``."""
    return "\n".join(visible(line) for line in text.splitlines())


def _suite(name: str, tests: int, *, failures: int = 0, errors: int = 0) -> ET.Element:
    counts = {"tests": str(tests), "failures": str(failures), "errors": str(errors)}
    return ET.Element("testsuite", {"name": f"harness gate {visible(name)}", **counts})


def _xml(suite: ET.Element) -> str:
    ET.indent(suite)
    text = ET.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _party(party: Party) -> str:
    commit = f" at {markdown_text(party.commit[:12])}" if party.commit else ""
    fits = f", {party.fits} fits" if party.fits > 1 else ", one fit" if party.one_fit else ""
    return f"{markdown_text(party.algorithm)} ({markdown_text(party.identity[:10])}{fits}){commit}"


def _value(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


def _bounds(trial: Trial) -> str:
    if trial.low is None or trial.high is None or not math.isfinite(trial.low + trial.high):
        return "no bounds"
    return f"[{_value(trial.low)}, {_value(trial.high)}]"
