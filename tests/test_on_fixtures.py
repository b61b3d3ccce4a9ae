"""What comes out of the shipped data set: controls in their places, algorithms above chance."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

with suppress(ImportError):
    # Before the TensorFlow of anime-tags: the Triton that comes with it crashes after that.
    import torchvision  # noqa: F401

from tests.conftest import run_harness

pytestmark = [pytest.mark.slow, pytest.mark.long]

FIVE = "identification,region,mixed-media,similarity,detection"


def measured(tmp_path: Any, protocols: str, algorithms: str, *more: str) -> dict[Any, Any]:
    """Run algorithms over protocols and return the headline estimates."""
    ran = run_harness(
        *("run", "--protocol", protocols, "--algo", algorithms, "--json", "--out", tmp_path, *more),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    return {
        (run["protocol"], run["algorithm"]): run["metrics"]["pooled"][run["metrics"]["headline"]]
        for run in ran.json["runs"]
    }


def test_controls_are_where_they_must_be_on_all_five_use_cases(tmp_path: Any) -> None:
    found = measured(tmp_path, FIVE, "random,oracle,constant")
    assert len(found) == 15
    for (protocol, algorithm), headline in found.items():
        if algorithm == "oracle":
            assert headline["value"] == 1, protocol
        if algorithm == "random":
            assert headline["chance_low"] <= headline["value"] <= headline["chance_high"], protocol
        if algorithm == "constant" and protocol != "detection":
            assert headline["value"] == 0, protocol


@pytest.mark.parametrize(
    ("protocol", "algorithm"),
    [
        ("identification", "sift"),
        ("mixed-media", "sift"),
        ("detection", "hog-svm"),
        ("tagging", "anime-tags"),
        ("style", "inception-style"),
    ],
)
def test_real_algorithms_are_clearly_better_than_chance(
    tmp_path: Any, protocol: str, algorithm: str
) -> None:
    # Of anime-tags and inception-style one fold takes as long as two of the others.
    more = {
        "style": ("--param", "size=64", "--param", "batch_size=32"),
        "tagging": ("--param", "epochs=6"),
    }.get(protocol, ("--fold", "2"))
    headline = measured(tmp_path, protocol, algorithm, "--fold", "1", *more)[protocol, algorithm]
    assert headline["low"] > headline["chance_high"]
    assert headline["value"] < 1


@pytest.mark.parametrize(
    ("protocol", "algorithm"), [("similarity", "triplet"), ("closed-set", "anime-tags")]
)
def test_a_network_of_seconds_matches_unseen_tattoos_better_than_chance(
    tmp_path: Any, protocol: str, algorithm: str
) -> None:
    three = ("--fold", "1", "--fold", "2", "--fold", "3")
    # Of triplet two thirds of its steps are enough to see it.
    steps = ("--param", "iterations=140", "--param", "step=105")
    more = steps if algorithm == "triplet" else ()
    headline = measured(tmp_path, protocol, algorithm, *three, *more)[protocol, algorithm]
    assert headline["low"] > headline["chance"]
    assert headline["value"] > headline["chance_high"]


def test_styles_masks_and_searches_put_their_controls_where_they_must_be(tmp_path: Any) -> None:
    found = measured(tmp_path, "style,segmentation,search", "oracle,constant,majority")
    assert found["style", "oracle"]["value"] == found["segmentation", "oracle"]["value"] == 1
    assert found["style", "constant"]["value"] == 0
    majority = found["style", "majority"]
    assert majority["chance_low"] <= majority["value"] <= majority["chance_high"]
    # All is tattoo: the best answer that does not look, and no change of any order.
    everything = found["segmentation", "constant"]
    assert everything["value"] == pytest.approx(everything["chance"])
    assert found["search", "oracle"]["high"] < found["search", "constant"]["value"]


def test_a_learned_mask_is_clearly_better_than_calling_everything_tattoo(tmp_path: Any) -> None:
    few = ("--fold", "1", "--param", "iterations=50")
    found = measured(tmp_path, "segmentation", "fcn-alexnet", *few)
    headline = found["segmentation", "fcn-alexnet"]
    assert headline["low"] > headline["chance"]
    assert headline["value"] < 1
