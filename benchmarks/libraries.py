"""What a library does as well: our code beside it, with the largest difference of the results."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers import peer
from benchmarks.timing import Contender, Timing, absent, race

Floats = npt.NDArray[np.float64]


def intervals(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race the two intervals of a proportion."""
    from harness.statistics.intervals import clopper_pearson, wilson

    sizes = (0, 1, 17, 99_999, 100_000) if quick else tuple(range(0, 100_001, 500))

    def ours(rule: Callable[[int, int], Any]) -> Callable[[], Floats]:
        return lambda: np.array([(i.low, i.high) for i in (rule(k, 100_000) for k in sizes)])

    expected = {"wilson": ours(wilson)(), "exact": ours(clopper_pearson)()}
    contenders = {
        "harness, Wilson": Contender(ours(wilson)),
        "harness, Clopper-Pearson": Contender(ours(clopper_pearson)),
    }
    stats = peer("scipy.stats")
    if not isinstance(stats, str):
        for method in expected:
            contenders[f"scipy binomtest, {method}"] = _binomtest(
                stats, method, sizes, expected[method]
            )
    title = f"Intervals: {len(sizes)} proportions of 100,000 trials"
    return title, race(contenders, "harness, Wilson", turns) + missing(stats)


def _binomtest(stats: Any, method: str, sizes: tuple[int, ...], expected: Floats) -> Contender:
    return Contender(
        lambda: [stats.binomtest(k, 100_000).proportion_ci(method=method) for k in sizes],
        lambda found: differs(found, expected),
    )


