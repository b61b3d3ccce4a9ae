"""The gate: is the candidate really worse than the baseline, by more than was declared?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from harness.comparing.changes import Change, changes
from harness.comparing.detecting import CONFIDENCE
from harness.comparing.differences import Difference, difference_of_fits
from harness.comparing.fits import fits_of_sides, one_fit
from harness.comparing.pairing import Side, metric_of, read_sides
from harness.comparing.rates import DrawnRate
from harness.comparing.verdict import LEVEL, PASSED, Trial, judge, worst
from harness.data.findings import Finding
from harness.data.marker import Synthetic, stated_in
from harness.errors import NotComparable, UsageError
from harness.metrics.ids import Metric
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.trials import Statistic, Trials, Values

FAILURES = "failure-rate"
IDENTICAL = "identical scores"


class Party(msgspec.Struct):
    """One of the two runs, as `gate.json` names it.

    Parameters
    ----------
    folder, algorithm, identity, finished, commit
        Of the run; of several fits the folder that joins them and its hash.
    fits
        How many fits there are.
    one_fit
        Whether it is one fit of an algorithm that learns: another may give another result.
    findings
        What its record says that a reader of the numbers has to know.
    """

    folder: str
    algorithm: str
    identity: str
    finished: str
    commit: str
    fits: int = 1
    one_fit: bool = False
    findings: list[Finding] = []


class Gate(msgspec.Struct):
    """The verdict and everything that it rests on: the content of `gate.json`.

    Parameters
    ----------
    verdict
        ``passed``, ``regressed`` or ``inconclusive``: the worst of the trials.
    protocol, title, metric
        What was asked, and the gated metric.
    declared
        Whether the margin is the protocol's own, not the command line's.
    confidence
        Of either bound, one-sided.
    seed
        Of the draws.
    identical
        Whether both runs have the same raw scores to the last bit.
    detectable, detectable_on
        The true loss that the protocol declares its data to show with a probability of 90 %, and
        those data; None and empty without a declaration. What these two runs would show stands in
        their trial.
    fits
        Numbers of fits of baseline and candidate.
    synthetic
        Whether the images are synthetic, as the data set states it.
    baseline, candidate
        The runs.
    trials
        Of the metric, and of the failure rate.
    changes
        In what the candidate is another than the baseline, as their records say.
    """

    format: int
    verdict: str
    protocol: str
    title: str
    metric: str
    declared: bool
    confidence: float
    seed: int
    identical: bool
    detectable: float | None
    detectable_on: str
    fits: tuple[int, int]
    synthetic: Synthetic
    baseline: Party
    candidate: Party
    trials: list[Trial]
    changes: list[Change] = []


def gate(
    baseline: Path,
    candidate: Path,
    *,
    metric: str | None = None,
    margin: float | None = None,
    seed: int = 0,
) -> Gate:
    """Judge a candidate run against a baseline run.

    Parameters
    ----------
    baseline, candidate
        Run folders.
    metric
        Id; the protocol's headline unless given.
    margin
        Acceptable loss; the protocol's unless given. Another metric than the headline needs it.
    seed
        Of the draws of identities.

    Raises
    ------
    UsageError
        If a folder is not a run, the metric is unknown, no margin is declared, or it is so large
        that no loss could be above it.
    Damaged
        If a run is not whole.
    NotComparable
        If the runs answer different questions, or nothing was compared.
    """
    before, after = read_sides([baseline, candidate])
    _refuse_controls(before, after)
    gated = metric_of(before, metric)
    better = CATALOGUE[gated.name].better if gated.name in CATALOGUE else ""
    if not better:
        raise UsageError(f"{gated} has no better and worse: choose another with --metric")
    rules = before.run.protocol.gate
    allowed = _margin(before, gated, margin)
    allowed_failures = 0.01 if rules is None else rules.failures
    whose = f"'failures' of protocol {before.run.manifest.origin.protocol!r}"
    _able_to_fail(FAILURES, 1.0, allowed_failures, whose)
    identical = before.answers == after.answers
    headline = str(gated) == before.run.protocol.headline_id
    first, second, paired = fits_of_sides(before, after)
    sides = (first, second)
    measured = [[_trials(fit, gated) for fit in side] for side in sides]
    failures: list[list[Trials]] = [[fit.failures() for fit in side] for side in sides]
    trials = [
        judge(
            str(gated),
            _measured(measured[0], measured[1], identical, paired, seed),
            allowed,
            lower_is_better=better == "lower",
            span=CATALOGUE[gated.name].span,
            unsure="" if identical else one_fit(before, after, ("baseline", "candidate")),
        ),
        judge(
            FAILURES,
            _measured(failures[0], failures[1], identical, paired, seed),
            allowed_failures,
            lower_is_better=True,
            span=1.0,
        ),
    ]
    if identical:
        for trial in trials:
            trial.reason = "the raw scores are identical"
    elif not np.any(_mean_of(failures[1]) > _mean_of(failures[0])):
        # Not a sample of anything: there is no failure that was not there before.
        trials[1].verdict, trials[1].settled_by = PASSED, None
        trials[1].reason = "no image fails that did not fail before"
    return Gate(
        format=1,
        verdict=worst([trial.verdict for trial in trials]),
        protocol=before.run.manifest.origin.protocol,
        title=before.run.manifest.title,
        metric=str(gated),
        declared=margin is None,
        confidence=CONFIDENCE,
        seed=seed,
        identical=identical,
        detectable=rules.detectable if rules is not None and headline else None,
        detectable_on=rules.detectable_on if rules is not None and headline else "",
        fits=(len(sides[0]), len(sides[1])),
        synthetic=stated_in(after.run.manifest.dataset),
        baseline=party_of(before),
        candidate=party_of(after),
        trials=trials,
        changes=changes(before, after),
    )


def _refuse_controls(before: Side, after: Side) -> None:
    # A control's result is known in advance: against it nothing can be won or lost.
    control, other = (before, after) if before.run.manifest.control else (after, before)
    if control.run.manifest.control and not other.run.manifest.control:
        raise NotComparable(
            f"{control.name!r} is a control and {other.name!r} is not: a gate compares an "
            "algorithm with an earlier state of itself or with its rival. `harness compare` puts "
            "it beside a control."
        )


def _trials(side: Side, metric: Metric) -> Trials:
    found = side.trials(metric)
    if found is None:
        raise NotComparable(
            f"{side.run.folder} does not keep what {metric} is made of, trial by trial, so a "
            "difference in it cannot be judged; choose another metric with --metric"
        )
    return found


def _mean_of(fits: Sequence[Trials]) -> npt.NDArray[np.float64]:
    values = [one.values for one in fits if isinstance(one, Values)]
    found: npt.NDArray[np.float64] = np.mean(values, axis=0)
    return found


def _measured(
    before: Sequence[Trials], after: Sequence[Trials], identical: bool, paired: bool, seed: int
) -> Difference:
    if identical:
        first, second = (float(np.mean([value_of(one) for one in s])) for s in (before, after))
        sizes = _sizes(before[0])
        found = Difference(first, second, 0.0, 0.0, 0.0, LEVEL, IDENTICAL, *sizes, 0)
    else:
        found = difference_of_fits(before, after, paired=paired, level=LEVEL, seed=seed)
    if np.isnan(found.first) or np.isnan(found.second):
        raise NotComparable("nothing was compared: a run has no value of the gated metric")
    return found


def value_of(trials: Trials) -> float:
    """Return the metric that follows from all trials; NaN without any."""
    if isinstance(trials, Values):
        known = trials.values[~np.isnan(trials.values)]
        return float(known.mean()) if known.size else float("nan")
    if isinstance(trials, Statistic):
        return trials.value
    return DrawnRate.of_all(trials)


def _sizes(trials: Trials) -> tuple[int, int]:
    if isinstance(trials, Values):
        known = ~np.isnan(trials.values)
        return int(known.sum()), len(np.unique(trials.identities[known]))
    if isinstance(trials, Statistic):
        return len(trials.identities), len(np.unique(trials.identities))
    return len(trials.mated), len(np.unique(trials.mated_identities))


def _margin(side: Side, metric: Metric, given: float | None) -> float:
    rules = side.run.protocol.gate
    name = side.run.manifest.origin.protocol
    span = CATALOGUE[metric.name].span
    if given is not None:
        return _able_to_fail(str(metric), span, given, "--margin")
    if rules is None:
        raise UsageError(
            f"protocol {name!r} declares no margin; add a table [gate] with margin = 0.02 to it, "
            "or say --margin"
        )
    if str(metric) != side.run.protocol.headline_id:
        raise UsageError(
            f"the margin that protocol {name!r} declares is for its headline "
            f"{side.run.protocol.headline_id}; say --margin for {metric}"
        )
    return _able_to_fail(str(metric), span, rules.margin, f"'margin' of protocol {name!r}")


def _able_to_fail(subject: str, span: float, margin: float, whose: str) -> float:
    """Refuse a margin that no loss can be above, since such a gate passes whatever happens."""
    if margin >= span:
        raise UsageError(
            f"{whose} is {margin:g}, but no two values of {subject} are further apart than "
            f"{span:g}, so nothing could ever be called a regression; write a loss of 2 points of "
            "a rate as 0.02"
        )
    return margin


def party_of(side: Side) -> Party:
    """Return how a run is named beside another."""
    manifest = side.run.manifest
    commit = str(manifest.git.get("commit", "")) + ("+" if manifest.git.get("dirty") else "")
    return Party(
        str(side.place),
        manifest.origin.algorithm,
        side.identity,
        max(fit.run.manifest.finished for fit in side.fits),
        commit,
        len(side.fits),
        side.one_fit,
        list(dict.fromkeys(one for fit in side.fits for one in fit.run.manifest.findings)),
    )
