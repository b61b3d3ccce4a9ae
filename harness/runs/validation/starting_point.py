"""A file of criteria to start from: behind `harness new criteria`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from harness.metrics.ids import Metric
from harness.plugins.registry import find_protocol
from harness.plugins.scaffold import title_of, words_of, written
from harness.runs.validation.criteria import parse_criteria
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol

_HEAD = """\
# Written by `harness new criteria`: what a method must come to, set before it is run.
# Every limit below is a number to be replaced: what would make the method fit for its purpose?
title = {title}

# What only people know; every key may be left out, and is then "not stated".
# Keys: laboratory, author, date, purpose, propositions, system, operator, population, casework,
# cameras, source, consent, selection, known-to-developer, overlap, attempts, quality-gates,
# time-limits, order, deviations, limits, decision.
[statement]
purpose = ""
propositions = ""

# What is run; `harness preregister` binds it. Further keys: algorithm, parameters, data, seed.
[experiment]
protocol = {protocol}
"""
_CALIBRATOR = 'calibrator = "logistic"\n'

_ROWS = """
# Each [[criterion]] is a row of the matrix: at-most, at-least, or within = [low, high].
"""
_RATIO_ROWS = """
[[criterion]]
characteristic = "accuracy"
metric = "cllr"
at-most = 0.6

[[criterion]]
characteristic = "discriminating-power"
metric = "cllr-min"
at-most = 0.5

[[criterion]]
characteristic = "calibration"
metric = "cllr-cal"
at-most = 0.1

# A row for each value of a column of the data set; or attack = "REMOVER".
[[criterion]]
characteristic = "robustness"
metric = "cllr"
by = "skin"
at-most = 0.8

# A row for each bin of the share of the image that the tattoo takes; or by = "quality".
[[criterion]]
characteristic = "coherence"
metric = "cllr"
by = "area"
at-most = 0.8

# The ratios of this run, with the calibrator of another one of the runs that are named.
# [[criterion]]
# characteristic = "generalisation"
# metric = "cllr"
# calibrated-on = "PROTOCOL OR DATA SET"
# at-most = 1
"""


def write_criteria(name: str, folder: Path, *, protocol: str, plugins: Iterable[Path] = ()) -> Path:
    """Write a file of criteria for runs of a protocol, which can be read as it is.

    Parameters
    ----------
    name, folder
        As for `harness.plugins.scaffold.write_algorithm`.
    protocol
        Name or file of the protocol that is validated.
    plugins
        Folders with further protocols.

    Raises
    ------
    UsageError
        If the name is not allowed, there is such a file already, or there is no such protocol.
    """
    words = words_of(name, "a file of criteria", "my-criteria")
    found = find_protocol(protocol, plugins)
    asked, _ = read_protocol(found)
    text = _text(title_of(words), found.stem, asked)
    parse_criteria(text.encode(), name)
    return written(name, folder, ".toml", text)


def _text(title: str, name: str, protocol: Protocol) -> str:
    compares = task_of(protocol).compares
    head = _HEAD.format(title=json.dumps(title), protocol=json.dumps(name))
    text = head + _CALIBRATOR * compares + _ROWS + _row(Metric.parse(protocol.headline), compares)
    return text + _RATIO_ROWS * compares


def _row(headline: Metric, compares: bool) -> str:
    """Return the row of a headline, in the middle of what its values can be."""
    lower = CATALOGUE[headline.name].better == "lower"
    return (
        "\n[[criterion]]\n"
        f'characteristic = "{"discriminating-power" if compares else "accuracy"}"\n'
        f'metric = "{headline}"\n'
        f"{'at-most' if lower else 'at-least'} = 0.5\n"
    )
