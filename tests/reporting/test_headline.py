"""What is said of a headline follows from its numbers, and says what they are."""

from __future__ import annotations

import pytest

from harness.reporting.headline import cannot_answer, headline_of
from harness.reporting.text import plain
from harness.statistics.estimate import Estimate
from harness.tasks.results import (
    OTHER_PHOTOGRAPH,
    SAME_PHOTOGRAPH,
    Metrics,
)
from harness.tasks.standing import Standing, standing


def metrics(
    headline: str,
    estimate: Estimate,
    counts: dict[str, int] | None = None,
    task: str = "identification",
) -> Metrics:
    return Metrics(task, headline, counts or {}, {headline: estimate}, [])


def verdict(found: Metrics, mated_by: str = "tattoo") -> str:
    return plain(headline_of(found, "colours", mated_by).verdict)


@pytest.mark.parametrize(
    ("metric", "estimate", "found"),
    [
        # The band of random answers, without and with an interval.
        ("hit-rate@rank=1", Estimate(0.5, chance=0.3, chance_low=0.2, chance_high=0.4), "better"),
        ("hit-rate@rank=1", Estimate(0.4, chance=0.3, chance_low=0.2, chance_high=0.4), "level"),
        ("hit-rate@rank=1", Estimate(0.1, chance=0.3, chance_low=0.2, chance_high=0.4), "worse"),
        (
            "hit-rate@rank=1",
            Estimate(0.5, 0.25, 0.7, chance=0.3, chance_low=0.2, chance_high=0.4),
            "level",
        ),
        # The interval alone.
        ("eer", Estimate(0.3, 0.2, 0.4, chance=0.5), "better"),
        ("eer", Estimate(0.6, 0.55, 0.7, chance=0.5), "worse"),
        ("eer", Estimate(0.45, 0.4, 0.5, chance=0.5), "level"),
        ("map", Estimate(0.6, 0.55, 0.7, chance=0.5), "better"),
        # Nothing is said where nothing says it.
        ("eer", Estimate(0.3, chance=0.5), ""),
        ("eer", Estimate(0.3, 0.2, 0.4), ""),
        ("eer", Estimate(None, 0.2, 0.4, chance=0.5), ""),
        ("eer", Estimate(float("nan"), 0.2, 0.4, chance=0.5), ""),
        # A constant: all is the same.
        ("eer", Estimate(0.5, 0.5, 0.5, chance=0.5), "level"),
    ],
)
def test_better_and_worse_than_chance_need_interval_and_band(
    metric: str, estimate: Estimate, found: Standing
) -> None:
    assert standing(metric, estimate) == found


def test_a_miss_rate_is_told_as_misses_beside_those_of_guessing() -> None:
    one = metrics("fnmr@fmr=0.01", Estimate(0.984, 0.97, 0.991, n=518, chance=0.99))
    assert verdict(one) == (
        "At a threshold that lets 1 in 100 false pairs through, colours misses 98 of 100 true "
        "pairs (95 % interval 97-99 %); guessing misses 99: it cannot be told from guessing."
    )
    better = metrics("fnmr@fmr=0.1", Estimate(0.3, 0.25, 0.35, chance=0.9))
    assert verdict(better).endswith("guessing misses 90: it is better than guessing.")
    assert "1 in 10 false pairs" in verdict(better)
    worse = metrics("fnmr@fmr=0.1", Estimate(0.95, 0.93, 0.97, chance=0.9))
    assert verdict(worse).endswith("it is worse than guessing.")


def test_numbers_that_would_round_to_one_another_keep_decimals() -> None:
    one = metrics("fnir@fpir=0.1,rank=1", Estimate(0.995, 0.99, 0.999, chance=0.996))
    assert "fails to return one that is first in 99.5 of 100 searches" in verdict(one)
    assert "guessing fails in 99.6" in verdict(one)
    nearly = metrics("fnmr@fmr=0.01", Estimate(0.9999, chance=0.99))
    assert "misses 99.99 of 100" in verdict(nearly)
    perfect = metrics("fnmr@fmr=0.01", Estimate(0.0, 0.0, 0.05, chance=0.99))
    assert "misses 0 of 100" in verdict(perfect)


