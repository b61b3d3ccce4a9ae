"""One page for each protocol, from its file."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from measured import measured_by, measured_table, published_beside
from writing import Shelf, fields, heading, indented, literal, plain, table

from harness.plugins import registry
from harness.plugins.description import Description
from harness.reporting.wording import metric_label
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Need, Protocol
from harness.tasks.reading import read_protocol

__all__ = ["headlines", "write"]

NEEDS = {
    "two-pictures": "at least two pictures of an identity",
    "media": "pictures of two media (photographs and sketches, say)",
    "regions": "roles that say which pictures are regions",
    "both-labels": "images with and without a tattoo",
    "other-subjects": "mates on two different people",
    "other-captures": "mates that are two different photographs",
}
if set(NEEDS) != set(get_args(Need)):
    raise AssertionError("a need of data has no words here, or one is gone")


def headlines() -> dict[str, str]:
    """Return the id of the headline metric of every protocol."""
    return {name: read_protocol(file)[0].headline_id for name, file in registry.protocols().items()}


def write(shelf: Shelf, algorithms: dict[str, Description]) -> None:
    """Write a page for each protocol, and the page that lists them."""
    rows = []
    ids = headlines()
    for name, file in registry.protocols().items():
        protocol, _ = read_protocol(file)
        shelf.write(f"protocols/{name}", _page(name, file, protocol, ids, algorithms))
        rows.append(
            (
                f":doc:`{plain(name)} </reference/protocols/{name}>`",
                plain(protocol.question),
                plain(metric_label(protocol.headline)),
            )
        )
    shelf.write(
        "protocols/index",
        "\n".join(
            [
                heading("Protocols"),
                "A protocol is a TOML file: a question, the data it is asked on, and how"
                " answers are measured. `harness describe NAME` prints one, `harness new protocol`"
                " begins one of your own, and `--protocol FILE` runs it.\n",
                table(("Protocol", "Question", "Headline"), rows),
                ".. toctree::\n   :hidden:\n   :glob:\n\n   *\n",
            ]
        ),
    )


def _page(
    name: str,
    file: Path,
    protocol: Protocol,
    ids: dict[str, str],
    algorithms: dict[str, Description],
) -> str:
    task = task_of(protocol)
    able = [one for one, found in algorithms.items() if task.ability.__name__ in found.abilities]
    data, folds = protocol.data, protocol.folds
    default = f"fixtures/{data.default}" if data.default else "none: bring your own"
    parts = [
        heading(literal(name)),
        f"**{plain(protocol.title)}.** {plain(protocol.question)}\n",
        fields(
            [
                ("Follows", plain(protocol.reference)),
                ("Version", str(protocol.version)),
                ("Headline", f"{_metric(protocol.headline)} {literal(protocol.headline)}"),
                ("Data", f"{literal(data.use_case)}; without `--data` {plain(default)}"),
                ("Mates share", "a tattoo" if data.mated_by == "tattoo" else "a look (group)"),
                ("Needs", "; ".join(NEEDS[need] for need in data.needs)),
                (
                    "Folds",
                    f"{folds.count} without a common identity, where the data has no lists",
                ),
                ("Gate", _gate(protocol)),
            ]
        ),
        ".. code-block:: sh\n\n"
        f"   harness run --protocol {name} --algo {_typical(name, able)}"
        f"{'' if data.default else ' --data DIR'}\n",
        heading("Metrics", "-"),
        table(
            ("Metric", "Id"),
            [(_metric(metric), literal(metric)) for metric in protocol.metrics],
        ),
        heading("Algorithms that can answer", "-"),
        ", ".join(f":doc:`/reference/algorithms/{one}`" for one in able) or "None here.",
        "",
    ]
    measured = measured_table(lambda found: found.get("protocol") == name, ids, "algorithm")
    if measured:
        parts += [heading("Measured", "-"), _MEASURED, measured]
    published = published_beside(name, protocol)
    if published:
        parts += [heading("Published", "-"), _PUBLISHED, published]
    parts += [
        heading("The file", "-"),
        ".. code-block:: toml\n",
        indented(file.read_text(encoding="utf-8")),
    ]
    return "\n".join(parts)


_MEASURED = """\
On the synthetic set that comes with the project: the figures show that a procedure works, and say
nothing about casework.
"""
_PUBLISHED = """\
What others published on the same use case, as they published it. Their data is not the data above,
so no figure here may be ranked with ours.
"""


def _metric(text: str) -> str:
    name = text.partition("@")[0]
    return f":ref:`{plain(metric_label(text))} <metric-{name}>`"


def _typical(protocol: str, able: list[str]) -> str:
    for name in ("sift", "hog-svm", *measured_by(protocol)):
        if name in able:
            return name
    return able[0] if able else "FILE"


def _gate(protocol: Protocol) -> str:
    gate = protocol.gate
    if gate is None:
        return ""
    said = f"a loss of {gate.margin:g} is accepted, a rise of the failure rate of {gate.failures:g}"
    if gate.detectable:
        said += (
            f"; a true loss of {gate.detectable:g} is called a regression in 9 of 10 cases"
            f" on {plain(gate.detectable_on)}"
        )
    return said
