"""How the scores of several matchers become one, against computations by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.data.records import Fold, Record
from harness.errors import DataError
from harness.tasks.composites import Fusion, Reranking, ranked, standardised, subsets

NAN = np.nan


def by_hand(first: Any, second: Any, names: list[str], k: int) -> list[list[str]]:
    """Return the order of each search's candidates: the best k of the first by the second."""
    found = []
    for row, other in zip(first, second, strict=True):
        order = sorted(range(len(names)), key=lambda j: (-row[j], names[j]))
        head = sorted(order[:k], key=lambda j: -other[j])
        found.append([names[j] for j in (*head, *order[k:])])
    return found


@pytest.mark.parametrize("k", [1, 3, 7, 8, 20])
def test_the_shortlist_comes_first_by_the_second_and_the_rest_by_the_first(k: int) -> None:
    rng = np.random.default_rng(k)
    first, second = rng.normal(size=(2, 5, 8))
    names = [f"r{j}" for j in rng.permutation(8)]
    listed = Reranking.shortlist(first, names, k)
    assert listed.sum(axis=1).tolist() == [min(k, 8)] * 5
    scores = Reranking.reranked(first, np.where(listed, second, NAN), listed)
    assert np.isfinite(scores).all()
    orders = [[names[j] for j in np.argsort(-row)] for row in scores]
    assert orders == by_hand(first, second, names, k)
    assert np.array_equal(scores[listed], second[listed])  # to the last bit
    if k >= 8:
        assert np.array_equal(scores, second)
    elif k == 1:
        assert scores.argmax(axis=1).tolist() == first.argmax(axis=1).tolist()


def test_equal_scores_are_listed_by_name_and_stay_equal_below() -> None:
    first = np.array([[0.5, 0.5, 0.5, 0.2, 0.2]])
    names = ["e", "a", "c", "b", "d"]
    listed = Reranking.shortlist(first, names, 2)
    assert listed.tolist() == [[False, True, True, False, False]]
    scores = Reranking.reranked(first, np.where(listed, 4.0, NAN), listed)
    assert scores[0, 1] == scores[0, 2] == 4.0
    assert scores[0, 3] == scores[0, 4] < scores[0, 0] < 4.0


def test_what_the_second_cannot_compare_lies_between_the_shortlist_and_the_rest() -> None:
    first = np.array([[0.9, 0.8, 0.7, 0.1], [0.9, 0.8, 0.7, 0.1], [NAN, NAN, NAN, NAN]])
    second = np.array([[NAN, -3e9, NAN, NAN], [NAN] * 4, [NAN] * 4])
    listed = Reranking.shortlist(first, list("abcd"), 2)
    scores = Reranking.reranked(first, second, listed)
    assert np.argsort(-scores[0]).tolist() == [1, 0, 2, 3]
    assert np.argsort(-scores[1]).tolist() == [0, 1, 2, 3]  # a probe that failed: as the first
    assert np.isnan(scores[2]).all()
    assert len(set(scores[0])) == 4  # however large the second's scores are


def test_no_order_is_lost_among_many_scores() -> None:
    first = np.linspace(0, 1, 100_000)[None]
    listed = Reranking.shortlist(first, [f"{i:06d}" for i in range(100_000)], 10)
    scores = Reranking.reranked(first, np.where(listed, 1e7, NAN), listed)
    assert (np.diff(scores[0][:-10]) > 0).all()
    assert scores[0][:-10].max() < 1e7


def independent(scores: Any, mated: Any) -> Any:
    """Fit scikit-learn's, each comparison twice: as what it is, and a little as the other kind."""
    m, n = mated.sum(), (~mated).sum()
    own = np.where(mated, 1 / (m + 1), 1 / (n + 1))
    other = np.where(mated, 1 / (n + 1) / m, 1 / (m + 1) / n)
    machine = LogisticRegression(C=1e9, tol=1e-10, max_iter=10_000, solver="newton-cg")
    return make_pipeline(StandardScaler(), machine).fit(
        np.concatenate([scores.T, scores.T]),
        np.concatenate([mated, ~mated]),
        logisticregression__sample_weight=np.concatenate([own, other]),
    )


def bounded(scores: Any, mated: Any) -> Any:
    """Return weights, none below 0, and the offset, by SciPy from the cost as written down."""
    m, n = mated.sum(), (~mated).sum()
    scale = scores.std(axis=1)

    def cost(at: Any) -> float:
        line = at[:-1] @ (scores / scale[:, None]) + at[-1]
        hit, miss = np.logaddexp(0, -line), np.logaddexp(0, line)
        as_own = hit[mated].sum() / (m + 1) + miss[~mated].sum() / (n + 1)
        as_other = miss[mated].sum() / m / (n + 1) + hit[~mated].sum() / n / (m + 1)
        return float(as_own + as_other)

    limits = [(0, None)] * len(scores) + [(None, None)]
    found = minimize(
        cost, np.zeros(len(limits)), bounds=limits, options={"ftol": 1e-15, "gtol": 1e-9}
    )
    return np.append(found.x[:-1] / scale, found.x[-1])


def test_weights_are_those_of_another_logistic_regression() -> None:
    rng = np.random.default_rng(4)
    mated = np.arange(240) < 40
    scores = rng.normal(size=(2, 240)) + np.outer([1.5, 0.7], mated)
    scores[1] *= 30
    found, other = Fusion.fit(scores, mated), independent(scores, mated)
    slopes = other[1].coef_[0] / other[0].scale_
    assert np.allclose(found.weights, slopes, rtol=1e-4)
    assert np.allclose(found.llr(scores), other.decision_function(scores.T), atol=1e-3)
    assert (found.mated, found.nonmated) == (40, 200)