def test_look_alikes_are_not_called_mates() -> None:
    hits = metrics("hit-rate@rank=1", Estimate(0.5, n=20, chance=0.1))
    assert "finds a look-alike for 50 % of 20 probes" in verdict(hits, "group")
    assert "finds a mate for" in verdict(hits)
    pairs = metrics("fnmr@fmr=0.01", Estimate(0.5, chance=0.99))
    assert "50 of 100 look-alike pairs" in verdict(pairs, "group")


@pytest.mark.parametrize(
    ("headline", "estimate", "said"),
    [
        ("eer", Estimate(0.1, 0.05, 0.15, chance=0.5), "gets 10 of 100 true pairs wrong"),
        ("tag-map", Estimate(0.3, 0.2, 0.4, chance=0.1), "a random order gets 0.100: it is better"),
        ("iou", Estimate(0.2, 0.1, 0.3, n=9, chance=0.25), "it cannot be told from guessing"),
        ("net-removal", Estimate(0.4, 0.3, 0.5, n=9), "it is better than doing nothing"),
        ("net-removal", Estimate(-0.4, -0.5, -0.3, n=9), "it is worse than doing nothing"),
        ("net-removal", Estimate(0.01, -0.1, 0.1, n=9), "it cannot be told from doing nothing"),
        ("net-removal", Estimate(0.4, n=9), "takes away 0.400 of the tattoos in 9 images"),
        ("net-removal", Estimate(-0.4, n=9), "does more damage to the rest than it takes away"),
        ("net-removal", Estimate(0.0, n=9), "takes away no more of the tattoos than it damages"),
        ("map", Estimate(0.4, 0.3, 0.5, n=9, chance=0.1), "mean average precision of 0.400"),
        ("accuracy", Estimate(0.9, 0.8, 1, n=9, chance=0.5), "guessing is right for 50 %: it is"),
        ("top-k-accuracy@k=1", Estimate(0.9, n=9, chance=0.2), "names the right class for 90 %"),
        ("log-loss", Estimate(1.5, 1.4, 1.6, chance=1.8), "Log loss, lower is better: colours"),
        ("psnr", Estimate(30.0, n=4), "has 30.000 over 4 trials."),
        ("fnmr@fmr=0.1", Estimate(None), "There is no value for"),
    ],
)
def test_every_kind_of_headline_has_its_sentence(
    headline: str, estimate: Estimate, said: str
) -> None:
    assert said in verdict(metrics(headline, estimate))


def test_a_search_ranked_again_is_held_against_the_order_before() -> None:
    found = Metrics(
        "search",
        "tattoo-free@k=5",
        {},
        {
            "tattoo-free@k=5": Estimate(0.2, n=10),
            "tattoo-free-before@k=5": Estimate(0.4, n=10),
            "tattoo-free-change@k=5": Estimate(-0.2, -0.3, -0.1, n=10),
        },
        [],
    )
    assert verdict(found) == (
        "After ranking again with colours, 20 % of the first 5 results show no tattoo; before it "
        "were 40 %: it is better than the order before."
    )


def test_galleries_stand_in_the_sentence() -> None:
    found = metrics(
        "hit-rate@rank=1",
        Estimate(0.5, n=20, chance=0.02),
        {"smallest_gallery": 54, "largest_gallery": 55},
    )
    assert "of 20 probes in galleries of 54-55" in verdict(found)


