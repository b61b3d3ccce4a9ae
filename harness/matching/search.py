"""Matching of vector templates in bounded memory: every number exact, no matrix of scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.assembling import assembled, bins_over, top_of
from harness.matching.budget import Shares, share_out
from harness.matching.candidates import CandidateLists
from harness.matching.margins import HIGHEST, MarginCollector, marks_for
from harness.matching.mates import Mates
from harness.matching.product import (
    COLUMN_STEP,
    COLUMNS,
    ROW_STEP,
    ROWS,
    Product,
    cores,
    padded,
    product_for,
    single_threaded,
)
from harness.matching.product import place_free as is_place_free
from harness.matching.questions import Question, answer_all, answer_of
from harness.matching.results import MatchResult
from harness.matching.sampling import Sample
from harness.matching.stream import Stream, Watch
from harness.matching.tails import TailCollector
from harness.matching.task import Task
from harness.matching.tiles import NumpyTile, Tile
from harness.metrics.verification import errors_allowed

Vectors: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

MEMORY = 1 << 30
"""Budget in bytes unless another is given."""

_LEAST_SAMPLE = 1 << 17


def match(
    probes: Vectors,
    references: Vectors,
    mated: Ints,
    *,
    failed_probes: Bools | None = None,
    failed_references: Bools | None = None,
    order: Ints | None = None,
    fmrs: Sequence[float] = (),
    eer: bool = False,
    candidates: int = 0,
    tail: int = 0,
    bins: int = 0,
    margins: bool = False,
    memory: int = MEMORY,
    threads: int | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> MatchResult:
    """Compare all probes with all references and sum up the scores without keeping them.

    A score is the cosine similarity in float32, clipped to [-1, 1]. Every comparison has one score,
    the same whatever `memory` and `threads` are, and all results follow from these: a matrix of
    the same scores gives the same numbers with the functions of `harness.metrics`. Mates are
    scored in blocks of their own beforehand, so that one pass over the rest can rank them.

    Parameters
    ----------
    probes, references
        Floating point, shapes (probes, dimension) and (references, dimension): vectors of length
        1, or 0 for one that is like nothing. Arrays or memory maps; other types are turned into
        float32 block by block.
    mated
        int64, shape (pairs, 2): probe and reference of every mated pair, each pair once.
    failed_probes, failed_references
        bool, shapes (probes,) and (references,): those without a template, whose vectors are not
        looked at. None for none.
    order
        int64, shape (references,): all references in the order in which tied candidates are
        listed (by name, say); None for the order given.
    fmrs
        False match rates in [0, 1] at which thresholds are wanted.
    eer
        Whether the equal error rate is wanted.
    candidates
        Length of the candidate lists.
    tail
        About how many of the most alike non-mated comparisons to return.
    bins
        Bins of a histogram of the non-mated scores: 0 for none, else from 16. It costs about a
        sixth of the time of 512-dimensional products, far more than the rest.
    margins
        Whether intervals are wanted: counts of each probe and reference, and a tail.
    memory
        Bytes that may be allocated, results included; the templates given are the caller's.
    threads
        At most so many; None for as many as there are cores.
    device
        ``"cpu"``, or a torch device such as ``"cuda"``, whose memory is not in the budget.
    progress
        Called as ``progress(comparisons done, comparisons in this pass)``.

    Returns
    -------
    Matching

    Raises
    ------
    ValueError
        If shapes do not fit, a pair is named twice or does not exist, a template holds NaN or
        infinity, an FMR is outside [0, 1], or the memory is too little.

    Examples
    --------
    >>> vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], np.float32)
    >>> found = match(vectors[:1], vectors[1:], np.array([[0, 1]]), eer=True)
    >>> found.ranks.tolist(), found.mated_scores.tolist(), found.eer
    ([2], [0.0], 1.0)
    """
    task = Task.checked(probes, references, mated, failed_probes, failed_references, order)
    if bins and bins < 16:
        raise ValueError(f"a histogram needs at least 16 bins, not {bins}")
    n = task.nonmated
    tail = max(tail, HIGHEST) if margins else tail
    allowed = {float(fmr): errors_allowed(n, fmr) for fmr in fmrs}
    threads = max(1, min(threads or cores(), -(-len(task.probes) // ROW_STEP)))
    shares = share_out(
        memory,
        searches=len(probes),
        references=len(references),
        dimension=probes.shape[1],
        pairs=len(mated),
        threads=threads,
        windows=len(set(allowed.values())) + bool(eer) + bool(bins),
        candidates=candidates,
        tail=tail,
        bins=bins,
        margins=(len(allowed) + bool(eer)) if margins else 0,
    )
    multiply, place_free, stream = _prepared(task, shares, threads, device)
    with single_threaded():
        mates = Mates(task.search, task.place, len(task.probes))
        mates.score(multiply, task.probes.probes, task.references.references)
        mated_scores = np.full(len(task.mated), -np.inf, np.float32)
        mated_scores[np.flatnonzero(task.compared)[mates.order]] = mates.scores
        watch = Watch(
            mates,
            np.full(len(task.probes), -np.inf, np.float32),
            CandidateLists(len(task.probes), candidates),
            TailCollector(tail) if tail else None,
            None,
        )
        rising = np.sort(mated_scores)
        ask = {fmr: Question(k, rising, n) for fmr, k in allowed.items() if k < n}
        questions = list(ask.values())
        if bins and n:
            # The end of the DET is drawn from single scores, the rest from the histogram.
            questions.append(Question(min(n - 1, 10_000), rising, n))
        if eer and n and len(rising):
            questions.append(Question(None, rising, n))
        sample = None
        if (n > shares.capacity and (questions or tail)) or (n and (bins or margins)):
            size = min(shares.sample, max(_LEAST_SAMPLE, n // 128))
            sample = Sample(stream.sample(mates, size, np.random.default_rng(0)))
            if watch.tail is not None:
                watch.tail.floor = np.float32(sample.window_at_rate(min(1.0, tail / n))[0])
            watch.bins = bins_over(sample, bins) if bins else None
            if margins:
                wanted = [k for k in allowed.values() if k < n]
                marks = marks_for(sample, rising, n, wanted, eer=eer)
                sizes = len(task.probes), len(task.references)
                watch.margins = MarginCollector.over(marks, *sizes)
        passes, top = answer_all(
            questions,
            sample if n > shares.capacity else None,
            shares.capacity,
            lambda windows, number: stream.run(
                mates, windows, None if number else watch, progress or _silent
            ),
        )
    bars = {fmr: answer_of(ask[fmr]) if fmr in ask else -np.inf for fmr in allowed}
    rate = None
    if eer:
        rate = answer_of(questions[-1]) if n and len(rising) else np.nan
    return assembled(
        task, watch, mated_scores, bars, rate, top_of(top), passes=passes, place_free=place_free
    )


def _prepared(
    task: Task, shares: Shares, threads: int, device: str
) -> tuple[Product, bool, Stream]:
    """Return the product, whether it is free of place, and the tiles to stream through."""
    tiles: list[Tile]
    if device == "cpu":
        # Few probes are spread over the threads in lower tiles.
        rows = min(ROWS, padded(-(-max(1, len(task.probes)) // threads), ROW_STEP))
        columns = min(COLUMNS, padded(max(1, len(task.references)), COLUMN_STEP))
        multiply, place_free = product_for(task.probes.rows.shape[1])
        tiles = [NumpyTile(multiply, rows, columns) for _ in range(threads)]
    else:
        from harness.matching import torch_tiles

        rows, columns = torch_tiles.ROWS, torch_tiles.COLUMNS
        tile = torch_tiles.TorchTile(device)
        multiply, tiles = tile.product, [tile]
        place_free = is_place_free(multiply, task.probes.rows.shape[1])
    held = min(shares.columns, padded(max(1, len(task.references)), COLUMN_STEP))
    return (
        multiply,
        place_free,
        Stream(task.probes, task.references, tiles, rows, min(columns, held), held),
    )


def _silent(done: int, total: int) -> None:
    """Report to nobody."""
