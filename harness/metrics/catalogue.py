"""Every metric by its id: what it is, which options its id has, and the function that computes it.

A protocol may ask for those that its task computes; the others wait for tasks of their own and are
used as functions.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError, nearest
from harness.metrics.ids import Metric

__all__ = ["CATALOGUE", "Entry", "entry_of"]


@dataclass(frozen=True)
class Entry:
    """One kind of metric.

    Parameters
    ----------
    place
        ``module:function`` that computes it.
    options
        Names that its id must have, with an example of each.
    better
        ``higher``, ``lower``, or empty where neither is.
    guess
        What guessing gets on the most favourable data (large galleries, balanced classes); None
        where that is not a fixed number, or perfection is not 1 (or 0, where lower is better).
    span
        How far apart two values can be at most: 1 for a rate, infinite where nothing bounds it.
    """

    place: str
    options: tuple[tuple[str, float | int], ...] = ()
    better: str = "higher"
    guess: float | None = None
    span: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the options, in the order of an id."""
        return tuple(name for name, _ in self.options)

    def function(self) -> Callable[..., Any]:
        """Import the function."""
        module, name = self.place.split(":")
        found: Callable[..., Any] = getattr(importlib.import_module(f"harness.{module}"), name)
        return found

    def doc(self) -> str:
        """Return the function's own documentation: definition, tie rule, source."""
        return inspect.getdoc(self.function()) or ""


_RANK, _FMR, _FPIR = ("rank", 10), ("fmr", 0.01), ("fpir", 0.01)

