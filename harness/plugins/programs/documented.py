"""The line protocol as a page and as plain data: both are made from the messages themselves."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec

from harness.plugins.programs.messages import (
    FAILURES,
    FAULTS,
    LARGEST_TEMPLATE,
    LAST_LINES,
    LONGEST_LINE,
    MESSAGES,
    MOST_PARAMETERS,
    PARTING,
    VERSION,
    Ability,
    Failure,
    Parameter,
    Welcome,
)

__all__ = ["facts", "page"]

ABOUT: dict[Ability, str] = {
    "embed": "makes a vector of a picture; the harness compares vectors by cosine",
    "compare": "makes templates of pictures, and compares them",
    "search": "makes templates, and searches a gallery: the answer is a list of candidates",
    "detect": "says whether a picture shows a tattoo, and where",
    "tag": "says which tags apply to a picture",
    "segment": "says which pixels show a tattoo",
    "remove": "retouches a tattoo away",
}
"""What each ability is."""

if tuple(ABOUT) != get_args(Ability):
    raise AssertionError("an ability of programs has no description")

_LIMITS = (
    ("Length of a line, its end included", f"{LONGEST_LINE:,} bytes"),
    ("Template", f"{LARGEST_TEMPLATE:,} bytes"),
    ("Parameters", f"{MOST_PARAMETERS}"),
    ("From `goodbye` to the end of the program", f"{PARTING:g} s"),
    ("Memory, processes, time of a run", "those of the algorithm's process (`harness run --help`)"),
)


def page() -> str:
    """Return the protocol as Markdown."""
    lines = [
        f"Version {VERSION}. A question is one line of JSON (UTF-8) on the program's standard",
        "input, the answer one line of JSON on its standard output; nothing is asked before the",
        "last answer is there. Where a line has a number of `bytes`, as many raw bytes follow its",
        "end. What the program says on standard error goes to the log of the run. An answer has no",
        "keys but these.",
        "",
        "| ability | a program that has it | is asked |",
        "|---|---|---|",
    ]
    for ability, meaning in ABOUT.items():
        asked = ", ".join(f"`{n}`" for n, one in MESSAGES.items() if ability in one.abilities)
        lines.append(f"| `{ability}` | {meaning} | {asked} |")
    lines += ["", "| question | its keys | answer | seconds |", "|---|---|---|---|"]
    for name, one in MESSAGES.items():
        lines.append(
            f"| `{name}`: {_about(one.question)} | {_keys(one.question)} | {_about(one.answer)} "
            f"{_keys(one.answer)} | {one.seconds:g} |"
        )
    lines += [
        "",
        f"A parameter: {_keys(Parameter)}",
        "",
        f"A failure may stand in the place of any answer: {_keys(Failure)}",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| `{code}` | {meaning} |" for code, meaning in FAILURES.items()),
        "",
        "| what | limit |",
        "|---|---|",
        *(f"| {what} | {most} |" for what, most in _LIMITS),
        "",
        "What a program can do wrong ends it and fails the run, with a sentence that names what",
        f"was asked and the last {LAST_LINES} lines of its standard error:",
        "",
        *(f"* *{name}*: the program {_plain(text)}" for name, text in FAULTS.items()),
    ]
    return "\n".join(lines) + "\n"


def facts() -> dict[str, Any]:
    """Return the protocol as plain data, with a JSON Schema of every message."""
    return {
        "version": VERSION,
        "longest_line": LONGEST_LINE,
        "largest_template": LARGEST_TEMPLATE,
        "abilities": dict(ABOUT),
        "messages": {
            name: {
                "asked_of": list(one.abilities),
                "seconds": one.seconds,
                "question": msgspec.json.schema(one.question),
                "answer": msgspec.json.schema(one.answer),
            }
            for name, one in MESSAGES.items()
        },
        "failure": msgspec.json.schema(Failure),
        "codes": dict(FAILURES),
        "faults": dict(FAULTS),
    }


def _about(kind: type[msgspec.Struct]) -> str:
    return (kind.__doc__ or "").strip().replace("\n", " ")


def _keys(kind: type[msgspec.Struct]) -> str:
    schema = msgspec.json.schema(kind)["$defs"]
    found = []
    for name, one in schema[kind.__name__]["properties"].items():
        if name != "do":
            optional = "" if "default" not in one else f" (or {json.dumps(one['default'])})"
            found.append(f"`{name}`{optional}: {_meaning(one)}")
    return "; ".join(found) or ("" if kind is Welcome else "none")


def _meaning(property_of: dict[str, Any]) -> str:
    text = str(property_of.get("description", ""))
    choices = property_of.get("enum") or property_of.get("items", {}).get("enum")
    if choices and len(choices) > 1:
        text += " " + ", ".join(f"`{one}`" for one in choices)
    return text.rstrip(".")


def _plain(text: str) -> str:
    return text.replace("{asked!r}", "a question").replace("{what}", "...")
