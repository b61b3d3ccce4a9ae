"""The check on refusals: what do images that the algorithm gave up on cost, and whose are they?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from harness.errors import some
from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.record.checks.check import Check, Verdict, issue, named, passed, tip
from harness.record.checks.examined import ExaminedRun
from harness.tasks.results import Judgement
from harness.tasks.trials import Scores

__all__ = ["Refused", "without_refused"]


class Refused(Check):
    """An image that is given up on counts as an error; whoever drops it reports a better figure.

    It fires where images were refused, and says what the headline would be over the others alone:
    an issue where that lies outside of the headline's interval, a tip otherwise. For searches it
    also says how often other pictures of the refused identities are found: where that is rarer
    than elsewhere, the algorithm refuses what it would have missed.
    """

    code = "refused"
    title = "Would figures be others without refused images?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where refusals move the headline, a tip where there are some."""
        answers = run.kept.answers if run.kept is not None else ()
        names = {name for answer in answers for name in answer.failures}
        refused = len(names) or run.manifest.failures
        if not refused:
            return passed("the algorithm answered for every image")
        found, headline = run.headline, run.metrics.headline
        rest = without_refused(run)
        evidence: dict[str, float | int | str | None] = {
            "refused images": refused,
            headline: None if found is None else found.value,
            f"{headline} without them": rest,
            **_of_same_identities(run),
        }
        what = f"{some(refused, 'image was', 'images were')} refused, and count as errors"
        if rest is None or found is None or found.value is None:
            return tip(f"{what}; what they cost cannot be told", evidence)
        without = f"without them the {named(headline)} would be {rest:.3f}, not {found.value:.3f}"
        low, high = (end if end is not None else rest for end in (found.low, found.high))
        if not low - 1e-12 <= rest <= high + 1e-12:
            return issue(f"{what}: {without}, outside of its interval", evidence)
        return tip(f"{what}: {without}", evidence)


def without_refused(run: ExaminedRun) -> float | None:
    """Return the headline over what was not refused; None where it cannot be told."""
    found = run.headline
    values = _values(run)
    if values is not None and found is not None and found.value is not None:
        gone = np.array([search.failed for search in run.searches])
        known = ~np.isnan(values)
        if known.any() and abs(float(values[known].mean()) - found.value) < 1e-9:
            rest = values[known & ~gone]
            return float(rest.mean()) if len(rest) else None
    scores = _scores(run)
    if scores is None:
        return None
    mated = scores.mated[np.isfinite(scores.mated)]
    nonmated = scores.nonmated[np.isfinite(scores.nonmated)]
    if not len(mated) or not len(nonmated):
        return None
    measure = _MEASURES.get(scores.measure)
    return None if measure is None else float(measure(mated, nonmated, scores.rate))


_MEASURES: dict[str, Callable[..., float]] = {
    "eer": lambda mated, nonmated, rate: verification.eer(mated, nonmated),
    "auc": lambda mated, nonmated, rate: verification.auc(mated, nonmated),
    "fnmr": lambda mated, nonmated, rate: verification.fnmr_at_fmr(mated, nonmated, rate),
}


def _scores(run: ExaminedRun) -> Scores | None:
    """Return the comparisons that the headline is read from; None where it is another metric."""
    kept = run.kept
    if kept is None or run.no_scores:
        return None
    trials = run.task.trials(kept.folds, kept.answers, kept.records, run.protocol)
    found = trials(Metric.parse(run.metrics.headline))
    return found if isinstance(found, Scores) else None


def _values(run: ExaminedRun) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Return what each search or image adds to a headline that is a mean; NaN where nothing."""
    metric = Metric.parse(run.metrics.headline)
    value = _OF_ONE.get(metric.name)
    if value is None or not run.searches:
        return None
    return np.array([value(search, metric) for search in run.searches], np.float64)


def _hit(search: Judgement, metric: Metric) -> float:
    if not search.mates:
        return np.nan
    return float(search.rank is not None and search.rank <= float(metric["rank"]))


_OF_ONE: dict[str, Callable[[Judgement, Metric], float]] = {
    "hit-rate": _hit,
    "map": lambda search, _: (
        np.nan if search.average_precision is None else search.average_precision
    ),
    "accuracy": lambda search, _: np.nan if search.correct is None else float(search.correct),
}


def _of_same_identities(run: ExaminedRun) -> dict[str, float | int | str | None]:
    """Return how often other searches of refused identities hit, beside all others."""
    if Metric.parse(run.metrics.headline).name != "hit-rate":
        return {}
    values = _values(run)
    whose = {search.identity for search in run.searches if search.failed}
    if values is None or not whose:
        return {}
    pairs: Sequence[tuple[Judgement, float]] = [
        (search, value)
        for search, value in zip(run.searches, values.tolist(), strict=True)
        if not search.failed and not np.isnan(value)
    ]
    same = [value for search, value in pairs if search.identity in whose]
    others = [value for search, value in pairs if search.identity not in whose]
    if not same or not others:
        return {}
    return {
        "hits of the same identities' other pictures": float(np.mean(same)),
        "hits of all other identities": float(np.mean(others)),
    }
