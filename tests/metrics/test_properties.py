"""Properties that every figure has, one table for all: order, ties, copies, no data, chance.

Each family of figures has its own tests beside this file, with a computation by definition for most
functions; at the end of this file are those that have none there. What a figure by its definition
cannot have is listed with the reason in `EXEMPT`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from harness.metrics import aigtatt, detection, localisation, segmentation, verification
from harness.metrics import classification as classes
from harness.metrics import tagging as tags
from harness.metrics.failures import failures
from harness.metrics.identification import average_precision, cmc, hit_rate, mate_ranks
from harness.metrics.open_set import Searches, fnir, fnir_at_fpir, fpir, open_set_curve
from harness.metrics.restoration import mean_absolute_error, psnr, ssim
from harness.statistics.likelihood.evidence import dev_pav, misleading_rates, tippett
from harness.statistics.likelihood.limits import elub
from harness.statistics.likelihood.validity import after_pav, cllr, cllr_cal, cllr_min, ece

Floats = npt.NDArray[np.float64]
Case: TypeAlias = tuple[Any, ...]
Warp: TypeAlias = Callable[[Any], Any]
Figure: TypeAlias = Callable[[Case, Warp], Any]
INF = math.inf
NAN = math.nan


def as_it_is(value: Any) -> Any:
    return value


def rising(value: Any) -> Any:
    """Strictly rising, exact for whole numbers, and -inf stays -inf."""
    return value**3 + 2 * value + 1


def flat(found: Any) -> Floats:
    """All numbers of a result, in its order."""
    if isinstance(found, dict):
        found = tuple(found.values())
    parts = found if isinstance(found, tuple) else (found,)
    return np.concatenate([np.ravel(np.asarray(part, np.float64)) for part in parts])


def mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else NAN


@dataclass(frozen=True)
class Family:
    """Cases of one kind, and every figure that takes them.

    A figure is given the case and the transform of its scores, so that a threshold can follow it.
    """

    draw: Callable[[np.random.Generator], Case]
    shuffle: Callable[[Case, np.random.Generator], Case]
    copies: Callable[[Case], Case] | None
    warp: Callable[[Case, Warp], Case] | None
    empty: Case
    oracle: Callable[[int], Case]
    constant: Case
    figures: dict[str, tuple[Figure, Any, Any]]  # with its values for the oracle and the constant


def drawn(rng: np.random.Generator, shape: int | tuple[int, ...], failed: float = 0.1) -> Floats:
    """Scores of few values, so that ties abound, and some failures."""
    scores = rng.integers(-3, 4, shape).astype(float)
    scores[rng.random(shape) < failed] = -INF
    return scores


def rows(case: Case, rng: np.random.Generator) -> Case:
    order = rng.permutation(len(case[0]))
    return tuple(part[order] for part in case)


def twice(case: Case) -> Case:
    return tuple(np.concatenate([part, part]) for part in case)


def scores_only(case: Case, warp: Warp) -> Case:
    return (warp(case[0]), *case[1:])


# Two sets of scores: verification, and likelihood ratios. The constant score 0 is an even ratio.

TWO_SETS = Family(
    draw=lambda rng: (
        drawn(rng, int(rng.integers(1, 9))) + 1.0,
        drawn(rng, int(rng.integers(1, 12))),
    ),
    shuffle=lambda case, rng: tuple(rng.permutation(part) for part in case),
    copies=twice,
    warp=lambda case, warp: tuple(warp(part) for part in case),
    empty=(np.zeros(0), np.zeros(0)),
    oracle=lambda n: (np.full(n, 40.0), np.full(n * (n - 1), -40.0)),  # none if n is 1
    constant=(np.zeros(4), np.zeros(9)),
    figures={
        "eer": (lambda c, w: verification.eer(*c), 0, 0.5),
        "eer-convex-hull": (lambda c, w: verification.eer_convex_hull(*c), 0, 0.5),
        "auc": (lambda c, w: verification.auc(*c), 1, 0.5),
        "fnmr@fmr=0.25": (lambda c, w: verification.fnmr_at_fmr(c[0], c[1], 0.25), 0, 1),
        "d-prime": (lambda c, w: verification.d_prime(*c), INF, 0),
        "error-curve": (
            lambda c, w: (verification.error_curve(*c).fmr, verification.error_curve(*c).fnmr),
            [1, 0, 0, 0, 0, 1],
            [1, 0, 0, 1],
        ),
        "aigtatt-verification": (
            lambda c, w: aigtatt.verification_columns(*c),
            [0, 0, 0, 0],
            [0.5, 1, 1, 1],
        ),
        "cllr": (lambda c, w: cllr(*c), 0, 1),
        "cllr-min": (lambda c, w: cllr_min(*c), 0, 1),
        "cllr-cal": (lambda c, w: cllr_cal(*c), 0, 0),
        "ece": (lambda c, w: ece(c[0], c[1], np.zeros(1)), 0, 1),
        "dev-pav": (lambda c, w: dev_pav(*c), NAN, NAN),
        # Of 5 mated and 20 non-mated ratios, one misleading one added to each.
        "elub": (
            lambda c, w: elub(*c),
            [-math.log((20 / 21) / (1 / 6)), math.log((5 / 6) / (1 / 21))],
            [0, 0],
        ),
        "misleading": (lambda c, w: misleading_rates(*c), [0, 0], [0, 0]),
        "tippett": (
            lambda c, w: (tippett(*c).mated, tippett(*c).nonmated),
            [1, 1, 1, 0],
            [1, 1],
        ),
    },
)

# Searches of a gallery: closed and open set.


def searches(rng: np.random.Generator) -> Case:
    shape = int(rng.integers(2, 7)), int(rng.integers(1, 7))
    mated = rng.random(shape) < 0.25
    mated[0, 0], mated[1] = True, False
    return drawn(rng, shape), mated


def shuffled_search(case: Case, rng: np.random.Generator) -> Case:
    probes, references = (rng.permutation(size) for size in case[0].shape)
    return tuple(part[probes][:, references] for part in case)


def known_and_unknown(n: int) -> Case:
    """Each of n tattoos searched once, and as many that are not in the gallery; none if n is 1."""
    mated = np.vstack([np.eye(n, dtype=bool), np.zeros((n if n > 1 else 0, n), bool)])
    return mated.astype(float), mated


SEARCHES = Family(
    draw=searches,
    shuffle=shuffled_search,
    copies=twice,
    warp=scores_only,
    empty=(np.zeros((0, 3)), np.zeros((0, 3), bool)),
    oracle=known_and_unknown,
    constant=(np.zeros((10, 5)), known_and_unknown(5)[1]),
    figures={
        "hit-rate@rank=2": (lambda c, w: hit_rate(mate_ranks(*c), 2), 1, 0),
        "cmc": (lambda c, w: cmc(mate_ranks(*c), 5), [1] * 5, [0, 0, 0, 0, 1]),
        "map": (lambda c, w: mean(average_precision(*c)), 1, 0.2),
        "fnir": (lambda c, w: fnir(Searches.of(*c), 2, w(1)), 0, 1),
        "fpir": (lambda c, w: fpir(Searches.of(*c), w(1)), 0, 0),
        "fnir@fpir=0.25": (lambda c, w: fnir_at_fpir(Searches.of(*c), 0.25, 1), 0, 1),
        "open-set-curve": (
            lambda c, w: (
                open_set_curve(Searches.of(*c), 3).fpir,
                open_set_curve(Searches.of(*c), 3).fnir,
            ),
            [1, 0, 0, 0, 0, 1],
            [1, 0, 1, 1],
        ),
        "aigtatt-open-set": (
            lambda c, w: aigtatt.open_set_columns(Searches.of(*c)),
            [0, 0, 0, 0],
            [1, 1, 1, 1],
        ),
        "aigtatt-closed-set": (
            lambda c, w: aigtatt.closed_set_columns([mate_ranks(*c)]),
            [1, 1, 1],
            [0, 1, 1],
        ),
    },
)

# Images with a truth: detection, classes, tags.


def finite(rng: np.random.Generator) -> Case:
    size = int(rng.integers(2, 12))
    failed = rng.random(size) < 0.1
    return drawn(rng, size, failed=0), rng.random(size) < 0.4, failed


def tattoos_and_others(scores: Floats) -> Case:
    return scores, scores > 0, np.zeros(scores.size, bool)


DETECTION = Family(
    draw=finite,
    shuffle=rows,
    copies=twice,
    warp=scores_only,
    empty=(np.zeros(0), np.zeros(0, bool), np.zeros(0, bool)),
    oracle=lambda n: tattoos_and_others(np.array([1.0] * n + [-1.0] * (2 * n - 2))),
    constant=(np.zeros(4), np.array([True, False, False, False]), np.zeros(4, bool)),
    figures={
        "accuracies": (
            lambda c, w: detection.accuracies(c[0], c[1], w(0.0), c[2]),
            [1, 1, 1],
            [1, 0, 0.25],
        ),
        "tpdr@fpdr=0.25": (lambda c, w: detection.tpdr_at_fpdr(c[0], c[1], 0.25, c[2]), 1, 0),
        "auc": (lambda c, w: detection.auc(*c), 1, 0.5),
        "eer": (lambda c, w: detection.eer(*c), 0, 0.5),
        "failure-rate": (lambda c, w: failures(c[2]).rate, 0, 0),
    },
)


def class_scores(rng: np.random.Generator) -> Case:
    size = int(rng.integers(1, 10))
    scores = drawn(rng, (size, 4), failed=0)
    scores[rng.random(size) < 0.1] = -INF
    return scores, rng.integers(0, 4, size)


def probabilities(scores: Floats) -> Floats:
    weights = np.exp(np.where(scores == -INF, 0, scores))
    told: Floats = weights / weights.sum(axis=1, keepdims=True)
    return np.where(scores == -INF, -INF, told)


def share_of_images(counts: npt.NDArray[np.int64], images: int) -> Floats:
    return counts / images if images else np.full(counts.shape, NAN)


CLASSES = Family(
    draw=class_scores,
    shuffle=rows,
    copies=twice,
    warp=scores_only,
    empty=(np.zeros((0, 4)), np.zeros(0, int)),
    oracle=lambda n: (50 * np.eye(4)[np.arange(4 * n - 3) % 4], np.arange(4 * n - 3) % 4),
    constant=(np.zeros((8, 4)), np.arange(8) % 4),
    figures={
        "accuracy": (lambda c, w: classes.top_k_accuracy(*c), 1, 0),
        "top-2": (lambda c, w: classes.top_k_accuracy(c[0], c[1], 2), 1, 0),
        "confusion": (
            lambda c, w: np.diagonal(share_of_images(classes.confusion(*c), len(c[0]))).sum(),
            1,
            0,
        ),
        "class-recalls": (lambda c, w: classes.class_recalls(*c), [1] * 4, [0] * 4),
        "macro-recall": (lambda c, w: classes.macro_recall(*c), 1, 0),
        "brier": (lambda c, w: classes.brier(probabilities(c[0]), c[1]), 0, 0.75),
        "calibration": (
            lambda c, w: classes.expected_calibration_error(probabilities(c[0]), c[1]),
            0,
            0.25,  # a quarter sure, and tied, so never right
        ),
    },
)


def tag_scores(rng: np.random.Generator) -> Case:
    shape = int(rng.integers(1, 8)), 4
    scores = drawn(rng, shape, failed=0)
    scores[rng.random(shape[0]) < 0.1] = -INF
    return scores, rng.random(shape) < 0.5


def tagged(n: int) -> Case:
    truth = np.arange(4 * n).reshape(n, 4) % 4 < 2
    return truth - 0.5, truth


TAGS = Family(
    draw=tag_scores,
    shuffle=rows,
    copies=twice,
    warp=scores_only,
    empty=(np.zeros((0, 4)), np.zeros((0, 4), bool)),
    oracle=tagged,
    constant=(np.zeros((4, 4)), np.eye(4, dtype=bool)),
    figures={
        "tag-rates": (
            lambda c, w: tags.tag_rates(c[0], c[1], w(0.0))[:3],
            [1, 1, NAN, NAN] * 3,  # two of the four tags never occur
            [0.25] * 4 + [1] * 4 + [0.4] * 4,
        ),
        "macro": (
            lambda c, w: tags.macro(tags.tag_rates(c[0], c[1], w(0.0))),
            [1] * 3,
            [0.25, 1, 0.4],
        ),
        "micro": (lambda c, w: tags.micro(c[0], c[1], w(0.0)), [1] * 3, [0.25, 1, 0.4]),
        "tag-ap": (lambda c, w: tags.tag_average_precision(*c), [1, 1, NAN, NAN], [0.25] * 4),
        "map": (lambda c, w: tags.mean_average_precision(*c), 1, 0.25),
        "top-credit": (
            lambda c, w: mean(tags.top_tag_credit(*c, more_than=0, per_hit=0.5, shown=2)),
            1,
            0,
        ),
    },
)

# Places: boxes, masks, pictures. A case is a list of images; a picture is one by itself.

NO_BOX = np.zeros((0, 4), np.int64)
FRAME = np.array([[0, 0, 60, 60]])
SMALL = np.array([[10, 10, 20, 20]])


def boxes(rng: np.random.Generator) -> npt.NDArray[np.int64]:
    corner = rng.integers(0, 5, (int(rng.integers(0, 4)), 2))
    return np.hstack([corner, corner + rng.integers(1, 4, corner.shape)])


def in_any_order(case: Case, rng: np.random.Generator) -> Case:
    """Images, and the boxes of each, in another order."""
    images = [case[i] for i in rng.permutation(len(case))]
    return tuple((rng.permutation(one), rng.permutation(other)) for one, other in images)


BOXES = Family(
    draw=lambda rng: tuple((boxes(rng), boxes(rng)) for _ in range(int(rng.integers(1, 5)))),
    shuffle=in_any_order,
    copies=lambda case: case + case,
    warp=lambda case, warp: tuple((3 * one + 7, 3 * other + 7) for one, other in case),
    empty=(),
    oracle=lambda n: ((SMALL, SMALL),) * n,
    constant=((SMALL, FRAME),) * 3,
    figures={
        "localisation": (
            lambda c, w: localisation.over_images(localisation.localise(*i) for i in c)[:3],
            [1, 0, 0],
            [0, 0, 0],  # the whole picture touches every tattoo and finds none
        ),
    },
)


def masks(rng: np.random.Generator) -> Case:
    return tuple(
        (rng.random(12) < 0.4 if rng.random() < 0.8 else None, rng.random(12) < 0.3)
        for _ in range(int(rng.integers(1, 5)))
    )


def pixels_moved(case: Case, rng: np.random.Generator) -> Case:
    order = rng.permutation(12)
    images = [case[i] for i in rng.permutation(len(case))]
    return tuple((None if one is None else one[order], other[order]) for one, other in images)


QUARTER = np.arange(12) < 3

MASKS = Family(
    draw=masks,
    shuffle=pixels_moved,
    copies=lambda case: case + case,
    warp=None,  # masks are decided: they have no scores
    empty=(),
    oracle=lambda n: ((QUARTER, QUARTER),) * n,
    constant=((QUARTER | True, QUARTER),) * 3,
    figures={
        "iou": (lambda c, w: mean(np.array([overlap(*i)[0] for i in c])), 1, 0.25),
        "dice": (lambda c, w: mean(np.array([overlap(*i)[1] for i in c])), 1, 0.4),
        "concentration": (
            lambda c, w: mean(np.array([segmentation.concentration(i[1]) for i in c])),
            0.25,
            0.25,
        ),
    },
)


def overlap(answer: npt.NDArray[np.bool_] | None, truth: npt.NDArray[np.bool_]) -> list[float]:
    if answer is None:
        return [0.0, 0.0]
    found = segmentation.agreement(answer, truth)
    return [found.iou, found.dice]


PICTURE = np.add.outer(np.arange(32.0), 2 * np.arange(32.0))
MIDDLE = np.zeros((32, 32), bool)
MIDDLE[14:18, 14:18] = True


def picture(rng: np.random.Generator) -> Case:
    noise = rng.normal(0, 20, PICTURE.shape).round()
    return np.clip(PICTURE + noise, 0, 255), PICTURE, MIDDLE


PICTURES = Family(
    draw=picture,
    shuffle=lambda case, rng: tuple(np.rot90(part) for part in case),  # windows keep their pixels
    copies=None,  # a picture is judged by itself
    warp=None,  # and its values are no scores
    empty=(PICTURE, PICTURE, MIDDLE & False),
    oracle=lambda n: (PICTURE, PICTURE, MIDDLE),
    constant=(np.full((32, 32), 46.5), PICTURE, MIDDLE),
    figures={
        "ssim": (lambda c, w: ssim(*c), 1, None),
        "psnr": (lambda c, w: psnr(c[0], c[1], c[2]), INF, None),
        "error": (lambda c, w: mean_absolute_error(*c), 0, None),
    },
)

FAMILIES = {
    "two sets": TWO_SETS,
    "searches": SEARCHES,
    "detection": DETECTION,
    "classes": CLASSES,
    "tags": TAGS,
    "boxes": BOXES,
    "masks": MASKS,
    "pictures": PICTURES,
}

EXEMPT: dict[tuple[str, str], str] = {
    ("scale", "d-prime"): "is a distance in units of the spread",
    ("scale", "cllr"): "judges the ratios themselves",
    ("scale", "cllr-cal"): "judges the ratios themselves",
    ("scale", "ece"): "judges the ratios themselves",
    ("scale", "dev-pav"): "judges the ratios themselves",
    ("scale", "elub"): "judges the ratios themselves",
    ("scale", "misleading"): "judges the ratios themselves",
    ("scale", "brier"): "judges the probabilities themselves",
    ("scale", "calibration"): "judges the probabilities themselves",
    ("copies", "elub"): "adds one misleading comparison, which weighs less among more",
    ("copies", "tag-ap"): "a copy of an image is tied with it, and ties count against",
    ("copies", "tags map"): "a copy of an image is tied with it, and ties count against",
    ("empty", "restoration"): "a mask without pixels leaves the outside, which is the picture",
}


CURVES = {"error-curve", "open-set-curve", "tippett"}  # with a point for each distinct score


@dataclass(frozen=True)
class Judged:
    """A figure, and the family whose cases it takes."""

    family: Family
    name: str

    def values(self, case: Case, warp: Warp = as_it_is) -> Floats:
        return flat(self.family.figures[self.name][0](case, warp))

    @property
    def perfect(self) -> Any:
        return self.family.figures[self.name][1]

    @property
    def chance(self) -> Any:
        return self.family.figures[self.name][2]


def every(
    prop: str, there: Callable[[Judged], object] = lambda judged: True
) -> pytest.MarkDecorator:
    """All figures that can have a property."""
    found = [
        pytest.param(Judged(family, name), id=f"{kind}: {name}")
        for kind, family in FAMILIES.items()
        for name in family.figures
        if not {(prop, name), (prop, f"{kind} {name}")} & EXEMPT.keys()
        and there(Judged(family, name)) is not None
    ]
    return pytest.mark.parametrize("judged", found)


def same(found: Floats, expected: Any) -> bool:
    return bool(np.allclose(found, flat(expected), rtol=1e-9, atol=1e-12, equal_nan=True))


SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(deadline=None, max_examples=20)


@every("order")
@given(SEEDS)
@FEW
def test_the_order_of_what_is_judged_and_of_ties_changes_nothing(judged: Judged, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = judged.family.draw(rng)
    assert same(judged.values(judged.family.shuffle(case, rng)), judged.values(case))


@every("scale", lambda judged: judged.family.warp)
@given(SEEDS)
@FEW
def test_a_rising_transform_of_the_scores_changes_nothing(judged: Judged, seed: int) -> None:
    warp = judged.family.warp
    assert warp is not None
    case = judged.family.draw(np.random.default_rng(seed))
    assert same(judged.values(warp(case, rising), rising), judged.values(case))


@every("copies", lambda judged: judged.family.copies)
@given(SEEDS)
@FEW
def test_judging_everything_twice_changes_nothing(judged: Judged, seed: int) -> None:
    copies = judged.family.copies
    assert copies is not None
    case = judged.family.draw(np.random.default_rng(seed))
    assert same(judged.values(copies(case)), judged.values(case))


@every("empty")
def test_no_data_is_never_a_number(judged: Judged) -> None:
    assert np.isnan(judged.values(judged.family.empty)).all()


@every("oracle", lambda judged: judged.perfect)
def test_the_oracle_is_perfect(judged: Judged) -> None:
    assert same(judged.values(judged.family.oracle(5)), judged.perfect)


@every("identity", lambda judged: judged.perfect)
def test_one_identity_is_perfect_or_has_no_figure(judged: Judged) -> None:
    """What needs comparisons of two identities has no figure, and disturbs no other."""
    found = judged.values(judged.family.oracle(1))
    if judged.name in CURVES:
        assert np.all(np.isnan(found) | ((found >= 0) & (found <= 1)))
    else:
        wanted = flat(judged.perfect)
        assert np.all(np.isnan(found) | np.isclose(found, wanted, rtol=1e-9, atol=1e-12))


@every("constant", lambda judged: judged.chance)
def test_a_constant_scorer_is_at_chance_or_below_it(judged: Judged) -> None:
    assert same(judged.values(judged.family.constant), judged.chance)


# By definition, on small random cases, where the family's own tests have no such computation


def lowest_fnmr(mated: list[float], nonmated: list[float], x: Fraction) -> float:
    """Lowest FNMR over all thresholds with an FMR of at most x."""
    thresholds = [s for s in {*mated, *nonmated} if s > -INF] + [INF]
    return min(
        sum(s < t for s in mated) / len(mated)
        for t in [-1e9, *thresholds]
        if Fraction(sum(s >= t for s in nonmated), len(nonmated)) <= x
    )


@given(SEEDS)
@FEW
def test_verification_columns_are_the_lowest_fnmr_over_all_thresholds(seed: int) -> None:
    mated, nonmated = TWO_SETS.draw(np.random.default_rng(seed))
    nonmated = np.tile(nonmated, 3)
    found = aigtatt.verification_columns(mated, nonmated)
    for one_in in (10, 20, 100):
        expected = lowest_fnmr(list(mated), list(nonmated), Fraction(1, one_in))
        assert found[f"FMR{one_in}"] == expected
    assert found["EER_Ver"] == verification.eer(mated, nonmated)


@given(SEEDS)
@FEW
def test_d_prime_is_the_distance_of_means_over_the_pooled_spread(seed: int) -> None:
    sets = [part[part > -INF].tolist() for part in TWO_SETS.draw(np.random.default_rng(seed))]
    found = verification.d_prime(*(np.array(part) for part in sets))
    if not all(sets):
        assert math.isnan(found)
        return
    means = [sum(part) / len(part) for part in sets]
    spreads = [
        sum((s - m) ** 2 for s in part) / len(part) for part, m in zip(sets, means, strict=True)
    ]
    if not sum(spreads):
        assert found == (0.0 if means[0] == means[1] else math.copysign(INF, means[0] - means[1]))
        return
    expected = (means[0] - means[1]) / math.sqrt(sum(spreads) / 2)
    assert found == pytest.approx(expected, abs=1e-12)


@given(SEEDS)
@FEW
def test_dev_pav_is_the_area_between_plot_and_diagonal_over_its_width(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mated, nonmated = drawn(rng, 8, 0) + 1, drawn(rng, 9, 0)
    llr = np.concatenate([mated, nonmated])
    truth = np.repeat([1.0, 0.0], [8, 9])
    fitted = IsotonicRegression().fit(llr, truth, sample_weight=np.repeat([1 / 8, 1 / 9], [8, 9]))
    x = np.unique(llr)
    share = fitted.predict(x)
    inside = (share > 1e-9) & (share < 1 - 1e-9)
    found = dev_pav(mated, nonmated)
    if inside.sum() < 2:
        assert math.isnan(found)
        return
    x, y = x[inside], np.log(share[inside] / (1 - share[inside]))
    steps = np.linspace(x[0], x[-1], 20_001)
    area = np.trapezoid(np.abs(np.interp(steps, x, y) - steps), steps)
    assert found == pytest.approx(area / (x[-1] - x[0]) / math.log(10), abs=1e-3)


@given(SEEDS)
@FEW
def test_calibration_loss_is_what_ideal_ratios_would_save(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = drawn(rng, 8, 0) + 1, drawn(rng, 9, 0)
    assert cllr_cal(*scores) == pytest.approx(cllr(*scores) - cllr(*after_pav(*scores)), abs=1e-12)


def rank_by_definition(scores: list[float], mated: list[bool]) -> float:
    """Place of the best mate when ties stand against it; infinite if it is never found."""
    best = max(s for s, own in zip(scores, mated, strict=True) if own)
    rivals = sum(s >= best and not own for s, own in zip(scores, mated, strict=True))
    return 1.0 + rivals if best > -INF else INF


@given(SEEDS)
@FEW
def test_hit_rates_and_their_columns_count_the_searches_found(seed: int) -> None:
    scores, mated = SEARCHES.draw(np.random.default_rng(seed))
    ranks = [
        rank_by_definition(list(row), list(own))
        for row, own in zip(scores, mated, strict=True)
        if own.any()
    ]
    curve = cmc(mate_ranks(scores, mated), 7)
    for rank in range(1, 8):
        expected = sum(found <= rank for found in ranks) / len(ranks)
        assert hit_rate(mate_ranks(scores, mated), rank) == expected
        assert curve[rank - 1] == expected
    columns = aigtatt.closed_set_columns([mate_ranks(scores, mated)] * 2)
    for rank in (1, 10, 20):
        assert columns[f"Rank-{rank}"] == sum(found <= rank for found in ranks) / len(ranks)


@given(SEEDS)
@FEW
def test_open_set_columns_are_the_lowest_fnir_over_all_thresholds(seed: int) -> None:
    scores, mated = SEARCHES.draw(np.random.default_rng(seed))
    found_at, tops = [], []
    for row, own in zip(scores.tolist(), mated.tolist(), strict=True):
        if any(own):
            best = max(s for s, mate in zip(row, own, strict=True) if mate)
            found_at.append(best if rank_by_definition(row, own) == 1 else -INF)
        else:
            tops.append(max(row))
    columns = aigtatt.open_set_columns(Searches.of(scores, mated))
    for one_in in (10, 20, 100):
        assert columns[f"FNIR{one_in}"] == lowest_fnmr(found_at, tops, Fraction(1, one_in))


@given(SEEDS)
@FEW
def test_detection_areas_count_won_pairs_and_failures_lose(seed: int) -> None:
    scores, truth, failed = DETECTION.draw(np.random.default_rng(seed))
    told = np.where(failed, np.where(truth, -INF, INF), scores)
    pairs = [(t > o) + (t == o) / 2 for t in told[truth] for o in told[~truth]]
    expected = sum(pairs) / len(pairs) if pairs else NAN
    found = detection.auc(scores, truth, failed)
    assert found == pytest.approx(expected, nan_ok=True)
    lost = detection.eer(scores, truth, failed) - detection.eer(scores, truth)
    assert math.isnan(lost) or lost >= -1e-15


@given(SEEDS)
@FEW
def test_macro_recall_is_the_mean_over_classes_of_the_share_that_wins_alone(seed: int) -> None:
    scores, labels = CLASSES.draw(np.random.default_rng(seed))
    shares = []
    for label in set(labels.tolist()):
        own = [row for row, truth in zip(scores, labels, strict=True) if truth == label]
        shares.append(sum(sum(s >= row[label] for s in row) == 1 for row in own) / len(own))
    assert classes.macro_recall(scores, labels) == pytest.approx(sum(shares) / len(shares))


@given(SEEDS)
@FEW
def test_the_credit_is_the_lowest_of_all_orders_that_the_scores_allow(seed: int) -> None:
    scores, truth = TAGS.draw(np.random.default_rng(seed))
    found = tags.top_tag_credit(scores, truth, more_than=1, per_hit=0.4, shown=3)
    for row, carried, credit in zip(scores.tolist(), truth.tolist(), found, strict=True):
        if sum(carried) <= 1:
            assert math.isnan(credit)
            continue
        order = sorted((i for i in range(4) if row[i] > -INF), key=lambda i: (-row[i], carried[i]))
        assert credit == pytest.approx(min(1.0, 0.4 * sum(carried[i] for i in order[:3])))


@given(SEEDS)
@FEW
def test_means_over_images_weigh_every_image_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = [localisation.localise(*image) for image in BOXES.draw(rng)]
    found = localisation.over_images(images)
    accuracies = [image.accuracy for image in images if image.true]
    expected = sum(accuracies) / len(accuracies) if accuracies else NAN
    assert found.accuracy == pytest.approx(expected, nan_ok=True)
