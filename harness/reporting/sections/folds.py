"""The section on folds: their counts and values, and why these differ from those of all."""

from __future__ import annotations

from harness.reporting import wording
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.tasks.results import Metrics

SHOWN = 12
"""Folds that stand side by side."""

APART = 0.005
"""Difference that is worth a word, where the folds' own spread is not larger."""

THRESHOLDS = frozenset(
    ("eer", "eer-convex-hull", "fnmr", "auc", "d-prime", "tpdr", "fnir", "open-set-eer")
)
"""Read at one threshold, or by one order, over the scores of all folds."""

ORDERS = frozenset(("tag-map",))
"""Read from one order of the images of all folds."""


def section(run: SectionInput) -> Section | None:
    """Return the section; None where nothing was judged fold by fold."""
    table = _fold_table(run.metrics)
    if table is None:
        return None
    content = filled_from(
        "folds",
        folds=table,
        trials=run.trials,
        searching=run.searching,
        differing=differing(run.metrics),
    )
    return Section("folds", "Folds", content)


def _fold_table(metrics: Metrics) -> Table | None:
    if not metrics.folds:
        return None
    keys = list(dict.fromkeys(key for fold in metrics.folds for key in fold.counts))
    rows = []
    # Draws are too many to stand side by side: their mean and spread say enough.
    shown = metrics.folds if len(metrics.folds) <= SHOWN else []
    for key in keys:
        values = [wording.count(f.counts[key]) if key in f.counts else "" for f in shown]
        total = wording.count(metrics.counts[key]) if key in metrics.counts else ""
        rows.append((wording.plain(key), *values, "", total))
    for metric, estimate in metrics.pooled.items():
        if not any(
            wording.known(v) for v in (estimate.value, *(f.values.get(metric) for f in shown))
        ):
            continue  # the table of results says why
        values = [wording.amount(metric, f.values.get(metric)) for f in shown]
        pooled = wording.amount(metric, estimate.value)
        rows.append(
            (wording.metric_label(metric), *values, wording.spread(metric, estimate), pooled)
        )
    names = [wording.fold(fold.name) for fold in shown]
    if len(metrics.folds) == 1:
        return Table(
            "Counts and values",
            ("Count or metric", names[0]),
            tuple(row[:2] for row in rows),
        )
    return Table(
        "Counts and values of every fold",
        ("Count or metric", *names, "Mean ± SD", "All folds pooled"),
        tuple(rows),
    )


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