def test_small_galleries_cannot_answer_and_the_reason_is_said() -> None:
    found = metrics(
        "hit-rate@rank=10",
        Estimate(1.0, n=16, chance=1.0),
        {"smallest_gallery": 2, "largest_gallery": 4},
    )
    found.pooled["hit-rate@rank=1"] = Estimate(0.44, chance=0.42)
    found.pooled["hit-rate@rank=5"] = Estimate(1.0, chance=1.0)
    assert plain(cannot_answer(found)) == (
        "This set cannot answer the question, since galleries hold 2 to 4 images: a random ranking "
        "finds a mate within the first 10 in 100 % of searches; at rank 1: 44 %, chance 42 %."
    )
    assert headline_of(found, "x").sentences[0] == cannot_answer(found)


@pytest.mark.parametrize(
    ("headline", "chance", "able"),
    [
        ("hit-rate@rank=10", 0.49, True),
        ("hit-rate@rank=10", 0.5, False),
        ("map", 0.6, False),
        # A balanced guess between two classes is no fault of the data; a majority is.
        ("accuracy", 0.574, True),
        ("accuracy", 0.8, False),
        ("auc", 0.5, True),
        # Lower is better: chance that comes near to perfect.
        ("fnmr@fmr=0.01", 0.99, True),
        ("fnmr@fmr=0.6", 0.4, False),
        ("fnir@fpir=0.1,rank=1", 0.5, False),
        ("fnir@fpir=0.1,rank=1", 0.97, True),
        ("eer", 0.5, True),
        ("eer", 0.2, False),
        # Nothing is known of what perfect or a guess would be.
        ("log-loss", 1.8, True),
        ("net-removal", 0.9, True),
        ("unheard-of", 0.9, True),
    ],
)
def test_chance_as_good_as_a_result_means_that_the_set_cannot_answer(
    headline: str, chance: float, able: bool
) -> None:
    found = metrics(headline, Estimate(0.7, chance=chance))
    assert (cannot_answer(found) == "") is able


def test_copies_of_one_photograph_are_told_with_what_the_others_get() -> None:
    found = metrics(
        "hit-rate@rank=1",
        Estimate(0.57, n=1590, chance=0.01),
        {
            "same_source_mated": 1371,
            "mated_comparisons": 1590,
            "smallest_gallery": 150,
            "largest_gallery": 150,
        },
    )
    found.subsets = {
        SAME_PHOTOGRAPH: {"hit-rate@rank=1": Estimate(0.66, n=1371)},
        OTHER_PHOTOGRAPH: {"hit-rate@rank=1": Estimate(0.02, n=219)},
    }
    assert plain(headline_of(found, "colours").photographs) == (
        "1,371 of 1,590 mates are the same photograph; the other searches: 2 %."
    )
    found.subsets[OTHER_PHOTOGRAPH]["hit-rate@rank=1"] = Estimate(None)
    assert headline_of(found, "colours").photographs.endswith("; there are no other searches.")
    found.counts["same_source_mated"] = 0
    assert headline_of(found, "colours").photographs == ""


def test_copies_among_the_pairs_of_verification_are_told_as_misses() -> None:
    found = metrics(
        "fnmr@fmr=0.1",
        Estimate(0.3, chance=0.9),
        {"same_source_mated": 1, "mated_comparisons": 40},
        "verification",
    )
    found.subsets = {OTHER_PHOTOGRAPH: {"fnmr@fmr=0.1": Estimate(0.6)}}
    assert plain(headline_of(found, "colours").photographs) == (
        "1 of 40 mated comparisons is the same photograph; the other comparisons: 60 % missed."
    )


def test_a_small_chance_keeps_its_figures_and_a_band_has_two_ends() -> None:
    estimate = Estimate(0.785, 0.739, 0.826, "", 340, 0.00011, 0.0, 0.0029)
    counts = {"searches": 340, "smallest_gallery": 9000, "largest_gallery": 9000}
    metrics = Metrics(
        "identification", "hit-rate@rank=1", counts, {"hit-rate@rank=1": estimate}, []
    )
    found = " ".join(headline_of(metrics, "vendor", "").sentences).replace("\u2060", "")
    assert "a random ranking finds 0.011" in found
    assert "95 land within 0.0–0.29" in found
