"""RootSIFT with geometric verification: what a score counts, and that it finds the same tattoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness import FailureToEnroll
from harness.conformance import specimens
from harness.data.images import decode
from harness.plugins import registry
from harness.plugins.places import bundled
from harness.training.geometry import MODELS

Array = npt.NDArray[Any]


def sift(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("sift"))(**parameters)


def template(seed: int, count: int = 50) -> dict[str, Array]:
    """Keypoints in random places with descriptors that are like no others."""
    rng = np.random.default_rng(seed)
    root = np.sqrt(rng.dirichlet(np.full(128, 0.3), count))
    arrows = rng.normal(size=(count, 2)) * 5
    return {
        "place": np.concatenate([rng.uniform(0, 192, (count, 2)), arrows], axis=1),
        "descriptors": np.minimum(np.rint(512 * root), 255).astype(np.uint8),
    }


def moved(one: dict[str, Array], zoom: float, degrees: float) -> dict[str, Array]:
    turn = np.deg2rad(degrees)
    matrix = zoom * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    places = one["place"]
    return {
        "place": np.concatenate(
            [places[:, :2] @ matrix + [30, -7], places[:, 2:] @ matrix], axis=1
        ),
        "descriptors": one["descriptors"],
    }


def test_the_quality_of_an_image_is_the_share_of_its_keypoints_whatever_was_asked_before() -> None:
    pictures = specimens.ordinary().images
    matcher = sift(keypoints=400)
    counts = []
    for picture in pictures:
        try:
            counts.append(len(matcher.extract(picture)["descriptors"]))
        except FailureToEnroll as refused:
            counts.append(int(str(refused).split()[0]))
    shares = [min(1.0, count / 400) for count in counts]
    assert len(set(shares)) > 2
    assert [matcher.quality(picture) for picture in pictures] == shares
    assert [sift(keypoints=400).quality(picture) for picture in pictures] == shares


@pytest.mark.parametrize(("zoom", "degrees"), [(1, 0), (0.4, 75), (3, 200)])
def test_a_score_counts_the_keypoints_that_agree_on_one_transform(
    zoom: float, degrees: int
) -> None:
    one = template(0)
    ((score,),) = sift().compare([one], [moved(one, zoom, degrees)])
    # Fifty certain matches, each with a ratio of zero: 50 inliers and a fraction of 50/51.
    assert score == pytest.approx(50 + 50 / 51)


@pytest.mark.parametrize("model", MODELS)
def test_a_sampled_map_counts_the_same_keypoints_whatever_their_directions(model: str) -> None:
    one, other = template(0), moved(template(0), 0.4, 75)
    other["place"][:, 2:] = np.random.default_rng(5).normal(size=(50, 2))
    assert int(sift(model=model, tolerance=4.0).compare([one], [other])[0, 0]) == 50
    assert int(sift(tolerance=4.0).compare([one], [other])[0, 0]) < 25


def test_mutual_matches_are_those_of_both_directions() -> None:
    one, other = template(0, 30), template(1, 30)
    matcher = sift(mutual=True, ratio=1.0, angle=180.0, stretch=1e9, zoom=1e9, tolerance=1e9)
    # Everything agrees with everything, so that a score counts the matches.
    apart = one["descriptors"][:, None].astype(int) - other["descriptors"].astype(int)
    squares = (apart**2).sum(axis=2)
    here, there = squares.argmin(axis=1), squares.argmin(axis=0)
    both = int((there[here] == np.arange(30)).sum())
    assert 0 < both < 30
    assert int(matcher.compare([one], [other])[0, 0]) == both
    assert int(matcher.compare([other], [one])[0, 0]) == both


def test_equalised_contrast_finds_keypoints_of_faint_ink() -> None:
    faint = np.array(specimens.ordinary(bare=0).images[0], dtype=np.float64)
    faint = (faint.mean() + (faint - faint.mean()) / 8).astype(np.uint8)
    plain, equalised = (
        len(sift(minimum_keypoints=2, equalise=limit).extract(faint)["place"])
        for limit in (0.0, 8.0)
    )
    assert equalised > 1.3 * plain


def test_matches_that_agree_on_no_transform_count_for_almost_nothing() -> None:
    one = template(0)
    scattered = {**one, "place": one["place"][np.random.default_rng(1).permutation(50)]}
    ((score,),) = sift().compare([one], [scattered])
    assert 1 <= score < 6
    assert score % 1 == pytest.approx(50 / 51)


def test_a_mirror_image_does_not_agree() -> None:
    one = template(0)
    mirrored = {**one, "place": one["place"] * [-1, 1, -1, 1]}
    assert sift().compare([one], [mirrored])[0, 0] < 10


def test_a_zoom_beyond_the_limit_is_not_believed() -> None:
    one = template(0)
    assert int(sift(zoom=5.0).compare([one], [moved(one, 6, 0)])[0, 0]) == 0
    assert int(sift(zoom=7.0).compare([one], [moved(one, 6, 0)])[0, 0]) == 50


def test_keypoints_of_a_reference_that_look_alike_are_not_matched() -> None:
    one = template(0)
    doubled = {key: np.concatenate([part, part]) for key, part in one.items()}
    assert sift().compare([one], [doubled])[0, 0] == 0


def test_many_keypoints_on_one_of_the_reference_count_once() -> None:
    one = template(0)
    repeated = {key: np.repeat(part[:1], 9, axis=0) for key, part in one.items()}
    ((score,),) = sift().compare([repeated], [one])
    assert score == pytest.approx(1 + 1 / 2)


def test_scores_are_the_same_to_the_bit_however_the_comparisons_are_divided() -> None:
    rng = np.random.default_rng(2)
    drawn = [template(seed, int(rng.integers(2, 120))) for seed in range(60)]
    drawn += [moved(one, 1.3, 20) for one in drawn[:30]]
    matcher = sift(ratio=1.0)
    whole = matcher.compare(drawn[:20], drawn)
    order = rng.permutation(len(drawn))
    for part in np.split(order, [1, 4, 50]):
        references = [drawn[i] for i in part]
        assert np.array_equal(matcher.compare(drawn[:20], references), whole[:, part])


def test_products_of_the_largest_descriptors_are_exact_in_single_precision() -> None:
    """A sum of 128 products is at most the product of two lengths, and those are near 512."""
    lengths = [
        np.linalg.norm(template(seed)["descriptors"].astype(float), axis=1).max()
        for seed in range(9)
    ]
    assert max(lengths) < 530
    assert 530**2 * 4 < 2**24


def test_an_image_with_too_few_keypoints_fails_to_enrol_and_says_how_many() -> None:
    with pytest.raises(FailureToEnroll, match="0 keypoints; needs 4"):
        sift().extract(np.full((50, 50, 3), 128, dtype=np.uint8))


def test_small_images_are_scaled_up_so_that_there_is_something_to_find() -> None:
    small = [image[::5, ::5] for image in specimens.ordinary(bare=0).images]
    assert max(max(image.shape) for image in small) <= 28
    scaled_up, as_they_are = (
        np.median([len(sift(size=size, minimum_keypoints=2).extract(i)["place"]) for i in small])
        for size in (192, 32)
    )
    assert scaled_up > 1.5 * as_they_are


def test_no_more_than_the_strongest_keypoints_are_kept() -> None:
    image = np.random.default_rng(0).integers(0, 255, (150, 150, 3), dtype=np.uint8)
    assert len(sift().extract(image)["descriptors"]) == pytest.approx(200, abs=10)
    assert len(sift(keypoints=20).extract(image)["descriptors"]) == pytest.approx(20, abs=5)


def test_pictures_of_the_same_drawing_score_above_pictures_of_others() -> None:
    pictures = specimens.ordinary(drawings=6, pictures=2, bare=0)
    matcher = sift()
    templates = [matcher.extract(image) for image in pictures.images]
    scores = matcher.compare(templates[0::2], templates[1::2])
    mated = np.diag(scores)
    assert np.mean(scores.argmax(axis=1) == np.arange(6)) >= 5 / 6
    assert np.median(mated) > 2 * np.median(scores)


@pytest.mark.parametrize(
    ("use_case", "at_least"),
    [("tattoo_identification", 0.8), ("region_of_interest", 0.6), ("mixed_media", 0.45)],
)
def test_it_finds_tattoos_of_the_bundled_set_far_above_chance(
    use_case: str, at_least: float
) -> None:
    mini = bundled("fixtures") / "mini"
    lists = mini / "5-fold" / use_case
    truth = {tuple(line.split("|")) for line in (lists / "ground_truth.txt").read_text().split()}
    matcher = sift()
    hits: list[bool] = []
    for fold in ("1", "2"):
        probes = (lists / f"probes{fold}.txt").read_text().split()
        gallery = (lists / f"gallery{fold}.txt").read_text().split()
        here = _templates(matcher, mini / use_case / "images", probes)
        there = _templates(matcher, mini / use_case / "images", gallery)
        scores = matcher.compare(list(here.values()), list(there.values()))
        best = scores.argmax(axis=1)
        pairs = zip(here, (list(there)[b] for b in best), strict=True)
        hits += [pair in truth for pair in pairs] + [False] * (len(probes) - len(here))
    assert np.mean(hits) >= at_least


def _templates(matcher: Any, folder: Path, names: list[str]) -> dict[str, Any]:
    made = matcher.extract_batch([decode(folder / name) for name in names])
    return {
        name: one
        for name, one in zip(names, made, strict=True)
        if not isinstance(one, FailureToEnroll)
    }