def band_of_chance(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race the central interval of a sum of trials with probabilities of their own."""
    from harness.statistics.intervals import poisson_binomial_interval

    trials = 2_000 if quick else 100_000
    p = np.random.default_rng(0).choice([0.01, 0.013, 0.2, 0.5], trials)
    expected = np.array(poisson_binomial_interval(p))
    contenders = {"harness": Contender(lambda: np.array(poisson_binomial_interval(p)))}
    stats = peer("scipy.stats")
    if not isinstance(stats, str):
        low, high = (round(end * trials) for end in expected)
        contenders["scipy poisson_binom.cdf, 4 points"] = Contender(
            lambda: stats.poisson_binom.cdf([low - 1, low, high - 1, high], p),
            lambda found: ("same ends" if _bracketed(found) else "other ends") + _of_ppf(stats, p),
        )
    title = f"Band of chance: {trials:,} trials of different probabilities"
    return title, race(contenders, "harness", turns) + missing(stats)


def _bracketed(cdf: Floats) -> bool:
    """Whether both ends are quantiles by the distribution function at and before each."""
    return bool(cdf[0] <= 0.025 < cdf[1] and cdf[2] < 0.975 <= cdf[3])


def _of_ppf(stats: Any, p: Floats) -> str:
    """Say so where SciPy's own quantiles cannot be had of as many trials."""
    try:
        stats.poisson_binom.ppf(0.025, p)
    except ValueError as reason:
        return f"; its ppf fails: {reason}"[:60]
    return ""


def ssim(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race structural similarity of pictures in colour, all whole windows."""
    from harness.metrics.restoration import ssim as ours

    side = 64 if quick else 512
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (side, side, 3), np.uint8)
    other = np.clip(one + rng.normal(0, 20, one.shape), 0, 255).astype(np.uint8)
    expected = ours(other, one)
    contenders = {"harness": Contender(lambda: ours(other, one))}
    skimage, torchmetrics = peer("skimage.metrics"), peer("torchmetrics.functional.image")
    if not isinstance(skimage, str):
        contenders["scikit-image"] = Contender(
            lambda: skimage.structural_similarity(
                other,
                one,
                data_range=255,
                channel_axis=2,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            ),
            lambda found: differs(found, expected),
        )
    if not isinstance(torchmetrics, str):
        import torch

        stacks = [
            torch.from_numpy(x.astype(np.float64)).permute(2, 0, 1)[None] for x in (other, one)
        ]
        contenders["torchmetrics"] = Contender(
            lambda: float(
                torchmetrics.structural_similarity_index_measure(*stacks, data_range=255.0)
            ),
            lambda found: differs(found, expected),
        )
    title = f"SSIM: {side} x {side} pixels in three channels"
    return title, race(contenders, "harness", turns) + missing(skimage, torchmetrics)


def augmentation(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race warps and colours of a batch on the processor, each image in its own way."""
    import torch

    from harness.training.augmentation import ColourJitter, flipped, warped

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    images = torch.rand(4 if quick else 64, 3, 64, 64)
    contenders = {
        "harness, warped": Contender(lambda: warped(images, 1.0)),
        "harness, flipped": Contender(lambda: flipped(images)),
        "harness, ColourJitter": Contender(lambda: ColourJitter()(images)),
    }
    kornia = peer("kornia.augmentation")
    if not isinstance(kornia, str):
        affine = kornia.RandomAffine(
            15, (0.1, 0.1), (0.8, 1.2), padding_mode="border", p=1.0, align_corners=False
        )
        flips = torch.nn.Sequential(kornia.RandomHorizontalFlip(), kornia.RandomVerticalFlip())
        jitter = kornia.ColorJitter((0.5, 1.5), (0.0, 2.0), (0.5, 1.5), (-0.1, 0.1), p=1.0)
        contenders |= {
            "kornia RandomAffine": Contender(lambda: affine(images), lambda _: "draws of its own"),
            "kornia flips": Contender(lambda: flips(images), lambda _: "draws of its own"),
            "kornia ColorJitter": Contender(
                lambda: jitter(images), lambda _: "draws of its own; " + _colours(images)
            ),
        }
    title = f"Augmentation: {len(images)} pictures of 64 x 64 in colour, one thread"
    return title, race(contenders, "harness, warped", turns) + missing(kornia)


def _colours(images: Any) -> str:
    """Say how far kornia's changes of colour are from torchvision's, by the same factors."""
    enhance: Any = peer("kornia.enhance")
    ours: Any = peer("torchvision.transforms.v2.functional")
    pairs = {
        "brightness": (ours.adjust_brightness, enhance.adjust_brightness_accumulative, 1.3),
        "contrast": (ours.adjust_contrast, enhance.adjust_contrast_with_mean_subtraction, 0.7),
        "saturation": (
            ours.adjust_saturation,
            enhance.adjust_saturation_with_gray_subtraction,
            1.2,
        ),
    }
    found = {
        name: float((one(images, factor) - other(images, factor)).abs().max())
        for name, (one, other, factor) in pairs.items()
    }
    hue = enhance.adjust_hue(images, 0.05 * 2 * np.pi) - ours.adjust_hue(images, 0.05)
    found["hue"] = float(hue.abs().max())
    return "same factors: " + ", ".join(f"{name} {value:.1g}" for name, value in found.items())


def junit(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race a JUnit file of many cases, a tenth of them failures."""
    import xml.etree.ElementTree as ET

    cases = [
        (f"search {i}", "a failure" if i % 10 == 0 else "") for i in range(10 if quick else 2_000)
    ]

    def ours() -> str:
        suite = ET.Element("testsuite", {"name": "gate", "tests": str(len(cases))})
        for name, reason in cases:
            case = ET.SubElement(suite, "testcase", name=name, classname="gate")
            if reason:
                ET.SubElement(case, "failure", {"message": reason, "type": "regressed"})
        return ET.tostring(suite, encoding="unicode")

    contenders = {"ElementTree, as harness gate": Contender(ours)}
    package = peer("junitparser")
    if not isinstance(package, str):

        def theirs() -> str:
            suite = package.TestSuite("gate")
            for name, reason in cases:
                case = package.TestCase(name, "gate")
                if reason:
                    case.result = [package.Failure(reason, "regressed")]
                suite.add_testcase(case)
            return str(suite.tostring(), "utf-8")

        def check(text: str) -> str:
            root, other = ET.fromstring(text), ET.fromstring(ours())  # noqa: S314
            same = [dict(a.attrib) for a in root.iter("failure")] == [
                dict(b.attrib) for b in other.iter("failure")
            ]
            return "same failures" if same else "other failures"

        contenders["junitparser"] = Contender(theirs, check)
    title = f"JUnit XML: {len(cases):,} test cases"
    return title, race(contenders, "ElementTree, as harness gate", turns) + missing(package)


def differs(found: Any, expected: Any) -> str:
    """Say how far numbers are apart."""
    most = float(np.max(np.abs(np.asarray(found) - np.asarray(expected)), initial=0.0))
    return f"differs by at most {most:.1e}" if most else "same numbers"


def missing(*packages: Any) -> list[Timing]:
    """Return a line for each package that is not there."""
    return [absent("another package", reason) for reason in packages if isinstance(reason, str)]
