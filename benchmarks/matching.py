"""Matching included: CMC, thresholds, EER, candidate lists and the open-set curve of templates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.machine import product_in_tiles
from benchmarks.peers import peer
from benchmarks.timing import Contender, Timing, absent, race
from harness.matching import MatchResult, match
from harness.matching.product import cores
from harness.metrics.identification import cmc
from harness.metrics.open_set import Searches, open_set_curve

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
LIMIT = "bare matrix product"


def templates(probes: int, references: int, mated: int) -> tuple[Floats, Floats, Ints]:
    """Draw unit vectors; each of the first `mated` probes has one mate among the references."""
    rng = np.random.default_rng(0)
    gallery = rng.standard_normal((references, 512), dtype=np.float32)
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    own = rng.permutation(references)[:mated]
    asked = rng.standard_normal((probes, 512), dtype=np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    # Mates at a cosine of 0.15 to 0.35: some are found first and some are far behind.
    closeness = rng.uniform(0.15, 0.35, (mated, 1)).astype(np.float32)
    asked[:mated] = closeness * gallery[own] + np.sqrt(1 - closeness**2) * asked[:mated]
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    return asked, gallery, np.stack([np.arange(mated), own], axis=1)


def closed_set(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """CMC from templates, and the exact candidate lists of other packages."""
    p, g = (200, 2000) if quick else (2000, 20_000)
    probes, references, pairs = templates(p, g, p)
    threads = cores()
    contenders: dict[str, Contender] = {
        LIMIT: Contender(lambda: product_in_tiles(probes, references, threads)),
        "harness: CMC": Contender(lambda: cmc(match(probes, references, pairs).ranks, 50)),
        "harness: CMC and lists of 50": Contender(
            lambda: match(probes, references, pairs, candidates=50)
        ),
        "numpy: whole matrix, CMC": Contender(lambda: _by_matrix(probes, references, pairs)),
    }
    missing = []
    faiss = peer("faiss")
    if isinstance(faiss, str):
        missing.append(absent("faiss: lists of 50", faiss))
    else:
        contenders["faiss: lists of 50"] = Contender(
            lambda: faiss.knn(probes, references, 50, metric=faiss.METRIC_INNER_PRODUCT)
        )
    return (
        f"closed set, matching included ({p} x {g} x 512)",
        race(contenders, LIMIT, turns) + missing,
    )


def open_set(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Whole FNIR/FPIR curve; half of the probes have no mate."""
    p, g = (200, 2000) if quick else (4000, 20_000)
    probes, references, pairs = templates(p, g, p // 2)
    threads = cores()

    def curve() -> Any:
        found = match(probes, references, pairs)
        searches = Searches(found.ranks, found.best_mate, found.best_nonmate)
        return open_set_curve(searches, rank=1)

    contenders = {
        LIMIT: Contender(lambda: product_in_tiles(probes, references, threads)),
        "harness: FNIR/FPIR curve": Contender(curve),
    }
    return f"open set, matching included ({p} x {g} x 512)", race(contenders, LIMIT, turns)


def at_once(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """CMC, FNMR at an FMR of 1e-6, the FNIR/FPIR curve, lists of 50 and the EER of one pass."""
    p, g = (200, 2000) if quick else (4000, 100_000)
    probes, references, pairs = templates(p, g, p // 2)
    threads = cores()

    def everything() -> MatchResult:
        found = match(probes, references, pairs, fmrs=(1e-6,), eer=True, candidates=50)
        cmc(found.ranks[: p // 2], 50)
        found.fnmr_at_fmr(1e-6)
        searches = Searches(found.ranks, found.best_mate, found.best_nonmate)
        open_set_curve(searches, rank=1)
        return found

    contenders = {
        LIMIT: Contender(lambda: product_in_tiles(probes, references, threads)),
        "all at once": Contender(everything, lambda found: f"{found.passes} pass"),
    }
    title = f"CMC, FNMR at FMR 1e-6, FNIR curve, lists of 50, EER at once ({p} x {g} x 512)"
    return title, race(contenders, LIMIT, turns)


def billion(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Exact figures over a billion comparisons, in bounded memory."""
    p, g = (200, 3000) if quick else (10_000, 100_000)
    probes, references, pairs = templates(p, g, p)
    threads = cores()

    def asked(**wanted: Any) -> Contender:
        def work() -> MatchResult:
            return match(probes, references, pairs, **wanted)

        return Contender(work, lambda found: f"{found.passes} pass")

    contenders = {
        LIMIT: Contender(lambda: product_in_tiles(probes, references, threads)),
        "CMC, FNMR at FMR 1e-6": asked(fmrs=(1e-6,)),
        "CMC, EER": asked(eer=True),
        "CMC, EER, FNMR at 4 FMRs": asked(eer=True, fmrs=(0.1, 0.01, 1e-3, 1e-6)),
        "all, lists of 50, histogram": asked(
            eer=True, fmrs=(0.1, 0.01, 1e-3, 1e-6), candidates=50, tail=10_000, bins=4000
        ),
    }
    title = f"{p * g:.0e} comparisons ({p} x {g} x 512)"
    return title, race(contenders, LIMIT, max(1, turns // 2))


def _by_matrix(probes: Floats, references: Floats, pairs: Ints) -> npt.NDArray[np.float64]:
    scores = probes @ references.T
    mate = scores[pairs[:, 0], pairs[:, 1]]
    return cmc((scores >= mate[:, np.newaxis]).sum(axis=1), 50)
