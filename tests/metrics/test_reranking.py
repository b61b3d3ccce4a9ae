"""Re-ranking by concentration: the talk's ten rows, ties against, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.reranking import kept_share, penalised, ranking, tattoo_free_share

# Query "Ami James": score and concentration of the first five without, and with the penalty.
WITHOUT = [(1299.6564, 0.0), (1173.0101, 0.0), (1161.6285, 0.2853), (1128.7357, 0.0610)]
WITHOUT += [(936.4263, 0.0066)]
WITH = [(1161.6285, 0.2853), (790.2487, 0.3868), (541.61005, 0.2988), (460.51703, 0.5276)]
WITH += [(439.44492, 0.2742)]


def test_the_ten_rows_of_the_talk_come_out_in_its_order() -> None:
    rows = sorted(set(WITHOUT + WITH))
    scores, shares = (np.array(column) for column in zip(*rows, strict=True))
    free = shares == 0
    by_text = [rows[i] for i in ranking(scores, free)][:5]
    by_both = [rows[i] for i in ranking(penalised(scores, shares), free)][:5]
    assert by_text == WITHOUT
    assert by_both == WITH


def test_a_score_is_lowered_in_proportion_below_the_threshold_and_left_from_there_on() -> None:
    lowered = penalised(np.full(4, 100.0), np.array([0.0, 0.1, 0.2, 0.9]), threshold=0.2)
    assert lowered.tolist() == [0.0, 50.0, 100.0, 100.0]


def test_ties_put_results_without_a_tattoo_first() -> None:
    free = np.array([False, True, False, True])
    assert ranking(np.zeros(4), free).tolist() == [1, 3, 0, 2]


def test_shares_count_a_short_list_whole_and_an_empty_one_not_at_all() -> None:
    free = np.array([True, False])
    assert tattoo_free_share(np.array([0, 1]), free, 5) == 0.5
    nothing = np.array([], np.int64)
    assert np.isnan(tattoo_free_share(nothing, np.array([], bool), 5))
    assert np.isnan(kept_share(np.array([0]), np.array([0]), np.array([True]), 1))


@pytest.mark.parametrize(
    ("scores", "shares", "threshold"),
    [
        ([-1.0], [0.5], 0.25),
        ([np.nan], [0.5], 0.25),
        ([1.0], [1.5], 0.25),
        ([1.0], [np.nan], 0.25),
        ([1.0, 2.0], [0.5], 0.25),
        ([1.0], [0.5], 0.0),
    ],
)
def test_what_is_no_score_share_or_threshold_is_refused(
    scores: list[float], shares: list[float], threshold: float
) -> None:
    with pytest.raises(ValueError, match="must|share"):
        penalised(np.array(scores), np.array(shares), threshold)


def test_k_counts_from_one() -> None:
    order, free = np.array([0]), np.array([True])
    with pytest.raises(ValueError, match="k counts from 1"):
        tattoo_free_share(order, free, 0)
    with pytest.raises(ValueError, match="k counts from 1"):
        kept_share(order, order, free, 0)
