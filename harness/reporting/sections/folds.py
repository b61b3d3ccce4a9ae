"""Why the value of all folds together is not the mean of the folds' values."""

from __future__ import annotations

from harness.reporting import wording
from harness.tasks.results import Metrics

APART = 0.005
"""Difference that is worth a word, where the folds' own spread is not larger."""

THRESHOLDS = frozenset(
    ("eer", "eer-convex-hull", "fnmr", "auc", "d-prime", "tpdr", "fnir", "open-set-eer")
)
"""Read at one threshold, or by one order, over the scores of all folds."""

ORDERS = frozenset(("tag-map",))
"""Read from one order of the images of all folds."""


def differing(metrics: Metrics) -> list[str]:
    """Return sentences on metrics whose pooled value is not the mean over folds, and why.

    Shares of trials differ by the folds' sizes alone, which the page says anyway; figures that need
    one threshold or one order over all folds differ as well where models of different folds give
    scores on different scales.
    """
    found = []
    for kinds, why in (
        (
            THRESHOLDS,
            "the pooled value puts one threshold to the scores of all folds, which is harder where "
            "the folds' scores lie on different scales, and the mean lets each fold have its own",
        ),
        (
            ORDERS,
            "the pooled value ranks the images of all folds in one list by scores of several "
            "models, among more images that do not carry the tag, and the mean ranks each fold "
            "apart",
        ),
    ):
        apart = [
            f"{wording.metric_label(metric)} ({wording.amount(metric, estimate.value)} and "
            f"{wording.amount(metric, estimate.fold_mean)})"
            for metric, estimate in metrics.pooled.items()
            if wording.split_id(metric)[0] in kinds
            and estimate.value is not None
            and estimate.fold_mean is not None
            and abs(estimate.value - estimate.fold_mean) > max(APART, estimate.fold_sd or 0.0)
        ]
        if apart:
            found.append(f"Pooled and mean of folds are far apart in {_listed(apart)}: {why}.")
    return found


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
