"""Calibrators against peers, simulated truth and every degenerate set of scores."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics.likelihood.calibration import CALIBRATORS, Pav
from harness.statistics.likelihood.density import Kde
from harness.statistics.likelihood.limits import supported
from harness.statistics.likelihood.logistic import Logistic
from harness.statistics.likelihood.validity import cllr, cllr_min
from tests.statistics.likelihood.score_sets import NONSEP, TIED, UNTIED

Floats = npt.NDArray[np.float64]
INF = math.inf
EVERY = pytest.mark.parametrize("method", list(CALIBRATORS))


def score_lists(*, failures: bool = False) -> st.SearchStrategy[Floats]:
    """Short lists of few distinct scores, so that ties abound."""
    score = st.integers(0, 6).map(float)
    if failures:
        score |= st.just(-INF)
    return st.lists(score, min_size=1, max_size=12).map(np.array)


@pytest.mark.parametrize("scores", [UNTIED, TIED, NONSEP], ids=["untied", "tied", "nonsep"])
def test_the_logistic_line_is_that_of_scikit_learn_with_the_same_weights(
    scores: tuple[Floats, Floats],
) -> None:
    from sklearn.linear_model import LogisticRegression

    mated, nonmated = scores
    m, n = len(mated), len(nonmated)
    x = np.concatenate([mated, nonmated, mated, nonmated])[:, np.newaxis]
    truth = np.repeat([1, 1, 0, 0], [m, n, m, n])
    weights = np.repeat([1 / (m + 1), 1 / (m + 1) / n, 1 / (n + 1) / m, 1 / (n + 1)], [m, n, m, n])
    peer = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(x, truth, weights)
    found = Logistic.fit(mated, nonmated)
    assert found.slope == pytest.approx(float(peer.coef_[0, 0]), rel=1e-4)
    assert found.centre == pytest.approx(
        -float(peer.intercept_[0] / peer.coef_[0, 0]), rel=1e-4, abs=1e-5
    )


@pytest.mark.parametrize("scores", [UNTIED, TIED, NONSEP], ids=["untied", "tied", "nonsep"])
def test_kernel_densities_are_those_of_scipy_with_the_same_bandwidths(
    scores: tuple[Floats, Floats],
) -> None:
    from scipy.stats import gaussian_kde

    found = Kde.fit(*scores)
    both = np.concatenate(scores)
    at = np.linspace(float(np.quantile(both, 0.05)), float(np.quantile(both, 0.95)), 50)
    logs = [
        gaussian_kde(part, width / part.std(ddof=1)).logpdf(at)
        for part, width in zip(scores, found.bandwidths, strict=True)
    ]
    expected = np.clip(logs[0] - logs[1], *found.limits)
    assert found.apply(at) == pytest.approx(expected, abs=2e-3)


def test_silvermans_bandwidth_is_as_he_gives_it() -> None:
    mated, nonmated = UNTIED
    spread = min(mated.std(ddof=1), np.diff(np.quantile(mated, [0.25, 0.75]))[0] / 1.34)
    assert Kde.fit(mated, nonmated).bandwidths[0] == pytest.approx(0.9 * spread * 200**-0.2)


@EVERY
def test_ratios_of_gaussian_scores_are_near_the_true_ones(method: str) -> None:
    rng = np.random.default_rng(1)
    calibrator = CALIBRATORS[method](rng.normal(2, 1, 4000), rng.normal(0, 1, 40_000))
    at = np.linspace(-1, 3, 9)
    truth = 2 * at - 2  # ln of the ratio of the two normal densities
    assert np.abs(calibrator.apply(at) - truth).max() < 0.6
    mated, nonmated = rng.normal(2, 1, 4000), rng.normal(0, 1, 40_000)
    judged = cllr(calibrator.apply(mated), calibrator.apply(nonmated))
    assert judged == pytest.approx(cllr(2 * mated - 2, 2 * nonmated - 2), abs=0.01)


@EVERY
def test_a_constant_scorer_gives_ratios_of_one(method: str) -> None:
    calibrator = CALIBRATORS[method](np.full(7, 0.3), np.full(90, 0.3))
    llr = calibrator.apply(np.array([0.3, 0.1, 0.9]))
    assert llr.tolist() == [0, 0, 0]
    assert cllr(llr, llr) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("method", ["logistic", "pav"])
def test_scores_in_the_wrong_direction_give_ratios_of_one(method: str) -> None:
    calibrator = CALIBRATORS[method](np.array([0.0, 1.0, 2.0]), np.array([5.0, 6.0, 7.0, 8.0]))
    assert calibrator.apply(np.array([0.0, 4.0, 8.0])) == pytest.approx(np.zeros(3), abs=1e-12)


@EVERY
def test_perfect_separation_gives_no_more_than_the_numbers_support(method: str) -> None:
    mated, nonmated = np.linspace(5, 9, 30), np.linspace(0, 1, 200)
    calibrator = CALIBRATORS[method](mated, nonmated)
    limits = supported(30, 200)
    m, n = calibrator.apply(mated), calibrator.apply(nonmated)
    for llr in (m, n):
        assert np.all((llr >= limits.low - 1e-9) & (llr <= limits.high + 1e-9))
    assert m.min() > 1
    assert n.max() < -1
    far = calibrator.apply(np.array([-1e6, 1e6]))
    assert np.isfinite(far).all()


@EVERY
@given(mated=score_lists(failures=True), nonmated=score_lists(failures=True))
@settings(deadline=None, max_examples=60)
def test_ratios_are_finite_and_a_failure_has_the_lowest_whatever_the_scores(
    method: str, mated: Floats, nonmated: Floats
) -> None:
    calibrator = CALIBRATORS[method](mated, nonmated)
    at = np.concatenate([[-INF, -100.0], np.linspace(-1, 7, 33), [100.0]])
    llr = calibrator.apply(at)
    assert np.isfinite(llr).all()
    assert llr[0] <= llr.min() + 1e-12
    limits = supported(len(mated), len(nonmated))
    assert np.all((llr >= limits.low - 1e-9) & (llr <= limits.high + 1e-9))
    if method != "kde":
        assert np.all(np.diff(llr) >= -1e-12)


@EVERY
@given(mated=score_lists(), nonmated=score_lists(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_order_and_unit_of_the_scores_do_not_matter(
    method: str, mated: Floats, nonmated: Floats, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    at = np.linspace(-1, 7, 17)
    expected = CALIBRATORS[method](mated, nonmated).apply(at)
    moved = CALIBRATORS[method](rng.permutation(mated) * 8 - 32, rng.permutation(nonmated) * 8 - 32)
    assert moved.apply(at * 8 - 32) == pytest.approx(expected, abs=1e-6)


@given(score_lists(), score_lists())
@settings(deadline=None)
def test_pav_ratios_depend_on_the_order_of_scores_alone(mated: Floats, nonmated: Floats) -> None:
    at = np.concatenate([mated, nonmated])
    expected = Pav.fit(mated, nonmated).apply(at)
    transformed = Pav.fit(np.exp(mated), np.exp(nonmated)).apply(np.exp(at))
    assert transformed.tolist() == expected.tolist()


@given(score_lists(), score_lists())
@settings(deadline=None)
def test_the_logistic_line_is_the_best_line_for_its_weights(
    mated: Floats, nonmated: Floats
) -> None:
    found = Logistic.fit(mated, nonmated)
    m, n = len(mated), len(nonmated)

    def cost(slope: float, centre: float) -> float:
        one, other = slope * (mated - centre), slope * (nonmated - centre)
        as_mated = (np.logaddexp(0, -one).sum() + np.logaddexp(0, -other).mean()) / (m + 1)
        as_nonmated = (np.logaddexp(0, other).sum() + np.logaddexp(0, one).mean()) / (n + 1)
        return float(as_mated + as_nonmated)

    least = cost(found.slope, found.centre)
    for step in (0.99, 1.01):
        assert cost(found.slope * step, found.centre) >= least - 1e-12
        assert cost(found.slope, found.centre + step - 1) >= least - 1e-12
    assert cost(1e-3, found.centre) >= least - 1e-12


def test_a_distant_outlier_and_a_large_offset_do_no_harm() -> None:
    mated, nonmated = UNTIED
    expected = Logistic.fit(mated, nonmated)
    moved = Logistic.fit(mated + 1e6, nonmated + 1e6)
    assert moved.slope == pytest.approx(expected.slope, rel=1e-6)
    for method in CALIBRATORS:
        llr = CALIBRATORS[method](np.append(mated, 1e9), nonmated).apply(mated)
        assert np.isfinite(llr).all()
        huge = CALIBRATORS[method](np.array([1e308, 0.0]), np.array([-1e308])).apply(mated)
        assert np.isfinite(huge).all()


@EVERY
def test_a_set_of_failures_only_still_has_an_answer(method: str) -> None:
    calibrator = CALIBRATORS[method](np.array([-INF, -INF]), np.array([0.0, 1.0, 2.0]))
    llr = calibrator.apply(np.array([-INF, 0.0, 2.0]))
    assert llr[0] <= 0
    assert llr[1:] == pytest.approx(np.zeros(2), abs=1e-12)


@EVERY
@pytest.mark.parametrize(
    ("mated", "nonmated", "why"),
    [
        ([], [1.0], "0 mated and 1 non-mated"),
        ([1.0], [], "1 mated and 0 non-mated"),
        ([math.nan], [1.0], "NaN"),
        ([1.0], [INF], r"\+inf"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_a_reason(
    method: str, mated: list[float], nonmated: list[float], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        CALIBRATORS[method](np.array(mated), np.array(nonmated))


@EVERY
def test_a_calibrator_says_how_it_was_fitted(method: str) -> None:
    about = CALIBRATORS[method](*TIED).about
    assert about[0].isupper()
    assert "log10 LR −" in about


def test_a_grid_of_a_few_points_is_refused() -> None:
    with pytest.raises(ValueError, match="16 points"):
        Kde.fit(*TIED, points=3)


@EVERY
def test_calibration_costs_little_on_its_own_data(method: str) -> None:
    for scores in (UNTIED, TIED, NONSEP):
        calibrator = CALIBRATORS[method](*scores)
        judged = cllr(*(calibrator.apply(part) for part in scores))
        assert judged < cllr_min(*scores) + 0.08
