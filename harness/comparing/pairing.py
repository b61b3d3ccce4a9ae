"""Runs that may be put side by side: read, checked, refused where the questions differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from harness.data.records import Fold
from harness.errors import NotComparable, UsageError, nearest
from harness.metrics.ids import Metric
from harness.record import record
from harness.record.joined import fits_of, hash_of, is_joined, read_metrics
from harness.record.manifest import Origin
from harness.record.record import Run
from harness.tasks.comparisons import METRICS as COMPARED
from harness.tasks.kinds import task_of
from harness.tasks.results import Metrics
from harness.tasks.trials import Trials, TrialsOf, Values, failures_of


@dataclass(frozen=True)
class Side:
    """One of the entries that are compared: a run, or several fits of one algorithm.

    Parameters
    ----------
    run
        As read from its folder; of several fits the first.
    answers
        SHA-256 of every file with raw answers, of all fits.
    more
        The other fits.
    folder
        As it was named.
    """

    run: Run
    answers: dict[str, str]
    more: tuple[Side, ...] = ()
    folder: Path | None = None

    @property
    def place(self) -> Path:
        """Folder of the run, or of what joins the fits."""
        return self.run.folder if self.folder is None else self.folder

    @property
    def fits(self) -> tuple[Side, ...]:
        """Every fit as an entry of its own; one for a run."""
        return (replace(self, more=(), folder=None), *self.more) if self.more else (self,)

    @property
    def identity(self) -> str:
        """Of the run; of several fits the hash of what joins them."""
        if not self.more:
            return self.run.manifest.identity
        return hash_of([fit.run.manifest for fit in self.fits])

    @property
    def metrics(self) -> Metrics:
        """Every metric: of several fits their mean, as the folder that joins them has it."""
        return read_metrics(self.place) if self.more else self.run.judge().metrics

    @property
    def one_fit(self) -> bool:
        """Whether another fit of the same algorithm may give another result, unseen."""
        return self.run.manifest.learns and not self.more

    @property
    def name(self) -> str:
        """Of the algorithm."""
        return self.run.manifest.origin.algorithm

    @cached_property
    def _trials_of(self) -> TrialsOf:
        run = self.run
        task = task_of(run.protocol)
        return run.computed(task.trials, run.folds, run.answers, run.records, run.protocol)

    def trials(self, metric: Metric) -> Trials | None:
        """Return what the metric is made of in this run, or None where that is not kept.

        Candidate lists that end before the gallery does give no score beyond their end.
        """
        depth = self.run.manifest.list_length
        if depth is not None and not _within(metric, depth):
            return None
        if self.run.manifest.mixed and metric.name in COMPARED:
            return None
        return self.run.computed(self._trials_of, metric)

    def failures(self) -> Values:
        """Return which images the algorithm gave up on."""
        return failures_of(self.run.folds, self.run.answers, self.run.records)


def read_sides(folders: Sequence[Path]) -> list[Side]:
    """Read finished runs, and refuse those that cannot be put side by side.

    Raises
    ------
    UsageError
        If a folder is not a run.
    Damaged
        If a run is not finished, or changed since it was written.
    NotComparable
        With every difference between two of them.
    """
    sides = []
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"there is no run folder {folder}")
        sides.append(_read_side(folder))
    for other in sides[1:]:
        _refuse_differences(sides[0].run, other.run)
    return sides


def _read_side(folder: Path) -> Side:
    if not is_joined(folder):
        return Side(record.read_run(folder), record.check_answers(folder))
    fits = []
    for place in fits_of(folder):
        answers = record.check_answers(place)
        named = {f"{place.name}/{name}": digest for name, digest in answers.items()}
        fits.append(Side(record.read_run(place), named))
    for other in fits[1:]:
        _refuse_differences(fits[0].run, other.run)
    together = {name: digest for fit in fits for name, digest in fit.answers.items()}
    return Side(fits[0].run, together, tuple(fits[1:]), folder)


def metric_of(side: Side, text: str | None) -> Metric:
    """Return the metric named on the command line, or the headline.

    Raises
    ------
    UsageError
        If it is none of the protocol's metrics.
    """
    known = [str(metric) for metric in side.run.protocol.metric_ids]
    if text is None:
        return Metric.parse(side.run.protocol.headline)
    try:
        metric = Metric.parse(text)
    except ValueError as reason:
        raise UsageError(f"--metric: {reason}") from None
    if str(metric) not in known:
        raise UsageError(
            f"protocol {side.run.manifest.origin.protocol!r} has no metric {text!r}."
            f"{nearest(text, known)} Known: {', '.join(known)}"
        )
    return metric


def _refuse_differences(first: Run, second: Run) -> None:
    found = _differences(first, second)
    if found:
        raise NotComparable(
            f"{first.folder} and {second.folder} cannot be compared:\n"
            + "\n".join(f"  - {difference}" for difference in found)
            + "\nRun both on the same protocol, data and folds."
        )


def _differences(first: Run, second: Run) -> list[str]:
    one, other = first.manifest.origin, second.manifest.origin
    found = []
    if one.protocol_hash != other.protocol_hash:
        found.append(_protocols(first, second))
    if one.attack != other.attack:
        who = [
            "nobody" if origin.attack is None else f"{origin.attack.algorithm!r}"
            for origin in (one, other)
        ]
        found.append(
            f"probes retouched by {who[0]} against {who[1]}"
            + (", not by the same rule" if who[0] == who[1] else "")
            + "; `harness compare --attack` puts a run beside the same with its probes retouched"
        )
    if one.data_hash != other.data_hash:
        names = [run.manifest.dataset.get("name", "?") for run in (first, second)]
        found.append(
            f"other images or another truth: data set {names[0]!r} "
            f"({one.data_hash[:12]}) against {names[1]!r} ({other.data_hash[:12]})"
        )
    if one.folds != other.folds:
        found.append(f"other folds: {', '.join(one.folds)} against {', '.join(other.folds)}")
    elif not found and _judged(first.folds) != _judged(second.folds):
        found.append("the folds have the same names, but not the same probes, galleries or mates")
    if one.failure_policy != other.failure_policy:
        found.append(
            f"failures are counted differently: {one.failure_policy!r} against "
            f"{other.failure_policy!r}"
        )
    return found


def _protocols(first: Run, second: Run) -> str:
    one, other = first.manifest.origin, second.manifest.origin
    if one.protocol != other.protocol:
        return f"other protocols: {one.protocol!r} against {other.protocol!r}"
    versions = first.protocol.version, second.protocol.version
    if versions[0] != versions[1]:
        return f"other versions of protocol {one.protocol!r}: {versions[0]} against {versions[1]}"
    return (
        f"other files of protocol {one.protocol!r}, though both say version {versions[0]}: "
        f"{_short(one)} against {_short(other)}"
    )


def _short(origin: Origin) -> str:
    return origin.protocol_hash[:12]


def _within(metric: Metric, depth: int) -> bool:
    rank = dict(metric.options).get("rank")
    return metric.name == "fte" or (
        metric.name == "hit-rate" and isinstance(rank, int) and rank <= depth
    )


def _judged(folds: Sequence[Fold]) -> list[Fold]:
    """Return folds without what was learned from: that may differ, and be what is compared."""
    return [replace(fold, train=(), train_mates=frozenset()) for fold in folds]