CATALOGUE: dict[str, Entry] = {
    # searches
    "hit-rate": Entry("metrics.identification:hit_rate", (_RANK,), guess=0.0),
    "map": Entry("metrics.identification:average_precision", guess=0.0),
    "fnir": Entry("metrics.open_set:fnir_at_fpir", (_FPIR, ("rank", 1)), "lower", guess=1.0),
    "open-set-eer": Entry("metrics.open_set:open_set_eer", (("rank", 1),), "lower", guess=1.0),
    # comparisons
    "eer": Entry("metrics.verification:eer", (), "lower", guess=0.5),
    "eer-convex-hull": Entry("metrics.verification:eer_convex_hull", (), "lower", guess=0.5),
    "fnmr": Entry("metrics.verification:fnmr_at_fmr", (_FMR,), "lower", guess=1.0),
    "auc": Entry("metrics.verification:auc", guess=0.5),
    "d-prime": Entry("metrics.verification:d_prime", span=math.inf),
    "frr": Entry("metrics.failures:generalised_frr", (_FMR,), "lower"),
    "far": Entry("metrics.failures:generalised_far", (_FMR,), "lower"),
    "fte": Entry("metrics.failures:failures", (), "lower"),
    # likelihood ratios
    "cllr": Entry("likelihood.validity:cllr", (), "lower", span=math.inf),
    "cllr-min": Entry("likelihood.validity:cllr_min", (), "lower", span=math.inf),
    "cllr-cal": Entry("likelihood.validity:cllr_cal", (), "lower", span=math.inf),
    "dev-pav": Entry("likelihood.evidence:dev_pav", (), "lower", span=math.inf),
    "misleading-mated": Entry("likelihood.evidence:misleading_rates", (), "lower"),
    "misleading-nonmated": Entry("likelihood.evidence:misleading_rates", (), "lower"),
    # images with or without a tattoo
    "accuracy": Entry("metrics.detection:accuracies", guess=0.5),
    "tattoo-accuracy": Entry("metrics.detection:accuracies", guess=0.5),
    "non-tattoo-accuracy": Entry("metrics.detection:accuracies", guess=0.5),
    "tpdr": Entry("metrics.detection:tpdr_at_fpdr", (("fpdr", 0.01),), guess=0.0),
    # boxes and masks
    "localisation-accuracy": Entry("metrics.localisation:over_images", guess=0.0),
    "iou": Entry("metrics.segmentation:agreement", guess=0.0),
    "dice": Entry("metrics.segmentation:agreement", guess=0.0),
    "pixel-accuracy": Entry("metrics.segmentation:agreement", guess=0.5),
    "concentration-error": Entry("metrics.segmentation:agreement", (), "lower"),
    "false-marking": Entry("metrics.segmentation:concentration", (), "lower"),
    # search results ranked again
    "tattoo-free": Entry("metrics.reranking:tattoo_free_share", (("k", 5),), "lower"),
    "tattoo-free-before": Entry("metrics.reranking:tattoo_free_share", (("k", 5),), "lower"),
    "tattoo-free-change": Entry(
        "metrics.reranking:tattoo_free_share", (("k", 5),), "lower", span=2.0
    ),
    "kept-tattoos": Entry("metrics.reranking:kept_share", (("k", 5),)),
    # tags and classes
    "precision-macro": Entry("metrics.tagging:macro", guess=0.0),
    "recall-macro": Entry("metrics.tagging:macro", guess=0.0),
    "f1-macro": Entry("metrics.tagging:macro", guess=0.0),
    "precision-micro": Entry("metrics.tagging:micro", guess=0.0),
    "recall-micro": Entry("metrics.tagging:micro", guess=0.0),
    "f1-micro": Entry("metrics.tagging:micro", guess=0.0),
    "tag-map": Entry("metrics.tagging:mean_average_precision", guess=0.0),
    "tag-credit": Entry("metrics.tagging:top_tag_credit", (("more-than", 15), ("per-hit", 0.25))),
    "top-k-accuracy": Entry("metrics.classification:top_k_accuracy", (("k", 1),), guess=0.0),
    "macro-recall": Entry("metrics.classification:macro_recall", guess=0.0),
    "brier": Entry("metrics.classification:brier", (), "lower", span=2.0),
    "log-loss": Entry("metrics.classification:log_loss", (), "lower", span=math.inf),
    "calibration-error": Entry(
        "metrics.classification:expected_calibration_error", (("bins", 15),), "lower"
    ),
    # retouched images
    "net-removal": Entry("metrics.removal:net_removal", span=math.inf),
    "residual": Entry("metrics.removal:residual", (), "lower", span=math.inf),
    "error-inside": Entry("metrics.restoration:mean_absolute_error", (), "lower", span=math.inf),
    "rmse-inside": Entry("metrics.removal:root_mean_square", (), "lower", span=math.inf),
    "psnr-inside": Entry("metrics.removal:pooled_psnr", span=math.inf),
    "ssim-inside": Entry("metrics.restoration:ssim", span=2.0),
    "change-outside": Entry("metrics.removal:removal", (), "lower", span=math.inf),
    "changed-outside": Entry("metrics.removal:removal", (), "lower"),
    "change-untattooed": Entry("metrics.removal:removal", (), "lower", span=math.inf),
    "changed-untattooed": Entry("metrics.removal:removal", (), "lower"),
    # restored images
    "psnr": Entry("metrics.restoration:psnr", span=math.inf),
    "ssim": Entry("metrics.restoration:ssim", span=2.0),
    "absolute-error": Entry("metrics.restoration:mean_absolute_error", (), "lower", span=math.inf),
}
"""By the name in front of the ``@`` of an id."""


def entry_of(text: str) -> tuple[Metric | None, Entry]:
    """Return the metric that a text names, and its entry.

    Parameters
    ----------
    text
        An id such as ``fnmr@fmr=0.01``, or only the name of a metric (then without a `Metric`).

    Raises
    ------
    UsageError
        If it is not known or its options are not those of the metric.

    Examples
    --------
    >>> metric, entry = entry_of("fnmr@fmr=1e-3")
    >>> str(metric), entry.better
    ('fnmr@fmr=0.001', 'lower')
    """
    name = text.partition("@")[0]
    if name not in CATALOGUE:
        raise UsageError(f"no metric is called {name!r}.{nearest(name, CATALOGUE)}")
    entry = CATALOGUE[name]
    if text == name:
        return (Metric(name, ()) if not entry.options else None), entry
    try:
        metric = Metric.parse(text)
    except ValueError as reason:
        raise UsageError(str(reason)) from None
    wanted = sorted(option for option, _ in entry.options)
    if [option for option, _ in metric.options] != wanted:
        example = ",".join(f"{option}={value:g}" for option, value in sorted(entry.options))
        raise UsageError(f"{text!r} should read {name + ('@' + example if example else '')!r}")
    return metric, entry