def test_sets_that_are_apart_have_finite_weights_and_none_is_below_zero() -> None:
    mated = np.array([True, True, False, False, False])
    apart = np.array([[3.0, 4.0, 0.0, 1.0, 0.5], [0.0, 0.1, 3.0, 4.0, 5.0]])
    found = Fusion.fit(apart, mated)
    assert found.weights[0] > 0
    assert found.weights[1] == 0.0  # it would have to be turned round
    assert np.isfinite(found.llr(apart)).all()
    assert np.allclose([*found.weights, found.offset], bounded(apart, mated), atol=1e-3)
    alone = Fusion.fit(apart[:1], mated)
    assert np.allclose(found.llr(apart), alone.llr(apart[:1]), atol=1e-5)
    flat = Fusion.fit(np.ones((2, 5)), mated)
    assert np.allclose(flat.llr(np.ones((2, 5))), 0, atol=1e-9)  # nothing is told: LLR 0
    with pytest.raises(ValueError, match="mated"):
        Fusion.fit(apart, np.ones(5, bool))


def test_a_comparison_is_judged_by_the_parts_that_have_a_score() -> None:
    rng = np.random.default_rng(1)
    mated = np.arange(60) < 20
    known = rng.normal(size=(2, 60)) + 2 * mated
    learned = {places: Fusion.fit(known[list(places)], mated) for places in subsets(2)}
    one = np.array([[1.0, NAN, 0.3, NAN]])
    two = np.array([[0.5, 0.5, NAN, NAN]])
    asked = np.array([[True, True, True, True]])
    found = Fusion.joined([one, two], "logistic", learned, asked)[0]
    assert found[0] == pytest.approx(learned[0, 1].llr(np.array([[1.0], [0.5]]))[0])
    assert found[1] == pytest.approx(learned[1,].llr(np.array([[0.5]]))[0])
    assert found[2] == pytest.approx(learned[0,].llr(np.array([[0.3]]))[0])
    assert found[3] == found[:3].min()  # nobody knows: the lowest of all
    not_asked = np.array([[True, True, False, False]])
    there = ~np.isnan(Fusion.joined([one, two], "logistic", learned, not_asked))[0]
    assert there.tolist() == [True, True, False, False]


def test_rules_that_learn_nothing_are_of_each_search_alone() -> None:
    scores = np.array([[1.0, 3.0, 5.0, NAN], [7.0, 7.0, 7.0, 7.0], [2.0, NAN, NAN, NAN]])
    z = standardised(scores)
    assert z[0, :3].tolist() == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert z[1].tolist() == [0, 0, 0, 0]
    assert ranked(scores)[0, :3].tolist() == [0, 0.5, 1]
    assert ranked(scores)[1].tolist() == [0.5] * 4
    assert ranked(scores)[2, 0] == 1
    both = Fusion.joined([scores, scores[:, ::-1]], "ranks", {}, np.ones((3, 4), bool))
    assert both[0].tolist() == [0, 0.75, 0.75, 0]  # (0 + nothing), (.5 + 1) / 2 and so on


def training(count: int, each: int = 2, **facts: Any) -> tuple[Fold, dict[str, Record]]:
    names = [f"i{i}n{j}" for i in range(count) for j in range(each)]
    records = {n: Record(n, Path(n), tattoo=n.split("n")[0], source=n[-1]) for n in names}
    return Fold("1", tuple(names), ("p",), ("r",), **facts), records


def asked(fold: Fold, records: dict[str, Record], **options: Any) -> Fold:
    keys = [records[name].tattoo for name in fold.train]
    truth = {"identities": [keys.index(key) for key in keys]}
    given = {"share": 0.5, "most": 1000, "seed": 0, "apart": False} | options
    return Fusion.asked(fold, records, truth, **given)


def test_held_out_identities_are_asked_about_and_not_learned_from() -> None:
    fold, records = training(8)
    found = asked(fold, records)
    inside = {records[n].tattoo for n in (*found.probes, *found.gallery)}
    rest = {records[n].tattoo for n in found.train}
    assert len(inside) == 4
    assert inside.isdisjoint(rest)
    assert {"p", "r"}.isdisjoint({*found.train, *found.probes, *found.gallery})
    # Every pair of two images once, whichever is the probe: 4 mated, 24 non-mated.
    assert len(found.mates) == 4
    assert len(found.nonmates) == 24
    assert {frozenset(p) for p in found.mates | found.nonmates} == {
        frozenset((a, b))
        for a in records
        for b in records
        if a != b and {records[a].tattoo, records[b].tattoo} <= inside
    }
    assert asked(fold, records) == found
    assert asked(fold, records, seed=5) != found
    assert set(asked(fold, records, share=1.0).train) == set()


def test_roles_photographs_and_the_number_of_comparisons_are_kept_to() -> None:
    names = [f"i{i}n{j}" for i in range(8) for j in range(2)]
    probes = frozenset(n for n in names if n.endswith("n0"))
    fold, records = training(8, train_probes=probes, train_references=frozenset(names) - probes)
    found = asked(fold, records, share=1.0, most=10)
    assert set(found.probes) <= probes
    assert set(found.gallery).isdisjoint(probes)
    assert (len(found.mates), len(found.nonmates)) == (8, 10)
    plain, records = training(4, 3)
    apart = asked(plain, records, share=1.0, apart=True)
    assert all(records[a].source != records[b].source for a, b in apart.mates | apart.nonmates)


def test_training_images_without_a_mated_pair_are_refused() -> None:
    fold, records = training(6, 1)
    with pytest.raises(DataError, match=r"no mated comparison.*held_out"):
        asked(fold, records)
    fold, records = training(1, 4)
    with pytest.raises(DataError, match="no non-mated comparison"):
        asked(fold, records)
