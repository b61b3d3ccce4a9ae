"""Criteria of a validation: a TOML file becomes checked `Criteria`, or one list of its faults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from harness.data.toml_text import table_of
from harness.errors import UsageError, nearest
from harness.metrics.ids import Metric
from harness.runs.validation.statement import Statement
from harness.statistics.likelihood import evidence, validity
from harness.statistics.likelihood.calibration import CALIBRATORS
from harness.tasks.binned import AREA, MASK, QUALITY
from harness.tasks.catalogue import entry_of
from harness.tasks.kinds import KINDS
from harness.tasks.protocol import Table
from harness.tasks.reading import option_faults
from harness.tasks.table_faults import refusal, sentences

LARGEST_CRITERIA = 1 << 20
"""Bytes of a file of criteria."""

MOST_CRITERIA = 200

OF_RATIOS = (*validity.ENTRIES, *evidence.ENTRIES)
"""Metrics of likelihood ratios: any run that compares images has them."""

WITHOUT_INTERVAL = "dev-pav"
"""The one of them of which no interval is known that could be relied on: it decides nothing."""

OF_CALIBRATION = tuple(name for name in OF_RATIOS if name not in ("cllr-min", WITHOUT_INTERVAL))
"""Those that another calibrator changes."""

Characteristic = Literal[
    "accuracy",
    "discriminating-power",
    "calibration",
    "robustness",
    "coherence",
    "generalisation",
]
CHARACTERISTICS: dict[Characteristic, str] = {
    "accuracy": "Accuracy",
    "discriminating-power": "Discriminating power",
    "calibration": "Calibration",
    "robustness": "Robustness",
    "coherence": "Coherence",
    "generalisation": "Generalisation",
}
"""Names for people, by those of the file; the order of the matrix, primary ones first."""

QUANTITIES = (AREA, MASK, QUALITY)
"""Of which images are in bins."""

Text = Annotated[str, Field(max_length=4000)]


class Criterion(Table):
    """One row of the matrix, or one for each of its groups: what must hold of one metric.

    Parameters
    ----------
    characteristic
        What the row is about: a name in `CHARACTERISTICS`.
    metric
        Id of a metric of the run's question, or of likelihood ratios.
    at_most, at_least, within
        What its value must not exceed, must reach, or must lie in (``at-most``, ``at-least``): one
        of the three. A rate of 5 % is .05.
    by
        Robustness: column of the data set of which each value is a group. Coherence: ``area``
        (share of the image that the tattoo's box takes), ``mask`` (that its mask marks) or
        ``quality`` (by the column, and by the algorithm's word), in bins.
    attack
        Robustness: remover of ``harness run --attack``; the attacked run must be among the runs.
    calibrated_on
        Generalisation: protocol, or name of the data set, of the run on which the calibrator is
        fitted (``calibrated-on``).
    protocol
        Protocol of the run that the row judges, where it is not the first.
    reason
        Why the limit is what it is.
    """

    characteristic: Characteristic
    metric: str
    at_most: Annotated[float | None, Field(alias="at-most")] = None
    at_least: Annotated[float | None, Field(alias="at-least")] = None
    within: tuple[float, float] | None = None
    by: Text = ""
    attack: Text = ""
    calibrated_on: Annotated[Text, Field(alias="calibrated-on")] = ""
    protocol: Text = ""
    reason: Text = ""

    @property
    def metric_id(self) -> Metric:
        """The metric, parsed."""
        return Metric.parse(self.metric)

    @property
    def low(self) -> float:
        """Lowest value that satisfies the criterion; minus infinity without one."""
        if self.within is not None:
            return self.within[0]
        return -math.inf if self.at_least is None else self.at_least

    @property
    def high(self) -> float:
        """Highest value that satisfies the criterion; infinity without one."""
        if self.within is not None:
            return self.within[1]
        return math.inf if self.at_most is None else self.at_most

    @property
    def needs_ratios(self) -> bool:
        """Whether the metric is one of likelihood ratios."""
        return self.metric_id.name in OF_RATIOS


class Experiment(Table):
    """What is run, as far as the criteria bind it; what is left out may be anything.

    Parameters
    ----------
    protocol, algorithm
        Names.
    parameters
        Of the algorithm, as ``--param`` sets them; those not named are the algorithm's own.
    data
        Name of the data set.
    seed
        Of everything random in the algorithm.
    calibrator
        That makes likelihood ratios of scores.
    """

    protocol: Text = ""
    algorithm: Text = ""
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    data: Text = ""
    seed: Annotated[int | None, Field(ge=0, strict=True)] = None
    calibrator: Text = "logistic"

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.calibrator not in CALIBRATORS:
            raise ValueError(
                f"no calibrator is called {self.calibrator!r}."
                f"{nearest(self.calibrator, CALIBRATORS)} Known: {', '.join(CALIBRATORS)}"
            )
        return self


class Criteria(Table):
    """What a method must come to, written before it is run.

    Parameters
    ----------
    title
        Of the validation.
    statement
        What only people know of it.
    experiment
        What is run.
    criterion
        The rows of the matrix, in their order.
    """

    title: Annotated[str, Field(min_length=1, max_length=300)]
    statement: Statement = Statement()
    experiment: Experiment = Experiment()
    criterion: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=MOST_CRITERIA)]


def read_criteria(path: Path) -> tuple[Criteria, bytes]:
    """Read and check a file of criteria.

    Returns
    -------
    tuple
        The criteria, and the file's bytes.

    Raises
    ------
    UsageError
        If there is no such file, it is too large or not TOML, or with every fault in it at once.
    """
    if not path.is_file():
        raise UsageError(
            f"there is no file of criteria {path}; `harness new criteria NAME` writes one"
        )
    if path.stat().st_size > LARGEST_CRITERIA:
        raise UsageError(f"criteria {path} are larger than {LARGEST_CRITERIA:,} bytes")
    content = path.read_bytes()
    return parse_criteria(content, str(path)), content


def parse_criteria(content: bytes, file_name: str) -> Criteria:
    """Check the bytes of a file of criteria; errors as for `read_criteria`.

    Parameters
    ----------
    content
        Of the file.
    file_name
        For messages.
    """
    try:
        table = table_of(content)
    except ValueError as reason:
        raise UsageError(f"criteria {file_name} are not TOML: {reason}") from None
    rows = table.get("criterion")
    try:
        criteria = Criteria.model_validate(table)
    except ValidationError as reason:
        faults = sentences(reason, Criteria)
        # What is whole in itself is looked at all the same: all faults are told at once.
        for number, row in enumerate(rows if isinstance(rows, list) else [], start=1):
            try:
                faults += _faults(Criterion.model_validate(row), number)
            except ValidationError:
                continue
        raise refusal(f"file of criteria {file_name}", faults) from None
    faults = [f for n, one in enumerate(criteria.criterion, start=1) for f in _faults(one, n)]
    faults += _repeated(criteria.criterion)
    if faults:
        raise refusal(f"file of criteria {file_name}", faults)
    return criteria


def _faults(criterion: Criterion, number: int) -> list[str]:
    """Say what is wrong with a row beyond the kinds of its values."""
    where = f"criterion {number} ({criterion.characteristic}, {criterion.metric})"
    return [f"{where}: {fault}" for fault in (*_of_limits(criterion), *_of_place(criterion))]


def _of_limits(criterion: Criterion) -> Iterator[str]:
    limits = [name for name in ("at_most", "at_least", "within") if _stated(criterion, name)]
    if len(limits) != 1:
        yield "say one of at-most, at-least and within = [low, high]" + (
            f", not {' and '.join(name.replace('_', '-') for name in limits)}" if limits else ""
        )
    try:
        metric, entry = entry_of(criterion.metric)
    except UsageError as reason:
        yield f"metric: {reason}"
        return
    if metric is None:
        example = ",".join(f"{option}={value:g}" for option, value in entry.options)
        yield f"metric: {criterion.metric!r} should read {f'{criterion.metric}@{example}'!r}"
        return
    for fault in option_faults(metric):
        yield f"metric: {fault}"
    if metric.name not in OF_RATIOS and not any(metric.name in t.metrics for t in KINDS.values()):
        yield f"metric: no question is measured by {metric.name!r}"
    if metric.name == WITHOUT_INTERVAL:
        yield f"metric: rows are decided by an interval, and of {metric.name} none can be relied on"
    if len(limits) != 1:
        return
    low, high = criterion.low, criterion.high
    wrong = {"lower": "at_least", "higher": "at_most"}.get(entry.better)
    if limits[0] == wrong:
        right = "at-most" if wrong == "at_least" else "at-least"
        yield f"of this metric {entry.better} is better: say {right}, or within"
    if low > high:
        yield f"within: {low:g} is above {high:g}, so nothing lies between them"
    if math.isfinite(entry.span):
        highest = 1.0 if entry.unit or entry.span == 1 else entry.span
        if (math.isfinite(high) and high > highest) or (math.isfinite(low) and low > highest):
            yield f"a limit is above {highest:g}, the highest value there is; write 40 % as 0.4"
        elif entry.unit and low <= 0 and high >= highest:
            yield "every value there is satisfies this, so nothing could ever fail"


def _of_place(criterion: Criterion) -> Iterator[str]:
    kind = criterion.characteristic
    name = criterion.metric.partition("@")[0]
    if criterion.by and kind not in ("robustness", "coherence"):
        yield "by: groups are for robustness, and bins for coherence"
    if criterion.attack and kind != "robustness":
        yield "attack: attacks are for robustness"
    if criterion.calibrated_on and kind != "generalisation":
        yield "calibrated-on: another run's calibration is for generalisation"
    if kind == "robustness" and bool(criterion.by) == bool(criterion.attack):
        yield "say by (a column of the data set) or attack (a remover), one of them"
    if kind == "coherence" and criterion.by not in QUANTITIES:
        yield f"by: bins are of {', '.join(QUANTITIES)}, got {criterion.by!r}"
    if kind == "generalisation" and not criterion.calibrated_on:
        yield "calibrated-on: is missing; say the protocol or the data set of the other run"
    if kind in ("calibration", "generalisation") and name not in OF_CALIBRATION:
        yield f"metric: {kind} is measured by {', '.join(OF_CALIBRATION)}"


def _stated(criterion: Criterion, name: str) -> bool:
    return getattr(criterion, name) is not None


def _repeated(criteria: tuple[Criterion, ...]) -> list[str]:
    """Say which rows ask the same of the same, so that one of them would be idle or contradict."""
    seen: dict[tuple[str, ...], int] = {}
    faults = []
    for number, one in enumerate(criteria, start=1):
        try:
            metric = str(one.metric_id)
        except ValueError:
            continue
        key = (one.characteristic, metric, one.by, one.attack, one.calibrated_on, one.protocol)
        if key in seen:
            faults.append(f"criterion {number}: asks the same as criterion {seen[key]}")
        seen.setdefault(key, number)
    return faults
