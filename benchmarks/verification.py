"""EER and FNMR at four FMRs, from scores at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers import peer
from benchmarks.timing import Contender, Timing, absent, race
from harness.metrics.verification import errors_allowed, rates

FMRS = (0.1, 0.01, 1e-3, 1e-4)


def eer_and_fnmr(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race against a bare partition and the ROC routes of other packages."""
    n, m = (10**5, 10**4) if quick else (10**7, 10**5)
    rng = np.random.default_rng(0)
    nonmated, mated = rng.standard_normal(n), rng.standard_normal(m) + 3
    ours = rates(mated, nonmated, FMRS)
    places = [n - 1 - errors_allowed(n, fmr) for fmr in FMRS]

    def compared(found: Any) -> str:
        """Compare the EER and as many FNMRs as there are with ours."""
        expected = [ours.eer, *ours.fnmr.values()]
        off = max(abs(a - b) for a, b in zip(found, expected, strict=False))
        return "same numbers" if off < 1e-9 else f"differs by up to {off:.1g}"

    contenders: dict[str, Contender] = {
        "bare np.partition at the four": Contender(lambda: np.partition(nonmated, places)),
        "harness": Contender(
            lambda: rates(mated, nonmated, FMRS),
            lambda found: compared([found.eer, *found.fnmr.values()]),
        ),
    }
    missing = []
    routes: dict[str, tuple[str, Callable[[Any], Callable[[], Any]]]] = {
        "scikit-learn roc_curve": (
            "sklearn.metrics",
            lambda it: lambda: _sklearn(it, mated, nonmated),
        ),
        "torchmetrics binary_roc": (
            "torchmetrics.functional.classification",
            lambda it: lambda: _torchmetrics(it, mated, nonmated),
        ),
        "pyeer": ("pyeer.eer_info", lambda it: lambda: _pyeer(it, mated, nonmated)),
    }
    for name, (module, route) in routes.items():
        loaded = peer(module)
        if isinstance(loaded, str):
            missing.append(absent(name, loaded))
        else:
            contenders[name] = Contender(route(loaded), compared)
    timings = race(contenders, "bare np.partition at the four", turns)
    return f"EER and FNMR at 4 FMRs ({n:.0e} non-mated, {m:.0e} mated)", timings + missing


def _sklearn(metrics: Any, mated: Any, nonmated: Any) -> list[float]:
    labels = np.concatenate([np.ones(len(mated), bool), np.zeros(len(nonmated), bool)])
    fmr, tpr, _ = metrics.roc_curve(labels, np.concatenate([mated, nonmated]))
    return _from_curve(fmr, 1 - tpr)


def _torchmetrics(functional: Any, mated: Any, nonmated: Any) -> list[float]:
    import torch

    labels = torch.cat([torch.ones(len(mated)), torch.zeros(len(nonmated))]).to(torch.int64)
    # Scores outside [0, 1] would pass through a sigmoid, whose rounding makes ties.
    scores = torch.from_numpy(np.concatenate([mated, nonmated]) / 20 + 0.5)
    fmr, tpr, _ = functional.binary_roc(scores, labels, validate_args=False)
    return _from_curve(fmr.numpy(), 1 - tpr.numpy())


def _pyeer(module: Any, mated: Any, nonmated: Any) -> list[float]:
    found = module.get_eer_stats(mated, nonmated)
    return [found.eer, found.fmr10, found.fmr100, found.fmr1000]  # it has no fourth


def _from_curve(fmr: Any, fnmr: Any) -> list[float]:
    """Read EER and FNMRs off a curve of rising FMR."""
    after = int(np.argmax(fmr >= fnmr))
    x0, x1, y0, y1 = fmr[after - 1], fmr[after], fnmr[after - 1], fnmr[after]
    share = (y0 - x0) / ((y0 - x0) + (x1 - y1))
    values = [float(x0 + share * (x1 - x0))]
    return values + [float(fnmr[np.searchsorted(fmr, x, side="right") - 1]) for x in FMRS]
